from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.chat.text import printable
from udpchat.client.model import Item
from udpchat.ui.attention import (
    BODY_CHARACTERS_MAX,
    INTERVAL_S,
    TITLE_CHARACTERS_MAX,
    Alert,
    Attention,
    Event,
    Level,
    Signal,
    is_highlight,
    terminal_text,
    variables,
)

NOW = 5.0


def item(text: str = "hi", *, nick: str = "bob", is_own: bool = False, is_mention: bool = False) -> Item:
    return Item(1, "1", nick, text, "text", 1, is_own, is_mention)


def alerted(
    message: Item, level: Level = Level.MENTION, words: tuple[str, ...] = (), *, is_watched: bool = False
) -> Alert | None:
    return Attention().alert(NOW, "lobby", message, level=level, words=words, is_watched=is_watched)


@pytest.mark.parametrize(
    ("level", "of_any", "of_a_mention"),
    [(Level.NONE, False, False), (Level.MENTION, False, True), (Level.ALL, True, True)],
)
def test_the_level_decides_which_messages_call(level: Level, of_any: bool, of_a_mention: bool) -> None:
    assert bool(alerted(item(), level)) is of_any
    assert bool(alerted(item(is_mention=True), level)) is of_a_mention


def test_a_highlight_word_is_a_mention_where_it_is_a_word() -> None:
    assert is_highlight(item("Pizza, anyone?"), ["pizza"])
    assert not is_highlight(item("pizzas"), ["pizza"])
    assert alerted(item("PIZZA!"), words=("beer", "pizza"))


def test_ones_own_messages_and_the_conversation_in_sight_are_silent() -> None:
    assert alerted(item("pizza", is_own=True, is_mention=True), Level.ALL, ("pizza",)) is None
    assert alerted(item(is_mention=True), Level.ALL, is_watched=True) is None


def test_there_is_at_most_one_alert_a_second() -> None:
    attention = Attention()
    times = (NOW, NOW + INTERVAL_S / 2, NOW + INTERVAL_S, NOW + INTERVAL_S * 1.9)
    found = [attention.alert(at, "lobby", item(), level=Level.ALL, is_watched=False) for at in times]
    assert [bool(each) for each in found] == [True, False, True, False]


def test_what_did_not_call_silences_nothing() -> None:
    attention = Attention()
    assert attention.alert(NOW, "lobby", item(), level=Level.MENTION, is_watched=False) is None
    assert attention.alert(NOW, "lobby", item(is_mention=True), level=Level.MENTION, is_watched=False)


def test_an_alert_says_who_and_where_and_what() -> None:
    alert = alerted(item("hello", is_mention=True))
    assert alert == Alert("bob in lobby", "hello", Event.MENTION, "lobby", "bob")
    private = Attention().alert(NOW, "@bob", item("psst", is_mention=True), level=Level.MENTION, is_watched=False)
    assert private == Alert("bob", "psst", Event.PRIVATE, "@bob", "bob")


def test_a_program_is_told_why_where_who_and_what() -> None:
    alert = alerted(item("pizza"), Level.ALL)
    assert alert is not None
    assert variables(alert) == {
        "UDPCHAT_EVENT": "message", "UDPCHAT_EVENT_ROOM": "lobby", "UDPCHAT_EVENT_NICK": "bob",
        "UDPCHAT_EVENT_TEXT": "pizza",
    }  # fmt: skip
    highlighted = alerted(item("pizza"), Level.ALL, ("pizza",))
    assert highlighted is not None and highlighted.event is Event.MENTION


@pytest.mark.parametrize(("characters", "dots"), [(BODY_CHARACTERS_MAX, 0), (BODY_CHARACTERS_MAX + 1, 1), (9_999, 1)])
def test_a_long_text_is_cut_to_what_is_shown(characters: int, dots: int) -> None:
    alert = alerted(item("x" * characters), Level.ALL)
    assert alert is not None
    assert alert.body == "x" * (BODY_CHARACTERS_MAX - dots) + "\u2026" * dots


def test_each_signal_of_the_terminal_has_its_sequence() -> None:
    alert = Alert("a;b in lobby", "x; y", Event.MENTION, "lobby", "a;b")
    assert terminal_text(alert, {Signal.BELL}) == "\a"
    assert terminal_text(alert, {Signal.OSC9}) == "\x1b]9;a,b in lobby: x; y\a"
    assert terminal_text(alert, [Signal.OSC777, Signal.BELL]) == "\a\x1b]777;notify;a,b in lobby;x; y\a"
    assert terminal_text(alert, {Signal.DESKTOP}) == terminal_text(alert, ()) == ""


@given(st.text(), st.text() | st.text("\x1b\a\u202e\u200b]9;\\\n", max_size=5 * BODY_CHARACTERS_MAX))
def test_nothing_that_others_chose_ends_or_begins_a_sequence(nick: str, text: str) -> None:
    alert = alerted(item(text, nick=nick), Level.ALL)
    assert alert is not None
    assert printable(alert.title) == alert.title and printable(alert.body) == alert.body
    assert len(alert.title) <= TITLE_CHARACTERS_MAX and len(alert.body) <= BODY_CHARACTERS_MAX
    written = terminal_text(alert, {Signal.OSC9, Signal.OSC777})
    safe = "[^\x00-\x1f\x7f-\x9f]*"
    assert re.fullmatch(f"\x1b]9;{safe}\a\x1b]777;notify;[^;]*;{safe}\a", written)
