"""How far this user has read each log, on whichever of their devices (SPEC 6.5). Pure.

A mark goes up as a request and comes down to all devices in the user's inbox, a log as any other. The highest counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from udpchat.session.timers import earliest
from udpchat.wire.content import ReadMark
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.limits import INBOX_ENTRIES_MAX
from udpchat.wire.requests import MarkRead

REPORT_INTERVAL_S: Final = 5.0  # what is read meanwhile goes as one request for each log


class ReadMarks:
    """The highest mark of each log, and those to be sent."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        """`entries`: of the inbox, as stored by earlier runs."""
        self._marks: dict[str, ReadMark] = {}
        self._unsent: dict[str, None] = {}
        self._due: float | None = None
        for entry in entries:
            self.receive_stored(entry)

    def receive_stored(self, entry: bytes) -> None:
        """An entry of the inbox, as stored; what is no mark is ignored."""
        try:
            mark = parse_entry_untrusted(entry)
        except BadDatagram:
            return
        if isinstance(mark, ReadMark):
            self.receive(mark)

    def get(self, log: str, generation: int) -> int | None:
        """The sequence up to which a log of this generation is read, if it was marked."""
        mark = self._marks.get(log)
        return mark.sequence if mark is not None and mark.generation == generation else None

    def receive(self, mark: ReadMark) -> bool:
        """A mark from the inbox; False if it is not higher than the one known."""
        known = self._marks.get(mark.log)
        if known is not None and known.generation == mark.generation and known.sequence >= mark.sequence:
            return False
        self._marks.pop(mark.log, None)  # to be the last of the dict
        self._marks[mark.log] = mark
        if len(self._marks) > INBOX_ENTRIES_MAX:
            del self._marks[next(iter(self._marks))]
        return True

    def set(self, now: float, mark: ReadMark) -> None:
        """The user has read up to here on this device: send it soon, if it is news."""
        if self.receive(mark):
            self._unsent[mark.log] = None
            self._due = earliest(self._due, now + REPORT_INTERVAL_S)

    def next_timeout(self) -> float | None:
        """When `drain` is due."""
        return self._due

    def drain(self) -> list[MarkRead]:
        """The marks that are not sent yet."""
        unsent, self._unsent, self._due = self._unsent, {}, None
        marks = [self._marks[log] for log in unsent if log in self._marks]
        return [MarkRead(mark.log, mark.generation, mark.sequence) for mark in marks]
