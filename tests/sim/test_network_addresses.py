"""The virtual network where addresses matter: rebinding, attackers, and the ledger that refuses amplification."""

from __future__ import annotations

import pytest

from tests.sim.faults import Link
from tests.sim.network import AMPLIFICATION_MAX, INJECTOR, Address, Delivery, Network
from tests.sim.test_network import SLOW, A, B, C, drain, make, received
from udpchat.wire.limits import HELLO_BYTES

A2: Address = ("nat", 2)
A3: Address = ("nat", 3)


# --- Rebinding -------------------------------------------------------------------------------------------------------


def test_a_rebound_socket_is_seen_at_its_new_address_and_reached_there() -> None:
    network = make()
    network.rebind(0.0, A, A2)
    network.send(0.0, A, B, b"up")
    network.send(0.0, B, A2, b"down")
    assert [delivery for _, delivery in drain(network)] == [Delivery(A2, B, b"up"), Delivery(B, A, b"down")]


def test_the_addresses_before_lead_nowhere() -> None:
    network = make()
    network.rebind(0.0, A, A2)
    network.rebind(0.0, A, A3)
    for address in (A, A2, A3):
        network.send(0.0, B, address, repr(address).encode())
    assert received(network) == [repr(A3).encode()]
    assert network.count(B, A).cut == 2


def test_the_old_address_works_for_as_long_as_asked() -> None:
    network = make()
    network.rebind(1.0, A, A2, old_works_s=2.0)
    network.send(2.9, B, A, b"in time")
    network.send(3.0, B, A, b"too late")
    assert received(network, 3.0) == [b"in time"]


def test_what_is_in_flight_to_the_old_address_is_lost() -> None:
    network = make(SLOW)
    network.send(0.0, B, A, b"x")
    network.rebind(0.5, A, A2)
    assert drain(network) == []


def test_what_a_socket_sent_before_still_comes_from_its_old_address() -> None:
    network = make(SLOW)
    network.send(0.0, A, B, b"x")
    network.rebind(0.5, A, A2)
    assert drain(network) == [(1.0, Delivery(A, B, b"x"))]


def test_a_socket_can_return_to_its_own_address() -> None:
    network = make()
    network.rebind(0.0, A, A2)
    network.rebind(1.0, A, A)
    network.send(1.0, A, B, b"up")
    network.send(1.0, B, A, b"down")
    network.send(1.0, B, A2, b"nowhere")
    assert [delivery for _, delivery in drain(network)] == [Delivery(A, B, b"up"), Delivery(B, A, b"down")]


def test_an_address_left_behind_can_go_to_another_socket_but_not_one_in_use() -> None:
    network = make()
    network.rebind(0.0, A, A2)
    with pytest.raises(ValueError, match="appears"):
        network.rebind(0.0, C, A2)
    network.rebind(0.0, A, A3)
    network.rebind(0.0, C, A2)
    network.send(0.0, B, A2, b"x")
    assert drain(network) == [(0.0, Delivery(B, C, b"x"))]


def test_links_partitions_and_counts_follow_the_socket() -> None:
    network = make()
    network.set_link(A, B, SLOW)
    network.rebind(0.0, A, A2)
    network.send(0.0, B, A2, b"x")
    assert network.next_timeout() == 1.0
    network.partition([A], [B])
    network.send(0.0, A, B, b"y")
    assert network.deliver(1.0) == []
    assert (network.count(B, A).sent, network.count(A, B).cut) == (1, 1)


# --- Attackers -------------------------------------------------------------------------------------------------------


def test_an_injected_datagram_claims_its_source_and_escapes_the_faults() -> None:
    network = make(Link(loss=1.0))
    network.inject(0.0, A, B, b"forged", delay_s=0.25)
    assert drain(network) == [(0.25, Delivery(A, B, b"forged"))]
    assert network.count(A).sent == 0
    assert network.count(INJECTOR, B).delivered == 1


