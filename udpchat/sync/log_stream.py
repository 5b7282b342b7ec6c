"""One log on its way down: how far it reaches, its latest entries, and the frames its followers share (SPEC 5).

`LogStream` encodes each entry once. `subscription` keeps what one follower has of the log, `downlink` what one peer has
of all its logs.
"""

from __future__ import annotations

from collections import deque
from zlib import crc32

from udpchat.sync.cache_budget import MemoryBudget
from udpchat.sync.fragments import split
from udpchat.sync.log import EntryReader, LogUnreadable
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire.fields import Value
from udpchat.wire.frames import Entries, EntryFragment, encode, pack, raw
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    ACKS_PER_S_BUDGET,
    ENTRIES_MAX,
    LARGE_ROOM_ACKS_PER_S_BUDGET,
    SENDER_DRIVEN_PEERS_MAX,
    SEQUENCE_MAX,
)

ARRAY_GROWTH_BYTES = 2  # of an empty msgpack array's header, until it holds ENTRIES_MAX
RECENT_ENTRIES_MAX = 256  # kept in memory, so that live entries are never read from a disk
RECENT_BYTES_MAX = 256 * 1024
READ_ENTRIES = 64  # of a backlog at a time
CACHED_BYTES_MAX = 256 * 1024  # of frames, for each log
ENTRY_MEMORY_BYTES = 64  # of an entry in memory, beside its bytes
FRAME_MEMORY_BYTES = 400  # likewise of a frame
ANNOUNCE_AFTER_S = (0.02, 0.2, 1.0)  # of silence in a large room; OpenPGM's SPM schedule is the model
ANNOUNCE_ACK_DELAYS_MIN = 0.2  # not before followers had time to acknowledge: that would double what is sent


class EncodedEntries(Value, frozen=True, gc=False):
    """Entries `first` to `last`, or one fragment of the entry `first`, as an encoded frame and as a packet's body.

    `fragment` is the index of the fragment, None for whole entries.
    """

    first: int
    last: int
    fragment: int | None
    frame: bytes
    body: bytes


class _RecentEntries:
    """The latest entries of a log, within RECENT_ENTRIES_MAX and RECENT_BYTES_MAX."""

    __slots__ = ("_entries", "bytes_held")

    def __init__(self) -> None:
        self._entries: deque[bytes] = deque()
        self.bytes_held = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> bytes:
        return self._entries[index]

    def extend(self, entries: list[bytes]) -> None:
        self._entries.extend(entries)
        self.bytes_held += sum(map(len, entries))
        while len(self._entries) > RECENT_ENTRIES_MAX or self.bytes_held > RECENT_BYTES_MAX:
            self.bytes_held -= len(self._entries.popleft())


class _FrameCache:
    """Frames by (first, last) entry, within CACHED_BYTES_MAX; emptied when it is full."""

    __slots__ = ("_frames", "bytes_held")

    def __init__(self) -> None:
        self._frames: dict[tuple[int, int], list[EncodedEntries]] = {}
        self.bytes_held = 0

    def get(self, first: int, last: int) -> list[EncodedEntries] | None:
        return self._frames.get((first, last))

    def add(self, first: int, last: int, frames: list[EncodedEntries]) -> None:
        size = sum(2 * len(encoded.frame) + FRAME_MEMORY_BYTES for encoded in frames)  # the frame, and its body
        if self.bytes_held + size > CACHED_BYTES_MAX:
            self._frames.clear()
            self.bytes_held = 0
        if frames and size <= CACHED_BYTES_MAX:
            self._frames[first, last] = frames
            self.bytes_held += size


