"""Scenarios S36 and S37: one slow peer among a hundred, and a member that lies in its acknowledgements."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import Any

import pytest

from tests.sim.faults import CLEAN, LAN, Link
from tests.sim.measure import Talk, percentile
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat.ids import room_log
from udpchat.server.registry import Peer
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Ack, AckedPackets, Cursor, encode, pack
from udpchat.wire.limits import ACK_LOGS_MAX, ACK_RANGES_MAX, LAG_BYTES_MAX, SEQUENCE_MAX, TEXT_BYTES_MAX

LOBBY = room_log("lobby")


def peer_of(world: World, client: ClientNode) -> Peer | None:
    """The server's side of a client."""
    return next((peer for peer in world.server.core.chat.registry if peer.key == client.static.public), None)


# --- S36 -------------------------------------------------------------------------------------------------------------


def test_a_peer_that_reads_a_kilobyte_a_second_slows_nobody_else() -> None:
    """S36: 1 of 100. What is in flight to it is bounded, and it is read forward from its cursor until it has all."""
    world = World(Random(1), LAN)
    clients = world.add_clients(99)
    slow = world.add_client("slow")
    world.run_until(lambda: slow.is_in, limit_s=5)
    narrow = Link(rate_bytes_per_s=1_000.0, queue_packets=10)
    world.network.set_link(SERVER, slow.address, narrow, one_way=True)
    world.run(1)
    talk = Talk(world, clients)
    talk.run(40, per_s=10.0, text="x" * 4500)  # so long that it is seen not to hear the group
    world.run(1)
    delays = [delay for delay in talk.delays_s() if delay < 1]
    assert len(delays) >= 98 * 40
    assert percentile(delays, 0.99) <= 0.01
    peer = peer_of(world, slow)
    assert peer is not None
    downlink = peer.downlink
    # One message may begin below the limit and end above it, and a probe be under way.
    allowed = LAG_BYTES_MAX + downlink.loss_detection.path.congestion.window_bytes + TEXT_BYTES_MAX
    assert any(subscription.backlog for subscription in downlink.subscriptions.values())
    assert downlink.loss_detection.bytes_in_flight <= allowed
    world.settle()
    assert slow.texts() == clients[0].texts()


# --- S37 -------------------------------------------------------------------------------------------------------------


def acking(world: World) -> ClientNode:
    """A member with 50 messages behind it."""
    (alice,) = world.add_clients(1, prefix="alice")
    (mallory,) = world.add_clients(1, prefix="mallory")
    for number in range(50):
        alice.say(f"message {number}")
    world.settle()
    world.run(2)
    return mallory


def send(world: World, client: ClientNode, *frames: bytes) -> None:
    """Send frames of one's own making in one's own session."""
    client.inject(*frames)
    world.run(0.001)


def generation(world: World) -> int:
    return world.server.log.extent(LOBBY).generation


@pytest.mark.parametrize(
    "ack",
    [
        lambda generation: Ack(AckedPackets(2**40, 0, 0, 0), []),
        lambda generation: Ack(None, [Cursor(LOBBY, generation, 51, [])]),
        lambda generation: Ack(None, [Cursor(LOBBY, generation, SEQUENCE_MAX, [])]),
        lambda generation: Ack(None, [Cursor(LOBBY, generation, 0, [(2, SEQUENCE_MAX)])]),
        lambda generation: Ack(None, [Cursor(LOBBY, generation, 0, [(9, 3)])]),
    ],
    ids=["a packet never sent", "an entry never written", "2^53 entries", "a range of 2^53", "a range turned round"],
)
def test_who_acknowledges_what_was_never_sent_is_shown_the_door(ack: Callable[[int], Ack]) -> None:
    """S37: the session is closed at once, and the room goes on."""
    world = World(Random(1))
    mallory = acking(world)
    send(world, mallory, encode(ack(generation(world))))
    assert world.server.core.counters[Drop.UNSENT_ACK] == 1
    assert peer_of(world, mallory) is None
    world.settle()


def test_numbers_beyond_the_protocol_are_malformed() -> None:
    """S37: 2^63 and more ranges than may be; the session stays, nothing changes."""
    world = World(Random(1))
    mallory = acking(world)
    too_many = [(2 * number, 2 * number) for number in range(1, ACK_RANGES_MAX + 2)]
    for ranges in ([(1, 2**63)], [(0, 2**64 - 1)], too_many):
        send(world, mallory, encode((5, -1, 0, 0, 0, [(0, LOBBY, generation(world), 0, ranges)])))
    assert world.server.core.counters[Drop.MALFORMED] == 3
    assert peer_of(world, mallory) is not None
    world.settle()


def test_acks_that_claim_to_hold_nothing_bring_no_flood_of_repairs() -> None:
    """S37: 1,000 acks in a second, with overlapping ranges, that deny what was acknowledged: two repairs a second."""
    world = World(Random(1))
    mallory = acking(world)
    ranges = [(number, number + 9) for number in range(10, 10 + ACK_RANGES_MAX)]
    deny = encode(Ack(None, [Cursor(LOBBY, generation(world), 0, ranges)]))
    before = world.network.count(SERVER, mallory.address)
    for _ in range(1000):
        send(world, mallory, deny)
    after = world.network.count(SERVER, mallory.address)
    assert after.sent - before.sent <= 40
    assert after.sent_bytes - before.sent_bytes <= 40_000
    world.promises.check()
    world.settle()


def test_a_flood_of_acks_costs_nobody_else_anything() -> None:
    """S37: 50,000 a second for a tenth of one. The room's messages are as quick as ever."""
    world = World(Random(1), CLEAN)
    clients = world.add_clients(3)
    mallory = world.add_client("mallory")
    world.run(2)
    talk = Talk(world, clients)
    ack = encode(Ack(None, []))
    for _ in range(50):
        for _ in range(100):
            mallory.inject(ack)
        talk.run(1, per_s=500.0)
    world.settle()
    assert percentile(talk.delays_s(), 0.99) <= 0.003


def work(action: Callable[[], object]) -> int:
    """How many calls of functions, Python's and C's, something takes: a measure of work that no machine changes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_bad_datagram_costs_at_most_twice_the_work_of_a_good_one() -> None:
    """S37: CPU per bad datagram at most 2x a good one; counted in calls, since time on a busy machine proves little."""
    world = World(Random(1))
    mallory = acking(world)
    core, session, source = world.server.core, mallory.session, mallory.address

    def cost(*frames: bytes, bend: Callable[[bytes], bytes] = bytes) -> int:
        datagram = session.seal(pack(list(frames)))
        calls = work(lambda: core.receive(world.now, [(bend(datagram), source)]))
        world.drain(world.server)
        return calls

    good = cost(encode(Ack(None, [Cursor(LOBBY, generation(world), 50, [])])))
    bad = {
        "bent": cost(encode(Ack(None, [])), bend=lambda data: data[:-1] + bytes((data[-1] ^ 1,))),
        "cut off": cost(encode(Ack(None, [])), bend=lambda data: data[:20]),
        "junk": cost(b"\xc1"),
        "many logs": cost(encode(Ack(None, [Cursor(f"#{n}", 1, 1, []) for n in range(ACK_LOGS_MAX)]))),
        "never sent": cost(encode(Ack(None, [Cursor(LOBBY, generation(world), 1, [(2, SEQUENCE_MAX)])]))),
    }
    assert all(calls <= 2 * good for calls in bad.values()), f"a good one takes {good} calls, bad ones {bad}"
