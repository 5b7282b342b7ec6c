"""The floor of free space: below it nothing is written, and what is written goes on by itself."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from udpchat.shell.disk_space import ENOUGH, MEASURED_EVERY_S, DiskSpace, GuardedWrite
from udpchat.storage.store_interfaces import StoreFull
from udpchat.wire.limits import DISK_FREE_BYTES_MIN, DISK_FREE_SHARE_MIN

TOTAL = 10**12


class Disk:
    """A disk with so much free, or none that can be measured."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int, total: int = TOTAL) -> None:
        self.free: int | None = free
        self.total = total
        monkeypatch.setattr(shutil, "disk_usage", self._usage)

    def _usage(self, path: Path) -> SimpleNamespace:
        if self.free is None:
            raise OSError("no such device")
        return SimpleNamespace(total=self.total, used=0, free=self.free)


def test_below_the_floor_nothing_is_written_and_a_little_above_it_writing_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = Disk(monkeypatch, DISK_FREE_BYTES_MIN)
    written: list[int] = []
    write = GuardedWrite(DiskSpace(tmp_path), written.extend, clock=count(0.0, MEASURED_EVERY_S).__next__)
    write([1])
    disk.free = DISK_FREE_BYTES_MIN - 1
    with pytest.raises(StoreFull, match=r"^less than 64 MiB are free on the disk$"):
        write([2])
    disk.free = int(DISK_FREE_BYTES_MIN * ENOUGH) - 1
    with pytest.raises(StoreFull):
        write([3])
    disk.free += 1
    write([4])
    disk.free = DISK_FREE_BYTES_MIN
    write([5])
    assert written == [1, 4, 5]


def test_many_writes_in_a_moment_measure_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, DISK_FREE_BYTES_MIN)
    now = 0.0
    written: list[int] = []
    write = GuardedWrite(DiskSpace(tmp_path), written.extend, clock=lambda: now)
    write([1])
    disk.free = 0
    now = 0.99 * MEASURED_EVERY_S
    write([2])
    now = MEASURED_EVERY_S
    with pytest.raises(StoreFull):
        write([3])
    assert written == [1, 2]


def test_a_small_disk_has_a_lower_floor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, 10**6, total=10**7)
    space = DiskSpace(tmp_path)
    assert space.floor_bytes == DISK_FREE_SHARE_MIN * 10**7 and not space.is_short
    assert space.room_bytes == 10**6 - space.floor_bytes
    disk.free = 10
    space.measure()
    assert space.is_short and space.room_bytes == 0


def test_what_cannot_be_measured_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, 0)
    space = DiskSpace(tmp_path)
    assert space.is_short
    disk.free = None
    space.measure()
    assert not space.is_short and space.room_bytes == float("inf")
