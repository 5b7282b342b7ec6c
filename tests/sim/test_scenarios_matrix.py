"""Scenario S10: eighteen paths of different rate, loss, delay and disorder, each for a long history and for a chat.

The paths are those of GameNetworkingSockets (tests/test_connection.cpp), as `tests.sim.faults` has them.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.sim.faults import VALVE, VALVE_TUPLES, Link
from tests.sim.measure import Talk
from tests.sim.world import World
from udpchat.chat.ids import room_log
from udpchat.sync.log import Append
from udpchat.sync.replica import Replica
from udpchat.wire.content import Message
from udpchat.wire.frames import encode

TEXT_BYTES = 900
BULK_S = 6.0  # of the tuple's rate: a packet that is lost twice at the very end must not decide the result
BULK_BYTES_MAX = 4_000_000
LOSS_PERCENT_MAX = 5  # up to here the rate is to be used; beyond, the history only has to arrive
SHARE_MIN = 0.8

TUPLES = dict(zip(VALVE, VALVE_TUPLES, strict=True))


def preload(world: World, size: int, *, text_bytes: int = TEXT_BYTES) -> int:
    """Write a history of so many bytes into the lobby's log; how many entries that is."""
    texts = (f"{number:0{text_bytes}}" for number in range(1, size // (text_bytes + 40) + 1))
    entries = [encode(Message(1, bytes(8), "before", text[-8:].encode(), 0, text)) for text in texts]
    log = room_log("lobby")
    world.server.log.append([Append(log, number, entry, None) for number, entry in enumerate(entries, 1)])
    return len(entries)


def acked(world: World) -> int:
    """How many entries of the lobby its only member has acknowledged."""
    (peer,) = world.server.core.chat.registry
    subscription = peer.downlink.subscriptions[room_log("lobby")]
    return subscription.sequence + sum(
        max(last - max(first - 1, subscription.sequence), 0) for first, last in subscription.acked
    )


def reading_rate(link: Link, *, size: int, text_bytes: int = TEXT_BYTES) -> float:
    """Bytes of entries a second at which a client reads the second half of its history; all of it must arrive."""
    world = World(Random(10), link)
    count = preload(world, size, text_bytes=text_bytes)
    client = world.add_client("late", history=count)
    world.run_until(lambda: client.is_in, limit_s=10)
    world.run_until(lambda: acked(world) >= count // 2, limit_s=120)
    half, began = acked(world), world.now
    world.run_until(lambda: acked(world) == count, limit_s=120)
    world.check()
    assert len(client.messages()) == count
    size = sum(len(entry) for entry in world.server.log.read(room_log("lobby"), half + 1, count))
    return size / (world.now - began)


@pytest.mark.parametrize("name", VALVE)
def test_a_history_is_read_at_the_rate_of_the_path(name: str) -> None:
    """S10 in bulk: complete; at a loss of up to 5 % at least 80 % of the tuple's rate, in bytes of entries.

    Measured over the second half of 6 s' worth, at most 4 MB: the source sends for 25 s, of which the start is little.
    """
    rate, loss_percent, *_ = TUPLES[name]
    reached = reading_rate(VALVE[name], size=min(int(rate * BULK_S), BULK_BYTES_MAX))
    assert reached >= SHARE_MIN * rate or loss_percent > LOSS_PERCENT_MAX


def test_a_history_of_short_messages_is_never_sent_further_ahead_than_a_replica_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S10: what a path holds is more entries than a replica keeps beyond a gap; not one is refused."""
    refused = []
    before = Replica.on_entries

    def on_entries(self: Replica, first: int, entries: list[bytes]) -> bool:
        is_taken = before(self, first, entries)
        refused.append(not is_taken)
        return is_taken

    monkeypatch.setattr(Replica, "on_entries", on_entries)
    reading_rate(Link(delay_s=0.15, loss=0.02, rate_bytes_per_s=2e6, queue_packets=300), size=2_000_000, text_bytes=8)
    assert refused and not any(refused)


@pytest.mark.parametrize("name", VALVE)
def test_a_chat_completes_on_every_path(name: str) -> None:
    """S10 as chat: complete. (Four members and 10 messages a second for 8 s.)"""
    world = World(Random(10), VALVE[name])
    members = world.add_clients(4)
    talk = Talk(world, members)
    talk.run(80, per_s=10)
    world.run_until(world.is_settled, limit_s=30)
    world.check()
    world.promises.check_complete()
    assert len(talk.delays_s()) == 80 * 3
