"""What a client shows: conversations with what is unread, on all devices of a user, members, and the connection."""

from __future__ import annotations

import pytest

from tests.client.pair import Person, Wire
from udpchat.chat import events
from udpchat.client import compose
from udpchat.client.model import (
    ITEMS_CHARACTERS_MAX,
    ITEMS_MAX,
    PRIVATE_MAX,
    QUOTE_CHARACTERS_MAX,
    Conversation,
    Delivery,
    Item,
    ItemState,
    Phase,
    Quote,
    quote_of,
)
from udpchat.client.read_marks import REPORT_INTERVAL_S
from udpchat.client.typing import SHOWN_S
from udpchat.sync.budget import Budget
from udpchat.wire.limits import MODEL_BYTES_MAX, TYPING, TYPING_INTERVAL_S
from udpchat.wire.requests import LogEntry


def item(sequence: int, text: str = "hi", *, is_own: bool = False, is_mention: bool = False) -> Item:
    return Item(sequence, str(sequence), "bob", text, "text", 1, is_own, is_mention)


def unread(person: Person, name: str = "lobby") -> tuple[int, int]:
    conversation = person.core.model.conversation(name)
    return conversation.unread, conversation.mentions


# --- One conversation ----------


def test_messages_stand_in_the_order_of_the_log_each_once() -> None:
    conversation = Conversation("lobby")
    for sequence in (3, 1, 2, 3, 1):
        conversation.add(item(sequence))
    assert [each.sequence for each in conversation.items] == [1, 2, 3] and conversation.unread == 3


def test_an_own_message_whose_entry_the_replica_skipped_is_left_to_the_page_that_has_it() -> None:
    """What was done to it is in entries that do not come, and so is what stands between it and those that do."""
    wire = Wire()
    alice = wire.person("alice", "lobby")
    wire.settle()
    sent = events.MessageSent("lobby", 48, "00" * 8, "hi", "text", 0)
    assert alice.core.model.apply([sent]) == [sent] and alice.core.model.conversation("lobby").items == []
    alice.core.model.apply([events.MessageSent("@bob", 1, "11" * 8, "hi", "text", 0)])
    assert [each.text for each in alice.core.model.conversation("@bob").items] == ["hi"]


def test_an_own_message_that_was_removed_before_it_was_confirmed_is_not_shown_as_it_was() -> None:
    """As found: another device of the same person had edited and removed it meanwhile."""
    alice = Wire().person("alice", "lobby")
    sent = events.MessageSent("@bob", 2, "11" * 8, "a slip", "text", 0, is_passed=True)
    assert alice.core.model.apply([sent]) == [sent] and alice.core.model.conversation("@bob").items == []


def test_what_is_behind_the_mark_is_unread_except_ones_own() -> None:
    conversation = Conversation("lobby", read_up_to=2)
    for each in (item(1), item(2, is_mention=True), item(3), item(4, is_own=True), item(5, is_mention=True)):
        conversation.add(each)
    assert (conversation.unread, conversation.mentions) == (2, 1)
    conversation.mark(3)
    assert (conversation.unread, conversation.mentions) == (1, 1)
    conversation.mark(1)
    assert conversation.read_up_to == 3
    conversation.mark(9)
    assert (conversation.unread, conversation.mentions) == (0, 0)


def test_of_a_long_conversation_the_latest_messages_are_held() -> None:
    conversation = Conversation("lobby")
    for sequence in range(1, ITEMS_MAX + 11):
        conversation.add(item(sequence))
    assert [conversation.items[0].sequence, len(conversation.items)] == [11, ITEMS_MAX]
    conversation.add(item(ITEMS_MAX + 11, "x" * ITEMS_CHARACTERS_MAX))
    assert [each.sequence for each in conversation.items] == [ITEMS_MAX + 11]


def test_a_message_older_than_those_held_is_neither_held_nor_counted_as_unread() -> None:
    conversation = Conversation("lobby")
    for sequence in range(100, 100 + ITEMS_MAX):
        conversation.add(item(sequence))
    for _ in range(2):
        conversation.add(item(5, is_mention=True))
    assert (conversation.unread, conversation.mentions) == (ITEMS_MAX, 0) and conversation.items[0].sequence == 100


