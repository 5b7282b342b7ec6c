from __future__ import annotations

import pytest

from udpchat.chat.text import EDITED_CHARACTERS_MAX
from udpchat.ui.commands import COMMANDS
from udpchat.ui.input_history import (
    CONVERSATIONS_MAX,
    DOT,
    LINES_MAX,
    InputHistory,
    concealed,
    is_secret,
)


def history_of(*lines: str, conversation: str = "lobby") -> InputHistory:
    history = InputHistory()
    for line in lines:
        history.add(conversation, line)
    return history


def all_lines(history: InputHistory, conversation: str = "lobby") -> list[str]:
    """All lines, the latest first."""
    found = []
    while (line := history.earlier(conversation, "")) is not None:
        found.append(line)
    return found


def test_up_goes_back_and_down_returns_to_what_was_half_typed() -> None:
    history = history_of("one", "two")
    assert history.earlier("lobby", "half") == "two"
    assert history.earlier("lobby", "two, changed") == "one"
    assert history.earlier("lobby", "one") is None
    assert [history.later("lobby") for _ in range(3)] == ["two", "half", None]


def test_a_line_that_stands_there_again_is_not_gone_back_to() -> None:
    history = history_of("one", "two")
    assert history.earlier("lobby", "two") == "one" and history.later("lobby") == "two"
    assert history.later("lobby") == "two"
    assert history_of("one").earlier("lobby", "one") == "one"


def test_each_conversation_has_its_own_lines_and_draft() -> None:
    history = history_of("here")
    history.add("@bob", "there")
    assert history.earlier("lobby", "a") == "here"
    assert history.earlier("@bob", "b") == "there"
    assert (history.later("lobby"), history.later("@bob")) == ("a", "b")
    assert history.earlier("#none", "") is None and history.later("#none") is None


def test_a_new_line_ends_the_walk_back() -> None:
    history = history_of("one", "two")
    history.earlier("lobby", "draft")
    history.add("lobby", "two")
    assert history.later("lobby") is None
    assert all_lines(history) == ["two", "one"]


def test_blank_and_repeated_lines_are_not_kept() -> None:
    assert all_lines(history_of("a", "", "  ", "a", "b", "a", "two\nlines")) == ["two\nlines", "a", "b", "a"]


@pytest.mark.parametrize(
    "line", ["/password new old", " /PASSWORD x", "/passwd x", "/pasword x", "/ password x", "/passwort x\ny"]
)
def test_a_password_is_never_kept_even_with_a_slip(line: str) -> None:
    history = history_of("before", line)
    assert is_secret(line)
    assert all_lines(history) == ["before"]
    assert history.search("lobby", "x") is None


@pytest.mark.parametrize("line", ["//password is a word", "password", "the /password", "/", "/part lobby"])
def test_what_is_no_password_is_kept(line: str) -> None:
    assert all_lines(history_of(line)) == [line]


def test_no_other_command_is_taken_for_a_slip() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert [name for name in names if is_secret(f"/{name} x") and not name.startswith("passw")] == []


def test_a_search_finds_the_latest_line_and_then_earlier_ones_that_differ() -> None:
    history = history_of("Make tea", "coffee", "make cake", "tea", "make cake")
    first = history.search("lobby", "MAKE")
    assert first is not None and first.line == "make cake"
    second = history.search("lobby", "make", first)
    assert second is not None and second.line == "Make tea"
    assert history.search("lobby", "make", second) is None
    assert history.search("lobby", "") is None and history.search("dev", "make") is None


def test_the_walk_is_not_disturbed_by_a_search() -> None:
    history = history_of("one", "two", "three")
    history.earlier("lobby", "draft")
    history.search("lobby", "one")
    assert history.earlier("lobby", "") == "two"


def test_all_that_is_kept_is_bounded() -> None:
    history = history_of(*(str(n) for n in range(LINES_MAX + 5)), "x" * (EDITED_CHARACTERS_MAX + 1))
    lines = all_lines(history)
    assert (len(lines), lines[0], lines[-1]) == (LINES_MAX, str(LINES_MAX + 4), "5")
    for number in range(CONVERSATIONS_MAX):
        history.add(f"room{number}", "x")
    assert history.earlier("lobby", "") is None
    assert history.earlier("room0", "") == "x"


def test_what_is_half_typed_waits_in_its_conversation() -> None:
    history = InputHistory()
    assert history.turn("lobby", "half a li", "@bob") == ""
    assert history.turn("@bob", "", "lobby") == "half a li"
    assert history.turn("lobby", "", "@bob") == ""


def test_what_is_half_typed_is_bounded_and_the_longest_left_is_forgotten() -> None:
    history = InputHistory()
    for number in range(CONVERSATIONS_MAX + 1):
        history.turn(f"room{number}", f"text {number}", f"room{number + 1}")
    assert history.turn("", "", "room0") == ""
    assert history.turn("", "", "room1") == "text 1"


def test_behind_the_command_a_password_is_dots_while_it_is_typed() -> None:
    assert concealed(" /password correct horse", is_first=True) == " /password " + DOT * 7 + " " + DOT * 5
    assert concealed("/password", is_first=True) == "/password" and concealed("", is_first=True) == ""
    assert concealed("more of it", is_first=False) == " ".join((DOT * 4, DOT * 2, DOT * 2))
