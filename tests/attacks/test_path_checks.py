"""A member who writes packets as if from others' addresses brings them little, and keeps nobody away who moves."""

from __future__ import annotations

from tests.attacks.watcher import Watcher, pinned_world
from tests.sim.network import Address
from tests.sim.world import SERVER
from udpchat.wire.frames import Ping, encode, pack
from udpchat.wire.limits import PATH_CANDIDATES_BURST, PATH_CANDIDATES_PER_S, PATH_CHECKS_MAX

VICTIMS = 1_000
STORM_S = 10


def test_a_thousand_addresses_that_a_member_names_are_not_all_sent_a_path_check() -> None:
    """The network asserts at each datagram that it is at most three times what came from there."""
    world = pinned_world(1)
    mallory, bob = world.add_clients(2)
    world.run(3)
    checks: list[Address] = []

    def count(now: float, source: Address, destination: Address, data: bytes) -> None:
        if destination.host == "victim":
            checks.append(destination)

    world.network.taps.append(count)
    for number in range(VICTIMS):
        ping = mallory.session.seal(pack([encode(Ping(0))]))
        world.network.inject(world.now, Address("victim", number), SERVER, ping)
        world.run(STORM_S / VICTIMS)
    assert 0 < len(checks) <= PATH_CHECKS_MAX * (PATH_CANDIDATES_BURST + STORM_S * PATH_CANDIDATES_PER_S)
    bob.say("quiet here")
    world.settle(limit_s=2)


def test_a_peer_that_moves_while_its_packets_are_copied_from_everywhere_is_back_soon() -> None:
    """With a new session, if not in its own: the server cannot know which of the addresses is its own."""
    world = pinned_world(2)
    alice, bob = world.add_clients(2)
    world.run(3)
    watcher = Watcher(world)
    number = 0

    def copy(client: Address, data: bytes) -> None:
        """Each packet of anybody first from elsewhere."""
        nonlocal number
        number += 1
        world.network.inject(world.now, Address("elsewhere", number), SERVER, data)

    watcher.on_up.append(copy)
    for line in range(20):
        alice.say(f"before {line}")
        world.run(0.05)
    world.network.rebind(world.now, alice.address, Address("moved", 1))
    for line in range(20):
        alice.say(f"after {line}")
        world.run(0.05)
    world.run_until(lambda: len(bob.texts()) == 40 and alice.is_settled(), limit_s=2)


def test_a_packet_of_a_guessed_index_changes_nothing_and_brings_back_less() -> None:
    world = pinned_world(3)
    (alice,) = world.add_clients(1)
    world.run(3)
    stranger, index = Address("stranger", 1), alice.session.peer_index
    data = alice.session.seal(pack([encode(Ping(0))]))
    heard = [peer.heard_at for peer in world.server.core.chat.registry]
    for guess in range(200):
        header = data[:1] + ((index + guess) % 2**32).to_bytes(4, "big") + data[5:13]
        world.network.inject(world.now, stranger, SERVER, header + bytes(len(data) - 13))
    world.run(0.01)
    assert [peer.heard_at for peer in world.server.core.chat.registry] == heard
    answered = world.network.count(SERVER, stranger)
    assert answered.sent == 199 and answered.sent_bytes == 5 * 199
    alice.say("here")
    world.settle(limit_s=1)
