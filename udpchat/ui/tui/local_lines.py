"""What this client says in a conversation: who came and left, notices, errors, answers to commands. Pure.

The server's log does not hold these lines. Each stands behind the message that was the latest when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import islice
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.phrases import sentence
from udpchat.ui.printing import plain_lines

LINES_MAX: Final = 200  # of one conversation; the first ones are forgotten
CONVERSATIONS_MAX: Final = 256
CHARACTERS_MAX: Final = 32 * 1024  # of one line: an answer to /history may be far longer than all that one reads here
FOLDED_MAX: Final = 100  # who came and left in one line: the latest
FOLDED_NICKS_MAX: Final = 20  # of one kind, named
Fold = events.MemberJoined | events.MemberLeft


@dataclass(frozen=True, slots=True)
class LocalLine:
    """Lines of text that came together, none of them made safe yet.

    `number`: from 1 on, in the order in which they came. `after`: the sequence of the message that they stand behind;
    0: none was known, and their time decides.
    """

    number: int
    after: int
    time_ms: int
    lines: tuple[str, ...]
    is_error: bool = False
    folded: tuple[Fold, ...] = ()


class LocalLines:
    """The lines of all conversations."""

    def __init__(self, *, zone: tzinfo | None = None) -> None:
        """`zone` is that of the dates of past messages; None: the zone of this machine."""
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
        lines = self._lines.pop(conversation, [])
        self._lines[conversation] = lines  # the last one to be forgotten
        if len(self._lines) > CONVERSATIONS_MAX:
            del self._lines[next(iter(self._lines))]
        if isinstance(event, Fold) and lines and lines[-1].folded and lines[-1].after == after:
            folded = (*lines[-1].folded, event)[-FOLDED_MAX:]
            lines[-1] = replace(lines[-1], lines=(folded_line(folded),), folded=folded)
            return
        texts = _texts(event, self._zone)
        if not texts:
            return
        self._number += 1
        folded = (event,) if isinstance(event, Fold) else ()
        is_error = isinstance(event, events.Error | events.Rejected)
        lines.append(LocalLine(self._number, after, time_ms, texts, is_error, folded))
        del lines[:-LINES_MAX]


def folded_line(folded: Sequence[Fold]) -> str:
    """Who came and who left, in one line: `-- bob, carol joined; dave left`; who did both is named once."""
    came: dict[str, None] = {}
    left: dict[str, None] = {}
    both: dict[str, None] = {}
    for event in folded:
        other, own = (left, came) if isinstance(event, events.MemberJoined) else (came, left)
        if event.nick in both:
            continue
        (both if event.nick in other else own)[event.nick] = None
        if event.nick in both:
            del other[event.nick]
    if len(folded) == 1:
        return plain_lines(folded[0])[0][1]
    parts = [
        sentence("list.joined", nicks=_named(came)) if came else "",
        sentence("list.left", nicks=_named(left)) if left else "",
        sentence("list.both", nicks=_named(both)) if both else "",
    ]
    return "-- " + "; ".join(filter(None, parts))


def _named(nicks: dict[str, None]) -> list[str]:
    more = len(nicks) - FOLDED_NICKS_MAX
    return [*islice(nicks, FOLDED_NICKS_MAX), *([sentence("list.more", count=more)] if more > 0 else [])]


def _texts(event: ClientEvent, zone: tzinfo | None) -> tuple[str, ...]:
    if isinstance(event, events.MessageReceived | events.MessageSent):
        return ()  # they are in the model
    room, left = [], CHARACTERS_MAX
    for _, text in plain_lines(event, zone=zone):
        room.append(text[:left])
        left -= len(text)
        if left <= 0:
            break
    return tuple(room)
