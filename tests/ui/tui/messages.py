"""Messages to draw, what a peer may try in them, and rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from hypothesis import strategies as st
from rich.cells import cell_len

from udpchat.client.model import Item
from udpchat.ui.tui.rows import Form, Row, RowPlace, message_rows

NOON_MS = 1_700_049_600_000  # 2023-11-15 12:00 UTC
WIDE = Form(80, UTC)
URL = "https://example.org/a"
NASTY = st.text(
    st.one_of(
        st.sampled_from("\x1b\x07\x9b\n\r\t\u202e\u2066\u200b\u200d\ufe0f[]*_`~/\\@:👩👍漢 \u0301"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=80,
) | st.sampled_from(
    [
        "\x1b[2J", "\x1b]8;;https://evil\x1b\\x", "[bold]x[/bold]", "[@click=app.bell]x[/]", "$text[red]",
        f"{URL}\u202e", "```\n\x1b[31m\n```",
    ]
)  # fmt: skip
"""What a peer may choose."""


def item(text: str = "hi", *, sequence: int = 7, nick: str = "bob", kind: str = "text", **fields: Any) -> Item:
    """A message that was sent `minutes` after noon."""
    time_ms = NOON_MS + 60_000 * fields.pop("minutes", 0)
    known = {"is_own": False, "time_ms": time_ms, "id": f"{sequence:032x}"} | fields
    return Item(sequence=sequence, nick=nick, text=text, kind=kind, **known)


def drawn(message: Item, width: int = 80, place: RowPlace | None = None) -> list[str]:
    """The rows of a message as text, without the blanks at their ends."""
    return texts(message_rows(message, place or RowPlace(), Form(width, UTC)))


def texts(rows: Sequence[Row]) -> list[str]:
    return ["".join(piece.text for piece in row.pieces).rstrip() for row in rows]


def widest(rows: Sequence[Row]) -> int:
    """The cells of the widest row, each piece measured for itself, as it is drawn."""
    return max(sum(cell_len(piece.text) for piece in row.pieces) for row in rows)
