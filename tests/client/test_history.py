"""The past that a person asks for: from the replicas, from the server, and from both merged."""

from __future__ import annotations

import pytest

from tests.client.pair import WALL_OFFSET_S, Person, Wire
from udpchat.chat import events
from udpchat.chat.amendments import Reference
from udpchat.client import compose
from udpchat.client.history import HistoryUnreadable
from udpchat.client.own_requests import merged
from udpchat.storage.store_interfaces import StoreFailed
from udpchat.ui.commands import COMMANDS
from udpchat.ui.prompt import Prompt
from udpchat.wire.limits import PAST_ENTRIES_MAX, SEQUENCE_MAX

LONG = "x" * 3_000


class Reader:
    """A person who types, and the messages of the past that this leads to."""

    def __init__(self, wire: Wire, nick: str = "alice", *rooms: str) -> None:
        self.wire = wire
        self.person = wire.person(nick, *rooms)
        self.again()

    def again(self) -> None:
        """A prompt for the client as it is now."""
        self.prompt = Prompt(self.person.core, COMMANDS, archive=self.person.store, parse_time=moment)

    def read(self, line: str) -> list[str]:
        """The texts of the one answer."""
        (past,) = [event for event in self.tell(line) if isinstance(event, events.HistoryFound)]
        return [message.text for message in past.messages]

    def tell(self, line: str) -> list[events.ClientEvent]:
        self.person.events = []
        told = self.prompt.enter(self.wire.now, line)
        self.wire.settle()
        return told + self.person.events

    def code(self, line: str) -> str:
        (error,) = self.tell(line)
        assert isinstance(error, events.Error)
        return error.code


def moment(text: str) -> int | None:
    """Seconds since the tests began."""
    return int((WALL_OFFSET_S + float(text)) * 1000) if text.replace(".", "").isdigit() else None


def say(wire: Wire, person: Person, *texts: str, room: str = "lobby") -> None:
    for text in texts:
        person.core.say(wire.now, room, text)
        wire.settle(0.1)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def asked(wire: Wire) -> list[type]:
    """Which requests the server is asked from here on."""
    wire.queried.clear()
    return wire.queried


# --- History ----------


def test_what_is_here_is_told_without_asking_the_server(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, "one", "two", "three")
    found = asked(wire)
    assert alice.read("/history") == ["one", "two", "three"]
    assert alice.read("/history 2") == ["two", "three"]
    assert found == []


