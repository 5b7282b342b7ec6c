"""One process at a time: a lock on a file beside the store, which the system releases when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from udpchat.storage.log import StoreUnusable

LOCKED_BYTE = 2**20  # on Windows a locked byte cannot be read, and the holder's number at the start must be

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class StoreLock:
    """Holds `path`.lock from its making until `release`, or raises `StoreUnusable` that names the holder.

    The file stays behind: to remove it would let two processes hold a lock on two files of the same name.
    """

    def __init__(self, path: Path) -> None:
        side = path.with_name(path.name + ".lock")
        try:
            self._descriptor: int | None = os.open(side, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StoreUnusable(f"cannot use {side}: {error.strerror}; choose a folder you may write to") from error
        try:
            _take(self._descriptor)
        except OSError as error:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            self.release()
            advice = "stop that one, or give this one a data folder of its own"
            raise StoreUnusable(f"{path} is in use by process {holder}; {advice}") from error
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
