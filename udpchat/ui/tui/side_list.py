"""A list at the side of the messages: rooms, or members. It draws the rows that are in sight, and reports clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from udpchat.ui.tui.cells import cut
from udpchat.ui.tui.side_and_status import Look, SideRow


class SideList(ScrollView, can_focus=False):
    """Rows of text, each cut at the width; a click on one that opens something posts `Chosen`."""

    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"side-list--{look.value}" for look in Look}
    DEFAULT_CSS = """
    SideList { scrollbar-size-vertical: 1; overflow-x: hidden; }
    SideList > .side-list--open { text-style: bold reverse; }
    SideList > .side-list--unread { text-style: bold; }
    SideList > .side-list--mention { text-style: bold; color: $accent; }
    SideList > .side-list--away { text-style: italic; color: $text-muted; }
    SideList > .side-list--title { text-style: underline; }
    """

    class Chosen(Message):
        """A row was clicked that opens `target`."""

        def __init__(self, target: str) -> None:
            self.target = target
            super().__init__()

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: Sequence[SideRow] = ()

    def show(self, rows: Sequence[SideRow]) -> None:
        """Draw these rows, if they differ from those that are drawn; that of the open conversation stays in sight."""
        if rows == self._rows:
            return
        former, self._rows = self._rows, rows
        self.virtual_size = Size(self.scrollable_size.width, len(rows))
        at = next((number for number, row in enumerate(rows) if row.look is Look.OPEN), None)
        if at is not None and (at >= len(former) or former[at].look is not Look.OPEN):
            self.call_after_refresh(self.scroll_to, y=max(0, at - self.size.height // 2), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the widget."""
        width, number = self.scrollable_size.width, y + self.scroll_offset.y
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[number]
        style = self.get_component_rich_style(f"side-list--{row.look.value}")
        return Strip([Segment(row_text(row, width), style)], width)

    def on_click(self, event: events.Click) -> None:
        """Open what was clicked."""
        number = event.y + self.scroll_offset.y
        if number < len(self._rows) and self._rows[number].target:
            self.post_message(self.Chosen(self._rows[number].target))


def row_text(row: SideRow, width: int) -> str:
    """The text of a row, as wide as `width`: what does not fit before its tail is cut, and that is shown."""
    tail = f" {row.tail}" if row.tail else ""
    room = max(0, width - cell_len(tail))
    text = cut(row.text, room)
    return set_cell_size(text + " " * (room - cell_len(text)) + tail, width)
