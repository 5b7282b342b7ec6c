"""A set of sequence numbers as sorted, disjoint, inclusive ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

_NONE: list[int] = []  # shared by all empty sets and never changed: a server has a dozen of them for each peer


class Ranges:
    """Numbers in few ranges. Adding after the last range, the common case, costs O(1); all else O(ranges)."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts = _NONE
        self._lasts = _NONE

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __len__(self) -> int:
        """How many runs there are."""
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def covers(self, first: int, last: int) -> bool:
        """Whether all of `first` to `last` is in the set."""
        at = bisect_right(self._firsts, first) - 1
        return at >= 0 and last <= self._lasts[at]

    @property
    def first(self) -> int:
        """The smallest number; the set must not be empty."""
        return self._firsts[0]

    @property
    def last(self) -> int:
        """The largest number; the set must not be empty."""
        return self._lasts[-1]

    def add(self, first: int, last: int) -> None:
        """Put `first` to `last` in."""
        firsts, lasts = self._firsts, self._lasts
        if not lasts:
            self._firsts, self._lasts = [first], [last]
            return
        if first > lasts[-1] + 1:
            firsts.append(first)
            lasts.append(last)
            return
        if first >= firsts[-1]:
            lasts[-1] = max(last, lasts[-1])
            return
        start = bisect_left(lasts, first - 1)
        stop = bisect_right(firsts, last + 1)
        if start < stop:
            first = min(first, firsts[start])
            last = max(last, lasts[stop - 1])
        firsts[start:stop] = [first]
        lasts[start:stop] = [last]

    def remove(self, first: int, last: int) -> None:
        """Take `first` to `last` out, where they are in."""
        firsts, lasts = self._firsts, self._lasts
        if not lasts or (first <= firsts[0] and lasts[-1] <= last):  # the common case: all of it
            return self.clear()
        start = bisect_left(lasts, first)
        stop = bisect_right(firsts, last)
        if start >= stop:
            return
        kept_firsts, kept_lasts = [], []
        if firsts[start] < first:
            kept_firsts.append(firsts[start])
            kept_lasts.append(first - 1)
        if lasts[stop - 1] > last:
            kept_firsts.append(last + 1)
            kept_lasts.append(lasts[stop - 1])
        firsts[start:stop] = kept_firsts
        lasts[start:stop] = kept_lasts
        if not firsts:
            self.clear()

    def gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """The runs of `first` to `last` that are not in the set."""
        found = []
        at = bisect_left(self._lasts, first)
        while first <= last:
            if at == len(self._firsts) or self._firsts[at] > last:
                found.append((first, last))
                break
            if self._firsts[at] > first:
                found.append((first, self._firsts[at] - 1))
            first = self._lasts[at] + 1
            at += 1
        return found

    def clear(self) -> None:
        self._firsts = self._lasts = _NONE