class LogStream:
    """One log as it grows: its extent, its latest entries, and the frames that all followers get."""

    __slots__ = (
        "_cache", "_memory", "_reader", "_recent", "announced", "base", "followers", "generation", "grown_at", "head",
        "log", "unreadable",
    )  # fmt: skip

    def __init__(
        self, log: str, reader: EntryReader, *, head: int | None = None, memory: MemoryBudget | None = None
    ) -> None:
        """`head`: how far the log is durable, if the caller knows; the store may contain entries being written.

        `memory`: of this stream and others.
        """
        self.log = log
        self._reader = reader
        extent = reader.extent(log)
        self.generation, self.base = extent.generation, extent.base
        self.head = extent.head if head is None else head
        self.followers = 0  # how many downlinks follow it
        self.grown_at = 0.0
        self.unreadable: str | None = None  # why entries of the log could not be read, the last time that this failed
        self.announced = len(ANNOUNCE_AFTER_S)  # rounds of announcements done since it grew
        self._memory = memory
        self.forget()

    def forget(self) -> None:
        """Keep no entries and no frames in memory: they are read from the log when they are needed."""
        self._recent = _RecentEntries()
        self._cache = _FrameCache()

    def _on_used(self) -> None:
        if self._memory is not None and self.followers:  # else it is gone soon
            kept = self._recent.bytes_held + ENTRY_MEMORY_BYTES * len(self._recent) + self._cache.bytes_held
            self._memory.on_used(self, kept)

    @property
    def ack_delay_s(self) -> float:
        """How long a follower may delay an ack that is sent alone, so that all acks together keep to the budget."""
        if self.is_sender_driven:
            return max(ACK_INTERVAL_S_MIN, self.followers / ACKS_PER_S_BUDGET)
        return self.followers / LARGE_ROOM_ACKS_PER_S_BUDGET

    @property
    def ack_delay_ms(self) -> int:
        """The same in whole milliseconds, rounded up, as frames carry it."""
        return -(-int(self.ack_delay_s * 1e6) // 1000)

    @property
    def is_sender_driven(self) -> bool:
        """Whether each follower is probed (a small room), or the head announced to all (a large one)."""
        return self.followers <= SENDER_DRIVEN_PEERS_MAX

    def extend(self, now: float, entries: list[bytes]) -> list[EncodedEntries]:
        """The log has grown by these entries, durably: the frames to publish to every follower, if there are any."""
        if not entries:
            return []
        first = self.head + 1
        self.head += len(entries)
        self._recent.extend(entries)
        self.grown_at, self.announced = now, 0
        frames = self._encode(first, entries) if self.followers else []
        self._cache.add(first, self.head, frames)
        self._on_used()
        return frames

    def _entries(self, first: int, last: int) -> list[bytes]:
        recent_first = self.head - len(self._recent) + 1
        if first >= recent_first:
            return [self._recent[sequence - recent_first] for sequence in range(first, last + 1)]
        try:
            return self._reader.read(self.log, first, min(last - first + 1, READ_ENTRIES))
        except LogUnreadable as error:
            self.unreadable = str(error)
            return []

    def entry(self, sequence: int) -> bytes | None:
        """One entry; None if the log does not hold it, durably. Raises `LogUnreadable`."""
        recent = sequence - (self.head - len(self._recent) + 1)
        if sequence > self.head:
            return None
        return self._recent[recent] if recent >= 0 else next(iter(self._reader.read(self.log, sequence, 1)), None)

    def frames(self, first: int, last: int) -> list[EncodedEntries]:
        """Entries from `first` on as frames, up to `last` or READ_ENTRIES at a time; shared by all followers.

        Empty if `first` is not kept any more, or cannot be read: then `unreadable` gives the reason.
        """
        frames = self._cache.get(first, last)
        if frames is None:
            frames = self._encode(first, self._entries(first, last))
            self._cache.add(first, last, frames)
        self._on_used()
        return frames

    def _encode(self, first: int, entries: list[bytes]) -> list[EncodedEntries]:
        encoded: list[EncodedEntries] = []
        batch: list[bytes] = []
        fixed = (
            len(encode(Entries(self.log, self.generation, SEQUENCE_MAX, self.ack_delay_ms, []))) + ARRAY_GROWTH_BYTES
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
        frame = encode(Entries(self.log, self.generation, first, self.ack_delay_ms, [raw(entry) for entry in entries]))
        return EncodedEntries(first, first + len(entries) - 1, None, frame, pack([frame]))

    def _encoded_fragments(self, sequence: int, entry: bytes) -> list[EncodedEntries]:
        fragments, check = split(entry), crc32(entry)
        place = (self.log, self.generation, sequence, self.ack_delay_ms)
        encoded = []
        for index, data in enumerate(fragments):
            frame = encode(EntryFragment(*place, index, len(fragments), data, check))
            encoded.append(EncodedEntries(sequence, sequence, index, frame, pack([frame])))
        return encoded

    def next_announcement(self) -> float | None:
        """When to announce the head of a large room again that nothing was sent to since; None if never."""
        if self.is_sender_driven or self.announced == len(ANNOUNCE_AFTER_S):
            return None
        return self.grown_at + max(ANNOUNCE_AFTER_S[self.announced], ANNOUNCE_ACK_DELAYS_MIN * self.ack_delay_s)
