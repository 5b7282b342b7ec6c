"""Which rows of a window are on the screen: the place where the user reads, and how it moves. Pure.

Heights are known only of entries near the view, since each is laid out when it is needed: nothing here depends on how
many messages there are. The view is fixed either to the end, so that new messages come into it, or to the row at its
top, by what stands there: neither new messages nor another width move it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from udpchat.client.model import Item
from udpchat.ui.tui.local_lines import LineKind, LocalLine
from udpchat.ui.tui.rows import Form, PieceRole, Row, RowPlace, line_rows, message_rows
from udpchat.ui.tui.window import Entry, Key, PageWanted, Window
from udpchat.wire.fields import Value

ROWS_CACHED_MAX: Final = 4_000  # laid out for the view and its surroundings, except that the latest entry always is
PLACES_MAX: Final = 100
ROLES: Final = {
    LineKind.REMARK: PieceRole.LOCAL,
    LineKind.ERROR: PieceRole.ERROR,
    LineKind.ANNOUNCEMENT: PieceRole.ANNOUNCEMENT,
}
FIRST_MARK: Final = -1 << 30  # above all rows of an entry
At = tuple[int, int]
"""The index of an entry and that of one of its rows."""


@dataclass(slots=True)
class _Block:
    """The rows of an entry, what they were made from, and the list of all keys for which that was true last."""

    entry: Entry
    place: RowPlace
    form: Form
    rows: list[Row]
    keys: list[Key]


class Anchor(Value, frozen=True):
    """What stands in the first row of the view: the entry, and the mark of the row."""

    key: Key
    mark: int = FIRST_MARK


class ScrollPlaces:
    """Where conversations that are not open were left, if they were scrolled back: the latest PLACES_MAX."""

    def __init__(self) -> None:
        self._anchors: dict[str, Anchor] = {}

    def leave(self, name: str, anchor: Anchor | None) -> None:
        """A conversation is left with this row at the top, or at its end."""
        if anchor is not None:
            self._anchors[name] = anchor
            if len(self._anchors) > PLACES_MAX:
                del self._anchors[next(iter(self._anchors))]

    def take(self, name: str) -> Anchor | None:
        """Where a conversation that is opened was left; None: at its end."""
        return self._anchors.pop(name, None)


class Viewport:
    """The view of a window: `height` rows, each as wide as `form` says."""

    def __init__(self, window: Window, form: Form, height: int = 1) -> None:
        self.window = window
        self.form = form
        self.height = height
        self.anchor: Anchor | None = None  # of the first row; None: the view is fixed to the end
        self._blocks: OrderedDict[Key, _Block] = OrderedDict()
        self._rows_cached = 0

    @property
    def is_at_end(self) -> bool:
        """Whether new messages come into the view."""
        return self.anchor is None

    # --- Rows ----------

    def rows(self, index: int) -> list[Row]:
        """The rows of an entry; there is at least one."""
        window, key = self.window, self.window.keys[index]
        known = self._blocks.get(key)
        if known is not None and known.keys is window.keys and known.form == self.form:
            self._blocks.move_to_end(key)
            return known.rows
        entry, place = window.entries[index], window.place(index, self.form)
        if known is None or (known.entry, known.place, known.form) != (entry, place, self.form):
            self._rows_cached -= len(known.rows) if known is not None else 0
            known = _Block(entry, place, self.form, _laid_out(entry, place, self.form), window.keys)
            self._rows_cached += len(known.rows)
        known.keys = window.keys
        self._blocks[key] = known
        self._blocks.move_to_end(key)
        while self._rows_cached > ROWS_CACHED_MAX and len(self._blocks) > 1:
            _, former = self._blocks.popitem(last=False)
            self._rows_cached -= len(former.rows)
        return known.rows

    def visible(self) -> list[At]:
        """Where the rows on the screen are, from the top; fewer than `height` only if there are no more."""
        found: list[At] = []
        index, row = self.top() or (0, 0)
        while len(found) < self.height and index < len(self.window.entries):
            found += [(index, at) for at in range(row, len(self.rows(index)))]
            index, row = index + 1, 0
        return found[: self.height]

    def row(self, at: At) -> Row:
        return self.rows(at[0])[at[1]]

    def top(self) -> At | None:
        """Where the first row on the screen is; None: there is none."""
        if not self.window.entries:
            return None
        end = self._top_at_end()
        return end if self.anchor is None else min(self._find(self.anchor), end)

    def below(self) -> int:
        """How many entries are not wholly above the last row of the screen, which says so in their place."""
        visible = self.visible()
        if len(visible) < self.height or not visible:
            return 0
        if visible[-1] == self._last() and self.window.is_attached:
            return 0
        others = 0 if self.window.is_attached else self.window.latest_count
        return len(self.window.entries) - visible[-1][0] + others

    def _last(self) -> At:
        last = len(self.window.entries) - 1
        return last, len(self.rows(last)) - 1

    def _find(self, anchor: Anchor) -> At:
        index = self.window.index_of(anchor.key)
        if self.window.keys[index] != anchor.key:
            return index, 0
        marks = [row.mark for row in self.rows(index)]
        return index, max((at for at, mark in enumerate(marks) if mark <= anchor.mark), default=0)

    def _top_at_end(self) -> At:
        return self._moved(self._last(), 1 - self.height)

    def _moved(self, at: At, rows: int) -> At:
        """The place so many rows below, or above if negative, as far as there are any."""
        index, row = at
        row += rows
        while row < 0 and index > 0:
            index -= 1
            row += len(self.rows(index))
        while row >= len(self.rows(index)) and index + 1 < len(self.window.entries):
            row -= len(self.rows(index))
            index += 1
        return index, min(max(row, 0), len(self.rows(index)) - 1)

    # --- Moving ----------

    def resize(self, form: Form, height: int) -> None:
        """The screen has another size, or the user has chosen another form: the same message stays at the top."""
        self.form, self.height = form, max(height, 1)

    def move(self, rows: int) -> None:
        """Scroll down by so many rows, or up if negative."""
        top = self.top()
        self.window.retry()
        if top is not None:
            self._fix(self._moved(top, rows), is_upward=rows < 0)

    def jump_to_end(self) -> None:
        """Show the latest messages, and new ones as they come."""
        self.anchor = None
        self.window.release()

    def jump(self, place: Anchor) -> None:
        """Put a row at the top; if its entry is not held yet, as soon as it is."""
        self.window.retry()
        self.anchor = place
        self.window.view = place.key

    def update(self, latest: Sequence[Item], lines: Sequence[LocalLine]) -> bool:
        """There are these messages and lines now; False if all is as before. A view that is scrolled back stays."""
        is_changed = self.window.update(latest, lines, holds_lines=not self.is_at_end)
        if is_changed:
            self.settle()
        return is_changed

    def settle(self) -> None:
        """The window has changed: if all that is below the view fits into it, the view is at the end."""
        top = self.top()
        if self.anchor is None:
            self.window.release()
        elif top is not None and not self.window.is_awaiting and top == self._top_at_end():
            self._fix(top, is_upward=False)

    def wanted(self) -> PageWanted | None:
        """The page that scrolling on needs, to be asked for now; None while the view is at the end."""
        top = self.top()
        if self.anchor is None:
            return None
        if (top is None or top[0] < self.height) and (above := self.window.want_above()) is not None:
            return above
        is_low = top is None or top[0] + 2 * self.height > len(self.window.entries)
        return self.window.want_below() if is_low else None

    def reveal(self, index: int) -> None:
        """Move the view as little as needed for an entry to be in it; of a very high one the beginning."""
        visible = self.visible()
        first, last = (index, 0), (index, len(self.rows(index)) - 1)
        if first in visible and (last in visible[:-1] or last == visible[-1] == self._last()):
            return
        lowest = self._moved(last, 1 - max(self.height - 1, 1)) if last != self._last() else self._top_at_end()
        is_above = not visible or first < visible[0]
        self._fix(first if is_above or first < lowest else lowest, is_upward=is_above)

    def _fix(self, top: At, *, is_upward: bool) -> None:
        """Put a row at the top. Downward the view sticks to the end where it reaches it, upward only if all is seen."""
        end = self._top_at_end()
        if top >= end and self.window.is_attached and (not is_upward or (self.window.is_beginning and end == (0, 0))):
            self.jump_to_end()
            return
        index, _ = top = min(top, end)
        self.anchor = Anchor(self.window.keys[index], self.row(top).mark if top[1] else FIRST_MARK)
        self.window.view = self.window.keys[index]


def _laid_out(entry: Entry, place: RowPlace, form: Form) -> list[Row]:
    if isinstance(entry, Item):
        return message_rows(entry, place, form)
    return line_rows(entry.lines, ROLES[entry.kind], place, entry.time_ms, form)
