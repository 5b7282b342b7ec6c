"""How a device proves that it may use an account: when a secret is sent, and what each refusal leads to."""

from __future__ import annotations

import pytest

from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.client.login import STALE_MAX, TRIES_MAX, WAIT_S_MAX, Login, Verdict, wait_s_of
from udpchat.wire.frames import Proof

NOW = 5.0
TAKEN = Phrase("nick_taken", {"nick": "ann"})
WRONG = Phrase("wrong_password")


def test_a_secret_is_sent_only_once_the_server_asks_for_one() -> None:
    login = Login(Proof(False, "swordfish"))
    assert login.proof is None
    assert login.on_refused(NOW, TAKEN, 0) is Verdict.AGAIN
    assert login.proof == Proof(False, "swordfish", 1)
    assert login.on_refused(NOW, TAKEN, 0) is Verdict.IGNORED  # of the Enter before, repeated


@pytest.mark.parametrize("key", ["nick_taken", "key_revoked", "not_allowed.closed"])
def test_who_has_neither_a_secret_nor_a_person_to_ask_may_not_enter(key: str) -> None:
    assert Login().on_refused(NOW, Phrase(key), 0) is Verdict.FINAL


@pytest.mark.parametrize("key", ["key_revoked", "not_allowed.closed", "nick_taken.alike", "banned"])
def test_a_person_is_asked_only_where_a_password_is_of_use(key: str) -> None:
    assert Login(can_ask=True).on_refused(NOW, Phrase(key), 0) is Verdict.FINAL


def test_a_person_has_three_tries() -> None:
    login = Login(can_ask=True)
    assert login.on_refused(NOW, TAKEN, 0) is Verdict.ASKED and login.is_asking
    assert login.question("ann") == events.PasswordNeeded("ann", False, TRIES_MAX)
    for number in range(1, TRIES_MAX):
        login.prove(f"guess {number}", is_code=False)
        assert login.proof == Proof(False, f"guess {number}", number) and not login.is_asking
        assert login.on_refused(NOW, WRONG, number) is Verdict.ASKED
        assert login.on_refused(NOW, WRONG, number) is Verdict.IGNORED
        assert login.question("ann") == events.PasswordNeeded("ann", True, TRIES_MAX - number)
    login.prove("guess 3", is_code=False)
    assert login.on_refused(NOW, WRONG, TRIES_MAX) is Verdict.FINAL


def test_a_late_refusal_of_the_former_secret_is_not_that_of_the_next() -> None:
    login = Login(Proof(False, "first"), can_ask=True)
    login.on_refused(NOW, TAKEN, 0)
    assert login.on_refused(NOW, WRONG, 1) is Verdict.ASKED
    login.prove("second", is_code=False)
    assert login.on_refused(NOW, WRONG, 1) is Verdict.IGNORED
    assert login.on_refused(NOW, TAKEN, 0) is Verdict.IGNORED
    assert login.on_refused(NOW, WRONG, 2) is Verdict.ASKED


def test_a_server_that_knows_no_proofs_ends_it() -> None:
    login = Login(Proof(False, "swordfish"))
    outcomes = [login.on_refused(NOW, TAKEN, 0) for _ in range(STALE_MAX + 1)]
    assert outcomes[0] is Verdict.AGAIN and outcomes[-1] is Verdict.FINAL


def test_a_wrong_code_is_final() -> None:
    login = Login(Proof(True, "0" * 16), can_ask=True)
    login.on_refused(NOW, TAKEN, 0)
    assert login.on_refused(NOW, Phrase("wrong_password.code"), 1) is Verdict.FINAL


def test_who_is_too_fast_waits_as_long_as_the_server_says_and_sends_the_same_secret() -> None:
    login = Login(Proof(False, "swordfish"))
    login.on_refused(NOW, TAKEN, 0)
    slow = Phrase("too_fast.wait", {"wait_s": "8"})
    assert login.on_refused(NOW, slow, 1) is Verdict.WAIT and login.waits_until == NOW + 8.0
    assert login.on_refused(NOW + 1, slow, 1) is Verdict.IGNORED
    assert login.is_waiting(NOW + 7.9) and not login.is_waiting(NOW + 8.0)
    assert login.proof == Proof(False, "swordfish", 1)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [("8", 8.0), ("0.5", 0.5), ("0", 0.05), ("9" * 300, WAIT_S_MAX), ("", 1.0), ("-3", 1.0), ("nan", 1.0),
     ("\u00b2", 1.0), ("1.2.3", 1.0), (".", 1.0)],
)  # fmt: skip
def test_a_wait_is_within_bounds_whatever_the_server_says(text: str, wait_s: float) -> None:
    assert wait_s_of(Phrase("too_fast.wait", {"wait_s": text})) == wait_s


def test_a_person_who_gives_none_learns_why_they_may_not_enter() -> None:
    login = Login(can_ask=True)
    assert login.give_up() is None
    login.on_refused(NOW, TAKEN, 0)
    assert login.give_up() == TAKEN and not login.is_asking


def test_a_secret_is_forgotten_once_the_client_has_entered() -> None:
    login = Login(Proof(False, "swordfish"))
    login.on_refused(NOW, TAKEN, 0)
    login.on_entered()
    assert login.proof is None
    assert login.on_refused(NOW, TAKEN, 0) is Verdict.FINAL
