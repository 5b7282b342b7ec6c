"""Ledger: what was used, how much of it counts, and what everything costs."""

from __future__ import annotations

from typing import get_args

import pytest

from udpchat.server import credit
from udpchat.server.credit import (
    CREDIT_US,
    DATAGRAM_US,
    DEBT_US,
    FRAMES_US,
    FREE_US_PER_S,
    NEW_CREDIT_US,
    RANGE_US,
    SOURCE_SHARES,
    Ledger,
    packet_us,
)
from udpchat.server.request_handlers import HANDLERS
from udpchat.wire.frames import Ack, Cursor, Ping, Up

ALICE, BOB = b"a" * 32, b"b" * 32


def left_us(ledger: Ledger, name: bytes) -> float:
    """The credit of a balance; a debt is below 0."""
    return ledger.clock_us - ledger.open(name).used_us


def test_every_frame_and_request_has_a_price() -> None:
    assert FRAMES_US.keys() == set(get_args(Up))
    assert all(price > 0 for price in [*FRAMES_US.values(), *(handler.price_us for handler in HANDLERS.values())])


def test_an_ack_is_paid_by_what_it_names() -> None:
    cursors = [Cursor("#a", 1, 1, []), Cursor("#b", 1, 1, [(3, 4), (6, 6)])]
    assert packet_us([Ack(None, cursors), Ping(1)]) == DATAGRAM_US + FRAMES_US[Ack] + 4 * RANGE_US + FRAMES_US[Ping]


def test_who_is_new_has_a_little_credit_and_who_uses_more_has_debt() -> None:
    ledger = Ledger()
    alice = ledger.open(ALICE)
    assert left_us(ledger, ALICE) == NEW_CREDIT_US
    ledger.charge(NEW_CREDIT_US + 70, alice)
    assert left_us(ledger, ALICE) == -70 and left_us(ledger, BOB) == NEW_CREDIT_US


def test_who_has_been_here_goes_before_any_number_of_new_ones() -> None:
    ledger = Ledger()
    alice = ledger.open(ALICE)
    ledger.run(0.0, is_work_waiting=False)
    ledger.run(10.0, is_work_waiting=False)
    new = [ledger.open(number.to_bytes(32, "big")) for number in range(1_500)]
    for balance in new:
        ledger.on_served(balance.used_us)
        ledger.charge(1_000.0, balance)
        ledger.charge(100.0, alice)
        assert alice.used_us < min(balance.used_us for balance in new)


def test_credit_and_debt_have_their_bounds() -> None:
    ledger = Ledger()
    alice = ledger.open(ALICE)
    ledger.charge(10 * DEBT_US, alice)
    assert left_us(ledger, ALICE) == -DEBT_US
    ledger.run(0.0, is_work_waiting=False)
    ledger.run(1e6, is_work_waiting=False)
    ledger.charge(5, alice)
    assert left_us(ledger, ALICE) == CREDIT_US - 5


def test_credit_comes_back_while_nobody_waits() -> None:
    ledger = Ledger()
    ledger.charge(NEW_CREDIT_US, ledger.open(ALICE))
    ledger.run(7.0, is_work_waiting=False)
    ledger.run(8.0, is_work_waiting=False)
    assert left_us(ledger, ALICE) == FREE_US_PER_S
    ledger.run(9.0, is_work_waiting=True)
    assert left_us(ledger, ALICE) == FREE_US_PER_S


def test_who_waits_and_is_served_is_not_in_debt_to_who_does_not() -> None:
    ledger = Ledger()
    alice = ledger.open(ALICE)
    ledger.charge(NEW_CREDIT_US + 500, alice)
    ledger.on_served(alice.used_us)
    assert left_us(ledger, ALICE) == 0 and left_us(ledger, BOB) == NEW_CREDIT_US


def test_a_source_is_charged_a_share_of_what_its_keys_are() -> None:
    ledger = Ledger()
    ledger.charge(80, ledger.open(ALICE), ledger.open("10.0.0.1"))
    assert left_us(ledger, ALICE) == NEW_CREDIT_US - 80
    assert ledger.clock_us - ledger.open("10.0.0.1").used_us == NEW_CREDIT_US - 80 / SOURCE_SHARES


def test_accounts_are_so_many_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credit, "BALANCES_MAX", 10)
    ledger = Ledger()
    for number in range(100):
        ledger.charge(1, ledger.open(number.to_bytes(32, "big")))
    assert len(ledger) == 10
