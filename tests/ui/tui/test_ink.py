"""Rows in the styles of a theme."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.color import Color

from udpchat.ui import markup
from udpchat.ui.tui.ink import CODE, COMPONENTS, LINK, Ink, component_of
from udpchat.ui.tui.palette import ANSI
from udpchat.ui.tui.rows import Piece, PieceRole, Row

THEME = {name: Style() for name in COMPONENTS} | {
    CODE: Style(bgcolor="blue"),
    LINK: Style(underline=True),
    component_of(PieceRole.OWN_REACTION): Style(bold=True),
}


def style_of(piece: Piece, background: str = "#101010") -> Style:
    (segment,) = Ink(THEME.__getitem__, Style(color="white"), Color.parse(background)).draw(Row((piece,), 0))
    assert segment.text == piece.text and segment.style is not None
    return segment.style


def test_text_is_plain() -> None:
    assert style_of(Piece("x")) == Style(color="white")


def test_a_role_has_the_style_of_its_component() -> None:
    assert component_of(PieceRole.OWN_REACTION) == "message-list--own-reaction"
    assert style_of(Piece("x", PieceRole.OWN_REACTION)).bold


def test_formatting_and_links_add_up() -> None:
    style = style_of(Piece("x", style=markup.Style.BOLD | markup.Style.LINK, url="https://a.b"))
    assert style.bold and style.underline and style.link == "https://a.b" and not style.italic
    code = style_of(Piece("x", style=markup.Style.CODE))
    assert code.bgcolor is not None and code.bgcolor.name == "blue"


@pytest.mark.parametrize("background", ["#101010", "#f0f0f0", "ansi_default"])
def test_each_nick_keeps_its_colour_and_two_have_different_ones(background: str) -> None:
    one, same, other = (style_of(Piece("x", PieceRole.NICK, nick_number=number), background) for number in (5, 5, 6))
    assert one.color == same.color != other.color


def test_a_theme_of_the_terminals_colours_has_nicks_in_these() -> None:
    color = style_of(Piece("x", PieceRole.NICK, nick_number=1), "ansi_default").color
    assert color is not None and color.name == ANSI[1]


def test_nicks_may_be_without_colours() -> None:
    (segment,) = Ink(THEME.__getitem__, Style(color="white"), None).draw(
        Row((Piece("x", PieceRole.NICK, nick_number=3),), 0)
    )
    assert segment.style == Style(color="white")
