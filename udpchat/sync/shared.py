"""How far a log went to a group, and when: whether an entry of it can still be on its way to a member (SPEC 5.8)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

STEP_S: Final = 0.01  # what is sent within it counts as sent at its end
STEPS_MAX: Final = 512  # what was sent before is late, for whoever does not have it


class SharedEntries:
    """When a group was sent which entries of one log. `is_in_use`: whether it is sent what is new."""

    __slots__ = ("_began", "_ended", "_lasts", "is_in_use")

    def __init__(self) -> None:
        self.is_in_use = False
        self._began = 0.0  # the latest step
        self._ended: list[float] = []
        self._lasts: list[int] = []

    def add(self, now: float, last: int) -> None:
        """All members have been sent the entries up to `last`, which is above that of the call before."""
        if self._ended and now - self._began < STEP_S:
            self._ended[-1], self._lasts[-1] = now, last
            return
        self._began = now
        self._ended.append(now)
        self._lasts.append(last)
        if len(self._ended) > 2 * STEPS_MAX:
            del self._ended[:STEPS_MAX], self._lasts[:STEPS_MAX]

    def sent_by(self, at: float) -> int:
        """The last entry that all members had been sent by then; 0: none of those that are remembered."""
        steps = bisect_right(self._ended, at)
        return self._lasts[steps - 1] if steps else 0
