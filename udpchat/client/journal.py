"""The queue of a client's writes, in batches: requests before they are sent, results, entries (SPEC 7.3)."""

from __future__ import annotations

from collections import deque

from udpchat.client.stored import Write


class Journal:
    """Writes not yet drained, and drained writes whose outcome is not reported yet."""

    def __init__(self) -> None:
        self._undrained: list[Write] = []
        self._writing: deque[Write] = deque()
        self.is_failing = False  # whether the latest batch failed

    def add(self, write: Write) -> None:
        """Append this write to the queue."""
        self._undrained.append(write)

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
