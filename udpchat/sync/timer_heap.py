"""One heap for the timers of thousands of peers (SPEC 6). See `session.timers` for what a timer is; those of this room:

    ack delay           acks         entries came: acknowledge them, alone if no packet goes anyway
    gap hold            acks         a packet is missing, maybe only reordered: report the gap after this
    gap report          acks         a gap stays open: report it again, less and less often
    loss                loss         a later packet was acknowledged long enough ago: this one is lost
    probe               loss         nothing was acknowledged for a round trip and the ack delay: send again
    head repeat         downlink     the replica has not reported what it holds: send the head of the log again
    pacing              bbr          the next packet of the backlog may be sent
    head announcement   log_stream   nothing was sent to a large room for a while: announce its head
    request resend      requests     a request has no result yet: send it again
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)


class TimerHeap(Generic[Owner]):
    """The next deadline of each owner. Postponing one is free: the owner is looked at when its old time comes."""

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
        return owner in self._armed

    def take_due(self, now: float, count_max: int, *, ahead_s: float = 0.0) -> list[Owner]:
        """The owners whose time has come, each once, earliest first, not more than these; they are armed no longer.

        If there are any, also those whose time comes within `ahead_s`: mostly it was postponed meanwhile, and to look
        at them now takes no turn of its own. The caller arms them again if it was not.
        """
        due: list[Owner] = []
        until = now + ahead_s if self._heap and self._heap[0][0] <= now else now
        while self._heap and self._heap[0][0] <= until and len(due) < count_max:
            when, _, owner = heappop(self._heap)
            if self._armed.get(owner) == when:
                del self._armed[owner]
                due.append(owner)
        return due

    def forget(self, owner: Owner) -> None:
        self._armed.pop(owner, None)

    def next_timeout(self) -> float | None:
        """The earliest time armed."""
        while self._heap and self._armed.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
