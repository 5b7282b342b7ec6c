"""The wall clock of the cores."""

from __future__ import annotations

from udpchat.server.wall_clock import WallClock


def test_the_time_is_that_of_the_driver() -> None:
    clock = WallClock()
    assert clock.time_ms(1.5) == 1_500
    clock.offset_s = 1_000.0
    assert clock.time_ms(1.5) == 1_001_500
