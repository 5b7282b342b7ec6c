"""Logs on their way down: a `Stream` is one log for all who follow it, a `Feed` what one of them has of it (SPEC 5).

A feed knows three sets of entries: those the replica holds, those scheduled (in flight or queued), and the backlog
among them, which is read from the log when the pace allows. All else below the head is missing, and becomes backlog.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from udpchat.sync.fragments import split
from udpchat.sync.log import LogReader, LogUnreadable
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.sync.ranges import Ranges
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Cursor, Entries, EntryFragment, Head, encode, pack, raw
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    ACKS_PER_S_BUDGET,
    ENTRIES_MAX,
    REPLICA_HELD_MAX,
    SENDER_DRIVEN_PEERS_MAX,
    SEQUENCE_MAX,
)

ARRAY_GROWTH_BYTES = 2  # of an empty msgpack array's header, until it holds ENTRIES_MAX
RECENT_ENTRIES_MAX = 256  # kept in memory, so that what is live is never read from a disk
RECENT_BYTES_MAX = 256 * 1024
READ_ENTRIES = 64  # of a backlog at a time
READ_AHEAD_ENTRIES_MAX = REPLICA_HELD_MAX - READ_ENTRIES  # of a gap: a replica does not keep more
CACHED_BYTES_MAX = 256 * 1024  # of frames, for each log
HELD_RUNS_MAX = 512  # of what a replica holds beyond its gaps: more than loss makes, fewer than a liar could
ANNOUNCE_AFTER_S = (0.02, 0.2, 1.0)  # of silence in a large room; OpenPGM's SPM schedule is the model
ANNOUNCE_INTERVALS_MIN = 0.4  # but not while hardly anybody can have acknowledged: that would double what is sent


class Subscriber(Protocol):
    """Who follows streams: the downlink of a peer, `owner` to whoever made it."""

    owner: Any

    def publish(self, subscription: Subscription, frames: list[EncodedEntries]) -> None:
        """The stream of a feed has grown."""

    def announce(self, subscription: Subscription) -> None:
        """Tell how far the stream of a feed reaches."""


@dataclass(frozen=True, slots=True)
class EncodedEntries:
    """Entries `first` to `last` (or one `part` of the entry `first`) as an encoded frame, and as a packet's body."""

    first: int
    last: int
    part: int
    frame: bytes
    body: bytes


