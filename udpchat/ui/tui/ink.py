"""The styles of a theme, and rows drawn with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as Background

from udpchat.ui import markup
from udpchat.ui.tui.palette import ANSI, nick_colours
from udpchat.ui.tui.rows import Piece, PieceRole, Row

PREFIX: Final = "message-list--"
EFFECTS: Final = {
    markup.Style.BOLD: Style(bold=True),
    markup.Style.ITALIC: Style(italic=True),
    markup.Style.STRIKE: Style(strike=True),
}


def component_of(role: PieceRole) -> str:
    """The name that the style of a role has in a theme: `message-list--own-reaction`."""
    return PREFIX + role.name.lower().replace("_", "-")


CODE: Final = PREFIX + "code"
LINK: Final = PREFIX + "link"
BELOW: Final = PREFIX + "below"  # how many messages are below the view
SELECTED: Final = PREFIX + "selected"
COMPONENTS: Final = {*map(component_of, PieceRole), CODE, LINK, BELOW, SELECTED}

CSS: Final = """
MessageList { height: 1fr; width: 1fr; background: $background; color: $foreground; }
MessageList > .message-list--time { color: $text-muted; }
MessageList > .message-list--nick { text-style: bold; }
MessageList > .message-list--mention { text-style: bold reverse; }
MessageList > .message-list--faint { color: $text-muted; text-style: italic; }
MessageList > .message-list--quote { color: $text-muted; }
MessageList > .message-list--own-reaction { text-style: bold; }
MessageList > .message-list--day { color: $text-muted; }
MessageList > .message-list--unread { color: $text-warning; text-style: bold; }
MessageList > .message-list--local { color: $text-muted; }
MessageList > .message-list--error { color: $text-error; }
MessageList > .message-list--announcement { text-style: bold reverse; }
MessageList > .message-list--code { color: $secondary; background: $panel; }
MessageList > .message-list--link { text-style: underline; }
MessageList > .message-list--below { text-style: reverse; }
MessageList > .message-list--selected { text-style: reverse; }
"""


class Ink:
    """The styles of one theme. `look_up` gives that of a component, `plain` is that of text.

    `background`: on which nicks are to be readable; None: nicks have no colours.
    """

    def __init__(self, look_up: Callable[[str], Style], plain: Style, background: Background | None) -> None:
        self.plain = plain
        self.styles = {name: look_up(name) for name in COMPONENTS}
        self._of_roles = {role: plain + self.styles[component_of(role)] for role in PieceRole}
        self._effects = EFFECTS | {
            markup.Style.CODE: self.styles[CODE], markup.Style.LINK: self.styles[LINK],
        }  # fmt: skip
        if background is None:
            self.nicks = [Style()]
        elif background.ansi is not None:
            self.nicks = [Style(color=name) for name in ANSI]
        else:
            self.nicks = [Style(color=Color.from_rgb(*colour)) for colour in nick_colours(background.rgb)]

    def draw(self, row: Row) -> list[Segment]:
        """The pieces of a row in their styles."""
        return [Segment(piece.text, self._style(piece)) for piece in row.pieces]

    def _style(self, piece: Piece) -> Style:
        style = self._of_roles[piece.role]
        if piece.role in (PieceRole.NICK, PieceRole.MENTION):
            style += self.nicks[piece.nick_number % len(self.nicks)]
        if piece.style:
            style = sum((known for effect, known in self._effects.items() if effect in piece.style), start=style)
        if piece.url:
            style += Style(link=piece.url)
        return style
