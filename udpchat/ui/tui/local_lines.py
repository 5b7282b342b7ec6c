"""What this client says in a conversation: who came and left, notices, errors, answers to commands. Pure.

The server's log does not hold these lines. Each stands behind the message that was the latest when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from enum import Enum
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.folding import Movement, fold
from udpchat.ui.phrases import text_of
from udpchat.ui.printing import plain_lines
from udpchat.wire.fields import Value

LINES_MAX: Final = 200  # of one conversation; the first ones are forgotten
CONVERSATIONS_MAX: Final = 256
CHARACTERS_MAX: Final = 32 * 1024  # of one line: an answer to /history may be far longer than all that one reads here
FOLDED_MAX: Final = 100  # who came and left in one line: the latest


class LineKind(Enum):
    """How much a line is to stand out."""

    REMARK = "as what is said beside the messages"
    ERROR = "something went wrong"
    ANNOUNCEMENT = "somebody speaks to everybody"


def kind_of(event: ClientEvent) -> LineKind:
    """That of the line of an event."""
    match event:
        case events.Error() | events.Rejected():
            return LineKind.ERROR
        case events.Announcement():
            return LineKind.ANNOUNCEMENT
    return LineKind.REMARK


class LocalLine(Value, frozen=True):
    """Lines of text that came together, none of them made safe yet.

    `number`: from 1 on, in the order in which they came. `after`: the sequence of the message that they stand behind;
    0: none was known, and their time decides.
    """

    number: int
    after: int
    time_ms: int
    lines: tuple[str, ...]
    kind: LineKind = LineKind.REMARK
    run: tuple[Movement, ...] = ()  # who came and left, if this is what it says


class LocalLines:
    """The lines of all conversations.

    `joins`: who comes and goes is said in a line for each (`all`), in one for several (`fold`), or not (`none`).
    `zone` is that of the dates of past messages; None: the zone of this machine.
    """

    def __init__(self, *, joins: str = "fold", zone: tzinfo | None = None) -> None:
        self.joins = joins
        self._zone = zone
        self._number = 0
        self._lines: dict[str, list[LocalLine]] = {}

    def of(self, conversation: str) -> Sequence[LocalLine]:
        """The lines of a conversation, in the order in which they came."""
        return self._lines.get(conversation, ())

    def forget(self, conversation: str) -> None:
        self._lines.pop(conversation, None)

    def add(self, conversation: str, event: ClientEvent, *, after: int, time_ms: int) -> None:
        """Something happened, at this time in ms since 1970. Events that say nothing to a person add nothing."""
        if self.joins == "none" and isinstance(event, Movement):
            return
        lines = self._lines.pop(conversation, [])
        self._lines[conversation] = lines  # the last one to be forgotten
        if len(self._lines) > CONVERSATIONS_MAX:
            del self._lines[next(iter(self._lines))]
        self._number += 1
        number = self._number
        run: tuple[Movement, ...] = (event,) if isinstance(event, Movement) and self.joins == "fold" else ()
        if run and lines and lines[-1].run and lines[-1].after == after:
            former = lines.pop()
            number, run = former.number, (*former.run, *run)[-FOLDED_MAX:]
        texts = _folded(run) if len(run) > 1 else _texts(event, self._zone)
        if texts:
            lines.append(LocalLine(number, after, time_ms, texts, kind_of(event), run))
            del lines[:-LINES_MAX]


def _folded(run: Sequence[Movement]) -> tuple[str, ...]:
    phrase = fold(run)
    return (f"-- {text_of(phrase)}",) if phrase is not None else ()


def _texts(event: ClientEvent, zone: tzinfo | None) -> tuple[str, ...]:
    if isinstance(event, events.MessageReceived | events.MessageSent):
        return ()  # they are in the model
    texts, left = [], CHARACTERS_MAX
    for _, text in plain_lines(event, zone=zone):
        texts.append(text[:left])
        left -= len(texts[-1])
        if not left:
            break
    return tuple(texts)
