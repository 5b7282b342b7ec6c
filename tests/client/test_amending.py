"""Replies, reactions, edits and redactions from one client to the others: live, from history, and after a restart."""

from __future__ import annotations

import pytest

from tests.client.pair import Person, Wire
from udpchat.chat import events
from udpchat.chat.amendments import Reference
from udpchat.client import compose
from udpchat.client.compose import LocalError
from udpchat.client.history import History
from udpchat.client.model import ITEMS_MAX, Item, Quote
from udpchat.wire import requests
from udpchat.wire.content import EDIT, REDACTION, Extra
from udpchat.wire.requests import LogEntry

HEART, STAR = "\u2665", "\u2605"


def said(wire: Wire, person: Person, text: str, room: str = "lobby") -> Reference:
    """A message that is in the log, to refer to."""
    person.core.say(wire.now, room, text)
    wire.settle()
    item = person.core.model.conversation(room).items[-1]
    return Reference(item.sequence, bytes.fromhex(item.id))


def ask(wire: Wire, person: Person, request: requests.RequestBody) -> None:
    person.core.ask(wire.now, request)
    wire.settle()


def shown(person: Person, name: str = "lobby") -> list[tuple[str, bool, bool, list[tuple[str, tuple[str, ...], bool]]]]:
    """(text, edited, removed, reactions) of what a screen shows."""
    return [
        (item.text, item.is_edited, item.is_removed, [(each.emoji, each.nicks, each.is_own) for each in item.reactions])
        for item in person.core.model.items(name)
    ]


def restore(wire: Wire, person: Person, log: str = "#lobby") -> Item:
    """The last message of a client that starts with what it has stored, and hears nothing from the server."""
    person.is_cut = True
    wire.start(person)
    person.core.restore(LogEntry(log, *item) for item in person.store.last(log, 99))
    return person.core.model.conversation("lobby").items[-1]


def test_all_see_the_new_text_and_who_made_it_is_told_that_it_is_in_the_log() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "helo")
    wire.is_cut = True
    ask(wire, alice, compose.edit("lobby", "hello bob", about))
    assert not alice.core.is_idle and not alice.of(events.Edited) and len(alice.core.model.items("lobby")) == 1
    wire.is_cut = False
    wire.settle()
    for person in (alice, bob):
        assert shown(person) == [("hello bob", True, False, [])]
        [edited] = person.of(events.Edited)
        assert (edited.room, edited.seq, edited.nick, edited.text, edited.own_seq) == (
            "lobby",
            1,
            "alice",
            "hello bob",
            2,
        )
        assert edited.id == about.id.hex() and edited.is_confirmation == (person is alice)
    assert alice.core.is_idle and len(alice.of(events.MessageSent)) == 1
    assert (bob.core.model.conversation("lobby").unread, bob.core.model.conversation("lobby").mentions) == (1, 1)


def test_a_removed_message_is_seen_as_removed_by_who_had_it_and_by_who_never_had() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "bob, a secret")
    ask(wire, bob, compose.react("lobby", HEART, about, added=True))
    ask(wire, alice, compose.redact("lobby", "a slip", about))
    carol = wire.person("carol", history=9)
    for person in (alice, bob, carol):
        assert shown(person) == [("", False, True, [])]
        assert person.core.model.items("lobby")[0].nick == "alice"
    assert [(event.seq, event.reason) for event in bob.of(events.Redacted)] == [(1, "a slip")]
    assert carol.texts() == [] and not carol.of(events.Redacted) and not carol.of(events.Reacted)
    assert (bob.core.model.conversation("lobby").unread, bob.core.model.conversation("lobby").mentions) == (0, 0)


def test_reactions_are_added_and_taken_back_by_each_for_themselves() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "tea?")
    for person in (bob, alice):
        ask(wire, person, compose.react("lobby", HEART, about, added=True))
    ask(wire, bob, compose.react("lobby", STAR, about, added=True))
    assert shown(alice) == [("tea?", False, False, [(HEART, ("bob", "alice"), True), (STAR, ("bob",), False)])]
    ask(wire, bob, compose.react("lobby", HEART, about, added=False))
    ask(wire, bob, compose.react("lobby", HEART, about, added=False))
    assert shown(bob) == [("tea?", False, False, [(HEART, ("alice",), False), (STAR, ("bob",), True)])]
    told = [(event.nick, event.emoji, event.added) for event in alice.of(events.Reacted)]
    assert told == [("bob", HEART, True), ("alice", HEART, True), ("bob", STAR, True), ("bob", HEART, False)]
    assert len(bob.of(events.Reacted)) == 5, "one's own is confirmed, even if it changes nothing"


