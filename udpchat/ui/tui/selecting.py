"""Text that is selected with the mouse: where it is, and what of it is copied.

Textual names a place in a widget by a column and a line. Lines here must not change when earlier messages come in above
or other rows become visible, so the number of a line is made from the key of its entry.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection

from udpchat.ui.tui.viewport import At, Viewport

ROW_BITS: Final = 20  # more rows than any message has
NUMBER_BITS: Final = 40  # of local lines, and of messages that are being sent


def line_of(viewport: Viewport, at: At) -> int:
    """The number of a row, which grows from row to row."""
    sequence, number = viewport.window.keys[at[0]]
    return ((sequence << NUMBER_BITS) + number << ROW_BITS) + at[1]


def entry_selection(viewport: Viewport, index: int) -> Selection:
    """The selection of an entry."""
    last = len(viewport.rows(index)) - 1
    end = sum(len(piece.text) for piece in viewport.row((index, last)).pieces)
    return Selection(Offset(0, line_of(viewport, (index, 0))), Offset(end, line_of(viewport, (index, last))))


def copied(viewport: Viewport, selection: Selection) -> str:
    """The selected text: lines that were wrapped are whole again, without their indents."""
    parts: list[str] = []
    entries = len(viewport.window.entries)
    first = 0 if selection.start is None else _index_of(viewport, selection.start.y)
    last = entries - 1 if selection.end is None else _index_of(viewport, selection.end.y)
    for index in range(first, min(last, entries - 1) + 1):
        for at, row in enumerate(viewport.rows(index)):
            span = selection.get_span(line_of(viewport, (index, at)))
            if span is None:
                continue
            text = "".join(piece.text for piece in row.pieces)
            start, end = max(span[0], row.indent), len(text) if span[1] < 0 else span[1]
            parts += [row.joint if parts else "", text[start:end].rstrip(" ")]
    return "".join(parts)


def _index_of(viewport: Viewport, line: int) -> int:
    sequence, number = divmod(line >> ROW_BITS, 1 << NUMBER_BITS)
    return max(viewport.window.index_of((sequence, number)), 0)


def highlighted(segments: list[Segment], span: tuple[int, int], style: Style) -> list[Segment]:
    """The segments, with the style added from one character to another; a negative end is that of the row."""
    start, end = span
    parts: list[Segment] = []
    at = 0
    for text, own, _ in segments:
        first = min(max(start - at, 0), len(text))
        last = len(text) if end < 0 else min(max(end - at, first), len(text))
        for part, is_inside in ((text[:first], False), (text[first:last], True), (text[last:], False)):
            if part:
                parts.append(Segment(part, (own or Style()) + style if is_inside else own))
        at += len(text)
    return parts
