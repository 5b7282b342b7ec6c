from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from tests.shell.waiting import run_until
from udpchat.shell.writer import DirectWriter, Outcome, ThreadWriter, Unwritten, Writer, Written
from udpchat.storage.store_interfaces import StoreFull


class Disk:
    """Notes each batch; holds while `gate` is closed; fails with `error` if there is one."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: BaseException | None = None

    def write(self, batch: Sequence[str]) -> None:
        self.batches.append(list(batch))
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error


def outcomes_of(writer: Writer[str]) -> list[Outcome]:
    found = []
    while (outcome := writer.take_outcome()) is not None:
        found.append(outcome)
    return found


def test_a_direct_writer_has_the_outcome_at_once() -> None:
    disk = Disk()
    writer = DirectWriter(disk.write)
    writer.submit(["a", "b"])
    disk.error = StoreFull("no room")
    writer.submit(["c"])
    assert outcomes_of(writer) == [Written(2), Unwritten("no room")]


def test_what_comes_while_a_batch_is_written_is_the_next_batch(loop: asyncio.AbstractEventLoop) -> None:
    disk = Disk()
    disk.gate.clear()
    writer = ThreadWriter(loop, disk.write)
    calls: list[Outcome | None] = []
    writer.on_outcome(lambda: calls.append(writer.take_outcome()))
    writer.submit(["a"])
    run_until(loop, lambda: disk.batches)
    for item in "bcd":
        writer.submit([item])
    assert calls == []
    disk.gate.set()
    loop.run_until_complete(asyncio.wait_for(writer.idle(), 5))
    assert disk.batches == [["a"], ["b", "c", "d"]]
    assert calls == [Written(1), Written(3)]
    writer.close()


def test_after_a_failure_what_had_collected_is_unwritten_too_and_the_next_starts_afresh(
    loop: asyncio.AbstractEventLoop,
) -> None:
    disk = Disk()
    disk.gate.clear()
    disk.error = StoreFull("no room")
    writer = ThreadWriter(loop, disk.write)
    writer.submit(["a"])
    run_until(loop, lambda: disk.batches)
    writer.submit(["b"])
    disk.gate.set()
    loop.run_until_complete(asyncio.wait_for(writer.idle(), 5))
    assert outcomes_of(writer) == [Unwritten("no room")]
    disk.error = None
    writer.submit(["a again"])
    loop.run_until_complete(asyncio.wait_for(writer.idle(), 5))
    assert outcomes_of(writer) == [Written(1)]
    assert disk.batches == [["a"], ["a again"]]
    writer.close()


def test_a_bug_in_a_store_is_raised_in_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    disk = Disk()
    disk.error = AssertionError("a hole")
    raised: list[object] = []
    loop.set_exception_handler(lambda loop, context: raised.append(context.get("exception")))
    writer = ThreadWriter(loop, disk.write)
    writer.submit(["a"])
    run_until(loop, lambda: raised)
    assert raised == [disk.error]
    assert outcomes_of(writer) == []


def test_an_idle_writer_is_idle_at_once(loop: asyncio.AbstractEventLoop) -> None:
    writer = ThreadWriter(loop, Disk().write)
    loop.run_until_complete(asyncio.wait_for(writer.idle(), 5))
    writer.close()
    writer.close()


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_closed_writer_ends_its_thread(loop: asyncio.AbstractEventLoop, is_closed: bool) -> None:
    before = set(threading.enumerate())
    writer = ThreadWriter(loop, Disk().write)
    (thread,) = set(threading.enumerate()) - before
    if is_closed:
        writer.submit(["a"])
    writer.close()
    thread.join(5)
    assert not thread.is_alive()


def test_what_is_run_comes_between_two_batches_and_is_waited_for(loop: asyncio.AbstractEventLoop) -> None:
    disk = Disk()
    disk.gate.clear()
    writer = ThreadWriter(loop, disk.write)
    told: list[str] = []

    def fail() -> None:
        raise StoreFull("no room")

    writer.submit(["a"])
    writer.run(lambda: disk.batches.append(["run"]), lambda error: told.append(str(error)))
    writer.run(fail, lambda error: told.append(str(error)))
    writer.submit(["b"])
    disk.gate.set()
    loop.run_until_complete(asyncio.wait_for(writer.idle(), 5))
    assert disk.batches == [["a"], ["run"], ["b"]]
    assert told == ["None", "no room"]
    assert outcomes_of(writer) == [Written(1), Written(1)]
    writer.close()
