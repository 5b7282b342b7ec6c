"""Row 15: however many proved sources begin handshakes, a newcomer gets in; before the proof a Hello costs no curve."""

from __future__ import annotations

from random import Random

import pytest

from tests.session.test_responder import Caller, door
from tests.sim.network import Address
from udpchat.session import responder
from udpchat.session.noise import KeyPair
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    HANDSHAKES_PER_HOST_BURST,
    HANDSHAKES_PER_SOURCE_BURST,
    HELLO_RESEND_S,
    PROTOCOL_VERSION,
)
from udpchat.wire.packets import Cookie, Hello, HelloReply, parse_packet_untrusted

TABLE = 256  # places, instead of limits.HANDSHAKES_MAX, so that the test is quick
ROUND_TRIP_S = 0.05


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[KeyPair]:
    """The key of each curve operation."""
    done: list[KeyPair] = []
    exchange = KeyPair.exchange_untrusted

    def count(self: KeyPair, public: bytes) -> bytes:
        done.append(self)
        return exchange(self, public)

    monkeypatch.setattr(KeyPair, "exchange_untrusted", count)
    return done


@pytest.mark.parametrize("sources", [8, 64, 2 * TABLE])
def test_a_newcomer_finishes_though_proved_sources_fill_the_table_and_renew_all_they_have(
    sources: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responder.limits, "HANDSHAKES_MAX", TABLE)
    acceptor, now = door(), 0.0
    attackers = [
        Caller(acceptor, seed, Address(f"10.1.{seed % sources // 250}.{seed % sources % 250}", seed))
        for seed in range(2 * TABLE)
    ]
    cookies = [attacker.cookie(now) for attacker in attackers]
    finished = 0
    for newcomer in range(10):
        for attacker, cookie in zip(attackers[: TABLE + 8], cookies, strict=False):
            try_hello(attacker, now, cookie)
        caller = Caller(acceptor, 10_000 + newcomer, Address("10.0.0.2", newcomer))
        finish = caller.finish(now)
        for attacker, cookie in zip(attackers[-TABLE // 4 :], cookies[-TABLE // 4 :], strict=True):
            try_hello(attacker, now, cookie)  # while the reply is on its way
        now += ROUND_TRIP_S
        finished += caller.accepted(now, finish).payload == b"join"
        assert len(acceptor) <= TABLE
    assert finished == 10


def try_hello(caller: Caller, now: float, cookie: bytes) -> None:
    try:
        caller.hello(now, cookie)
    except BadDatagram as drop:
        assert drop.reason is Drop.RATE_LIMITED


def test_before_the_cookie_a_hello_costs_no_curve_operation_and_no_state(exchanges: list[KeyPair]) -> None:
    acceptor, random = door(), Random(5)
    for number in range(2_000):
        cookie = random.randbytes(20) if number % 2 else bytes(4) + random.randbytes(16)
        hello = Hello(PROTOCOL_VERSION, number, random.randbytes(32), cookie)
        answer = parse_packet_untrusted(acceptor.receive_hello(0.0, Address("10.0.0.1", number), hello))
        assert isinstance(answer, Cookie)
    assert not exchanges and not len(acceptor) and acceptor.next_timeout() is None


def test_one_cookie_serves_one_address_and_key_and_within_them_no_more_than_the_host_may(
    exchanges: list[KeyPair],
) -> None:
    acceptor = door()
    caller = Caller(acceptor, 1)
    cookie = caller.cookie(0.0)
    key = caller.noise.public
    for address in (Address("10.0.0.2", 5000), Address("10.0.0.1", 5001), Address("10.0.0.1", 5000, "10.0.0.9")):
        answer = acceptor.receive_hello(0.0, address, Hello(PROTOCOL_VERSION, 1, key, cookie))
        assert isinstance(parse_packet_untrusted(answer), Cookie)
    answer = acceptor.receive_hello(0.0, caller.address, Hello(PROTOCOL_VERSION, 1, bytes(range(32)), cookie))
    assert isinstance(parse_packet_untrusted(answer), Cookie) and not exchanges
    refused = 0
    for index in range(10 * HANDSHAKES_PER_HOST_BURST):
        try:
            reply = acceptor.receive_hello(0.0, caller.address, Hello(PROTOCOL_VERSION, index, key, cookie))
            assert isinstance(parse_packet_untrusted(reply), HelloReply)
        except BadDatagram as drop:
            refused += drop.reason is Drop.RATE_LIMITED
    assert len(acceptor) == HANDSHAKES_PER_HOST_BURST == len(exchanges) // 2
    assert refused == 9 * HANDSHAKES_PER_HOST_BURST


def test_a_host_with_as_many_ipv6_addresses_as_it_likes_is_one_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responder.limits, "HANDSHAKES_PER_SOURCE_BURST", HANDSHAKES_PER_SOURCE_BURST // 10)
    acceptor = door()
    for number in range(HANDSHAKES_PER_SOURCE_BURST // 2):
        caller = Caller(acceptor, number, Address(f"2001:db8::{number:x}", 1))
        try_hello(caller, 0.0, caller.cookie(0.0))
    assert len(acceptor) == HANDSHAKES_PER_SOURCE_BURST // 10
    assert Caller(acceptor, 9_999, Address("2001:db8:9::1", 1)).reply(0.0)


def test_a_class_of_two_hundred_behind_one_address_comes_in_within_ten_seconds() -> None:
    acceptor, now = door(), 0.0
    for pupil in range(200):
        caller = Caller(acceptor, pupil, Address("10.0.0.3", pupil))
        while True:
            try:
                assert caller.accepted(now, caller.finish(now))
                break
            except BadDatagram as drop:
                assert drop.reason is Drop.RATE_LIMITED
                now += HELLO_RESEND_S
    assert now <= 10
