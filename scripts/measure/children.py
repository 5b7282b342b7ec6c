"""Objects that live in a process of their own, and are called from here: load must not be made by who is measured."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol

_spawning = multiprocessing.get_context("spawn")  # the same on every system, and no thread or socket is inherited


class Resident(Protocol):
    """What lives in a child: it has a turn now and then, also while nobody calls it."""

    def turn(self, wait_s: float) -> None:
        """Do what is due; wait for something to do at most this long."""


class Child:
    """`make(*arguments)` in another process; a context manager. `pid` is the process, for its CPU time and memory."""

    def __init__(self, make: Callable[..., Resident], *arguments: Any) -> None:
        self._connection, theirs = _spawning.Pipe()
        self._process = _spawning.Process(target=_live, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.pid: int = self._process.pid or 0

    def call(self, method: str, *arguments: Any) -> Any:
        """What the method gives; RuntimeError with its traceback if it fails there."""
        self._connection.send((method, arguments))
        is_done, result = self._connection.recv()
        if not is_done:
            raise RuntimeError(result)
        return result

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def shared_counter() -> Any:
    """A 64-bit count, `.value`, that a child and we see alike; one of us writes."""
    return _spawning.RawValue("Q", 0)


def _live(connection: Connection, make: Callable[..., Resident], arguments: tuple[Any, ...]) -> None:
    try:
        resident = make(*arguments)
        while True:
            resident.turn(0.02)
            while connection.poll(0):
                method, given = connection.recv()
                connection.send((True, getattr(resident, method)(*given)))
    except (EOFError, KeyboardInterrupt):
        return
    except Exception:
        connection.send((False, traceback.format_exc()))