def test_an_edit_changes_the_text_and_the_quotes_of_it_and_an_earlier_edit_changes_nothing() -> None:
    conversation = Conversation("lobby", read_up_to=0)
    conversation.add(item(1, "helo"))
    first = conversation.items[0]
    conversation.add(item(2).changed(reply=quote_of(first)))
    assert conversation.edit(first, "hello", 4, is_mention=False)
    assert not conversation.edit(conversation.items[0], "hallo", 3, is_mention=False)
    edited, reply = conversation.items
    assert (edited.text, edited.is_edited, edited.edited_by) == ("hello", True, 4)
    assert reply.reply == Quote("1", "bob", "hello") and conversation.unread == 2


def test_an_edit_makes_a_message_a_mention_or_no_more_as_it_will_be_after_a_restart() -> None:
    conversation = Conversation("lobby", read_up_to=0)
    conversation.add(item(1, "hi"))
    conversation.edit(conversation.items[0], "hi alice", 4, is_mention=True)
    assert (conversation.unread, conversation.mentions) == (1, 1)
    conversation.edit(conversation.items[0], "hi all", 5, is_mention=False)
    assert (conversation.unread, conversation.mentions) == (1, 0)


def test_a_reply_quotes_nothing_of_a_message_that_was_changed_when_it_was_not_held_any_more() -> None:
    conversation = Conversation("lobby")
    conversation.add(item(2).changed(reply=Quote("1", "bob", "secret plan")))
    conversation.forget_quotes("1")
    assert conversation.items[0].reply == Quote("1", "", "")


def test_a_message_is_found_by_its_id_as_long_as_it_is_held() -> None:
    conversation = Conversation("lobby")
    for sequence in range(1, ITEMS_MAX + 11):
        conversation.add(item(sequence))
    assert conversation.find_by_id("10") is None and conversation.find_by_id("11") is conversation.items[0]
    conversation.add(item(ITEMS_MAX + 11).changed(id="12"))  # as only a hostile server has it
    assert conversation.find_by_id("12") is conversation.items[-1]
    conversation.clear()
    assert conversation.find_by_id("12") is None


def test_a_message_that_is_removed_keeps_its_place_and_nothing_of_what_it_said() -> None:
    conversation = Conversation("lobby", read_up_to=0)
    conversation.add(item(1, "the password is swordfish", is_mention=True))
    conversation.add(item(2).changed(reply=quote_of(conversation.items[0])))
    conversation.react(conversation.items[0], "\u2665", "eve", b"e", added=True, is_own=False)
    conversation.remove(conversation.items[0], "bob")
    removed, reply = conversation.items
    assert (removed.sequence, removed.text, removed.is_removed, removed.reactions) == (1, "", True, ())
    assert reply.reply == Quote("1", "bob", "", is_removed=True) and (conversation.unread, conversation.mentions) == (
        1,
        0,
    )
    assert conversation.find(1, "1") is None


def test_a_message_is_found_by_its_sequence_and_id_together() -> None:
    conversation = Conversation("lobby")
    conversation.add(item(1))
    assert conversation.find(1, "1") is conversation.items[0]
    assert conversation.find(1, "2") is None and conversation.find(2, "1") is None


def test_reactions_and_quotes_count_for_the_memory_of_the_model() -> None:
    budget = Budget(MODEL_BYTES_MAX)
    conversation = Conversation("lobby", budget=budget)
    conversation.add(item(1, "x" * 1000))
    conversation.add(item(2).changed(reply=quote_of(conversation.items[0])))
    said = budget.used
    assert conversation.react(conversation.items[0], "\u2665", "eve", b"e", added=True, is_own=False)
    assert not conversation.react(conversation.items[0], "\u2665", "eve", b"e", added=True, is_own=False)
    assert budget.used > said + len("eve")
    assert conversation.items[1].reply is not None and len(conversation.items[1].reply.text) == QUOTE_CHARACTERS_MAX
    conversation.remove(conversation.items[0], "bob")
    conversation.clear()
    assert budget.used == 0


