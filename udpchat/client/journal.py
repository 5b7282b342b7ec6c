"""The queue of a client's writes, in batches: requests before they are sent, results, entries (SPEC 7.3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from udpchat.client.stored import EntriesStored, ReplicaReset, RequestRenumbered, Write
from udpchat.wire.limits import QUEUED_ENTRY_BYTES


class Journal:
    """Writes not yet drained, and drained writes whose outcome is not reported yet."""

    def __init__(self) -> None:
        self._undrained: list[Write] = []
        self._writing: deque[Write] = deque()
        self.is_failing = False  # whether the latest batch failed

    def add(self, write: Write) -> None:
        self._undrained.append(write)

    def renumber(self, counters: Mapping[int, int]) -> None:
        """Requests that were added have other counters: former -> new one."""
        self._undrained += [RequestRenumbered(former, counter) for former, counter in counters.items()]

    def drain(self, more: list[Write]) -> list[Write]:
        """What is to be written as one batch: what was added, and `more` behind it."""
        drained, self._undrained = self._undrained + more, []
        self._writing.extend(drained)
        return drained

    def take_written(self, count: int) -> list[Write]:
        """The `count` oldest drained writes, which are now on the disk."""
        return [self._writing.popleft() for _ in range(count)]

    def take_unwritten(self) -> list[Write]:
        """All drained writes without an outcome: none of them was written."""
        self.is_failing = True
        unwritten = list(self._writing)
        self._writing.clear()
        return unwritten


class ReplicaWrites:
    """The writes of the replicas. After a failed one no entries of its log, to leave no gap, until it starts over."""

    def __init__(self) -> None:
        self._undrained: list[EntriesStored | ReplicaReset] = []
        self._failed: set[str] = set()  # logs
        self.waiting_bytes = 0  # of entries that were added and have no outcome yet

    def add(self, write: EntriesStored | ReplicaReset) -> None:
        self._undrained.append(write)
        self.waiting_bytes += _size(write)

    def drain(self) -> list[Write]:
        """What is to be written, in order; no entries of a log of which a write failed."""
        drained, self._undrained = self._undrained, []
        kept: list[Write] = []
        for write in drained:
            if isinstance(write, ReplicaReset):
                self._failed.discard(write.log)
            if not isinstance(write, EntriesStored) or write.log not in self._failed:
                kept.append(write)
            else:
                self.waiting_bytes -= _size(write)
        return kept

    def on_outcome(self, writes: Iterable[Write]) -> None:
        """These writes are on the disk, or failed."""
        self.waiting_bytes -= sum(map(_size, writes))

    def on_unwritten(self, writes: Iterable[Write]) -> None:
        """These writes failed; those that are not of a replica are ignored."""
        self._failed.update(write.log for write in writes if isinstance(write, EntriesStored | ReplicaReset))


def _size(write: Write) -> int:
    return sum(map(queued_bytes, write.entries)) if isinstance(write, EntriesStored) else 0


def queued_bytes(entry: bytes) -> int:
    """What an entry that waits counts for, of QUEUED_BYTES_MAX."""
    return QUEUED_ENTRY_BYTES + 4 * len(entry)
