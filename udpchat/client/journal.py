"""What a client has written down, in batches: requests before they are sent, results, entries (SPEC 7.3)."""

from __future__ import annotations

from collections import deque

from udpchat.client.stored import Write


class Journal:
    """Writes that wait to be drained, and those drained that have no outcome yet."""

    def __init__(self) -> None:
        self._undrained: list[Write] = []
        self._writing: deque[Write] = deque()
        self.is_failing = False  # whether the last batch could not be written

    def add(self, write: Write) -> None:
        """Have this written behind all others."""
        self._undrained.append(write)

    def drain(self, more: list[Write]) -> list[Write]:
        """What is to be written as one batch: what was added, and `more` behind it."""
        drained, self._undrained = self._undrained + more, []
        self._writing.extend(drained)
        return drained

    def take_written(self, count: int) -> list[Write]:
        """The `count` oldest that were drained: they are written."""
        return [self._writing.popleft() for _ in range(count)]

    def take_unwritten(self) -> list[Write]:
        """All that were drained and have no outcome yet: none of them was written."""
        self.is_failing = True
        unwritten = list(self._writing)
        self._writing.clear()
        return unwritten
