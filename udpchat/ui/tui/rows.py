"""A message as rows of a terminal: time, nick and text in columns, and what stands above and below it. Pure.

All that a peer chose passes `cells.safe`, and no markup is interpreted but that of `ui/markup`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from enum import Enum, auto
from typing import Final

from rich.cells import cell_len

from udpchat.chat.names import nick_key
from udpchat.client.model import Item, ItemState, Quote, Reaction
from udpchat.ui.local_times import local_time
from udpchat.ui.markup import Style, parse
from udpchat.ui.phrases import sentence
from udpchat.ui.terminal_lines import WEEKDAYS
from udpchat.ui.tui.cells import ELLIPSIS, cut, safe, wrap, wrap_verbatim
from udpchat.ui.tui.palette import number_of

NICK_CELLS: Final = ((80, 12), (40, 8))  # from this width on the column of nicks has so many cells; below: no columns
NARROW_NICK_SHARE: Final = 2  # without columns a nick takes at most the half of a row
NARROW_INDENT: Final = 2  # without columns: of the rows below the first
COLLAPSED_MS_MAX: Final = 5 * 60_000  # the next message of the same nick within that time stands without time and nick
REPEATED_EVERY: Final = 15  # but so many sequences apart they are repeated: few screens are without any
REACTIONS_SHOWN_MAX: Final = 20  # of one message
REACTION_CELLS_MAX: Final = 8  # of one emoji
TAB_CELLS: Final = 4  # in code
WIDTH_MIN: Final = 4  # below that nothing can be drawn
HANG_SHARE_MAX: Final = 0.6  # of the width, for the first column of a table
_GAP: Final = re.compile(r"\S {2,}(?=\S)")  # between two columns


class PieceRole(Enum):
    """What a piece of a row is; the theme has a style for each."""

    TIME = auto()
    NICK = auto()
    MENTION = auto()  # the nick of who mentions this user
    TEXT = auto()
    FAINT = auto()  # what is said about a message, and one that is not confirmed yet
    QUOTE = auto()
    REACTION = auto()
    OWN_REACTION = auto()
    DAY = auto()
    UNREAD = auto()
    LOCAL = auto()  # what this client says
    ERROR = auto()
    ANNOUNCEMENT = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a row in one style. `nick_number`: for the colour of a nick; `url`: where a link leads."""

    text: str
    role: PieceRole = PieceRole.TEXT
    style: Style = Style.PLAIN
    url: str = ""
    nick_number: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the screen.

    `mark` grows from row to row of an entry and says what stands there, whatever the width: the characters of text
    above it, negative above the text. Copied text has `joint` before this row and leaves out its first `indent`
    characters. `is_frame`: it stands between messages.
    """

    pieces: tuple[Piece, ...]
    mark: int
    joint: str = "\n"
    indent: int = 0
    is_frame: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How messages are drawn: the width in cells, and what the user has chosen. `zone` None: that of this machine."""

    width: int
    zone: tzinfo | None = None
    time_format: str = "%H:%M"
    is_formatted: bool = True  # `ui/markup`


@dataclass(frozen=True, slots=True)
class RowPlace:
    """What a message's neighbours mean for it: what stands above it, and whether it goes on from the one above."""

    day: date | None = None
    is_first_unread: bool = False
    is_continued: bool = False


DAY_MARK, UNREAD_MARK, QUOTE_MARK = -3, -2, -1
BELOW_MARK: Final = 1 << 30  # of the rows below the text


def continues(item: Item, above: Item) -> bool:
    """Whether a message goes on from the one above it, so that its time and nick are left out."""
    if item.kind != "text" or above.kind != "text" or item.reply is not None or item.is_mention:
        return False
    if item.sequence % REPEATED_EVERY == 0:
        return False
    is_near = not item.time_ms or 0 <= item.time_ms - above.time_ms <= COLLAPSED_MS_MAX
    return is_near and nick_key(item.nick) == nick_key(above.nick)


def message_rows(item: Item, place: RowPlace, form: Form) -> list[Row]:
    """The rows of a message; none is wider than the form."""
    width = max(form.width, WIDTH_MIN)
    head, indent = _head(item, form, width, is_continued=place.is_continued)
    rows = list(_frame_rows(place, width))
    if item.reply is not None and not item.is_removed:
        rows.append(_quote_row(item.reply, indent, width))
    rows += _text_rows(head, _body(item, form), indent, width)
    if item.reactions:
        rows += _reaction_rows(item.reactions, indent, width)
    return rows


