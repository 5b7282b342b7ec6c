"""Who has to be well within 2 s of the last fault, who may take a heartbeat, and that whoever is late is found."""

from __future__ import annotations

from random import Random

import pytest

from tests.attacks.watcher import Watcher, pinned_world
from tests.sim.faults import LAN
from tests.sim.liveness import HEARTBEAT_RECOVERY_S, RECOVERY_S, Liveness, Unnoticed
from tests.sim.network import Address
from tests.sim.world import World
from udpchat.chat.events import Rejected
from udpchat.wire.limits import KEY_PATIENCE_S


def test_only_who_awaits_nothing_from_a_server_that_forgot_it_may_take_a_heartbeat() -> None:
    world = World(Random(1), LAN)
    alice, bob = world.add_clients(2)
    world.settle()
    world.run(1)
    world.server.kill()
    alice.say("is anybody there?")
    world.server.restart()
    liveness = Liveness(world)
    assert liveness.unnoticed == {alice: None, bob: Unnoticed.FORGOTTEN}
    first, second = liveness.run()
    assert (first.nick, second.nick) == (alice.nick, bob.nick)
    assert first.took_s < RECOVERY_S < second.took_s < HEARTBEAT_RECOVERY_S


def test_a_listener_behind_another_address_may_take_a_heartbeat() -> None:
    world = World(Random(1), LAN)
    alice, bob = world.add_clients(2)
    world.settle()
    world.network.rebind(world.now, bob.address, Address("elsewhere", 7))
    alice.say("are you still there?")
    liveness = Liveness(world)
    assert liveness.unnoticed == {alice: None, bob: Unnoticed.MOVED}
    assert liveness.limit_s == HEARTBEAT_RECOVERY_S
    assert {recovery.nick for recovery in liveness.run()} == {alice.nick, bob.nick}


def test_all_that_is_well_is_well_at_once() -> None:
    world = World(Random(1), LAN)
    clients = world.add_clients(2)
    world.settle()
    liveness = Liveness(world)
    assert liveness.unnoticed == dict.fromkeys(clients) and liveness.limit_s == RECOVERY_S
    assert [recovery.took_s for recovery in liveness.run()] == [0.0, 0.0]


def test_who_is_well_again_too_late_is_found() -> None:
    world = World(Random(1), LAN)
    alice, bob = world.add_clients(2)
    world.network.blackhole(alice.address)
    bob.say("can you hear me?")
    world.run(0.1)
    with pytest.raises(AssertionError, match=f"not well again: {alice.nick}"):
        Liveness(world).run()


def test_what_is_said_after_the_faults_stopped_is_not_waited_for() -> None:
    """So that somebody who floods a room keeps nobody from being well."""
    world = World(Random(1), LAN)
    alice, bob = world.add_clients(2)
    alice.say("before")
    world.settle()
    liveness = Liveness(world)
    world.network.blackhole(alice.address)
    bob.say("after")
    assert {recovery.nick for recovery in liveness.run()} == {alice.nick, bob.nick}


def test_who_ends_because_only_a_watcher_answered_during_the_faults_is_started_again() -> None:
    world = pinned_world(1)
    watcher = Watcher(world)
    watcher.on_up.append(watcher.answer_hello)
    alice = world.add_client("alice")
    world.network.blackhole(alice.address, receives=False)
    world.run(KEY_PATIENCE_S - 0.001)
    assert not alice.core.is_over
    world.network.reconnect()
    (recovery,) = Liveness(world, has_watcher=True).run()
    assert [type(event) for event in alice.events].count(Rejected) == 1 and recovery.took_s < RECOVERY_S
