"""The durable state: claims, topics, conversations and heads, of entries alone; and one state over another."""

from __future__ import annotations

import pytest

from tests.storage.memory import MemoryLog
from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.chat.permissions import Role
from udpchat.server import claims, state
from udpchat.server.state import State
from udpchat.sync.log import Append
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    AccountRecord,
    Claim,
    CodeRecord,
    ConversationRecord,
    Device,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
    TopicRecord,
)
from udpchat.wire.frames import encode
from udpchat.wire.limits import CONVERSATIONS_PER_KEY_MAX, NICKS_PER_KEY_MAX

KEY, OTHER = b"k" * 32, b"o" * 32


class Directory:
    """States over an empty log, and `add`, which applies a record as the next of the directory."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.durable = State(self.log)
        self.settled = State(self.log, under=self.durable)

    def add(self, state: State, *records: Record) -> None:
        for record in records:
            state.apply(DIRECTORY_LOG, state.head(DIRECTORY_LOG) + 1, encode(record))


def test_a_nick_and_all_that_look_like_it_belong_to_the_key_that_claimed_it_first() -> None:
    directory = Directory()
    directory.add(directory.durable, Claim("Alice", KEY), Claim("alice", OTHER))
    for spelling in ("alice", "AL1CE", "\u0430lice"):
        assert directory.settled.claims.owner(spelling) == Claim("Alice", KEY)
    assert directory.settled.claims.owner("bob") is None


def test_a_claim_that_stands_already_counts_once() -> None:
    directory = Directory()
    directory.add(directory.durable, *[Claim("alice", KEY)] * NICKS_PER_KEY_MAX)
    assert directory.durable.claims.may_claim(KEY)


def test_a_key_holds_so_many_nicks_of_those_written_and_those_being_written() -> None:
    directory = Directory()
    for number in range(NICKS_PER_KEY_MAX):
        assert directory.settled.claims.may_claim(KEY)
        directory.add(directory.durable if number % 2 else directory.settled, Claim(f"nick{number}", KEY))
    assert not directory.settled.claims.may_claim(KEY) and directory.settled.claims.may_claim(OTHER)
    directory.settled.clear()
    assert directory.settled.claims.may_claim(KEY) and directory.settled.claims.owner("nick0") is None
    assert directory.settled.claims.owner("nick1") == Claim("nick1", KEY)


def test_there_are_so_many_nicks_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "NICKS_MAX", 2)
    directory = Directory()
    directory.add(directory.durable, Claim("alice", KEY))
    directory.add(directory.settled, Claim("bob", OTHER))
    assert not directory.settled.claims.may_claim(b"c" * 32) and directory.durable.claims.may_claim(b"c" * 32)


def test_the_upper_topic_hides_the_lower_until_it_is_dropped() -> None:
    directory = Directory()
    directory.add(directory.durable, TopicRecord("lobby", "tea", "alice"))
    directory.add(directory.settled, TopicRecord("lobby", "coffee", "bob"))
    assert (
        directory.settled.topic("lobby") == TopicRecord("lobby", "coffee", "bob")
        and directory.settled.topic("den") is None
    )
    directory.settled.clear()
    assert directory.settled.topic("lobby") == TopicRecord("lobby", "tea", "alice")


def test_a_conversation_is_one_of_both_keys_and_a_key_has_so_many() -> None:
    directory = Directory()
    directory.add(directory.durable, ConversationRecord("@one", (KEY, OTHER)))
    directory.add(directory.settled, ConversationRecord("@two", (OTHER, b"c" * 32)))
    assert directory.settled.conversations(OTHER) == {"@one": KEY, "@two": b"c" * 32}
    assert directory.settled.conversations(KEY) == {"@one": OTHER} and not directory.settled.conversations(b"x" * 32)
    for number in range(CONVERSATIONS_PER_KEY_MAX - 1):
        assert directory.settled.may_converse(KEY, OTHER)
        directory.add(directory.settled, ConversationRecord(f"@n{number}", (KEY, number.to_bytes(32, "big"))))
    assert not directory.settled.may_converse(KEY, OTHER) and directory.settled.may_converse(OTHER, KEY)


def test_what_others_begin_with_a_person_takes_nothing_of_what_the_person_may_begin() -> None:
    directory = Directory()
    for number in range(CONVERSATIONS_PER_KEY_MAX):
        assert directory.settled.may_converse(OTHER, KEY)
        layer = directory.durable if number % 2 else directory.settled
        directory.add(layer, ConversationRecord(f"@n{number}", (number.to_bytes(32, "big"), KEY)))
    assert not directory.settled.may_converse(OTHER, KEY) and directory.settled.may_converse(KEY, OTHER)


def test_so_many_rooms_have_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "TOPICS_MAX", 2)
    directory = Directory()
    directory.add(directory.durable, TopicRecord("lobby", "tea", "alice"))
    directory.add(directory.settled, TopicRecord("den", "tea", "alice"))
    assert directory.settled.may_set_topic("den") and directory.settled.may_set_topic("lobby")
    assert not directory.settled.may_set_topic("more") and directory.durable.may_set_topic("more")


def test_a_room_whose_topic_was_removed_has_none_and_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "TOPICS_MAX", 2)
    directory = Directory()
    directory.add(directory.durable, TopicRecord("lobby", "tea", "alice"), TopicRecord("den", "tea", "alice"))
    directory.add(directory.settled, TopicRecord("lobby", "", "bob"))
    assert directory.settled.topic("lobby") is None and directory.durable.topic("lobby") is not None
    directory.settled.clear()
    assert directory.settled.topic("lobby") is not None
    directory.add(directory.durable, TopicRecord("lobby", "", "bob"), TopicRecord("attic", "", "bob"))
    assert directory.settled.topic("lobby") is None and directory.durable.records == 1
    assert directory.settled.may_set_topic("more")


def test_what_was_loaded_is_what_was_applied() -> None:
    directory = Directory()
    records = [Claim("alice", KEY), TopicRecord("lobby", "tea", "alice"), ConversationRecord("@one", (KEY, OTHER))]
    directory.log.append([Append(DIRECTORY_LOG, at, encode(record), None) for at, record in enumerate(records, 1)])
    directory.durable.load()
    loaded = directory.durable
    assert loaded.claims.owner("alice") == records[0] and loaded.topic("lobby") == TopicRecord("lobby", "tea", "alice")
    assert loaded.conversations(OTHER) == {"@one": KEY} and loaded.head(DIRECTORY_LOG) == 3


def test_a_pinned_head_does_not_follow_the_store_until_it_is_unpinned() -> None:
    directory = Directory()
    directory.durable.pin_head("#lobby")
    directory.log.append([Append("#lobby", 1, b"x", None)])
    assert directory.durable.head("#lobby") == directory.settled.head("#lobby") == 0
    directory.durable.unpin_heads({"#lobby"})
    assert directory.durable.head("#lobby") == 0
    directory.durable.unpin_heads(())
    assert directory.settled.head("#lobby") == 1


OF_ORDER: list[Record] = [
    AccountRecord(KEY, (Device(KEY, 0), Device(OTHER, 5)), role=Role.ADMIN),
    CodeRecord(b"c" * 16, KEY, "", 1_000),
    RoomRecord("den", KEY, Modes(is_moderated=True)),
    RoleRecord("den", OTHER, Role.VOICE),
    SanctionRecord(BAN, "den", ACCOUNT, b"x" * 32, "bob", "alice", "", 5),
]


def assert_has_order(state: State, has: bool) -> None:
    assert (state.accounts.account_of(OTHER) == KEY) is has and (state.role(KEY) is Role.ADMIN) is has
    assert (state.accounts.code(b"c" * 16, 0) is not None) is has
    assert state.order.modes("den").is_moderated is has and (state.role(OTHER, "den") is Role.VOICE) is has
    assert (state.order.sanction(BAN, "den", b"x" * 32, b"x" * 32, 7) is not None) is has
    assert state.records == (len(OF_ORDER) if has else 0)


def test_accounts_and_order_are_those_of_the_directory_and_count_among_its_records() -> None:
    directory = Directory()
    assert_has_order(directory.durable, False)
    directory.log.append([Append(DIRECTORY_LOG, at, encode(record), None) for at, record in enumerate(OF_ORDER, 1)])
    directory.durable.load()
    assert_has_order(directory.durable, True)
    assert_has_order(directory.settled, True)


def test_accounts_and_order_that_could_not_be_written_are_forgotten_and_those_that_were_are_not() -> None:
    directory = Directory()
    directory.add(directory.settled, *OF_ORDER)
    assert_has_order(directory.settled, True)
    assert_has_order(directory.durable, False)
    directory.settled.clear()
    assert_has_order(directory.settled, False)
    directory.add(directory.durable, *OF_ORDER)
    directory.add(directory.settled, RoomRecord("den", KEY), RoleRecord("den", OTHER, Role.MEMBER))
    directory.settled.clear()
    assert_has_order(directory.settled, True)
