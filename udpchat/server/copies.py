"""Group packets on their way: one datagram is sent to each member of a group, in turns (SPEC 5.8, 6.7). Pure.

Those who have saved credit are sent theirs first: while many who use much speak in a large room, nobody who uses little
waits until all that was said before has gone to everybody. The others take turns in being last.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

from udpchat.server.credit import Ledger
from udpchat.server.registry import Peer
from udpchat.sync.log_stream import LogStream
from udpchat.wire.packets import Address

COPIES_MAX: Final = 512  # in a turn
COPIES_OF_A_PACKET: Final = 4  # cost as much as a packet that is made for a peer
FIRST_MAX: Final = 128  # members that are sent a packet before the others


@dataclass(slots=True)
class _Copies:
    """A group packet, and some of the members that there were when it was sealed; `sent` of them have it.

    `last`: the last entry that all members have been sent when these, who are last, have it; 0: no more than before.
    """

    stream: LogStream
    datagram: bytes
    members: list[Peer]
    last: int = 0
    sent: int = 0


class Copies:
    """The packets that have yet to be sent to somebody. `left`: how many copies."""

    __slots__ = ("_first", "_ledger", "_offset", "_others", "left")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._first: deque[_Copies] = deque()
        self._others: deque[_Copies] = deque()
        self._offset = 0  # of who is first of the others
        self.left = 0

    def add(self, stream: LogStream, datagram: bytes, members: list[Peer], *, last: int = 0) -> None:
        """Send a group packet to these members; `last`: as `_Copies` says."""
        has_saved = self._ledger.has_saved
        first = dict.fromkeys(islice((peer for peer in members if has_saved(peer.balance)), FIRST_MAX))
        others = [peer for peer in members if peer not in first] if first else members
        if others:
            offset = self._offset % len(others)
            others = others[offset:] + others[:offset]
            self._offset = offset + FIRST_MAX
        self._first.append(_Copies(stream, datagram, list(first)))
        self._others.append(_Copies(stream, datagram, others, last))
        self.left += len(members)

    @property
    def behind(self) -> int:
        """How much is left, in packets that are made for a peer, rounded up."""
        return -(-self.left // COPIES_OF_A_PACKET)

    def drain(self, now: float) -> list[tuple[bytes, Address]]:
        """The next COPIES_MAX copies."""
        drained: list[tuple[bytes, Address]] = []
        for queue in (self._first, self._others):
            while queue and len(drained) < COPIES_MAX:
                copies = queue[0]
                members = copies.members[copies.sent : copies.sent + COPIES_MAX - len(drained)]
                drained += [(copies.datagram, member.session.path.address) for member in members]
                copies.sent += len(members)
                if copies.sent == len(copies.members):
                    queue.popleft()
                    if copies.last and copies.stream.shared is not None:
                        copies.stream.shared.add(now, copies.last)
        self.left -= len(drained)
        return drained
