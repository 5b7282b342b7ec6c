"""What a search has found, as a row for each message to choose from. Pure.

A row shows the first of the words that were searched for, however long the text is. Picked, it stands for its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from udpchat.chat.events import HistoryFound, MessageReceived
from udpchat.ui.local_times import local_time
from udpchat.ui.tui.cells import ELLIPSIS
from udpchat.ui.tui.picker import Offer

BEFORE_CHARACTERS: Final = 16  # of the text, shown before the word that was found
EXCERPT_CHARACTERS_MAX: Final = 200  # more than a row has cells


class Results:
    """The messages that a search found. Times are in `zone`, as `time_format` has them; `today`: of when it is read."""

    def __init__(self, found: HistoryFound, now_ms: int, time_format: str, zone: tzinfo | None = None) -> None:
        self.messages: dict[str, MessageReceived] = {}  # by what stands for each, the latest first
        self._rows: dict[str, str] = {}
        words = (found.words or "").lower().split()
        today = local_time(now_ms, zone).date()
        for number, message in enumerate(reversed(found.messages)):
            time = local_time(message.time_ms, zone)
            day = "" if time.date() == today else f"{time.date().isoformat()} "
            self.messages[str(number)] = message
            about = f"{day}{time.strftime(time_format)} {message.room} {message.nick}: "
            self._rows[str(number)] = about + excerpt(message.text, words)

    def matching(self, typed: str) -> list[Offer]:
        """The rows that hold all that is typed, word by word."""
        wanted = typed.lower().split()
        return [Offer(key, row) for key, row in self._rows.items() if all(word in row.lower() for word in wanted)]


def excerpt(text: str, words: Sequence[str]) -> str:
    """A text in one row, from a little before the first place where one of the words (in lower case) stands."""
    line = " ".join(text.split())
    folded = line.lower()
    places = [at for word in words if (at := folded.find(word)) >= 0]
    start = max(min(places, default=0) - BEFORE_CHARACTERS, 0)
    if start:
        start = line.find(" ", start) + 1 or start  # from the beginning of a word
    lead = ELLIPSIS if start else ""
    return lead + line[start : start + EXCERPT_CHARACTERS_MAX]
