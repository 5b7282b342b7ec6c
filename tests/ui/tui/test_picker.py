"""A list to choose from by typing, and a question with a few answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual import events
from textual.app import App
from textual.screen import ModalScreen

from tests.ui.tui.desk import Desk, drive
from udpchat.ui.tui.picker import SHOWN_MAX, Offer, Picker, Question

NAMES = ("lobby", "dev", "[red]ops[/red]")


class Asking(App[None]):
    """Asks at once, and keeps the answer."""

    def __init__(self, asked: ModalScreen[str]) -> None:
        super().__init__()
        self.asked = asked
        self.answer: str | None = None

    def on_mount(self) -> None:
        self.push_screen(self.asked, self.keep)

    def keep(self, answer: str | None) -> None:
        self.answer = answer


def read(*keys: str) -> list[events.Key]:
    """The keys that the terminal gives in one read."""
    return [events.Key(key, key if len(key) == 1 else None) for key in keys]


def answer(asked: ModalScreen[str], *keys: str) -> str | None:
    """What these keys answer."""

    async def run() -> str | None:
        app = Asking(asked)
        async with app.run_test(size=(40, 20)) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
        return app.answer

    return asyncio.run(run())


def find(typed: str) -> Sequence[Offer]:
    return [Offer(name) for name in NAMES if typed in name]


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["enter"], "lobby"),
        (["d", "enter"], "dev"),
        (["down", "enter"], "dev"),
        (["down", "ctrl+n", "up", "enter"], "dev"),
        (["o", "p", "s", "enter"], "[red]ops[/red]"),
        (["x", "enter"], ""),
        (["escape"], ""),
        (["ctrl+c"], ""),
    ],
)
def test_a_part_of_a_name_and_enter_choose(keys: list[str], chosen: str) -> None:
    assert answer(Picker("Which?", find), *keys) == chosen


def test_no_more_are_offered_than_one_can_look_through() -> None:
    asked: list[str] = []

    def many(typed: str) -> Sequence[Offer]:
        asked.append(typed)
        return [Offer(str(number)) for number in range(10 * SHOWN_MAX)]

    assert answer(Picker("Which?", many), "up", "enter") == str(SHOWN_MAX - 1)
    assert asked == [""]


@pytest.mark.parametrize(
    ("keys", "chosen"), [(["2"], "2"), (["down", "enter"], "2"), (["enter"], "1"), (["3"], None), (["escape"], "")]
)
def test_a_question_is_answered_by_a_key(keys: list[str], chosen: str | None) -> None:
    assert answer(Question("What?", {"1": "this", "2": "[b]that"}), *keys) == chosen


@pytest.mark.parametrize("keys", [["enter", "enter"], ["1", "1"], ["enter", "2"], ["escape", "escape"]])
def test_a_question_that_is_answered_twice_in_one_read_closes_alone(keys: list[str]) -> None:
    async def steps(desk: Desk) -> None:
        desk.paste("\n".join("abcdef"))
        await desk.until("You pasted 6 lines")
        for event in read(*keys):
            desk.app.post_message(event)
        await desk.until(lambda: desk.app.is_drawn)
        await desk.type("h")
        await desk.until(lambda: desk.app.is_drawn and desk.app.typed.endswith("h"))

    drive(steps)


@pytest.mark.parametrize(
    ("keys", "room", "typed"),
    [
        (["d", "e", "v", "enter", "h", "i"], "dev", "hi"),
        (["d", "e", "v", "enter", "enter"], "dev", ""),
        (["o", "down", "enter", "x"], "lobby", "x"),
        (["d", "x", "backspace", "enter"], "dev", ""),
        (["d", "escape", "h", "i"], "lobby", "hi"),
        (["escape", "escape", "h"], "lobby", "h"),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_keys_of_one_read_choose_and_go_on_in_the_line_in_their_order(
    keys: list[str], room: str, typed: str, is_open: bool
) -> None:
    async def steps(desk: Desk) -> None:
        if is_open:
            await desk.press("alt+k")
            await desk.until("Which room")
        for event in read(*([] if is_open else ["alt+k"]), *keys):
            desk.app.post_message(event)
        await desk.until(lambda: desk.app.is_drawn and desk.prompt.target == room and desk.app.typed == typed)
        assert desk.entered == []

    drive(steps, "lobby", "dev", "ops")


def test_what_is_pasted_into_a_picker_is_made_safe() -> None:
    async def steps(desk: Desk) -> None:
        await desk.press("alt+k")
        await desk.until("Which room")
        desk.paste("a\x1b]0;b\u202e")
        await desk.until("a\N{REPLACEMENT CHARACTER}]0;b\N{REPLACEMENT CHARACTER}")

    drive(steps)
