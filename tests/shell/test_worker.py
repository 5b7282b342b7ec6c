"""A thread for jobs: in order, reported in the loop, waited for, and no bug is lost."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from tests.shell.waiting import run_until
from udpchat.shell.worker import LEAST_URGENT, Worker


def test_jobs_are_done_in_order_on_one_thread_and_reported_in_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    worker = Worker(loop, "test")
    reports: list[tuple[int, threading.Thread]] = []
    threads: set[threading.Thread] = set()

    def job(number: int) -> int:
        threads.add(threading.current_thread())
        return number

    for number in range(3):
        worker.put(
            lambda number=number: job(number), lambda number: reports.append((number, threading.current_thread()))
        )
    loop.run_until_complete(asyncio.wait_for(worker.idle(), 5))
    assert reports == [(number, threading.current_thread()) for number in range(3)]
    assert len(threads) == 1 and threads.isdisjoint({threading.current_thread()})
    worker.close()


def test_what_a_report_puts_is_waited_for_too(loop: asyncio.AbstractEventLoop) -> None:
    worker = Worker(loop, "test")
    done: list[str] = []
    worker.put(lambda: "first", lambda result: worker.put(lambda: result + ", second", done.append))
    loop.run_until_complete(asyncio.wait_for(worker.idle(), 5))
    assert done == ["first, second"]
    worker.close()


def test_a_bug_is_raised_in_the_loop_and_ends_the_thread(loop: asyncio.AbstractEventLoop) -> None:
    raised: list[object] = []
    loop.set_exception_handler(lambda loop, context: raised.append(context.get("exception")))
    before = set(threading.enumerate())
    worker = Worker(loop, "test")
    (thread,) = set(threading.enumerate()) - before
    error = AssertionError("a bug")

    def fail() -> None:
        raise error

    worker.put(fail, lambda result: raised.append(result))
    run_until(loop, lambda: raised)
    assert raised == [error]
    thread.join(5)
    assert not thread.is_alive()


def test_a_loop_that_is_closed_hears_nothing_more(loop: asyncio.AbstractEventLoop) -> None:
    before = set(threading.enumerate())
    worker = Worker(loop, "test")
    (thread,) = set(threading.enumerate()) - before
    gate = threading.Event()
    worker.put(lambda: gate.wait(5), lambda result: None)
    loop.close()
    gate.set()
    worker.close()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority")
def test_what_is_not_urgent_has_the_least_priority_and_nothing_else_has(loop: asyncio.AbstractEventLoop) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: list[int] = []
    for is_urgent in (False, True):
        worker = Worker(loop, "test", is_urgent=is_urgent)
        worker.put(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), found.append)
        loop.run_until_complete(asyncio.wait_for(worker.idle(), 5))
        worker.close()
    assert found == [LEAST_URGENT, before] and os.getpriority(os.PRIO_PROCESS, 0) == before
