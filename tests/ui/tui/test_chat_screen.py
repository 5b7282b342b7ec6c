"""The parts of the screen: what a narrow terminal folds away, and what is shown of it all."""

from __future__ import annotations

import pytest

from tests.ui.tui.desk import Desk, drive
from udpchat.chat.amendments import Reference
from udpchat.client import compose
from udpchat.client.history import History


def parts(desk: Desk) -> tuple[bool, bool]:
    """Whether rooms and members are shown."""
    return desk.app.screen.query_one("#rooms").display, desk.app.screen.query_one("#members").display


@pytest.mark.parametrize(
    ("size", "shown"),
    [((120, 30), (True, True)), ((99, 30), (True, False)), ((69, 30), (False, False)), ((30, 8), (False, False))],
)
def test_lists_are_folded_where_there_is_no_room(size: tuple[int, int], shown: tuple[bool, bool]) -> None:
    async def steps(desk: Desk) -> None:
        assert parts(desk) == shown
        await desk.type("hello")
        await desk.press("enter")
        await desk.until("hello")
        assert all(len(row) <= size[0] for row in desk.rows)

    drive(steps, size=size)


def test_another_size_folds_and_unfolds() -> None:
    async def steps(desk: Desk) -> None:
        for columns, shown in ((60, (False, False)), (80, (True, False)), (140, (True, True))):
            await desk.pilot.resize_terminal(columns, 24)
            await desk.until(lambda shown=shown: parts(desk) == shown)

    drive(steps)


def test_lists_are_shown_and_hidden_by_key_whatever_the_size() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("f7", "f8")
        assert parts(desk) == (False, True)
        await desk.pilot.resize_terminal(140, 24)
        await desk.pilot.pause()
        assert parts(desk) == (False, True)
        await desk.press("f7", "f8")
        assert parts(desk) == (True, False)

    drive(steps, size=(80, 24))


def test_what_happens_elsewhere_is_said_in_the_status_where_no_list_shows_it() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "lobby", "dev")
        desk.say(bob, "alice: look", "dev")
        await desk.until("2 dev @1")

    drive(steps, "lobby", "dev", size=(60, 20))


def test_the_bare_view_has_messages_and_the_line_alone() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("hello")
        await desk.press("enter")
        await desk.until("alice hello")
        await desk.press("alt+l")
        await desk.until(lambda: "connected  " not in desk.text)
        assert "alice hello" in desk.text and not any(row.startswith(">1") for row in desk.rows)
        await desk.press("alt+l")
        await desk.until("connected  ")

    drive(steps)


def test_mentions_are_gone_through_from_the_latest_on() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for text in ("alice: one", "nothing", "alice: two", "nothing"):
            desk.say(bob, text)
        await desk.until("alice: two")
        chosen = []
        for key in ("alt+p", "alt+p", "alt+p", "alt+n"):
            await desk.press(key)
            selected = desk.app.messages.selected
            chosen.append(selected.text if selected else "")
        assert chosen == ["alice: two", "alice: one", "alice: one", "alice: two"]

    drive(steps)


def test_a_selected_message_is_what_a_command_is_about() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "shall we?")
        await desk.until("shall we?")
        await desk.press("alt+up", "alt+r")
        identity = desk.client.model.items("lobby")[-1].id
        assert desk.app.typed == f"/reply {identity} "
        await desk.press("ctrl+u", "alt+t")
        assert desk.app.typed == f"/react {identity} "
        await desk.press("escape", "ctrl+u", "alt+r")
        assert desk.app.typed == "/reply "

    drive(steps)


def test_what_is_sent_ends_the_selection() -> None:
    async def steps(desk: Desk) -> None:
        desk.say(desk.wire.person("bob"), "shall we?")
        await desk.until("shall we?")
        await desk.press("alt+up", "alt+r")
        await desk.type("yes")
        await desk.press("enter")
        await desk.until("> bob: shall we?")
        await desk.press("alt+up")
        assert desk.app.messages.selected is not None and desk.app.messages.selected.text == "yes"

    drive(steps)


def test_a_reply_begins_with_what_is_half_typed() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("half")
        await desk.press("alt+r")
        assert desk.app.typed == "/reply half"

    drive(steps)


@pytest.mark.parametrize(
    ("key", "half", "begun"),
    [("alt+r", "/me sings", "/reply "), ("alt+t", "half", "/react "), ("ctrl+f", "half", "/search ")],
)
def test_a_key_that_begins_a_command_keeps_what_is_half_typed_for_up(key: str, half: str, begun: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.type(half)
        await desk.press(key)
        assert desk.app.typed == begun
        await desk.press("up")
        assert desk.app.typed == half

    drive(steps)


def test_one_s_own_message_is_edited_from_what_it_says() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("helo")
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("alice helo")
        await desk.press("alt+up", "alt+e")
        identity = desk.client.model.items("lobby")[-1].id
        assert desk.app.typed == f"/edit {identity} helo"

    drive(steps)


def test_a_message_of_somebody_else_is_not_put_on_the_line_to_be_edited() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "hi \x1b]52;c;aGk=\x07")
        await desk.until("bob hi")
        await desk.press("alt+up", "alt+e")
        assert desk.app.typed == ""
        await desk.until("that message is not yours: bob said it")

    drive(steps)


