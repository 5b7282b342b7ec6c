"""The table of keys: what it must hold, and how it is listed."""

from __future__ import annotations

from collections import Counter

from tests.ui.tui.desk import Desk
from udpchat.chat import events
from udpchat.ui.phrases import text_of
from udpchat.ui.tui.app import ChatApp
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.keys import ACTION_OF_KEY, ACTIONS, spelled

EXPECTED = (
    "tab shift+tab up down ctrl+r pageup pagedown alt+home alt+end ctrl+n ctrl+p alt+left alt+right alt+1 alt+9 alt+a "
    "alt+n alt+p alt+u ctrl+k alt+enter alt+l ctrl+l f7 f8 ctrl+f ctrl+a ctrl+e ctrl+u ctrl+w ctrl+y alt+b alt+f "
    "ctrl+c ctrl+d ctrl+z f1"
).split()


def test_the_keys_that_people_expect_are_there() -> None:
    assert not set(EXPECTED) - set(ACTION_OF_KEY)


def test_a_key_does_one_thing_and_an_action_has_one_name() -> None:
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


def test_every_action_can_be_called() -> None:
    owners = {"app": ChatApp, "screen": ChatScreen}
    for action in ACTIONS:
        owner, _, call = action.call.rpartition(".")
        assert hasattr(owners.get(owner, InputBox), f"action_{call.partition('(')[0]}"), action.call


def test_keys_are_written_as_people_write_them() -> None:
    assert [spelled(key) for key in ("alt+a", "pageup", "ctrl+@", "shift+f3", "f1")] == [
        "Alt+A", "PgUp", "Ctrl+Space", "Shift+F3", "F1",
    ]  # fmt: skip


def test_the_keys_are_listed_each_with_a_sentence() -> None:
    desk = Desk()
    notices = desk.prompt.enter(desk.wire.now, "/keys")
    lines = [text_of(event) for event in notices if isinstance(event, events.Notice)]
    assert len(lines) == len(ACTIONS) + 1
    assert any(line.split()[0] == "Alt+A," and "something new" in line for line in lines)
