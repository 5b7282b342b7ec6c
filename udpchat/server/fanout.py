"""How what is new in logs reaches the peers that follow them (SPEC 5). Only this module decides that.

Every peer is sent packets of its own: what a log has grown by is encoded once (`LogStream`), queued for each follower
(`Downlink`), packed with what else is due to it, and sealed in its session.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from itertools import islice
from typing import Final

from udpchat.server.credit import Ledger
from udpchat.server.registry import Peer
from udpchat.sync.log_stream import LogStream
from udpchat.wire.packets import Address

NEW_FLUSHED_FIRST_MAX: Final = 16  # in a turn
NEW_PACKETS_MAX: Final = 8  # sent to a new peer in its session: what it enters with
PUBLISHED_AT_ONCE_MAX: Final = 128  # followers of a log: for 1,400 it would take the loop some 8 ms


def holders(peers: Iterable[Peer], log: str, sequence: int) -> list[Peer]:
    """Of these followers of a log, those that have acknowledged all of its entries up to a sequence."""
    return [peer for peer in peers if peer.downlink.subscriptions[log].sequence >= sequence]


class Fanout:
    """Which peers follow which streams.

    `to_flush`: peers that may have packets to send; `later`: those that a turn had no time for; `to_arm`: streams that
    may have a timer to arm. These are dicts, not sets, so that the order of sending does not depend on memory
    addresses.

    What is new in a log with many followers is queued for each when it is flushed, so that no turn is for all of them.
    """

    __slots__ = ("_followers", "_unpublished", "later", "to_arm", "to_flush")

    def __init__(self) -> None:
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

    def unfollow(self, peer: Peer, stream: LogStream) -> None:
        """A peer that follows a log does so no longer."""
        peer.downlink.unfollow(stream.log)
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
        frames = stream.extend(now, entries)
        if frames:
            followers = self._followers[stream]
            if len(followers) > PUBLISHED_AT_ONCE_MAX or stream in self._unpublished:
                self._unpublished[stream] = followers.copy()
            else:
                for peer in followers:
                    peer.downlink.publish(stream.log, frames)
            self.to_flush.update(followers)

    def _publish(self, peer: Peer) -> None:
        """Queue for a peer what is new in logs with many followers."""
        downlink = peer.downlink
        for stream in [stream for stream, waiting in self._unpublished.items() if peer in waiting]:
            self._take_unpublished(peer, stream)
            first = downlink.subscriptions[stream.log].published + 1
            if first <= stream.head:
                downlink.publish(stream.log, stream.frames(first, stream.head))

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

    def announce(self, stream: LogStream, last: int) -> None:
        """Send the head of a log to the followers that have not acknowledged all entries up to `last`, and will not be
        sent them anyway."""
        waiting = self._unpublished.get(stream, ())
        for peer in self.followers(stream):
            subscription = peer.downlink.subscriptions[stream.log]
            if subscription.sequence < last and peer not in waiting:
                peer.downlink.announce(subscription)
                self.to_flush[peer] = None

    def handle_timeout(self, now: float, stream: LogStream) -> None:
        """Announce the head of a log, if that is due."""
        due = stream.next_announcement()
        if due is not None and now >= due:
            stream.announced += 1
            self.announce(stream, stream.head)
        self.to_arm[stream] = None

    def take_to_flush(self, ledger: Ledger, count_max: int) -> list[Peer]:
        """The peers to flush in this turn, so many at most; the others wait, and may have more by then.

        If that are too many: a few who are new, so that nobody waits to enter until much is sent to all who are here;
        up to half of them those who have saved credit, most of it first; then in the order in which they began to wait.
        """
        touched, self.to_flush = self.to_flush, {}
        if len(touched) + len(self.later) <= count_max:
            touched = {**self.later, **touched} if self.later else touched
            self.later = {}
            return list(touched)
        savers = [peer for peer in touched if ledger.has_saved(peer.balance)]
        first = nsmallest(count_max // 2, savers, key=lambda peer: peer.balance.used_us)
        new = (peer for peer in touched if peer.session.sent < NEW_PACKETS_MAX)
        first = list(dict.fromkeys([*islice(new, NEW_FLUSHED_FIRST_MAX), *first]))
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
