"""What is kept in memory only to save reading and encoding, bounded in all: what was used longest ago goes first."""

from __future__ import annotations

from typing import Protocol


class Keeper(Protocol):
    """Keeps something that it can do without."""

    def forget(self) -> None:
        """Keep nothing any more."""


class MemoryBudget:
    """The bytes that keepers keep, `bytes_max` in all; the one used last may keep more than that alone."""

    __slots__ = ("_bytes_max", "_kept", "total")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._kept: dict[Keeper, int] = {}  # the one used longest ago first
        self.total = 0

    def on_used(self, keeper: Keeper, kept_bytes: int) -> None:
        """A keeper is used, and keeps so much now: others forget what they keep if that is too much."""
        self.total += kept_bytes - self._kept.pop(keeper, 0)
        self._kept[keeper] = kept_bytes
        while self.total > self._bytes_max and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self.on_gone(oldest)
            oldest.forget()

    def on_gone(self, keeper: Keeper) -> None:
        """A keeper keeps nothing any more."""
        self.total -= self._kept.pop(keeper, 0)
