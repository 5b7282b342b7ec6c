"""Failed attempts: who waits how long, what is remembered, and what the owner is told."""

from __future__ import annotations

from udpchat.server.attempts import Attempts
from udpchat.wire.content import LoginsFailed
from udpchat.wire.limits import (
    LOGIN_DELAY_S,
    LOGIN_DELAY_S_MAX,
    LOGIN_FAILURES_FREE,
    LOGIN_FAILURES_FREE_OF_SOURCE,
    LOGIN_FORGOTTEN_S,
    LOGINS_TRACKED_MAX,
)

ALICE, HERE, THERE = b"a" * 32, "10.0.0.1", "10.0.0.2"


def test_the_first_failures_of_an_account_are_free_and_each_further_one_doubles_the_wait_up_to_a_minute() -> None:
    attempts, waits = Attempts(), []
    for number in range(LOGIN_FAILURES_FREE + 10):
        attempts.on_wrong(0.0, ALICE, f"10.0.1.{number}")
        waits.append(attempts.wait_s(0.0, ALICE, THERE))
    assert waits[:LOGIN_FAILURES_FREE] == [0.0] * LOGIN_FAILURES_FREE
    assert waits[LOGIN_FAILURES_FREE :][:3] == [LOGIN_DELAY_S, 2 * LOGIN_DELAY_S, 4 * LOGIN_DELAY_S]
    assert waits[-1] == LOGIN_DELAY_S_MAX == max(waits)
    assert attempts.wait_s(LOGIN_DELAY_S_MAX, ALICE, THERE) == 0.0 and attempts.wait_s(0.0, b"bob", THERE) == 0.0


def test_a_source_waits_whichever_accounts_it_tries_and_other_sources_do_not() -> None:
    attempts = Attempts()
    for number in range(LOGIN_FAILURES_FREE_OF_SOURCE + 2):
        attempts.on_wrong(0.0, number, HERE)
    assert attempts.wait_s(0.0, b"never tried", HERE) == 2 * LOGIN_DELAY_S
    assert attempts.wait_s(0.0, b"never tried", THERE) == 0.0
    for _ in range(LOGIN_FAILURES_FREE_OF_SOURCE + 1):
        attempts.on_wrong_code(0.0, THERE)
    assert attempts.wait_s(0.0, None, THERE) == LOGIN_DELAY_S


def test_what_failed_is_forgotten_once_it_went_right_or_long_ago() -> None:
    attempts = Attempts()
    for number in range(10):
        attempts.on_wrong(0.0, ALICE, f"10.0.1.{number}")
    attempts.on_wrong(LOGIN_FORGOTTEN_S + 1.0, ALICE, THERE)
    assert attempts.wait_s(LOGIN_FORGOTTEN_S + 1.0, ALICE, HERE) == 0.0
    for number in range(10):
        attempts.on_wrong(0.0, b"bob", f"10.0.1.{number}")
    attempts.on_right(b"bob")
    assert attempts.wait_s(0.0, b"bob", HERE) == 0.0


def test_however_many_are_tried_from_however_many_addresses_so_many_are_remembered() -> None:
    attempts = Attempts()
    for number in range(3 * LOGINS_TRACKED_MAX):
        attempts.on_wrong(float(number), number, str(number))
        attempts.miss(number.to_bytes(32, "big"), LoginsFailed(1, number, number))
    assert len(attempts) == 3 * LOGINS_TRACKED_MAX


def test_the_owner_is_told_how_many_failed_between_when_and_what_comes_meanwhile_is_told_next_time() -> None:
    attempts = Attempts()
    for time_ms in (5, 7, 9):
        attempts.miss(ALICE, LoginsFailed(1, time_ms, time_ms))
    assert attempts.missed(ALICE) == LoginsFailed(3, 5, 9) and attempts.missed(b"bob") is None
    attempts.on_told(ALICE, 2)
    assert attempts.missed(ALICE) == LoginsFailed(1, 9, 9)
    attempts.on_told(ALICE, 1)
    attempts.on_told(ALICE, 1)
    assert attempts.missed(ALICE) is None and len(attempts) == 0
