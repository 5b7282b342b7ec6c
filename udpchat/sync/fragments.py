"""Requests and entries that do not fit a datagram: split into fragments, and assembled within bounds (SPEC 4.7)."""

from __future__ import annotations

from udpchat.sync.budget import Budget
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX


def split(data: bytes) -> list[bytes]:
    """Fragments of FRAGMENT_BYTES; the last may be shorter."""
    fragments = [data[at : at + FRAGMENT_BYTES] for at in range(0, len(data), FRAGMENT_BYTES)]
    assert len(fragments) <= FRAGMENTS_MAX
    return fragments


class FragmentAssembler:
    """Collects fragments by number; a whole is begun only if all its fragments have room in the budget.

    So one that was begun can always be completed, and no fragment that was accepted is dropped to make room for
    another number: it may have been acknowledged. A number may stand for several wholes, one behind the other, which
    differ in their count or check: the first that is complete ends all of them.
    """

    __slots__ = ("_budget", "_wholes", "_wholes_max")

    def __init__(self, budget: Budget, *, wholes_max: int = 1) -> None:
        """`budget`: may be shared. Full fragments are reserved in it, though some are shorter or have not come.

        `wholes_max`: of each number; of more, the first that was begun is dropped.
        """
        self._wholes: dict[int, dict[tuple[int, int], list[bytes | None]]] = {}  # by number, by count and check
        self._wholes_max = wholes_max
        self._budget = budget

    def __len__(self) -> int:
        """How many numbers are unfinished."""
        return len(self._wholes)

    def __contains__(self, number: int) -> bool:
        """Whether a number was begun."""
        return number in self._wholes

    def is_begun(self, number: int, count: int, check: int = 0) -> bool:
        """Whether this whole was begun."""
        return (count, check) in self._wholes.get(number, ())

    def has_room(self, number: int, count: int, check: int = 0) -> bool:
        """Whether a fragment of this whole would be accepted."""
        return self.is_begun(number, count, check) or self._budget.has_room(FRAGMENT_BYTES * count)

    def add(
        self, number: int, *, index: int, count: int, data: bytes, check: int = 0, is_urgent: bool = False
    ) -> bytes | None:
        """The whole once all its fragments are there, else None. BadDatagram(MALFORMED) unless `index` < `count`.

        `is_urgent`: begin the whole even if it has no room, then in the place of all others of its number: so beyond
        the budget there is one.
        """
        if index >= count:
            raise BadDatagram(Drop.MALFORMED)
        if not (is_urgent or self.has_room(number, count, check)):
            return None
        wholes = self._wholes.setdefault(number, {})
        if (count, check) not in wholes:
            while wholes and (len(wholes) >= self._wholes_max or not self._budget.has_room(FRAGMENT_BYTES * count)):
                self._drop(wholes, next(iter(wholes)))
            wholes[count, check] = [None] * count
            self._budget.take(FRAGMENT_BYTES * count)
        fragments = wholes[count, check]
        if fragments[index] is None:
            fragments[index] = data
        if None in fragments:
            return None
        self.forget(number)
        return b"".join(fragment for fragment in fragments if fragment is not None)

    def forget(self, number: int) -> None:
        """Drop what there is of a number."""
        wholes = self._wholes.pop(number, {})
        for whole in list(wholes):
            self._drop(wholes, whole)

    def _drop(self, wholes: dict[tuple[int, int], list[bytes | None]], whole: tuple[int, int]) -> None:
        self._budget.give(FRAGMENT_BYTES * len(wholes.pop(whole)))

    def forget_below(self, number: int) -> None:
        """Drop what there is of all smaller numbers."""
        for old in [old for old in self._wholes if old < number]:
            self.forget(old)
