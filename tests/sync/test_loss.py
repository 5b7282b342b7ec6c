"""Packets in flight: delivered, lost, or overdue, and the bytes of all three add up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.link import ELSEWHERE, HERE
from tests.sync.memory import MemoryReader
from udpchat.sync.acks import HOLD_PACKETS, HOLD_S
from udpchat.sync.bbr import WINDOW_BYTES_INITIAL
from udpchat.sync.log_stream import LogStream
from udpchat.sync.loss import (
    OVERDUE_S_MAX,
    PROBE_S_MAX,
    PROBE_S_MIN,
    PROBE_SILENT_S_MAX,
    LossDetection,
    PathEstimate,
    SentPacket,
)
from udpchat.sync.rtt import INITIAL_S, RoundTrip
from udpchat.sync.subscription import EntrySpan, Subscription
from udpchat.wire.frames import Ack, AckedPackets

ACK_DELAY_S = 0.002
SIZE = 100


def subscription_of(head: int = 1_000) -> Subscription:
    reader = MemoryReader()
    reader.append("#lobby", [b"\xa1x"] * head)
    return Subscription(LogStream("#lobby", reader))


def flying(count: int, *, every_s: float = 0.0, fragment: int | None = None) -> tuple[LossDetection, Subscription]:
    """Packets 0 to `count - 1`, packet n with entry n + 1, the first of them sent at 1.0."""
    loss_detection, subscription = LossDetection(HERE), subscription_of()
    for counter in range(count):
        span = EntrySpan(subscription, counter + 1, counter + 1, fragment)
        loss_detection.on_sent(1.0 + counter * every_s, counter, SIZE, (span,), ack_delay_s=ACK_DELAY_S)
    return loss_detection, subscription


def ack(*counters: int, delay_us: int = 0, reordering_ms: int = 0) -> Ack:
    """An ack that names these packets."""
    largest = max(counters)
    received = sum(1 << (largest - 1 - counter) for counter in counters if counter < largest)
    return Ack(AckedPackets(largest, received, delay_us, reordering_ms), [])


def entries(sent: list[SentPacket]) -> list[int]:
    return [span.first for each in sent for span in each.spans]


def test_an_ack_settles_what_it_names() -> None:
    loss_detection, _ = flying(3)
    delivered, lost = loss_detection.on_ack(1.01, ack(0, 2))
    assert (entries(delivered), entries(lost)) == ([1, 3], [])
    assert loss_detection.bytes_in_flight == SIZE
    delivered, _ = loss_detection.on_ack(1.011, ack(0, 1, 2))
    assert entries(delivered) == [2]
    assert loss_detection.bytes_in_flight == 0 and loss_detection.next_timeout() is None


@pytest.mark.parametrize("fragment", [None, 0])
def test_what_the_replica_holds_anyway_is_settled_too(fragment: int) -> None:
    loss_detection, subscription = flying(200, fragment=fragment)
    subscription.on_held(1, 150)
    delivered, _ = loss_detection.on_ack(1.01, ack(199))
    assert entries(delivered) == [*range(1, 151), 200]


def test_three_later_packets_make_one_lost() -> None:
    loss_detection, _ = flying(1 + HOLD_PACKETS)
    _, lost = loss_detection.on_ack(1.001, ack(1, 2))
    assert lost == []
    _, lost = loss_detection.on_ack(1.001, ack(1, 2, 3))
    assert entries(lost) == [1]
    assert loss_detection.bytes_in_flight == 0


def test_one_later_packet_makes_one_lost_in_time() -> None:
    loss_detection, _ = flying(2)
    _, lost = loss_detection.on_ack(1.010, ack(1))
    assert lost == []
    due = loss_detection.next_timeout()
    assert due is not None and 1.0 + HOLD_S < due <= 1.030
    lost, probed = loss_detection.handle_timeout(due)
    assert (entries(lost), probed) == ([1], [])
    assert loss_detection.bytes_in_flight == 0 and loss_detection.next_timeout() is None


def test_where_the_path_reorders_overtaking_alone_is_no_loss() -> None:
    loss_detection, _ = flying(10, every_s=0.001)
    _, lost = loss_detection.on_ack(1.012, ack(*range(1, 10), reordering_ms=40))
    assert lost == []
    delivered, lost = loss_detection.on_ack(1.030, ack(*range(10), reordering_ms=40))
    assert (entries(delivered), lost) == ([1], [])


def test_where_the_path_reorders_a_loss_is_found_all_the_same() -> None:
    loss_detection, _ = flying(10, every_s=0.001)
    loss_detection.on_ack(1.012, ack(*range(1, 10), reordering_ms=40))
    due = loss_detection.next_timeout()
    assert due is not None and due < 1.5
    while not (lost := loss_detection.handle_timeout(due)[0]):
        due = loss_detection.next_timeout() or 0.0
        assert due < 2.0
    assert entries(lost) == [1]


@pytest.mark.parametrize("followed_after_s", [0.2, OVERDUE_S_MAX - 0.1, OVERDUE_S_MAX + 0.1])
def test_a_successor_sent_late_makes_no_packet_younger(followed_after_s: float) -> None:
    """Where the path reorders by a second, a packet may be that late after it was sent, and not after its successor."""
    loss_detection, _ = flying(2, every_s=followed_after_s)
    acked_at = 1.0 + followed_after_s + 0.001
    _, lost = loss_detection.on_ack(acked_at, ack(1, reordering_ms=1_000))
    assert bool(lost) is (followed_after_s > OVERDUE_S_MAX), "it may be that late, and no later"
    if not lost:
        due = loss_detection.next_timeout()
        assert due is not None and due <= 1.0 + OVERDUE_S_MAX
        lost, _ = loss_detection.handle_timeout(due)
    assert entries(lost) == [1]


def test_the_round_trip_is_measured_without_the_delay_of_the_receiver() -> None:
    loss_detection, _ = flying(1)
    loss_detection.on_ack(1.030, ack(0, delay_us=10_000))
    assert loss_detection.path.round_trip.smoothed_s == pytest.approx(0.020)


def test_an_ack_of_packets_that_carried_no_entries_measures_nothing() -> None:
    loss_detection, _ = flying(1)
    loss_detection.on_ack(1.030, ack(5))
    assert not loss_detection.path.round_trip.sampled


def test_silence_after_the_last_packet_is_probed_soon_then_ever_more_slowly() -> None:
    loss_detection, _ = flying(1)
    loss_detection.path.round_trip.on_sample(0.001)
    times = list[float]()
    while len(times) < 40:
        due = loss_detection.next_timeout()
        assert due is not None and (not times or due > times[-1])
        lost, probed = loss_detection.handle_timeout(due)
        assert (lost, entries(probed)) == ([], [1])
        times.append(due)
    assert times[-1] - times[-2] == pytest.approx(PROBE_SILENT_S_MAX)
    assert max(later - earlier for earlier, later in pairwise(times)) <= PROBE_SILENT_S_MAX + 1e-9


def test_on_a_quick_path_the_first_probe_comes_within_milliseconds() -> None:
    loss_detection, subscription = flying(0)
    loss_detection.path.round_trip.on_sample(0.0003)
    loss_detection.on_sent(5.0, 0, SIZE, (EntrySpan(subscription, 1, 1),), ack_delay_s=ACK_DELAY_S)
    due = loss_detection.next_timeout()
    assert due is not None and PROBE_S_MIN <= due - 5.0 <= 0.02


def test_a_network_in_trouble_puts_no_probe_off_by_long() -> None:
    loss_detection, subscription = flying(0)
    for _ in range(20):
        loss_detection.path.round_trip.on_sample(1.4)
    loss_detection.path.reordering_s = 1.0
    loss_detection.on_sent(1.0, 0, SIZE, (EntrySpan(subscription, 1, 1),), ack_delay_s=ACK_DELAY_S)
    due = loss_detection.next_timeout()
    assert due is not None and due <= 1.0 + 1.5 * OVERDUE_S_MAX


def test_while_the_peer_was_heard_lately_probes_stay_frequent() -> None:
    loss_detection, subscription = flying(1)
    loss_detection.on_ack(1.01, ack(0))
    loss_detection.on_sent(1.02, 1, SIZE, (EntrySpan(subscription, 2, 2),), ack_delay_s=ACK_DELAY_S)
    times = [1.02]
    while times[-1] < 3.0:
        due = loss_detection.next_timeout()
        assert due is not None
        loss_detection.handle_timeout(due)
        times.append(due)
    assert max(later - earlier for earlier, later in pairwise(times)) <= PROBE_S_MAX + 1e-9


def test_another_session_forgets_what_was_in_flight() -> None:
    loss_detection, _ = flying(5)
    assert len(loss_detection.forget()) == 5
    assert loss_detection.bytes_in_flight == 0 and loss_detection.next_timeout() is None
    delivered, lost = loss_detection.on_ack(2.0, ack(4))
    assert (delivered, lost) == ([], [])


def test_packets_of_the_former_path_measure_nothing_of_the_next() -> None:
    """RFC 9000 section 9.4: round trip, rate and window begin anew, and what was in flight is given up."""
    loss_detection, subscription = flying(5)
    loss_detection.on_ack(1.5, ack(0, 1, reordering_ms=40))
    loss_detection.handle_timeout(9.0)
    assert len(loss_detection.change_path(ELSEWHERE)) == 3
    path = loss_detection.path
    assert (path.round_trip.sampled, path.congestion.rate, path.congestion.window_bytes) == (
        False,
        0.0,
        WINDOW_BYTES_INITIAL,
    )
    assert loss_detection.bytes_in_flight == 0 and loss_detection.next_timeout() is None
    delivered, lost = loss_detection.on_ack(10.0, ack(2, 3, 4))
    assert (delivered, lost, path.round_trip.sampled, path.congestion.rate) == ([], [], False, 0.0)
    loss_detection.on_sent(11.0, 5, SIZE, (EntrySpan(subscription, 6, 6),), ack_delay_s=ACK_DELAY_S)
    due = loss_detection.next_timeout()
    assert due is not None and due <= 11.0 + 2 * RoundTrip().timeout_s, "no back-off is left of the former path"
    loss_detection.on_ack(11.02, ack(5))
    assert loss_detection.path.round_trip.smoothed_s == pytest.approx(0.02)


def test_at_another_port_of_the_host_the_measures_stay_and_what_was_in_flight_is_given_up() -> None:
    loss_detection, _ = flying(5)
    loss_detection.on_ack(1.5, ack(0, 1, reordering_ms=40))
    before = loss_detection.path
    there = HERE._replace(port=2)
    assert len(loss_detection.change_path(there)) == 3
    assert loss_detection.path is before and (before.address, before.reordering_s) == (there, 0.04)
    assert loss_detection.bytes_in_flight == 0 and loss_detection.next_timeout() is None


@given(data=st.data())
def test_every_packet_is_settled_once_and_the_bytes_add_up(data: st.DataObject) -> None:
    loss_detection, subscription = flying(0)
    waits = st.sampled_from([0.0, 0.001, 0.05, 2.0])
    now, counter, settled = 1.0, 0, list[int]()
    for wait_s, sent in data.draw(st.lists(st.tuples(waits, st.integers(0, 4)), max_size=15)):
        now += wait_s
        for _ in range(sent):
            span = EntrySpan(subscription, counter + 1, counter + 1)
            loss_detection.on_sent(now, counter, SIZE, (span,), ack_delay_s=ACK_DELAY_S)
            counter += 1
        if counter and data.draw(st.booleans()):
            largest = data.draw(st.integers(0, counter - 1))
            received, reordering_ms = data.draw(st.integers(0, 2**64 - 1)), data.draw(st.sampled_from([0, 0, 40]))
            delivered, lost = loss_detection.on_ack(now, Ack(AckedPackets(largest, received, 0, reordering_ms), []))
            settled += entries(delivered) + entries(lost)
        else:
            lost, probed = loss_detection.handle_timeout(now)
            settled += entries(lost)
            assert set(entries(probed)) <= set(range(1, counter + 1)) - set(settled)
        assert len(settled) == len(set(settled))
        assert loss_detection.bytes_in_flight == SIZE * (counter - len(settled))
        assert (loss_detection.next_timeout() is None) == (counter == len(settled))


def test_of_a_new_path_nothing_is_known_but_its_address() -> None:
    path = PathEstimate(HERE)
    assert (path.address, path.reordering_s, path.round_trip.sampled) == (HERE, 0.0, False)
    assert (path.congestion.rate, path.congestion.window_bytes) == (0.0, WINDOW_BYTES_INITIAL)


def test_a_change_of_host_replaces_all_measures_at_once() -> None:
    loss_detection = LossDetection(HERE)
    before = loss_detection.path
    before.round_trip.on_sample(0.4)
    before.reordering_s = 0.1
    loss_detection.change_path(ELSEWHERE)
    assert loss_detection.path is not before and loss_detection.path.address == ELSEWHERE
    assert (loss_detection.path.round_trip.smoothed_s, loss_detection.path.reordering_s) == (INITIAL_S, 0.0)