def test_what_is_not_here_is_asked_of_the_server_and_told_with_the_rest(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one", "two")
    alice = Reader(wire)
    say(wire, bob, "three")
    assert alice.read("/history") == ["one", "two", "three"]
    assert alice.read("/history 2") == ["two", "three"]


def test_so_many_messages_are_told_as_were_asked_for_whatever_was_said_about_them(wire: Wire) -> None:
    bob = wire.person("bob")
    early = Reader(wire)
    say(wire, bob, *(f"{number}" for number in range(12)))
    item = bob.core.model.conversation("lobby").items[-1]
    about = Reference(item.sequence, bytes.fromhex(item.id))
    for number in range(70):
        bob.core.ask(wire.now, compose.edit("lobby", f"edit {number}", about))
        wire.settle(0.1)
    late = Reader(wire, "carol")
    say(wire, bob, "last")
    for reader in (early, late):
        assert reader.read("/history 5") == ["8", "9", "10", "edit 69", "last"]
        assert reader.read("/history 20") == [*(f"{number}" for number in range(11)), "edit 69", "last"]


def test_an_answer_too_long_for_one_packet_of_the_past_is_asked_for_in_several(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, *(f"{number}{LONG}" for number in range(10)))
    alice = Reader(wire)
    found = asked(wire)
    assert [text[0] for text in alice.read("/history 10")] == list("0123456789")
    assert len(found) > 1


def test_a_time_bounds_it_here_and_at_the_server(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one")
    alice = Reader(wire)
    say(wire, bob, "two")
    wire.settle(5.0)
    between = wire.now
    wire.settle(5.0)
    say(wire, bob, "three")
    assert alice.read(f"/history before {between}") == ["one", "two"]
    assert alice.read(f"/HISTORY 1 BEFORE {between}") == ["two"]
    assert alice.read("/history before 0") == []


def test_in_a_conversation_it_is_that_of_the_conversation(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, "to all")
    alice.tell("/query bob for you alone")
    assert alice.read("/history") == ["for you alone"]
    alice.tell("/query carol")
    assert alice.read("/history") == []


def test_without_the_server_what_is_here_is_told_and_that_it_is_all_there_is(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one")
    alice = Reader(wire)
    say(wire, bob, "two")
    wire.is_cut = True
    wire.settle(40.0)
    past, notice = alice.tell("/history")
    assert [message.text for message in past.messages] == ["two"]
    assert notice.code == "offline"
    assert [message.text for message in alice.tell("/search two")[0].messages] == ["two"]


def test_when_the_server_is_lost_before_it_answers_what_is_here_is_told_once(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one")
    alice = Reader(wire)
    say(wire, bob, "two")
    wire.is_cut = True
    alice.tell("/history")
    wire.settle(40.0)
    wire.is_cut = False
    wire.settle(10.0)
    pasts = alice.person.of(events.HistoryFound)
    assert [[message.text for message in past.messages] for past in pasts] == [["two"]]
    assert alice.read("/history") == ["one", "two"]


def test_messages_of_who_is_ignored_are_left_out(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, "one")
    alice.tell("/ignore bob")
    assert alice.read("/history") == alice.read("/search one") == []


def test_without_a_store_the_server_is_asked_for_all(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, "one")
    alice.prompt = Prompt(alice.person.core, COMMANDS)
    assert alice.read("/history") == alice.read("/search ONE") == ["one"]
    assert alice.code("/history before 5") == "bad_time"


@pytest.mark.parametrize("number", ["0", str(PAST_ENTRIES_MAX + 1), "9" * 5_000])
def test_a_number_out_of_bounds_is_refused(wire: Wire, number: str) -> None:
    assert Reader(wire).code(f"/history {number}") == "bad_number"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/history x", "usage"),
        ("/history 5 after 3", "usage"),
        ("/history before", "usage"),
        ("/history before noon", "bad_time"),
        ("/search", "usage"),
        ("/search in:lobby", "usage"),
        ("/search x since:noon", "bad_time"),
        ("/search x in:a/b", "bad_room"),
        ("/search x in:@carol", "no_conversation"),
        ("/search x from:", "bad_nick"),
        (f"/search {'x' * 201}", "too_long"),
    ],
)
def test_what_cannot_be_understood_is_refused(wire: Wire, line: str, code: str) -> None:
    assert Reader(wire).code(line) == code


@pytest.mark.parametrize("line", ["/history", "/search x"])
def test_a_store_that_cannot_be_read_is_told(wire: Wire, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = Reader(wire)

    def fail(*_: object, **__: object) -> list[object]:
        raise StoreFailed("damaged")

    for name in ("read", "search"):
        monkeypatch.setattr(alice.person.store, name, fail)
    assert alice.code(line) == "unreadable"


# --- Pages, for who scrolls back ----------


def page(reader: Reader, before: int, count: int = 3, target: str = "lobby") -> events.PageFound:
    """The one answer, which comes at once or later."""
    reader.person.events = []
    found = reader.prompt.history.page(reader.wire.now, target, before, count)
    reader.wire.settle()
    (answer,) = [*found, *reader.person.of(events.PageFound)]
    return answer


def contents(answer: events.PageFound) -> tuple[int, int, list[str]]:
    return answer.first, answer.before, [message.text for message in answer.messages]


def test_a_page_that_is_here_comes_at_once_and_without_the_server(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, *"abcde")
    found = asked(wire)
    assert contents(page(alice, 5)) == (2, 5, ["b", "c", "d"])
    assert contents(page(alice, 2)) == (1, 2, ["a"])
    assert contents(page(alice, SEQUENCE_MAX + 1)) == (3, SEQUENCE_MAX + 1, ["c", "d", "e"])
    assert found == []


def test_a_page_of_which_a_part_is_here_is_that_part_and_the_next_one_comes_from_the_server(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, *"abcd")
    alice = Reader(wire)
    say(wire, bob, "e")
    assert contents(page(alice, 6)) == (5, 6, ["e"])
    assert contents(page(alice, 5)) == (2, 5, ["b", "c", "d"])
    assert contents(page(alice, 2)) == (1, 2, ["a"])


def test_a_page_that_the_server_gives_in_several_parts_is_one_page(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, *(f"{number}{LONG}" for number in range(10)))
    alice = Reader(wire)
    found = asked(wire)
    first, before, texts = contents(page(alice, 10, 8))
    assert (first, before, [text[0] for text in texts]) == (2, 10, list("12345678")) and len(found) > 1


def test_where_nothing_is_earlier_a_page_says_so(wire: Wire) -> None:
    alice = Reader(wire)
    for before, target in ((1, "lobby"), (SEQUENCE_MAX + 1, "lobby"), (7, "@carol")):
        assert contents(page(alice, before, target=target)) == (1, before, [])


def test_a_page_counts_entries_of_which_none_may_be_shown(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, *"abcde")
    alice.tell("/ignore bob")
    assert contents(page(alice, 6)) == (3, 6, [])


def test_without_the_server_a_page_that_is_not_here_cannot_be_had(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, *"abcd")
    alice = Reader(wire)
    wire.is_cut = True
    assert alice.prompt.history.page(wire.now, "lobby", 5, 3) == []
    wire.settle(40.0)
    later = alice.person.of(events.PageFound)
    assert [contents(answer) for answer in later] == [(5, 5, [])]
    assert contents(page(alice, 5)) == (5, 5, [])
    wire.is_cut = False
    wire.settle(10.0)
    assert contents(page(alice, 5)) == (2, 5, ["b", "c", "d"])


def test_a_page_of_a_store_that_cannot_be_read_is_an_error(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    say(wire, bob, "one")

    def fail(*_: object) -> list[object]:
        raise StoreFailed("damaged")

    monkeypatch.setattr(alice.person.store, "read", fail)
    with pytest.raises(HistoryUnreadable):
        page(alice, 2)


def test_a_page_has_quotes_and_reactions(wire: Wire) -> None:
    bob = wire.person("bob")
    say(wire, bob, "one")
    alice = Reader(wire)
    wire.settle()
    (first,) = page(alice, 2).messages
    about = Reference(first.seq, bytes.fromhex(first.id))
    for request in (compose.react("lobby", "\u2665", about, added=True), compose.reply("lobby", "two", about)):
        alice.person.core.ask(wire.now, request)
        wire.settle()
    carol = Reader(wire, "carol")
    one, two = (carol.person.core.model.item_of(message) for message in page(carol, 4).messages)
    assert [(each.emoji, each.nicks) for each in one.reactions] == [("\u2665", ("alice",))]
    assert two.reply is not None and (two.reply.nick, two.reply.text) == ("bob", "one")
    assert not one.is_own and alice.person.core.model.item_of(page(alice, 4).messages[-1]).is_own


# --- Search ----------


def test_a_search_finds_what_is_here_and_what_only_the_server_has_each_once_in_order_of_time(wire: Wire) -> None:
    bob = wire.person("bob", "lobby", "dev")
    say(wire, bob, "an old fox", "a hound")
    say(wire, bob, "a fox at work", room="dev")
    alice = Reader(wire)
    wire.settle(5.0)
    then = wire.now
    say(wire, bob, "a new Fox")
    assert alice.read("/search fox") == ["an old fox", "a fox at work", "a new Fox"]
    assert alice.read("/search fox in:dev") == ["a fox at work"]
    assert alice.read("/search fox new FROM:bob") == ["a new Fox"]
    assert alice.read("/search from:alice") == []
    assert alice.read("/search from:bob") == ["an old fox", "a hound", "a fox at work", "a new Fox"]
    assert alice.read(f"/search fox since:{then}") == ["a new Fox"]


def test_a_search_of_a_conversation_is_for_the_two_who_have_it(wire: Wire) -> None:
    alice, carol = Reader(wire), Reader(wire, "carol")
    wire.person("bob")
    alice.tell("/msg bob the fox")
    assert alice.read("/search fox in:@bob") == alice.read("/search fox") == ["the fox"]
    assert carol.read("/search fox") == []


def test_nothing_is_found_where_nothing_is(wire: Wire) -> None:
    assert Reader(wire).read("/search fox") == []


# --- Both parts ----------


def said(identity: str, *, seq: int, time_ms: int = 0, room: str = "lobby") -> events.MessageReceived:
    return events.MessageReceived(room, seq, "bob", "x", "text", time_ms, identity, True)


def ids(messages: list[events.MessageReceived]) -> str:
    return "".join(message.id for message in messages)


def test_a_message_that_is_here_and_was_found_is_told_once() -> None:
    here = [said("a", seq=1), said("b", seq=2)]
    found = [said("b", seq=2), said("c", seq=3)]
    assert ids(merged(found, here, is_one_log=True)) == ids(merged(found, here, is_one_log=False)) == "abc"


def test_the_order_of_one_log_is_its_own_whatever_the_clock_said() -> None:
    assert ids(merged([said("b", seq=2, time_ms=1)], [said("a", seq=1, time_ms=5)], is_one_log=True)) == "ab"


def test_the_order_of_several_logs_is_that_of_their_times() -> None:
    found = [said("b", seq=1, time_ms=2), said("c", seq=1, time_ms=3, room="dev")]
    assert ids(merged(found, [said("a", seq=9, time_ms=1, room="dev")], is_one_log=False)) == "abc"


def test_a_page_has_what_was_removed_as_the_live_view_has_it_and_a_list_has_not(wire: Wire) -> None:
    early, bob = Reader(wire, "early"), wire.person("bob")
    say(wire, bob, "one", "two", "three")
    _, two, _ = early.person.core.model.items("lobby")
    about = Reference(two.sequence, bytes.fromhex(two.id))
    for request in (compose.redact("lobby", "", about), compose.reply("lobby", "four", about)):
        bob.core.ask(wire.now, request)
        wire.settle()
    live = early.person.core.model.items("lobby")
    late = Reader(wire, "late")  # has nothing stored: the server's part
    for reader in (early, late):
        model = reader.person.core.model
        items = [model.item_of(message) for message in page(reader, 6, 5).messages]
        assert [(item.text, item.is_removed, item.nick) for item in items] == [
            ("one", False, "bob"), ("", True, "bob"), ("three", False, "bob"), ("four", False, "bob"),
        ]  # fmt: skip
        assert items[1] == live[1] and items[3].reply == live[3].reply
        assert reader.read("/history 9") == ["one", "three", "four"]


def test_what_was_removed_in_a_conversation_is_no_mention_in_a_page(wire: Wire) -> None:
    alice, bob = Reader(wire), wire.person("bob")
    bob.core.tell(wire.now, "alice", "psst")
    wire.settle()
    (item,) = alice.person.core.model.items("@bob")
    about = Reference(item.sequence, bytes.fromhex(item.id))
    bob.core.ask(wire.now, compose.redact("@alice", "", about))
    wire.settle()
    (removed,) = map(alice.person.core.model.item_of, page(alice, 2, target="@bob").messages)
    assert removed.is_removed and not removed.is_mention and item.is_mention
