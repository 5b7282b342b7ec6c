"""The table of keys: what it must hold, and how it is listed."""

from __future__ import annotations

from collections import Counter

from tests.ui.tui.desk import Desk, drive
from udpchat.chat import events
from udpchat.ui.phrases import text_of
from udpchat.ui.tui.app import ChatApp
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.keys import ACTIONS, Keymap, spelled

EXPECTED = (
    "tab shift+tab up down ctrl+r pageup pagedown alt+home alt+end ctrl+n ctrl+p alt+left alt+right alt+1 alt+9 alt+a "
    "alt+n alt+p alt+u ctrl+k alt+enter alt+l ctrl+l f7 f8 ctrl+f ctrl+a ctrl+e ctrl+u ctrl+w ctrl+y alt+b alt+f "
    "ctrl+c ctrl+d ctrl+z f1"
).split()


def test_the_keys_that_people_expect_are_there() -> None:
    assert not set(EXPECTED) - set(Keymap().call_of_key)


def test_a_key_does_one_thing_and_an_action_has_one_name() -> None:
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


ARRIVES_EVERYWHERE = {
    "enter", "tab", "shift+tab", "up", "down", "home", "end", "pageup", "pagedown", "ctrl+space", "ctrl+underscore",
    "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f12", *(f"ctrl+{letter}" for letter in "abcdefgjklnoprstuwxyz"),
}  # fmt: skip
REACHED_OTHERWISE = {
    "keys": "/keys", "first": "PgUp", "last": "PgDn", "word_left": "Left", "word_right": "Right",
    "cut_next_word": "Delete", **{f"room_{number}": "Ctrl+N, Ctrl+P, F2" for number in range(1, 10)},
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
    assert len(lines) == len(ACTIONS) + 1
    assert any(line.split()[0] == "Alt+A," and "something new" in line for line in lines)


# --- Other keys ----------

OTHERS = Keymap({
    "send": ("f10",), "newline": ("enter",), "redraw": (), "clear": ("ctrl+v",), "keys": (), "cut_or_switch": (),
    "switch": ("f11",), "end": (),
})  # fmt: skip


def test_the_keys_of_an_action_are_replaced_or_taken_away() -> None:
    calls = OTHERS.call_of_key
    assert calls["f10"] == "send" and calls["enter"] == "newline" and calls["alt+a"] == "app.turn_to_active"
    assert not {"ctrl+l", "ctrl+j", "f1", "ctrl+c"} & set(calls)
    assert (OTHERS.first("send"), OTHERS.first("redraw")) == ("F10", "")


def test_ctrl_space_is_one_key_whatever_the_terminal_sends_for_it() -> None:
    calls = Keymap().call_of_key
    assert calls["ctrl+space"] == calls["ctrl+@"] == "complete(1)"
    assert "ctrl+@" not in Keymap({"complete": ("tab",)}).call_of_key


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
