"""The write-ahead log of a server's file is copied into it on a thread of its own, while the next batch is written."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from udpchat.shell.worker import Worker
from udpchat.storage.store_interfaces import StoreError


class Checkpointed(Protocol):
    """See `SqliteLog`."""

    @property
    def is_checkpoint_due(self) -> bool: ...

    def checkpoint(self) -> None: ...


class ThreadCheckpoints:
    """One checkpoint at a time, whenever one is due. Used from the thread of `loop` only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, log: Checkpointed) -> None:
        self._log = log
        self._is_busy = self._is_closed = False
        self._worker = Worker(loop, "checkpoints")

    def start(self) -> None:
        """Begin one, if it is due and none is under way."""
        if self._log.is_checkpoint_due and not (self._is_busy or self._is_closed):
            self._is_busy = True
            self._worker.put(self._carry_out, self._on_done)

    def _carry_out(self) -> None:
        with suppress(StoreError):  # the next batch reports what is wrong, if it is in its way
            self._log.checkpoint()

    def _on_done(self, result: None) -> None:
        self._is_busy = False

    async def idle(self) -> None:
        """Return once none is under way."""
        await self._worker.idle()

    def close(self) -> None:
        """Begin no more; twice is fine."""
        self._is_closed = True
        self._worker.close()
