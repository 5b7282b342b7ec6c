"""Long reads of the log, carried out off the loop: which one is next, and how many may wait (SPEC 6.8).

One query runs at a time. Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) chooses the source of the next,
a host or a network: the time that queries take is charged to their source, and the one that had the least goes first;
its persons take turns, all devices of one together. How many of a person may wait depends on the free places (Choudhury
and Hahne, 1998): one person alone may use many, and however many persons use some, a newcomer finds a place.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from udpchat.sync.log import SearchQuery
from udpchat.wire.limits import QUERIES_MAX, QUERIES_SHARE_OF_FREE
from udpchat.wire.requests import GetHistory

QUERY_S_MIN: Final = 0.001  # what each is charged at least: the thread and the answer take time too


@dataclass(frozen=True, slots=True)
class Query:
    """What a request reads, once its permission is checked. `source`: the host or network that it came from."""

    client_id: bytes
    counter: int
    key: bytes
    source: str
    read: GetHistory | SearchQuery

    @property
    def id(self) -> tuple[bytes, int]:
        """The request that it answers."""
        return self.client_id, self.counter


class Queries:
    """The queries that wait, and the one that runs."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[bytes, deque[Query]]] = {}  # by source, and of each the keys, next one first
        self._ids: set[tuple[bytes, int]] = set()  # of those that wait, and of the one that runs
        self._counts: Counter[bytes] = Counter()  # how many wait, by key
        self._running: Query | None = None
        self._due: list[tuple[float, str]] = []  # a heap: where in virtual time each waiting source begins
        self._used_s: dict[str, float] = {}  # where in virtual time the last query of a source ended
        self._virtual_s = 0.0  # where the latest query began

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, query: Query) -> bool:
        """Take a query, unless the same is here already; False if too many wait."""
        if query.id in self._ids:
            return True
        if self._counts[query.key] >= (QUERIES_MAX - len(self._ids)) * QUERIES_SHARE_OF_FREE:
            return False
        self._ids.add(query.id)
        self._counts[query.key] += 1
        if query.source not in self._waiting:
            self._waiting[query.source] = {}
            if self._running is None or self._running.source != query.source:
                self._enqueue(query.source)
        self._waiting[query.source].setdefault(query.key, deque()).append(query)
        return True

    def _enqueue(self, source: str) -> None:
        heappush(self._due, (max(self._virtual_s, self._used_s.get(source, 0.0)), source))

    def take_next(self, is_wanted: Callable[[Query], bool]) -> Query | None:
        """Begin with the next that its client still waits for; None if there is none, or one runs."""
        while self._running is None and self._due:
            begin_s, source = heappop(self._due)
            query = self._take_of(source)
            if is_wanted(query):
                self._running, self._virtual_s = query, begin_s
                return query
            self._ids.discard(query.id)
            if source in self._waiting:
                self._enqueue(source)
        return None

    def _take_of(self, source: str) -> Query:
        """The first query of the key whose turn it is; its next turn is after those of the others."""
        keys = self._waiting[source]
        key = next(iter(keys))
        waiting = keys.pop(key)
        query = waiting.popleft()
        if waiting:
            keys[key] = waiting
        if not keys:
            del self._waiting[source]
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        return query

    def on_answered(self, query: Query, took_s: float) -> None:
        """The query that ran is done, and took so long."""
        assert query is self._running
        self._running = None
        self._ids.discard(query.id)
        self._used_s[query.source] = self._virtual_s + max(took_s, QUERY_S_MIN)
        if query.source in self._waiting:
            self._enqueue(query.source)
        if not self._ids:  # nobody waits behind anybody
            self._used_s.clear()
            self._virtual_s = 0.0
        elif len(self._used_s) > QUERIES_MAX:  # those that are behind begin where all others do
            self._used_s = {source: used_s for source, used_s in self._used_s.items() if used_s > self._virtual_s}
