"""The floor of free space on the disk of a log: below it nothing is written, and reading goes on (SPEC 6.9)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from udpchat.storage.store_interfaces import StoreFull
from udpchat.wire.limits import DISK_FREE_BYTES_MIN, DISK_FREE_SHARE_MIN

ENOUGH: Final = 1.25  # times the floor: so much is free before writing goes on
MEASURED_EVERY_S: Final = 0.1  # in which far less than the floor is written

W = TypeVar("W")


class DiskSpace:
    """How much room there is at `path`, as measured last: by the thread that writes, and read by the loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_short = False
        self.floor_bytes = 0
        self.free_bytes: float = float("inf")
        self.measure()

    def measure(self) -> None:
        """Measure. What cannot be measured counts as room enough: writing then finds out."""
        try:
            found = shutil.disk_usage(self._path)
        except OSError:
            self.is_short, self.free_bytes = False, float("inf")
            return
        self.floor_bytes = int(min(DISK_FREE_BYTES_MIN, DISK_FREE_SHARE_MIN * found.total))
        self.free_bytes = found.free
        self.is_short = found.free < self.floor_bytes * (ENOUGH if self.is_short else 1.0)

    @property
    def room_bytes(self) -> float:
        """What may still be written."""
        return max(self.free_bytes - self.floor_bytes, 0.0)

    @property
    def shortage(self) -> str:
        """Why nothing may be written; empty if something may."""
        return f"less than {self.floor_bytes >> 20} MiB are free on the disk" if self.is_short else ""


class GuardedWrite(Generic[W]):
    """Writes a batch as `write` does, but raises `StoreFull` while less than the floor is free.

    It measures at most every MEASURED_EVERY_S: that takes a fiftieth of what a message costs.
    """

    def __init__(
        self,
        space: DiskSpace,
        write: Callable[[Sequence[W]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._space = space
        self._write = write
        self._clock = clock
        self._measured_at = float("-inf")

    def __call__(self, batch: Sequence[W]) -> None:
        now = self._clock()
        if now >= self._measured_at + MEASURED_EVERY_S:
            self._measured_at = now
            self._space.measure()
        if self._space.is_short:
            raise StoreFull(self._space.shortage)
        self._write(batch)
