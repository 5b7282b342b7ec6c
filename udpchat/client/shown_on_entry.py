"""Which messages from before the entry into a room are shown: the latest `shown_max`. Pure.

Edits, removals and reactions are entries of a log too. So more entries are looked through than messages are shown, and
kept back until all are here: only then is it known which messages are the latest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from udpchat.chat.amendments import AMENDING
from udpchat.chat.events import Notice, notice
from udpchat.wire.content import Message, Tombstone

KEPT_BYTES_MAX: Final = 4 * 1024 * 1024  # of the entries kept back, of all rooms; beyond it the earliest are not shown
Said = Message | Tombstone


def looked_through(count: int) -> int:
    """Of how many entries the latest `count` messages are shown; there are fewer if more are about messages."""
    return 2 * count + 20 if count else 0


@dataclass(slots=True)
class _Room:
    """What is kept back of a room: entries with their sequences and sizes, and notices between them.

    `known`: up to this sequence entries were seen in an earlier run, or are gone. `is_new`: there was no such run.
    """

    entered: int
    known: int
    is_new: bool
    kept: deque[tuple[int, Said, int] | Notice] = field(default_factory=deque)


Told = tuple[int, Said] | Notice


class EntryHistory:
    """The rooms that the user has entered in this run; `shown_max` None: all messages of the past are shown."""

    def __init__(self, shown_max: int | None) -> None:
        self._shown_max = shown_max
        self._hidden: dict[str, int] = {}  # log -> messages up to this sequence are not shown
        self._rooms: dict[str, _Room] = {}  # by log, while entries are kept back
        self.kept_bytes = 0

    def hidden(self, log: str) -> int:
        """Messages of a log up to this sequence are not shown; 0: all are shown."""
        return self._hidden.get(log, 0)

    def forget(self, log: str) -> None:
        """The sequences of a log mean other entries now."""
        self._hidden.pop(log, None)
        self.leave(log)

    def leave(self, log: str) -> None:
        """A log is not followed any more."""
        room = self._rooms.pop(log, None)
        self.kept_bytes -= sum(each[2] for each in room.kept if isinstance(each, tuple)) if room is not None else 0

    def begin(self, log: str, *, base: int, entered: int, seen: int | None) -> list[Told]:
        """A room is entered whose log reaches from behind `base` to `entered`: what is to be told now.

        `seen`: up to there an earlier run had it; None: none had.
        """
        if self._shown_max is None:
            return []
        self._rooms[log] = _Room(entered, max(base, seen or 0), seen is None)
        self._hidden[log] = max(entered - looked_through(self._shown_max), 0)
        return [] if self._shown_max else self.release(log)

    def pass_on(self, log: str, sequence: int, entry: Said | Notice, size: int = 0) -> list[Told]:
        """An entry comes that counts for `size` bytes, or a notice behind that sequence: what is to be told now."""
        room = self._rooms.get(log)
        if room is None or not self._hidden[log] < sequence <= room.entered:
            return [entry if isinstance(entry, Notice) else (sequence, entry)]
        if isinstance(entry, Notice):
            room.kept.append(entry)
            return []
        room.kept.append((sequence, entry, size))
        self.kept_bytes += size
        passed: list[Told] = []
        while self.kept_bytes > KEPT_BYTES_MAX and room.kept:
            first = room.kept.popleft()
            if isinstance(first, tuple):
                self._hidden[log] = first[0]
                self.kept_bytes -= first[2]
            passed.append(first[:2] if isinstance(first, tuple) else first)
        return passed

    def release(self, log: str) -> list[Told]:
        """All that was kept back of a room, which is all there is, to be told now."""
        room = self._rooms.get(log)
        if room is None:
            return []
        self.leave(log)
        entries = [each for each in room.kept if isinstance(each, tuple)]
        messages = [
            sequence for sequence, said, _ in entries if isinstance(said, Message) and said.kind not in AMENDING
        ]
        if self._shown_max and len(messages) >= self._shown_max:
            self._hidden[log] = messages[-self._shown_max] - 1
        count = self._hidden[log] - room.known
        is_told = count > 0 and (self._shown_max or not room.is_new)  # not to a new user without history
        counted = [notice("history", count=count, room=log[1:])] if is_told else []
        return [*counted, *(each[:2] if isinstance(each, tuple) else each for each in room.kept)]
