"""Charges: what each action takes of whose quotas."""

from __future__ import annotations

import pytest

from tests.storage.memory import MemoryLog
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log
from udpchat.server.credit import Ledger
from udpchat.server.payer import Payer
from udpchat.server.proposals import Action, Telling
from udpchat.server.quota_charges import charge, charge_claim
from udpchat.server.quotas import Quotas, SpentQuota
from udpchat.server.state import State
from udpchat.session.rate_limit import Rate
from udpchat.wire.content import Claim, Extra, TopicRecord
from udpchat.wire.frames import encode
from udpchat.wire.limits import WRITE_ENTRY_BYTES
from udpchat.wire.requests import Here, MarkRead, Rename, Say, SetTopic, Tell

ALICE, BOB = Payer(Ledger(), b"a" * 32, "10.0.0.1"), b"b" * 32
NOTHING, ONCE = Rate(0.5, 0.0), Rate(1.0, 0.0)


@pytest.fixture
def state() -> State:
    """Bob owns his nick, and something was said in the lobby, which has a topic."""
    made = State(MemoryLog())
    made.apply(DIRECTORY_LOG, 1, encode(Claim("bob", BOB)))
    made.apply("#lobby", 1, b"x")
    made.apply(DIRECTORY_LOG, 2, encode(TopicRecord("lobby", "coffee", "bob")))
    return made


def telling(text: str = "hi") -> Telling:
    return Telling(Tell("bob", 0, text), Here())


@pytest.mark.parametrize(
    "action, quota",
    [
        (Say("den", 0, "hi"), "stored_rooms"),
        (telling(), "conversations"),
        (Rename("carol"), "claims"),
        (Rename("bob"), "renames"),
        (SetTopic("lobby", "tea"), "topics"),
        (SetTopic("den", ""), "topics"),
        (SetTopic("den", "tea"), "stored_rooms"),
    ],
)
def test_what_makes_something_that_stays_or_that_all_read_takes_of_its_quota(
    state: State, action: Action, quota: str
) -> None:
    quotas = Quotas()
    setattr(quotas, quota, SpentQuota(ONCE, ONCE))
    assert charge(0.0, ALICE, action, state, quotas) and not charge(0.0, ALICE, action, state, quotas)


def test_what_makes_nothing_new_is_charged_for_its_bytes_alone(state: State) -> None:
    quotas = Quotas()
    for quota in ("stored_rooms", "conversations", "claims", "topics"):
        setattr(quotas, quota, SpentQuota(NOTHING, NOTHING))
    state.apply(conversation_log(ALICE.who.key, BOB), 1, b"x")
    refused = Say("den", 0, "as you said", Extra(bytes(8), b"", 1))  # it is about a message that is not there
    for action in (Say("lobby", 0, "hi"), telling(), MarkRead("#lobby", 1, 1), refused):
        assert charge(0.0, ALICE, action, state, quotas)


def test_to_enter_is_charged_only_under_a_nick_that_nobody_has(state: State) -> None:
    """As found: entering under one's own nick took of the renames, so not all devices of a network could come back."""
    quotas = Quotas()
    quotas.claims = quotas.renames = SpentQuota(ONCE, ONCE)
    assert all(charge_claim(0.0, ALICE.who, "bob", state, quotas) for _ in range(5))
    assert charge_claim(0.0, ALICE.who, "carol", state, quotas) and not charge_claim(
        0.0, ALICE.who, "carol", state, quotas
    )


def test_text_and_data_are_charged_in_bytes(state: State) -> None:
    action = Say("lobby", 0, "\u00e4" * 100, Extra(None, b"x" * 50))
    for spare, is_enough in ((0, True), (-1, False)):
        quotas, alice = Quotas(), Payer(Ledger(), b"a" * 32, "10.0.0.1")
        quotas.written_bytes = SpentQuota(rate := Rate(1e6, 0.0), rate)
        quotas.written_bytes.take(0.0, alice.who, 1e6 - (WRITE_ENTRY_BYTES + 250) - spare)
        assert charge(0.0, alice, action, state, quotas) is is_enough
