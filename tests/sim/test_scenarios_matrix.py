"""Scenario S10: eighteen paths of different rate, loss, delay and disorder, each for a long history and for a chat.

The paths are those of GameNetworkingSockets (tests/test_connection.cpp), as `tests.sim.faults` has them.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.sim.faults import VALVE, VALVE_TUPLES
from tests.sim.measure import Talk, by_peer
from tests.sim.world import World
from udpchat.chat.message import room_log
from udpchat.sync.log import Append
from udpchat.wire.bodies import Message
from udpchat.wire.frames import encode

TEXT_BYTES = 200
BULK_S = 4.0  # of the tuple's rate: long enough that the start, 4 to 8 round trips, does not decide
BULK_BYTES_MAX = 3_000_000
LOSS_PERCENT_MAX = 5  # up to here the rate is to be used; beyond, the history only has to arrive
SHARE_MIN = 0.8

TUPLES = dict(zip(VALVE, VALVE_TUPLES, strict=True))


def preload(world: World, size: int) -> int:
    """Write a history of so many bytes into the lobby's log; how many entries that is."""
    entries = [
        encode(Message(1, bytes(8), "before", number.to_bytes(8, "big"), 0, f"{number:0{TEXT_BYTES}}"))
        for number in range(1, size // (TEXT_BYTES + 40) + 1)
    ]
    log = room_log("lobby")
    world.server.log.append([Append(log, number, entry, None) for number, entry in enumerate(entries, 1)])
    return len(entries)


def history_share(name: str, seed: int) -> float:
    """What share of the tuple's rate a client reads its history at, once it has been let in; all must arrive."""
    rate = TUPLES[name][0]
    world = World(Random(seed), VALVE[name])
    count = preload(world, min(int(rate * BULK_S), BULK_BYTES_MAX))
    client = world.add_client("late", history=count)
    world.run_until(lambda: client.is_in, limit_s=10)
    began, before = world.now, by_peer(world, client.address).delivered_bytes
    world.run_until(lambda: len(client.messages()) == count, limit_s=120)
    arrived = sum(len(entry) for entry in world.server.log.read(room_log("lobby"), 1, count))
    share = arrived / (world.now - began) / rate
    world.check()
    assert by_peer(world, client.address).delivered_bytes - before >= arrived
    return share


@pytest.mark.parametrize("name", VALVE)
def test_a_history_is_read_at_the_rate_of_the_path(name: str) -> None:
    """S10 in bulk: complete; at a loss of up to 5 % at least 80 % of the tuple's rate, as entries, from the entering on."""
    share = history_share(name, seed=10)
    assert share >= SHARE_MIN or TUPLES[name][1] > LOSS_PERCENT_MAX


@pytest.mark.parametrize("name", VALVE)
def test_a_chat_completes_on_every_path(name: str) -> None:
    """S10 as chat: complete. (Four members and 10 messages a second for 8 s.)"""
    world = World(Random(10), replace(VALVE[name]))
    members = world.add_clients(4)
    talk = Talk(world, members)
    talk.run(80, per_s=10)
    world.run_until(world.is_settled, limit_s=30)
    world.check()
    world.promises.check_complete()
    assert len(talk.delays_s()) == 80 * 3
