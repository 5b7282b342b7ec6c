"""A room's roster: its members, and the log of changes that they follow (SPEC 6.2).

It is kept in memory only, as presence does not outlive the server. Changes are batched: if n peers join at once, each
member receives a few frames instead of n, so the total is O(n), not O(n^2).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from udpchat.chat.ids import roster_log
from udpchat.server.fanout import Fanout
from udpchat.session.timers import earliest
from udpchat.sync.cache_budget import MemoryBudget
from udpchat.sync.log import Extent
from udpchat.sync.log_stream import ENTRY_MEMORY_BYTES, RECENT_ENTRIES_MAX, LogStream
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Reason, Renamed, TopicSet
from udpchat.wire.frames import encode
from udpchat.wire.requests import Member

BATCH_S_PER_MEMBER = 0.001
BATCH_S_MAX = 0.2
PRESENCE_DELAY_S = 1.0  # of an AwaySet
KEPT_ENTRIES_MAX = 16 * RECENT_ENTRIES_MAX


class _Changes:
    """The latest changes, as an `EntryReader`."""

    __slots__ = ("bytes_held", "entries", "generation", "head")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.head = 0
        self.entries: deque[bytes] = deque()
        self.bytes_held = 0  # in memory

    def extend(self, entries: list[bytes]) -> None:
        self.entries.extend(entries)
        self.head += len(entries)
        self.bytes_held += sum(len(entry) + ENTRY_MEMORY_BYTES for entry in entries)
        while len(self.entries) > KEPT_ENTRIES_MAX:
            self.bytes_held -= len(self.entries.popleft()) + ENTRY_MEMORY_BYTES

    def forget(self) -> None:
        self.entries.clear()
        self.bytes_held = 0

    def extent(self, log: str) -> Extent:
        return Extent(self.generation, self.head - len(self.entries), self.head)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        skip = first - (self.head - len(self.entries)) - 1
        if skip < 0:
            return []
        return [self.entries[at] for at in range(skip, min(skip + count, len(self.entries)))]


@dataclass(slots=True)
class Attendance:
    """A member: how many devices are in the room, the reasons of those that are away, and the one announced, if any."""

    user: bytes
    devices: int = 0
    reasons: tuple[str, ...] = ()
    announced: str | None = None

    @property
    def away(self) -> str | None:
        """The reason of the first device that is away, if all are."""
        return self.reasons[0] if self.reasons and len(self.reasons) == self.devices else None

    def replace(self, former: str | None, reason: str | None) -> None:
        """The reason of a device changes; None: it is not away, or not in the room."""
        left = list(self.reasons)
        if former is not None:
            left.remove(former)
        self.reasons = tuple(left) if reason is None else (*left, reason)


class Roster:
    """The members of one room, by nick."""

    __slots__ = ("_changes", "_memory", "_pending", "_presences", "flush_at", "members", "stream")

    def __init__(self, room: str, *, generation: int, memory: MemoryBudget | None = None) -> None:
        self._changes = _Changes(generation)
        self._memory = memory
        self.stream = LogStream(roster_log(room), self._changes, memory=memory)
        self.members: dict[str, Attendance] = {}
        self._pending: list[bytes] = []
        self._presences: dict[str, None] = {}  # nicks that may be away or back since their last announcement
        self.flush_at: float | None = None

    @property
    def head(self) -> int:
        """The sequence of the last change, which may not be published yet."""
        return self._changes.head + len(self._pending)

    def member(self, nick: str) -> Member:
        """The member of this nick as of `head`: away if that was announced."""
        attendance = self.members[nick]
        return Member(nick, attendance.user, attendance.announced)

    def join(
        self, now: float, nick: str, user: bytes, *, away: str | None = None, is_back: bool = False, role: int = 0
    ) -> None:
        """A device joined; the first one of a nick is announced. `away`: why the device is away, if it is.

        `is_back`: it was there before, in another session. `role`: of its person, in the room or on the server.
        """
        if nick not in self.members:
            self.members[nick] = Attendance(user)
            self._change(now, Joined(nick, user, is_back, role))
        self._add(now, nick, away)

    def leave(
        self,
        now: float,
        nick: str,
        user: bytes,
        reason: Reason,
        *,
        away: str | None = None,
        by: str | None = None,
        why: str = "",
    ) -> None:
        """A device left; the last one of a nick is announced. `by`: who removed it, `why`: their reason."""
        if self._remove(nick, away):
            self._change(now, Left(nick, user, reason, by, why))
        else:
            self._announce(now, nick)

    def rename(self, now: float, old: str, nick: str, user: bytes, *, away: str | None = None) -> None:
        """A device changed its nick. If another one keeps the former nick, the new nick joins."""
        if self._remove(old, away):
            self._change(now, Renamed(old, nick, user))
            self.members.setdefault(nick, Attendance(user))
            self._add(now, nick, away)
        else:
            self._announce(now, old)
            self.join(now, nick, user, away=away)

    def set_away(self, now: float, nick: str, former: str | None, reason: str | None) -> None:
        """A device is away for another reason than before; None: it is here."""
        self.members[nick].replace(former, reason)
        self._announce(now, nick)

    def _add(self, now: float, nick: str, away: str | None) -> None:
        attendance = self.members[nick]
        attendance.devices += 1
        attendance.replace(None, away)
        self._announce(now, nick)

    def _remove(self, nick: str, away: str | None) -> bool:
        """One device less; True if none is left."""
        attendance = self.members[nick]
        attendance.devices -= 1
        attendance.replace(away, None)
        if not attendance.devices:
            del self.members[nick]
        return not attendance.devices

    def _announce(self, now: float, nick: str) -> None:
        """Announce the presence of a member with the next batch, if it differs by then. However often a device changes
        it, all hear of it once a second at most, unless others come and go."""
        attendance = self.members[nick]
        if attendance.away != attendance.announced:
            self._presences[nick] = None
            self.flush_at = earliest(self.flush_at, now + PRESENCE_DELAY_S)

    def _take_presences(self) -> list[bytes]:
        changed = []
        for nick in self._presences:
            attendance = self.members.get(nick)
            if attendance is not None and attendance.away != attendance.announced:
                attendance.announced = attendance.away
                changed.append(encode(AwaySet(nick, attendance.user, attendance.away)))
        self._presences.clear()
        return changed

    def set_topic(self, now: float, topic: str, nick: str) -> None:
        self._change(now, TopicSet(topic, nick))

    def announce(self, now: float, entry: Entry) -> None:
        """Something about the room was decided."""
        self._change(now, entry)

    def _change(self, now: float, entry: Entry) -> None:
        self._pending.append(encode(entry))
        self.flush_at = earliest(self.flush_at, now + min(BATCH_S_MAX, BATCH_S_PER_MEMBER * len(self.members)))

    def forget(self) -> None:
        """Keep no changes: who lacks some begins anew with the list of members."""
        self._changes.forget()
        self.stream.base = self._changes.head

    def flush(self, now: float, fanout: Fanout) -> None:
        """Send the batched changes to all followers."""
        pending, self._pending, self.flush_at = self._pending + self._take_presences(), [], None
        for start in range(0, len(pending), RECENT_ENTRIES_MAX):  # a stream keeps no more in memory
            entries = pending[start : start + RECENT_ENTRIES_MAX]
            self._changes.extend(entries)
            fanout.extend(now, self.stream, entries)
            self.stream.base = self._changes.head - len(self._changes.entries)
        if pending and self._memory is not None and self.stream.followers:  # else the room is closed
            self._memory.on_used(self, self._changes.bytes_held)