def test_a_reply_is_shown_with_the_beginning_of_what_it_answers() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "shall we?")
    ask(wire, bob, compose.reply("lobby", "yes", about))
    [received], [sent] = alice.of(events.MessageReceived), bob.of(events.MessageSent)
    quote = Quote(about.id.hex(), "alice", "shall we?")
    assert received.reply == sent.reply == alice.core.model.items("lobby")[1].reply == quote
    carol = wire.person("carol", history=1)
    assert carol.of(events.MessageReceived)[0].reply == Quote(about.id.hex(), "", "")
    ask(wire, alice, compose.edit("lobby", "shall we go?", about))
    assert bob.core.model.items("lobby")[1].reply == Quote(about.id.hex(), "alice", "shall we go?")


def test_a_conversation_has_all_of_it_too() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    alice.core.tell(wire.now, "bob", "psst")
    wire.settle()
    item = alice.core.model.conversation("@bob").items[0]
    about = Reference(item.sequence, bytes.fromhex(item.id))
    ask(wire, alice, compose.edit("@bob", "hush", about))
    ask(wire, bob, compose.react("@alice", HEART, about, added=True))
    assert shown(bob, "@alice") == [("hush", True, False, [(HEART, ("bob",), True)])]
    assert shown(alice, "@bob") == [("hush", True, False, [(HEART, ("bob",), False)])]
    ask(wire, alice, requests.Rename("alicia"))
    ask(wire, alice, compose.redact("@bob", "", about))
    assert shown(bob, "@alice") == [("", False, True, [])]


def test_what_is_not_ones_own_is_not_changed_for_anybody() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "mine")
    extra = Extra(about.id, b"", about.sequence)
    for kind in (EDIT, REDACTION):
        ask(wire, bob, requests.Say("lobby", kind, "yours", extra))
    carol = wire.person("carol", history=9)
    for person in (alice, carol):
        assert shown(person) == [("mine", False, False, [])]
        assert not person.of(events.Edited) and not person.of(events.Redacted)
    assert bob.core.is_idle and shown(bob) == [("mine", False, False, [])]


def test_who_comes_later_or_was_away_gets_the_present_text_once() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "one")
    bob.is_cut = True
    for text in ("two", "three"):
        ask(wire, alice, compose.edit("lobby", text, about))
    ask(wire, alice, compose.react("lobby", HEART, about, added=True))
    bob.is_cut = False
    wire.settle(5.0)
    carol = wire.person("carol", history=9)
    for person in (bob, carol):
        assert shown(person) == [("three", True, False, [(HEART, ("alice",), False)])]
    assert carol.texts() == ["three"] and not carol.of(events.Edited)
    assert carol.of(events.MessageReceived)[0].edited == 3
    assert [event.text for event in bob.of(events.Edited)][-1] == "three"


def test_a_restarted_client_shows_what_it_has_stored_as_it_is_now() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "helo")
    ask(wire, alice, compose.edit("lobby", "hello", about))
    ask(wire, bob, compose.react("lobby", HEART, about, added=True))
    item = restore(wire, bob)
    assert (item.text, item.is_edited, item.reactions[0].emoji, item.reactions[0].is_own) == (
        "hello",
        True,
        HEART,
        True,
    )
    bob.is_cut = False
    wire.settle(5.0)
    ask(wire, alice, compose.redact("lobby", "", about))
    assert shown(bob) == [("", False, True, [])]
    assert restore(wire, bob).is_removed


def test_what_happened_to_a_message_while_one_was_away_is_seen_though_no_history_is_wanted() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "helo")
    wire.leave(bob)
    ask(wire, alice, compose.edit("lobby", "hello", about))
    item = restore(wire, bob)
    assert item.text == "helo"
    bob.is_cut = False
    wire.start(bob, shown_max=0)
    bob.core.restore(LogEntry("#lobby", *each) for each in bob.store.last("#lobby", 99))
    assert shown(bob)[0][:2] == ("hello", True) and not bob.of(events.Edited)


