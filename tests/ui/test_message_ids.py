"""Commands about a message: which one they mean, and what is refused before anything is sent."""

from __future__ import annotations

import pytest

from tests.client.pair import Person, Wire
from udpchat.chat.events import ClientEvent, Error, HolderList, Notice, PageFound
from udpchat.client.model import Item
from udpchat.ui.commands import COMMANDS
from udpchat.ui.message_ids import ID_CHARACTERS_MIN, id_and_text
from udpchat.ui.phrases import text_of
from udpchat.ui.printing import plain_lines
from udpchat.ui.prompt import PICKED_MAX, Prompt

HEART, TADA = "\u2764\ufe0f", "\U0001f389"


class Room:
    """Alice and bob in the lobby, each at a prompt; alice has said two things, and bob one between them."""

    def __init__(self, *, is_typed: bool = False) -> None:
        self.wire = Wire()
        self.alice, self.bob = (self.wire.person(nick, "lobby", "den") for nick in ("alice", "bob"))
        self.prompts = {
            person.nick: Prompt(person.core, COMMANDS, archive=person.store, is_typed=is_typed)
            for person in self.wire.people
        }
        for person, text in ((self.alice, "one"), (self.bob, "two"), (self.alice, "three")):
            assert self.enter(person, text) == []

    def enter(self, person: Person, line: str) -> list[ClientEvent]:
        """What the person is told at once; then everything happens."""
        told = self.prompts[person.nick].enter(self.wire.now, line)
        self.wire.settle()
        return told

    def refused(self, person: Person, line: str) -> str:
        """The key of the one error."""
        [error] = self.enter(person, line)
        assert isinstance(error, Error)
        return error.key

    def item(self, at: int, name: str = "lobby") -> Item:
        """A message as alice and bob see it."""
        items = [person.core.model.items(name)[at] for person in (self.alice, self.bob)]
        assert items[0].text == items[1].text
        return items[0]


@pytest.fixture
def room() -> Room:
    return Room()


def test_without_an_id_it_is_the_latest_of_another_or_ones_own(room: Room) -> None:
    assert room.enter(room.bob, "/reply indeed") == []
    answer = room.item(3)
    assert answer.reply is not None and (answer.text, answer.reply.text) == ("indeed", "three")
    room.enter(room.alice, f"/react {HEART}")
    assert [each.nicks for each in room.item(3).reactions] == [("alice",)]
    room.enter(room.bob, "/edit indeed so")
    room.enter(room.alice, "/delete")
    assert (room.item(3).text, room.item(2).is_removed) == ("indeed so", True)
    room.enter(room.alice, "/delete")
    assert room.item(0).is_removed and room.refused(room.alice, "/delete") == "no_such_message.own"


def test_an_id_or_its_beginning_names_any_message_that_is_held(room: Room) -> None:
    first, second = room.item(0), room.item(1)
    room.enter(room.bob, f"/reply {first.id} to the first")
    room.enter(room.alice, f"/react {second.id[:8].upper()} :tada:")
    room.enter(room.alice, f"/edit {first.id} uno")
    reply = room.item(3).reply
    assert reply is not None and (reply.id, reply.text) == (first.id, "uno")
    assert [each.emoji for each in room.item(1).reactions] == [TADA]
    room.enter(room.bob, f"/redact {second.id[:6]} for a reason")
    assert room.item(1).is_removed


def test_a_message_of_another_room_is_changed_there(room: Room) -> None:
    first = room.item(0)
    for person in (room.alice, room.bob):
        room.enter(person, "/room den")
    room.enter(room.bob, f"/reply {first.id} over here")
    assert room.item(3).text == "over here"
    room.enter(room.alice, "/part lobby")
    assert room.refused(room.alice, f"/edit {first.id} uno") in ("no_such_message.id", "not_in_room.target")


def test_reactions_are_taken_back_one_or_all(room: Room) -> None:
    for emoji in ("+1", "heart", ":tada:"):
        assert room.enter(room.bob, f"/react {emoji}") == []
    assert len(room.item(2).reactions) == 3
    room.enter(room.bob, f"/unreact {room.item(2).id} heart")
    assert [each.emoji for each in room.item(2).reactions] == ["\U0001f44d", TADA]
    room.enter(room.bob, "/unreact")
    assert room.item(2).reactions == ()
    assert room.refused(room.bob, "/unreact") == "no_such_message.reacted"
    assert room.refused(room.bob, f"/unreact {room.item(2).id}") == "no_such_message.reacted"


def test_who_is_not_the_author_is_refused_before_anything_is_sent(room: Room) -> None:
    second = room.item(1)
    for line in (f"/edit {second.id} mine now", f"/delete {second.id}"):
        assert room.refused(room.alice, line) == "not_allowed.not_own"
    assert room.item(1).text == "two" and room.alice.core.is_idle