class LogStream:
    """One log as it grows: its extent, its latest entries, its followers, and the frames they all get alike."""

    __slots__ = (
        "_cache",
        "_cached_bytes",
        "_reader",
        "_recent",
        "_recent_bytes",
        "announced",
        "base",
        "generation",
        "grown_at",
        "head",
        "log",
        "subscriptions",
        "unreadable",
    )  # fmt: skip

    def __init__(self, log: str, reader: LogReader, *, head: int | None = None) -> None:
        """`head`: how far the log is durable, if the caller knows; the store may show what is just being written."""
        self.log = log
        self._reader = reader
        extent = reader.extent(log)
        self.generation, self.base = extent.generation, extent.base
        self.head = extent.head if head is None else head
        self.subscriptions: dict[Subscription, None] = {}  # in the order in which they began to follow
        self.grown_at = 0.0
        self.unreadable = ""  # why a part of the log could not be read, the last time that one could not
        self.announced = len(ANNOUNCE_AFTER_S)  # rounds done since it grew
        self._recent: deque[bytes] = deque()
        self._recent_bytes = 0
        self._cache: dict[tuple[int, int], list[EncodedEntries]] = {}
        self._cached_bytes = 0

    @property
    def interval_s(self) -> float:
        """How long a follower may wait with an ack that travels alone: all acks together keep to the budget."""
        return max(ACK_INTERVAL_S_MIN, len(self.subscriptions) / ACKS_PER_S_BUDGET)

    @property
    def _ack_delay_ms(self) -> int:
        return -(-int(self.interval_s * 1e6) // 1000)

    @property
    def is_sender_driven(self) -> bool:
        """Whether the sender probes each follower, or announces the head to all."""
        return len(self.subscriptions) <= SENDER_DRIVEN_PEERS_MAX

    def extend(self, now: float, entries: list[bytes]) -> None:
        """The log has grown by these, durably; every follower is pushed them, or has them as backlog."""
        if not entries:
            return
        first = self.head + 1
        self.head += len(entries)
        self._remember(entries)
        self.grown_at, self.announced = now, 0
        if not self.subscriptions:
            return
        frames = self._keep(first, self.head, self._encode(first, entries))
        for subscription in self.subscriptions:
            subscription.subscriber.publish(subscription, frames)

    def _remember(self, entries: list[bytes]) -> None:
        recent = self._recent
        recent.extend(entries)
        self._recent_bytes += sum(map(len, entries))
        while len(recent) > RECENT_ENTRIES_MAX or self._recent_bytes > RECENT_BYTES_MAX:
            self._recent_bytes -= len(recent.popleft())

    def _entries(self, first: int, last: int) -> list[bytes]:
        recent_first = self.head - len(self._recent) + 1
        if first >= recent_first:
            return [self._recent[sequence - recent_first] for sequence in range(first, last + 1)]
        try:
            return self._reader.read(self.log, first, min(last - first + 1, READ_ENTRIES))
        except LogUnreadable as error:
            self.unreadable = str(error)
            return []

    def frames(self, first: int, last: int) -> list[EncodedEntries]:
        """Entries from `first` on as frames, up to `last` or as many as are read at a time; shared by all followers.

        Empty if `first` is not kept any more, or cannot be read: then `unreadable` says why.
        """
        cached = self._cache.get((first, last))
        if cached is None:
            cached = self._keep(first, last, self._encode(first, self._entries(first, last)))
        return cached

    def _keep(self, first: int, last: int, frames: list[EncodedEntries]) -> list[EncodedEntries]:
        size = sum(2 * len(encoded.frame) for encoded in frames)
        if self._cached_bytes + size > CACHED_BYTES_MAX:
            self._cache.clear()
            self._cached_bytes = 0
        if frames and size <= CACHED_BYTES_MAX:
            self._cache[first, last] = frames
            self._cached_bytes += size
        return frames

    def _encode(self, first: int, entries: list[bytes]) -> list[EncodedEntries]:
        encoded: list[EncodedEntries] = []
        batch: list[bytes] = []
        fixed = (
            len(encode(Entries(self.log, self.generation, SEQUENCE_MAX, self._ack_delay_ms, []))) + ARRAY_GROWTH_BYTES
        )
        size = fixed
        for entry in entries:
            if batch and (size + len(entry) > FRAME_BYTES_MAX or len(batch) == ENTRIES_MAX):
                encoded.append(self._encoded_entries(first, batch))
                first, batch, size = first + len(batch), [], fixed
            if fixed + len(entry) > FRAME_BYTES_MAX:
                encoded.extend(self._encoded_fragments(first, entry))
                first += 1
            else:
                batch.append(entry)
                size += len(entry)
        if batch:
            encoded.append(self._encoded_entries(first, batch))
        return encoded

    def _encoded_entries(self, first: int, entries: list[bytes]) -> EncodedEntries:
        frame = encode(Entries(self.log, self.generation, first, self._ack_delay_ms, [raw(entry) for entry in entries]))
        return EncodedEntries(first, first + len(entries) - 1, -1, frame, pack([frame]))

    def _encoded_fragments(self, sequence: int, entry: bytes) -> list[EncodedEntries]:
        parts = split(entry)
        encoded = []
        for index, data in enumerate(parts):
            frame = encode(
                EntryFragment(self.log, self.generation, sequence, self._ack_delay_ms, index, len(parts), data)
            )
            encoded.append(EncodedEntries(sequence, sequence, index, frame, pack([frame])))
        return encoded

    def next_announcement(self) -> float | None:
        """When the head of a large room that fell silent is to be announced again."""
        if self.is_sender_driven or self.announced == len(ANNOUNCE_AFTER_S):
            return None
        return self.grown_at + max(ANNOUNCE_AFTER_S[self.announced], ANNOUNCE_INTERVALS_MIN * self.interval_s)

    def announce(self) -> None:
        """Tell the head to all who have not acknowledged it."""
        self.announced += 1
        for subscription in self.subscriptions:
            if subscription.sequence < self.head:
                subscription.subscriber.announce(subscription)


class Subscription:
    """What one follower holds of a stream, and what is under way to it."""

    __slots__ = ("acked", "backlog", "entered", "is_known", "scheduled", "sequence", "stream", "subscriber")

    def __init__(self, stream: LogStream, subscriber: Subscriber) -> None:
        self.stream = stream
        self.subscriber = subscriber
        self.entered = stream.head
        self.is_known = False  # whether the replica has said what it holds
        self.sequence = 0
        self.acked = Ranges()  # beyond the sequence
        self.scheduled = Ranges()
        self.backlog = Ranges()

    def head(self) -> Head:
        """The stream as this follower is told of it."""
        stream = self.stream
        return Head(stream.log, stream.generation, stream.base, stream.head, self.entered)

    def holds(self, first: int, last: int) -> bool:
        """Whether the replica has all of `first` to `last`."""
        return last <= self.sequence or self.acked.covers(max(first, self.sequence + 1), last)

    def on_cursor(self, cursor: Cursor) -> None:
        """What the replica says it holds. More than there is: it lies, or is another generation's; the session ends."""
        head = self.stream.head
        if cursor.sequence > head or any(first > last or last > head for first, last in cursor.ranges):
            raise BadDatagram(Drop.UNSENT_ACK)
        if not self.is_known:
            self.is_known = True
            self.sequence = cursor.sequence
            self.acked.clear()
            self.scheduled.remove(0, cursor.sequence)
            self.backlog.remove(0, cursor.sequence)
        elif cursor.sequence > self.sequence:
            self.sequence = cursor.sequence
            self.scheduled.remove(0, cursor.sequence)
            self.backlog.remove(0, cursor.sequence)
        for first, last in cursor.ranges:
            self.on_held(first, last)
        self._advance()

    def on_held(self, first: int, last: int) -> None:
        """The replica holds these."""
        self.acked.add(first, last)
        if len(self.acked) > HELD_RUNS_MAX:
            self.acked.remove(*self.acked.highest)  # it is sent again: a waste that only a liar brings upon himself
        self.scheduled.remove(first, last)
        self.backlog.remove(first, last)

    def _advance(self) -> None:
        if self.acked:
            self.acked.remove(0, self.sequence)
            if self.acked and self.acked.first == self.sequence + 1:
                first, self.sequence = next(iter(self.acked))
                self.acked.remove(first, self.sequence)

    def readable(self) -> tuple[int, int] | None:
        """The first run of the backlog, unless it is so far ahead of a gap that the replica would not keep it."""
        if not self.backlog or self.backlog.first > self.sequence + READ_AHEAD_ENTRIES_MAX:
            return None
        return next(iter(self.backlog))

    def schedule_missing(self) -> None:
        """What is neither held nor under way becomes backlog."""
        self._advance()
        first = max(self.sequence, self.stream.base) + 1
        if not self.is_known or first > self.stream.head:
            return
        for gap_first, gap_last in self.acked.gaps(first, self.stream.head):
            for missing_first, missing_last in self.scheduled.gaps(gap_first, gap_last):
                self.backlog.add(missing_first, missing_last)
                self.scheduled.add(missing_first, missing_last)

    def forget(self) -> None:
        """The session is another: what was under way is unknown until the replica says again what it holds.

        Should it be another run of the client, that enters only now; a run that goes on knows when it entered.
        """
        self.entered = self.stream.head
        self.is_known = False
        self.scheduled.clear()
        self.backlog.clear()
