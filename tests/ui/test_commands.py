"""The commands: what a typed line asks the client for."""

from __future__ import annotations

import pytest

from tests.ui.entering import NOW, asked, entered, prompt_in, refused, texts
from udpchat.chat.events import Error, Notice
from udpchat.ui.attention import Level
from udpchat.ui.commands import COMMANDS
from udpchat.ui.phrases import text_of
from udpchat.ui.preferences import SETTINGS, Preferences
from udpchat.ui.prompt import Group, Prompt
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


# --- Settings ----------


def typing_prompt(preferences: Preferences | None = None) -> Prompt:
    """A prompt of a person at a terminal."""
    return Prompt(prompt_in("lobby").client, COMMANDS, is_typed=True, preferences=preferences)


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
