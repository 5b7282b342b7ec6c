"""How a program ends: the first of an exit code, an exception, a signal and the time limit decides."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase, Problem
from udpchat.shell.signals import STOPPING, Signals, exit_code_of

Result = TypeVar("Result")
Stop = Callable[[ExitCode, Phrase], None]  # report to the person why it ends, and finish with a code


class TimedOut(Problem):
    """The time limit passed before a server answered."""


class ProgramEnd:
    """The exit code of a program, once it is known.

    `on_stop` is set while an application runs that can report why it ends; without it, a signal ends the program with
    its exit code, and the time limit ends it with `TimedOut`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._code: asyncio.Future[int] = loop.create_future()
        self.on_stop: Stop | None = None

    @property
    def is_known(self) -> bool:
        """Whether the program ends."""
        return self._code.done()

    def finish(self, code: int) -> None:
        """End with this code, unless something else has ended it before."""
        if not self._code.done():
            self._code.set_result(code)

    def fail(self, error: Exception) -> None:
        """End with this exception, unless something else has ended it before."""
        if not self._code.done():
            self._code.set_exception(error)

    async def code(self) -> int:
        """The exit code, once it is known. Raises what `fail` was given."""
        return await asyncio.shield(self._code)

    async def unless_known(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """The result of `work`; None, and `work` is cancelled, if the program ends before. Raises what `work` does."""
        task = asyncio.ensure_future(work)
        either: tuple[asyncio.Future[Any], ...] = (task, self._code)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._code.done():
            return task.result()
        task.cancel()
        return None

    @contextmanager
    def watching(self, timeout_s: float | None, *, before_exit: Callable[[], None]) -> Iterator[None]:
        """Signals, the time limit and exceptions of callbacks end the program while this is open."""
        signals = Signals(self._loop, self._on_signal, before_exit=before_exit)
        self._loop.set_exception_handler(self._on_exception)
        if timeout_s is not None:
            self._loop.call_later(timeout_s, self._on_timeout)
        try:
            signals.take(*STOPPING)
            if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                signals.take(signal.SIGHUP)  # the terminal was closed, and the program was not started with nohup
            yield
        finally:
            signals.close()

    def _on_signal(self, number: int) -> None:
        code = exit_code_of(number)
        if self.on_stop is not None:
            self.on_stop(code, Phrase(f"stopped.{code.name.lower()}"))
        self.finish(code)

    def _on_timeout(self) -> None:
        if self.on_stop is not None:
            self.on_stop(ExitCode.TIMED_OUT, Phrase("stopped.timed_out"))
        else:
            self.fail(TimedOut("timed_out"))

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A callback raised: our fault, or nobody reads our output. The caller of the program gets the exception."""
        error = context.get("exception")
        self.fail(error if isinstance(error, Exception) else RuntimeError(str(context.get("message"))))