# --- A client ----------


def test_a_message_is_sending_until_it_is_confirmed_and_then_stands_at_its_place() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    wire.is_cut = True
    alice.core.say(wire.now, "lobby", "hello")
    bob.core.say(wire.now, "lobby", "me too")
    [sending] = alice.core.model.items("lobby")
    assert (sending.text, sending.nick, sending.state) == ("hello", "alice", ItemState.SENDING)
    assert alice.core.model.conversation("lobby").items == []
    wire.is_cut = False
    wire.settle()
    shown = [(each.text, each.is_own, each.state) for each in alice.core.model.items("lobby")]
    assert sorted(shown) == [("hello", True, ItemState.SENT), ("me too", False, ItemState.SENT)]
    assert [each.id for each in bob.core.model.items("lobby")] == [each.id for each in alice.core.model.items("lobby")]


def test_what_others_say_is_unread_and_what_names_this_user_or_is_private_is_a_mention() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for text in ("hello", "Alice: look", "malice"):
        bob.core.say(wire.now, "lobby", text)
    bob.core.tell(wire.now, "alice", "psst")
    alice.core.say(wire.now, "lobby", "yes?")
    wire.settle()
    assert unread(alice) == (3, 1) and unread(alice, "@bob") == (1, 1) and unread(bob) == (1, 0)
    alice.core.mark_read(wire.now, "lobby")
    assert unread(alice) == (0, 0) and unread(alice, "@bob") == (1, 1)


def test_what_was_said_before_one_first_came_is_not_unread() -> None:
    wire = Wire()
    alice = wire.person("alice")
    alice.core.say(wire.now, "lobby", "early")
    wire.settle()
    bob = wire.person("bob")
    wire.leave(bob)
    wire.start(bob, history=10, is_recent=True)
    assert [each.text for each in bob.core.model.items("lobby")] == ["early"] and unread(bob) == (0, 0)


def test_what_is_read_on_one_device_is_read_on_the_others() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    phone = another_device(wire, alice)
    bob.core.say(wire.now, "lobby", "hello")
    bob.core.tell(wire.now, "alice", "psst")
    wire.settle()
    assert unread(phone) == (1, 0) and unread(phone, "@bob") == (1, 1)
    for name in ("lobby", "@bob"):
        alice.core.mark_read(wire.now, name)
    wire.settle(REPORT_INTERVAL_S + 1)
    assert unread(phone) == (0, 0) and unread(phone, "@bob") == (0, 0)
    assert {event.room for event in phone.of(events.ReadMarked)} == {"lobby", "@bob"}
    assert not alice.of(events.ReadMarked) and not alice.of(events.Error)


def test_a_device_that_was_off_learns_later_what_was_read_and_counts_what_was_not() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    phone = another_device(wire, alice)
    bob.core.say(wire.now, "lobby", "one")
    wire.settle()
    wire.leave(phone)
    alice.core.mark_read(wire.now, "lobby")
    wire.leave(alice)  # at once: the mark goes with the goodbye, or with the next start
    bob.core.say(wire.now, "lobby", "two")
    wire.settle()
    wire.start(alice, history=5, is_recent=True)
    wire.start(phone, history=5, is_recent=True)
    for device in (alice, phone):
        assert [each.text for each in device.core.model.items("lobby")] == ["one", "two"]
        assert unread(device) == (1, 0)


def test_a_mark_outlives_both_programs() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for text in ("one", "two", "three"):
        bob.core.say(wire.now, "lobby", text)
    wire.settle()
    alice.core.mark_read(wire.now, "lobby")
    wire.settle(REPORT_INTERVAL_S + 1)
    bob.core.say(wire.now, "lobby", "four")
    wire.settle()
    wire.is_cut = True
    wire.start(alice, is_recent=True, history=10)
    alice.core.restore(LogEntry("#lobby", *stored) for stored in alice.store.last("#lobby", 10))
    assert unread(alice) == (1, 0) and len(alice.core.model.items("lobby")) == 4


