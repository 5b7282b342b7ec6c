"""A search: Probes on all ways, what answers by its key, and when enough was waited."""

from __future__ import annotations

from random import Random

import pytest

from udpchat.client.server_search import WAYS_MAX, Search, Way
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.wire import limits
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.packets import Address, Probe, ProbeReply, Reset, parse_packet_untrusted

DEN = KeyPair(bytes(range(32))).public
OTHER = KeyPair(bytes(range(1, 33))).public
HOST = Address("10.0.0.1", 47747)
BEGIN = 50.0


def begun(*, wanted: str = "", limit_s: float = 3.0) -> Search:
    return Search(BEGIN, random=Random(1).randbytes, limit_s=limit_s, settling_s=0.25, wanted=wanted)


def probes(search: Search, now: float = BEGIN) -> dict[Way, Probe]:
    """What it wants sent now."""
    sent = {}
    for datagram, way in search.drain_transmits(now):
        probe = parse_packet_untrusted(datagram)
        assert isinstance(probe, Probe)
        sent[way] = probe
    return sent


def answer(probe: Probe, key: bytes = DEN, name: bytes = b"den", people: int = 3) -> bytes:
    return ProbeReply(4, probe.probe_id, probe.number, key, 47747, people, 0, probe.size, bytes(18), 1, name).encode()


def test_all_ways_are_asked_at_once_and_again_later_and_later() -> None:
    search = begun()
    rounds = []
    now = BEGIN
    while not search.is_over(now):
        if sent := probes(search, now):
            assert list(sent) == list(Way)
            rounds.append(now - BEGIN)
        assert not probes(search, now)
        now = search.next_timeout()
    assert rounds == pytest.approx(list(limits.SEARCH_ROUNDS_S))
    assert now - BEGIN == 3.0 and search.found == []


def test_a_server_is_found_once_with_all_its_addresses_and_the_ways_that_led_to_it() -> None:
    search = begun()
    sent = probes(search)
    near = Address("fe80::1%eth0", 47747)
    search.receive(BEGIN + 0.01, answer(sent[Way.MULTICAST]), near)
    search.receive(BEGIN + 0.02, answer(sent[Way.BROADCAST]), HOST)
    search.receive(BEGIN + 0.02, answer(sent[Way.BROADCAST]), HOST)
    [found] = search.found
    assert (found.fingerprint, found.name, found.people) == (fingerprint(DEN), "den", 3)
    assert found.addresses == (near, HOST) and found.ways == (Way.MULTICAST, Way.BROADCAST)
    assert found.address == HOST and not found.is_disputed and found.is_of_this_version


def test_after_the_first_answer_others_have_a_short_time() -> None:
    search = begun()
    sent = probes(search)
    search.receive(BEGIN + 0.1, answer(sent[Way.BROADCAST]), HOST)
    assert not search.is_over(BEGIN + 0.3)
    search.receive(BEGIN + 0.3, answer(sent[Way.BROADCAST], OTHER), Address("10.0.0.2", 47747))
    assert search.is_over(BEGIN + 0.35) and len(search.found) == 2


def test_the_one_that_was_used_last_ends_the_search_where_it_was_used() -> None:
    search = begun(wanted=fingerprint(DEN))
    sent = probes(search)
    search.receive(BEGIN + 0.1, answer(sent[Way.BROADCAST]), Address("10.0.0.5", 47747))
    assert not search.is_over(BEGIN + 0.1), "it may have more than one address"
    search.receive(BEGIN + 0.11, answer(sent[Way.USED_LAST], OTHER), HOST)
    assert not search.is_over(BEGIN + 0.12), "another server is there now"
    search.receive(BEGIN + 0.12, answer(sent[Way.USED_LAST]), HOST)
    assert search.is_over(BEGIN + 0.12)


def test_an_address_for_which_two_keys_are_claimed_is_disputed() -> None:
    search = begun()
    sent = probes(search)
    search.receive(BEGIN, answer(sent[Way.BROADCAST]), HOST)
    search.receive(BEGIN, answer(sent[Way.BROADCAST], OTHER), HOST)
    assert [found.is_disputed for found in search.found] == [True, True]


def test_a_name_is_printable_whatever_was_sent() -> None:
    search = begun()
    search.receive(BEGIN, answer(probes(search)[Way.BROADCAST], name=b"\x1b[2Jden\n\xff\xe2\x80\xae"), HOST)
    [found] = search.found
    assert found.name.isprintable() and "den" in found.name


def test_what_answers_no_probe_of_this_search_is_dropped() -> None:
    search = begun()
    [probe, *_] = probes(search).values()
    for datagram in (
        answer(probe.changed(probe_id=bytes(8))),
        answer(probe.changed(number=WAYS_MAX - 1)),
        probe.encode(),
        Reset(1).encode(),
    ):
        with pytest.raises(BadDatagram) as caught:
            search.receive(BEGIN, datagram, HOST)
        assert caught.value.reason is Drop.UNEXPECTED
    assert search.found == []


def test_who_claims_to_be_many_servers_does_not_push_out_the_one_used_last() -> None:
    search = begun(wanted=fingerprint(DEN))
    probe = probes(search)[Way.BROADCAST]
    drops = 0
    for number in range(200):
        try:
            search.receive(BEGIN, answer(probe, number.to_bytes(32, "big")), HOST)
        except BadDatagram as drop:
            drops += drop.reason is Drop.TABLE_FULL
    search.receive(BEGIN, answer(probe), HOST)
    assert drops == 200 - limits.FOUND_SERVERS_MAX
    assert search.found[-1].fingerprint == fingerprint(DEN)
    for number in range(200):
        search.receive(BEGIN, answer(probe), Address("10.0.0.1", number))
    assert len(search.found[-1].addresses) == limits.FOUND_ADDRESSES_MAX


def test_an_address_that_is_announced_meanwhile_is_asked_at_once() -> None:
    search = begun()
    probes(search)
    search.on_way(Way.MDNS)
    assert list(probes(search)) == [Way.MDNS]
    assert not probes(search)


def test_of_its_addresses_that_of_this_machine_is_used_then_ipv4() -> None:
    search = begun()
    probe = probes(search)[Way.BROADCAST]
    for host in ("fe80::1%eth0", "fd00::1", "10.0.0.1", "127.0.0.1"):
        search.receive(BEGIN, answer(probe), Address(host, 1))
        assert search.found[0].address.host == host
