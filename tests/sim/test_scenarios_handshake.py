"""Scenarios S01 to S06: the way in, over a long, a lossy and a corrupting path, and nothing for strangers (SPEC 2)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.faults import BROADBAND, LAN, Link
from tests.sim.network import AMPLIFICATION_MAX, Address
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.session.noise import fingerprint
from udpchat.wire.errors import Drop
from udpchat.wire.limits import HELLO_BYTES
from udpchat.wire.packets import Finish, Kind, parse_packet_untrusted

SEEDS = range(3)
VICTIM: Address = ("victim", 7)
LOSSY = replace(BROADBAND, loss=0.3, loss_burst_max=3)
CORRUPTING = replace(BROADBAND, corrupt=0.3, corrupt_burst_max=3)


class Wire:
    """What was sent in a world, as it looked on the wire."""

    def __init__(self, world: World) -> None:
        self.seen: list[tuple[float, Address, Address, bytes]] = []
        world.network.taps.append(lambda *datagram: self.seen.append(datagram))

    def of(self, kind: Kind) -> list[bytes]:
        """Datagrams that begin as this kind does, in order."""
        return [data for _, _, _, data in self.seen if data[0] == kind]

    def sessions(self) -> int:
        """How many handshakes were ever finished by a client."""
        packets = [parse_packet_untrusted(data) for data in self.of(Kind.FINISH)]
        return len({packet.receiver_index for packet in packets if isinstance(packet, Finish)})


def entered(world: World) -> int:
    """How often the server let somebody in."""
    return sum(isinstance(event, events.PeerEntered) for event in world.server.events)


# --- S01, S02: near and far ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_handshake_takes_two_round_trips_and_a_stranger_leaves_no_state(seed: int) -> None:
    """S01: 15 ms one way, 10 Mbit/s, one peer. With the cookie at most 2 RTT; no state before a good cookie."""
    world = World(Random(seed), BROADBAND)
    wire = Wire(world)
    client = world.add_client("alice")
    longest_s = 2 * (BROADBAND.delay_s + HELLO_BYTES / 1.25e6)
    world.run_until(lambda: bool(wire.of(Kind.COOKIE)), limit_s=1)
    assert (world.server.handshakes, len(world.server.core.chat.registry)) == (0, 0)
    started = world.now - longest_s / 2
    world.run_until(lambda: bool(wire.of(Kind.DATA)), limit_s=1)
    assert world.now - started <= 2 * longest_s
    world.run_until(lambda: client.is_in, limit_s=1)
    assert len(wire.of(Kind.HELLO)) == 2 and wire.sessions() == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_over_a_satellite_at_most_four_hellos_make_one_session(seed: int) -> None:
    """S02: 750 ms one way. Joins, at most 4 Hellos, one session."""
    world = World(Random(seed), Link(delay_s=0.75))
    wire = Wire(world)
    client = world.add_client("alice")
    world.run_until(lambda: client.is_in, limit_s=20)
    client.say("from afar")
    world.run_until(client.is_settled, limit_s=20)
    assert len(wire.of(Kind.HELLO)) <= 4
    assert wire.sessions() == 1 and entered(world) == 1
    world.check()


# --- S03, S04: fifty peers at once, on a path that loses and one that bends ------------------------------------------


def fifty(random: Random, link: Link) -> World:
    """Fifty peers that all enter within a minute, each once, and then say something."""
    world = World(random, link)
    clients = [world.add_client(f"peer{number}") for number in range(50)]
    world.run_until(lambda: all(client.is_in for client in clients), limit_s=60)
    assert entered(world) == len(world.server.core.chat.registry) == 50
    for client in clients[:5]:
        client.say(f"hello from {client.nick}")
    world.settle()
    peers = list(world.server.core.chat.registry)
    assert len({peer.session.index for peer in peers}) == len({peer.key for peer in peers}) == 50
    assert entered(world) == 50
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_at_a_loss_of_thirty_percent_each_way_fifty_of_fifty_enter_within_a_minute(seed: int) -> None:
    """S03: 30 % both ways in bursts of up to 3, 50 peers. 50 of 50 within 60 s; 50 sessions, none duplicated."""
    fifty(Random(seed), LOSSY)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_thirty_percent_are_corrupted_fifty_of_fifty_enter_and_nothing_corrupt_is_taken(seed: int) -> None:
    """S04: 30 % with up to 3 bytes flipped, in bursts of up to 3, 50 peers. As S03; nothing bent is accepted."""
    world = fifty(Random(seed), CORRUPTING)
    counters = world.server.core.counters
    assert counters[Drop.BAD_SEAL] and not counters[Drop.MALFORMED]
    happened = [event for client in world.clients for event in client.events]
    shown = {event.fingerprint for event in happened if isinstance(event, events.Connected)}
    assert shown == {fingerprint(world.server.static.public)}


@settings(max_examples=10, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_whatever_is_lost_or_bent_on_the_way_in_a_peer_enters_once(random: Random) -> None:
    """S03 and S04 for one peer, with the choices of hypothesis."""
    world = World(Random(0), replace(LOSSY, corrupt=0.3, corrupt_burst_max=3), chance=random)
    client = world.add_client("alice")
    world.run(5)
    world.network.heal(LAN)
    world.run_until(lambda: client.is_in, limit_s=20)
    assert entered(world) == 1


# --- S05, S06: each datagram of the way in; strangers ----------------------------------------------------------------


@pytest.mark.parametrize("position", range(1, 9))
@pytest.mark.parametrize("is_up", [True, False])
def test_any_one_datagram_of_the_way_in_may_be_lost(position: int, is_up: bool) -> None:
    """S05: the 1st to 8th datagram dropped, each way. Joins in every one of 16 cases (here: within 2 s)."""
    world = World(Random(position), BROADBAND)
    alice = Address("alice", 1)
    source, destination = (alice, SERVER) if is_up else (SERVER, alice)
    world.network.drop_next(source, destination, [position])
    client = world.add_client("alice", address=alice)
    world.run_until(lambda: client.is_in, limit_s=2)
    client.say("here")
    world.run_until(client.is_settled, limit_s=2)
    assert entered(world) == 1
    world.promises.check_complete()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_that_falls_silent_after_its_hello_gets_no_more_than_three_times_what_it_sent(seed: int) -> None:
    """S06: the client's datagrams 2 to 7 dropped. At most 3x out at all times: asserted at each datagram sent."""
    world = World(Random(seed), BROADBAND)
    alice = Address("alice", 1)
    world.network.drop_next(alice, SERVER, range(2, 8))
    client = world.add_client("alice", address=alice)
    world.run_until(lambda: client.is_in, limit_s=20)
    assert world.network.count(SERVER, alice).sent > 0


