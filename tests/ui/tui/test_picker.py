"""A list to choose from by typing, and a question with a few answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual.app import App
from textual.screen import ModalScreen

from udpchat.ui.tui.picker import SHOWN_MAX, Picker, Question

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


def answer(asked: ModalScreen[str], *keys: str) -> str | None:
    """What these keys answer."""

    async def run() -> str | None:
        app = Asking(asked)
        async with app.run_test(size=(40, 20)) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
        return app.answer

    return asyncio.run(run())


def find(typed: str) -> Sequence[str]:
    return [name for name in NAMES if typed in name]


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

    def many(typed: str) -> Sequence[str]:
        asked.append(typed)
        return [str(number) for number in range(10 * SHOWN_MAX)]

    assert answer(Picker("Which?", many), "up", "enter") == str(SHOWN_MAX - 1)
    assert asked == [""]


@pytest.mark.parametrize(
    ("keys", "chosen"), [(["2"], "2"), (["down", "enter"], "2"), (["enter"], "1"), (["3"], None), (["escape"], "")]
)
def test_a_question_is_answered_by_a_key(keys: list[str], chosen: str | None) -> None:
    assert answer(Question("What?", {"1": "this", "2": "[b]that"}), *keys) == chosen
