"""The first run of a person at a terminal: which nick they want to go by."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from udpchat.chat.names import parse_nick
from udpchat.chat.phrase import Phrase, Problem
from udpchat.shell.choosing import UNCLEAR_MAX
from udpchat.shell.line_reader import Raw, lines_of


def login_nick() -> str:
    """The login name of this person; nothing if there is none that can be a nick."""
    try:
        return parse_nick(getpass.getuser())
    except (OSError, KeyError, ImportError, Problem):  # KeyError, ImportError: before Python 3.13
        return ""


def ask_nick(raw: Raw, report: Callable[[Phrase], object], *, suggestion: str) -> str:
    """The nick that the person types; the suggestion, if there is one, for just Enter.

    Empty if the input ends, or if UNCLEAR_MAX lines of it are no nick. `report` writes one line for the person.
    """
    report(Phrase("nick.question", {"suggestion": suggestion}))
    lines = lines_of(raw)
    for _ in range(UNCLEAR_MAX):
        line = next(lines, None)
        if line is None:
            break
        try:
            return parse_nick(line.strip() or suggestion)
        except Problem as problem:
            report(Phrase("nick.again", {"reason": problem.phrase}))
    return ""
