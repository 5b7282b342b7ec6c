"""The uplink: what comes is taken once and in order, and what is held is acknowledged when it should be."""

from __future__ import annotations

import pytest

from udpchat.sync.acks import REPEAT_S_MIN
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.sync.uplink import Received, Uplink
from udpchat.wire.frames import (
    Ack,
    AckedPackets,
    Cursor,
    Entries,
    EntryFragment,
    Head,
    encode,
    pack,
    parse_up_untrusted,
    raw,
)
from udpchat.wire.limits import ACK_INTERVAL_S_MIN, ACK_LOGS_MAX, ACKS_AT_ONCE_MAX

LOBBY, NOW = "#lobby", 10.0


def entries(first: int, *texts: str, log: str = LOBBY, generation: int = 1, ack_delay_ms: int = 2) -> Entries:
    return Entries(log, generation, first, ack_delay_ms, [raw(encode(text)) for text in texts])


def acks(uplink: Uplink, now: float, *, is_sending: bool = False) -> list[Ack]:
    found = [
        frame for ack in uplink.drain_acks(now, is_sending=is_sending) for frame in parse_up_untrusted(pack([ack]))
    ]
    return [frame for frame in found if isinstance(frame, Ack)]


@pytest.fixture
def uplink() -> Uplink:
    made = Uplink(lambda count: b"\x80" * count)
    made.open(LOBBY, generation=1, sequence=0)
    return made


def test_entries_come_out_once_and_in_order_whatever_the_order_they_came_in(uplink: Uplink) -> None:
    assert uplink.receive_entries(NOW, entries(2, "b")) and not uplink.drain_received() and uplink.has_gap
    assert uplink.receive_entries(NOW, entries(1, "a")) and uplink.receive_entries(NOW, entries(1, "a", "b"))
    assert uplink.drain_received() == [Received(LOBBY, 1, 1, (encode("a"), encode("b")))]
    assert not uplink.has_gap and not uplink.drain_received()


def test_a_large_entry_comes_out_whole(uplink: Uplink) -> None:
    whole = encode("x" * 1_500)
    for index, data in enumerate((whole[:1_000], whole[1_000:])):
        assert uplink.receive_entries(NOW, EntryFragment(LOBBY, 1, 1, 2, index, 2, data))
    assert uplink.drain_received() == [Received(LOBBY, 1, 1, (whole,))]


@pytest.mark.parametrize(("log", "cursor"), [(LOBBY, Cursor(LOBBY, 1, 0, [])), ("@talk", Cursor("@talk", 0, 0, []))])
def test_an_entry_that_a_result_names_is_missing_until_it_comes(uplink: Uplink, log: str, cursor: Cursor) -> None:
    acks(uplink, NOW, is_sending=True)
    uplink.expect(NOW, log, 1)
    for _ in range(3):
        due = uplink.next_timeout()
        assert due is not None and due < NOW + 1.0
        assert cursor in acks(uplink, due)[0].cursors


def test_what_is_of_no_open_replica_is_not_taken(uplink: Uplink) -> None:
    assert not uplink.receive_entries(NOW, entries(1, "x", log="#elsewhere"))
    assert not uplink.receive_entries(NOW, entries(1, "x", generation=2))
    assert not uplink.receive_head(Head(LOBBY, 2, 0, 5, 0)) and not uplink.receive_head(Head("#elsewhere", 1, 0, 5, 0))
    assert uplink.receive_head(Head(LOBBY, 1, 0, 5, 0)) and uplink.missing == 5


def test_what_came_is_acknowledged_at_once_after_a_pause_and_then_at_the_interval(uplink: Uplink) -> None:
    uplink.receive_entries(NOW, entries(1, "a", ack_delay_ms=20))
    uplink.on_packet(NOW, 0)
    assert acks(uplink, NOW) == [Ack(AckedPackets(0, 0, 0, 0), [Cursor(LOBBY, 1, 1, [])])]
    uplink.receive_entries(NOW + 0.001, entries(2, "b", ack_delay_ms=20))
    assert uplink.next_timeout() == pytest.approx(NOW + 0.02) and acks(uplink, NOW + 0.01) == []
    assert [ack.cursors for ack in acks(uplink, NOW + 0.01, is_sending=True)] == [[Cursor(LOBBY, 1, 2, [])]]


