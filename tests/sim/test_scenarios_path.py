"""Scenarios S17 to S21: a peer's address changes, or someone pretends that it did; a session grows old (SPEC 3)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.faults import BROADBAND, LAN, WIFI, Link
from tests.sim.measure import Talk
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.test_scenarios_matrix import preload
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.server.registry import Peer
from udpchat.session import session as session_module
from udpchat.wire.limits import (
    HEARTBEAT_S,
    PATH_CHECK_BYTES_MAX,
    PATH_LEFT_S,
    PATH_TIMEOUT_S,
    SESSION_AGE_S_MAX,
    SESSION_OVERLAP_S,
)
from udpchat.wire.packets import DATA_KIND

ATTACKER: Address = ("attacker", 9)
VICTIM: Address = ("victim", 9)
PORTS: tuple[Address, ...] = (("192.0.2.7", 2), ("192.0.2.7", 3), ("192.0.2.7", 4))
FAMILIES: tuple[Address, ...] = (("2001:db8::7", 1), ("198.51.100.7", 1), ("2001:db8::8", 1))
OURS: tuple[Address, ...] = tuple(Address("192.0.2.7", 1, local) for local in ("10.0.0.2", "fd00::2", "10.0.0.3"))


def peer_of(world: World, client: ClientNode) -> Peer:
    """What the server knows of a client."""
    (peer,) = world.server.core.chat.registry.peers_of(client.static.public)
    return peer


def pto_s(peer: Peer) -> float:
    """RFC 9002 section 6.2.1, with the 25 ms that it grants an ack."""
    return peer.round_trip.timeout_s + 0.025


def entered(world: World) -> int:
    """How often the server let somebody in."""
    return sum(isinstance(event, events.PeerEntered) for event in world.server.events)


# --- S17, S18: the address changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("addresses", [PORTS, FAMILIES, OURS], ids=["port", "address", "server's address"])
@pytest.mark.parametrize("seed", range(2))
def test_a_stream_follows_its_peer_to_a_new_address_once_that_has_answered(
    seed: int, addresses: tuple[Address, ...]
) -> None:
    """S17, S18: rebinding at 1 s, then every 5 s, amid a history. A challenge comes first on each new path; all are
    answered; no new session; live gap <= 3 PTO. A client that writes to another address of the server moves, too.

    3 MB at 250 kB/s instead of 10 MB at ten Mbit/s: as long, and as many rebindings.
    """
    world = World(Random(seed), replace(BROADBAND, rate_bytes_per_s=250e3))
    count = preload(world, 3_000_000)
    speaker = world.add_client("speaker")
    mover = world.add_client("mover", address=("192.0.2.7", 1), history=count)
    world.run_until(lambda: speaker.is_in and mover.is_in, limit_s=5)
    peer, session = peer_of(world, mover), peer_of(world, mover).session
    reached: dict[Address, list[int]] = {}
    world.network.taps.append(lambda _, __, to, data: reached.setdefault(to, []).append(len(data)))
    talk = Talk(world, [speaker, mover])
    for number, address in enumerate(addresses):
        world.run(1.0 if number == 0 else 4.0)
        world.network.rebind(world.now, mover.address, address)
        began = world.now
        world.run_until(lambda address=address: session.path.address == address, limit_s=5)  # type: ignore[misc]
        assert world.now - began <= 3 * pto_s(peer)
        assert reached[address][0] <= PATH_CHECK_BYTES_MAX
        assert not session.path.is_checking
        talk.run(10, per_s=10)
    world.run_until(world.is_settled, limit_s=10)
    assert peer_of(world, mover).session is session
    assert entered(world) == 2 and not mover.of(events.Disconnected)
    gaps = [after - before for before, after in pairwise(shown_at(mover))]
    assert max(gaps) <= 3 * pto_s(peer)
    world.check()


def shown_at(client: ClientNode) -> list[float]:
    """When messages were shown."""
    happened = zip(client.events, client.times, strict=True)
    return [when for event, when in happened if isinstance(event, events.MessageReceived)]


@settings(max_examples=10, deadline=None)
@given(random=st.randoms(use_true_random=False), moves=st.lists(st.sampled_from(PORTS + FAMILIES + OURS), max_size=6))
def test_wherever_a_peer_moves_on_a_bad_network_its_session_goes_on(random: Random, moves: list[Address]) -> None:
    """S17, S18 with losses, as hypothesis chooses them."""
    world = World(Random(0), replace(WIFI, loss=0.1), chance=random)
    speaker, mover = world.add_clients(2)
    session = peer_of(world, mover).session
    talk = Talk(world, [speaker, mover])
    for address in moves:
        world.network.rebind(world.now, mover.address, address)
        talk.run(4, per_s=5)
    world.settle()
    assert peer_of(world, mover).session is session


SLOW = Link(delay_s=0.3, rate_bytes_per_s=60e3, queue_packets=100)
FAST = Link(delay_s=0.001, rate_bytes_per_s=5e6, queue_packets=1000)


def move(world: World, client: ClientNode, address: Address, link: Link) -> None:
    """The client is at another address, with another link, until the server sends there."""
    world.network.set_host_links(client.address, up=link, down=link)
    world.network.rebind(world.now, client.address, address)
    client.say("from here")
    path = peer_of(world, client).session.path
    world.run_until(lambda: path.address == address, limit_s=10)


def on(link: Link, *, history: int = 0) -> tuple[World, ClientNode, ClientNode]:
    """Somebody who speaks near the server, and somebody behind a link of their own."""
    world = World(Random(9), LAN)
    count = preload(world, history) if history else 0
    speaker = world.add_client("speaker")
    address = Address("192.0.2.7", 1)
    world.network.set_host_links(address, up=link, down=link)
    mover = world.add_client("mover", address=address, history=count)
    world.run_until(lambda: speaker.is_in and mover.is_in, limit_s=10)
    return world, speaker, mover


@pytest.mark.parametrize(("before", "after"), [(SLOW, FAST), (FAST, SLOW)], ids=["faster", "slower"])
def test_at_another_host_the_first_answer_gives_the_round_trip_of_the_new_path(before: Link, after: Link) -> None:
    world, speaker, mover = on(before)
    Talk(world, [speaker]).run(10, per_s=2)
    assert peer_of(world, mover).round_trip.smoothed_s == pytest.approx(2 * before.delay_s, rel=0.5, abs=0.002)
    move(world, mover, FAMILIES[1], after)
    speaker.say("one answer is enough")
    world.run(4 * after.delay_s + 0.1)
    assert peer_of(world, mover).round_trip.smoothed_s == pytest.approx(2 * after.delay_s, rel=0.5, abs=0.002)


def test_at_another_host_that_is_near_a_lost_message_is_repaired_as_soon_as_there() -> None:
    world, speaker, mover = on(SLOW)
    Talk(world, [speaker]).run(10, per_s=2)
    move(world, mover, FAMILIES[1], FAST)
    speaker.say("one answer is enough")
    world.run(0.1)
    world.network.drop_next(SERVER, FAMILIES[1], [1])
    speaker.say("lost at first")
    assert world.run_until(lambda: "lost at first" in mover.texts(), limit_s=5) <= 0.1


def test_at_another_host_the_window_is_that_of_the_new_path() -> None:
    """To a slow one: no queue as long as the window of the fast path. And back: no pace of the slow one."""
    world, _, mover = on(FAST, history=6_000_000)
    congestion = peer_of(world, mover).downlink.loss_detection.path.congestion
    world.run_until(lambda: congestion.rate > 2e6, limit_s=5)
    move(world, mover, FAMILIES[1], SLOW)
    world.run(0.5)
    congestion = peer_of(world, mover).downlink.loss_detection.path.congestion
    assert congestion.rate <= 2 * 60e3 and congestion.window_bytes <= 2 * 60e3
    world.run(5.0)
    assert 0.5 * 60e3 <= congestion.rate <= 1.25 * 60e3
    move(world, mover, FAMILIES[2], FAST)
    world.run(0.5)
    assert peer_of(world, mover).downlink.loss_detection.path.congestion.rate > 1e6
    world.run_until(world.is_settled, limit_s=5)
    world.check()


def test_who_moved_far_away_does_not_ask_again_before_an_answer_can_be_there() -> None:
    world, _, mover = on(FAST)
    for number in range(5):
        mover.say(f"near {number}")
        world.run(0.2)
    move(world, mover, FAMILIES[1], SLOW)
    world.run(3.0)
    before = world.network.count(mover.address, SERVER).sent
    mover.say("far")
    world.run_until(lambda: mover.sent()[-1].text == "far", limit_s=5)
    assert world.network.count(mover.address, SERVER).sent - before <= 2, "the request, and the ack of its entry"


def test_who_moved_near_asks_again_as_soon_as_there() -> None:
    world, _, mover = on(FAST)
    move(world, mover, FAMILIES[2], SLOW)
    world.run(3.0)
    for number in range(5):
        mover.say(f"far {number}")
        world.run(2.0)
    assert mover.core.model.connection.round_trip_s == pytest.approx(2 * SLOW.delay_s, rel=0.5)
    move(world, mover, FAMILIES[1], FAST)
    world.run(3.0)
    mover.say("the request before was asked again, which makes this one wait longer")
    world.run(1.0)
    world.network.drop_next(mover.address, SERVER, [1])
    mover.say("near")
    assert world.run_until(lambda: mover.sent()[-1].text == "near", limit_s=5) <= 0.1


def test_another_port_of_the_same_host_is_no_other_path() -> None:
    world, speaker, mover = on(SLOW)
    Talk(world, [speaker]).run(10, per_s=2)
    measured = peer_of(world, mover).round_trip
    move(world, mover, PORTS[0], SLOW)
    assert peer_of(world, mover).round_trip is measured and measured.sampled


# --- S19, S20: someone else's address --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_member_who_sends_from_a_victims_address_aims_nothing_at_it(seed: int) -> None:
    """S19: the victim gets <= 3x what came from it (asserted by the network), the stream stays, reverts <= 3 PTO.

    The check ends after 3 PTO or PATH_TIMEOUT_S, whichever is later; until then the stream has not moved either.
    """
    world = World(Random(seed), LAN)
    speaker, mallory = world.add_clients(2)
    path = peer_of(world, mallory).session.path

    def spoof(_: float, source: Address, destination: Address, data: bytes) -> bool:
        if source == mallory.address:
            world.network.inject(world.now, VICTIM, destination, data)
        return source == mallory.address

    world.network.drop_if.append(spoof)
    talk = Talk(world, [speaker, mallory])
    talk.run(20, per_s=20)
    spoofed = world.network.count(destination=SERVER)
    assert spoofed.delivered > 0 and path.address == mallory.address
    world.network.drop_if.clear()
    world.run(PATH_TIMEOUT_S + 0.1)
    assert path.address == mallory.address and not path.is_checking
    assert world.network.count(SERVER, VICTIM).sent_bytes <= 30 * PATH_CHECK_BYTES_MAX
    world.settle(limit_s=2)
    assert len(talk.delays_s()) == 20


@pytest.mark.parametrize("seed", range(3))
def test_a_relay_that_is_faster_than_the_true_path_wins_at_most_one_round(seed: int) -> None:
    """S20: every datagram's copy comes sooner, from the attacker's address, and answers to there are passed on.

    The session stays up; the owner has it back after one round.
    """
    world = World(Random(seed), Link(delay_s=0.02))
    speaker, owner = world.add_clients(2)
    world.run(1)
    session = peer_of(world, owner).session

    def relay(_: float, source: Address, destination: Address, data: bytes) -> None:
        if source == owner.address:
            world.network.inject(world.now, ATTACKER, SERVER, data, delay_s=0.001)
        elif destination == ATTACKER:
            world.network.inject(world.now, SERVER, owner.address, data, delay_s=0.001)

    world.network.taps.append(relay)
    held_s = 0.0
    talk = Talk(world, [speaker, owner])
    for _ in range(40):
        talk.run(1, per_s=20)
        held_s += 0.05 * (session.path.address == ATTACKER)
    assert held_s <= 0.1
    assert session.path.address == owner.address
    world.run(PATH_LEFT_S)
    talk.run(10, per_s=20)
    world.settle()
    assert peer_of(world, owner).session is session and session.path.address == owner.address
    assert not owner.of(events.Disconnected) and len(talk.delays_s()) == 50


def test_copies_from_the_address_just_left_keep_nobody_from_the_new_one() -> None:
    """S20, the other way round: who moved only listens, and an attacker sends all its packets again as from before.

    Nothing that comes shows the server where the owner is, but for the owner's next heartbeats.
    """
    world = World(Random(1), LAN)
    speaker, owner = world.add_clients(2)
    world.run(1)
    former = owner.address
    world.network.rebind(world.now, former, FAMILIES[1])

    def copy(_: float, source: Address, destination: Address, data: bytes) -> None:
        if source == FAMILIES[1] and data[:1] == DATA_KIND:
            world.network.inject(world.now, former, SERVER, data, delay_s=0.005)

    world.network.taps.append(copy)
    Talk(world, [speaker]).run(30, per_s=1)
    assert peer_of(world, owner).session.path.address == FAMILIES[1]
    moments = [1001.0, *shown_at(owner)]
    assert len(owner.messages()) == 30
    assert max(after - before for before, after in pairwise(moments)) <= 2 * HEARTBEAT_S + 1


# --- S21: a fresh key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_a_session_is_renewed_without_a_break_and_the_old_key_is_dropped(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S21: fresh keys amid a history of 1 MB, for both ends at once. No loss; the old key is gone.

    The old key opens what is under way for SESSION_OVERLAP_S; the table's 3 PTO would not outlast a lossy minute.
    """
    world = World(Random(seed), BROADBAND)
    count = preload(world, 1_000_000)
    speaker = world.add_client("speaker")
    reader = world.add_client("reader", history=count)
    world.run_until(lambda: speaker.is_in and reader.is_in, limit_s=5)
    before = {client.nick: peer_of(world, client).session for client in (speaker, reader)}
    monkeypatch.setattr(session_module, "SESSION_PACKETS_MAX", 300)
    world.run_until(lambda: peer_of(world, reader).session is not before["reader"], limit_s=5)
    monkeypatch.undo()
    talk = Talk(world, [speaker, reader])
    talk.run(10, per_s=10)
    world.run_until(world.is_settled, limit_s=5)
    assert entered(world) == 2 and not reader.of(events.Disconnected)
    world.run(SESSION_OVERLAP_S)
    peer = peer_of(world, reader)
    assert peer.previous is None
    assert world.server.core.chat.registry.find(before["reader"].index) is None
    world.check()
    assert len(reader.messages()) == count + 5


def test_after_an_hour_of_silence_the_session_is_another_and_nobody_noticed() -> None:
    """S21: by age."""
    world = World(Random(21), LAN)
    clients = world.add_clients(2)
    before = {peer_of(world, client).session.index for client in clients}
    world.run(SESSION_AGE_S_MAX + 10)
    assert not before & {peer_of(world, client).session.index for client in clients}
    clients[0].say("good morning")
    world.settle(limit_s=1)
    assert entered(world) == 2 and not clients[0].of(events.Disconnected)
    assert not [event for client in clients for event in client.events if isinstance(event, events.MemberLeft)]
