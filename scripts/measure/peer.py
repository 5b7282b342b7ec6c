"""A light peer: the client's real link, attendance, outbox and replicas, and nothing for people, so that a process can
be a thousand of them. To the server it is a client like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from udpchat.client.groups import Groups
from udpchat.client.link import Link, LinkRenewed, LinkSettings
from udpchat.client.membership import Membership
from udpchat.client.profile import Profile
from udpchat.session import group
from udpchat.session.noise import KeyPair
from udpchat.session.timers import earliest
from udpchat.sync.exactly_once import Outbox
from udpchat.sync.uplink import Uplink
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import (
    Down,
    EnterRefused,
    Entries,
    EntryFragment,
    FollowRefused,
    GroupKey,
    Head,
    Heads,
    PathCheck,
    PathReply,
    Result,
    Welcome,
    encode,
)
from udpchat.wire.limits import GROUPS, INSTANCE_BYTES, KEY_BYTES
from udpchat.wire.packets import GROUP_KIND, Address
from udpchat.wire.requests import Say

VERIFIED_MAX = 256


class SharedVerifier:
    """As Ed25519PublicKey, but of what many peers of a process are sent at once, only one verifies the signature: each
    would on its own machine, and the server is what is measured.
    """

    _verified: ClassVar[dict[tuple[bytes, bytes, bytes], None]] = {}

    def __init__(self, public: bytes) -> None:
        self._public = public
        self._key = Ed25519PublicKey.from_public_bytes(public)

    @classmethod
    def from_public_bytes(cls, public: bytes) -> SharedVerifier:
        """As there."""
        return cls(public)

    def verify(self, signature: bytes, signed: bytes) -> None:
        """As there."""
        checked = self._public, signature, signed
        if checked not in self._verified:
            self._key.verify(signature, signed)
            self._verified[checked] = None
            if len(self._verified) > VERIFIED_MAX:
                del self._verified[next(iter(self._verified))]


setattr(group, "Ed25519PublicKey", SharedVerifier)  # noqa: B010 - where it is used


class Peer:
    """One device in one room. `on_message` is told the sequence of each message, in order; `on_result` of answers."""

    def __init__(self, now: float, server: Address, *, nick: str, room: str) -> None:
        self._room = room
        profile = Profile(KeyPair(os.urandom(KEY_BYTES)), nick, (room,), "", lambda key: None, capabilities=(GROUPS,))
        self._link = Link(now, LinkSettings(profile, os.urandom(INSTANCE_BYTES), server, os.urandom))
        self._membership = Membership(nick, (room,), "bench")
        self._outbox = Outbox()
        self._uplink = Uplink(os.urandom)
        self._groups = Groups(now, self._uplink)
        self._urgent: list[bytes] = []
        self.on_message: Callable[[int], None] = lambda sequence: None
        self.on_result: Callable[[], None] = lambda: None

    @property
    def is_entered(self) -> bool:
        """Whether the server has let it into its room."""
        return self._membership.is_complete

    @property
    def sequence(self) -> int:
        """How far it holds the room's log."""
        replica = self._uplink.get("#" + self._room)
        return 0 if replica is None else replica.sequence

    @property
    def unanswered(self) -> int:
        """How much of what it said has no result yet."""
        return len(self._outbox)

    def say(self, now: float, text: str) -> None:
        """Say something in its room."""
        self._outbox.release(now, self._outbox.add(encode(Say(self._room, 0, text))))
        self._flush(now)

    def receive(self, now: float, datagrams: list[bytes]) -> None:
        """Datagrams from the server."""
        for datagram in datagrams:
            try:
                if datagram[:1] == GROUP_KIND:
                    self._groups.receive_untrusted(now, datagram, self._uplink.receive_entries)
                    self._report_messages()
                    continue
                frames, counter = self._link.receive_untrusted(now, datagram)
            except BadDatagram:
                continue
            self._after_link(now)
            is_taken = all([self._on_frame(now, frame) for frame in frames])
            if counter is not None and is_taken:
                self._uplink.on_packet(now, counter)
        self._after_link(now)
        self._flush(now)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        self._link.handle_timeout(now)
        self._after_link(now)
        self._flush(now)

    def next_timeout(self) -> float | None:
        """When something is due."""
        timeouts = [self._link.next_timeout()]
        if self._link.session is not None:
            timeouts += [self._membership.next_timeout(), self._uplink.next_timeout()]
            if self._membership.is_welcome:
                timeouts.append(self._outbox.next_timeout())
        return earliest(*timeouts)

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent."""
        return self._link.drain_transmits()

    def _after_link(self, now: float) -> None:
        for event in self._link.drain_events():
            if isinstance(event, LinkRenewed):
                self._groups.reset()
                self._membership.renew(now)
                self._uplink.on_session(now)
                self._outbox.restart(now)
                self._outbox.seed_round_trip(event.round_trip_s)

    def _on_frame(self, now: float, frame: Down) -> bool:
        is_taken = True
        match frame:
            case Entries() | EntryFragment():
                is_taken = self._uplink.receive_entries(now, frame)
            case Result():
                if self._outbox.on_result(now, frame.counter) is not None:  # else it came before
                    self.on_result()
            case Heads():
                for head in frame.heads:
                    self._on_head(head)
                self._uplink.on_heads(now, 0.0)
            case Welcome():
                self._link.set_heartbeat(now, frame.heartbeat_ms / 1000)
                self._membership.is_welcome = True
            case GroupKey():
                self._groups.receive_key(now, frame)
            case PathCheck():
                self._urgent.append(encode(PathReply(frame.token)))
            case EnterRefused() | FollowRefused():
                raise RuntimeError(f"refused: {frame.code} {frame.detail}")
        self._report_messages()
        return is_taken

    def _on_head(self, head: Head) -> None:
        if self._uplink.get(head.log) is None:
            self._uplink.open(head.log, generation=head.generation, sequence=head.entered)
            if head.log.startswith("#"):
                self._membership.on_followed(head.log[1:], 0)  # it never left a room
        self._uplink.receive_head(head)

    def _report_messages(self) -> None:
        for received in self._uplink.drain_received():
            if received.log.startswith("#"):
                for offset in range(len(received.entries)):
                    self.on_message(received.first + offset)

    def _flush(self, now: float) -> None:
        if self._link.session is None:
            return
        due, self._urgent = self._urgent, []
        asking = self._membership.drain_frames(now)
        if self._membership.is_welcome:
            asking += self._outbox.drain_frames(now)
        asking += self._link.drain_pings(now)
        due += asking
        acks = self._uplink.drain_acks(now, is_sending=bool(due))
        if acks or due:
            due += self._groups.drain_ready()
        self._link.send(now, acks + due, is_asking=bool(asking))
