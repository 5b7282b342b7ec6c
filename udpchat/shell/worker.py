"""A thread that does one job after the other, and reports in the loop how each went."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

LEAST_URGENT: Final = 19  # of the system's priorities: what is left by everybody else


class Worker:
    """Does jobs on one thread of its own. Used from the thread of `loop` only.

    An exception that a job lets out is a bug: it is raised in the loop, and nothing more is done.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, *, is_urgent: bool = True) -> None:
        """`is_urgent` False: all other work of the machine goes first, where the system can tell threads apart."""
        self._loop = loop
        self._is_urgent = is_urgent
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = SimpleQueue()
        self._under_way = 0
        self._idle: list[asyncio.Future[None]] = []
        self._thread = threading.Thread(
            target=self._work, name=name, daemon=True
        )  # a disk that hangs must not hang the end
        self._thread.start()

    def put(self, job: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do this after all that was put before; `then` gets in the loop what it returned. After `close`: neither."""
        self._under_way += 1
        self._jobs.put((job, then))

    def _work(self) -> None:
        if not self._is_urgent and sys.platform == "linux":
            with suppress(OSError):  # it does its jobs all the same
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_URGENT)
        while (queued := self._jobs.get()) is not None:
            job, then = queued
            try:
                result = job()
            except BaseException as error:
                self._report(partial(self._on_bug, error))
                return
            self._report(partial(self._on_done, then, result))

    def _report(self, report: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(report)
        except RuntimeError:
            assert self._loop.is_closed()  # whoever closed it could not wait for us

    def _on_done(self, then: Callable[[Any], None], result: Any) -> None:
        self._under_way -= 1
        then(result)
        if not self._under_way:
            idle, self._idle = self._idle, []
            for future in idle:
                if not future.done():
                    future.set_result(None)

    def _on_bug(self, error: BaseException) -> None:
        raise error

    async def idle(self) -> None:
        """Return once everything that was put is done, and has been reported."""
        while self._under_way:
            future = self._loop.create_future()
            self._idle.append(future)
            await future

    def close(self) -> None:
        """End the thread once it has done what it has; twice is fine."""
        self._jobs.put(None)
