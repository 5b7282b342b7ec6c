"""A stream encodes its entries once for all followers, and keeps what it needs of them within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sizes import size_of
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
)
from udpchat.wire.frames import Entries, EntryFragment, parse_down_untrusted
from udpchat.wire.limits import (
    ACK_INTERVAL_S_MIN,
    ACKS_PER_S_BUDGET,
    BODY_BYTES_MAX,
    LARGE_ROOM_ACKS_PER_S_BUDGET,
    LOG_NAME_BYTES_MAX,
    SENDER_DRIVEN_PEERS_MAX,
)

LOG = "#lobby"


def entry(number: int, size: int = 20) -> bytes:
    """One msgpack value."""
    return b"\xc5" + size.to_bytes(2, "big") + b"%0*d" % (size, number)


def stream_of(entries: list[bytes], log: str = LOG) -> tuple[LogStream, MemoryReader]:
    reader = MemoryReader()
    reader.append(log, entries)
    return LogStream(log, reader), reader


def unframed(frames: list[EncodedEntries]) -> list[tuple[int, bytes]]:
    """The entries that the frames contain, fragments joined."""
    found, fragments = [], list[bytes]()
    for encoded in frames:
        [frame] = parse_down_untrusted(encoded.body)
        assert len(encoded.body) <= BODY_BYTES_MAX
        assert encoded.body == b"\x91" + encoded.frame
        if isinstance(frame, Entries):
            assert (encoded.first, encoded.last) == (frame.first, frame.first + len(frame.entries) - 1)
            found += [(frame.first + at, bytes(raw)) for at, raw in enumerate(frame.entries)]
        else:
            assert isinstance(frame, EntryFragment)
            assert (encoded.first, encoded.last, encoded.fragment) == (frame.sequence, frame.sequence, frame.index)
            fragments.append(frame.data)
            if frame.index == frame.count - 1:
                found.append((frame.sequence, b"".join(fragments)))
                fragments.clear()
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
    stream.followers = 2
    reader.append(LOG, [entry(1)])
    [published] = stream.extend(1.0, [entry(1)])
    assert stream.frames(1, 1)[0].body is published.body
    assert reader.reads == 0, "what is live is not read back"


def test_a_growth_of_any_size_is_published_whole_and_not_read_back() -> None:
    stream, reader = stream_of([])
    stream.followers = 1
    entries = [entry(number) for number in range(1, 3 * RECENT_ENTRIES_MAX)]
    reader.append(LOG, entries)
    assert unframed(stream.extend(1.0, entries)) == list(enumerate(entries, 1))
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
    class MakingReader(MemoryReader):
        """Holds no entries, so that all that the stream leads to is what it keeps itself."""

        def read(self, log: str, first: int, count: int) -> list[bytes]:
            return [entry(number, 16_000) for number in range(first, min(first + count, stream.head + 1))]

    stream = LogStream(LOG, MakingReader())
    stream.followers = 1
    sizes = []
    for number in range(1, 60):
        stream.extend(0.0, [entry(number, 16_000)])
        stream.frames(number, number)
        stream.frames(max(1, number - 20), number)
        sizes.append(size_of(stream))
    assert RECENT_BYTES_MAX // 2 < max(sizes) <= 1.1 * (RECENT_BYTES_MAX + CACHED_BYTES_MAX)


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
    assert stream.ack_delay_s == ACK_INTERVAL_S_MIN
    stream.followers = SENDER_DRIVEN_PEERS_MAX
    assert SENDER_DRIVEN_PEERS_MAX / stream.ack_delay_s <= ACKS_PER_S_BUDGET
    stream.followers = 2_000
    assert 2_000 / stream.ack_delay_s <= LARGE_ROOM_ACKS_PER_S_BUDGET


def test_a_large_room_that_falls_silent_is_told_its_head_a_few_times() -> None:
    stream, _ = stream_of([])
    stream.followers = SENDER_DRIVEN_PEERS_MAX
    stream.extend(5.0, [entry(1)])
    assert stream.next_announcement() is None, "a small room is probed instead"
    stream.followers += 1
    times = []
    while (due := stream.next_announcement()) is not None:
        times.append(due)
        stream.announced += 1
    assert times == [5.0 + after for after in ANNOUNCE_AFTER_S]


def test_one_entry_is_given_as_far_as_the_log_is_durable_from_memory_or_read() -> None:
    stream, reader = stream_of([entry(number) for number in range(1, 4)])
    stream.extend(0.0, [entry(4)])
    reader.append(LOG, [entry(4), entry(5)])  # the last one is being written
    assert [stream.entry(sequence) for sequence in (1, 3, 4)] == [entry(1), entry(3), entry(4)]
    assert stream.entry(5) is None and stream.entry(2**53) is None
    stream.forget()
    assert stream.entry(4) == entry(4)
