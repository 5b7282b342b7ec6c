"""The prompt: what a typed line asks the client for, and what it never does."""

from __future__ import annotations

import pytest

from udpchat.chat.events import ClientEvent, Error, Notice, notice
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState, RequestAdded
from udpchat.session.noise import KeyPair
from udpchat.ui.attention import Level
from udpchat.ui.commands import COMMANDS, Command, Group, Prompt
from udpchat.ui.phrases import text_of
from udpchat.ui.preferences import SETTINGS, Preferences
from udpchat.wire.frames import parse_request_untrusted
from udpchat.wire.limits import AWAY_BYTES_MAX, TEXT_BYTES_MAX, TOPIC_BYTES_MAX
from udpchat.wire.requests import (
    GetTopic,
    ListMembers,
    ListRooms,
    Part,
    Rename,
    RequestBody,
    Say,
    SetAway,
    SetTopic,
    Tell,
    Whois,
)

NOW = 5.0


def approve(_key: bytes) -> str:
    return ""


def prompt_in(*rooms: str, commands: tuple[Command, ...] = COMMANDS) -> Prompt:
    profile = Profile(KeyPair(bytes(range(32))), "alice", rooms, "udpchat://here:1", approve)
    client = ClientCore(NOW, profile=profile, saved=ClientState(bytes(16)), address=("127.0.0.1", 1), random=bytes)
    return Prompt(client, commands)


def asked(prompt: Prompt) -> list[RequestBody]:
    """What the client was made to ask its server for, since this was last called."""
    return [
        parse_request_untrusted(write.body) for write in prompt.client.drain_writes() if isinstance(write, RequestAdded)
    ]


def entered(line: str, *rooms: str) -> list[RequestBody]:
    """What the one line asks for; nothing may be refused."""
    prompt = prompt_in(*(rooms or ("lobby",)))
    told = prompt.enter(NOW, line)
    assert not [event for event in told if isinstance(event, Error)]
    return asked(prompt)


def refused(prompt: Prompt, line: str) -> Error:
    """The one error that the line leads to; nothing may be asked."""
    told = prompt.enter(NOW, line)
    assert asked(prompt) == []
    assert len(told) == 1
    assert isinstance(told[0], Error)
    return told[0]


def texts(told: list[ClientEvent]) -> list[str]:
    assert all(isinstance(event, Notice) for event in told)
    return [text_of(event) for event in told if isinstance(event, Notice)]


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("hello, world", Say("lobby", 0, "hello, world")),
        ("  indented, with a tail  ", Say("lobby", 0, "  indented, with a tail  ")),
        ("hello\r\n", Say("lobby", 0, "hello")),
        ("//help", Say("lobby", 0, "/help")),
        ("///", Say("lobby", 0, "//")),
        ("  //help", Say("lobby", 0, "  /help")),
        ("and//or", Say("lobby", 0, "and//or")),
        (" /msg bob psst", Tell("bob", 0, "psst")),
        ("\t /me waves", Say("lobby", 1, "waves")),
        ("one\n/quit\n", Say("lobby", 0, "one\n/quit")),
        ("//etc\n//opt", Say("lobby", 0, "/etc\n//opt")),
        ("/msg bob one\ntwo", Tell("bob", 0, "one\ntwo")),
        ("/say one\n/two", Say("lobby", 0, "one\n/two")),
        ("\x1b[2J", Say("lobby", 0, "\x1b[2J")),  # of a program: whoever shows it makes it safe
        ("/say /help", Say("lobby", 0, "/help")),
        ("/say   x", Say("lobby", 0, "  x")),
        ("/me waves", Say("lobby", 1, "waves")),
        ("/ME waves", Say("lobby", 1, "waves")),
        ("/msg bob how are you", Tell("bob", 0, "how are you")),
        ("/m bob: hi", Tell("bob", 0, "hi")),
        ("/Tell @bob, hi", Tell("bob", 0, "hi")),
        ("/msg #lobby hi", Say("lobby", 0, "hi")),
        ("/part", Part("lobby")),
        ("/leave #LOBBY", Part("lobby")),
        ("/nick Robert", Rename("Robert")),
        ("/whois bob:", Whois("bob")),
        ("/names", ListMembers("lobby", "")),
        ("/who #dev", ListMembers("dev", "")),
        ("/rooms", ListRooms("")),
        ("/list", ListRooms("")),
        ("/topic", GetTopic("lobby")),
        ("/topic #dev", GetTopic("dev")),
        ("/topic tea at four", SetTopic("lobby", "tea at four")),
        ("/t #dev  tea at four ", SetTopic("dev", "tea at four")),
        ("/topic -", SetTopic("lobby", "")),
        ("/away at lunch", SetAway("at lunch")),
        ("/away", SetAway("away")),
        ("/back", SetAway(None)),
    ],
)
def test_a_line_asks_for_what_it_says(line: str, request_: RequestBody) -> None:
    assert entered(line) == [request_]


@pytest.mark.parametrize("line", ["", "   ", "\t", "\n"])
def test_a_blank_line_is_ignored(line: str) -> None:
    prompt = prompt_in("lobby")
    assert prompt.enter(NOW, line) == []
    assert asked(prompt) == []


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
    prompt = Prompt(prompt_in("lobby").client, is_typed=True)
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


