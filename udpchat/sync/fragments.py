"""Requests and entries that do not fit a datagram: cut into parts, and put together again within bounds (SPEC 4.7)."""

from __future__ import annotations

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX


def split(data: bytes) -> list[bytes]:
    """Parts of PART_BYTES, the last as long as it comes."""
    parts = [data[at : at + FRAGMENT_BYTES] for at in range(0, len(data), FRAGMENT_BYTES)]
    assert len(parts) <= FRAGMENTS_MAX
    return parts


class FragmentAssembler:
    """Collects parts by number; a number is begun only if all its parts have room within `bytes_max`.

    So what has begun can always be finished, and no part that was taken is ever dropped to make room for another: its
    sender may have been told that it came.
    """

    __slots__ = ("_bytes_held", "_bytes_max", "_parts")

    def __init__(self, bytes_max: int) -> None:
        self._parts: dict[int, list[bytes | None]] = {}
        self._bytes_held = 0  # reserved: full parts, though some are shorter or have not come
        self._bytes_max = bytes_max

    def __len__(self) -> int:
        """How many numbers are unfinished."""
        return len(self._parts)

    def has_room(self, number: int, count: int) -> bool:
        """Whether a part of this number, of `count` parts, would be taken."""
        return number in self._parts or self._bytes_held + FRAGMENT_BYTES * count <= self._bytes_max

    def add(self, number: int, *, index: int, count: int, data: bytes) -> bytes | None:
        """The whole once its last part is in, else None. A part behind the last is malformed.

        Another count is another whole: its sender began anew, and what there was of the one before is dropped.
        """
        if index >= count:
            raise BadDatagram(Drop.MALFORMED)
        parts = self._parts.get(number)
        if parts is not None and len(parts) != count:
            self.forget(number)
            parts = None
        if parts is None:
            if not self.has_room(number, count):
                return None
            parts = self._parts[number] = [None] * count
            self._bytes_held += FRAGMENT_BYTES * count
        if parts[index] is None:
            parts[index] = data
        if None in parts:
            return None
        self.forget(number)
        return b"".join(part for part in parts if part is not None)

    def forget(self, number: int) -> None:
        """Drop what there is of a number."""
        parts = self._parts.pop(number, None)
        if parts is not None:
            self._bytes_held -= FRAGMENT_BYTES * len(parts)

    def forget_below(self, number: int) -> None:
        """Drop what there is of all smaller numbers."""
        for old in [old for old in self._parts if old < number]:
            self.forget(old)
