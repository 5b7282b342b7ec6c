"""A room's roster: who is in it, and the log of changes that those in it follow (SPEC 6.2).

Kept in memory only: presence does not outlive the server. Changes are batched, so that a crowd that comes at once costs
each member few frames, not one for each who came (DESIGN: O(n), not O(n^2) of them).
"""

from __future__ import annotations

from collections import deque

from udpchat.chat.ids import roster_log
from udpchat.sync.log import Extent
from udpchat.sync.log_stream import RECENT_ENTRIES_MAX, LogStream
from udpchat.wire.content import Joined, Left, Reason, Renamed, TopicSet
from udpchat.wire.frames import encode

BATCH_S_PER_MEMBER = 0.001
BATCH_S_MAX = 0.2
KEPT_ENTRIES_MAX = 16 * RECENT_ENTRIES_MAX


class _Changes:
    """The latest changes, as a log that can be read."""

    __slots__ = ("entries", "generation", "head")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.head = 0
        self.entries: deque[bytes] = deque(maxlen=KEPT_ENTRIES_MAX)

    def logs(self) -> list[str]:
        return []

    def extent(self, log: str) -> Extent:
        return Extent(self.generation, self.head - len(self.entries), self.head)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        skip = first - (self.head - len(self.entries)) - 1
        if skip < 0:
            return []
        return [self.entries[at] for at in range(skip, min(skip + count, len(self.entries)))]

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        return []


class Roster:
    """Nicks in one room, each with how many of its devices are here."""

    __slots__ = ("_changes", "_pending", "flush_at", "members", "stream")

    def __init__(self, room: str, *, generation: int) -> None:
        self._changes = _Changes(generation)
        self.stream = LogStream(roster_log(room), self._changes)
        self.members: dict[str, int] = {}
        self._pending: list[bytes] = []
        self.flush_at: float | None = None

    def join(self, now: float, nick: str, user: bytes) -> None:
        """A device of a person came in; the first is news."""
        self.members[nick] = self.members.get(nick, 0) + 1
        if self.members[nick] == 1:
            self._change(now, encode(Joined(nick, user)))

    def leave(self, now: float, nick: str, user: bytes, reason: Reason) -> None:
        """A device of a person left; the last is news."""
        self.members[nick] -= 1
        if not self.members[nick]:
            del self.members[nick]
            self._change(now, encode(Left(nick, user, reason)))

    def rename(self, now: float, old: str, nick: str, user: bytes) -> None:
        """A device of a person goes by another nick."""
        self.members[old] -= 1
        if not self.members[old]:
            del self.members[old]
        self.members[nick] = self.members.get(nick, 0) + 1
        self._change(now, encode(Renamed(old, nick, user)))

    def set_topic(self, now: float, topic: str, nick: str) -> None:
        """The topic is another."""
        self._change(now, encode(TopicSet(topic, nick)))

    def _change(self, now: float, entry: bytes) -> None:
        self._pending.append(entry)
        if self.flush_at is None:
            self.flush_at = now + min(BATCH_S_MAX, BATCH_S_PER_MEMBER * len(self.members))

    def flush(self, now: float) -> None:
        """Tell the changes to all who follow."""
        pending, self._pending, self.flush_at = self._pending, [], None
        for start in range(0, len(pending), RECENT_ENTRIES_MAX):  # a stream reads back what grows faster than that
            entries = pending[start : start + RECENT_ENTRIES_MAX]
            self._changes.entries.extend(entries)
            self._changes.head += len(entries)
            self.stream.extend(now, entries)
            self.stream.base = self._changes.head - len(self._changes.entries)
