"""A server that a running client has lost, and that has another address now: the client goes on there."""

from __future__ import annotations

from random import Random

import pytest

from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.client.link import LOST_S
from udpchat.wire.packets import Address

THERE, URL = Address("10.0.0.2", 1), "udpchat://10.0.0.2:1"
NOWHERE = Address("10.0.0.3", 1)


def lost(world: World) -> ClientNode:
    """A client whose server is at THERE, and that has noticed the loss."""
    (alice,) = world.add_clients(1)
    world.run(1)
    world.network.rebind(world.now, SERVER, THERE)
    alice.say("hello?")
    world.run_until(lambda: bool(alice.of(events.Disconnected)), limit_s=LOST_S + 1)
    return alice


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("after_s", [0.0, 3.0])
def test_a_client_goes_on_where_its_server_is_now_and_nothing_is_lost_or_doubled(
    is_restarted: bool, after_s: float
) -> None:
    world = World(Random(1))
    alice = lost(world)
    if is_restarted:
        world.server.kill()
        world.server.restart()
    world.run(after_s)
    alice.do("move", THERE, URL, 0.001)
    assert world.run_until(lambda: alice.core.is_entered and alice.is_settled(), limit_s=1) < 0.2
    assert alice.texts() == ["hello?"] and alice.core.model.connection.server == URL
    [moved] = [event for event in alice.of(events.Notice) if event.key == "moved"]
    assert moved.values == {"url": URL} and len(alice.of(events.Reconnected)) == 1
    world.check()


def test_who_is_not_lost_stays_where_it_is() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    alice.do("move", NOWHERE, URL, 0.001)
    alice.say("here")
    world.run_until(alice.is_settled, limit_s=1)
    assert not [event for event in alice.of(events.Notice) if event.key == "moved"]


def test_whoever_was_led_astray_goes_on_when_it_is_led_back() -> None:
    world = World(Random(1))
    alice = lost(world)
    alice.do("move", NOWHERE, "udpchat://10.0.0.3:1", 0.001)
    world.run(10)
    alice.do("move", THERE, URL, 0.001)
    assert world.run_until(lambda: alice.core.is_entered and alice.is_settled(), limit_s=1) < 0.2
    assert alice.texts() == ["hello?"]
