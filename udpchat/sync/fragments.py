"""Requests and entries that do not fit a datagram: split into fragments, and assembled within bounds (SPEC 4.7)."""

from __future__ import annotations

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX


def split(data: bytes) -> list[bytes]:
    """Fragments of FRAGMENT_BYTES; the last may be shorter."""
    fragments = [data[at : at + FRAGMENT_BYTES] for at in range(0, len(data), FRAGMENT_BYTES)]
    assert len(fragments) <= FRAGMENTS_MAX
    return fragments


class FragmentAssembler:
    """Collects fragments by number; a number is begun only if all its fragments have room within `bytes_max`.

    So a number that was begun can always be completed, and no fragment that was accepted is dropped to make room for
    another: it may have been acknowledged.
    """

    __slots__ = ("_bytes_held", "_bytes_max", "_fragments")

    def __init__(self, bytes_max: int) -> None:
        self._fragments: dict[int, list[bytes | None]] = {}
        self._bytes_held = 0  # reserved: full fragments, though some are shorter or have not come
        self._bytes_max = bytes_max

    def __len__(self) -> int:
        """How many numbers are unfinished."""
        return len(self._fragments)

    def has_room(self, number: int, count: int) -> bool:
        """Whether a fragment of this number, one of `count`, would be accepted."""
        return number in self._fragments or self._bytes_held + FRAGMENT_BYTES * count <= self._bytes_max

    def add(self, number: int, *, index: int, count: int, data: bytes) -> bytes | None:
        """The whole once all fragments are there, else None. BadDatagram(MALFORMED) unless `index` is below `count`.

        Another count means another whole: its sender began anew, and the fragments of the former are dropped.
        """
        if index >= count:
            raise BadDatagram(Drop.MALFORMED)
        fragments = self._fragments.get(number)
        if fragments is not None and len(fragments) != count:
            self.forget(number)
            fragments = None
        if fragments is None:
            if not self.has_room(number, count):
                return None
            fragments = self._fragments[number] = [None] * count
            self._bytes_held += FRAGMENT_BYTES * count
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
            self._bytes_held -= FRAGMENT_BYTES * len(fragments)

    def forget_below(self, number: int) -> None:
        """Drop what there is of all smaller numbers."""
        for old in [old for old in self._fragments if old < number]:
            self.forget(old)