def test_what_names_no_message_is_refused(room: Room) -> None:
    first = room.item(0)
    room.enter(room.alice, f"/delete {first.id}")
    for line in ("/delete 0000000000000000", f"/delete {first.id}", "/redact nonsense", f"/reply {'0' * 16} hello"):
        assert room.refused(room.alice, line) == "no_such_message.id"
    for line in ("/react", "/react nonsense", "/react a b c", "/redact", "/reply", "/edit", "/delete a b"):
        assert room.refused(room.alice, line) in ("usage", "no_such_message.id")
    assert room.refused(room.alice, f"/react {room.item(1).id} nonsense") == "bad_reaction"


def test_what_is_still_being_sent_is_not_edited_by_chance(room: Room) -> None:
    room.wire.is_cut = True
    room.enter(room.alice, "fuor")
    assert room.refused(room.alice, "/edit four") == "no_such_message.unconfirmed"
    room.wire.is_cut = False
    room.wire.settle(5.0)
    assert room.enter(room.alice, "/edit four") == [] and room.item(3).text == "four"


def test_a_word_is_an_id_only_if_a_message_has_it_or_it_is_as_long_as_one(room: Room) -> None:
    model, first = room.alice.core.model, room.item(0)
    assert id_and_text(model, f"{first.id} hello there") == (first.id, "hello there")
    beginning = next(first.id[:length] for length in range(ID_CHARACTERS_MIN, 16) if not first.id[:length].isalpha())
    assert id_and_text(model, f"{beginning} hello") == (beginning, "hello")
    for text in ("hello there", "face it", "2026 was good", "decade", first.id, f"{first.id[:3]} hello", "abc hello"):
        assert id_and_text(model, text) == ("", text)
    assert id_and_text(model, f"{'f' * 16} hello") == ("f" * 16, "hello")


def test_a_whole_id_is_found_in_the_store_though_no_screen_holds_it(room: Room) -> None:
    first = room.item(0)
    room.wire.start(room.alice, "lobby", is_returning=True)
    assert room.alice.core.model.items("lobby") == []
    room.prompts["alice"] = Prompt(room.alice.core, COMMANDS, archive=room.alice.store)
    assert room.enter(room.alice, f"/edit {first.id} uno") == []
    assert room.bob.core.model.items("lobby")[0].text == "uno"
    assert room.refused(room.alice, f"/edit {room.bob.core.model.items('lobby')[1].id} dos") == "not_allowed.not_own"
    assert room.refused(room.alice, f"/delete {first.id[:8]}") == "no_such_message.id"


def test_ids_are_listed_with_what_was_said(room: Room) -> None:
    told = [text_of(event) for event in room.enter(room.bob, "/ids 2") if isinstance(event, Notice)]
    assert told == [f"{room.item(1).id} <bob> two", f"{room.item(2).id} <alice> three"]
    assert len(room.enter(room.bob, "/ids")) == 3


def test_what_a_person_types_has_its_shortcodes_expanded_and_what_a_program_sends_has_not() -> None:
    for is_typed, expected in ((True, TADA), (False, ":tada:")):
        room = Room(is_typed=is_typed)
        room.enter(room.bob, "/reply :tada:")
        room.enter(room.alice, "/edit :tada:")
        assert [item.text for item in room.bob.core.model.items("lobby")][2:] == [expected, expected]


def test_in_a_conversation_it_is_about_that(room: Room) -> None:
    room.enter(room.alice, "/query bob psst")
    room.enter(room.bob, "/query alice")
    room.enter(room.bob, "/react +1")
    room.enter(room.bob, "/reply what?")
    room.enter(room.alice, "/edit pssst")
    first, second = room.bob.core.model.items("@alice")
    assert (first.text, len(first.reactions), second.reply and second.reply.nick) == ("pssst", 1, "alice")


def test_a_message_that_was_picked_from_a_page_of_the_server_can_be_meant(room: Room) -> None:
    carol = room.wire.person("carol")
    prompt = room.prompts["carol"] = Prompt(carol.core, COMMANDS, archive=carol.store)
    assert prompt.history.page(room.wire.now, "lobby", 3, 9) == []
    room.wire.settle()
    [page] = carol.of(PageFound)
    item = carol.core.model.item_of(page.messages[0])
    assert room.refused(carol, f"/reply {item.id} indeed") == "no_such_message.id"
    word = prompt.pick(item)
    assert room.enter(carol, f"/reply {word} indeed") == [] and room.enter(carol, f"/react {word} {HEART}") == []
    answer = room.item(3)
    assert answer.reply is not None and (answer.text, answer.reply.text) == ("indeed", "one")
    assert [each.nicks for each in room.item(0).reactions] == [("carol",)]
    assert room.refused(carol, f"/delete {word}") == "not_allowed.not_own"


