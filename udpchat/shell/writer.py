"""Writers put the writes of a core into a store: at once, or on a thread while the next batch collects (SPEC 7).

Both give an outcome for each batch, in order. After a failure all that was submitted until then counts as not written,
for what comes later builds on what came before; what is submitted afterwards starts afresh.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from udpchat.shell.worker import Worker
from udpchat.storage.store_interfaces import StoreError
from udpchat.wire.fields import Value

W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)


class Written(Value, frozen=True):
    """The `count` oldest writes submitted are durable as configured."""

    count: int


class Unwritten(Value, frozen=True):
    """Nothing that was submitted so far and has no outcome yet was written; the reason is one line for a person."""

    reason: str


Outcome = Written | Unwritten


class Writer(Protocol[W_contra]):
    """Where a driver puts its core's writes."""

    def submit(self, batch: Sequence[W_contra]) -> None:
        """Write these after all that were submitted before."""

    def take_outcome(self) -> Outcome | None:
        """The oldest outcome that was not taken yet; None if there is none."""

    def on_outcome(self, callback: Callable[[], None]) -> None:
        """Call this for each outcome that comes later than `submit`."""

    async def idle(self) -> None:
        """Return once everything submitted has an outcome, and the callback has been called for it."""

    def close(self) -> None:
        """Accept no more writes."""


class DirectWriter(Generic[W]):
    """Writes within `submit`: for stores that never wait."""

    def __init__(self, write: Callable[[Sequence[W]], None]) -> None:
        self._write = write
        self._outcomes: deque[Outcome] = deque()

    def submit(self, batch: Sequence[W]) -> None:
        """As `Writer` says; the outcome is there on return."""
        try:
            self._write(batch)
        except StoreError as error:
            self._outcomes.append(Unwritten(str(error)))
        else:
            self._outcomes.append(Written(len(batch)))

    def take_outcome(self) -> Outcome | None:
        return self._outcomes.popleft() if self._outcomes else None

    def on_outcome(self, callback: Callable[[], None]) -> None:
        """None comes outside `submit`."""

    async def idle(self) -> None:
        """It always is."""

    def close(self) -> None:
        """There is nothing to end."""


class ThreadWriter(Generic[W]):
    """Writes on one thread of its own, one batch at a time. Used from the thread of `loop` only.

    A failure other than `StoreError` is a bug: it is raised in the loop, and the writer writes no more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, write: Callable[[Sequence[W]], None]) -> None:
        self._write = write
        self._collected: list[W] = []
        self._is_writing = False
        self._outcomes: deque[Outcome] = deque()
        self._callback: Callable[[], None] = lambda: None
        self._worker = Worker(loop, "writer")

    def submit(self, batch: Sequence[W]) -> None:
        """As `Writer` says; returns at once."""
        self._collected.extend(batch)
        if not self._is_writing:
            self._start()

    def _start(self) -> None:
        batch, self._collected = self._collected, []
        self._is_writing = True
        self._worker.put(partial(_failure_of, partial(self._write, batch)), partial(self._on_written, len(batch)))

    def run(self, job: Callable[[], None], then: Callable[[StoreError | None], None]) -> None:
        """Do something else with the store between two batches; `then` hears in the loop that it was done, or why not.

        After `close` neither happens.
        """
        self._worker.put(partial(_failure_of, job), then)

    def _on_written(self, count: int, failure: StoreError | None) -> None:
        self._is_writing = False
        if failure is not None:
            self._collected.clear()
        elif self._collected:
            self._start()  # before anything else: the disk is slower than we are
        self._outcomes.append(Written(count) if failure is None else Unwritten(str(failure)))
        self._callback()

    def take_outcome(self) -> Outcome | None:
        return self._outcomes.popleft() if self._outcomes else None

    def on_outcome(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    async def idle(self) -> None:
        """As `Writer` says."""
        await self._worker.idle()

    def close(self) -> None:
        """End the thread once it has written what it has; twice is fine."""
        self._worker.close()


def _failure_of(job: Callable[[], None]) -> StoreError | None:
    try:
        job()
    except StoreError as error:
        return error
    return None
