"""The world remembers when each node is due next: what it remembers is right after every step, and a fault is found."""

from __future__ import annotations

from random import Random

import pytest

from tests.sim import world
from tests.sim.disk_swarm import DiskSwarm
from tests.sim.faults import LAN
from tests.sim.nodes import Node
from tests.sim.swarm import Swarm
from tests.sim.world import World


@pytest.mark.parametrize("swarm", [Swarm, DiskSwarm])
def test_what_is_remembered_of_a_timeout_is_right_at_every_step(
    swarm: type[Swarm], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    check_timeout = Node.check_timeout

    def check(node: Node) -> None:
        checked.append(node.is_due_known)
        check_timeout(node)

    monkeypatch.setattr(Node, "check_timeout", check)
    monkeypatch.setattr(world, "CHECK_EVERY_STEPS", 1)
    for seed in (1, 6):
        swarm(seed).run()
    assert sum(checked) > 1_000, "the timeouts were known, so there was something to compare"


def test_a_change_behind_the_back_of_a_node_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "CHECK_EVERY_STEPS", 1)
    simulated = World(Random(1), LAN)
    alice, bob = simulated.add_clients(2)
    kept = alice.core

    def change(*_: object) -> bool:
        kept.say(simulated.now, "lobby", "past the node")
        kept.persisted(simulated.now, len(kept.drain_writes()))
        return False

    simulated.run(1.0)
    simulated.network.drop_if.append(change)
    bob.say("hello")
    with pytest.raises(AssertionError, match="was remembered"):
        simulated.run(5.0)


def test_what_changes_between_two_runs_is_seen() -> None:
    simulated = World(Random(1), LAN)
    (alice,) = simulated.add_clients(1)
    kept = alice.core
    simulated.run(1.0)
    kept.say(simulated.now, "lobby", "past the node")
    kept.persisted(simulated.now, len(kept.drain_writes()))
    simulated.run_until(lambda: len(alice.sent()) == 1, limit_s=1.0)


def test_a_client_in_no_room_is_present_only_once_a_new_server_knows_it() -> None:
    """Found by the swarm: the world counted as well before such a client was back, which then broke the silence."""
    world = World(Random(7))
    (alice,) = world.add_clients(1)
    alice.core.part(world.now, "lobby")
    world.settle()
    assert world.promises.is_presence_right()
    world.server.kill()
    world.server.restart()
    assert not world.promises.is_presence_right()
    world.run_until(world.promises.is_presence_right, limit_s=12)  # it notices at its next heartbeat
