"""Order as the full screen shows it: roles, modes, a mute, a kick, an invitation, an announcement."""

from __future__ import annotations

import pytest

from tests.client.pair import Person
from tests.ui.tui.desk import Desk, drive
from udpchat.chat import events
from udpchat.chat.permissions import Role
from udpchat.client import compose
from udpchat.ui.tui import side_and_status
from udpchat.ui.tui.side_and_status import Look


@pytest.fixture
def desk() -> Desk:
    return Desk("lobby", "dev")


def opened(desk: Desk, room: str) -> Person:
    """Bob, who is the operator of this room, as he opened it."""
    return desk.wire.person("bob", "lobby", room)


def test_a_mark_before_a_nick_says_the_role_without_colours(desk: Desk) -> None:
    desk.wire.person("bob", "dev")
    desk.enter("/room dev")
    desk.enter("/names")
    desk.settle(1.0)
    title, alice, bob = side_and_status.member_rows(desk.client.model, "dev")
    assert (title.look, alice.text, bob.text) == (Look.TITLE, "@alice", " bob")
    desk.enter("/voice bob")
    desk.settle(1.0)
    assert [row.text for row in side_and_status.member_rows(desk.client.model, "dev")][1:] == ["@alice", "+bob"]


def test_the_modes_of_a_room_stand_beside_its_name(desk: Desk) -> None:
    desk.enter("/room dev")
    assert side_and_status.topic_line(desk.client.model, "dev") == "dev"
    desk.enter("/mode +moderated slow=30")
    desk.enter("/topic tea")
    desk.settle(1.0)
    assert side_and_status.topic_line(desk.client.model, "dev") == "dev [moderated, slow=30s]: tea"


def test_who_is_mute_is_told_where_they_type(desk: Desk) -> None:
    bob = opened(desk, "den")
    desk.enter("/join den")
    desk.settle(1.0)
    assert side_and_status.target_line(desk.prompt) == "den> "
    bob.core.ask(desk.wire.now, compose.mute("den", "alice", 600, "spamming"))
    desk.settle(1.0)
    assert side_and_status.target_line(desk.prompt).startswith("den (you are muted until 20")
    bob.core.ask(desk.wire.now, compose.unmute("den", "alice"))
    desk.settle(1.0)
    assert side_and_status.target_line(desk.prompt) == "den> "


def test_who_has_no_voice_in_a_moderated_room_is_told_where_they_type(desk: Desk) -> None:
    bob = opened(desk, "den")
    desk.enter("/join den")
    bob.core.ask(desk.wire.now, compose.set_modes("den", is_moderated=True))
    desk.settle(1.0)
    assert side_and_status.target_line(desk.prompt) == "den (moderated: you have no voice)> "
    bob.core.ask(desk.wire.now, compose.set_role("den", "alice", Role.VOICE))
    desk.settle(1.0)
    assert side_and_status.target_line(desk.prompt) == "den> "


def test_who_was_kicked_sees_by_whom_and_that_lines_go_nowhere() -> None:
    async def steps(desk: Desk) -> None:
        bob = opened(desk, "den")
        desk.enter("/join den")
        desk.say(bob, "hello", "den")
        bob.core.ask(desk.wire.now, compose.kick("den", "alice", "too loud"))
        desk.settle(1.0)
        await desk.until("alice was kicked from den by bob: too loud")
        await desk.until("den (you are not in it)>")

    drive(steps)


def test_an_invitation_is_accepted_with_a_key() -> None:
    async def steps(desk: Desk) -> None:
        bob = opened(desk, "den")
        bob.core.ask(desk.wire.now, compose.set_modes("den", is_invite_only=True))
        desk.settle(1.0)
        bob.core.ask(desk.wire.now, compose.invite("den", "alice"))
        desk.settle(1.0)
        await desk.until("bob invites you to den: /join den")
        await desk.until("invited to den: Alt+J joins")
        await desk.press("alt+j")
        await desk.until("den [invite_only]")
        await desk.until(lambda: "invited to den: Alt+J" not in desk.text)

    desk = drive(steps)
    assert desk.entered == ["/join den"] and "den" in desk.client.model.rooms


def test_without_an_invitation_the_key_does_nothing() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("half")
        await desk.press("alt+j")
        assert desk.app.typed == "half"

    assert drive(steps).entered == []


def test_an_announcement_stands_out_by_words_and_style() -> None:
    async def steps(desk: Desk) -> None:
        desk.lines.on_events(desk.wire.now, [events.Announcement("tea\nat four", "bob")])
        desk.app.redraw_soon()
        await desk.until("ANNOUNCEMENT by bob: tea")
        await desk.until("at four")

    drive(steps)


def test_a_message_that_somebody_else_removed_says_by_whom() -> None:
    async def steps(desk: Desk) -> None:
        desk.enter("/join den")
        desk.settle(1.0)
        bob = desk.wire.person("bob", "den")
        desk.say(bob, "spam spam spam", "den")
        (item,) = desk.client.model.conversation("den").items
        await desk.until("spam spam spam")
        await desk.press("alt+up", "alt+x")
        assert desk.app.typed == f"/redact {item.id} "
        await desk.type("off topic")
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("message deleted by alice")
        assert "spam spam" not in desk.text

    drive(steps)


def test_a_new_password_is_typed_twice_and_not_shown() -> None:
    asked: list[str] = []

    async def steps(desk: Desk) -> None:
        desk.prompt.ask_password = lambda: desk.app.ask_hidden("new password", asked.append)
        await desk.type("/password")
        await desk.press("enter")
        await desk.until("new password")
        await desk.type("correct horse")
        await desk.press("enter")
        await desk.until(lambda: asked)
        assert "correct horse" not in desk.text

    drive(steps)
    assert asked == ["correct horse"]


def test_a_password_behind_the_command_is_dots_while_it_is_typed() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("/password hunter22")
        await desk.until("/password " + "\u2022" * 8)
        assert "hunter22" not in desk.text

    drive(steps)
