"""The prompt: what is never sent, where a line goes, and how it ends."""

from __future__ import annotations

import pytest

from tests.ui.entering import NOW, asked, entered, prompt_in, refused, texts
from udpchat.chat.events import ClientEvent, notice
from udpchat.ui.commands import COMMANDS
from udpchat.ui.phrases import text_of
from udpchat.ui.prompt import Command, Group, Prompt
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import ListMembers, Say, Tell

# --- What is never sent ----------


@pytest.mark.parametrize(
    ("line", "near"), [("/mgs bob secret", "/msg"), ("/JION dev", "/join"), ("/nikc x", "/nick"), ("/exti", "/exit")]
)
def test_an_unknown_command_is_not_sent_and_the_nearest_is_named(line: str, near: str) -> None:
    error = refused(prompt_in("lobby"), line)
    assert error.code == "unknown_command"
    assert f"did you mean {near}?" in text_of(error)


@pytest.mark.parametrize("line", ["/quit\nx", " /join dev\nhello", "/names\nx y"])
def test_a_text_of_several_lines_is_no_command_that_takes_one(line: str) -> None:
    prompt = prompt_in("lobby")
    error = refused(prompt, line)
    assert error.code == "usage" and "takes one line" in text_of(error) and error.said == line
    assert not prompt.wants_quit and prompt.client.model.rooms == ("lobby",)


@pytest.mark.parametrize("line", ["a\x1b[2Jb", "/me \x07", "\u202eb", "a\rb", "/quit \x9b"])
def test_a_control_character_that_a_person_typed_is_named_and_nothing_is_sent(line: str) -> None:
    prompt = Prompt(prompt_in("lobby").client, COMMANDS, is_typed=True)
    error = refused(prompt, line)
    assert error.code == "control_character" and "(U+" in text_of(error) and error.said == line
    assert not prompt.wants_quit


def test_an_error_repeats_what_was_typed() -> None:
    assert refused(prompt_in("lobby"), "  /mgs bob secret\n").said == "  /mgs bob secret"


@pytest.mark.parametrize("line", ["/password hunter2", "/pasword hunter2", " /PASSWD x\n"])
def test_what_may_hold_a_password_is_not_repeated_where_it_is_refused(line: str) -> None:
    assert refused(prompt_in("lobby"), line).said == ""


@pytest.mark.parametrize("line", ["/", "/ msg bob secret", "/usr/bin/env", "/\tx", "/" + "x" * 10_000])
def test_what_only_begins_like_a_command_is_not_sent(line: str) -> None:
    error = refused(prompt_in("lobby"), line)
    assert error.code == "unknown_command"
    assert "//" in text_of(error)
    assert len(text_of(error)) < 200


@pytest.mark.parametrize(
    "line",
    ["/me", "/say ", "/msg", "/msg bob", "/join", "/join a b", "/part a b", "/nick", "/nick a b", "/whois",
     "/names a b", "/rooms x", "/back now", "/unignore", "/ignore a b", "/room a b", "/help a b"],
)  # fmt: skip
def test_a_wrong_usage_shows_the_usage(line: str) -> None:
    error = refused(prompt_in("lobby"), line)
    assert error.code == "usage"
    assert text_of(error).startswith(f"usage: {line.split()[0]}")


@pytest.mark.parametrize(
    ("line", "code"), [("/join a/b", "bad_room"), ("/nick -x", "bad_nick"), ("/msg a/b x", "bad_nick")]
)
def test_a_bad_name_is_refused_here(line: str, code: str) -> None:
    assert refused(prompt_in("lobby"), line).code == code


