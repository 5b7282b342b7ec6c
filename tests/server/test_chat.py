"""The chat: what is asked becomes durable before it is told, and who comes back finds everything as it was."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.storage.memory import MemoryLog
from udpchat.chat import events
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log, message_id
from udpchat.server.access import may_read
from udpchat.server.chat import DAMAGE_REASONS_MAX
from udpchat.server.repeated_requests import recalled_window
from udpchat.storage.store_interfaces import StoreFailed
from udpchat.sync.exactly_once import ANSWERS_RECALLED_MAX
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import Message, TopicRecord
from udpchat.wire.frames import encode, parse_entry_untrusted
from udpchat.wire.requests import (
    Absent,
    Done,
    Failed,
    GetTopic,
    ListMembers,
    Member,
    MemberPage,
    Rename,
    Say,
    SetTopic,
    Stored,
    Tell,
)

KEY, INSTANCE = b"k" * 32, b"i" * 16


# --- Writing, and who leaves meanwhile ----------


def test_nothing_is_confirmed_or_fanned_out_before_it_is_durable() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "lobby"), rig.device("bob", "lobby")
    asked = rig.ask(alice, Say("lobby", 0, "hello"))
    head = bob.downlink.subscriptions["#lobby"].stream
    assert rig.result(alice, asked) is None and head.head == 0 and len(rig.server.chat.fanout.to_flush) == 0
    rig.write()
    assert rig.result(alice, asked) == Stored("#lobby", 1) and head.head == 1
    (entry,) = rig.log.read("#lobby", 1, 9)
    message = parse_entry_untrusted(entry)
    assert isinstance(message, Message) and message.id == message_id(alice.author.instance, asked)


def test_what_a_peer_said_before_it_left_stands_though_it_was_not_written_yet() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.ask(alice, Say("lobby", 0, "bye"))
    rig.leave(alice)
    assert "lobby" not in rig.chat.rooms
    rig.write()
    assert rig.texts("#lobby") == ["bye"] and "lobby" not in rig.chat.rooms
    assert not rig.chat.fanout.to_flush and rig.server.drain_transmits() == []


def test_who_comes_back_while_a_message_is_being_written_does_not_have_it_written_twice() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    asked = rig.ask(alice, Say("lobby", 0, "once"))
    batch = rig.server.drain_writes()
    rig.leave(alice)
    back = rig.stranger(key=KEY, instance=INSTANCE)
    rig.enter(back, "alice")
    rig.ask(back, Say("lobby", 0, "once"), counter=asked)
    rig.ask(back, Say("lobby", 0, "twice"), counter=asked + 1)
    rig.log.append(batch)
    rig.server.persisted(rig.now, len(batch))
    rig.write()
    assert rig.texts("#lobby") == ["once", "twice"]
    assert rig.result(back, asked) == Stored("#lobby", 1) and rig.result(back, asked + 1) == Stored("#lobby", 2)


def test_who_comes_back_while_a_message_is_being_written_asks_again_if_it_was_not() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    asked = rig.ask(alice, Say("lobby", 0, "once"))
    rig.leave(alice)
    back = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    rig.refuse()
    rig.ask(back, Say("lobby", 0, "once"), counter=asked)
    rig.write()
    assert rig.texts("#lobby") == ["once"] and rig.result(back, asked) == Stored("#lobby", 1)


# --- After a restart ----------


def test_a_restarted_server_answers_the_same_and_writes_nothing_twice() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    said = [rig.ask(alice, Say("lobby", 0, str(number))) for number in range(3)]
    named, topic = rig.ask(alice, Rename("carol")), rig.ask(alice, SetTopic("lobby", "tea"))
    rig.write()
    topic = topic if rig.result(alice, topic) else rig.ask(alice, SetTopic("lobby", "tea"), counter=topic)
    rig.write()
    again = Rig(rig.log)
    back = again.device("carol", "lobby", key=KEY, instance=INSTANCE)
    for sequence, counter in enumerate(said, 1):
        again.ask(back, Say("lobby", 0, "x"), counter=counter)
        assert again.result(back, counter) == Stored("#lobby", sequence)
    for counter, request in ((named, Rename("carol")), (topic, SetTopic("lobby", "tea"))):
        again.ask(back, request, counter=counter)
        assert again.result(back, counter) == Done() and again.server.drain_writes() == []
    assert back.nick == "carol" and again.texts("#lobby") == ["0", "1", "2"]
    assert again.chat.commits.durable.topic("lobby") == TopicRecord("lobby", "tea", "carol")


def test_nothing_is_written_twice_for_one_request_whatever_is_asked_under_its_counter_later() -> None:
    """A log asserts that each request has one entry: no client may make it fail."""
    rig = Rig()
    named = rig.ask(rig.device("alice", "lobby", key=KEY, instance=INSTANCE), Rename("carol"))
    rig.write()
    for request in (Say("lobby", 0, "x"), Rename("dave"), Tell("alice", 0, "x"), SetTopic("lobby", "x")):
        again = Rig(rig.log)
        back = again.device("alice", "lobby", key=KEY, instance=INSTANCE)
        again.ask(back, request, counter=named)
        again.write()
        assert len(rig.log.answered(back.author.client_id)) == 1
        again.leave(back)


def test_a_request_that_left_no_entry_is_answered_after_a_restart_though_a_later_one_did() -> None:
    """Else the client would wait for it for ever, and its window would close."""
    rig = Rig()
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    asked = rig.ask(alice, GetTopic("lobby"))
    said = rig.ask(alice, Say("lobby", 0, "hello"))
    rig.write()
    again = Rig(rig.log)
    back = again.device("alice", "lobby", key=KEY, instance=INSTANCE)
    again.ask(back, Say("lobby", 0, "hello"), counter=said)
    again.ask(back, GetTopic("lobby"), counter=asked)
    after = again.ask(back, Say("lobby", 0, "more"), counter=said + 1)
    again.write()
    assert again.result(back, asked) == Done() and again.result(back, said) == Stored("#lobby", 1)
    assert again.result(back, after) == Stored("#lobby", 2) and again.texts("#lobby") == ["hello", "more"]


def test_a_message_that_was_refused_before_a_later_one_was_stored_is_refused_after_a_restart_too() -> None:
    """Else a client that missed the refusal would have its messages in another order than it sent them."""
    rig = Rig()
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    refused = rig.ask(alice, Tell("nobody", 0, "first"))
    stored = rig.ask(alice, Say("lobby", 0, "second"))
    rig.write()
    again = Rig(rig.log)
    back, _ = again.device("alice", "lobby", key=KEY, instance=INSTANCE), again.device("nobody")
    again.ask(back, Tell("nobody", 0, "first"), counter=refused)
    again.ask(back, Say("lobby", 0, "second"), counter=stored)
    after = again.ask(back, Tell("nobody", 0, "third"), counter=stored + 1)
    again.write()
    assert again.result(back, refused) == Failed("refused") and again.result(back, stored) == Stored("#lobby", 1)
    assert isinstance(again.result(back, after), Stored)


def test_a_remembered_window_holds_no_more_than_may_be_asked_again() -> None:
    log = MemoryLog(random=lambda count: bytes(count))
    rig = Rig(log)
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    text = encode(Message(1, b"u" * 8, "alice", b"m" * 8, 0, "hi"))
    log.append([Append("#lobby", at, text, RequestId(alice.author.client_id, 10 * at)) for at in range(1, 61)])
    rig.leave(alice)
    window = recalled_window(log, alice.author.client_id, ())
    assert window.executed == 600 - ANSWERS_RECALLED_MAX
    assert window.answer_of(600) is not None and window.answer_of(600 - ANSWERS_RECALLED_MAX) is None


def test_what_cannot_be_read_of_a_client_that_returns_changes_nothing() -> None:
    class Damaged(MemoryLog):
        is_damaged = False

        def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
            if self.is_damaged:
                raise StoreFailed("the answers are damaged")
            return super().answered(client_id)

        def read(self, log: str, first: int, count: int) -> list[bytes]:
            if self.is_damaged or log == DIRECTORY_LOG:
                raise StoreFailed("the directory is damaged")
            return super().read(log, first, count)

    log = Damaged()
    rig = Rig(log)
    alice = rig.device("alice", "lobby", key=KEY, instance=INSTANCE)
    rig.ask(alice, Say("lobby", 0, "hello"))
    for nick in ("alice2", "alice3"):
        rig.ask(alice, Rename(nick))
    rig.write()
    rig.ask(alice, GetTopic("lobby"), counter=40)  # the answers before have come, and are forgotten
    session = alice.session
    log.is_damaged = True
    with pytest.raises(StoreFailed):
        rig.renew(alice)
    assert alice.session is session and rig.chat.registry.find(session.index) == (alice, session)
    rig.leave(alice)
    log.is_damaged = False
    with pytest.raises(StoreFailed, match="directory"):
        rig.stranger(key=KEY, instance=INSTANCE)
    assert rig.chat.quotas.request_bytes.total == 0 and not rig.chat.registry.peers_of(KEY)


def test_a_stranger_begins_with_an_empty_window() -> None:
    assert recalled_window(MemoryLog(), b"a" * 16, ()).executed == 0


# --- Conversations ----------


def test_a_conversation_is_followed_by_all_devices_of_both_and_by_nobody_else() -> None:
    rig = Rig()
    alice, bob, carol = rig.device("alice"), rig.device("bob"), rig.device("carol")
    second = rig.device("bob", key=bob.key)
    log = conversation_log(alice.key, bob.key)
    rig.ask(alice, Tell("bob", 0, "psst"))
    rig.write()
    assert [log in peer.downlink.subscriptions for peer in (alice, bob, second, carol)] == [True, True, True, False]
    durable = rig.chat.commits.durable
    assert may_read(durable, bob.key, bob.key, log, 1) and not may_read(durable, carol.key, carol.key, log, 1)
    third = rig.device("bob", key=bob.key)
    assert log in third.downlink.subscriptions and third.downlink.subscriptions[log].entered == 1


def test_who_was_away_finds_the_conversation_after_a_restart_of_the_server() -> None:
    rig = Rig()
    alice, bob = rig.device("alice"), rig.device("bob", key=KEY)
    rig.leave(bob)
    asked = rig.ask(alice, Tell("bob", 0, "later"))
    rig.write()
    result = rig.result(alice, asked)
    assert result == Stored(conversation_log(alice.key, KEY), 1, Absent())
    again = Rig(rig.log)
    back = again.device("bob", key=KEY)
    assert list(back.downlink.subscriptions) == [conversation_log(alice.key, KEY)]


def test_names_are_those_in_the_room_and_of_an_unknown_room_none() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.device("bob")
    here, nowhere = rig.ask(alice, ListMembers("lobby", "")), rig.ask(alice, ListMembers("nowhere", ""))
    assert rig.result(alice, here) == MemberPage(1, [Member("alice", alice.author.user, None)], False)
    assert rig.result(alice, nowhere) == MemberPage(0, [], False)


def test_damage_is_reported_once_for_each_reason_and_for_so_many() -> None:
    chat = Rig().chat
    chat.happened.append(events.PeerLeft("alice", "quit"))
    for _ in range(2):
        for number in range(DAMAGE_REASONS_MAX + 5):
            chat.on_unreadable(f"block {number}")
    drained = chat.drain_events()
    assert drained[:2] == [events.PeerLeft("alice", "quit"), events.LogDamaged("block 0")]
    assert len(drained) == 1 + DAMAGE_REASONS_MAX and chat.drain_events() == []
