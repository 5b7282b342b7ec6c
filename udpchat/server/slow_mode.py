"""Slow mode: who said something in a room waits before they say more (SPEC 6.11). In memory only, and bounded."""

from __future__ import annotations

from math import ceil
from typing import Final

from udpchat.wire.limits import SLOWED_MAX

_NEVER: Final = float("-inf")


class SlowMode:
    """When each account last said something in a room that has slow mode."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[tuple[str, bytes], tuple[float, tuple[bytes, int]]] = {}  # the one first said is the first

    def wait_s(self, now: float, room: str, account: bytes, slow_s: int, request: tuple[bytes, int]) -> int:
        """In how many seconds somebody may say this; 0: now, and then it counts as said.

        `request` names it: one that is repeated, as it could not be written, is not slowed down by itself.
        """
        who = room, account
        said_at, last = self._said.get(who, (_NEVER, request))
        if last != request and now < said_at + slow_s:
            return ceil(said_at + slow_s - now)
        self._said.pop(who, None)
        self._said[who] = now, request
        if len(self._said) > SLOWED_MAX:
            del self._said[next(iter(self._said))]
        return 0
