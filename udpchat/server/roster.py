"""A room's roster: its members, and the log of changes that they follow (SPEC 6.2).

It is kept in memory only, as presence does not outlive the server. Changes are batched: if n peers join at once, each
member receives a few frames instead of n, so the total is O(n), not O(n^2).
"""

from __future__ import annotations

from collections import deque

from udpchat.chat.ids import roster_log
from udpchat.server.fanout import Fanout
from udpchat.sync.log import Extent
from udpchat.sync.log_stream import RECENT_ENTRIES_MAX, LogStream
from udpchat.wire.content import Joined, Left, Reason, Renamed, TopicSet
from udpchat.wire.frames import encode

BATCH_S_PER_MEMBER = 0.001
BATCH_S_MAX = 0.2
KEPT_ENTRIES_MAX = 16 * RECENT_ENTRIES_MAX


class _Changes:
    """The latest changes, as an `EntryReader`."""

    __slots__ = ("entries", "generation", "head")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.head = 0
        self.entries: deque[bytes] = deque(maxlen=KEPT_ENTRIES_MAX)

    def extent(self, log: str) -> Extent:
        return Extent(self.generation, self.head - len(self.entries), self.head)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        skip = first - (self.head - len(self.entries)) - 1
        if skip < 0:
            return []
        return [self.entries[at] for at in range(skip, min(skip + count, len(self.entries)))]


class Roster:
    """The nicks in one room, each with the number of its devices there."""

    __slots__ = ("_changes", "_pending", "flush_at", "members", "stream")

    def __init__(self, room: str, *, generation: int) -> None:
        self._changes = _Changes(generation)
        self.stream = LogStream(roster_log(room), self._changes)
        self.members: dict[str, int] = {}
        self._pending: list[bytes] = []
        self.flush_at: float | None = None

    def join(self, now: float, nick: str, user: bytes) -> None:
        """A device joined; the first one of a nick is announced."""
        self.members[nick] = self.members.get(nick, 0) + 1
        if self.members[nick] == 1:
            self._change(now, encode(Joined(nick, user)))

    def leave(self, now: float, nick: str, user: bytes, reason: Reason) -> None:
        """A device left; the last one of a nick is announced."""
        self.members[nick] -= 1
        if not self.members[nick]:
            del self.members[nick]
            self._change(now, encode(Left(nick, user, reason)))

    def rename(self, now: float, old: str, nick: str, user: bytes) -> None:
        """A device changed its nick; this is always announced."""
        self.members[old] -= 1
        if not self.members[old]:
            del self.members[old]
        self.members[nick] = self.members.get(nick, 0) + 1
        self._change(now, encode(Renamed(old, nick, user)))

    def set_topic(self, now: float, topic: str, nick: str) -> None:
        """The topic changed."""
        self._change(now, encode(TopicSet(topic, nick)))

    def _change(self, now: float, entry: bytes) -> None:
        self._pending.append(entry)
        if self.flush_at is None:
            self.flush_at = now + min(BATCH_S_MAX, BATCH_S_PER_MEMBER * len(self.members))

    def flush(self, now: float, fanout: Fanout) -> None:
        """Send the batched changes to all followers."""
        pending, self._pending, self.flush_at = self._pending, [], None
        for start in range(0, len(pending), RECENT_ENTRIES_MAX):  # a stream keeps no more in memory
            entries = pending[start : start + RECENT_ENTRIES_MAX]
            self._changes.entries.extend(entries)
            self._changes.head += len(entries)
            fanout.extend(now, self.stream, entries)
            self.stream.base = self._changes.head - len(self._changes.entries)
