"""How long writes take: each is counted once, below the bound that it kept to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from udpchat.shell.write_times import BOUNDS_S, TimedWrite
from udpchat.storage.store_interfaces import StoreError


class SlowDisk:
    """A store, and the clock that its writes move on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[str] = []

    def write(self, batch: Sequence[str]) -> None:
        for each in batch:
            if each == "broken":
                raise StoreError("there is no room on the disk")
            self.now += float(each)
            self.written.append(each)


def test_a_write_is_counted_below_the_first_bound_that_it_kept_to() -> None:
    disk = SlowDisk()
    write = TimedWrite(disk.write, clock=lambda: disk.now)
    for batch in (["0.0005"], ["0.001"], ["0.5", "0.25"], ["7"]):
        write(batch)
    assert disk.written == ["0.0005", "0.001", "0.5", "0.25", "7"]
    assert write.times.counts == (2, *[0] * (len(BOUNDS_S) - 2), 1, 1)
    assert write.times.total_s == pytest.approx(7.7515)


def test_a_write_that_failed_is_counted_too_and_its_failure_is_reported() -> None:
    disk = SlowDisk()
    write = TimedWrite(disk.write, clock=lambda: disk.now)
    with pytest.raises(StoreError):
        write(["0.002", "broken"])
    assert sum(write.times.counts) == write.times.counts[1] == 1
