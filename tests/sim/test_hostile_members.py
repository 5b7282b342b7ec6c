"""Hostile members in the swarm: a slice of what `scripts/sim` runs, and that they do what they are there for."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.sim.hostile import HostileNode
from tests.sim.hostile_deeds import DEEDS
from tests.sim.network import Address
from tests.sim.swarm import Swarm
from tests.sim.watcher import WATCHER_DEEDS, Watcher
from tests.sim.wellformed import REQUESTS, UP, Known, draw
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.wire.frames import encode, parse_request_untrusted

SLICES = 4
SEEDS_PER_SLICE = 3


@pytest.mark.parametrize("number", range(SLICES))
def test_all_comes_right_whatever_hostile_members_do(number: int) -> None:
    for seed in range(number * SEEDS_PER_SLICE, (number + 1) * SEEDS_PER_SLICE):
        try:
            Swarm(seed, is_hostile=True).run()
        except Exception as error:
            raise AssertionError(f"replay: scripts/sim --hostile --seed {seed} --verbose") from error


def world_with(deed: str) -> tuple[World, HostileNode]:
    """Two people who have entered, and a member who does this all the time."""
    world = World(Random(1))
    world.add_clients(2)
    node = HostileNode(
        world, Address("hostile", 1), Random(2), nick="mallory", rooms=("lobby",), deeds=[DEEDS[deed]], interval_s=0.2
    )
    world.strangers.append(node)
    return world, node


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_reaches_the_server_and_harms_nobody(deed: str) -> None:
    world, node = world_with(deed)
    world.run_until(lambda: node.is_in or deed in ("comes and goes", "sends anything"), limit_s=5)
    before = world.network.count(destination=SERVER).delivered
    world.run(5)
    assert world.network.count(destination=SERVER).delivered - before > 10
    for client in world.clients:
        client.say(f"{client.nick} is here")
        assert not client.of(events.Disconnected)
    world.run_until(lambda: all(len(client.sent()) == 1 for client in world.clients), limit_s=1)
    world.check()


@pytest.mark.parametrize("deed", WATCHER_DEEDS)
def test_a_watcher_disconnects_nobody(deed: str) -> None:
    world = World(Random(1))
    watcher = Watcher(world, Random(2), [deed])
    alice, bob = world.add_clients(2)
    for number in range(40):
        if number % 4 == 0:
            alice.kill()
            alice.restart()
            world.run_until(lambda: alice.view.is_entered, limit_s=2)
        alice.say(f"{number}")
        world.run(0.1)
    assert not alice.of(events.Disconnected) and not bob.of(events.Disconnected)
    injected = world.network.count(source=Address("injector", 0)).sent
    assert injected > 0
    watcher.leave()
    world.settle(limit_s=2)
    assert len(bob.messages()) == 40
    world.run(1)
    assert world.network.count(source=Address("injector", 0)).sent == injected


def test_what_is_drawn_is_every_frame_and_request_within_its_limits() -> None:
    random, known = Random(3), Known({"room": ["lobby"]})
    drawn: Counter[type] = Counter()
    for shape in (*UP, *REQUESTS):
        for _ in range(30):
            value = draw(random, shape, known)
            drawn[type(value)] += 1
            if shape in REQUESTS:
                assert parse_request_untrusted(encode(value)) == value
    assert set(drawn) == {*UP, *REQUESTS}
