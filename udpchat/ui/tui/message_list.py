"""The messages of one conversation as a widget: it scrolls, wraps, selects, and asks for earlier pages.

It is no `ScrollView`: that one wants to know the height of all there is, here only the surroundings of the view are
laid out (`viewport`). How an application uses it:

- `show(source, unread_after=...)` when a conversation is opened, where it was left: at the end, or scrolled back.
  `source` gives what there is (`MessageSource`).
- `renew()` after the model or the local lines of the conversation changed: it reads them from `source` again.
- `receive_page(page.first, page.before, items)` with the event `PageFound` of this conversation that `source.want_page`
  led to, at once or later (`History.page`); `Model.item_of` makes the items.
- `amend(...)` on an `Amendment`, also one in an `EarlierAmended`, with `Model.amended` and `Conversation.quote_after`:
  this list may hold what the model does not.
- keys and commands: `scroll_rows`, `scroll_pages`, `jump_to_end`, `jump_to_unread`, `jump_to(sequence)`;
  `select_by`, `unselect`, and `selected` for replies, reactions, edits.
- it takes no focus, so that a click leaves it in the input. `LinkPressed` is posted for a click on a link; a drag
  selects text as everywhere in Textual, a double click a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import ClassVar, Final, Protocol

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from udpchat.client.model import Item, Quote
from udpchat.ui.phrases import sentence
from udpchat.ui.tui.cells import cut
from udpchat.ui.tui.ink import BELOW, COMPONENTS, CSS, SELECTED, Ink
from udpchat.ui.tui.local_lines import LocalLine
from udpchat.ui.tui.rows import Form
from udpchat.ui.tui.selecting import copied, entry_selection, highlighted, line_of
from udpchat.ui.tui.viewport import Anchor, At, ScrollPlaces, Viewport
from udpchat.ui.tui.window import PAGE_ITEMS, PageWanted, Window

WHEEL_ROWS: Final = 3
ABOVE_GOAL: Final = 3  # sequences above a message that one went to
PAGES_AT_ONCE_MAX: Final = 3  # asked for by one step: in a page there may be nothing that is shown


class MessageSource(Protocol):
    """Where the list gets the messages of one conversation from, which is called `name`."""

    @property
    def name(self) -> str: ...

    def latest(self) -> Sequence[Item]:
        """`Model.items` of the conversation."""

    def local_lines(self) -> Sequence[LocalLine]:
        """`LocalLines.of` the conversation."""

    def want_page(self, before: int, count: int) -> None:
        """Have `count` messages before this sequence given to `receive_page`, at once or later."""


class MessageList(Widget):
    """The list."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    class LinkPressed(Message):
        """A link was clicked."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class EndReached(Message):
        """The person has moved to the latest message."""

    def __init__(self, *, zone: tzinfo | None = None, id: str | None = None) -> None:
        """Times are in `zone`; None: that of this machine."""
        super().__init__(id=id)
        self._source: MessageSource | None = None
        self._places = ScrollPlaces()
        self._port = Viewport(Window(), Form(1, zone))
        self._visible: list[At] | None = None  # None: not known, since something changed
        self._selected_id = ""
        self._goal = ""  # the id of a message to select once its page has come, unless the person moves on
        self._ink: Ink | None = None  # None: the theme has changed
        self._has_nick_colours = True
        self._is_asking = False
        self._clicked: At | None = None

    # --- What it shows ----------

    def show(self, source: MessageSource, *, unread_after: int | None, is_replaced: bool = False) -> None:
        """Show a conversation, where it was left. Messages after the sequence `unread_after` are unread.

        `is_replaced`: it has other messages than before, and is shown from its end.
        """
        if self._source is not None:
            self._places.leave(self._source.name, self._port.anchor)
        place = self._places.take(source.name)
        self._source, self._selected_id, self._goal = source, "", ""
        self._port = Viewport(Window(unread_after), self._port.form, self._port.height)
        self.renew()
        if place is not None and not is_replaced:
            self._jump(place)
        self._changed()  # to one where nothing was said, too

    def renew(self) -> None:
        """The model has changed, or a line was added."""
        if self._source is not None and self._port.update(self._source.latest(), self._source.local_lines()):
            self._changed()

    def amend(self, sequence: int, identity: str, change: Callable[[Item], Item], quote: Quote | None) -> None:
        """Something was said about the message of this sequence and id, which becomes another; see `Window.amend`."""
        self._port.window.amend(sequence, identity, change, quote)
        self._changed()

    def receive_page(self, first: int, before: int, items: Sequence[Item]) -> None:
        """The messages with sequences from `first` to below `before`, all that there are; see `Window.receive`."""
        if self._port.window.receive(first, before, items):
            self._port.settle()
            self._changed()
        if self._goal and self._port.window.find(self._goal) is not None:
            self.select(self._goal)

    def set_form(self, *, time_format: str, is_formatted: bool, has_nick_colours: bool) -> None:
        """What the user prefers: times as of `strftime`, light formatting, a colour for each nick."""
        form = replace(self._port.form, time_format=time_format, is_formatted=is_formatted)
        self._port.resize(form, self._port.height)
        self._has_nick_colours, self._ink = has_nick_colours, None
        self._changed()

    def set_unread_after(self, sequence: int | None) -> None:
        """Messages after this sequence are unread."""
        self._port.window.set_unread_after(sequence)
        self.renew()
        self._changed()

    def _changed(self, *, is_moved: bool = False) -> None:
        self._visible = None
        self.refresh()
        self._goal = "" if is_moved else self._goal
        if is_moved and self.is_at_end:
            self.post_message(self.EndReached())
        if not self._is_asking:
            self._is_asking = True  # what is asked for may come at once
            for _ in range(PAGES_AT_ONCE_MAX):
                self._ask(self._port.wanted())
            self._is_asking = False

    def _ask(self, wanted: PageWanted | None) -> None:
        if wanted is not None and self._source is not None:
            self._source.want_page(wanted.before, PAGE_ITEMS)

    # --- Moving ----------

    @property
    def is_at_end(self) -> bool:
        """Whether the latest message is shown, and new ones are as they come."""
        return self._port.is_at_end

    def scroll_rows(self, rows: int) -> None:
        """Scroll down by so many rows, or up if negative."""
        self._port.move(rows)
        self._changed(is_moved=True)

    def scroll_pages(self, pages: int) -> None:
        self.scroll_rows(pages * max(self._port.height - 2, 1))

    def jump_to_end(self) -> None:
        self._port.jump_to_end()
        self._changed(is_moved=True)

    def jump_to_unread(self) -> None:
        """Put the first unread message at the top, if there is one."""
        if (unread_after := self._port.window.unread_after) is not None:
            self.jump_to(unread_after + 1)

    def jump_to(self, sequence: int) -> None:
        """Put the message of this sequence at the top, or the next one that there is; fetch it if need be."""
        self._jump(Anchor((sequence, 0)))
        self._changed(is_moved=True)

    def go_to(self, sequence: int, identity: str) -> None:
        """Select the message of this sequence and id, with some of what was said before it; fetch it if need be."""
        self.jump_to(max(sequence - ABOVE_GOAL, 1))
        if not self.select(identity) and not self._port.window.holds(sequence):
            self._goal = identity

    def _jump(self, place: Anchor) -> None:
        window, sequence = self._port.window, place.key[0]
        wanted = None if sequence <= 0 or window.holds(sequence) else window.want_jump(sequence)
        self._port.jump(place)
        self._ask(wanted)

    # --- The selected message ----------

    @property
    def selected(self) -> Item | None:
        """The message that the user has selected, as it is now."""
        items = (entry for entry in self._port.window.entries if isinstance(entry, Item))
        return next((item for item in items if item.id == self._selected_id), None)

    def _selected_index(self) -> int | None:
        return self._port.window.find(self._selected_id) if self._selected_id else None

    def select(self, identity: str) -> bool:
        """Select the message of this id and bring it into view; False if it is not held."""
        index = self._port.window.find(identity)
        self._selected_id = identity if index is not None else ""
        if index is not None:
            self._port.reveal(index)
        self._changed(is_moved=True)
        return index is not None

    def select_by(self, step: int) -> None:
        """Select the message above the selected one (-1), at first the last one on the screen, or that below it (1).

        Below the last one none is selected.
        """
        index, entries, visible = self._selected_index(), self._port.window.entries, self._port.visible()
        if index is None and (step > 0 or not visible):
            return
        start = visible[-1][0] + 1 if index is None else index
        indexes = range(start - 1, -1, -1) if step < 0 else range(start + 1, len(entries))
        found = next((entry for at in indexes if isinstance(entry := entries[at], Item)), None)
        if found is not None:
            self.select(found.id)
        elif step > 0:
            self.unselect()

    def unselect(self) -> None:
        self._selected_id = self._goal = ""
        self._changed()

    # --- Drawing ----------

    def on_resize(self, event: events.Resize) -> None:
        """The width or height has changed."""
        self._port.resize(replace(self._port.form, width=self.size.width), self.size.height)
        self._changed()

    def notify_style_update(self) -> None:
        """The theme has changed."""
        super().notify_style_update()
        self._ink = None

    def _line(self, y: int) -> At | None:
        """The row on this line of the screen; the last row of all stands at the bottom."""
        if self._visible is None:
            self._visible = self._port.visible()
        at = y - (self._port.height - len(self._visible))
        return self._visible[at] if 0 <= at < len(self._visible) else None

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, at = self.size.width, self._line(y)
        if self._ink is None:
            background = self.background_colors[1] if self._has_nick_colours else None
            self._ink = Ink(self.get_component_rich_style, self.rich_style, background)
        if at is None:
            return Strip.blank(width, self._ink.plain)
        if y == self._port.height - 1 and y > 0 and (text := _text_below(self._port)):
            return Strip([Segment(cut(text, width).center(width), self._ink.styles[BELOW])], width)
        line = line_of(self._port, at)
        row = self._port.row(at)
        segments = self._ink.draw(row)
        if self._selected_id and not row.is_frame and at[0] == self._selected_index():
            segments = highlighted([*segments, Segment(" " * width)], (0, -1), self._ink.styles[SELECTED])
        if self.text_selection is not None and (span := self.text_selection.get_span(line)) is not None:
            segments = highlighted(segments, span, self.screen.get_component_rich_style("screen--selection"))
        return Strip(segments).adjust_cell_length(width, self._ink.plain).apply_offsets(0, line)

    # --- The mouse ----------

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A selection that is drawn to the edge goes on beyond it."""
        if event.button and self.text_selection is not None and event.y in (0, self._port.height - 1):
            event.stop()
            self.scroll_rows(1 if event.y else -1)

    def on_click(self, event: events.Click) -> None:
        """A link was clicked, or a place where a second click selects a message."""
        self._clicked = self._line(event.y)
        if event.style.link and self.text_selection is None:
            self.post_message(self.LinkPressed(event.style.link))

    # --- Selecting text ----------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that is selected, and what separates it from that of another widget."""
        return copied(self._port, selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def text_select_all(self) -> None:
        """Select the message that was clicked: a double click comes here, and all messages are more than one wants."""
        if self._clicked is not None and self._clicked[0] < len(self._port.window.entries):
            self.screen.selections = {self: entry_selection(self._port, self._clicked[0])}


def _text_below(port: Viewport) -> str:
    """How much there is below the view; empty if nothing is."""
    if not (count := port.below()):
        return ""
    return sentence("list.below" if port.window.is_attached else "list.below.at_least", count=count)