@pytest.mark.parametrize("start", ["", "/me ", "/msg bob ", "/query bob "])
def test_a_text_is_sent_whole_or_not_at_all(start: str) -> None:
    assert len(entered(start + "é" * (TEXT_BYTES_MAX // 2))) == 1
    prompt = prompt_in("lobby")
    error = refused(prompt, start + "é" * (TEXT_BYTES_MAX // 2) + "x")
    assert error.code == "too_long"
    assert str(TEXT_BYTES_MAX) in text_of(error)
    assert str(TEXT_BYTES_MAX + 1) in text_of(error)
    assert prompt.target == "lobby"


@pytest.mark.parametrize(("command", "limit"), [("/topic", TOPIC_BYTES_MAX), ("/away", AWAY_BYTES_MAX)])
def test_a_topic_and_a_reason_are_bounded(command: str, limit: int) -> None:
    assert len(entered(f"{command} {'x' * limit}")) == 1
    assert refused(prompt_in("lobby"), f"{command} {'x' * (limit + 1)}").code == "too_long"


@pytest.mark.parametrize("line", ["a\ud800", "/topic a\ud800", "/msg bob \udfff"])
def test_what_utf_8_cannot_hold_is_refused(line: str) -> None:
    assert refused(prompt_in("lobby"), line).code == "not_text"


# --- Where a line goes ----------


def test_the_first_room_asked_for_is_the_first_target() -> None:
    assert prompt_in("lobby", "dev").target == "lobby"


def test_a_joined_room_becomes_the_target() -> None:
    prompt = prompt_in("lobby")
    assert texts(prompt.enter(NOW, "/join #Dev")) == ["what you type goes to dev"]
    prompt.enter(NOW, "hi")
    assert prompt.client.model.rooms == ("lobby", "dev")
    assert asked(prompt) == [Say("dev", 0, "hi")]


def test_a_part_in_a_conversation_closes_that_and_leaves_no_room() -> None:
    prompt = prompt_in("lobby")
    prompt.enter(NOW, "/query bob")
    assert prompt.target == "@bob"
    assert texts(prompt.enter(NOW, "/part")) == ["what you type goes to lobby"]
    assert prompt.target == "lobby" and asked(prompt) == []
    assert [each.name for each in prompt.client.model.conversations()] == ["lobby"]


def test_after_a_part_lines_go_to_the_room_before() -> None:
    prompt = prompt_in("lobby", "dev", "ops")
    prompt.enter(NOW, "/room ops")
    prompt.enter(NOW, "/room dev")
    assert texts(prompt.enter(NOW, "/part")) == ["what you type goes to ops"]
    assert prompt.enter(NOW, "/part lobby") == []
    assert prompt.target == "ops"
    assert texts(prompt.enter(NOW, "/part")) == ["what you type goes nowhere: /join ROOM"]
    assert prompt.target == ""
    asked(prompt)
    assert refused(prompt, "hi").code == refused(prompt, "/names").code == refused(prompt, "/part").code == "no_room"


def test_a_line_for_a_room_that_refused_us_goes_to_no_other() -> None:
    prompt = prompt_in("lobby")
    prompt.enter(NOW, "/join dev")
    prompt.client.part(NOW, "dev")  # as if the server had refused
    asked(prompt)
    assert refused(prompt, "a secret").code == "not_in_room"
    prompt.enter(NOW, "/room lobby")
    prompt.enter(NOW, "hi")
    assert asked(prompt) == [Say("lobby", 0, "hi")]


def test_a_room_that_we_are_not_in_is_no_target() -> None:
    prompt = prompt_in("lobby")
    assert refused(prompt, "/room dev").code == refused(prompt, "/msg #dev x").code == "not_in_room"
    assert text_of(refused(prompt, "/part dev")) == "you are not in dev"
    assert prompt.target == "lobby"


def test_room_says_where_we_are() -> None:
    assert texts(prompt_in("lobby", "dev").enter(NOW, "/room")) == [
        "you are in lobby, dev; what you type goes to lobby"
    ]
    assert texts(prompt_in().enter(NOW, "/room")) == ["you are in no room; what you type goes nowhere: /join ROOM"]


def test_a_person_whose_nick_is_typed_in_other_letters_is_the_one_in_the_list() -> None:
    prompt = prompt_in("lobby")
    prompt.client.model.conversation("@bob")
    prompt.enter(NOW, "/query BOB")
    assert prompt.target == "@bob"


def test_a_query_turns_lines_to_a_person_and_back() -> None:
    prompt = prompt_in("lobby")
    assert texts(prompt.enter(NOW, "/q bob: hello")) == ["what you type goes to @bob"]
    prompt.enter(NOW, "are you there?")
    prompt.enter(NOW, "/me waits")
    prompt.enter(NOW, "/names")
    assert texts(prompt.enter(NOW, "/query")) == ["what you type goes to lobby"]
    prompt.enter(NOW, "hi all")
    assert asked(prompt) == [
        Tell("bob", 0, "hello"),
        Tell("bob", 0, "are you there?"),
        Tell("bob", 1, "waits"),
        ListMembers("lobby", ""),
        Say("lobby", 0, "hi all"),
    ]
    assert texts(prompt.enter(NOW, "/room @bob")) == ["what you type goes to @bob"]
    assert prompt.enter(NOW, "/part lobby") == []
    assert prompt.target == "@bob"


# --- The table, and the end ----------


def test_a_program_can_add_a_command() -> None:
    def answer(prompt: Prompt, now: float, rest: str) -> list[ClientEvent]:
        return [notice("dice", rolled=rest)]

    dice = Command("dice", Group.CLIENT, "[N]", "roll it", "", answer, ("d",))
    prompt = prompt_in("lobby", commands=(*COMMANDS, dice))
    assert prompt.enter(NOW, "/d 20") == [notice("dice", rolled="20")]
    assert any("/dice [N]" in line for line in texts(prompt.enter(NOW, "/help")))
    assert refused(prompt_in("lobby"), "/dice").code == "unknown_command"
    with pytest.raises(AssertionError):
        prompt_in("lobby", commands=(*COMMANDS, dice.changed(aliases=("m",))))


def test_quit_is_a_wish_and_a_second_one_an_order() -> None:
    prompt = prompt_in("lobby")
    assert prompt.enter(NOW, "/exit bye") == []
    assert prompt.wants_quit
    assert not prompt.wants_quit_now
    assert not prompt.client.is_over
    assert refused(prompt, "one more thing").code == refused(prompt, "/me turns").code == "leaving"
    prompt.enter(NOW, "/quit")
    assert prompt.wants_quit_now
