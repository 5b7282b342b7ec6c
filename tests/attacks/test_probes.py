"""Forged Probes: no more bytes come back than were sent, to any address, and chat goes on beside a flood of them."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from tests.server.rig import Rig
from udpchat.server import probes
from udpchat.server.probes import ProbeResponder
from udpchat.wire import limits
from udpchat.wire.errors import BadDatagram
from udpchat.wire.packets import SAME_LENGTH, Address, Kind, Probe, ProbeReply, parse_packet_untrusted
from udpchat.wire.requests import Say, Stored

FLOOD_PER_S = 10_000


def forged(random: Random) -> tuple[bytes, Address]:
    """A Probe in anybody's name."""
    size = random.randint(limits.PROBE_BYTES_MIN, limits.PROBE_BYTES_MAX)
    probe = Probe(random.randrange(256), random.randbytes(8), random.randrange(2**16), random.randrange(256), size)
    return probe.encode(), Address(f"10.{random.randrange(256)}.{random.randrange(256)}.1", random.randrange(1, 2**16))


def test_no_address_gets_more_bytes_than_it_sent_and_all_together_a_bounded_number() -> None:
    rig, random = Rig(), Random(3)
    sent: dict[Address, int] = {}
    answered = 0
    for _ in range(100):
        rig.now += 0.01
        batch = [forged(random) for _ in range(FLOOD_PER_S // 100)]
        for datagram, address in batch:
            sent[address] = sent.get(address, 0) + len(datagram)
        rig.server.receive(rig.now, batch)
        for datagram, address in rig.server.drain_transmits():
            sent[address] -= len(datagram)
            assert sent[address] >= 0
            answered += 1
    assert answered <= limits.PROBES_BURST + limits.PROBES_PER_S
    assert rig.server.probes_answered == answered


def test_a_line_of_chat_is_carried_out_beside_ten_thousand_probes_a_second() -> None:
    rig, random = Rig(), Random(4)
    ada = rig.device("ada", "lobby")
    for number in range(20):
        rig.server.receive(rig.now, [forged(random) for _ in range(FLOOD_PER_S // 100)])
        rig.now += 0.01
        counter = rig.ask(ada, Say("lobby", 0, f"line {number}"))
        for _ in range(4):  # turns, while others of the flood wait
            rig.now += 0.001
            rig.server.handle_timeout(rig.now)
            rig.write()
        assert isinstance(rig.result(ada, counter), Stored)


def test_what_a_flood_leaves_behind_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.limits, "PROBE_RUNS_MAX", 50)
    monkeypatch.setattr(probes.limits, "SOURCES_MAX", 100)
    rig, random = Rig(), Random(5)
    responder = ProbeResponder(rig.chat, bytes(32))
    for _ in range(1_000):
        datagram, address = forged(random)
        probe = parse_packet_untrusted(datagram)
        assert isinstance(probe, Probe)
        with suppress(BadDatagram):
            responder.answer_untrusted(rig.now, address, probe)
    assert len(responder) == 150


def test_two_servers_that_are_made_to_answer_each_other_do_so_once() -> None:
    rig, other = Rig(), Rig()
    probe = Probe(4, b"probe id", 1, SAME_LENGTH, limits.PROBE_BYTES_MAX).encode()
    rig.server.receive(rig.now, [(probe, Address("10.0.0.2", 47747))])
    [(reply, _)] = rig.server.drain_transmits()
    assert isinstance(parse_packet_untrusted(reply), ProbeReply) and reply[0] == Kind.PROBE_REPLY
    other.server.receive(other.now, [(reply, Address("10.0.0.1", 47747))])
    assert other.server.drain_transmits() == []
