"""Row 16: a Finish that comes late, or again, never brings a session back that has ended or was replaced."""

from __future__ import annotations

import pytest

from tests.attacks.watcher import Watcher, pinned_world
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.server.registry import Peer
from udpchat.wire.errors import Drop
from udpchat.wire.limits import HANDSHAKE_LIFETIME_S, REPEATS_MAX
from udpchat.wire.packets import Kind


def peer_of(world: World, client: ClientNode) -> Peer:
    (peer,) = world.server.core.chat.registry.peers_of(client.static.public)
    return peer


@pytest.mark.parametrize("is_back", [True, False])
def test_a_replayed_finish_of_somebody_who_has_quit_changes_nothing(is_back: bool) -> None:
    world = pinned_world(1)
    watcher = Watcher(world)
    alice, bob = world.add_clients(2)
    (finish,) = watcher.of(Kind.FINISH, source=alice.address)
    alice.do("quit")
    world.run_until(lambda: bool(bob.of(events.MemberLeft)), limit_s=1)
    if is_back:
        alice.restart()
        world.run_until(lambda: alice.core.is_entered, limit_s=1)
        before = peer_of(world, alice).session
    peers = len(world.server.core.chat.registry)
    for _ in range(10):
        watcher.send_up(alice.address, finish)
        world.run(0.1)
    assert world.now < 1000 + HANDSHAKE_LIFETIME_S
    assert len(world.server.core.chat.registry) == peers
    assert world.server.core.counters[Drop.UNKNOWN_SESSION] >= 10
    if is_back:
        assert peer_of(world, alice).session is before
        alice.say("back")
        world.settle(limit_s=1)


def test_a_finish_that_comes_only_after_the_session_of_a_later_hello_is_dropped() -> None:
    world = pinned_world(2)
    held: list[bytes] = []

    def hold(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if data[0] in (Kind.FINISH, Kind.DATA) and destination == SERVER:
            held.append(data)
        return destination == SERVER and data[0] in (Kind.FINISH, Kind.DATA)

    alice = world.add_client("alice")
    world.network.drop_if.append(hold)
    world.run(0.5)
    world.network.drop_if.clear()
    alice.kill()
    alice.restart()
    world.run_until(lambda: alice.is_in, limit_s=1)
    session = peer_of(world, alice).session
    for data in held:
        world.network.inject(world.now, alice.address, SERVER, data)
    world.run(0.1)
    assert peer_of(world, alice).session is session
    alice.say("here")
    world.settle(limit_s=1)


def test_a_thousand_copies_of_a_finish_are_answered_a_few_times() -> None:
    world = pinned_world(3)
    watcher = Watcher(world)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=1)
    world.run(0.5)
    sent = world.network.count(SERVER, alice.address).sent
    (finish,) = watcher.of(Kind.FINISH)
    for _ in range(1_000):
        watcher.send_up(alice.address, finish)
        world.run(0.001)
    assert world.network.count(SERVER, alice.address).sent - sent <= REPEATS_MAX + 2
    assert world.server.core.counters[Drop.RATE_LIMITED] >= 900
