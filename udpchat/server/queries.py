"""What the shell does for the core: long reads of the log, off the loop, and the errands of operators (SPEC 6.8, 6.12).

One query runs at a time, and who has used least is next: the time that queries take is charged to the balance of the
key and, with an eighth, to that of the source, as all other work is, but in balances of their own. How many of a person
may wait depends on the free places (Choudhury and Hahne, 1998): one person alone may use many, and however many persons
use some, a newcomer finds a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from udpchat.server.credit import Balance, Ledger
from udpchat.server.errands import Errands
from udpchat.server.fair_queue import FairQueue
from udpchat.sync.log import SearchQuery
from udpchat.wire.fields import Value
from udpchat.wire.limits import QUERIES_MAX, QUERIES_SHARE_OF_FREE
from udpchat.wire.requests import GetHistory

QUERY_S_MIN: Final = 0.001  # what each is charged at least: the thread and the answer take time too


class Query(Value, frozen=True):
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
    """The queries that wait, and the one that runs; beside them the errands."""

    def __init__(self) -> None:
        self.errands = Errands()
        self._ledger = Ledger()  # of the time that queries took
        self._waiting: FairQueue[Query] = FairQueue(self._ledger)
        self._ids: set[tuple[bytes, int]] = set()  # of those that wait, and of the one that runs
        self._counts: Counter[bytes] = Counter()  # how many wait, by key
        self._running: Query | None = None

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
        self._waiting.add(self._balances_of(query), query)
        return True

    def _balances_of(self, query: Query) -> tuple[Balance, Balance]:
        return self._ledger.open(query.key), self._ledger.open(query.source)

    def take_next(self, is_wanted: Callable[[Query], bool]) -> Query | None:
        """Begin with the next that its client still waits for; None if there is none, or one runs."""
        while self._running is None and self._waiting.size:
            query = self._waiting.take()
            self._counts[query.key] -= 1
            if not self._counts[query.key]:
                del self._counts[query.key]
            if is_wanted(query):
                self._running = query
                return query
            self._ids.discard(query.id)
        return None

    def on_answered(self, query: Query, took_s: float) -> None:
        """The query that ran is done, and took so long."""
        assert query is self._running
        self._running = None
        self._ids.discard(query.id)
        self._ledger.charge(1e6 * max(took_s, QUERY_S_MIN), *self._balances_of(query))