def test_only_the_messages_picked_last_are_known_and_none_that_was_removed(room: Room) -> None:
    prompt, item = room.prompts["alice"], room.item(1).changed(id="0" * 16)
    prompt.pick(item.changed(is_removed=True))
    assert room.refused(room.alice, f"/reply {item.id} indeed") == "no_such_message.id"
    prompt.pick(item)
    for number in range(1, PICKED_MAX + 1):
        prompt.pick(item.changed(id=f"{number:016x}"))
    assert room.refused(room.alice, f"/react {item.id} {HEART}") == "no_such_message.id"


# --- Who has a message ----------


def holders(room: Room, person: Person, line: str) -> HolderList:
    """The answer to a question that is not refused."""
    before = len(person.of(HolderList))
    assert room.enter(person, line) == []
    [answer] = person.core.model.apply(person.of(HolderList)[before:])
    assert isinstance(answer, HolderList)
    return answer


def test_an_author_is_told_who_has_the_latest_message_or_one_that_an_id_names(room: Room) -> None:
    carol = room.wire.person("carol", "lobby")
    carol.is_cut = True
    room.enter(room.alice, "four")
    assert holders(room, room.alice, "/receipts") == HolderList("lobby", 4, room.item(3).id, ("bob",), ("carol",))
    first = holders(room, room.alice, f"/receipts {room.item(0).id[:8]}")
    assert (first.seq, first.holders, first.waiting) == (1, ("bob", "carol"), ())
    carol.is_cut = False
    room.wire.settle()
    assert holders(room, room.alice, "/receipts").waiting == ()


def test_who_has_a_message_is_asked_in_a_conversation_too_as_it_is_named_in_the_list(room: Room) -> None:
    zoe = room.wire.person("Zo\u00eb", "den")
    room.enter(room.alice, "/query Zo\u00eb psst")
    assert holders(room, room.alice, "/receipts").holders == ("Zo\u00eb",)
    assert holders(room, room.alice, "/receipts").room == "@Zo\u00eb"
    room.wire.leave(zoe)
    assert holders(room, room.alice, "/receipts") == HolderList(
        "@Zo\u00eb", 1, room.alice.core.model.items("@Zo\u00eb")[0].id, (), ()
    )


def test_who_has_a_message_is_asked_of_one_s_own_and_confirmed_ones_only(room: Room) -> None:
    assert room.refused(room.alice, f"/receipts {room.item(1).id}") == "not_allowed.not_own"
    assert room.refused(room.alice, "/receipts one two") == "usage"
    room.wire.is_cut = True
    room.enter(room.alice, "four")
    sending = room.alice.core.model.items("lobby")[-1].id
    assert room.refused(room.alice, "/receipts") == "no_such_message.unconfirmed"
    assert room.refused(room.alice, f"/receipts {sending[:8]}") == "no_such_message.unconfirmed"
    assert room.refused(room.alice, f"/edit {sending} five") == "no_such_message.unconfirmed"


# --- Links ----------


def opened(room: Room, line: str, *, has_desktop: bool = True) -> tuple[list[str], list[str]]:
    """Which links are opened, and what is told."""
    urls: list[str] = []

    def open_link(url: str) -> bool:
        urls.extend([url] * has_desktop)
        return has_desktop

    room.prompts["bob"].open_link = open_link
    told = room.enter(room.bob, line)
    assert all(isinstance(event, Notice) for event in told)
    return urls, [text for event in told for _, text in plain_lines(event)]


def test_the_latest_link_here_or_that_of_a_message_is_opened(room: Room) -> None:
    assert room.refused(room.bob, "/open") == "no_link"
    room.enter(room.alice, "see https://a.example/1, or (http://b.example/2)")
    room.enter(room.bob, "and https://c.example")
    room.enter(room.alice, "nothing here")
    assert opened(room, "/open") == (["https://c.example"], ["-- opening https://c.example"])
    assert opened(room, f"/open {room.item(3).id[:8]}")[0] == ["http://b.example/2"]
    assert room.refused(room.bob, f"/open {room.item(5).id[:8]}") == "no_link"
    room.enter(room.bob, "/room den")
    assert room.refused(room.bob, "/open") == "no_link"


def test_where_no_link_can_be_opened_it_stands_alone_in_a_line(room: Room) -> None:
    room.enter(room.alice, "https://a.example")
    assert opened(room, "/open", has_desktop=False) == ([], ["https://a.example"])
    room.prompts["alice"].open_link = None
    assert [text_of(event) for event in room.enter(room.alice, "/open") if isinstance(event, Notice)] == [
        "https://a.example"
    ]


@pytest.mark.parametrize("text", ["file:///etc/passwd", "javascript:alert(1)", "`https://a.example`", "www.a.example"])
def test_what_is_no_link_to_a_web_page_is_not_opened(room: Room, text: str) -> None:
    room.enter(room.alice, text)
    assert room.refused(room.bob, "/open") == "no_link"
