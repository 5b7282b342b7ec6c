"""The line at the bottom: its keys, what was typed before, completion, and how it grows."""

from __future__ import annotations

import pytest
from textual import events

from tests.ui.tui.desk import Desk, drive
from udpchat.chat.text import EDITED_CHARACTERS_MAX
from udpchat.ui.tui.input_box import ESCAPE_S_MAX, ROWS_MAX, InputBox


def box(desk: Desk) -> InputBox:
    return desk.app.screen.query_one(InputBox)


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        (["ctrl+a", "X"], "Xone two three"),
        (["home", "end", "X"], "one two threeX"),
        (["alt+b", "X"], "one two Xthree"),
        (["ctrl+a", "alt+f", "X"], "oneX two three"),
        (["ctrl+w", "X"], "one two X"),
        (["ctrl+w", "ctrl+a", "ctrl+y"], "threeone two "),
        (["alt+b", "ctrl+u"], "three"),
        (["alt+b", "ctrl+k"], "one two "),
        (["alt+b", "ctrl+k", "ctrl+y", "ctrl+y"], "one two threethree"),
        (["ctrl+a", "ctrl+d"], "ne two three"),
        (["escape", "b", "X"], "one two Xthree"),
    ],
)
def test_keys_edit_the_line_as_in_a_shell(keys: list[str], left: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("one two three")
        await desk.press(*keys)
        assert desk.app.typed == left

    drive(steps)


@pytest.mark.parametrize("key", ["alt+enter", "ctrl+j", "shift+enter"])
def test_a_line_break_is_typed_with_alt_enter(key: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("one")
        await desk.press(key)
        await desk.type("two")
        assert desk.app.typed == "one\ntwo"
        await desk.press("enter")
        assert desk.entered == ["one\ntwo"]

    drive(steps)


def test_escape_and_enter_is_alt_enter_for_terminals_without_alt() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("a", "escape", "enter", "b")
        assert desk.app.typed == "a\nb"
        assert desk.entered == []

    drive(steps)


def test_an_escape_that_ends_something_is_no_alt() -> None:
    async def steps(desk: Desk) -> None:
        desk.say(desk.wire.person("bob"), "shall we?")
        await desk.until("shall we?")
        await desk.press("alt+up", "escape")
        await desk.type("all right")
        assert desk.app.messages.selected is None
        assert desk.app.typed == "all right"

    drive(steps, "lobby", "dev")


@pytest.mark.parametrize(("seconds", "room"), [(0.1, "dev"), (ESCAPE_S_MAX + 0.1, "lobby")])
def test_escape_is_alt_for_a_key_that_comes_at_once(seconds: float, room: str) -> None:
    async def steps(desk: Desk) -> None:
        escape, key, last = (events.Key(name, name if len(name) == 1 else None) for name in ("escape", "2", "x"))
        key.time = escape.time + seconds
        for event in (escape, key, last):
            box(desk).post_message(event)
        await desk.until(lambda: desk.app.typed.endswith("x"))
        assert (desk.prompt.target, desk.app.typed) == (room, "x" if room == "dev" else "2x")

    assert ESCAPE_S_MAX <= 0.3
    drive(steps, "lobby", "dev")


def test_the_box_grows_with_what_is_typed_up_to_some_rows() -> None:
    async def steps(desk: Desk) -> None:
        for _ in range(ROWS_MAX + 3):
            await desk.press("x", "ctrl+j")
        await desk.until(lambda: box(desk).size.height == ROWS_MAX)
        await desk.press("enter")
        await desk.until(lambda: box(desk).size.height == 1)

    drive(steps)


def test_what_was_typed_before_comes_back_and_the_half_typed_line_too() -> None:
    async def steps(desk: Desk) -> None:
        for text in ("first", "second"):
            await desk.type(text)
            await desk.press("enter")
        await desk.type("half")
        for key, shown in (
            ("up", "second"), ("up", "first"), ("up", "first"), ("down", "second"), ("down", "half"), ("down", "half"),
        ):  # fmt: skip
            await desk.press(key)
            assert desk.app.typed == shown

    drive(steps)


def test_up_and_down_move_in_a_text_of_several_rows_first() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("before")
        await desk.press("enter")
        await desk.press("a", "ctrl+j", "b", "up", "X")
        assert desk.app.typed == "aX\nb"
        await desk.press("up")
        assert desk.app.typed == "before"

    drive(steps)


def test_ctrl_r_finds_what_was_typed_here() -> None:
    async def steps(desk: Desk) -> None:
        for text in ("a red fox", "a grey hound", "a red kite"):
            await desk.type(text)
            await desk.press("enter")
        await desk.press("ctrl+r")
        await desk.type("red")
        await desk.until("a red fox")
        await desk.press("down", "enter")
        await desk.until(lambda: desk.app.typed == "a red fox")

    drive(steps)


def test_what_ctrl_r_replaces_is_kept_for_up() -> None:
    async def steps(desk: Desk) -> None:
        await desk.type("a red fox")
        await desk.press("enter")
        await desk.type("half")
        await desk.press("ctrl+r")
        await desk.type("red")
        await desk.press("enter")
        await desk.until(lambda: desk.app.typed == "a red fox")
        await desk.press("up")
        assert desk.app.typed == "half"

    drive(steps)


def test_a_message_refused_as_too_long_comes_back_with_up() -> None:
    async def steps(desk: Desk) -> None:
        text = "x" * (EDITED_CHARACTERS_MAX // 2)
        desk.paste(text)
        await desk.until(lambda: desk.app.typed == text)
        await desk.press("enter")
        assert not desk.client.model.items("lobby")
        assert desk.app.typed == text
        await desk.press("ctrl+c", "up")
        assert desk.app.typed == text

    drive(steps)


def test_a_line_that_is_refused_stands_on_the_empty_line_again_and_up_brings_the_one_before() -> None:
    async def steps(desk: Desk) -> None:
        for line in ("hello", "/mgs bob a secret"):
            await desk.type(line)
            await desk.press("enter")
        await desk.until("did you mean /msg?")
        assert desk.app.typed == "/mgs bob a secret"
        await desk.press("up")
        assert desk.app.typed == "hello"
        await desk.press("down")
        assert desk.app.typed == "/mgs bob a secret"

    drive(steps)


def test_what_the_server_refuses_comes_back_whole_where_it_was_typed() -> None:
    async def steps(desk: Desk) -> None:
        with desk.delayed():
            await desk.type("/msg nobody psst")
            await desk.press("enter")
            assert desk.app.typed == ""
        desk.settle(1.0)
        assert desk.app.typed == "/msg nobody psst"

    drive(steps)


def test_a_line_that_is_refused_waits_in_the_room_where_it_was_typed() -> None:
    async def steps(desk: Desk) -> None:
        with desk.delayed():
            await desk.type("/msg nobody psst")
            await desk.press("enter", "alt+2")
        desk.settle(1.0)
        await desk.until("what was not sent is on the line of lobby again")
        assert desk.app.typed == ""
        await desk.press("alt+1")
        assert desk.app.typed == "/msg nobody psst"

    drive(steps, "lobby", "dev")


def test_a_line_that_is_refused_takes_no_place_of_what_is_typed() -> None:
    async def steps(desk: Desk) -> None:
        with desk.delayed():
            await desk.type("/msg nobody psst")
            await desk.press("enter", "h")
        desk.settle(1.0)
        await desk.until("Up brings back what was not sent")
        assert desk.app.typed == "h"
        await desk.press("up")
        assert desk.app.typed == "/msg nobody psst"

    drive(steps)


def test_an_own_message_that_is_not_confirmed_can_be_edited_once_it_is() -> None:
    async def steps(desk: Desk) -> None:
        with desk.delayed():
            await desk.type("helo")
            await desk.press("enter")
            await desk.until("alice helo")
            await desk.press("alt+up", "alt+e", "backspace", "l", "o", "enter")
            await desk.until("not confirmed yet")
            edit = desk.app.typed
            assert edit.startswith("/edit ") and edit.endswith(" hello")
            await desk.press("ctrl+c", "alt+up", "alt+r")
            await desk.type("indeed")
            await desk.press("enter")
            assert len(desk.client.model.sending) == 1
        await desk.press("ctrl+c", "up", "up")
        assert desk.app.typed == edit
        await desk.press("enter")
        desk.settle(1.0)
        await desk.until("hello (edited)")

    drive(steps)


@pytest.mark.parametrize(("key", "kept"), [("1", "a\nb\nc\nd\ne\nf"), ("2", "f")])
def test_a_paste_that_is_sent_after_the_question_comes_back_with_up(key: str, kept: str) -> None:
    async def steps(desk: Desk) -> None:
        desk.paste("\n".join("abcdef"))
        await desk.until("You pasted 6 lines")
        await desk.press(key)
        await desk.until(lambda: desk.app.is_drawn and desk.entered)
        await desk.press("up")
        assert desk.app.typed == kept

    drive(steps)


def test_tab_completes_and_goes_on_and_shift_tab_back() -> None:
    desk = Desk("lobby", "dev")
    desk.wire.person("bob")
    desk.wire.person("bonnie")

    async def steps(desk: Desk) -> None:
        await desk.until("3 here")
        await desk.press("b", "o", "tab")
        assert desk.app.typed == "bob: "
        await desk.press("tab")
        assert desk.app.typed == "bonnie: "
        await desk.press("shift+tab")
        assert desk.app.typed == "bob: "
        await desk.press("ctrl+u")
        await desk.type("/room d")
        await desk.press("tab")
        assert desk.app.typed == "/room dev "
        await desk.press("ctrl+u")
        await desk.type("/the")
        await desk.press("tab")
        await desk.type("hi")
        await desk.press("tab")
        assert desk.app.typed == "/theme high-contrast "

    drive(steps, desk=desk)


def test_more_than_can_be_edited_is_not_inserted() -> None:
    async def steps(desk: Desk) -> None:
        assert box(desk).write("x" * EDITED_CHARACTERS_MAX)
        await desk.press("ctrl+j")
        assert not box(desk).write("y")
        assert len(desk.app.typed) == EDITED_CHARACTERS_MAX

    drive(steps)


def test_escape_sequences_that_are_pasted_are_not_drawn() -> None:
    async def steps(desk: Desk) -> None:
        desk.paste("a\x1b]52;c;aGk=\x07b\x9b\u202ec\td")
        await desk.until("b\N{REPLACEMENT CHARACTER}")
        drawn = desk.rows[-1]
        assert "a\N{REPLACEMENT CHARACTER}]52;c;aGk=\N{REPLACEMENT CHARACTER}b" in drawn
        assert drawn.isprintable()
        await desk.press("home", "right", "delete", "delete")
        await desk.until(lambda: desk.app.typed.startswith("a52"))

    drive(steps)


def test_only_a_line_feed_of_a_paste_is_a_line_break_and_enter_refuses_other_control_characters() -> None:
    async def steps(desk: Desk) -> None:
        text = "a\x0bb\x0cc\x1cd\x85e\u2028f\ng\n\nh\x0b"
        desk.paste(text)
        await desk.until(lambda: desk.app.typed == text)
        await desk.press("enter")
        await desk.until("VT (U+000B)")
        assert desk.app.typed == text
        await desk.press("ctrl+c")
        desk.paste("one\u2028two\n")
        await desk.press("enter")
        assert desk.client.model.items("lobby")[-1].text == "one\u2028two"

    drive(steps)


def test_joiners_are_typed_as_persian_and_many_emoji_need_them() -> None:
    async def steps(desk: Desk) -> None:
        for text in ("\N{WOMAN}\u200d\N{ROCKET}", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"):
            for character in text:
                box(desk).post_message(events.Key("unnamed", character))
            await desk.until(lambda text=text: desk.app.typed == text)
            await desk.press("ctrl+u")

    drive(steps)


def test_a_blank_line_sends_nothing() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("enter", "space", "space", "enter")
        assert desk.entered == []

    drive(steps)


def test_keys_that_come_at_once_are_taken_in_their_order() -> None:
    async def steps(desk: Desk) -> None:
        line = box(desk)
        for key in ("o", "enter", "t", "enter", "/", "j", " ", "d", "enter", "x"):
            line.post_message(events.Key(key, " " if key == " " else None if key == "enter" else key))
        line.post_message(events.Paste("pasted"))
        line.post_message(events.Key("enter", None))
        await desk.until(lambda: len(desk.entered) == 4)
        assert desk.entered == ["o", "t", "/j d", "xpasted"]
        assert desk.client.model.items("d")[-1].text == "xpasted"

    drive(steps)


def test_keys_that_are_read_together_with_enter_are_of_the_next_line() -> None:
    async def steps(desk: Desk) -> None:
        for key in ("a", "enter", "b", "enter", "c"):  # as a fast typist's come: before the screen has its turn
            box(desk).post_message(events.Key(key, key if len(key) == 1 else None))
        await desk.until(lambda: desk.app.typed == "c")
        assert desk.entered == ["a", "b"]

    drive(steps)


def test_a_backspace_that_is_read_together_with_enter_is_done_before_it() -> None:
    async def steps(desk: Desk) -> None:
        for key in ("a", "b", "backspace", "left", "c", "enter"):
            box(desk).post_message(events.Key(key, key if len(key) == 1 else None))
        await desk.until(lambda: desk.entered)
        assert desk.entered == ["ca"]

    drive(steps)


def test_keys_that_come_with_the_turn_to_another_room_are_of_its_line() -> None:
    async def steps(desk: Desk) -> None:
        for key in ("a", "ctrl+n", "b", "enter", "ctrl+p"):
            box(desk).post_message(events.Key(key, key if len(key) == 1 else None))
        await desk.until(lambda: desk.app.typed == "a")
        assert desk.client.model.items("dev")[-1].text == "b"

    drive(steps, "lobby", "dev")
