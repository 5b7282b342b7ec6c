"""A server's log whose disk fails when a fuzzer wants it to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from tests.storage.memory import MemoryLog
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability, Log, StoreFailed, StoreFull
from udpchat.sync.log import Append, Extent, SearchHit, SearchQuery

IN_MEMORY = Path("/dev/shm")  # of Linux: a folder that no disk makes slow


class Stores(Protocol):
    """Where the log of a server is, over several runs of it."""

    def open(self) -> Log:
        """The log, as the next run finds it."""

    def close(self) -> None:
        """Nothing of it is needed any more."""


class InMemory:
    """A log in memory, the same for each run."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._log = MemoryLog(random=random)

    def open(self) -> Log:
        """The same again."""
        return self._log

    def close(self) -> None:
        """Nothing to release."""


class InFile:
    """A log in a file, which each run opens anew."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="fuzz-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self._log: SqliteLog | None = None

    def open(self) -> Log:
        """Close the file, and open it again."""
        if self._log is not None:
            self._log.close()
        self._log = SqliteLog(Path(self._folder.name) / "log.sqlite", durability=Durability.MEMORY)
        return self._log

    def close(self) -> None:
        """Delete the file."""
        if self._log is not None:
            self._log.close()
        self._folder.cleanup()


class FaultyLog:
    """A `Log` that cannot be read or written at times, with the errors of a real one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.is_unreadable = False
        self.is_full = False

    def _check(self) -> None:
        if self.is_unreadable:
            raise StoreFailed("the disk does not answer")

    def extent(self, log: str) -> Extent:
        """From memory: it cannot fail."""
        return self._log.extent(log)

    def logs(self) -> list[str]:
        """From memory: it cannot fail."""
        return self._log.logs()

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        """See `Log`."""
        self._check()
        return self._log.read(log, first, count)

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        """See `Log`."""
        self._check()
        return self._log.answered(client_id)

    def since(self, log: str, time_ms: int) -> int:
        """See `Log`."""
        self._check()
        return self._log.since(log, time_ms)

    def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
        """See `Log`."""
        self._check()
        return self._log.reactions(log, first, last)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """See `Log`."""
        self._check()
        return self._log.search(query)

    def append(self, batch: Sequence[Append]) -> None:
        """See `Log`."""
        if self.is_full:
            raise StoreFull("the disk is full")
        self._log.append(batch)

    def prune(self, log: str, base: int) -> None:
        """See `Log`."""
        self._log.prune(log, base)

    def redact(self, log: str, sequence: int, tombstone: bytes) -> None:
        """See `Log`."""
        self._log.redact(log, sequence, tombstone)

    def close(self) -> None:
        """Whoever opened the log closes it."""
