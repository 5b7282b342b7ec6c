"""Probes: answered by a server of any version, bounded in length and number, counted, and not at all if so chosen."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server import probes
from udpchat.server.admission import Settings
from udpchat.session.noise import KeyPair
from udpchat.session.rate_limit import source_of
from udpchat.wire import limits
from udpchat.wire.errors import Drop
from udpchat.wire.packets import (
    PROBE_REPLY_BYTES,
    SAME_LENGTH,
    Address,
    Probe,
    ProbeReply,
    parse_packet_untrusted,
    unpacked_source,
)

ASKER = Address("10.0.0.77", 5000, "10.0.0.1")
ID = b"probe id"


def replies(rig: Rig, *probes: Probe, address: Address = ASKER) -> list[ProbeReply]:
    """The answers to these, which arrive one by one."""
    found = []
    for probe in probes:
        rig.server.receive(rig.now, [(probe.encode(), address)])
        for datagram, to in rig.server.drain_transmits():
            assert to == address, "from where it was asked"
            assert len(datagram) <= probe.size
            reply = parse_packet_untrusted(datagram)
            assert isinstance(reply, ProbeReply)
            found.append(reply)
    return found


def test_a_probe_is_answered_with_who_serves_here_and_what_arrived() -> None:
    rig = Rig(settings=Settings(name="den", port=47747))
    rig.server.set_wall_clock(1_000.0)
    [reply] = replies(rig, Probe(4, ID, 7))
    assert (reply.version, reply.probe_id, reply.number) == (limits.PROTOCOL_VERSION, ID, 7)
    assert (reply.name, reply.port, reply.people) == (b"den", 47747, 0)
    assert reply.time_ms == int((rig.now + 1_000.0) * 1000)
    assert unpacked_source(reply.source) == ASKER._replace(local="")
    assert (reply.received_bytes, reply.count, reply.size) == (limits.PROBE_BYTES_MIN, 1, PROBE_REPLY_BYTES)
    assert rig.server.probes_answered == 1


def test_people_are_counted_once_however_many_devices_they_have_here() -> None:
    rig = Rig()
    key = rig.random.randbytes(32)
    rig.device("ada", key=key)
    rig.device("ada", key=key)
    rig.device("bob")
    rig.stranger()
    assert [reply.people for reply in replies(rig, Probe(4, ID, 1))] == [2]
    rig.device("carol")
    assert [reply.people for reply in replies(rig, Probe(4, ID, 1))] == [2]
    rig.now += limits.PEOPLE_COUNTED_S
    assert [reply.people for reply in replies(rig, Probe(4, ID, 1))] == [3]


@pytest.mark.parametrize("version", [0, limits.PROTOCOL_VERSION - 1, 255])
def test_a_probe_of_any_version_is_answered_with_the_version_of_the_server(version: int) -> None:
    [reply] = replies(Rig(), Probe(version, ID, 1))
    assert reply.version == limits.PROTOCOL_VERSION


@pytest.mark.parametrize("size", [limits.PROBE_BYTES_MIN, 1_000, limits.PROBE_BYTES_MAX])
def test_an_answer_is_as_long_as_its_probe_if_asked_and_never_longer(size: int) -> None:
    rig = Rig(settings=Settings(name="x" * limits.NAME_BYTES_MAX))
    assert [reply.size for reply in replies(rig, Probe(4, ID, 1, SAME_LENGTH, size))] == [size]
    assert [reply.size for reply in replies(rig, Probe(4, ID, 1, 0, size))] == [PROBE_REPLY_BYTES]


def test_a_long_name_is_cut_between_characters() -> None:
    [reply] = replies(Rig(settings=Settings(name="a" + "\u00fc" * 40)), Probe(4, ID, 1))
    assert reply.name.decode() == "a" + "\u00fc" * 23


def test_an_answer_costs_no_key_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    monkeypatch.setattr(KeyPair, "exchange_untrusted", lambda *_: pytest.fail("a curve operation"))
    assert replies(rig, Probe(4, ID, 1))


def test_a_server_that_is_not_to_be_found_answers_no_probe_until_that_changes() -> None:
    rig = Rig(settings=Settings(is_discoverable=False))
    assert not replies(rig, Probe(4, ID, 1))
    assert rig.server.counters[Drop.UNEXPECTED] == 1
    rig.chat.change_settings(Settings())
    assert replies(rig, Probe(4, ID, 1))


@pytest.mark.parametrize(
    "hosts", [["10.0.0.77"], [f"2001:db8::{number:x}" for number in range(1, 9)]], ids=["IPv4", "an IPv6 /64"]
)
def test_a_source_gets_as_many_answers_as_allowed_at_once_and_then_some_a_second(hosts: list[str]) -> None:
    rig = Rig()
    for expected in (limits.PROBES_PER_SOURCE_BURST, limits.PROBES_PER_SOURCE_PER_S):
        answered = 0
        for number in range(1_000):
            answered += len(replies(rig, Probe(4, ID, number), address=Address(hosts[number % len(hosts)], 1)))
        assert answered == expected
        rig.now += 1.0
    assert rig.server.counters[Drop.RATE_LIMITED] == 2_000 - limits.PROBES_PER_SOURCE_BURST - 32


def test_hosts_with_link_local_addresses_on_one_link_do_not_share_a_rate() -> None:
    rig = Rig()
    for number in range(limits.PROBES_PER_SOURCE_BURST):
        assert replies(rig, Probe(4, ID, number), address=Address("fe80::1%eth0", 1))
    assert not replies(rig, Probe(4, ID, 0), address=Address("fe80::1%eth0", 1))
    assert replies(rig, Probe(4, ID, 0), address=Address("fe80::2%eth0", 1))


def test_all_sources_together_get_as_many_answers_as_allowed() -> None:
    rig = Rig()
    answered = 0
    for number in range(4_000):
        source = Address(f"10.1.{number // 250}.{number % 250}", 1)
        answered += len(replies(rig, Probe(4, ID, 1), address=source))
    assert answered == limits.PROBES_BURST


def test_probes_of_an_id_are_counted_also_those_without_an_answer() -> None:
    rig = Rig()
    assert [reply.count for reply in replies(rig, *(Probe(4, ID, number) for number in range(3)))] == [1, 2, 3]
    replies(rig, *(Probe(4, ID, number) for number in range(1_000)))
    rig.now += 1.0
    assert [reply.count for reply in replies(rig, Probe(4, ID, 9))] == [1_004]


def test_the_oldest_id_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.limits, "PROBE_RUNS_MAX", 4)
    rig = Rig()
    ids = [bytes([number]) * 8 for number in range(5)]
    assert [reply.count for reply in replies(rig, *(Probe(4, each, 0) for each in ids))] == [1] * 5
    assert [reply.count for reply in replies(rig, Probe(4, ids[4], 0), Probe(4, ids[0], 0))] == [2, 1]


def test_a_probe_reply_is_not_answered_so_that_two_servers_do_not_answer_each_other() -> None:
    rig = Rig()
    [reply] = replies(rig, Probe(4, ID, 1, SAME_LENGTH))
    rig.server.receive(rig.now, [(reply.encode(), ASKER)])
    assert not rig.server.drain_transmits() and rig.server.counters[Drop.UNEXPECTED] == 1
    assert source_of(ASKER.host) == ASKER.host
