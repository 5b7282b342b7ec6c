"""Requests and entries that do not fit a datagram: cut into parts, and put together again within bounds (SPEC 4.7)."""

from __future__ import annotations

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import PART_BYTES, PARTS_MAX


def split(data: bytes) -> list[bytes]:
    """Parts of PART_BYTES, the last as long as it comes."""
    parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    assert len(parts) <= PARTS_MAX
    return parts


class Assembly:
    """Collects parts by number; holds at most `bytes_max` of unfinished ones and drops the oldest number beyond."""

    __slots__ = ("_bytes_held", "_bytes_max", "_parts")

    def __init__(self, bytes_max: int) -> None:
        self._parts: dict[int, list[bytes | None]] = {}
        self._bytes_held = 0
        self._bytes_max = bytes_max

    def add(self, number: int, *, index: int, count: int, data: bytes) -> bytes | None:
        """The whole once its last part is in, else None. A part that contradicts those before it is malformed."""
        parts = self._parts.setdefault(number, [None] * count)
        if len(parts) != count or index >= count:
            raise BadDatagram(Drop.MALFORMED)
        if parts[index] is None:
            parts[index] = data
            self._bytes_held += PART_BYTES  # however short, so that many tiny parts are bounded too
        if None not in parts:
            self.forget(number)
            return b"".join(part for part in parts if part is not None)
        while self._bytes_held > self._bytes_max:
            self.forget(next(iter(self._parts)))
        return None

    def forget(self, number: int) -> None:
        """Drop what there is of a number."""
        parts = self._parts.pop(number, None)
        if parts is not None:
            self._bytes_held -= PART_BYTES * sum(part is not None for part in parts)