def test_a_restored_server_begins_a_conversation_anew() -> None:
    wire = Wire()
    alice = wire.person("alice")
    alice.core.model.apply([events.MessageReceived("lobby", 7, "bob", "x", "text", 1, "0a", False)])
    alice.core.model.apply([events.HistoryReplaced("lobby")])
    assert alice.core.model.items("lobby") == [] and unread(alice) == (0, 0)


def test_a_server_cannot_fill_the_memory_with_conversations() -> None:
    wire = Wire()
    alice = wire.person("alice")
    for number in range(2 * PRIVATE_MAX):
        alice.core.model.apply([events.MessageReceived(f"@n{number}", 1, f"n{number}", "x", "text", 1, "0a", False)])
    private = [each for each in alice.core.model.conversations() if each.is_private]
    assert len(private) == PRIVATE_MAX and private[0].name == f"@n{PRIVATE_MAX}"


def test_rooms_come_as_they_were_joined_and_then_the_latest_private_conversations() -> None:
    wire = Wire()
    alice, bob, carol = wire.person("alice", "lobby", "den"), wire.person("bob"), wire.person("carol")
    for person, text in ((carol, "first"), (bob, "later")):
        person.core.tell(wire.now, "alice", text)
        wire.settle()
    alice.core.join(wire.now, "attic")
    bob.core.ask(wire.now, compose.set_topic("lobby", "tea"))
    wire.settle()
    shown = alice.core.model.conversations()
    assert [each.name for each in shown] == ["lobby", "den", "attic", "@bob", "@carol"]
    assert shown[0].topic == "tea"
    alice.core.part(wire.now, "den")
    wire.settle()
    assert [each.name for each in alice.core.model.conversations()] == ["lobby", "attic", "@bob", "@carol"]


def texts(person: Person, room: str) -> list[str]:
    return [each.text for each in person.core.model.items(room)]


def test_who_joins_a_room_again_reads_on_where_it_was_left() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    alice.core.ask(wire.now, compose.set_topic("lobby", "tea"))
    bob.core.say(wire.now, "lobby", "one")
    wire.settle()
    alice.core.part(wire.now, "lobby")
    wire.settle()
    assert alice.core.model.conversations() == [] and texts(alice, "lobby") == ["one"]
    bob.core.ask(wire.now, compose.set_topic("lobby", ""))
    bob.core.say(wire.now, "lobby", "two")
    wire.settle()
    alice.core.join(wire.now, "lobby")
    wire.settle()
    (lobby,) = alice.core.model.conversations()
    assert [each.text for each in lobby.items] == ["one", "two"] and lobby.topic == ""


def test_rooms_that_were_left_are_forgotten_if_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udpchat.client.model.LEFT_MAX", 1)
    wire = Wire()
    alice = wire.person("alice", "lobby", "den", "attic")
    for room in ("lobby", "den", "attic"):
        alice.core.say(wire.now, room, room)
    wire.settle()
    for room in ("lobby", "den"):
        alice.core.part(wire.now, room)
        wire.settle()
    assert [texts(alice, room) for room in ("lobby", "den", "attic")] == [[], ["den"], ["attic"]]


def test_members_are_those_who_come_and_go_and_after_a_list_all() -> None:
    wire = Wire()
    wire.person("bob")
    alice = wire.person("alice")
    members = alice.core.model.members("lobby")
    assert [each.nick for each in members] == ["alice"] and not members.is_complete
    alice.core.ask(wire.now, compose.list_members("lobby"))
    carol = wire.person("carol")
    carol.core.ask(wire.now, compose.set_away("lunch"))
    wire.settle(1.5)
    assert [(each.nick, each.away) for each in members] == [("alice", None), ("bob", None), ("carol", "lunch")]
    assert members.is_complete and alice.of(events.MemberAway) == [events.MemberAway("lobby", "carol", "lunch")]


