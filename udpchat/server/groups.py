"""Which followers of a log are sent group packets, and under which key (SPEC 5.8). Pure.

A follower is a member of the group once it has answered the key of the present epoch; until then, its entries go in its
session, and the key with them. So nobody is sent what it cannot open, and a new epoch costs no more than one message
that goes to all in their sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from udpchat.chat.ids import ROOM_PREFIX, ROSTER_PREFIX
from udpchat.server.registry import Peer
from udpchat.session.group import GroupSender, GroupSigner
from udpchat.sync.log_stream import LogStream
from udpchat.sync.shared import SharedEntries
from udpchat.wire.content import Reason
from udpchat.wire.frames import GroupKey, GroupReady, encode
from udpchat.wire.limits import GROUP_REST_S, GROUP_ROTATION_S_MIN, GROUPS, KEY_BYTES

ROTATES_AT_ONCE: Final[dict[Reason, bool]] = {  # whether the key is void at once when somebody leaves for this reason
    Reason.QUIT: False,
    Reason.TIMED_OUT: False,
    Reason.PARTED: False,
    Reason.PROTOCOL_VIOLATION: False,
    Reason.DISPLACED: False,
    Reason.KICKED: True,
    Reason.STOPPING: False,
}
OFFER_S_MIN: Final = 0.25
OFFER_ACK_DELAYS: Final = 2.0  # the answer comes with an ack
OFFER_S_MAX: Final = 8.0
CHECK_S_MIN: Final = 1.0
CHECK_ACK_DELAYS: Final = 2.0  # so long after an entry, everybody has acknowledged it
MISSED_MIN: Final = 8
MISSED_SHARE: Final = 0.125


def _no_random(count: int) -> bytes:
    raise AssertionError("keys need chance")


@dataclass(slots=True)
class _Offer:
    """The key of the present epoch was sent; it is sent again with the first entries from `next_at` on."""

    next_at: float
    wait_s: float


class Group:
    """The group of one log. `members`: who is sent its packets, in the order in which they answered."""

    __slots__ = (
        "_began_at", "_check_at", "_heads", "_offers", "_random", "_rests", "_rotates_at", "_signer", "_stream",
        "members", "sender", "shared",
    )  # fmt: skip

    def __init__(
        self, now: float, stream: LogStream, number: int, signer: GroupSigner, random: Callable[[int], bytes]
    ) -> None:
        self._stream = stream
        self.shared = stream.shared = SharedEntries()
        self._signer = signer
        self._random = random
        self.sender = GroupSender(number, 0, random(KEY_BYTES), signer)
        self.members: dict[Peer, None] = {}
        self._offers: dict[Peer, _Offer] = {}  # of all who were sent the key
        self._rests: dict[Peer, float] = {}  # until when they are sent no group packets
        self._began_at = now
        self._rotates_at = inf
        self._check_at = now
        self._heads = 0, 0  # of the log, at the last check and the one before

    # --- Keys ----------

    def rotate(self, now: float) -> None:
        """Begin a new epoch, if that is due: nobody has its key yet."""
        if now < self._rotates_at:
            return
        self.sender = GroupSender(self.sender.group, self.sender.epoch + 1, self._random(KEY_BYTES), self._signer)
        self.members.clear()
        self._offers.clear()
        self._began_at, self._rotates_at = now, inf

    def offer(self, now: float, peer: Peer) -> bytes | None:
        """The key, if it is to be sent to this follower with the entries that go in its session."""
        log, ack_delay_s = self._stream.log, self._stream.ack_delay_s
        if GROUPS not in peer.author.capabilities or not peer.downlink.subscriptions[log].is_known:
            return None
        if now < self._rests.get(peer, 0.0):
            return None
        self._rests.pop(peer, None)
        offer = self._offers.get(peer)
        if offer is None:
            wait_s = max(OFFER_S_MIN, OFFER_ACK_DELAYS * ack_delay_s)
            offer = self._offers[peer] = _Offer(now, wait_s)
        if now < offer.next_at:
            return None
        offer.next_at, offer.wait_s = now + offer.wait_s, max(min(2 * offer.wait_s, OFFER_S_MAX), offer.wait_s)
        sender = self.sender
        return encode(GroupKey(log, sender.group, sender.epoch, sender.key, self._signer.public))

    def on_ready(self, peer: Peer, epoch: int) -> None:
        """A follower has reported that it has the key of an epoch."""
        if epoch == self.sender.epoch and peer in self._offers and peer not in self._rests:
            self.members[peer] = None

    def exclude(self) -> None:
        """Somebody may not read a log any more: whoever has left since the present epoch began may be that one."""
        if self._rotates_at < inf:
            self._rotates_at = -inf

    def on_session(self, now: float, peer: Peer) -> None:
        """A follower has made another session, maybe as another process: it may not have the key any more."""
        self.members.pop(peer, None)
        if peer in self._offers:
            self._offers[peer].next_at = now

    def leave(self, peer: Peer, reason: Reason) -> None:
        """A follower has gone, who knows the key if it was sent to it."""
        self.members.pop(peer, None)
        self._rests.pop(peer, None)
        if self._offers.pop(peer, None) is not None:
            due = -inf if ROTATES_AT_ONCE[reason] else self._began_at + GROUP_ROTATION_S_MIN
            self._rotates_at = min(self._rotates_at, due)

    # --- Who hears it ----------

    def check(self, now: float) -> list[Peer]:
        """From time to time: have those rest who lose too much, or acknowledge nothing; who else is behind."""
        if now < self._check_at:
            return []
        stream, (before, earlier) = self._stream, self._heads
        self._check_at = now + max(CHECK_S_MIN, CHECK_ACK_DELAYS * stream.ack_delay_s)
        self._heads = stream.head, before
        missed_max = max(MISSED_MIN, MISSED_SHARE * (stream.head - before))
        behind = []
        for peer in list(self.members):
            subscription = peer.downlink.subscriptions[stream.log]
            if subscription.missed > missed_max or subscription.sequence < earlier:
                del self.members[peer]
                self._rests[peer] = now + GROUP_REST_S
            elif subscription.sequence < before:
                behind.append(peer)
            subscription.missed = 0
        return behind


class Groups:
    """The groups of all logs that have one. `peers_min`: how many followers that takes; inf: none has."""

    __slots__ = ("_by_number", "_groups", "_peers_min", "_random", "_signer")

    def __init__(self, random: Callable[[int], bytes] = _no_random, peers_min: float = inf) -> None:
        self._random = random
        self._peers_min = peers_min
        self._signer: GroupSigner | None = None  # until there is a group
        self._groups: dict[LogStream, Group] = {}
        self._by_number: dict[int, Group] = {}

    def in_use(self, now: float, stream: LogStream) -> Group | None:
        """The group for what is new in a log; made when enough follow it, and in use until few do."""
        group = self._groups.get(stream)
        if group is None:
            if stream.followers < self._peers_min or stream.log[0] not in (ROOM_PREFIX, ROSTER_PREFIX):
                return None
            group = self._begin(now, stream)
        group.shared.is_in_use = 2 * stream.followers >= self._peers_min
        if not group.shared.is_in_use:
            return None
        group.rotate(now)
        return group

    def _begin(self, now: float, stream: LogStream) -> Group:
        if self._signer is None:
            self._signer = GroupSigner(self._random(KEY_BYTES))
        number = int.from_bytes(self._random(4), "big")
        while number in self._by_number:
            number = int.from_bytes(self._random(4), "big")
        group = self._groups[stream] = self._by_number[number] = Group(now, stream, number, self._signer, self._random)
        return group

    def on_ready(self, peer: Peer, ready: GroupReady) -> None:
        """A peer has answered a key."""
        if (group := self._by_number.get(ready.group)) is not None:
            group.on_ready(peer, ready.epoch)

    def on_session(self, now: float, peer: Peer) -> None:
        """A peer has made another session."""
        for subscription in peer.downlink.subscriptions.values():
            if (group := self._groups.get(subscription.stream)) is not None:
                group.on_session(now, peer)

    def exclude(self) -> None:
        """Somebody may not read something any more."""
        for group in self._groups.values():
            group.exclude()

    def leave(self, peer: Peer, stream: LogStream, reason: Reason) -> None:
        """A peer follows a log no longer."""
        if (group := self._groups.get(stream)) is None:
            return
        group.leave(peer, reason)
        if not stream.followers:
            del self._groups[stream], self._by_number[group.sender.group]
