"""A client's link: suspicious of silence, never fooled by strangers, and whole again after every loss."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.sim.faults import LAN
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.client.link import DENIED_S, LOST_S, SUSPECT_S, Link, LinkSettings
from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair
from udpchat.wire.frames import Ping, Pong, pack, parse_up_untrusted
from udpchat.wire.limits import RECONNECTS_AT_ONCE
from udpchat.wire.packets import Address, Kind, Reset, data_index

STRANGER = ("stranger", 9)


def sent(world: World, client: ClientNode) -> list[tuple[float, bytes]]:
    """What a client sends from here on: when and what."""
    seen: list[tuple[float, bytes]] = []

    def tap(at: float, source: tuple[str, int], destination: tuple[str, int], data: bytes) -> None:
        if source == client.address:
            seen.append((at, data))

    world.network.taps.append(tap)
    return seen


def hellos(seen: list[tuple[float, bytes]]) -> list[float]:
    return [at for at, data in seen if data[0] == Kind.HELLO]


def test_silence_is_suspected_first_and_told_then() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.run(1)
    seen = sent(world, alice)
    world.server.pause()
    start = world.now
    alice.say("hello?")
    world.run_until(lambda: bool(alice.of(events.Disconnected)), limit_s=LOST_S + 1)
    assert SUSPECT_S <= hellos(seen)[0] - start < SUSPECT_S + 0.5
    assert LOST_S <= world.now - start < LOST_S + 0.5 and not alice.core.is_entered
    world.run(20)
    assert len(alice.of(events.Disconnected)) == 1
    world.server.resume()
    world.settle()
    assert len(alice.of(events.Reconnected)) == 1 and alice.texts() == ["hello?"]


def test_a_probe_measures_by_its_pong_and_a_heartbeat_measures_nothing() -> None:
    profile = Profile(KeyPair(bytes(32)), "me", (), "server", lambda key: None)
    link = Link(5.0, LinkSettings(profile, bytes(16), SERVER, Random(1).randbytes))
    (ping,) = parse_up_untrusted(pack([link.probe(7.0)]))
    assert isinstance(ping, Ping)
    assert link.on_pong(7.25, Pong(ping.number)) == pytest.approx(0.25)
    assert link.on_pong(9.0, Pong(0)) is None


def test_a_heartbeat_is_given_in_silence_and_no_more() -> None:
    world = World(Random(2))
    (alice,) = world.add_clients(1)
    world.run(5)
    seen = sent(world, alice)
    world.run(100)
    assert 10 <= len(seen) <= 26 and not alice.of(events.Disconnected) and not hellos(seen)


def test_forged_resets_cost_few_handshakes_and_break_nothing() -> None:
    world = World(Random(3))
    alice, bob = world.add_clients(2)
    seen = sent(world, alice)
    for _ in range(100):
        index = alice.session.peer_index
        world.network.inject(world.now, STRANGER, alice.address, Reset(index).encode())
        world.network.inject(world.now, STRANGER, alice.address, Reset(index ^ 1).encode())
        world.run(0.05)
    assert 1 <= len(hellos(seen)) <= 2 * (RECONNECTS_AT_ONCE + 2)
    alice.say("still here")
    world.settle()
    assert bob.texts() == ["still here"]
    assert not alice.of(events.Disconnected) and not bob.of(events.MemberLeft)


def test_a_reset_of_a_session_that_is_not_ours_does_nothing() -> None:
    world = World(Random(4))
    (alice,) = world.add_clients(1)
    world.run(2)
    seen = sent(world, alice)
    world.network.inject(world.now, SERVER, alice.address, Reset(alice.session.peer_index ^ 1).encode())
    world.run(1)
    assert not hellos(seen)


def test_a_reply_of_a_former_process_of_the_server_costs_no_second() -> None:
    """A watcher may repeat it too. The server answers that it knows no such session."""
    world, held = World(Random(1)), list[bytes]()

    def hold_reply(now: float, source: Address, destination: Address, data: bytes) -> bool:
        is_held = data[0] == Kind.HELLO_REPLY and not held
        if is_held:
            held.append(data)
        return is_held

    world.network.drop_if.append(hold_reply)
    alice = world.add_client("alice")
    world.run(0.1)
    world.server.kill()
    world.server.restart()
    world.network.inject(world.now, SERVER, alice.address, held[0])
    world.run_until(lambda: alice.is_in, limit_s=DENIED_S + 0.1)


def test_forged_resets_do_not_keep_a_far_client_from_entering() -> None:
    world = World(Random(1), replace(LAN, delay_s=0.6))

    def forge_reset(now: float, source: Address, destination: Address, data: bytes) -> None:
        if destination == SERVER and data[0] == Kind.DATA:
            world.network.inject(now, SERVER, source, Reset(data_index(data)).encode())

    world.network.taps.append(forge_reset)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=12)


def test_forged_resets_cost_few_handshakes_on_a_path_as_long_as_the_wait_after_one() -> None:
    world = World(Random(1), replace(LAN, delay_s=0.4))
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=12)
    seen = sent(world, alice)

    def forge_reset(now: float, source: Address, destination: Address, data: bytes) -> None:
        if destination == SERVER and data[0] == Kind.DATA:
            world.network.inject(now, SERVER, source, Reset(data_index(data)).encode())

    world.network.taps.append(forge_reset)
    for number in range(40):
        alice.say(f"line {number}")
        world.run(1.5)
    assert len(hellos(seen)) <= 8 * 3  # so many handshakes, as the waits between them grow, of two or three each
    assert not alice.of(events.Disconnected)


def test_what_a_former_process_of_the_server_said_of_its_logs_comes_too_late() -> None:
    """Found by the swarm: a roster of before replaced that of now, and what the server knew to be here was gone."""
    world = World(Random(346))
    alice, bob = world.add_clients(2)
    held: list[bytes] = []

    def hold(at: float, source: tuple[str, int], destination: tuple[str, int], data: bytes) -> bool:
        if destination == alice.address:
            held.append(data)
        return destination == alice.address

    world.network.drop_if.append(hold)
    alice.do("join", "garden")
    world.run(1)
    world.network.drop_if.remove(hold)
    world.server.kill()
    world.server.restart()
    world.settle()
    bob.do("join", "garden")
    world.run(1)
    for data in held:
        world.network.inject(world.now, SERVER, alice.address, data)
    world.run(1)
    bob.do("part", "garden")
    world.run(1)
    assert any(isinstance(event, events.MemberLeft) and event.nick == bob.nick for event in alice.events)
    assert not alice.core.timeline.uplink.has_gap
    world.settle()