def test_without_a_selected_message_one_s_latest_is_edited_and_what_is_sent_ends_a_selection() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "shall we?")
        await desk.until("shall we?")
        await desk.press("alt+up", "alt+r")
        await desk.type("yse")
        await desk.press("enter")
        desk.settle(1.0)
        assert desk.app.messages.selected is None
        await desk.press("alt+e")
        identity = desk.client.model.items("lobby")[-1].id
        assert desk.app.typed == f"/edit {identity} yse"

    drive(steps)


def test_topics_and_names_with_markup_are_shown_as_they_are() -> None:
    async def steps(desk: Desk) -> None:
        desk.enter("/topic [bold red]not a style[/]")
        await desk.until("lobby: [bold red]not a style[/]")

    drive(steps)


def test_earlier_messages_come_as_one_scrolls_back() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(700):
            bob.core.say(desk.wire.now, "lobby", f"message {number}")
            if number % 50 == 49:
                desk.settle(1.0)
        await desk.until("message 699")
        await desk.press("alt+home")
        await desk.until("message 0")
        await desk.press("alt+end")
        await desk.until("message 699")

    drive(steps, size=(80, 24))


def test_a_message_that_only_a_page_holds_can_be_answered() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(600):
            bob.core.say(desk.wire.now, "lobby", f"message {number}")
            if number % 50 == 49:
                desk.settle(1.0)
        await desk.until("message 599")
        await desk.press("alt+home")
        await desk.until("message 0")
        await desk.press("alt+up", "alt+r")
        await desk.type("indeed")
        selected = desk.app.messages.selected
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("alice indeed")
        reply = desk.client.model.items("lobby")[-1].reply
        assert selected is not None and reply is not None and reply.id == selected.id

    drive(steps, size=(80, 24))


def test_what_is_said_first_is_shown_to_who_went_to_the_beginning_of_an_empty_room() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        await desk.press("alt+home")
        desk.settle(1.0)
        desk.say(bob, "the first words")
        await desk.until("bob the first words")

    drive(steps, size=(80, 24))


def test_a_room_that_is_joined_again_shows_what_was_said_and_answers_below_it() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "one word")
        desk.enter("/topic")
        await desk.until("has no topic")
        desk.enter("/part")
        await desk.until("no room")
        desk.enter("/join lobby")
        desk.settle(1.0)
        desk.enter("/whois bob")
        await desk.until("bob is here")
        shown = [desk.text.index(each) for each in ("one word", "has no topic", "alice joined", "bob is here")]
        assert shown == sorted(shown)

    drive(steps)


def test_a_private_text_that_its_author_removes_under_another_nick_does_not_stay_in_a_page() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "a secret", "@alice")
        secret = desk.client.model.items("@bob")[-1]
        about = Reference(secret.sequence, bytes.fromhex(secret.id))
        bob.core.ask(desk.wire.now, compose.reply("@alice", "indeed", about))
        for number in range(600):
            bob.core.tell(desk.wire.now, "alice", f"message {number}")
            if number % 50 == 49:
                desk.settle(1.0)
        await desk.type("/query bob")
        await desk.press("enter")
        await desk.until("message 599")
        await desk.press("alt+home")
        await desk.until("> bob: a secret")
        bob.core.ask(desk.wire.now, compose.rename("bobby"))
        desk.settle(1.0)
        bob.core.ask(desk.wire.now, compose.redact("@alice", "", about))
        desk.settle(1.0)
        await desk.until("> bob: message deleted")
        assert desk.prompt.target == "@bob" and "a secret" not in desk.text

    drive(steps, size=(80, 24))


def test_a_key_for_the_link_means_a_message_that_only_a_page_holds_and_no_store() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(600):
            bob.core.say(desk.wire.now, "lobby", f"see https://{number}.example")
            if number % 50 == 49:
                desk.settle(1.0)
        desk.prompt.history = History(desk.client, None)
        await desk.until("599.example")
        await desk.press("alt+home")
        await desk.until("see https://0.example")
        await desk.press("alt+up")
        selected = desk.app.messages.selected
        assert selected is not None and selected.sequence < 90
        await desk.press("alt+o")
        await desk.until(lambda: any(row.endswith(selected.text.removeprefix("see ")) for row in desk.rows[-5:]))
        assert not desk.app.typed

    drive(steps, size=(80, 24))


def test_a_message_that_is_changed_is_shown_as_it_is_now() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "shall we?")
        await desk.type("yess")
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("yess")
        await desk.press("alt+up", "alt+e", "backspace", "enter")
        desk.settle(1.0)
        await desk.until("yes (edited)")
        await desk.press("alt+up", "alt+up", "alt+t")
        await desk.type(":+1:")
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("\N{THUMBS UP SIGN} ")

    drive(steps)


