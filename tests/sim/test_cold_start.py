"""How soon a client that knows no server is in: the search, then the entry; also where a fifth is lost each way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random

from tests.sim.faults import LAN, Link
from tests.sim.world import SERVER, World
from udpchat.client.server_search import Search, Way
from udpchat.session.timers import earliest
from udpchat.shell.net.discovery import SEARCH_S, SETTLING_S
from udpchat.wire.errors import BadDatagram
from udpchat.wire.packets import Address

SEEDS = 400
LOSSY = replace(LAN, loss=0.2)
HEARING = (Way.BROADCAST, Way.MULTICAST)  # the ways that lead to the server of this network


class Searcher:
    """Looks for servers from one address; `search` has what answered."""

    def __init__(self, world: World) -> None:
        self.address = Address("10.0.0.9", 1)
        self.is_running = True
        self.search = Search(world.now, random=world.random.randbytes, limit_s=SEARCH_S, settling_s=SETTLING_S)
        self._inbox: list[tuple[bytes, Address]] = []

    def forget_timeout(self) -> None:
        """It is asked each time."""

    def take(self, datagrams: list[tuple[bytes, Address]]) -> None:
        self._inbox += datagrams

    def wakes_at(self, now: float) -> float | None:
        return None if self.search.is_over(now) else earliest(self.search.next_timeout(), now if self._inbox else None)

    def act(self, now: float) -> bool:
        for datagram, source in self._inbox:
            with suppress(BadDatagram):
                self.search.receive(now, datagram, source)
        self._inbox.clear()
        return True

    def drain(self, now: float) -> list[tuple[bytes, Address]]:
        return [(datagram, SERVER) for datagram, way in self.search.drain_transmits(now) if way in HEARING]


def started_s(seed: int, link: Link) -> float:
    """From the begin of the search until the client that knew no server has entered."""
    world = World(Random(seed), link)
    began_at, searcher = world.now, Searcher(world)
    world.strangers.append(searcher)  # type: ignore[arg-type]
    world.drain(searcher)  # type: ignore[arg-type]
    world.run_until(lambda: searcher.search.is_over(world.now), limit_s=SEARCH_S + 0.1)
    [found] = searcher.search.found
    world.round_trip_s = found.round_trip_s
    client = world.add_client("alice")
    world.run_until(lambda: client.is_in, limit_s=30)
    return world.now - began_at


def test_on_a_clean_network_a_start_takes_little_more_than_the_wait_for_other_servers() -> None:
    assert started_s(1, LAN) < SETTLING_S + 0.01


def test_where_a_fifth_is_lost_each_way_95_of_100_starts_take_a_second_and_none_takes_three() -> None:
    taken = sorted(started_s(seed, LOSSY) for seed in range(SEEDS))
    assert taken[int(0.95 * SEEDS)] < 1.0
    assert taken[-1] < 3.0