def test_an_edit_that_was_not_confirmed_before_the_end_is_confirmed_in_the_next_run() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "helo")
    wire.is_cut = True
    ask(wire, alice, compose.edit("lobby", "hello", about))
    wire.is_cut = False
    wire.start(alice, is_returning=True)
    assert [(event.text, event.is_confirmation) for event in alice.of(events.Edited)] == [("hello", True)]
    assert shown(bob) == [("hello", True, False, [])] and len(bob.of(events.Edited)) == 1


def test_history_shows_the_present_texts_with_quotes_and_reactions_from_the_store_and_from_the_server() -> None:
    wire = Wire()
    alice = wire.person("alice")
    about = said(wire, alice, "helo")
    ask(wire, alice, compose.reply("lobby", "hi yourself", about))
    ask(wire, alice, compose.edit("lobby", "hello", about))
    for _ in range(5):
        said(wire, alice, "so it goes")
    ask(wire, alice, compose.react("lobby", HEART, about, added=True))
    bob = wire.person("bob")
    for person in (alice, bob):
        person.events.clear()
        found = History(person.core, person.store).latest(wire.now, "lobby", 100)
        wire.settle()
        [past] = [event for event in [*found, *person.events] if isinstance(event, events.HistoryFound)]
        assert [message.text for message in past.messages][:3] == ["hello", "hi yourself", "so it goes"]
        first, answer = past.messages[:2]
        assert [(each.emoji, each.nicks) for each in first.reactions] == [(HEART, ("alice",))] and first.edited == 3
        assert answer.reply == Quote(about.id.hex(), "alice", "hello")


def test_a_search_finds_a_message_by_its_present_words_only_here_and_at_the_server() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "the old word")
    gone = said(wire, alice, "the removed word")
    ask(wire, alice, compose.edit("lobby", "the new word", about))
    ask(wire, alice, compose.redact("lobby", "word", gone))
    for words, expected in (("old", []), ("removed", []), ("new", ["the new word"]), ("word", ["the new word"])):
        bob.events.clear()
        History(bob.core, bob.store).search(wire.now, [words])
        wire.settle()
        [past] = bob.of(events.HistoryFound)
        assert [message.text for message in past.messages] == expected


def test_changes_of_messages_that_are_not_held_are_not_shown_but_ones_own_are_confirmed() -> None:
    wire = Wire()
    alice = wire.person("alice")
    about = said(wire, alice, "long ago")
    bob = wire.person("bob")
    ask(wire, alice, compose.edit("lobby", "very long ago", about))
    assert not bob.of(events.Edited)
    ask(wire, bob, compose.react("lobby", HEART, about, added=True))
    [reacted] = bob.of(events.Reacted)
    assert reacted.is_confirmation and reacted.target is None and shown(bob) == []


def test_what_an_ignored_user_does_is_not_shown_but_what_they_remove_is_gone() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    mine, theirs = said(wire, bob, "mine"), said(wire, alice, "theirs")
    bob.core.timeline.people.ignore("alice")
    ask(wire, alice, compose.react("lobby", HEART, mine, added=True))
    ask(wire, alice, compose.redact("lobby", "", theirs))
    assert shown(bob) == [("mine", False, False, []), ("", False, True, [])]
    assert not bob.of(events.Reacted) and not bob.of(events.Redacted)


def test_a_long_message_that_is_edited_on_its_way_is_whole_with_whom_it_reaches() -> None:
    """Most of its fragments are lost, before the edit and behind it: those of both texts must not be joined."""
    for seed in range(8):
        wire = Wire(seed)
        alice, bob = wire.person("alice"), wire.person("bob")
        bob.loss = 0.7
        for number in range(4):
            alice.core.say(wire.now, "lobby", f"{number}" * 9_000)
            wire.settle(0.03)
            item = alice.core.model.conversation("lobby").items[-1]
            about = Reference(item.sequence, bytes.fromhex(item.id))
            alice.core.ask(wire.now, compose.edit("lobby", f"{number}" * 8_990 + "x" * 10, about))
            wire.settle(0.03)
        bob.loss = 0.0
        wire.settle(10.0)
        texts = [text for text, *_ in shown(bob)]
        assert texts == [f"{number}" * 8_990 + "x" * 10 for number in range(4)] == [text for text, *_ in shown(alice)]


