"""A lock file beside the store, for one process at a time. The system releases the lock when the process ends.

Who may write to the folder could put a link there, or a second name of another file. A link is not followed, and a file
that holds anything but a process id is not written to.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

from udpchat.storage.store_interfaces import StoreInUse, StoreUnusable

OPENING = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)  # Windows has neither
PROCESS_BYTES_MAX = 20  # of its id, as a lock file holds it
ENDING_S = 0.25  # a process that ends shows no open files, and a moment later holds no lock
LOOK_S = 0.01
LOCKED_BYTE = 2**20  # on Windows a locked byte cannot be read; the process id at the start must stay readable

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder_of(path: Path) -> int | None:
    """The id of the process that holds `path`.lock now, or None. Raises `StoreUnusable`.

    If the process with that id does not have the file open, and still does not after ENDING_S, the holder is in another
    container (PID namespace): `StoreInUse`.
    """
    side = _lock_file_of(path)
    given_up = time.monotonic() + ENDING_S
    while (written := _holder_written_in(side)) is not None:
        if written.isdecimal() and _has_open(int(written), side):
            return int(written)
        if time.monotonic() >= given_up:
            raise StoreInUse(f"{path} is in use by a process that cannot be found from here (number {written})")
        time.sleep(LOOK_S)
    return None


def _holder_written_in(side: Path) -> str | None:
    """What the holder has written into its lock file; None if nobody holds it. Raises `StoreUnusable`."""
    try:
        descriptor = _open(side, OPENING)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnusable(f"cannot use {side}: {error.strerror}; is it of another user?") from error
    try:
        _take(descriptor)
        return None
    except OSError:
        return _written(descriptor)
    finally:
        os.close(descriptor)


def _has_open(process: int, file: Path) -> bool:
    """Whether a process has this file open; always True except on Linux, False if /proc is unreadable."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        with os.scandir(f"/proc/{process}/fd") as entries:
            return any(_is_same(entry, file) for entry in entries)
    except OSError:
        return False


def _is_same(entry: os.DirEntry[str], file: Path) -> bool:
    try:
        return os.path.samefile(entry.path, file)
    except OSError:  # closed meanwhile
        return False


def _lock_file_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _open(side: Path, flags: int) -> int:
    """Open the lock file, which is a file of its own. Raises OSError or `StoreUnusable`."""
    if side.is_symlink():  # where the system has O_NOFOLLOW, one that is put there only now is refused too
        raise StoreUnusable(f"cannot use {side}: it is a link to another place; remove it")
    descriptor = os.open(side, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreUnusable(f"cannot use {side}: it is no file; move it away")
    return descriptor


def _written(descriptor: int) -> str:
    """The process id of the holder, as written in the file; `unknown` if there is none."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, PROCESS_BYTES_MAX).decode("ascii", "replace").strip() or "unknown"


class StoreLock:
    """Holds `path`.lock from construction until `release`. Raises `StoreUnusable`, also if another process holds it.

    The file is not deleted: otherwise two processes could lock two files of the same name.
    """

    def __init__(self, path: Path) -> None:
        side = _lock_file_of(path)
        try:
            self._descriptor: int | None = _open(side, OPENING | os.O_CREAT)
        except OSError as error:
            raise StoreUnusable(f"cannot use {side}: {error.strerror}; choose a folder you may write to") from error
        try:
            _take(self._descriptor)
        except OSError as error:
            holder = _written(self._descriptor)
            self.release()
            advice = "stop that one, or give this one a data folder of its own"
            raise StoreInUse(f"{path} is in use by process {holder}; {advice}") from error
        size = os.fstat(self._descriptor).st_size
        if size > PROCESS_BYTES_MAX or not (size == 0 or _written(self._descriptor).isdecimal()):
            self.release()
            raise StoreUnusable(f"cannot use {side}: it is a file of something else; move it away")
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
