"""The virtual network: what arrives, where and when, over which link; partitions, drop lists, counts.

Rebinding, attackers and the amplification ledger are in `test_network_addresses`.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults import BROADBAND, CLEAN, JEPSEN, LAN, WIFI, Counts, Link
from tests.sim.network import Address, Delivery, Network

A: Address = ("a", 1)
B: Address = ("b", 1)
C: Address = ("c", 1)
D: Address = ("d", 1)
SLOW = Link(delay_s=1.0)


def make(link: Link = CLEAN, seed: int = 1) -> Network:
    return Network(Random(seed), link)


def drain(network: Network, now: float = 0.0) -> list[tuple[float, Delivery]]:
    """Deliver all that is in flight, each at its time or, if that has passed, now."""
    arrived: list[tuple[float, Delivery]] = []
    while (due := network.next_timeout()) is not None:
        arrived += [(due, delivery) for delivery in network.deliver(max(now, due))]
    return arrived


def received(network: Network, now: float = 0.0) -> list[bytes]:
    return [delivery.data for _, delivery in drain(network, now)]


# --- Delivery --------------------------------------------------------------------------------------------------------


def test_a_datagram_arrives_when_it_is_due_and_not_before() -> None:
    network = make(SLOW)
    network.send(5.0, A, B, b"x")
    assert network.next_timeout() == 6.0
    assert network.deliver(5.999) == []
    assert network.deliver(6.0) == [Delivery(A, B, b"x")]
    assert network.next_timeout() is None


def test_deliveries_come_in_due_order_and_ties_in_order_of_sending() -> None:
    network = make()
    network.set_link(C, B, SLOW)
    network.send(0.0, C, B, b"slow")
    for i in range(20):
        network.send(0.5, A, B, bytes([i]))
    assert [delivery.data for delivery in network.deliver(9.0)] == [*(bytes([i]) for i in range(20)), b"slow"]


def test_time_never_runs_backwards() -> None:
    network = make()
    network.send(2.0, A, B, b"x")
    for late in (
        lambda: network.send(1.0, A, B, b"x"),
        lambda: network.deliver(1.0),
        lambda: network.inject(1.0, A, B, b"x"),
    ):
        with pytest.raises(ValueError, match="backwards"):
            late()


def test_the_same_seed_gives_the_same_history() -> None:
    def history(seed: int) -> list[tuple[float, Delivery]]:
        network = make(JEPSEN, seed)
        for i in range(200):
            network.send(i / 100, A, B, bytes([i]))
        return drain(network, 2.0)

    assert history(7) == history(7)
    assert history(7) != history(8)


# --- Links -----------------------------------------------------------------------------------------------------------


def test_a_pair_has_its_own_link_in_both_directions_or_one() -> None:
    network = make()
    network.set_link(A, B, SLOW)
    network.set_link(A, C, SLOW, one_way=True)
    for source, destination in [(A, B), (B, A), (A, C), (C, A)]:
        network.send(0.0, source, destination, b"x")
    assert {(d.source, d.destination): due for due, d in drain(network)} == {
        (A, B): 1.0,
        (B, A): 1.0,
        (A, C): 1.0,
        (C, A): 0.0,
    }


def test_a_link_can_change_while_in_use() -> None:
    network = make()
    network.send(0.0, A, B, b"fast")
    network.set_link(A, B, SLOW)
    network.send(0.0, A, B, b"slow")
    assert drain(network) == [(0.0, Delivery(A, B, b"fast")), (1.0, Delivery(A, B, b"slow"))]


def test_all_that_a_host_sends_shares_its_uplink() -> None:
    network = make()
    network.send(0.0, A, B, b"before")
    network.set_host_links(A, up=Link(rate_bytes_per_s=10.0), down=SLOW)
    network.send(0.0, A, B, bytes(10))
    network.send(0.0, A, C, bytes(10))
    network.send(0.0, B, A, b"x")
    assert [(due, d.destination) for due, d in drain(network)] == [(0.0, B), (1.0, B), (1.0, A), (2.0, C)]


def test_the_link_of_a_pair_comes_before_the_links_of_its_hosts() -> None:
    network = make()
    network.set_host_links(A, up=SLOW, down=SLOW)
    network.set_link(A, B, CLEAN)
    network.send(0.0, A, B, b"x")
    assert network.next_timeout() == 0.0


def test_each_direction_has_its_own_queue() -> None:
    network = make(Link(rate_bytes_per_s=1.0, queue_packets=1))
    for source, destination in [(A, B), (A, B), (B, A), (A, C)]:
        network.send(0.0, source, destination, b"x")
    assert network.count(A, B).overflowed == 1
    assert network.count().overflowed == 1


# --- Partitions, blackholes, drop lists ------------------------------------------------------------------------------


def test_a_partition_stops_both_ways_and_only_between_its_sides() -> None:
    network = make()
    network.partition([A], [B])
    for source, destination in [(A, B), (B, A), (A, C), (C, B)]:
        network.send(0.0, source, destination, b"x")
    assert [(d.source, d.destination) for _, d in drain(network)] == [(A, C), (C, B)]
    assert network.count().cut == 2


def test_a_one_way_partition_lets_the_other_way_through() -> None:
    network = make()
    network.partition([A, C], [B], one_way=True)
    for source, destination in [(A, B), (C, B), (B, A), (B, C)]:
        network.send(0.0, source, destination, b"x")
    assert [(d.source, d.destination) for _, d in drain(network)] == [(B, A), (B, C)]


def test_a_partition_stops_what_is_in_flight() -> None:
    network = make(SLOW)
    network.send(0.0, A, B, b"x")
    network.partition([A], [B])
    assert network.deliver(1.0) == []
    assert network.count(A, B).cut == 1


def test_a_blackhole_swallows_what_a_socket_sends_receives_or_both() -> None:
    for sends, receives, passing in [(True, True, []), (True, False, [A]), (False, True, [B])]:
        network = make()
        network.blackhole(A, sends=sends, receives=receives)
        network.send(0.0, A, B, b"x")
        network.send(0.0, B, A, b"x")
        assert [delivery.destination for _, delivery in drain(network)] == passing


def test_reconnecting_ends_partitions_and_leaves_the_links() -> None:
    network = make(SLOW)
    network.partition([A], [B])
    network.blackhole(C)
    network.reconnect()
    network.send(0.0, A, B, b"x")
    network.send(0.0, C, B, b"y")
    assert [due for due, _ in drain(network)] == [1.0, 1.0]


def test_a_drop_list_loses_exactly_the_datagrams_named() -> None:
    network = make()
    network.send(0.0, A, B, b"0")
    network.drop_next(A, B, [1, 3])
    for data in (b"1", b"2", b"3", b"4"):
        network.send(0.0, A, B, data)
        network.send(0.0, B, A, b"back")
    assert [data for data in received(network) if data != b"back"] == [b"0", b"2", b"4"]
    assert (network.count(A, B).lost, network.count(B, A).lost) == (2, 0)


def test_a_drop_rule_loses_what_it_is_true_for() -> None:
    network = make()
    network.drop_if.append(lambda now, source, destination, data: now >= 1.0 and data.startswith(b"bad"))
    for now in (0.0, 1.0):
        network.send(now, A, B, b"good")
        network.send(now, A, B, b"bad")
    assert received(network, 1.0) == [b"good", b"bad", b"good"]
    assert network.count(A, B).lost == 1


def test_healing_ends_every_fault() -> None:
    network = make(Link(loss=1.0))
    network.send(0.0, B, D, b"lost")
    network.set_link(A, B, Link(loss=1.0))
    network.set_host_links(C, up=Link(loss=1.0), down=Link(loss=1.0))
    network.partition([A], [B])
    network.blackhole(C)
    network.drop_next(A, C, [1])
    network.drop_if.append(lambda *_: True)
    network.send(0.0, A, B, b"lost")
    network.heal()
    for source, destination in [(A, B), (B, A), (A, C), (C, A), (B, C), (B, D)]:
        network.send(1.0, source, destination, b"x")
    arrived = drain(network)
    assert len(arrived) == 6
    assert all(due < 1.0 + 2 * LAN.delay_s for due, _ in arrived)


# --- Counting, and everything at once --------------------------------------------------------------------------------


def test_counts_are_kept_by_direction_and_summed_on_request() -> None:
    network = make()
    network.send(0.0, A, B, bytes(10))
    network.send(0.0, A, C, bytes(20))
    network.send(0.0, B, A, bytes(30))
    drain(network)
    assert network.count(A, B) == Counts(sent=1, sent_bytes=10, delivered=1, delivered_bytes=10)
    assert network.count(A).sent_bytes == 30
    assert network.count(destination=A).delivered_bytes == 30
    assert network.count().sent == 3


shares = st.sampled_from([0.0, 0.1, 0.5])
links = st.one_of(
    st.sampled_from([CLEAN, LAN, WIFI, BROADBAND, JEPSEN]),
    st.builds(
        Link,
        delay_s=st.sampled_from([0.0, 0.01]),
        jitter_s=st.sampled_from([0.0, 0.01]),
        loss=shares,
        corrupt=shares,
        duplicate=shares,
        duplicate_delay_s_max=st.sampled_from([0.0, 10.0]),
        reorder=shares,
        reorder_delay_s_max=st.sampled_from([0.0, 0.05]),
        rate_bytes_per_s=st.just(1_000.0),
        queue_packets=st.sampled_from([None, 1, 5]),
    ),
)


@given(random=st.randoms(use_true_random=False), link=links, datagrams=st.integers(1, 40))
def test_what_arrives_was_sent_and_nothing_vanishes_uncounted(random: Random, link: Link, datagrams: int) -> None:
    network = Network(random, link)
    for i in range(datagrams):
        network.send(i / 100, A, B, bytes([i]) * 9)
    early = network.deliver(datagrams / 100)
    counts = network.count()
    ended = counts.delivered + counts.lost + counts.overflowed + counts.cut
    assert counts.sent + counts.duplicated == ended + network.in_flight()

    arrived = Counter([*(delivery.data for delivery in early), *received(network, datagrams / 100)])
    counts = network.count()
    sent = Counter(bytes([i]) * 9 for i in range(datagrams))
    assert (arrived - sent).total() <= counts.duplicated + counts.corrupted
    assert sum(n for data, n in arrived.items() if data not in sent) == counts.corrupted
    assert all(arrived[data] <= 2 for data in sent)
    assert arrived.total() == counts.delivered == counts.sent + counts.duplicated - counts.lost - counts.overflowed
