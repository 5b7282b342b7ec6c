"""A light peer: the client's real link, attendance, outbox and replicas, and nothing for people, so that a process can
be a thousand of them. To the server it is a client like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from udpchat.client.link import Link
from udpchat.client.membership import Membership
from udpchat.session.noise import KeyPair
from udpchat.sync.replica import Replica
from udpchat.sync.requests import Outbox
from udpchat.wire.bodies import Say
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import (
    Down,
    Entries,
    EntryFragment,
    Head,
    Heads,
    PathCheck,
    PathReply,
    Ping,
    Refused,
    Result,
    Welcome,
    encode,
)
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES
from udpchat.wire.packets import Address


class Peer:
    """One device in one room. `on_message` is told the sequence of each message, in order; `on_result` of answers."""

    def __init__(self, now: float, server: Address, *, nick: str, room: str) -> None:
        self._room = room
        self._link = Link(
            now,
            static=KeyPair(os.urandom(KEY_BYTES)),
            instance=os.urandom(INSTANCE_BYTES),
            check_server=lambda key: True,
            address=server,
            random=os.urandom,
        )
        self._membership = Membership(nick, (room,), "bench")
        self._outbox = Outbox()
        self._replicas: dict[str, Replica] = {}
        self._changed: dict[str, None] = {}
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
        return self._replicas["#" + self._room].sequence

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
                frames, counter = self._link.receive_untrusted(now, datagram)
            except BadDatagram:
                continue
            self._after_link(now)
            is_taken = all([self._on_frame(now, frame) for frame in frames])
            if counter is not None and is_taken:
                self._link.acks.on_packet(now, counter)
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
            timeouts += [self._membership.next_timeout(), self._link.acks.next_timeout()]
            if self._membership.is_welcome:
                timeouts.append(self._outbox.next_timeout())
        return min((timeout for timeout in timeouts if timeout is not None), default=None)

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent."""
        return self._link.drain_transmits()

    def _after_link(self, now: float) -> None:
        if self._link.has_renewed:
            self._link.has_renewed = False
            self._membership.renew(now)
            self._changed = dict.fromkeys(self._replicas)
            self._link.acks.on_entries(now, 0.0, 0.0)
            self._outbox.restart(now)
            self._outbox.seed_round_trip(self._link.round_trip_s)

    def _on_frame(self, now: float, frame: Down) -> bool:
        match frame:
            case Entries(log=log) | EntryFragment(log=log):
                self._link.acks.on_entries(now, frame.ack_delay_ms / 1000, os.urandom(1)[0] / 0xFF)
                replica = self._replicas.get(log)
                return replica is not None and self._take(replica, frame)
            case Result():
                if self._outbox.on_result(now, frame.counter) is not None:  # else it came before
                    self.on_result()
            case Heads():
                for head in frame.heads:
                    self._on_head(head)
                if any(replica.has_gap for replica in self._replicas.values()):
                    self._link.acks.on_gap(now)
                self._link.acks.on_entries(now, 0.0, 0.0)
            case Welcome():
                self._link.set_heartbeat(now, frame.heartbeat_ms / 1000)
                self._membership.is_welcome = True
            case PathCheck():
                self._urgent.append(encode(PathReply(frame.token)))
            case Refused():
                raise RuntimeError(f"refused: {frame.code}: {frame.text}")
        return True

    def _on_head(self, head: Head) -> None:
        if head.log not in self._replicas:
            self._replicas[head.log] = Replica(head.log, generation=head.generation, sequence=head.entered)
            if head.log.startswith("#"):
                self._membership.on_followed(head.log[1:])
        self._replicas[head.log].on_head(head)
        self._changed[head.log] = None

    def _take(self, replica: Replica, frame: Entries | EntryFragment) -> bool:
        if isinstance(frame, Entries):
            is_taken = replica.on_entries(frame.first, [bytes(entry) for entry in frame.entries])
        else:
            is_taken = replica.on_fragment(frame)
        self._changed[replica.log] = None
        is_message = replica.log.startswith("#")
        for sequence, _ in replica.drain_entries():
            if is_message:
                self.on_message(sequence)
        return is_taken

    def _flush(self, now: float) -> None:
        link = self._link
        if link.session is None:
            return
        due, self._urgent = self._urgent, []
        asking = self._membership.drain_frames(now)
        if self._membership.is_welcome:
            asking += self._outbox.drain_frames(now)
        if link.is_ping_due:
            asking.append(encode(Ping(0)))
        due += asking
        ack_due = link.acks.next_timeout()
        if ack_due is not None and (now >= ack_due or due):
            gaps = [log for log, replica in self._replicas.items() if replica.has_gap]
            cursors = [self._replicas[log].cursor() for log in {**self._changed, **dict.fromkeys(gaps)}]
            self._changed.clear()
            due = link.ack_frames(now, cursors, has_gap=bool(gaps)) + due
        link.send(now, due, is_asking=bool(asking))
