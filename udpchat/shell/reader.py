"""Carries out the long reads of a server's core on a thread, each within QUERY_S_MAX (SPEC 6.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from udpchat.server import history
from udpchat.server.queries import Query
from udpchat.shell.worker import Worker
from udpchat.storage.reading import TableReader
from udpchat.sync.log import LogUnreadable
from udpchat.wire.limits import QUERY_S_MAX
from udpchat.wire.requests import ResultBody

QueryResult = ResultBody | LogUnreadable


class ThreadReader:
    """Reads with `reader`, which nobody else uses. Used from the thread of `loop` only; one query at a time.

    `on_answered(query, result, took_s)` is called in the loop for each.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: TableReader,
        *,
        on_answered: Callable[[Query, QueryResult, float], None],
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._on_answered = on_answered
        self._worker = Worker(loop, "reader")
        self._deadline: asyncio.TimerHandle | None = None
        self._is_closed = False

    def submit(self, query: Query) -> None:
        """Carry this out; none other is under way."""
        assert self._deadline is None
        if self._is_closed:
            return
        began_s = self._loop.time()
        self._reader.begin()
        self._deadline = self._loop.call_later(QUERY_S_MAX, self._reader.interrupt)
        self._worker.put(partial(self._read, query), partial(self._on_read, query, began_s))

    def _read(self, query: Query) -> QueryResult:
        try:
            return history.read(self._reader, query.read)
        except LogUnreadable as error:
            return error

    def _on_read(self, query: Query, began_s: float, result: QueryResult) -> None:
        self._stop_deadline()
        if not self._is_closed:
            self._on_answered(query, result, self._loop.time() - began_s)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    async def idle(self) -> None:
        """Return once nothing is read."""
        await self._worker.idle()

    def close(self) -> None:
        """Read nothing more, and answer nothing more; twice is fine. The store may be closed once it is `idle`."""
        self._is_closed = True
        self._stop_deadline()
        self._reader.interrupt()
        self._worker.close()
