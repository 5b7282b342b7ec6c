"""What was typed in each conversation: Up and Down through it, and the search backwards in it (Ctrl+R). Pure.

Passwords are never kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from udpchat.chat.nearest import nearest
from udpchat.chat.text import EDITED_CHARACTERS_MAX
from udpchat.wire.fields import Value

LINES_MAX: Final = 500  # of one conversation
CONVERSATIONS_MAX: Final = 100  # with lines; what was typed in the one used longest ago is forgotten first
DOT: Final = "\u2022"
SECRET_COMMANDS: Final = ("password", "passwd")


class HistoryMatch(Value, frozen=True):
    """A line that a search found. `place`: from which the search goes on to earlier ones."""

    line: str
    place: int


@dataclass(slots=True)
class _Typed:
    """The lines of one conversation. `at`: the line that is shown; len(lines): none of them."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_MAX))
    at: int = 0
    draft: str = ""  # what was half typed when Up was pressed first


class InputHistory:
    """The lines typed in each conversation, the latest LINES_MAX of each. Each has its own draft too."""

    def __init__(self) -> None:
        self._by_conversation: dict[str, _Typed] = {}
        self._left: dict[str, str] = {}  # what is half typed in conversations that are not open

    def turn(self, former: str, text: str, conversation: str) -> str:
        """Another conversation is opened, and `text` was half typed in the former one: what is half typed in the other.
        """
        if text:
            self._left.pop(former, None)
            self.leave(former, text)
        return self._left.pop(conversation, "")

    def leave(self, conversation: str, text: str) -> bool:
        """Have a text half typed in a conversation that is not open; False if there is another already."""
        if conversation in self._left:
            return False
        self._left[conversation] = text
        if len(self._left) > CONVERSATIONS_MAX:
            del self._left[next(iter(self._left))]
        return True

    def add(self, conversation: str, line: str) -> None:
        """A line was sent or carried out. A blank one, one that repeats the last, and a secret one are not kept."""
        typed = self._by_conversation.pop(conversation, None) or _Typed()
        self._by_conversation[conversation] = typed  # the last of the dict: used last
        if len(self._by_conversation) > CONVERSATIONS_MAX:
            del self._by_conversation[next(iter(self._by_conversation))]
        is_kept = line.strip() and len(line) <= EDITED_CHARACTERS_MAX and not is_secret(line)
        if is_kept and (not typed.lines or typed.lines[-1] != line):
            typed.lines.append(line)
        typed.at, typed.draft = len(typed.lines), ""

    def holds(self, conversation: str, line: str) -> bool:
        """Whether this line is kept of what was typed in a conversation."""
        typed = self._by_conversation.get(conversation)
        return typed is not None and line in typed.lines

    def earlier(self, conversation: str, text: str) -> str | None:
        """Up: the line before the one shown, where `text` stands now; None if there is none."""
        typed = self._by_conversation.get(conversation)
        if typed is None or typed.at == 0:
            return None
        if typed.at == len(typed.lines):
            typed.draft = text
            typed.at -= typed.lines[-1] == text and typed.at > 1  # it was refused, and is here again
        typed.at -= 1
        return typed.lines[typed.at]

    def later(self, conversation: str) -> str | None:
        """Down: the line behind the one shown, at last what was half typed; None if that is shown."""
        typed = self._by_conversation.get(conversation)
        if typed is None or typed.at == len(typed.lines):
            return None
        typed.at += 1
        return typed.draft if typed.at == len(typed.lines) else typed.lines[typed.at]

    def search(self, conversation: str, words: str, found: HistoryMatch | None = None) -> HistoryMatch | None:
        """Ctrl+R: the latest line that holds `words` in any letter case; with `found`, the next earlier, other one."""
        typed = self._by_conversation.get(conversation)
        if typed is None or not words:
            return None
        wanted = words.casefold()
        place = len(typed.lines) if found is None else min(found.place, len(typed.lines))
        for at in range(place - 1, -1, -1):
            line = typed.lines[at]
            if wanted in line.casefold() and (found is None or line != found.line):
                return HistoryMatch(line, at)
        return None


def concealed(row: str, *, is_first: bool) -> str:
    """A row of a text that may hold a password, as it is drawn: dots behind the command; of the same length."""
    start = len(row) - len(row.lstrip()) + len(row.split(maxsplit=1)[0]) if is_first and row.strip() else 0
    return row[:start] + "".join(each if each.isspace() else DOT for each in row[start:])


def is_secret(line: str) -> bool:
    """Whether a line may hold a password: a command of SECRET_COMMANDS, or what may be a slip of one."""
    word = line.lstrip()
    if not word.startswith("/") or word.startswith("//"):
        return False
    name = word[1:].split(maxsplit=1)[:1]
    return bool(name) and bool(nearest(name[0].lower(), SECRET_COMMANDS))
