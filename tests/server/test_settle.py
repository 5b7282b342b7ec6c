"""Settling: a pure function of state and proposal, and what it gives for each action."""

from __future__ import annotations

import pytest

from tests.storage.memory import MemoryLog
from udpchat.chat.ids import DIRECTORY_LOG, client_id_of, conversation_log, inbox_log, message_id
from udpchat.server import state as state_module
from udpchat.server.proposals import (
    Action,
    ActionProposal,
    Admit,
    Author,
    ChangeNick,
    ChangeTopic,
    EnterProposal,
    FollowPrivate,
    Proposal,
    Reject,
    ReplaceEntry,
    SendResult,
    Telling,
)
from udpchat.server.settle import settle
from udpchat.server.state import State
from udpchat.session.noise import user_id
from udpchat.sync.log import RequestId
from udpchat.wire.content import (
    EDIT,
    REACTION,
    REDACTION,
    Claim,
    ConversationRecord,
    Extra,
    Message,
    ReadMark,
    TopicRecord,
)
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.requests import Away, Done, Failed, Here, MarkRead, Rename, Say, SetTopic, Stored, Tell

INSTANCE = b"i" * 16


def author(key: bytes) -> Author:
    return Author(client_id_of(key, INSTANCE), key, user_id(key), INSTANCE, key)


ALICE, BOB = author(b"a" * 32), author(b"b" * 32)


@pytest.fixture
def state() -> State:
    """Alice and bob own their nicks."""
    made = State(MemoryLog())
    made.apply(DIRECTORY_LOG, 1, encode(Claim("alice", ALICE.key)))
    made.apply(DIRECTORY_LOG, 2, encode(Claim("bob", BOB.key)))
    return made


def proposal(action: Action) -> Proposal:
    return ActionProposal(ALICE, "alice", 7, 1_000, action)


def message(text: str, *, to: str | None = None) -> bytes:
    return encode_message(Message(1_000, ALICE.user, "alice", message_id(INSTANCE, 7), 0, text, to))


def test_the_same_state_and_proposal_give_the_same_and_the_state_stays(state: State) -> None:
    actions = Say("lobby", 0, "hi"), Telling(Tell("bob", 0, "hi"), Here()), Rename("carol"), SetTopic("lobby", "tea")
    for proposed in (EnterProposal(ALICE, "carol"), *map(proposal, actions)):
        assert settle(state, proposed) == settle(state, proposed)
    assert state.claims.owner("carol") is None and state.head(DIRECTORY_LOG) == 2 and not state.conversations(ALICE.key)


def test_what_changes_earlier_messages_says_so_and_a_reaction_does_not(state: State) -> None:
    state.apply("#lobby", 1, b"x")
    about = Extra(bytes(8), b"", 1)
    for kind, expected in (
        (EDIT, [ReplaceEntry("#lobby", 1)]),
        (REDACTION, [ReplaceEntry("#lobby", 1)]),
        (REACTION, []),
    ):
        settled = settle(state, proposal(Say("lobby", kind, "\u2665", about)))
        assert [effect for effect in settled.effects if isinstance(effect, ReplaceEntry)] == expected


def test_a_message_goes_behind_the_last_of_its_room_and_is_answered_with_its_place(state: State) -> None:
    state.apply("#lobby", 41, b"x")
    settled = settle(state, proposal(Say("lobby", 0, "hi")))
    (append,) = settled.appends
    assert (append.log, append.sequence, append.entry) == ("#lobby", 42, message("hi"))
    assert append.origin == RequestId(ALICE.client_id, 7)
    assert settled.effects == (SendResult(ALICE.client_id, 7, Stored("#lobby", 42)),)


def test_the_first_message_to_a_person_opens_the_conversation_and_only_the_message_answers_the_request(
    state: State,
) -> None:
    log = conversation_log(ALICE.key, BOB.key)
    settled = settle(state, proposal(Telling(Tell("BOB", 0, "psst"), Away("lunch"))))
    opened, told = settled.appends
    assert (opened.log, opened.sequence, opened.origin) == (DIRECTORY_LOG, 3, None)
    assert opened.entry == encode(ConversationRecord(log, (ALICE.key, BOB.key)))
    assert (told.log, told.sequence, told.entry) == (log, 1, message("psst", to="bob"))
    follow, answered = settled.effects
    assert follow == FollowPrivate(log, (ALICE.key, BOB.key))
    assert answered == SendResult(ALICE.client_id, 7, Stored(log, 1, Away("lunch")))
    state.apply(opened.log, opened.sequence, opened.entry)
    assert len(settle(state, proposal(Telling(Tell("bob", 0, "psst"), Here()))).appends) == 1


def test_a_free_nick_is_claimed_and_ones_own_is_not_claimed_again(state: State) -> None:
    free, own = settle(state, EnterProposal(ALICE, "carol")), settle(state, EnterProposal(ALICE, "ALICE"))
    assert [append.entry for append in free.appends] == [encode(Claim("carol", ALICE.key))] and not own.appends
    assert free.appends[0].origin is None  # entering is no request
    assert free.effects == (Admit(ALICE.client_id, "carol"),) and own.effects == (Admit(ALICE.client_id, "ALICE"),)
    renamed = settle(state, proposal(Rename("carol")))
    assert renamed.appends[0].origin == RequestId(ALICE.client_id, 7)
    assert renamed.effects == (ChangeNick(ALICE.client_id, 7, "carol"), SendResult(ALICE.client_id, 7, Done()))


def test_a_nick_of_another_is_refused_to_who_enters_and_to_who_asks(state: State) -> None:
    (rejected,) = settle(state, EnterProposal(ALICE, "b0b")).effects
    assert isinstance(rejected, Reject) and (rejected.code, rejected.detail) == ("nick_taken.alike", ("b0b", "bob"))
    (answered,) = settle(state, proposal(Rename("Bob"))).effects
    assert isinstance(answered, SendResult) and isinstance(answered.result, Failed)
    assert answered.result == Failed("nick_taken.alike", ("Bob", "bob"))


def test_a_topic_is_a_record_of_who_set_it(state: State) -> None:
    settled = settle(state, proposal(SetTopic("lobby", "tea")))
    assert [append.entry for append in settled.appends] == [encode(TopicRecord("lobby", "tea", "alice"))]
    assert settled.effects == (ChangeTopic("lobby", "tea", "alice"), SendResult(ALICE.client_id, 7, Done()))


def test_a_topic_that_there_is_no_room_for_is_refused_as_such(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "TOPICS_MAX", 0)
    (refused,) = settle(state, proposal(SetTopic("den", "tea"))).effects
    assert refused == SendResult(ALICE.client_id, 7, Failed("too_many_rooms.topics"))
    assert settle(state, proposal(SetTopic("den", ""))).effects[-1] == SendResult(ALICE.client_id, 7, Done())


def test_a_read_mark_is_an_entry_of_the_inbox_of_its_author_for_all_their_devices(state: State) -> None:
    settled = settle(state, proposal(MarkRead("#lobby", 9, 41)))
    inbox = inbox_log(ALICE.key)
    (append,) = settled.appends
    assert (append.log, append.sequence, append.entry) == (inbox, 1, encode(ReadMark("#lobby", 9, 41)))
    assert append.origin == RequestId(ALICE.client_id, 7)
    assert settled.effects == (FollowPrivate(inbox, (ALICE.key,)), SendResult(ALICE.client_id, 7, Done()))
