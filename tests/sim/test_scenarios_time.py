"""Scenarios S14, S31 and S32: long absence, processes that stand still, and clocks that are wrong."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import pytest

from tests.sim.faults import WIFI
from tests.sim.nodes import WALL_OFFSET_S, ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.client.core import ClientCore

DAY_S = 86_400.0


def left(client: ClientNode) -> list[tuple[str, str]]:
    """Who this client saw leave, and why."""
    return [(event.nick, event.reason) for event in client.events if isinstance(event, events.MemberLeft)]


@pytest.mark.parametrize("minutes", [5, 60])
@pytest.mark.parametrize("seed", range(2))
def test_after_a_long_partition_everything_is_there_once_and_the_return_is_told_once(minutes: int, seed: int) -> None:
    """S14: 5 and 60 minutes; reconnect from the cursor, no gap, no duplicate, one notice."""
    world = World(Random(seed), WIFI)
    alice, bob = world.add_clients(2)
    alice.say("before")
    world.run(1)
    world.network.partition([alice.address], [SERVER])
    for number in range(100):
        world.run(minutes * 60 / 100)
        bob.say(f"bob {number}")
        if number % 10 == 0:
            alice.say(f"alice {number}")
    world.network.reconnect()
    assert world.run_until(world.is_settled, limit_s=10) <= 5
    world.settle()
    world.run(2)
    assert len(alice.of(events.Disconnected)) == len(alice.of(events.Reconnected)) == 1
    assert alice.texts() == bob.texts()
    assert len(set(alice.texts())) == len(alice.texts()) == 111
    assert left(bob) == [(alice.nick, "timed out")]


@pytest.mark.parametrize("pause_s", [10.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_stood_still_takes_nobody_for_gone(pause_s: float, seed: int) -> None:
    """S31: SIGSTOP of the server for 10 and 60 s; no false expiry of its whole peer set; it recovers."""
    world = World(Random(seed), WIFI)
    clients = world.add_clients(5)
    clients[0].say("before")
    world.run(5)
    world.server.pause()
    world.run(pause_s / 2)
    clients[1].say("meanwhile")
    world.run(pause_s / 2)
    world.server.resume()
    assert world.run_until(world.is_settled, limit_s=10) <= 5
    world.run(35)
    clients[2].say("after")
    world.settle()
    for client in clients:
        assert client.texts() == ["before", "meanwhile", "after"]
        assert not left(client)


@pytest.mark.parametrize("pause_s", [10.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_client_that_stood_still_catches_up(pause_s: float, seed: int) -> None:
    """S31: SIGSTOP of a client for 10 and 60 s. Only the longer one is an absence, and nobody else is affected."""
    world = World(Random(seed), WIFI)
    alice, bob, carol = world.add_clients(3)
    world.run(5)
    alice.pause()
    for number in range(10):
        world.run(pause_s / 10)
        bob.say(f"bob {number}")
    alice.resume()
    assert world.run_until(world.is_settled, limit_s=10) <= 5
    world.settle()
    assert alice.texts() == bob.texts() == carol.texts()
    gone = [(alice.nick, "timed out")] if pause_s > 30 else []
    assert left(bob) == left(carol) == gone
    assert not left(alice)


@pytest.mark.parametrize("jump_s", [-DAY_S, DAY_S])
def test_a_jump_of_the_wall_clock_changes_nothing_but_the_times_told(jump_s: float) -> None:
    """S32: the clock on the wall jumps by a day either way; no timer looks at it."""

    def run(jump_s: float) -> tuple[World, list[ClientNode]]:
        world = World(Random(1), WIFI)
        clients = world.add_clients(3)
        clients[0].say("before")
        world.run(20)
        world.server.core.set_wall_clock(WALL_OFFSET_S + jump_s)
        clients[1].say("after")
        world.run(60)
        return world, clients

    (still, calm), (jumped, clients) = run(0.0), run(jump_s)
    assert jumped.network.count() == still.network.count()
    for client, other in zip(clients, calm, strict=True):
        assert client.times == other.times
        assert client.texts() == other.texts() == ["before", "after"]
    before, after = (event.time_ms for event in clients[2].messages())
    assert abs(after - before - (20 + jump_s) * 1000) < 1000


class Drifting:
    """A core whose clock runs at another rate than the world's, from `origin` on."""

    def __init__(self, core: ClientCore, *, origin: float, rate: float) -> None:
        self._core = core
        self._origin = origin
        self._rate = rate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._core, name)
        if name in ("receive", "handle_timeout", "persisted", "rejected", "say"):
            return lambda now, *arguments: found(self._origin + (now - self._origin) * self._rate, *arguments)
        return found

    def next_timeout(self) -> float | None:
        """In the world's time; a microsecond later, so that no rounding calls it due before it is to the core."""
        due = self._core.next_timeout()
        return None if due is None else self._origin + (due - self._origin) / self._rate + 1e-6


@pytest.mark.parametrize("rate", [0.9, 1.1])
def test_a_clock_that_drifts_by_a_tenth_changes_nothing(rate: float) -> None:
    """S32: drift of 10 %, of a client against the server, for ten minutes."""
    world = World(Random(1), WIFI)
    alice, bob = world.add_clients(2)
    alice.core = cast(ClientCore, Drifting(alice.core, origin=world.now, rate=rate))
    for number in range(10):
        alice.say(f"alice {number}")
        bob.say(f"bob {number}")
        world.run(60)
    assert world.is_settled()
    assert sorted(alice.texts()) == sorted(bob.texts())
    assert len(alice.texts()) == 20
    assert not alice.of(events.Disconnected)
    assert not left(bob)
