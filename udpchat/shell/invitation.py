"""How others join, for the person who started a server at a terminal: the command, and its address as a QR code."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Final

from udpchat.shell.stdio import remark

QUIET_MODULES: Final = 2  # of white around the code: readers need some, and the four of the standard cost a row more
DARK, UPPER, LOWER, LIGHT = " ", "\u2580", "\u2584", "\u2588"  # light is drawn: most terminals are dark
_TWO_ROWS: Final = {(1, 1): DARK, (0, 1): UPPER, (1, 0): LOWER, (0, 0): LIGHT}


def show_invitation(url: str, *, is_found: bool) -> None:
    """Write to standard error, if that is a terminal, how others join the server at this address.

    `is_found`: they find it by themselves.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        return
    encoding = sys.stderr.encoding or "ascii"
    remark(invitation(url, is_found=is_found, size=tuple(shutil.get_terminal_size()), can_write=_can_write(encoding)))


def invitation(url: str, *, is_found: bool, size: tuple[int, ...], can_write: Callable[[str], bool]) -> str:
    """The lines; without the code where the terminal, of `size` columns and rows, has no room or no characters."""
    named = f"udpchat --nick NAME --server '{url}'"
    lines = ["others join on this LAN with:  udpchat --nick NAME", f"or from elsewhere:  {named}"]
    if not is_found:
        lines = [f"others join with:  {named}"]
    code = qr_lines(url)
    if len(code[0]) < size[0] and len(code) + len(lines) < size[1] and can_write(UPPER):
        lines += code
    return "".join(f"{line}\n" for line in lines)


def qr_lines(text: str) -> list[str]:
    """A QR code of a text, in half blocks: two rows of it in a line."""
    import segno  # takes 20 ms to import: only where it is drawn

    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=QUIET_MODULES)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_TWO_ROWS[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs]


def _can_write(encoding: str) -> Callable[[str], bool]:
    def can_write(text: str) -> bool:
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    return can_write
