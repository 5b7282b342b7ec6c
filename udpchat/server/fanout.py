"""How what is new in logs reaches the peers that follow them (SPEC 5). Only this module decides that.

What a log has grown by is encoded once (`LogStream`). In a large room it is sealed once too, for all members of the
group (`Groups`). Every other follower is sent packets of its own: what is new is queued for it (`Downlink`), packed
with what else is due to it, and sealed in its session.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from heapq import nsmallest
from itertools import islice
from typing import Final

from udpchat.server.copies import Copies
from udpchat.server.credit import Ledger
from udpchat.server.groups import Group, Groups
from udpchat.server.registry import Peer
from udpchat.sync.log_stream import EncodedEntries, LogStream
from udpchat.wire.content import Reason
from udpchat.wire.frames import Head, Heads, encode, pack
from udpchat.wire.limits import GROUP_BODY_BYTES_MAX
from udpchat.wire.packets import Address

NEW_FLUSHED_FIRST_MAX: Final = 16  # in a turn
NEW_PACKETS_MAX: Final = 8  # sent to a new peer in its session: what it enters with
PUBLISHED_AT_ONCE_MAX: Final = 128  # followers of a log: for 1,400 it would take the loop some 8 ms


def holders(peers: Iterable[Peer], log: str, sequence: int) -> list[Peer]:
    """Of these followers of a log, those that have acknowledged all of its entries up to a sequence."""
    return [peer for peer in peers if peer.downlink.subscriptions[log].sequence >= sequence]


class Fanout:
    """Which peers follow which streams, and which of them are in groups.

    `copies`: group packets on their way. `to_flush`: peers that may have packets to send; `later`: those that a turn
    had no time for; `to_arm`: streams that may have a timer to arm. These are dicts, not sets, so that the order of
    sending does not depend on memory addresses.

    What is new in a log with many followers is queued for each when it is flushed, so that no turn is for all of them.
    """

    __slots__ = (
        "_followers", "_grown", "_ledger", "_unpublished", "copies", "groups", "later", "to_arm", "to_flush",
    )  # fmt: skip

    def __init__(self, ledger: Ledger, groups: Groups | None = None) -> None:
        self._ledger = ledger
        self.groups = groups or Groups()
        self.copies = Copies(ledger)
        self._grown: dict[LogStream, list[EncodedEntries]] = {}  # what is new in logs with groups, and not shared yet
        self._followers: dict[LogStream, dict[Peer, None]] = {}
        self._unpublished: dict[LogStream, dict[Peer, None]] = {}  # followers that have yet to be flushed
        self.to_flush: dict[Peer, None] = {}
        self.later: dict[Peer, None] = {}
        self.to_arm: dict[LogStream, None] = {}

    def followers(self, stream: LogStream) -> Iterable[Peer]:
        """The peers that follow a stream, in the order in which they began to."""
        return self._followers.get(stream, ())

    def others(self, peer: Peer, stream: LogStream) -> list[Peer]:
        """The devices of other users that follow a stream with this peer."""
        return [follower for follower in self.followers(stream) if follower.key != peer.key]

    def follow(self, now: float, peer: Peer, stream: LogStream) -> None:
        """A peer follows a log, or requests it again."""
        self._followers.setdefault(stream, {})[peer] = None
        peer.downlink.ends.forget(stream.log)
        peer.downlink.follow(now, stream)
        self.to_flush[peer] = None

    def unfollow(self, peer: Peer, stream: LogStream, reason: Reason) -> None:
        """A peer that follows a log does so no longer."""
        peer.downlink.unfollow(stream.log)
        self.groups.leave(peer, stream, reason)
        followers = self._followers[stream]
        del followers[peer]
        if not followers:
            del self._followers[stream]
        self._take_unpublished(peer, stream)

    def end(self, now: float, peer: Peer, log: str, frame: bytes) -> None:
        """A peer follows a log no longer, and did not ask for that: tell it so."""
        peer.downlink.ends.add(now, log, frame)
        self.send(peer, frame)

    def send(self, peer: Peer, frame: bytes) -> None:
        peer.downlink.send(frame)
        self.to_flush[peer] = None

    def extend(self, now: float, stream: LogStream, entries: list[bytes]) -> None:
        """A log has grown by these entries, durably: send them to its followers."""
        self.to_arm[stream] = None
        is_shared = bool(entries) and self.groups.in_use(now, stream) is not None
        frames = stream.extend(now, entries)
        if frames and is_shared:
            self._grown.setdefault(stream, []).extend(frames)
        elif frames:
            self._queue(stream, frames, self._followers[stream])

    def _queue(self, stream: LogStream, frames: list[EncodedEntries], followers: Collection[Peer]) -> None:
        """Queue what is new for these followers; if they are many, when each is flushed."""
        if len(followers) > PUBLISHED_AT_ONCE_MAX or stream in self._unpublished:
            self._await_flush(stream, followers)
        else:
            for peer in followers:
                peer.downlink.publish(stream.log, frames)
            self.to_flush.update(dict.fromkeys(followers))

    def _await_flush(self, stream: LogStream, followers: Collection[Peer]) -> None:
        """Queue for each of these what is new, or else the head of the log, when it is flushed."""
        waiting = dict.fromkeys(followers)
        self._unpublished.setdefault(stream, {}).update(waiting)
        self.to_flush.update(waiting)

    def share(self, now: float) -> list[LogStream]:
        """Seal what is new in logs with groups: once all are gone whom the same writes exclude, who have the key.

        Returns the streams that may have a timer to arm.
        """
        grown, self._grown = self._grown, {}
        for stream, frames in grown.items():
            followers, group = self._followers.get(stream, {}), self.groups.in_use(now, stream)
            if group is None:
                self._queue(stream, frames, followers)
                continue
            for peer in group.check(now):
                self._announce_to(peer, stream)
            apart: Collection[Peer] = followers
            if group.members and all(len(each.body) <= GROUP_BODY_BYTES_MAX for each in frames):
                waiting = self._unpublished.get(stream, ())  # for what came before they were members
                members = [peer for peer in group.members if peer not in waiting]
                self._share(group, stream, frames, members)
                apart = [peer for peer in followers if peer not in group.members or peer in waiting]
            self._queue(stream, frames, apart)
            for peer in apart:
                if (key := group.offer(now, peer)) is not None:
                    peer.downlink.send(key)
        to_arm, self.to_arm = list(self.to_arm), {}
        return to_arm

    def _share(self, group: Group, stream: LogStream, frames: list[EncodedEntries], members: list[Peer]) -> None:
        """Seal entries once for these members of a group."""
        for peer in members:
            peer.downlink.subscriptions[stream.log].published = stream.head
        for each in frames:
            last = stream.head if each is frames[-1] else 0
            self.copies.add(stream, group.sender.seal(each.body), members, last=last)

    @property
    def behind(self) -> int:
        """How much is still to be sent of what is new, in packets made for a peer, rounded up."""
        return len(self.later) + self.copies.behind

    def _publish(self, peer: Peer) -> None:
        """Queue for a peer what is new in logs with many followers; of those that it was sent, the heads."""
        downlink = peer.downlink
        for stream in [stream for stream, waiting in self._unpublished.items() if peer in waiting]:
            self._take_unpublished(peer, stream)
            subscription = downlink.subscriptions[stream.log]
            if subscription.published < stream.head:
                downlink.publish(stream.log, stream.frames(subscription.published + 1, stream.head))
            else:
                downlink.announce(subscription)

    def _take_unpublished(self, peer: Peer, stream: LogStream) -> None:
        """Nothing of a log is to be published to a peer any more."""
        waiting = self._unpublished.get(stream, {})
        if waiting.pop(peer, 0) is None and not waiting:
            del self._unpublished[stream]

    def replace(self, stream: LogStream, sequence: int) -> None:
        """An entry has other bytes now."""
        stream.forget()
        for peer in self.followers(stream):
            peer.downlink.subscriptions[stream.log].send_anew(sequence)

    def announce(self, stream: LogStream, last: int, others: Container[Peer] = ()) -> bool:
        """Send the head of a log to the followers that have not acknowledged all entries up to `last`, and will not be
        sent them anyway; but `others`. Whether anybody has still to acknowledge something.
        """
        followers, log, waiting = self.followers(stream), stream.log, self._unpublished.get(stream, ())
        behind = [peer for peer in followers if peer.downlink.subscriptions[log].sequence < last and peer not in others]
        unaware = [peer for peer in behind if peer not in waiting]
        if len(unaware) > PUBLISHED_AT_ONCE_MAX:
            self._await_flush(stream, unaware)
        else:
            for peer in unaware:
                self._announce_to(peer, stream)
        return bool(behind)

    def _announce_to(self, peer: Peer, stream: LogStream) -> None:
        peer.downlink.announce(peer.downlink.subscriptions[stream.log])
        self.to_flush[peer] = None

    def handle_timeout(self, now: float, stream: LogStream) -> None:
        """Announce the head of a log, if that is due."""
        due = stream.next_announcement()
        if due is not None and now >= due:
            group = self.groups.in_use(now, stream) if stream.announcements.is_to_group else None
            stream.announcements.done += 1
            members = group.members if group is not None else ()
            if not self.announce(stream, stream.head, members) and not members:
                stream.announcements.end()
            if group is not None and members:
                head = Head(stream.log, stream.generation, stream.base, stream.head, 0)
                datagram = group.sender.seal(pack([encode(Heads(stream.ack_delay_ms, [head]))]))
                self.copies.add(stream, datagram, list(members))
        self.to_arm[stream] = None

    def take_to_flush(self, count_max: int) -> list[Peer]:
        """The peers to flush in this turn, so many at most; the others wait, and may have more by then.

        If that are too many: a few who are new, so that nobody waits to enter until much is sent to all who are here;
        up to half of them those who have saved credit, most of it first; then in the order in which they began to wait.
        """
        touched, self.to_flush = self.to_flush, {}
        if len(touched) + len(self.later) <= count_max:
            touched = {**self.later, **touched} if self.later else touched
            self.later = {}
            return list(touched)
        savers = [peer for peer in touched if self._ledger.has_saved(peer.balance)]
        first = nsmallest(count_max // 2, savers, key=lambda peer: peer.balance.used_us)
        new = (peer for peer in touched if peer.session.sent < NEW_PACKETS_MAX)
        first = list(dict.fromkeys([*islice(new, min(NEW_FLUSHED_FIRST_MAX, count_max // 2)), *first]))
        self.later.update(touched)
        self._forget(first)
        longest = list(islice(self.later, count_max - len(first)))
        self._forget(longest)
        return first + longest

    def flush_later(self, peers: Iterable[Peer]) -> None:
        """There was no time for these: they are first in the next turn."""
        self.later = {**dict.fromkeys(peers), **self.later}

    def _forget(self, peers: Iterable[Peer]) -> None:
        for peer in peers:
            self.later.pop(peer, None)

    def leave(self, peer: Peer) -> None:
        """The peer is gone."""
        self.to_flush.pop(peer, None)
        self.later.pop(peer, None)

    def datagrams(self, now: float, peer: Peer) -> list[tuple[bytes, Address]]:
        """What is to be sent to a peer now."""
        session, downlink = peer.session, peer.downlink
        address = session.path.address
        if address != downlink.loss_detection.path.address:
            downlink.change_path(address)
        if self._unpublished:
            self._publish(peer)
        datagrams = []
        for packet in downlink.drain_packets(now) if downlink.has_packets else ():
            counter = session.sent
            datagram = session.seal(packet.body)
            downlink.on_sent(now, counter, len(datagram), packet.spans)
            datagrams.append((datagram, address))
        return datagrams