def test_an_open_gap_is_reported_again_and_names_what_is_held_beyond_it(uplink: Uplink) -> None:
    uplink.receive_entries(NOW, entries(3, "c"))
    cursor = Cursor(LOBBY, 1, 0, [(3, 3)])
    assert [ack.cursors for ack in acks(uplink, NOW)] == [[cursor]]
    assert uplink.next_timeout() == pytest.approx(NOW + REPEAT_S_MIN)
    assert [ack.cursors for ack in acks(uplink, NOW + REPEAT_S_MIN)] == [[cursor]]


def test_a_fresh_session_reports_every_replica_and_forgets_heads_that_may_be_lost(uplink: Uplink) -> None:
    uplink.open("%lobby", generation=7, sequence=4)
    uplink.receive_head(Head(LOBBY, 1, 0, 5, 0))
    uplink.on_session(NOW)
    (ack,) = acks(uplink, NOW)
    assert ack.packets is None and [cursor.log for cursor in ack.cursors] == [LOBBY, "%lobby"] and not uplink.has_gap


def test_what_was_held_ahead_of_a_gap_is_beyond_no_head_after_a_fresh_session(uplink: Uplink) -> None:
    uplink.receive_entries(NOW, entries(2, "b"))
    uplink.on_session(NOW)
    uplink.receive_entries(NOW, entries(1, "a"))
    assert uplink.drain_received() == [Received(LOBBY, 1, 1, (encode("a"), encode("b")))]
    assert uplink.missing == 0 and not uplink.has_gap


def test_a_log_is_named_again_until_its_head_comes_in_this_session(uplink: Uplink) -> None:
    uplink.await_head("@unheard")
    uplink.on_session(NOW)
    held, unheard = Cursor(LOBBY, 1, 0, []), Cursor("@unheard", 0, 0, [])
    assert [ack.cursors for ack in acks(uplink, NOW)] == [[held, unheard]]
    assert not uplink.receive_head(Head("@unheard", 3, 0, 0, 0))
    assert uplink.next_timeout() == pytest.approx(NOW + REPEAT_S_MIN)
    assert [ack.cursors for ack in acks(uplink, NOW + REPEAT_S_MIN)] == [[Cursor(LOBBY, 0, 0, [])]]
    assert uplink.receive_head(Head(LOBBY, 1, 0, 0, 0))
    assert [ack.cursors for ack in acks(uplink, NOW + 1.0)] == [[held]] and uplink.next_timeout() is None


def test_more_logs_than_fit_an_ack_are_reported_in_several(uplink: Uplink) -> None:
    for number in range(3 * ACK_LOGS_MAX):
        uplink.open("#" + f"{number:04}" * 8, generation=2**52, sequence=2**52)
    uplink.on_session(NOW)
    frames = uplink.drain_acks(NOW, is_sending=False)
    assert len(frames) == ACKS_AT_ONCE_MAX and uplink.next_timeout() == NOW + ACK_INTERVAL_S_MIN
    frames += uplink.drain_acks(NOW + ACK_INTERVAL_S_MIN, is_sending=False)
    assert all(len(frame) <= FRAME_BYTES_MAX for frame in frames)
    parsed = [ack for frame in frames for ack in parse_up_untrusted(pack([frame]))]
    named = [cursor.log for ack in parsed if isinstance(ack, Ack) for cursor in ack.cursors]
    assert len(named) == len(set(named)) == 1 + 3 * ACK_LOGS_MAX


def test_a_closed_log_is_neither_held_nor_reported(uplink: Uplink) -> None:
    closed = uplink.close(LOBBY)
    assert closed is not None and closed.log == LOBBY and uplink.close(LOBBY) is None and len(uplink) == 0
    uplink.on_session(NOW)
    assert [ack.cursors for ack in acks(uplink, NOW)] == [[]]
