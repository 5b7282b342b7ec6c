"""Hostile acks: what was never sent ends the session, and no lie costs more than a bounded amount of work or memory."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.memory import MemoryReader
from tests.work import steps_of
from udpchat.sync.downlink import Downlink
from udpchat.sync.log_stream import LogStream
from udpchat.sync.subscription import HELD_RUNS_MAX
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Ack, AckedPackets, Cursor, Heads, parse_down_untrusted
from udpchat.wire.limits import ACK_LOGS_MAX, ACK_RANGES_MAX, LAG_BYTES_MAX, SEQUENCE_MAX
from udpchat.wire.packets import Address

LOG = "#lobby"
GENERATION = 1
FLIGHT = 700  # packets: more is not sent at once to who acknowledges none
ACK_STEPS_MAX = 250_000  # bytecode instructions of an ack with more ranges than a datagram could hold


def served(count: int = 100) -> tuple[Downlink, LogStream]:
    """A downlink that follows a log of so many entries."""
    reader = MemoryReader(GENERATION)
    reader.append(LOG, [b"\xa5hello"] * count)
    stream = LogStream(LOG, reader)
    downlink = Downlink(Address("192.0.2.1", 1))
    downlink.follow(0.0, stream)
    return downlink, stream


def send(downlink: Downlink, now: float, sent: int) -> int:
    """Send what is due; how many packets were sent by then."""
    for packet in downlink.drain_packets(now):
        downlink.on_sent(now, sent, len(packet.body) + 29, packet.spans)
        sent += 1
    return sent


def ack(
    *cursors: Cursor, largest: int | None = None, received: int = 0, delay_us: int = 0, reordering_ms: int = 0
) -> Ack:
    packets = None if largest is None else AckedPackets(largest, received, delay_us, reordering_ms)
    return Ack(packets, list(cursors))


def cursor(sequence: int, ranges: list[tuple[int, int]] | None = None, *, generation: int = GENERATION) -> Cursor:
    return Cursor(LOG, generation, sequence, ranges or [])


@pytest.mark.parametrize(
    "lie",
    [
        ack(largest=1),
        ack(largest=2**63 - 1),
        ack(cursor(101)),
        ack(cursor(SEQUENCE_MAX)),
        ack(cursor(0, [(5, 101)])),
        ack(cursor(0, [(2, SEQUENCE_MAX)])),
        ack(cursor(0, [(9, 5)])),
    ],
)
def test_an_ack_of_what_was_never_sent_ends_the_session(lie: Ack) -> None:
    downlink, _ = served()
    sent = send(downlink, 0.0, 0)
    assert sent == 1
    with pytest.raises(BadDatagram) as caught:
        downlink.receive_ack(0.1, lie, packets_sent=sent)
    assert caught.value.reason is Drop.UNSENT_ACK


def test_a_cursor_of_a_log_that_is_not_followed_is_nothing() -> None:
    downlink, _ = served()
    sent = send(downlink, 0.0, 0)
    downlink.receive_ack(0.1, ack(Cursor("#elsewhere", 5, SEQUENCE_MAX, [])), packets_sent=sent)
    assert not downlink.has_packets


def test_cursors_of_another_generation_are_told_the_head_once() -> None:
    downlink, stream = served()
    sent = send(downlink, 0.0, 0)
    wrong = [cursor(SEQUENCE_MAX, generation=9)] * ACK_LOGS_MAX
    downlink.receive_ack(0.1, ack(*wrong), packets_sent=sent)
    [packet] = downlink.drain_packets(0.1)
    [frame] = parse_down_untrusted(packet.body)
    assert isinstance(frame, Heads) and [head.head for head in frame.heads] == [stream.head]


def test_following_again_and_again_is_answered_once_a_packet() -> None:
    downlink, stream = served()
    for _ in range(1_000):
        downlink.follow(0.0, stream)
    [packet] = downlink.drain_packets(0.0)
    assert len(parse_down_untrusted(packet.body)) == 1


def test_a_liar_about_ranges_is_remembered_within_bounds_and_served_in_the_end() -> None:
    downlink, _ = served(20_000)
    sent = send(downlink, 0.0, 0)
    subscription = downlink.subscriptions[LOG]
    starts = range(3, 19_900, 4 * ACK_RANGES_MAX)
    for start in starts:
        ranges = [(first, first) for first in range(start, start + 4 * ACK_RANGES_MAX, 4) if first <= 20_000]
        steps = steps_of(partial(downlink.receive_ack, 0.1, ack(cursor(0, ranges)), packets_sent=sent))
        assert steps < ACK_STEPS_MAX
        assert len(subscription.acked) <= HELD_RUNS_MAX
        assert len(subscription.backlog) <= 2 * HELD_RUNS_MAX and len(subscription.scheduled) <= 2 * HELD_RUNS_MAX
    downlink.receive_ack(0.2, ack(cursor(19_000)), packets_sent=sent)
    owed = [(first, last) for first, last in subscription.backlog]
    assert owed == [(19_001, 20_000)]


def test_the_costliest_ack_is_bounded_work_however_large_its_numbers() -> None:
    downlink, stream = served(10)
    stream.head = SEQUENCE_MAX  # a log as long as there can be: only its ranges exist
    sent = send(downlink, 0.0, 0)
    step = 2**40
    ranges = [(at * step, at * step + step // 2) for at in range(1, ACK_RANGES_MAX + 1)]
    costliest = ack(*[cursor(0, ranges)] * ACK_LOGS_MAX)
    for _ in range(2):
        assert steps_of(partial(downlink.receive_ack, 0.1, costliest, packets_sent=sent)) < ACK_STEPS_MAX


def test_a_probe_of_all_that_is_not_acknowledged_reads_no_more_than_it_sends() -> None:
    """As found: 8 ms for each member who acknowledged nothing of a room in which many edit what they said."""
    reader = MemoryReader(GENERATION)
    stream, downlink = LogStream(LOG, reader), Downlink(Address("192.0.2.1", 1))
    downlink.follow(0.0, stream)
    downlink.receive_ack(0.0, ack(cursor(0)), packets_sent=0)
    sent = 0
    for _ in range(FLIGHT):
        reader.append(LOG, [b"\xa5hello"])
        downlink.publish(LOG, stream.extend(0.1, [b"\xa5hello"]))
        sent = send(downlink, 0.1, sent)
    stream.forget()  # as with each edit
    reads, due = reader.reads, downlink.loss_detection.next_timeout()
    assert sent == FLIGHT and due is not None
    downlink.handle_timeout(due)
    sent_again = sum(len(packet.spans) for packet in downlink.drain_packets(due))
    assert 20 < sent_again < 100 and reader.reads - reads <= sent_again + 1


@given(
    acks=st.lists(
        st.tuples(
            st.none() | st.integers(0, 12),
            st.integers(0, 2**64 - 1),
            st.integers(0, 10_000_000),
            st.integers(0, 1_000),
            st.integers(0, 110),
            st.lists(st.tuples(st.integers(0, 110), st.integers(0, 110)), max_size=4),
        ),
        max_size=40,
    )
)
def test_no_ack_does_more_than_end_the_session(
    acks: list[tuple[int | None, int, int, int, int, list[tuple[int, int]]]],
) -> None:
    downlink, stream = served(100)
    sent, now = send(downlink, 0.0, 0), 0.0
    for largest, received, delay_us, reordering_ms, sequence, ranges in acks:
        now += 0.01
        lie = ack(
            cursor(sequence, ranges), largest=largest, received=received, delay_us=delay_us, reordering_ms=reordering_ms
        )
        try:
            downlink.receive_ack(now, lie, packets_sent=sent)
        except BadDatagram as drop:
            assert drop.reason is Drop.UNSENT_ACK
        downlink.handle_timeout(now)
        sent = send(downlink, now, sent)
        subscription = downlink.subscriptions[LOG]
        assert 0 <= subscription.sequence <= stream.head
        assert downlink.loss_detection.bytes_in_flight <= 2 * LAG_BYTES_MAX
        due = downlink.next_timeout(now)
        assert due is None or due < now + 60
    for counter in range(sent):
        downlink.receive_ack(now, ack(largest=counter), packets_sent=sent)
    assert downlink.loss_detection.bytes_in_flight == 0


def test_a_cursor_that_goes_back_is_not_believed_in_the_same_session() -> None:
    downlink, _ = served()
    sent = send(downlink, 0.0, 0)
    downlink.receive_ack(0.1, ack(cursor(50)), packets_sent=sent)
    downlink.receive_ack(0.2, ack(cursor(10)), packets_sent=sent)
    assert downlink.subscriptions[LOG].sequence == 50
    downlink.reset(0.3)
    downlink.receive_ack(0.4, ack(cursor(10)), packets_sent=sent)
    assert downlink.subscriptions[LOG].sequence == 10


def test_every_log_is_announced_with_a_heartbeat_however_many_are_followed() -> None:
    downlink, _ = served(0)
    reader = MemoryReader()
    for number in range(2 * ACK_LOGS_MAX):
        downlink.follow(0.0, LogStream(f"#full {number}", reader))
    reader.append("#last", [b"\xa1x"])
    downlink.follow(0.0, LogStream("#last", reader))
    downlink.drain_packets(0.0)
    downlink.announce_missing()
    [packet] = downlink.drain_packets(0.0)
    [frame] = parse_down_untrusted(packet.body)
    assert isinstance(frame, Heads) and [head.log for head in frame.heads] == ["#last"]


def test_frames_of_control_share_packets_and_go_once() -> None:
    downlink = Downlink(Address("192.0.2.1", 1))
    for number in range(200):
        downlink.send(b"\x92\x16" + bytes((number % 100,)))
    packets = downlink.drain_packets(0.0)
    assert [len(parse_down_untrusted(packet.body)) for packet in packets] == [64, 64, 64, 8]
    assert all(packet.spans == () for packet in packets)
    assert downlink.drain_packets(0.0) == [] and not downlink.has_packets
