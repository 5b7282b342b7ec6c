"""The table of keys: what it must hold, and how it is listed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.ui.tui.desk import Desk, drive
from udpchat.chat import events
from udpchat.chat.phrase import Problem
from udpchat.ui.phrases import text_of
from udpchat.ui.tui.app import ChatApp
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.keys import ACTIONS, Keymap, conflicts, key_of, parse_keys, spelled

EXPECTED = (
    "tab shift+tab up down ctrl+r pageup pagedown alt+home alt+end ctrl+n ctrl+p alt+left alt+right alt+1 alt+9 alt+a "
    "alt+n alt+p alt+u ctrl+k alt+enter alt+l ctrl+l f7 f8 ctrl+f ctrl+a ctrl+e ctrl+u ctrl+w ctrl+y alt+b alt+f "
    "ctrl+c ctrl+d ctrl+z f1"
).split()


def test_the_keys_that_people_expect_are_there() -> None:
    assert all(Keymap().call_of_key.get(key) for key in EXPECTED)


def test_a_key_does_one_thing_and_an_action_has_one_name() -> None:
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


ARRIVES_EVERYWHERE = {
    "enter", "tab", "shift+tab", "up", "down", "home", "end", "pageup", "pagedown", "ctrl+space", "ctrl+underscore",
    "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f12", *(f"ctrl+{letter}" for letter in "abcdefgjklnopqrstuwxyz"),
}  # fmt: skip
REACHED_OTHERWISE = {
    "keys": "/keys", "first": "PgUp", "last": "PgDn", "word_left": "Left", "word_right": "Right",
    "cut_next_word": "Delete", "open": "/open", "accept": "/join",
    **{f"room_{number}": "Ctrl+N, Ctrl+P, F2" for number in range(1, 10)},
}  # fmt: skip


def test_every_action_but_room_numbers_has_a_key_without_alt() -> None:
    lacking = [action.name for action in ACTIONS if all(key.startswith("alt+") for key in action.keys)]
    assert lacking == [f"room_{number}" for number in range(1, 10)]


def test_every_action_has_a_key_that_arrives_from_every_terminal_or_is_reached_otherwise() -> None:
    lacking = {action.name for action in ACTIONS if not ARRIVES_EVERYWHERE & set(action.keys)}
    assert lacking == set(REACHED_OTHERWISE)


def test_every_action_can_be_called() -> None:
    owners = {"app": ChatApp, "screen": ChatScreen}
    for action in ACTIONS:
        owner, _, call = action.call.rpartition(".")
        assert hasattr(owners.get(owner, InputBox), f"action_{call.partition('(')[0]}"), action.call


def test_keys_are_written_as_people_write_them() -> None:
    assert [spelled(key) for key in ("alt+a", "pageup", "ctrl+space", "shift+f3", "f1")] == [
        "Alt+A", "PgUp", "Ctrl+Space", "Shift+F3", "F1",
    ]  # fmt: skip


def test_the_keys_are_listed_each_with_a_sentence() -> None:
    desk = Desk()
    notices = desk.prompt.enter(desk.wire.now, "/keys")
    lines = [text_of(event) for event in notices if isinstance(event, events.Notice)]
    assert len(lines) == len(ACTIONS) + 2
    assert any(line.split()[0] == "Alt+A," and "something new" in line for line in lines)


# --- Other keys ----------

OTHERS = Keymap({
    "send": ("f10",), "newline": ("enter",), "redraw": (), "clear": ("ctrl+v",), "keys": (), "cut_or_switch": (),
    "switch": ("f11",), "end": (),
})  # fmt: skip


def test_the_keys_of_an_action_are_replaced_or_taken_away() -> None:
    calls = OTHERS.call_of_key
    assert calls["f10"] == "send" and calls["enter"] == "newline" and calls["alt+a"] == "app.turn_to_active"
    assert [calls[key] for key in ("ctrl+l", "ctrl+j", "f1", "ctrl+c")] == [""] * 4
    assert (OTHERS.first("send"), OTHERS.first("redraw")) == ("F10", "")


def test_ctrl_space_is_one_key_whatever_the_terminal_sends_for_it() -> None:
    calls = Keymap().call_of_key
    assert calls["ctrl+space"] == calls["ctrl+@"] == "complete(1)"
    assert Keymap({"complete": ("tab",)}).call_of_key["ctrl+@"] == ""


def test_what_names_keys_names_those_that_are_in_force() -> None:
    assert Keymap().entry == "F1 lists the keys, /help the commands; Ctrl+K chooses a room; /quit or Ctrl+D leaves"
    assert OTHERS.entry == "/keys lists the keys, /help the commands; F11 chooses a room; /quit leaves"
    desk = Desk(keymap=OTHERS)
    listed = [text_of(event) for event in desk.prompt.enter(desk.wire.now, "/keys") if isinstance(event, events.Notice)]
    assert any(line.split()[:2] == ["F10", "send"] for line in listed)
    assert any(line.split()[:2] == ["-", "draw"] for line in listed)


def test_a_person_types_with_other_keys() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("a", "enter", "b", "f10")
        assert desk.entered == ["a\nb"]
        await desk.press("ctrl+v")
        await desk.until("F10: leave once all is confirmed. Ctrl+V: leave at once.")
        await desk.press("f10")
        assert desk.entered[1:] == ["/quit"]

    drive(steps, desk=Desk("lobby", keymap=OTHERS))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Alt+A", "alt+a"), ("alt+a", "alt+a"), ("PgUp", "pageup"), ("pageup", "pageup"), ("ctrl+underscore",) * 2,
        ("Ctrl+_", "ctrl+underscore"), ("Ctrl+Space", "ctrl+space"), ("ctrl+@", "ctrl+space"), ("F12", "f12"),
        ("Shift+Ctrl+Up", "ctrl+shift+up"), ("ctrl+alt+b", "alt+ctrl+b"), (" Ctrl+I ", "tab"), ("CTRL+M", "enter"),
        ("Ctrl+\\", "ctrl+backslash"), ("Alt+5", "alt+5"), ("Alt+Space", "alt+space"),
    ],
)  # fmt: skip
def test_a_key_is_written_as_people_or_as_textual_write_it(written: str, key: str) -> None:
    assert key_of(written) == key == key_of(spelled(key))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Ctlr+G", "there is no key 'Ctlr+G'; did you mean Ctrl+G?"),
        ("F13", "there is no key 'F13'; did you mean F"),
        ("escape", "there is no key 'escape'"),
        ("\x1b[2J" + "x" * 999, "there is no key '\ufffd[2Jxxx"),
        ("", "there is no key ''"),
        ("x", "'x' is typed"),
        ("Ä", "'Ä' is typed"),
        ("Shift+A", "'Shift+A' is typed"),
        ("space", "'space' is typed"),
        (5, "a key is wanted, like"),
        (["F5", ["F6"]], "a key is wanted, like"),
    ],
)
def test_what_is_no_key_is_refused_with_the_nearest(written: Any, said: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_keys(written)
    text = text_of(refused.value.phrase)
    assert text.startswith(said) and text.isprintable() and len(text) < 200


def test_a_key_is_taken_once_and_shown_as_people_write_it() -> None:
    assert parse_keys(["alt+a", "Alt+A", "pageup"]) == ("Alt+A", "PgUp")
    assert parse_keys([]) == () and parse_keys("f5") == ("F5",)


def test_an_action_that_gives_up_its_key_leaves_it_to_another() -> None:
    assert list(conflicts({"active": ["Alt+A"], "reply": ["F4"]})) == []
    assert list(conflicts({action.name: action.keys for action in ACTIONS})) == []
    assert [name for name, _ in conflicts({"unread": ["Ctrl+B"], "reply": ["F9"], "former_mention": ["Ctrl+B"]})] == [
        "unread"
    ]


@pytest.mark.parametrize("name", ["send", "clear"])
def test_nobody_is_left_without_a_key_to_send_or_to_leave(name: str) -> None:
    ((refused, reason),) = conflicts({name: []})
    assert refused == name and text_of(reason) == "this action has to have a key"
    assert list(conflicts({name: ["F10"]})) == []


def test_every_key_of_the_table_can_be_written() -> None:
    for action in ACTIONS:
        assert [key_of(spelled(key)) for key in action.keys] == list(action.keys)


def test_a_key_that_was_taken_away_does_nothing() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("one")
        await desk.press("ctrl+c", "ctrl+l", "f1", "ctrl+d", "a")
        assert desk.app.typed == "onea" and desk.entered == []

    drive(steps, desk=Desk("lobby", keymap=OTHERS))
