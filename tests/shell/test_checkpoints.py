"""The write-ahead log is copied beside writing: one checkpoint at a time, and no failure ends the server."""

from __future__ import annotations

import asyncio
import threading

from udpchat.shell.checkpoints import ThreadCheckpoints
from udpchat.storage.store_interfaces import StoreFailed


class Log:
    """A log with a checkpoint that is due until it is done, and goes on while `may_end` is not set."""

    def __init__(self, failure: StoreFailed | None = None) -> None:
        self.is_checkpoint_due = False
        self.may_end = threading.Event()
        self.done = 0
        self._failure = failure

    def checkpoint(self) -> None:
        assert self.may_end.wait(5)
        self.done += 1
        self.is_checkpoint_due = False
        if self._failure is not None:
            raise self._failure


def wait(loop: asyncio.AbstractEventLoop, checkpoints: ThreadCheckpoints) -> None:
    loop.run_until_complete(asyncio.wait_for(checkpoints.idle(), 5))


def test_a_checkpoint_is_made_when_it_is_due_and_one_at_a_time(loop: asyncio.AbstractEventLoop) -> None:
    log = Log()
    checkpoints = ThreadCheckpoints(loop, log)
    checkpoints.start()
    wait(loop, checkpoints)
    assert log.done == 0
    log.is_checkpoint_due = True
    checkpoints.start()
    checkpoints.start()
    log.may_end.set()
    wait(loop, checkpoints)
    assert log.done == 1
    checkpoints.close()
    log.is_checkpoint_due = True
    checkpoints.start()
    wait(loop, checkpoints)
    assert log.done == 1


def test_one_that_fails_is_made_again(loop: asyncio.AbstractEventLoop) -> None:
    log = Log(StoreFailed("no"))
    log.may_end.set()
    checkpoints = ThreadCheckpoints(loop, log)
    for done in (1, 2):
        log.is_checkpoint_due = True
        checkpoints.start()
        wait(loop, checkpoints)
        assert log.done == done
    checkpoints.close()