def test_the_victims_partition_does_not_stop_the_attacker_but_the_targets_blackhole_does() -> None:
    network = make()
    network.partition([A], [B])
    network.inject(0.0, A, B, b"x")
    assert received(network) == [b"x"]
    network.blackhole(B)
    network.inject(0.0, A, B, b"y")
    assert received(network) == []


def test_a_tap_sees_what_is_sent_as_it_looks_on_the_wire_even_if_it_is_lost() -> None:
    network = make(Link(loss=1.0))
    seen: list[tuple[float, Address, Address, bytes]] = []
    network.taps.append(lambda *datagram: seen.append(datagram))
    network.rebind(0.0, A, A2)
    network.send(1.0, A, B, b"x")
    network.inject(1.0, C, B, b"not mine to see")
    assert seen == [(1.0, A2, B, b"x")]


def test_a_relaying_attacker_can_win_the_race() -> None:
    network = make(SLOW)
    network.taps.append(lambda now, source, destination, data: network.inject(now, C, destination, data, delay_s=0.1))
    network.send(0.0, A, B, b"x")
    assert drain(network) == [(0.1, Delivery(C, B, b"x")), (1.0, Delivery(A, B, b"x"))]


# --- The amplification ledger ----------------------------------------------------------------------------------------


def guarded(proved: set[Address]) -> Network:
    """A network in which A has sent 100 bytes to the server B."""
    network = make()
    network.guard(B, proved.__contains__)
    network.send(0.0, A, B, bytes(100))
    drain(network)
    return network


def test_three_times_what_came_is_allowed_and_a_byte_more_is_not() -> None:
    network = guarded(set())
    network.send(0.0, B, A, bytes(AMPLIFICATION_MAX * 100))
    with pytest.raises(AssertionError, match=r"301 bytes .*\('a', 1\), which sent 100"):
        network.send(0.0, B, A, b"x")


def test_not_a_byte_goes_to_who_sent_nothing() -> None:
    with pytest.raises(AssertionError, match="amplification"):
        guarded(set()).send(0.0, B, C, b"x")


def test_what_has_not_arrived_gives_no_credit() -> None:
    network = make(SLOW)
    network.guard(B, lambda address: False)
    network.send(0.0, A, B, bytes(100))
    with pytest.raises(AssertionError):
        network.send(0.0, B, A, b"x")


def test_a_proved_address_may_be_sent_anything_and_has_credit_for_one_hello_when_it_is_no_longer_proved() -> None:
    """The Hello may have waited at the server since."""
    proved = {A}
    network = guarded(proved)
    network.send(0.0, A, B, bytes(10 * HELLO_BYTES))
    drain(network)
    network.send(0.0, B, A, bytes(100_000))
    proved.clear()
    network.send(0.0, B, A, bytes(3 * HELLO_BYTES))
    with pytest.raises(AssertionError):
        network.send(0.0, B, A, b"x")


def test_what_was_sent_before_the_proof_is_not_held_against_an_address_after_it() -> None:
    proved: set[Address] = set()
    network = guarded(proved)
    network.send(0.0, B, A, bytes(300))
    proved.add(A)
    network.send(0.0, B, A, b"proved")
    proved.clear()
    network.send(0.0, A, B, bytes(10))
    drain(network)
    network.send(0.0, B, A, bytes(30))


def test_the_credit_is_the_addresss_on_the_wire_whoever_spoofed_it() -> None:
    network = guarded(set())
    network.inject(0.0, C, B, bytes(10))
    drain(network)
    network.send(0.0, B, C, bytes(30))
    network.rebind(0.0, A, A2)
    with pytest.raises(AssertionError):
        network.send(0.0, B, A2, b"the address is new, and so unproved")


def test_what_the_clients_send_is_not_guarded() -> None:
    guarded(set()).send(0.0, A, C, bytes(1_000))
