"""How long the writes of a server take, as a histogram: counted by the thread that writes, and read by the loop."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from udpchat.wire.fields import Value

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)  # from a fast disk to one that hangs

W = TypeVar("W")


class WriteTimes(Value, frozen=True):
    """`counts`: how many writes took at most each of BOUNDS_S, and not the bound before; the last: how many longer."""

    counts: tuple[int, ...]
    total_s: float


class TimedWrite(Generic[W]):
    """Writes a batch as `write` does, and counts how long that took, also if it failed."""

    def __init__(
        self, write: Callable[[Sequence[W]], None], *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._write = write
        self._clock = clock
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._total_s = 0.0

    def __call__(self, batch: Sequence[W]) -> None:
        began_at = self._clock()
        try:
            self._write(batch)
        finally:
            took_s = self._clock() - began_at
            self._counts[bisect_left(BOUNDS_S, took_s)] += 1
            self._total_s += took_s

    @property
    def times(self) -> WriteTimes:
        """Those of the writes so far."""
        return WriteTimes(tuple(self._counts), self._total_s)