# --- People ----------


def test_ignoring_says_what_changed() -> None:
    prompt = prompt_in("lobby")
    lines = ["/ignore", "/ignore Bob", "/ignore bob", "/ignore", "/unignore bob", "/unignore bob"]
    assert [texts(prompt.enter(NOW, line)) for line in lines] == [
        ["you ignore nobody"],
        ["you ignore Bob"],
        ["you ignore bob"],
        ["you ignore bob"],
        ["you no longer ignore bob"],
        ["you did not ignore bob"],
    ]


# --- Help and the end ----------


def test_help_lists_every_command_once_under_its_group() -> None:
    lines = texts(prompt_in("lobby").enter(NOW, "/help"))
    group, listed = "", {}
    for line in lines[1:]:
        if line.startswith("  /"):
            listed[line.split()[0][1:]] = group
        else:
            group = line
    assert listed == {command.name: command.group.value for command in COMMANDS}
    assert list(dict.fromkeys(listed.values())) == [member.value for member in Group]
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize("word", ["msg", "/msg", "M", "/TELL"])
def test_help_explains_a_command_by_any_of_its_names(word: str) -> None:
    lines = texts(prompt_in("lobby").enter(NOW, f"/help {word}"))
    assert lines[0] == "/msg NICK TEXT  (also /m, /tell)"
    assert lines[1].startswith("  Tell one person something. ")


def test_help_of_an_unknown_command_suggests_one() -> None:
    assert "did you mean /topic?" in text_of(refused(prompt_in("lobby"), "/help topc"))


def test_every_command_can_be_explained_and_every_name_is_its_own() -> None:
    prompt = prompt_in("lobby")
    for command in COMMANDS:
        for name in (command.name, *command.aliases):
            assert prompt.command(name) is command
            assert texts(prompt.enter(NOW, f"/help {name}"))[0].startswith(command.form)


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


# --- Settings ----------


def typing_prompt(preferences: Preferences | None = None) -> Prompt:
    """A prompt of a person at a terminal."""
    return Prompt(prompt_in("lobby").client, is_typed=True, preferences=preferences)


def said(prompt: Prompt, line: str) -> list[str]:
    told = prompt.enter(NOW, line)
    return [text_of(event) for event in told if isinstance(event, Notice | Error)]


def test_set_lists_shows_and_changes_what_is_kept() -> None:
    saved: list[dict[str, object]] = []
    prompt = typing_prompt(Preferences(save=saved.append))
    assert [line.split()[0] for line in said(prompt, "/set")] == list(SETTINGS)
    assert said(prompt, "/set mouse") == [f"mouse is on (it can be on, off): {SETTINGS['mouse'].summary}"]
    assert saved == []
    assert said(prompt, "/set MOUSE off") == ["mouse is now off"]
    assert said(prompt, "/theme light") == ["theme is now light"]
    assert said(prompt, "/theme")[0].startswith("theme is light (it can be ansi, dark, ")
    assert said(prompt, "/set highlight a b") == ["highlight is now a b"]
    assert said(prompt, "/set highlight") == [
        f"highlight is a b (it can be any words): {SETTINGS['highlight'].summary}"
    ]
    assert saved[-1] == {"mouse": False, "theme": "light", "highlight": ["a", "b"]}


def test_set_refuses_what_is_no_setting_or_value() -> None:
    assert refused(prompt_in("lobby"), "/set thema dark").code == "unknown_setting"
    assert refused(prompt_in("lobby"), "/theme pink").code == "bad_setting"
    assert refused(prompt_in("lobby"), "/notify loud").code == "bad_setting"


def test_notify_is_for_the_conversation_that_lines_go_to() -> None:
    prompt = typing_prompt()
    assert said(prompt, "/notify all") == ["messages in lobby that call you: all"]
    prompt.enter(NOW, "/query bob")
    assert said(prompt, "/notify none") == ["messages in @bob that call you: none"]
    assert prompt.preferences.level("lobby") is Level.ALL and prompt.preferences.level("@bob") is Level.NONE
    assert refused(prompt_in(), "/notify all").code == "no_room"


def test_highlight_adds_a_word_and_takes_it_out() -> None:
    prompt = typing_prompt()
    assert said(prompt, "/highlight pizza") == ["words that call you: pizza"]
    assert said(prompt, "/highlight") == ["words that call you: pizza"]
    assert said(prompt, "/highlight pizza") == ["words that call you: none"]


def test_a_shortcode_that_a_person_types_is_sent_as_the_emoji_unless_they_set_it_off() -> None:
    prompt = typing_prompt()
    for line in ("hi :smile:", "/me :wave:", "/msg bob :tada: `:tada:`"):
        prompt.enter(NOW, line)
    prompt.enter(NOW, "/set emoji off")
    prompt.enter(NOW, ":smile:")
    assert asked(prompt) == [
        Say("lobby", 0, "hi \U0001f604"),
        Say("lobby", 1, "\U0001f44b"),
        Tell("bob", 0, "\U0001f389 `:tada:`"),
        Say("lobby", 0, ":smile:"),
    ]


def test_what_a_program_sends_is_not_changed() -> None:
    assert entered("hi :smile:") == [Say("lobby", 0, "hi :smile:")]
