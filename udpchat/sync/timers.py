"""Which of many has something due, and when: one heap for thousands of peers (SPEC 6)."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)


class TimerHeap(Generic[Owner]):
    """The next deadline of each owner. Moving one back costs nothing: it is looked at when its old time comes."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Owner]] = []
        self._armed: dict[Owner, float] = {}
        self._count = 0  # owners need no order of their own

    def arm(self, owner: Owner, when: float | None) -> None:
        """This owner is to be looked at by `when`; an earlier time that was armed before stands."""
        if when is None or when >= self._armed.get(owner, float("inf")):
            return
        self._armed[owner] = when
        self._count += 1
        heappush(self._heap, (when, self._count, owner))

    def is_armed(self, owner: Owner) -> bool:
        """Whether this owner will be looked at."""
        return owner in self._armed

    def take_due(self, now: float) -> list[Owner]:
        """The owners whose time has come, each once, earliest first; they are armed no longer."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            when, _, owner = heappop(self._heap)
            if self._armed.get(owner) == when:
                del self._armed[owner]
                due.append(owner)
        return due

    def forget(self, owner: Owner) -> None:
        """The owner is no more."""
        self._armed.pop(owner, None)

    def next_timeout(self) -> float | None:
        """The earliest time armed."""
        while self._heap and self._armed.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
