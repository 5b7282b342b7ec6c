"""Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): who has used least is served next (SPEC 6.7, 6.8)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace
from math import inf
from typing import Generic, TypeVar

from udpchat.server.credit import CREDIT_US, Balance, Ledger, most_used_us

T = TypeVar("T")


class _Flow(Generic[T]):
    """What waits of one sender, oldest first, and the balances that it is charged to."""

    __slots__ = ("balances", "waiting")

    def __init__(self, balances: tuple[Balance, ...]) -> None:
        self.balances = balances
        self.waiting: deque[T] = deque()


class FairQueue(Generic[T]):
    """What waits, by sender: that of the one who has used least is next."""

    __slots__ = ("_count", "_flows", "_heap", "_ledger", "_of_sender_max", "_senders_max", "_size_max", "size")

    def __init__(
        self, ledger: Ledger, *, of_sender_max: float = inf, size_max: float = inf, senders_max: float = inf
    ) -> None:
        """How much may wait: of one sender, of all together, and of how many. Once all together have so much, a sender
        may still have an equal part of it, and one item at least: so it is never twice as much and one of each."""
        self._ledger = ledger
        self._of_sender_max, self._size_max, self._senders_max = of_sender_max, size_max, senders_max
        self._flows: dict[tuple[Balance, ...], _Flow[T]] = {}
        self._heap: list[tuple[float, int, _Flow[T]]] = []  # a flow may have used more by now
        self._count = 0  # flows need no order of their own
        self.size = 0  # read often: no method

    @property
    def senders(self) -> int:
        """Of how many something waits."""
        return len(self._flows)

    def add(self, balances: tuple[Balance, ...], item: T) -> bool:
        """Let something wait; False if there is no room for another one of this sender."""
        flow = self._flows.get(balances)
        if flow is not None:
            count = len(flow.waiting)
            if count >= self._of_sender_max or (self.size >= self._size_max <= count * len(self._flows)):
                return False
        elif len(self._flows) >= self._senders_max:
            return False
        else:
            flow = self._flows[balances] = _Flow(balances)
            self._count += 1
            used_us = max(most_used_us(flow.balances), self._ledger.clock_us - CREDIT_US)  # more is not saved
            heappush(self._heap, (used_us, self._count, flow))
        flow.waiting.append(item)
        self.size += 1
        return True

    def least_us(self) -> float:
        """How much the one whose turn it is has used; there must be one."""
        used_us, _, flow = self._heap[0]
        while (now_used_us := most_used_us(flow.balances)) > used_us:
            self._count += 1
            heapreplace(self._heap, (now_used_us, self._count, flow))
            used_us, _, flow = self._heap[0]
        return used_us

    def take(self) -> T:
        """The next one; there must be one."""
        return next(self.take_run())

    def take_run(self) -> Iterator[T]:
        """All that waits of the one who is next, each taken when it is asked for; there must be one.

        For as long as nobody is charged, they stay the next. Nothing may be added meanwhile.
        """
        self._ledger.on_served(self.least_us())
        flow = self._heap[0][2]
        waiting = flow.waiting
        while waiting:
            self.size -= 1
            item = waiting.popleft()
            if not waiting:
                assert self._heap[0][2] is flow, "something was added meanwhile"
                heappop(self._heap)
                del self._flows[flow.balances]
            yield item
