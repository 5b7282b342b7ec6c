"""Carries out the long reads of a server's core on a thread, each within QUERY_S_MAX (SPEC 6.8).

The thread shares the processor and the interpreter with the loop. So it rests after each read, for QUERY_REST times as
long as that took: whoever asks for more and more takes a third of its time, and chat has the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from udpchat.server import history
from udpchat.server.queries import Query
from udpchat.shell.worker import Worker
from udpchat.storage.reading import TableReader
from udpchat.sync.log import LogUnreadable
from udpchat.wire.limits import QUERY_REST, QUERY_S_MAX
from udpchat.wire.requests import ResultBody

QueryResult = ResultBody | LogUnreadable


def read(reader: TableReader, query: Query) -> QueryResult:
    """What a query reads, or why it cannot."""
    try:
        return history.read(reader, query.read)
    except LogUnreadable as error:
        return error


class ThreadReader:
    """Reads with `reader`, which nobody else uses. Used from the thread of `loop` only; one query while `is_ready`.

    In the loop, `on_answered(query, result, took_s)` is called for each, and then `on_ready()` for the next.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: TableReader,
        *,
        on_answered: Callable[[Query, QueryResult, float], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._on_answered = on_answered
        self._on_ready = on_ready
        self._worker = Worker(loop, "reader")
        self._deadline: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def is_ready(self) -> bool:
        """Whether it takes a query now."""
        return self._deadline is None and self._rest is None and not self._is_closed

    def submit(self, query: Query) -> None:
        """Carry this out."""
        assert self.is_ready
        began_s = self._loop.time()
        self._reader.begin()
        self._deadline = self._loop.call_later(QUERY_S_MAX, self._reader.interrupt)
        self._worker.put(partial(read, self._reader, query), partial(self._on_read, query, began_s))

    def _on_read(self, query: Query, began_s: float, result: QueryResult) -> None:
        self._stop_timers()
        if self._is_closed:
            return
        took_s = self._loop.time() - began_s
        self._rest = self._loop.call_later(took_s * QUERY_REST, self._on_rested)
        self._on_answered(query, result, took_s)

    def _on_rested(self) -> None:
        self._rest = None
        self._on_ready()

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._rest):
            if timer is not None:
                timer.cancel()
        self._deadline = self._rest = None

    async def idle(self) -> None:
        """Return once nothing is read."""
        await self._worker.idle()

    def close(self) -> None:
        """Read nothing more, and answer nothing more; twice is fine. The store may be closed once it is `idle`."""
        self._is_closed = True
        self._stop_timers()
        self._reader.interrupt()
        self._worker.close()
