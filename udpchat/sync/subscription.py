"""What one follower has of a log: the entries it holds, those under way to it, and those still to be read (SPEC 5).

A subscription keeps three sets of entries: `acked`, held by the replica; `scheduled`, in flight or queued; and
`backlog`, the part of `scheduled` that is read from the log when congestion control allows. Any other entry up to the
head is missing, and is added to the backlog.
"""

from __future__ import annotations

from udpchat.sync.log_stream import READ_ENTRIES, EncodedEntries, LogStream
from udpchat.sync.ranges import Ranges
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.frames import Cursor, Head
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, REPLICA_HELD_MAX, SEQUENCE_MAX

READ_AHEAD_ENTRIES_MAX = REPLICA_HELD_MAX - READ_ENTRIES  # beyond a gap: a replica does not keep more
HELD_RUNS_MAX = 512  # ranges held beyond gaps: more than loss causes, below what an attacker could force


class Subscription:
    """What one follower holds of a log, and what is under way to it."""

    __slots__ = ("_may_miss", "acked", "backlog", "entered", "is_known", "published", "scheduled", "sequence", "stream")

    def __init__(self, stream: LogStream) -> None:
        self.stream = stream
        self.entered = stream.head  # the head when the peer began to follow
        self.is_known = False  # whether the replica has reported what it holds
        self.published = stream.head  # entries beyond are sent only once they are published
        self.sequence = 0  # the replica holds all up to here
        self.acked = Ranges()  # beyond `sequence`
        self.scheduled = Ranges()
        self.backlog = Ranges()
        self._may_miss = False  # whether an entry may be neither held nor scheduled

    def head(self) -> Head:
        """The head of the log, as it is sent to this follower."""
        stream = self.stream
        return Head(stream.log, stream.generation, stream.base, stream.head, self.entered)

    @property
    def is_behind(self) -> bool:
        """Whether the replica has not acknowledged all entries of the log."""
        return self.sequence < self.stream.head

    def holds(self, first: int, last: int) -> bool:
        """Whether the replica has all of `first` to `last`."""
        return last <= self.sequence or self.acked.covers(max(first, self.sequence + 1), last)

    def on_cursor(self, cursor: Cursor) -> None:
        """The replica reports what it holds. Raises BadDatagram(UNSENT_ACK) if that is more than the log has."""
        head = self.stream.head
        if cursor.sequence > head or any(first > last or last > head for first, last in cursor.ranges):
            raise BadDatagram(Drop.UNSENT_ACK)
        if not self.is_known:
            self.is_known = self._may_miss = True
            self.scheduled.clear()  # what was sent before the follower knew the head was not taken
            self.acked.clear()
            self._pass(cursor.sequence)
        elif cursor.sequence > self.sequence:
            self._pass(cursor.sequence)
        for first, last in cursor.ranges:
            self.on_held(first, last)
        self._advance()

    def on_held(self, first: int, last: int) -> None:
        """The replica holds `first` to `last`. A range beyond HELD_RUNS_MAX is not remembered: it is sent again."""
        self.acked.add(first, last)
        if len(self.acked) > HELD_RUNS_MAX:
            return self.acked.remove(first, last)
        self.scheduled.remove(first, last)
        self.backlog.remove(first, last)

    def _pass(self, sequence: int) -> None:
        """The replica holds all up to here."""
        self.sequence = sequence
        self.scheduled.remove(0, sequence)
        if self.backlog:
            self.backlog.remove(0, sequence)

    def _advance(self) -> None:
        if self.acked:
            self.acked.remove(0, self.sequence)
            if self.acked and self.acked.first == self.sequence + 1:
                first, self.sequence = next(iter(self.acked))
                self.acked.remove(first, self.sequence)

    def readable(self) -> tuple[int, int] | None:
        """The first range of the backlog; None if it is so far beyond a gap that the replica would not keep it."""
        if not self.backlog or self.backlog.first > self.sequence + READ_AHEAD_ENTRIES_MAX:
            return None
        return next(iter(self.backlog))

    def take_backlog(self, bytes_max: int) -> list[EncodedEntries]:
        """Read from the front of the backlog: up to a datagram less than `bytes_max`, but all fragments of an entry."""
        taken: list[EncodedEntries] = []
        self.backlog.remove(0, self.stream.base)
        while bytes_max >= DATAGRAM_BYTES_MAX and (run := self.readable()) is not None:
            first, last = run
            read = self.stream.frames(first, min(last, first + READ_ENTRIES - 1))
            if not read:
                self.backlog.clear()  # unreadable, or below the base by now: scheduled again if missing
            for encoded in read:
                if bytes_max < DATAGRAM_BYTES_MAX and not encoded.fragment:
                    break
                taken.append(encoded)
                self.backlog.remove(encoded.first, encoded.last)
                bytes_max -= len(encoded.frame)
        return taken

    def publish(self) -> tuple[int, int]:
        """All of the log is under way from here on; the first and the last entry that were not yet."""
        first, self.published = self.published + 1, self.stream.head
        self.scheduled.add(first, self.published)
        return first, self.published

    def unschedule(self, first: int = 0, last: int = SEQUENCE_MAX) -> None:
        """Entries `first` to `last`, all if not given, are under way no longer."""
        if self.scheduled:
            self.scheduled.remove(first, last)
            self._may_miss = True

    def send_anew(self, sequence: int) -> None:
        """An entry has other bytes from now on: unless the replica holds it, what was sent of it may be of no use.

        The next ack schedules it.
        """
        if not self.holds(sequence, sequence):
            self.unschedule(sequence, sequence)

    def schedule_missing(self) -> None:
        """Add what is published, and neither held nor scheduled, to the backlog."""
        self._advance()
        first = max(self.sequence, self.stream.base) + 1
        if not self.is_known or not self._may_miss:
            return
        self._may_miss = False
        for gap_first, gap_last in self.acked.gaps(first, self.published):
            for missing_first, missing_last in self.scheduled.gaps(gap_first, gap_last):
                self.backlog.add(missing_first, missing_last)
                self.scheduled.add(missing_first, missing_last)

    def forget(self) -> None:
        """A new session: what was under way is unknown until the replica reports again what it holds.

        If the client was restarted, it enters only now; a client that goes on keeps the `entered` of before.
        """
        self.entered = self.published = self.stream.head
        self.is_known = self._may_miss = False
        self.scheduled.clear()
        self.backlog.clear()


class EntrySpan(Value, frozen=True):
    """Entries `first` to `last` of a log, or one fragment of the entry `first`, that a packet carries to a follower."""

    subscription: Subscription
    first: int
    last: int
    fragment: int | None = None  # its index; None: whole entries

    @property
    def key(self) -> tuple[Subscription, int, int | None]:
        """The same for everything that starts with the same entry or fragment."""
        return self.subscription, self.first, self.fragment

    def frames(self) -> list[EncodedEntries]:
        """The same entries as frames, to be sent again; fewer if the log does not keep them, or cannot be read.

        Of an entry that was replaced and has no such fragment now, there are none: all of it is to be sent anew.
        """
        frames = self.subscription.stream.frames(self.first, self.last)
        return [encoded for encoded in frames if self.fragment in (None, encoded.fragment)]
