"""A password on the full screen: typed and pasted without being shown."""

from __future__ import annotations

import asyncio

import pytest
from textual import events

from tests.ui.tui.desk import Desk, drive
from tests.ui.tui.test_picker import Asking, answer
from udpchat.ui.tui.hidden_box import HiddenBox


@pytest.mark.parametrize(
    ("keys", "typed"),
    [
        (["a", "b", "backspace", "c", "enter"], "ac"),
        (["enter"], ""),
        (["a", "escape"], ""),
        (["a", "ctrl+c"], ""),
        (["a", "ctrl+u", "b", "enter"], "b"),
    ],
)
def test_what_is_typed_is_the_answer_and_escape_gives_none(keys: list[str], typed: str) -> None:
    assert answer(HiddenBox("Password?"), *keys) == typed


def test_what_is_pasted_is_typed() -> None:
    async def run() -> str | None:
        app = Asking(HiddenBox("Password?"))
        async with app.run_test(size=(40, 20)) as pilot:
            app.screen.query_one("Input").post_message(events.Paste("correct horse"))
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
        return app.answer

    assert asyncio.run(run()) == "correct horse"


def test_the_screen_shows_the_question_and_nothing_of_the_answer() -> None:
    got: list[str] = []

    async def steps(desk: Desk) -> None:
        await desk.type("half typed")
        desk.app.ask_hidden("password of \x1b[31malice", got.append)
        await desk.until("password of")
        await desk.type("hunter22")
        await desk.until("\u2022" * 8)
        assert "hunter22" not in desk.text and "\x1b" not in desk.text
        await desk.press("enter")
        await desk.until(lambda: got)
        assert desk.app.typed == "half typed"

    desk = drive(steps)
    assert got == ["hunter22"] and desk.entered == []
