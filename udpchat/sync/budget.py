"""Bytes that several tables share. Pure."""

from __future__ import annotations


class Budget:
    """At most `bytes_max` at once. Whoever takes bytes gives as many back."""

    __slots__ = ("bytes_max", "used")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.used = 0

    def has_room(self, count: int) -> bool:
        """Whether so many bytes are left."""
        return self.used + count <= self.bytes_max

    def take(self, count: int) -> None:
        """Use so many bytes; also beyond the limit, where what was begun has to be finished."""
        self.used += count

    def give(self, count: int) -> None:
        """So many bytes are used no longer."""
        self.used -= count
        assert self.used >= 0
