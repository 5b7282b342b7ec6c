"""A log in memory, as small as an `EntryReader` can be: what the streams of these tests are read from."""

from __future__ import annotations

from udpchat.sync.log import Extent


class MemoryReader:
    """Entries by log; `reads` counts how often they were asked for."""

    def __init__(self, generation: int = 1) -> None:
        self.generation = generation
        self.reads = 0
        self._bases: dict[str, int] = {}
        self._entries: dict[str, list[bytes]] = {}

    def append(self, log: str, entries: list[bytes]) -> None:
        self._entries.setdefault(log, []).extend(entries)

    def replace(self, log: str, sequence: int, entry: bytes) -> None:
        """An entry is another from now on."""
        self._entries[log][sequence - self._bases.get(log, 0) - 1] = entry

    def prune(self, log: str, base: int) -> None:
        """Keep nothing up to here."""
        del self._entries[log][: base - self._bases.get(log, 0)]
        self._bases[log] = base

    def extent(self, log: str) -> Extent:
        base = self._bases.get(log, 0)
        return Extent(self.generation, base, base + len(self._entries.get(log, ())))

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        self.reads += 1
        skip = first - self._bases.get(log, 0) - 1
        return self._entries.get(log, [])[skip : skip + count] if skip >= 0 else []