def test_a_list_is_taken_by_a_client_that_has_seen_nobody_come() -> None:
    """Started anew while the server still has it in the room, it gets no change of the roster."""
    wire = Wire()
    alice, _ = wire.person("alice"), wire.person("bob")
    wire.start(alice)
    members = alice.core.model.members("lobby")
    assert not len(members)
    alice.core.ask(wire.now, compose.list_members("lobby"))
    wire.settle()
    assert members.is_complete and [each.nick for each in members] == ["alice", "bob"]


def test_who_types_is_shown_to_those_who_can_show_it_until_the_message_comes() -> None:
    wire = Wire()
    bob, carol = wire.person("bob"), wire.person("carol")
    alice = wire.person("alice", capabilities=(TYPING,))
    bob.core.notify_typing(wire.now, "lobby")
    bob.core.notify_typing(wire.now, "@nobody")
    wire.settle(0.1)
    assert alice.core.model.typing("lobby") == ["bob"] and carol.core.model.typing("lobby") == []
    assert bob.core.model.typing("lobby") == []
    bob.core.say(wire.now, "lobby", "done")
    wire.settle(0.1)
    assert alice.core.model.typing("lobby") == []
    bob.core.notify_typing(wire.now + TYPING_INTERVAL_S, "lobby")
    wire.settle(0.1)
    assert alice.core.model.typing("lobby") == ["bob"]
    wire.settle(SHOWN_S)
    assert alice.core.model.typing("lobby") == []
    assert [event.is_typing for event in alice.of(events.MemberTyping)] == [True, False, True, False]


def test_how_many_have_a_message_is_known_from_their_acks() -> None:
    wire = Wire()
    wire.person("bob")
    carol = wire.person("carol")
    alice = wire.person("alice", wants_receipts=True)
    another_device(wire, alice)
    carol.is_cut = True
    alice.core.say(wire.now, "lobby", "hello")
    wire.settle(0.1)
    assert [each.delivery for each in alice.core.model.items("lobby")] in ([None], [Delivery(0, 2)], [Delivery(1, 2)])
    wire.settle(3)
    assert [each.delivery for each in alice.core.model.items("lobby")] == [Delivery(1, 2)]
    carol.is_cut = False
    wire.settle(10)
    assert [each.delivery for each in alice.core.model.items("lobby")] == [Delivery(2, 2)]
    assert alice.of(events.MessageDelivered)[-1].have == 2


def test_the_connection_says_how_far_it_is() -> None:
    wire = Wire()
    alice = wire.person("alice")
    connection = alice.core.model.connection
    assert (connection.server, connection.phase, connection.loss, connection.missing) == ("server", Phase.ONLINE, 0, 0)
    alice.core.say(wire.now, "lobby", "hello")
    wire.settle()
    assert alice.core.model.connection.round_trip_s == pytest.approx(0.0, abs=0.1)
    wire.is_cut = True
    wire.settle(60)
    assert alice.core.model.connection.phase is Phase.LOST
    wire.is_cut = False
    wire.settle(5)
    assert alice.core.model.connection.phase is Phase.ONLINE
    alice.core.quit(wire.now)
    assert alice.core.model.connection.phase is Phase.LEAVING
    wire.settle()
    assert alice.core.model.connection.phase is Phase.OVER


def another_device(wire: Wire, person: Person) -> Person:
    """A second device of this user, with a store of its own."""
    device = Person(person.nick, person.address._replace(host=f"{person.address.host}.2"), wire.random)
    device.static = person.static
    wire.people.append(device)
    wire.start(device)
    return device


def test_what_somebody_who_keeps_order_removed_names_them_and_what_the_author_removed_does_not() -> None:
    for by, removed_by in (("ann", "ann"), ("bob", ""), ("BOB", "")):
        conversation = Conversation("lobby")
        conversation.add(item(1, "rude"))
        conversation.remove(conversation.items[0], by)
        assert (conversation.items[0].text, conversation.items[0].removed_by) == ("", removed_by)