def test_what_cannot_be_done_is_refused_before_it_is_sent() -> None:
    about = Reference(1, bytes(8))
    with pytest.raises(LocalError):
        compose.react("lobby", "not an emoji", about, added=True)
    with pytest.raises(LocalError):
        compose.edit("lobby", "\n", about)
    assert compose.redact("@bob", "", about) == requests.Tell("bob", REDACTION, "", Extra(bytes(8), b"", 1))


def test_a_held_message_is_changed_though_as_many_are_held_as_may_be() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for number in range(ITEMS_MAX):
        alice.core.say(wire.now, "lobby", f"{number}")
    about = said(wire, alice, "last")
    wire.settle(10.0)
    ask(wire, alice, compose.edit("lobby", "the last", about))
    assert len(bob.core.model.items("lobby")) == ITEMS_MAX
    assert bob.core.model.items("lobby")[-1].text == "the last"


def test_a_message_that_only_a_page_holds_is_changed_by_the_same_rules() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "helo")
    (page,) = History(bob.core, bob.store).page(wire.now, "lobby", about.sequence + 1, 9)
    assert isinstance(page, events.PageFound)
    item = bob.core.model.item_of(page.messages[0])
    bob.core.model.conversation("lobby").clear()
    ask(wire, alice, compose.edit("lobby", "hello", about))
    ask(wire, alice, compose.react("lobby", HEART, about, added=True))
    for event in bob.of(events.EarlierAmended):
        item = bob.core.model.amended(item, event.amendment)
    assert (item.text, item.is_edited, [each.emoji for each in item.reactions]) == ("hello", True, [HEART])
    forged = events.Redacted("lobby", item.sequence, item.id, "bob", 9, 0, b"another", "")
    assert bob.core.model.amended(item, forged) == item


def paged(wire: Wire, person: Person, before: int, room: str = "lobby") -> list[Item]:
    """The messages of a page before this sequence, which comes at once or later."""
    person.events.clear()
    found = History(person.core, person.store).page(wire.now, room, before, 99)
    wire.settle()
    [page] = [event for event in [*found, *person.events] if isinstance(event, events.PageFound)]
    return [person.core.model.item_of(message) for message in page.messages]


def test_a_removed_message_is_the_same_whichever_way_it_came() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    first = said(wire, alice, "one")
    ask(wire, alice, compose.reply("lobby", "two", first))
    alice.core.say(wire.now, "lobby", "waves", is_action=True)
    wire.settle()
    for item in alice.core.model.conversation("lobby").items[1:]:
        ask(wire, alice, compose.redact("lobby", "", Reference(item.sequence, bytes.fromhex(item.id))))
    live = bob.core.model.items("lobby")
    assert [item.is_removed for item in live] == [False, True, True]
    assert paged(wire, bob, 4) == live
    assert wire.person("carol", history=9).core.model.items("lobby") == live
    assert paged(wire, wire.person("dave"), 4) == live
    wire.start(bob, history=9, is_recent=True)
    assert bob.core.model.items("lobby") == live


def test_a_list_of_the_past_has_what_is_there_to_be_read_and_no_removed_messages() -> None:
    wire = Wire()
    alice = wire.person("alice")
    gone = said(wire, alice, "gone")
    said(wire, alice, "there")
    ask(wire, alice, compose.redact("lobby", "", gone))
    for person in (alice, wire.person("bob")):
        person.events.clear()
        found = History(person.core, person.store).latest(wire.now, "lobby", 9)
        wire.settle()
        [past] = [event for event in [*found, *person.events] if isinstance(event, events.HistoryFound)]
        assert [message.text for message in past.messages] == ["there"]


def test_what_an_ignored_user_has_removed_leaves_no_trace_in_a_page() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    ask(wire, alice, compose.redact("lobby", "", said(wire, alice, "gone")))
    bob.core.timeline.people.ignore("alice")
    assert paged(wire, bob, 3) == []