def test_a_removed_text_does_not_stay_in_a_quote_of_a_page() -> None:
    """Though nothing is said of it, since its author is ignored."""

    async def steps(desk: Desk) -> None:
        bob, carol = desk.wire.person("bob"), desk.wire.person("carol")
        desk.say(bob, "a secret")
        secret = desk.client.model.items("lobby")[-1]
        about = Reference(secret.sequence, bytes.fromhex(secret.id))
        carol.core.ask(desk.wire.now, compose.reply("lobby", "indeed", about))
        for number in range(600):
            carol.core.say(desk.wire.now, "lobby", f"message {number}")
            if number % 50 == 49:
                desk.settle(1.0)
        await desk.until("message 599")
        await desk.press("alt+home")
        await desk.until("> bob: a secret")
        desk.client.timeline.people.ignore("bob")
        bob.core.ask(desk.wire.now, compose.redact("lobby", "", about))
        desk.settle(1.0)
        await desk.until("> bob: message deleted")
        assert "a secret" not in desk.text and "indeed" in desk.text

    drive(steps, size=(80, 24))


@pytest.mark.parametrize(("typed", "key"), [("", "alt+2"), ("/room dev", "enter")])
def test_a_room_is_shown_where_it_was_left_and_what_came_meanwhile_stays_unread(typed: str, key: str) -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "lobby", "dev")
        for number in range(60):
            desk.say(bob, f"message {number}")
        await desk.until("message 59")
        await desk.press("pageup")
        await desk.until("more below")
        left = desk.rows[1:20]
        await desk.type(typed)
        await desk.press(key)
        await desk.until(">2 dev")
        for number in range(60, 72):
            desk.say(bob, f"message {number}")
        await desk.until(" 1 lobby           12")
        await desk.press("alt+1")
        await desk.until(">1 lobby")
        await desk.until("more below")
        assert desk.rows[2:20] == left[1:]
        assert desk.client.model.conversation("lobby").unread == 12
        await desk.press("alt+end")
        await desk.until(lambda: desk.client.model.conversation("lobby").unread == 0)

    drive(steps, "lobby", "dev", size=(80, 24))


@pytest.mark.parametrize("key", ["alt+g", "ctrl+q"])
def test_a_key_tells_who_has_the_selected_message_and_keeps_what_is_half_typed(key: str) -> None:
    async def steps(desk: Desk) -> None:
        bob, carol = desk.wire.person("bob"), desk.wire.person("carol")
        carol.is_cut = True
        await desk.type("hello")
        await desk.press("enter")
        desk.settle(1.0)
        desk.say(bob, "hi")
        await desk.until("bob hi")
        await desk.type("half")
        await desk.press("alt+up", "alt+up", key)
        desk.settle(1.0)
        await desk.until("your message 1 in lobby has reached bob; not known yet of carol")
        assert desk.app.typed == "half"

    drive(steps)


def test_a_command_that_a_key_stood_for_is_not_put_on_the_line_if_it_is_refused() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        desk.say(bob, "hi")
        await desk.until("bob hi")
        await desk.press("alt+up", "alt+g")
        await desk.until("error:")
        assert desk.app.typed == ""
        await desk.type("half")
        await desk.press("alt+up", "alt+g")
        desk.settle(1.0)
        await desk.until(lambda: desk.text.count("error:") == 2)
        assert desk.app.typed == "half" and "Up brings back" not in desk.text

    drive(steps, size=(80, 24))


def test_where_up_brings_a_refused_line_back_is_said_in_another_room() -> None:
    async def steps(desk: Desk) -> None:
        with desk.delayed():
            await desk.type("/topic #nowhere tea")
            await desk.press("enter")
            await desk.type("half")
            await desk.press("alt+2")
            await desk.until(">2 dev")
        await desk.until("in lobby, Up brings back what was not sent")
        await desk.press("alt+1", "up")
        assert desk.app.typed == "/topic #nowhere tea"

    drive(steps, "lobby", "dev", size=(80, 24))


@pytest.mark.parametrize("key", ["alt+o", "ctrl+right_square_bracket"])
def test_a_key_opens_the_link_of_the_selected_message_or_shows_it(key: str) -> None:
    async def steps(desk: Desk) -> None:
        urls: list[str] = []
        bob = desk.wire.person("bob")
        for text in ("https://a.example", "https://b.example"):
            desk.say(bob, text)
        await desk.until("https://b.example")

        def open_link(url: str) -> bool:
            urls.append(url)
            return True

        desk.prompt.open_link = open_link
        await desk.press("alt+up", "alt+up", key)
        await desk.until("opening https://a.example")
        assert urls == ["https://a.example"]
        desk.prompt.open_link = lambda url: False
        await desk.press(key)
        await desk.until(lambda: any(row.strip(" \u2595\u258f") == "https://a.example" for row in desk.rows))

    drive(steps)
