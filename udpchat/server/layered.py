"""A mapping that may lie over another, as a `State` does: what was set in it hides what the other has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Layered(Generic[K, V]):
    """Values by key; None in the place of one that was removed."""

    __slots__ = ("_own", "_under")

    def __init__(self, under: Layered[K, V] | None = None) -> None:
        self._own: dict[K, V | None] = {}
        self._under = under

    def clear(self) -> None:
        """Forget what was set here itself."""
        self._own.clear()

    def get(self, key: K) -> V | None:
        """The value of a key; None if it has none, or was removed."""
        layer: Layered[K, V] | None = self
        while layer is not None:  # the hot path: no calls
            if key in layer._own:
                return layer._own[key]
            layer = layer._under
        return None

    def put(self, key: K, value: V | None) -> None:
        """Set a value; None removes it."""
        if value is None and self._under is None:
            self._own.pop(key, None)
        else:
            self._own[key] = value

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        if self._under is None:
            return len(self._own)
        added = sum((value is not None) - (key in self._under) for key, value in self._own.items())
        return len(self._under) + added

    def items(self) -> Iterator[tuple[K, V]]:
        """Those of the other first, in the order in which they were set first."""
        if self._under is not None:
            for key, value in self._under.items():
                if key not in self._own:
                    yield key, value
        for key, own in self._own.items():
            if own is not None:
                yield key, own