def test_a_private_conversation_that_begins_with_a_removed_message_has_it_after_a_restart() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    alice.core.tell(wire.now, "bob", "psst")
    wire.settle()
    item = alice.core.model.conversation("@bob").items[0]
    ask(wire, alice, compose.redact("@bob", "", Reference(item.sequence, bytes.fromhex(item.id))))
    wire.leave(bob)
    bob.store = type(bob.store)(random=wire.random.randbytes)
    wire.start(bob)
    assert shown(bob, "@alice") == [("", False, True, [])]


def test_a_quote_of_a_removed_message_says_that_it_was_removed_also_in_a_page() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    about = said(wire, alice, "a secret")
    ask(wire, alice, compose.reply("lobby", "indeed", about))
    ask(wire, alice, compose.redact("lobby", "", about))
    quote = Quote(about.id.hex(), "alice", "", is_removed=True)
    assert bob.core.model.items("lobby")[1].reply == paged(wire, bob, 3)[1].reply == quote
    assert paged(wire, wire.person("carol"), 3)[1].reply == quote


def test_a_page_that_was_read_before_a_change_shows_the_message_as_it_is_now() -> None:
    """The answer of the server is behind the entries, or the store behind the memory."""
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    edited, gone, liked = (said(wire, alice, text) for text in ("helo", "a secret", "tea?"))
    ask(wire, alice, compose.reply("lobby", "indeed", gone))
    wire.leave(bob)
    wire.start(bob)
    ask(wire, bob, compose.react("lobby", STAR, liked, added=True))
    page, recalled = (
        History(bob.core, bob.store).page(wire.now, "lobby", 5, 9),
        History(bob.core, bob.store).latest(wire.now, "lobby", 9),
    )
    bob.core.model.conversation("lobby").clear()
    for request in (
        compose.edit("lobby", "hello", edited),
        compose.edit("lobby", "no secret", gone),
        compose.redact("lobby", "", gone),
        compose.react("lobby", HEART, liked, added=True),
    ):
        ask(wire, alice, request)
    ask(wire, bob, compose.react("lobby", STAR, liked, added=False))
    assert [message.text for message in page[0].messages] == ["helo", "a secret", "tea?", "indeed"]
    (now,) = bob.core.model.apply(page)
    first, second, third, answer = (bob.core.model.item_of(message) for message in now.messages)
    assert (first.text, first.is_edited) == ("hello", True) and second.is_removed and second.text == ""
    assert [each.emoji for each in third.reactions] == [HEART]
    assert answer.reply == Quote(gone.id.hex(), "alice", "", is_removed=True)
    (listed,) = bob.core.model.apply(recalled)
    assert [message.text for message in listed.messages] == ["hello", "tea?", "indeed"]


def test_what_another_says_of_a_message_is_not_applied_to_a_page() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob", "lobby", "dev")
    about = said(wire, alice, "mine")
    page = History(bob.core, bob.store).page(wire.now, "lobby", 2, 9)
    for room, author in (("lobby", b"another"), ("dev", alice.core.model.user)):
        bob.core.model.apply([events.Redacted(room, about.sequence, about.id.hex(), "alice", 9, 0, author, "")])
    bob.core.model.apply([events.Reacted("dev", about.sequence, about.id.hex(), "x", 9, 0, b"x", HEART, True)])
    assert bob.core.model.apply(page) == page


@pytest.mark.parametrize("is_new", [True, False])
def test_who_enters_is_shown_as_many_messages_as_were_asked_for(is_new: bool) -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    if not is_new:
        wire.leave(bob)
    for number in range(9):
        about = said(wire, alice, f"{number}")
    for emoji in (HEART, STAR):
        ask(wire, alice, compose.react("lobby", emoji, about, added=True))
    ask(wire, alice, compose.edit("lobby", "the last", about))
    reader = wire.person("carol", history=3, shown_max=3) if is_new else bob
    if not is_new:
        wire.start(reader, history=3, shown_max=3, is_recent=True)
    assert reader.texts() == ["6", "7", "the last"]
    assert [len(item.reactions) for item in reader.core.model.items("lobby")] == [0, 0, 2]
    assert [event.values["count"] for event in reader.of(events.Notice) if event.code == "history"] == [6]
