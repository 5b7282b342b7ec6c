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
    """Collects fragments by number; a number is begun only if all its fragments have room in the budget.

    So a number that was begun can always be completed, and no fragment that was accepted is dropped to make room for
    another: it may have been acknowledged.
    """

    __slots__ = ("_budget", "_fragments")

    def __init__(self, budget: Budget) -> None:
        """`budget`: may be shared. Full fragments are reserved in it, though some are shorter or have not come."""
        self._fragments: dict[int, list[bytes | None]] = {}
        self._budget = budget

    def __len__(self) -> int:
        """How many numbers are unfinished."""
        return len(self._fragments)

    def __contains__(self, number: int) -> bool:
        """Whether a number was begun."""
        return number in self._fragments

    def has_room(self, number: int, count: int) -> bool:
        """Whether a fragment of this number, one of `count`, would be accepted."""
        return number in self._fragments or self._budget.has_room(FRAGMENT_BYTES * count)

    def add(self, number: int, *, index: int, count: int, data: bytes, is_urgent: bool = False) -> bytes | None:
        """The whole once all fragments are there, else None. BadDatagram(MALFORMED) unless `index` is below `count`.

        `is_urgent`: begin the number even if it has no room.

        Another count means another whole: its sender began anew, and the fragments of the former are dropped.
        """
        if index >= count:
            raise BadDatagram(Drop.MALFORMED)
        fragments = self._fragments.get(number)
        if fragments is not None and len(fragments) != count:
            self.forget(number)
            fragments = None
        if fragments is None:
            if not (is_urgent or self.has_room(number, count)):
                return None
            fragments = self._fragments[number] = [None] * count
            self._budget.take(FRAGMENT_BYTES * count)
        if fragments[index] is None:
            fragments[index] = data
        if None in fragments:
            return None
        self.forget(number)
        return b"".join(fragment for fragment in fragments if fragment is not None)

    def forget(self, number: int) -> None:
        """Drop what there is of a number."""
        fragments = self._fragments.pop(number, None)
        if fragments is not None:
            self._budget.give(FRAGMENT_BYTES * len(fragments))

    def forget_below(self, number: int) -> None:
        """Drop what there is of all smaller numbers."""
        for old in [old for old in self._fragments if old < number]:
            self.forget(old)