def test_a_spoofed_hello_of_any_length_brings_its_victim_less_than_it_cost_and_nothing_if_it_is_short() -> None:
    """S06: Hellos of 1 to 1,200 bytes from a victim's address. No reply below 1,200; no state for any."""
    world = World(Random(6))
    wire = Wire(world)
    world.add_clients(1)
    hello, server = wire.of(Kind.HELLO)[-1], world.server
    before = (server.handshakes, len(server.core.chat.registry))
    for size in range(1, HELLO_BYTES):
        world.network.inject(world.now, VICTIM, SERVER, hello[:size])
    world.run(1)
    assert world.network.count(SERVER, VICTIM).sent == 0
    for _ in range(100):
        world.network.inject(world.now, VICTIM, SERVER, hello)
    world.run(1)
    answered = world.network.count(SERVER, VICTIM)
    assert answered.sent == 100
    assert answered.sent_bytes * AMPLIFICATION_MAX < 100 * HELLO_BYTES
    assert (server.handshakes, len(server.core.chat.registry)) == before


def test_whoever_claims_a_session_that_is_not_there_gets_fewer_bytes_back() -> None:
    """S06: Data for an unknown session, of every length, each from a victim of its own."""
    world = World(Random(6))
    for size in range(1, HELLO_BYTES + 1):
        victim: Address = ("victim", size)
        world.network.inject(world.now, victim, SERVER, bytes([Kind.DATA]) + bytes(size - 1))
        world.run(0.001)
        assert world.network.count(SERVER, victim).sent_bytes < size
    assert len(world.server.core.chat.registry) == 0
