"""The replay window: each counter is accepted once, and none from far behind (SPEC 3).

RFC 6479 keeps a bit for every counter seen. This one keeps a bit for every counter *missing*: with traffic in order the
integer stays zero, so most sessions need almost no memory, and accepting is an addition.
"""

from __future__ import annotations

from udpchat.wire.limits import REPLAY_WINDOW_PACKETS

_WINDOW_MASK = (1 << REPLAY_WINDOW_PACKETS) - 1


class ReplayWindow:
    """Use it only after opening a packet: a forged counter must not move the window."""

    __slots__ = ("_missing", "largest")

    def __init__(self) -> None:
        self.largest = -1
        self._missing = 0  # bit n: counter ``largest - n`` was not received yet; bit 0 is never set

    def is_fresh(self, counter: int) -> bool:
        """Whether ``accept`` would accept this counter."""
        return counter > self.largest or bool(self._missing >> (self.largest - counter) & 1)

    def accept(self, counter: int) -> bool:
        """True once for each counter within the newest REPLAY_WINDOW_PACKETS, the largest included."""
        ahead = counter - self.largest
        if ahead > 0:
            if ahead > 1 or self._missing:
                self._slide(min(ahead, REPLAY_WINDOW_PACKETS))
            self.largest = counter
            return True
        behind = -ahead
        if not self._missing >> behind & 1:  # nor is any bit set from REPLAY_WINDOW_PACKETS on
            return False
        self._missing ^= 1 << behind
        return True

    def _slide(self, ahead: int) -> None:
        skipped = (1 << ahead) - 2  # bits 1 to ahead - 1: the counters that were skipped
        self._missing = (self._missing << ahead | skipped) & _WINDOW_MASK
