from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.shell.waiting import run_until
from udpchat.shell.net.driver import Driver
from udpchat.shell.writer import DirectWriter, ThreadWriter
from udpchat.storage.store_interfaces import StoreFull
from udpchat.wire.packets import Address

HERE: Address = ("192.0.2.1", 1)


class Echo:
    """A core that writes down what it receives, and sends it back once it is written."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.due: float | None = None
        self._writes: list[bytes] = []
        self._written: list[bytes] = []
        self._pending: list[bytes] = []
        self.happened: list[str] = []

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        self.steps.append(f"received {len(datagrams)}")
        self._writes += [datagram for datagram, _ in datagrams]
        self.happened.append("received")

    def handle_timeout(self, now: float) -> None:
        assert self.due is not None and now >= self.due
        self.due = None
        self.steps.append("timeout")

    def next_timeout(self) -> float | None:
        return self.due

    def drain_writes(self) -> list[bytes]:
        drained, self._writes = self._writes, []
        self._pending += drained
        return drained

    def persisted(self, now: float, count: int) -> None:
        self.steps.append(f"persisted {count}")
        self._written += self._pending[:count]
        del self._pending[:count]

    def rejected(self, now: float, reason: str) -> None:
        self.steps.append(f"rejected: {reason}")
        self._pending.clear()

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        drained, self._written = self._written, []
        return [(datagram, HERE) for datagram in drained]

    def drain_events(self) -> list[str]:
        drained, self.happened = self.happened, []
        return drained

    def shout(self, now: float, text: str) -> None:
        self._written.append(text.encode())
        self.happened.append("shouted")


class Air:
    """An endpoint that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        self.sent += [datagram for datagram, _ in transmits]


class World:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.core, self.air = Echo(), Air()
        self.told: list[str] = []
        self.times: list[float] = []
        self.error: StoreFull | None = None
        self.writer = DirectWriter(self.write)
        self.driver: Driver[bytes, str] = Driver(
            loop,
            self.core,
            endpoint=self.air,
            writer=self.writer,
            on_events=self.on_events,
            before=self.times.append,
        )

    def write(self, batch: Sequence[bytes]) -> None:
        if self.error is not None:
            raise self.error

    def on_events(self, now: float, happened: Sequence[str]) -> None:
        self.told.append("+".join(happened))


@pytest.fixture
def world(loop: asyncio.AbstractEventLoop) -> World:
    return World(loop)


def test_a_batch_is_one_mutation_and_sent_only_once_it_is_written(world: World) -> None:
    world.driver.receive([(b"a", HERE), (b"b", HERE)])
    assert world.core.steps == ["received 2", "persisted 2"]
    assert world.air.sent == [b"a", b"b"]
    assert world.told == ["received"]
    assert len(world.times) == 1


def test_what_cannot_be_written_is_rejected_and_not_sent(world: World) -> None:
    world.error = StoreFull("no room")
    world.driver.receive([(b"a", HERE)])
    assert world.core.steps == ["received 1", "rejected: no room"]
    assert world.air.sent == []


def test_a_thread_that_writes_is_followed_by_a_drain(loop: asyncio.AbstractEventLoop, world: World) -> None:
    writer = ThreadWriter(loop, world.write)
    driver: Driver[bytes, str] = Driver(
        loop, world.core, endpoint=world.air, writer=writer, on_events=world.on_events
    )
    driver.receive([(b"a", HERE)])
    assert world.air.sent == []
    run_until(loop, lambda: world.air.sent == [b"a"])
    assert world.told == ["received", ""]  # the listener is called after every drain
    writer.close()


def test_a_verb_is_drained_and_what_it_raises_comes_through(world: World) -> None:
    world.driver.call(world.core.shout, "hello")
    assert world.air.sent == [b"hello"]
    with pytest.raises(ZeroDivisionError):
        world.driver.call(lambda now: 1 // 0)
    assert world.told == ["shouted", ""]


def test_a_listener_may_call_verbs_and_what_they_cause_comes_after(
    loop: asyncio.AbstractEventLoop, world: World
) -> None:
    def answer(now: float, happened: Sequence[str]) -> None:
        world.on_events(now, happened)
        if "received" in happened:
            driver.call(world.core.shout, "one")
            world.core.shout(now, "two")

    driver: Driver[bytes, str] = Driver(
        loop, world.core, endpoint=world.air, writer=world.writer, on_events=answer
    )
    driver.receive([(b"a", HERE)])
    assert world.air.sent == [b"a", b"one", b"two"]
    assert world.told == ["received", "shouted+shouted"]


def test_the_timer_fires_when_the_core_is_due_and_not_before(loop: asyncio.AbstractEventLoop, world: World) -> None:
    world.core.due = loop.time() + 0.01
    world.driver.start()
    run_until(loop, lambda: world.core.steps == ["timeout"])


def test_a_timer_that_moved_later_looks_once_and_waits_on(
    loop: asyncio.AbstractEventLoop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.core.due = loop.time() + 0.001
    world.driver.start()
    world.core.due = loop.time() + 0.02
    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_at", lambda *_: pytest.fail("a timer is armed that need not be"))
        world.driver.call(world.core.shout, "later")
    run_until(loop, lambda: world.core.steps == ["timeout"])  # the core itself asserts that it was due


def test_a_timer_that_moved_earlier_is_armed_anew(loop: asyncio.AbstractEventLoop, world: World) -> None:
    world.core.due = loop.time() + 3600
    world.driver.start()
    world.core.due = loop.time() + 0.001
    world.driver.call(world.core.shout, "sooner")
    run_until(loop, lambda: world.core.steps == ["timeout"])


def test_a_batch_does_what_is_due_so_the_loop_runs_no_second_turn_with_it(
    loop: asyncio.AbstractEventLoop, world: World
) -> None:
    """As found: under load each batch was followed by a turn for the timer, and whoever was next waited for both."""
    world.core.due = loop.time()
    world.driver.start()
    loop.call_soon(world.driver.receive, [(b"a", HERE)])
    loop.call_soon(loop.stop)
    loop.run_forever()  # one turn of the loop, in which the timer would have fired
    assert world.core.steps == ["received 1", "persisted 1"]
    run_until(loop, lambda: world.core.steps[2:] == ["timeout"])  # this core was still due


def test_an_ended_driver_does_nothing_more(loop: asyncio.AbstractEventLoop, world: World) -> None:
    world.core.due = loop.time()
    world.driver.start()
    world.driver.end()
    loop.run_until_complete(asyncio.sleep(0))  # one turn of the loop, in which the timer would have fired
    world.driver.call(world.core.shout, "too late")
    assert world.core.steps == [] and world.air.sent == []
