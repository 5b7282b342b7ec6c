"""A stream frames its entries once for all who follow it; a feed knows what one of them holds, lacks, and is owed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.memory import MemoryReader
from udpchat.sync.log import LogUnreadable
from udpchat.sync.log_stream import (
    ANNOUNCE_AFTER_S,
    CACHED_BYTES_MAX,
    READ_ENTRIES,
    RECENT_BYTES_MAX,
    RECENT_ENTRIES_MAX,
    EncodedEntries,
    LogStream,
    Subscription,
)
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Cursor, Entries, EntryFragment, parse_down_untrusted
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    ACKS_PER_S_BUDGET,
    BODY_BYTES_MAX,
    LOG_NAME_BYTES_MAX,
    SENDER_DRIVEN_PEERS_MAX,
)

LOG = "#lobby"


class Recorder:
    """A follower that writes down what it is told."""

    owner: Any = None

    def __init__(self) -> None:
        self.published: list[list[EncodedEntries]] = []
        self.announced: list[Subscription] = []

    def publish(self, subscription: Subscription, frames: list[EncodedEntries]) -> None:
        self.published.append(frames)

    def announce(self, subscription: Subscription) -> None:
        self.announced.append(subscription)


def entry(number: int, size: int = 20) -> bytes:
    """One msgpack value."""
    return b"\xc5" + size.to_bytes(2, "big") + b"%0*d" % (size, number)


def stream_of(entries: list[bytes], log: str = LOG) -> tuple[LogStream, MemoryReader]:
    reader = MemoryReader()
    reader.append(log, entries)
    return LogStream(log, reader), reader


def follow(stream: LogStream, count: int = 1) -> list[Recorder]:
    recorders = [Recorder() for _ in range(count)]
    for recorder in recorders:
        stream.subscriptions[Subscription(stream, recorder)] = None
    return recorders


def unframed(frames: list[EncodedEntries]) -> list[tuple[int, bytes]]:
    """What the frames say, parts joined."""
    found, parts = [], list[bytes]()
    for encoded in frames:
        [frame] = parse_down_untrusted(encoded.body)
        assert len(encoded.body) <= BODY_BYTES_MAX
        assert encoded.body == b"\x91" + encoded.frame
        if isinstance(frame, Entries):
            assert (encoded.first, encoded.last) == (frame.first, frame.first + len(frame.entries) - 1)
            found += [(frame.first + at, bytes(raw)) for at, raw in enumerate(frame.entries)]
        else:
            assert isinstance(frame, EntryFragment)
            assert (encoded.first, encoded.last, encoded.part) == (frame.sequence, frame.sequence, frame.index)
            parts.append(frame.data)
            if frame.index == frame.count - 1:
                found.append((frame.sequence, b"".join(parts)))
                parts.clear()
    return found


@given(sizes=st.lists(st.sampled_from([2, 30, 400, 1_100, 1_125, 1_160, 1_200, 16_000]), min_size=1, max_size=30))
def test_frames_hold_the_entries_in_order_each_within_a_packet(sizes: list[int]) -> None:
    entries = [entry(number, size) for number, size in enumerate(sizes, 1)]
    for log in (LOG, "#" + "x" * (LOG_NAME_BYTES_MAX - 1)):
        stream, _ = stream_of(entries, log)
        assert unframed(stream.frames(1, len(entries))) == list(enumerate(entries, 1))


def test_small_entries_share_a_frame() -> None:
    stream, _ = stream_of([entry(number) for number in range(1, 41)])
    assert len(stream.frames(1, 40)) == 1


def test_all_followers_get_the_very_same_bytes() -> None:
    stream, reader = stream_of([])
    one, other = follow(stream, 2)
    reader.append(LOG, [entry(1)])
    stream.extend(1.0, [entry(1)])
    assert one.published[0][0].body is other.published[0][0].body
    assert reader.reads == 0, "what is live is not read back"


def test_a_growth_of_any_size_is_published_whole_and_not_read_back() -> None:
    stream, reader = stream_of([])
    [recorder] = follow(stream)
    entries = [entry(number) for number in range(1, 3 * RECENT_ENTRIES_MAX)]
    reader.append(LOG, entries)
    stream.extend(1.0, entries)
    assert unframed(recorder.published[0]) == list(enumerate(entries, 1))
    assert reader.reads == 0


def test_the_latest_are_kept_in_memory_and_the_rest_is_read_in_blocks() -> None:
    entries = [entry(number) for number in range(1, 1_001)]
    stream, reader = stream_of([])
    for each in entries:
        reader.append(LOG, [each])
        stream.extend(0.0, [each])
    first = 1_001 - RECENT_ENTRIES_MAX
    assert unframed(stream.frames(first, 1_000)) == list(enumerate(entries, 1))[first - 1 :]
    assert reader.reads == 0
    assert unframed(stream.frames(1, 900)) == list(enumerate(entries, 1))[:READ_ENTRIES]
    assert reader.reads == 1
    stream.frames(1, 900)
    assert reader.reads == 1, "frames are kept for the next follower"


def test_what_is_kept_in_memory_is_bounded_in_bytes_too() -> None:
    stream, reader = stream_of([])
    follow(stream)
    for number in range(1, 60):
        large = entry(number, 16_000)
        reader.append(LOG, [large])
        stream.extend(0.0, [large])
        stream.frames(number, number)
        stream.frames(max(1, number - 20), number)
    assert sum(map(len, stream._recent)) <= RECENT_BYTES_MAX
    kept = sum(2 * len(encoded.frame) for frames in stream._cache.values() for encoded in frames)
    assert kept == stream._cached_bytes <= CACHED_BYTES_MAX


def test_below_the_base_and_where_the_log_cannot_be_read_there_are_no_frames() -> None:
    stream, reader = stream_of([entry(number) for number in range(1, 101)])
    reader.prune(LOG, 50)
    assert stream.frames(40, 60) == []
    assert unframed(stream.frames(51, 51)) == [(51, entry(51))]

    class Unreadable(MemoryReader):
        def read(self, log: str, first: int, count: int) -> list[bytes]:
            raise LogUnreadable("bad block")

    damaged = Unreadable()
    damaged.append(LOG, [entry(1)])
    stream = LogStream(LOG, damaged)
    assert stream.frames(1, 1) == []
    assert stream.unreadable == "bad block"


def test_acks_of_a_whole_room_keep_to_the_budget() -> None:
    stream, _ = stream_of([])
    assert stream.interval_s == ACK_INTERVAL_S_MIN
    follow(stream, 2_000)
    assert 2_000 / stream.interval_s <= ACKS_PER_S_BUDGET


def test_a_large_room_that_falls_silent_is_told_its_head_a_few_times() -> None:
    stream, _ = stream_of([])
    recorders = follow(stream, SENDER_DRIVEN_PEERS_MAX)
    stream.extend(5.0, [entry(1)])
    assert stream.next_announcement() is None, "a small room is probed instead"
    recorders += follow(stream)
    times = []
    while (due := stream.next_announcement()) is not None:
        times.append(due)
        stream.announce()
    assert times == [5.0 + after for after in ANNOUNCE_AFTER_S]
    assert all(len(recorder.announced) == len(times) for recorder in recorders)


def test_only_who_lacks_something_is_told_the_head() -> None:
    stream, _ = stream_of([entry(1)])
    here, there = follow(stream, 2)
    subscription = next(iter(stream.subscriptions))
    subscription.on_cursor(Cursor(LOG, 1, 1, []))
    stream.announce()
    assert (here.announced, len(there.announced)) == ([], 1)


# --- What one follower has ----------


def feed_of(head: int, base: int = 0) -> Subscription:
    stream, reader = stream_of([entry(number) for number in range(1, head + 1)])
    if base:
        reader.prune(LOG, base)
        stream.base = base
    return Subscription(stream, Recorder())


def cursor(sequence: int, *ranges: tuple[int, int]) -> Cursor:
    return Cursor(LOG, 1, sequence, list(ranges))


def test_the_head_that_is_told_names_where_the_follower_came_in() -> None:
    subscription = feed_of(10, base=3)
    subscription.stream.extend(0.0, [entry(11)])
    head = subscription.head()
    assert (head.log, head.generation, head.base, head.head, head.entered) == (LOG, 1, 3, 11, 10)


def test_nothing_is_missing_before_the_replica_has_said_what_it_holds() -> None:
    subscription = feed_of(10)
    subscription.schedule_missing()
    assert not subscription.backlog
    subscription.on_cursor(cursor(4, (7, 8)))
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(5, 6), (9, 10)] == list(subscription.scheduled)


def test_what_is_scheduled_is_not_scheduled_again() -> None:
    subscription = feed_of(10)
    subscription.on_cursor(cursor(0))
    subscription.scheduled.add(3, 5)
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(1, 2), (6, 10)]


def test_what_is_below_the_base_is_not_scheduled() -> None:
    subscription = feed_of(10, base=6)
    subscription.on_cursor(cursor(2))
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(7, 10)]


def test_the_cursor_moves_over_what_packets_brought() -> None:
    subscription = feed_of(10)
    subscription.on_cursor(cursor(2))
    for sequence in (5, 3, 4):
        subscription.on_held(sequence, sequence)
    subscription.on_held(1, 2)
    subscription.schedule_missing()
    assert subscription.sequence == 5 and not subscription.acked
    assert subscription.holds(1, 5) and not subscription.holds(5, 6)


def test_a_range_that_adjoins_the_cursor_moves_it_though_another_lies_below() -> None:
    subscription = feed_of(20)
    subscription.on_cursor(cursor(10))
    subscription.on_held(3, 5)
    subscription.on_cursor(cursor(10, (11, 12)))
    assert subscription.sequence == 12


@pytest.mark.parametrize("lie", [cursor(11), cursor(3, (5, 11)), cursor(3, (8, 7))])
def test_more_than_there_is_cannot_be_held(lie: Cursor) -> None:
    subscription = feed_of(10)
    with pytest.raises(BadDatagram):
        subscription.on_cursor(lie)


@given(data=st.data())
def test_held_scheduled_and_backlog_are_what_a_model_says(data: st.DataObject) -> None:
    head = 30
    subscription, held = feed_of(head), set[int]()
    subscription.on_cursor(cursor(0))
    numbers = st.integers(1, head)
    for _ in range(data.draw(st.integers(0, 12))):
        first, last = sorted((data.draw(numbers), data.draw(numbers)))
        if data.draw(st.booleans()):
            subscription.on_cursor(cursor(0, (first, last)))
        else:
            subscription.on_held(first, last)
        held |= set(range(first, last + 1))
        subscription.schedule_missing()
        missing = [number for number in range(1, head + 1) if number not in held]
        assert [number for first, last in subscription.backlog for number in range(first, last + 1)] == missing
        assert [number for first, last in subscription.scheduled for number in range(first, last + 1)] == missing
        assert all(subscription.holds(number, number) == (number in held) for number in range(1, head + 1))
