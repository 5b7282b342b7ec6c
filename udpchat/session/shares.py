"""Who holds how many places of a table, so that in a full one whoever holds most gives way (SPEC 2).

Refusing newcomers instead would let a few fill the table and keep everyone else out; removing the oldest place of all
would let those who renew theirs most often keep them.
"""

from __future__ import annotations

from collections import defaultdict


class Shares:
    """The places of each source, oldest first. Each operation takes constant time."""

    __slots__ = ("_by_count", "_most", "_places")

    def __init__(self) -> None:
        self._places: dict[str, dict[int, None]] = {}
        self._by_count: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._most = 0

    def add(self, source: str, place: int) -> None:
        """A source has got another place."""
        places = self._places.setdefault(source, {})
        places[place] = None
        self._move(source, len(places) - 1, len(places))

    def remove(self, source: str, place: int) -> None:
        """A source has left a place that it has."""
        places = self._places[source]
        del places[place]
        self._move(source, len(places) + 1, len(places))
        if not places:
            del self._places[source]

    def count(self, source: str) -> int:
        """How many places a source has."""
        return len(self._places.get(source, ()))

    def first_to_give_way(self) -> int:
        """The oldest place of the source with most; of several such, the one that has had as many for longest."""
        return next(iter(self._places[next(iter(self._by_count[self._most]))]))

    def _move(self, source: str, count: int, new: int) -> None:
        if count:
            del self._by_count[count][source]
            if not self._by_count[count]:
                del self._by_count[count]
        if new:
            self._by_count[new][source] = None
        if new > self._most or self._most not in self._by_count:  # the count of one source changes by one
            self._most = new
