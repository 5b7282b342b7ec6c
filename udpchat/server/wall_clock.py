"""What time it is: the cores are given a monotonic time, and what they write has the time of the wall clock."""

from __future__ import annotations


class WallClock:
    """`offset_s`: wall clock minus monotonic clock, as the driver last saw it."""

    __slots__ = ("offset_s",)

    def __init__(self) -> None:
        self.offset_s = 0.0

    def time_ms(self, now: float) -> int:
        """The time in ms of the epoch."""
        return int((now + self.offset_s) * 1000)
