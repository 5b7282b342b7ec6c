"""A list at the side: what fits in a row, what is drawn, and what a click opens."""

from __future__ import annotations

import asyncio

from textual.app import App, ComposeResult

from udpchat.ui.tui.side_and_status import Look, SideRow
from udpchat.ui.tui.side_list import SideList, row_text


def test_a_row_is_as_wide_as_the_list_and_keeps_its_tail() -> None:
    assert row_text(SideRow("lobby", "@1 3"), 12) == "lobby   @1 3"
    assert row_text(SideRow("a-long-name-of-a-room", "7"), 12) == "a-long-na… 7"
    assert row_text(SideRow("\u65e5\u672c\u8a9e\u306e\u90e8\u5c4b", "7"), 8) == "\u65e5\u672c…  7"
    assert row_text(SideRow("lobby", "12345"), 3) == " 12"
    assert row_text(SideRow("lobby"), 0) == ""


class Lists(App[None]):
    """One list alone."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield SideList(id="rooms")

    def on_side_list_chosen(self, chosen: SideList.Chosen) -> None:
        self.chosen.append(chosen.target)


def test_a_click_opens_the_row_that_is_there_and_a_title_opens_nothing() -> None:
    async def run() -> list[str]:
        app = Lists()
        async with app.run_test(size=(20, 10)) as pilot:
            shown = app.query_one(SideList)
            shown.show([SideRow("2 here", look=Look.TITLE), SideRow(" alice", target="@alice")])
            await pilot.pause()
            for y in (0, 1, 5):
                await pilot.click(SideList, offset=(3, y))
        return app.chosen

    assert asyncio.run(run()) == ["@alice"]


def test_the_open_one_of_many_is_scrolled_into_sight() -> None:
    async def run() -> str:
        app = Lists()
        async with app.run_test(size=(20, 10)) as pilot:
            shown = app.query_one(SideList)
            rows = [SideRow(f"room {number}") for number in range(100)]
            rows[60] = SideRow("room 60", look=Look.OPEN)
            shown.show(rows)
            await pilot.pause()
            return "".join(shown.render_line(y).text for y in range(10))

    assert "room 60" in asyncio.run(run())


def test_beside_a_scroll_bar_a_row_keeps_its_tail() -> None:
    async def run() -> list[str]:
        app = Lists()
        async with app.run_test(size=(20, 10)) as pilot:
            shown = app.query_one(SideList)
            shown.show([SideRow(f"room {number}", "12") for number in range(30)])
            await pilot.pause()
            assert shown.show_vertical_scrollbar
            return [shown.render_line(y).text for y in range(shown.size.height)]

    texts = asyncio.run(run())
    assert all(text.endswith(" 12") and len(text) == len(texts[0]) < 20 for text in texts)