def line_rows(lines: Sequence[str], role: PieceRole, place: RowPlace, time_ms: int, form: Form) -> list[Row]:
    """The rows of lines that this client says; each line is made safe."""
    width = max(form.width, WIDTH_MIN)
    rows = list(_frame_rows(place, width))
    head = _time(0 if place.is_continued else time_ms, form) if _nick_cells(width) else []
    indent = min(sum(cell_len(piece.text) for piece in head) + NARROW_INDENT, width // 2)
    texts = [safe(line) for line in lines]
    hangs = [_hang(text, width - indent) for text in texts]
    return rows + _text_rows(head, [[Piece(text, role)] for text in texts], indent, width, hangs)


def _hang(text: str, width: int) -> int:
    """How far the rows below the first are indented: to the second column of a table, if that leaves room enough."""
    gap = _GAP.search(text)
    column = cell_len(text[: gap.end()]) if gap else 0
    return column if column <= width * HANG_SHARE_MAX else 0


def day_of(time_ms: int, form: Form) -> date | None:
    """The day of a time in ms since 1970; None for 0, which is not known."""
    return local_time(time_ms, form.zone).date() if time_ms else None


# --- Above the text ----------


def _frame_rows(place: RowPlace, width: int) -> Iterator[Row]:
    if place.day is not None:
        text = f"-- {WEEKDAYS[place.day.weekday()]} {place.day.isoformat()} --"
        yield Row((Piece(cut(text, width), PieceRole.DAY),), DAY_MARK, is_frame=True)
    if place.is_first_unread:
        text = f"--- {sentence('list.new')} "
        yield Row((Piece(cut(text.ljust(width, "-"), width), PieceRole.UNREAD),), UNREAD_MARK, is_frame=True)


def _quote_row(quote: Quote, indent: int, width: int) -> Row:
    first_words = sentence("list.deleted") if quote.is_removed else " ".join(quote.text.split())
    said = f"{quote.nick}: {first_words}" if quote.nick else sentence("list.quote_unknown")
    text = cut(f"> {safe(said)}", width - indent)
    return Row((Piece(" " * indent), Piece(text, PieceRole.QUOTE)), QUOTE_MARK, indent=indent)


# --- The message ----------


def _nick_cells(width: int) -> int:
    return next((cells for least, cells in NICK_CELLS if width >= least), 0)


def _time(time_ms: int, form: Form) -> list[Piece]:
    blank = cell_len(local_time(0, form.zone).strftime(form.time_format))
    text = local_time(time_ms, form.zone).strftime(form.time_format) if time_ms else " " * blank
    return [Piece(f"{cut(safe(text), NICK_CELLS[0][1])} ", PieceRole.TIME)]


def _head(item: Item, form: Form, width: int, *, is_continued: bool) -> tuple[list[Piece], int]:
    """What stands before the text of the first row, and how many cells the rows below it are indented."""
    cells = _nick_cells(width)
    is_action = item.kind == "action" and not item.is_removed
    role = PieceRole.MENTION if item.is_mention else PieceRole.NICK
    nick = Piece(safe(item.nick), role, nick_number=number_of(item.nick))
    if not cells:
        nick = replace(nick, text=cut(nick.text, width // NARROW_NICK_SHARE - 2))
        head = [Piece("* "), nick, Piece(" ")] if is_action else [nick, Piece(": ")]
        return ([Piece(" " * NARROW_INDENT)] if is_continued else head), NARROW_INDENT
    time = _time(item.time_ms, form)
    indent = cell_len(time[0].text) + cells + 1
    if is_continued:
        return [Piece(" " * indent)], indent
    column = replace(nick, text="*", role=PieceRole.TEXT) if is_action else replace(nick, text=cut(nick.text, cells))
    blanks = Piece(" " * (cells - cell_len(column.text)))
    behind = [Piece(" "), replace(nick, text=cut(nick.text, cells)), Piece(" ")] if is_action else [Piece(" ")]
    return [*time, blanks, column, *behind], indent


def _body(item: Item, form: Form) -> list[list[Piece]]:
    """The lines of the text, with what is said about the message behind the last."""
    if item.is_removed or item.kind == "removed":
        said = sentence("list.deleted_by", nick=safe(item.removed_by)) if item.removed_by else sentence("list.deleted")
        return [[Piece(said, PieceRole.FAINT, Style.ITALIC)]]
    role = PieceRole.FAINT if item.state is ItemState.SENDING else PieceRole.TEXT
    if item.kind == "unknown":
        lines = [
            [Piece(safe(sentence("unknown_kind", nick=item.nick)), PieceRole.FAINT)],
            [Piece(safe(item.text), role)],
        ]
        lines = lines if item.text else lines[:1]
    elif form.is_formatted:
        lines = [[_piece(span.text, role, span.style, span.url) for span in line] for line in parse(item.text)]
    else:
        lines = [[Piece(safe(line), role)] for line in item.text.split("\n")]
    about = [sentence("list.edited")] if item.is_edited else []
    if item.state is ItemState.SENDING:
        about.append(ELLIPSIS)
    elif item.is_own and item.delivery is not None:
        about.append(sentence("list.delivered", have=item.delivery.have, users=item.delivery.users))
    if about:
        lines[-1] = [*lines[-1], Piece(" " + " ".join(about), PieceRole.FAINT)]
    return lines


def _piece(text: str, role: PieceRole, style: Style, url: str) -> Piece:
    text = safe(text.expandtabs(TAB_CELLS) if Style.CODE in style else text)
    return Piece(text, role, style, url if url.isascii() and safe(url) == url else "")


def _text_rows(
    head: list[Piece], lines: Iterable[list[Piece]], indent: int, width: int, hangs: Sequence[int] = ()
) -> list[Row]:
    """`hangs`: for each line, how many cells behind its beginning the rows below its first begin; 0: at `indent`."""
    rows: list[Row] = []
    mark = 0
    is_blank = not any(piece.text.strip() for piece in head)
    for number, line in enumerate(lines):
        lead = [Piece(" " * indent)] if number else head
        text = "".join(piece.text for piece in line)
        is_code = len(line) == 1 and line[0].style is Style.CODE
        first_cells = width - sum(cell_len(piece.text) for piece in lead)
        below = width - first_cells + hangs[number] if hangs and hangs[number] else indent
        parts = _Parts(line)
        for stretch in (wrap_verbatim if is_code else wrap)(text, first_cells, width - below):
            is_first = stretch.start == 0 and stretch.joint == ""
            pieces = (*(lead if is_first else [Piece(" " * below)]), *parts.between(stretch.start, stretch.end))
            joint = "\n" if is_first else stretch.joint
            left_out = below if not is_first else indent if number or is_blank else 0
            rows.append(Row(_within(pieces, width), mark + stretch.start, joint, left_out))
        mark += len(text) + 1
    return rows


class _Parts:
    """The pieces of a line, cut at places in its text that only grow: a text of many pieces is walked through once."""

    def __init__(self, line: list[Piece]) -> None:
        self._line = line
        self._index = 0
        self._at = 0  # where the piece at the index begins

    def between(self, start: int, end: int) -> Iterator[Piece]:
        """The parts of the pieces between two places, which are not before those asked for last."""
        while self._index < len(self._line):
            piece = self._line[self._index]
            text = piece.text[max(start - self._at, 0) : max(end - self._at, 0)]
            if text:
                yield replace(piece, text=text)
            if self._at + len(piece.text) > end:
                return
            self._at += len(piece.text)
            self._index += 1


def _within(pieces: Sequence[Piece], width: int) -> tuple[Piece, ...]:
    """The pieces, none beyond the width: parts of a text may be wider than the whole, where marks change it."""
    kept, room = [], width
    for piece in pieces:
        cells = cell_len(piece.text)
        if cells > room:
            kept.append(replace(piece, text=cut(piece.text, room)))
            break
        room -= cells
        kept.append(piece)
    return tuple(piece for piece in kept if piece.text)


# --- Below the text ----------


def _reaction_rows(reactions: Sequence[Reaction], indent: int, width: int) -> list[Row]:
    """`👍 2  🎉 1`, with one's own in brackets."""
    rows: list[list[Piece]] = [[]]
    room = width - indent
    pieces = [_reaction_piece(reaction, width - indent) for reaction in reactions[:REACTIONS_SHOWN_MAX]]
    if len(reactions) > REACTIONS_SHOWN_MAX:
        pieces.append(Piece(f"+{len(reactions) - REACTIONS_SHOWN_MAX}", PieceRole.REACTION))
    for piece in pieces:
        cells = cell_len(piece.text)
        gap = 2 if rows[-1] else 0
        if rows[-1] and cells + gap > room:
            rows.append([])
            gap, room = 0, width - indent
        rows[-1] += [Piece(" " * gap), piece] if gap else [piece]
        room -= cells + gap
    lead = Piece(" " * indent)
    return [Row(_within((lead, *row), width), BELOW_MARK + at, indent=indent) for at, row in enumerate(rows)]


def _reaction_piece(reaction: Reaction, cells_max: int) -> Piece:
    text = f"{cut(safe(reaction.emoji), REACTION_CELLS_MAX)} {len(reaction.nicks)}"
    text, role = (f"[{text}]", PieceRole.OWN_REACTION) if reaction.is_own else (text, PieceRole.REACTION)
    return Piece(cut(text, cells_max), role)
