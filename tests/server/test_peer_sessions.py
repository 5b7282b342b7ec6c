"""How the sessions of peers begin and end, among real clients."""

from __future__ import annotations

from random import Random

from tests.server.rig import device_counts
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.wire.errors import Drop
from udpchat.wire.limits import PEERS_PER_KEY_MAX, SESSION_AGE_S_MAX, SESSION_OVERLAP_S
from udpchat.wire.packets import DATA_BYTES_MIN, DATA_HEADER, Reset

STRANGER = ("stranger", 9)


def codes(happened: list[events.ClientEvent]) -> list[str]:
    return [event.code for event in happened if isinstance(event, events.Rejected)]


def grow_old(world: World, client: ClientNode) -> None:
    """The session of a client is so old that another is made beside it."""
    client.session.born_s -= SESSION_AGE_S_MAX
    client.core.handle_timeout(world.now)
    world.drain(client)


def test_data_of_an_unknown_session_is_answered_by_less_than_it_was_and_by_nothing_if_it_is_none() -> None:
    world = World(Random(2))
    answers: list[bytes] = []
    world.network.taps.append(lambda *seen: answers.append(seen[3]) if seen[2] == STRANGER else None)
    whole = DATA_HEADER.pack(5, 77, 0).ljust(DATA_BYTES_MIN, b"x")
    for size in range(DATA_BYTES_MIN + 1):
        world.network.inject(world.now, STRANGER, SERVER, whole[:size])
    world.run(1)
    assert answers == [Reset(77).encode()] and len(answers[0]) < len(whole)
    assert world.server.core.counters[Drop.UNKNOWN_SESSION] == 1 and len(world.server.core.chat.registry) == 0


def test_a_stopped_server_says_goodbye_and_clients_come_back_to_the_next() -> None:
    world = World(Random(4))
    (alice,) = world.add_clients(1)
    world.server.core.stop(world.now)
    world.drain(world.server)
    world.server.kill()
    world.run(0.1)
    assert alice.of(events.Disconnected) == [events.Disconnected("lost.stopping", {"reason": "stopping"})]
    assert not alice.core.is_entered
    world.server.restart()
    world.settle()
    assert len(alice.of(events.Reconnected)) == 1


def test_a_ninth_device_of_one_person_displaces_the_quietest_which_does_not_fight_back() -> None:
    world = World(Random(5))
    first = world.add_client("alice")
    world.run_until(lambda: first.is_in, limit_s=5)
    devices = [first]
    for number in range(PEERS_PER_KEY_MAX):
        world.run(0.5)
        devices.append(world.add_client("alice", address=(f"device{number}", 1), static=first.static))
    world.run(30)
    over = [device for device in devices if device.core.is_over]
    assert len(over) == 1 and codes(over[0].events) == ["too_many_devices"]
    entered = [event for event in world.server.events if isinstance(event, events.PeerEntered)]
    assert len(entered) == len(devices) and device_counts(world.server.core.chat.rooms["lobby"].roster) == {"alice": 8}


def test_a_fresh_handshake_is_no_break_and_the_session_before_ends_soon() -> None:
    world = World(Random(7))
    alice, bob = world.add_clients(2)
    registry = world.server.core.chat.registry
    (peer,) = registry.peers_of(alice.static.public)
    before = peer.session
    grow_old(world, alice)
    bob.say("during")
    world.settle()
    world.run(0.5)
    assert peer.session is not before and registry.find(before.index) is not None
    assert alice.texts() == ["during"] and not alice.of(events.Disconnected) and not bob.of(events.MemberLeft)
    world.run(SESSION_OVERLAP_S + 1)
    assert registry.find(before.index) is None and peer in registry
