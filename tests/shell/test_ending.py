from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from tests.shell.waiting import run_until
from tests.worded import worded
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.shell.ending import ProgramEnd, TimedOut
from udpchat.ui.phrases import text_of

LIMIT_S = 10.0
Result = TypeVar("Result")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def done(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    return loop.run_until_complete(asyncio.wait_for(work, LIMIT_S))


def test_the_first_of_several_ends_decides(loop: asyncio.AbstractEventLoop) -> None:
    ending = ProgramEnd(loop)
    assert not ending.is_known
    ending.finish(3)
    ending.finish(4)
    ending.fail(ValueError("too late"))
    assert ending.is_known
    assert done(loop, ending.code()) == 3


def test_work_has_its_result_unless_the_end_comes_first(loop: asyncio.AbstractEventLoop) -> None:
    ending = ProgramEnd(loop)
    cancelled: list[bool] = []

    async def work() -> str:
        return "found"

    async def endless() -> str:
        try:
            await asyncio.sleep(LIMIT_S)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return "never"

    assert done(loop, ending.unless_known(work())) == "found"
    loop.call_soon(ending.finish, 130)
    assert done(loop, ending.unless_known(endless())) is None
    run_until(loop, lambda: cancelled == [True])


def test_the_time_limit_is_an_error_until_an_application_runs(loop: asyncio.AbstractEventLoop) -> None:
    ending = ProgramEnd(loop)
    with ending.watching(0.0, before_exit=lambda: None), worded(TimedOut, "nothing was sent"):
        done(loop, ending.code())


@posix
def test_the_application_hears_of_the_time_limit_and_of_signals(loop: asyncio.AbstractEventLoop) -> None:
    ending = ProgramEnd(loop)
    stops: list[tuple[ExitCode, str]] = []

    def on_stop(code: ExitCode, reason: Phrase) -> None:
        stops.append((code, text_of(reason)))
        if code is ExitCode.TIMED_OUT:
            signal.raise_signal(signal.SIGTERM)

    ending.on_stop = on_stop
    with ending.watching(0.0, before_exit=lambda: None):
        assert done(loop, ending.code()) == ExitCode.TERMINATED
    assert stops == [(ExitCode.TIMED_OUT, "timed out"), (ExitCode.TERMINATED, "terminated")]


def test_an_exception_of_a_callback_reaches_whoever_waits_for_the_code(loop: asyncio.AbstractEventLoop) -> None:
    ending = ProgramEnd(loop)

    def fail() -> None:
        raise BrokenPipeError

    with ending.watching(None, before_exit=lambda: None), pytest.raises(BrokenPipeError):
        loop.call_soon(fail)
        done(loop, ending.code())
