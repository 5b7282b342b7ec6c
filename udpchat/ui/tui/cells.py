"""Text as cells of a terminal: made safe, measured, cut and wrapped. Pure.

Widths are those of Rich, which are those of a terminal that knows emoji sequences.
"""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len, chop_cells, split_graphemes

from udpchat.chat.text import printable
from udpchat.wire.fields import Value

JOINERS_MAX: Final = 3  # of one emoji: a family of four has as many
NON_JOINER: Final = "\u200c"  # without a width too
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"

_EMOJI: Final = "[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?"
_JOINED: Final = re.compile(rf"({_EMOJI}(?:\u200d{_EMOJI}){{1,{JOINERS_MAX}}})|\u200d")
_WORD: Final = re.compile(r"( *)([^ ]+)")


def safe(text: str) -> str:
    """`text` as `printable` gives it, with a joiner only within an emoji.

    Rich counts nothing for what follows a joiner, but a terminal may draw it all the same: a text full of joiners would
    be drawn over what stands beside it.
    """
    text = printable(text)
    return _JOINED.sub(lambda found: found[1], text) if "\u200d" in text else text


def unjoined(text: str) -> str:
    """A line of the same length, with a joiner only within an emoji: a non-joiner stands for each other."""
    return _JOINED.sub(lambda found: found[1] or NON_JOINER, text) if "\u200d" in text else text


def cut(text: str, cells_max: int) -> str:
    """`text` if it fits, else as much of it as fits with an ellipsis behind; empty if there is no room at all."""
    if cell_len(text) <= cells_max:
        return text
    if cells_max < 1:
        return ""
    kept = ""
    room = cells_max - 1
    for start, end, cells in split_graphemes(text[: 8 * cells_max + 8])[0]:  # more cannot fit, but for marks
        room -= cells
        if room < 0:
            break
        kept += text[start:end]
    return kept + ELLIPSIS


class Stretch(Value, frozen=True):
    """The part of a text that stands in one row. `joint`: the blanks that were left out before it, at the break."""

    start: int
    end: int
    joint: str = ""


def wrap(text: str, first_cells: int, rest_cells: int) -> list[Stretch]:
    """Divide a line into rows: between words, and within one that is longer than a row; there is always one row.

    `first_cells`: the width of the first row; `rest_cells`: of the others, at least 2. Blanks at the end are left out.
    """
    text = text.rstrip(" ")
    if cell_len(text) <= first_cells:
        return [Stretch(0, len(text))]
    rows: list[Stretch] = []
    start, used, room, joint = 0, 0, first_cells, ""
    for found in _WORD.finditer(text):
        blanks, cells = found.end(1) - found.start(1), cell_len(found[2])
        if used + blanks + cells <= room:
            used += blanks + cells
            continue
        if found.start() > start or room < rest_cells:
            rows.append(Stretch(start, found.start(), joint))
            start, used, room, joint = found.end(1), 0, rest_cells, found[1]
            blanks = 0
        if blanks + cells <= room:
            used = blanks + cells
        else:
            *full, last = chop(text[start : found.end()], room, rest_cells)
            for part in full:
                rows.append(Stretch(start, start + len(part), joint))
                start, joint = start + len(part), ""
            room, used = rest_cells, cell_len(last)
    if start < len(text) or not rows:
        rows.append(Stretch(start, len(text), joint))
    return rows


def wrap_verbatim(text: str, first_cells: int, rest_cells: int) -> list[Stretch]:
    """As `wrap`, but filling each row, wherever a word ends: for code."""
    rows, start = [], 0
    for part in chop(text, first_cells, rest_cells):
        rows.append(Stretch(start, start + len(part)))
        start += len(part)
    return rows


def chop(text: str, first_cells: int, rest_cells: int) -> list[str]:
    """`text` in parts of at most these cells, cut between graphemes; an empty text is one empty part."""
    if cell_len(text) <= first_cells:
        return [text]
    first = (chop_cells(text, first_cells) or [""])[0] if first_cells >= 2 else ""
    parts = [*([first] if first else []), *chop_cells(text[len(first) :], rest_cells)]
    missing = len(text) - sum(map(len, parts))  # characters without a width at the end, which Rich leaves out
    if missing:
        parts[-1] += text[-missing:]
    return parts
