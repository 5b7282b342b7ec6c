"""Derivations: one at a time, bounded, fair by source; and a password shows nowhere."""

from __future__ import annotations

from udpchat.server.derivations import NOBODYS_PASSWORD, Derivation, Derivations
from udpchat.wire.limits import (
    DERIVATIONS_MAX,
    DERIVATIONS_PER_SOURCE_MAX,
    PASSWORD_MEMORY_KIB,
    PASSWORD_PASSES,
)


def derivation(number: int, *, source: str = "10.0.0.1", subject: object = None) -> Derivation:
    client = number.to_bytes(16, "big")
    return Derivation(client, 0, source, "alice", subject or number, b"", "a secret", NOBODYS_PASSWORD)


def drained(derivations: Derivations, took_s: float = 0.025) -> list[Derivation]:
    done = []
    while (each := derivations.take_next(lambda _: True)) is not None:
        derivations.on_derived(each, took_s)
        done.append(each)
    return done


def test_one_is_computed_at_a_time_and_each_once() -> None:
    derivations = Derivations()
    assert derivations.add(derivation(1)) and derivations.add(derivation(1)) and derivations.add(derivation(2))
    first = derivations.take_next(lambda _: True)
    assert first == derivation(1) and derivations.take_next(lambda _: True) is None
    assert derivations.add(derivation(1)) and len(derivations) == 2
    derivations.on_derived(first, 0.025)
    assert drained(derivations) == [derivation(2)] and len(derivations) == 0


def test_one_attempt_for_an_account_waits_some_of_a_source_and_so_many_in_all() -> None:
    derivations = Derivations()
    assert derivations.add(derivation(1, subject="alice"))
    assert not derivations.add(derivation(2, source="10.0.0.2", subject="alice"))
    taken = [derivations.add(derivation(number, source="10.0.0.3")) for number in range(10, 30)]
    assert sum(taken) == DERIVATIONS_PER_SOURCE_MAX
    for number in range(100, 100 + 2 * DERIVATIONS_MAX):
        derivations.add(derivation(number, source=f"10.1.0.{number}"))
    assert len(derivations) == DERIVATIONS_MAX == len(drained(derivations))
    assert derivations.add(derivation(1, subject="alice"))


def test_a_source_that_had_many_computed_goes_behind_one_that_had_none() -> None:
    derivations = Derivations()
    for number in range(100):
        derivations.add(derivation(number, source="busy"))
        drained(derivations)
    for number in range(4):
        derivations.add(derivation(200 + number, source="busy"))
    derivations.add(derivation(300, source="new"))
    assert [each.source for each in drained(derivations)] == ["new"] + 4 * ["busy"]


def test_one_that_nobody_waits_for_is_dropped() -> None:
    derivations = Derivations()
    derivations.add(derivation(1))
    derivations.add(derivation(2))
    found = derivations.take_next(lambda each: each == derivation(2))
    assert found == derivation(2) and len(derivations) == 1


def test_the_password_of_nobody_costs_what_a_real_one_does() -> None:
    assert NOBODYS_PASSWORD.startswith(f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1$")


def test_a_password_is_in_no_text_of_a_derivation() -> None:
    assert "secret" not in repr(derivation(1)) and "secret" not in f"{derivation(1)}"
