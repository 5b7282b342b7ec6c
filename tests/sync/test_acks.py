"""When a receiver acknowledges, and whether what it says of packets is what came."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sizes import size_of
from udpchat.sync.acks import (
    HOLD_S,
    MISSING_MAX,
    PROMPT_ACK_DELAY_S,
    REORDERING_MEMORY_S,
    REORDERING_S_MAX,
    REPEAT_S_MAX,
    REPEAT_S_MIN,
    AckSchedule,
)
from udpchat.wire.frames import Ack, AckedPackets
from udpchat.wire.limits import ACK_INTERVAL_S_MIN


def after(counters: list[int], *, every_s: float = 0.0) -> tuple[AckSchedule, float]:
    """A schedule that has seen these packets, and the time then."""
    schedule, now = AckSchedule(), 0.0
    for counter in counters:
        schedule.on_packet(now, counter)
        now += every_s
    return schedule, now


def take(schedule: AckSchedule, now: float, *, has_gap: bool = False) -> Ack:
    return schedule.take(now, [], has_gap=has_gap)


def named(ack: Ack) -> set[int]:
    """The packets that an ack says came."""
    if ack.packets is None:
        return set()
    largest, received = ack.packets.largest, ack.packets.received
    return {largest} | {largest - 1 - bit for bit in range(64) if received >> bit & 1}


def packets(ack: Ack) -> AckedPackets:
    assert ack.packets is not None
    return ack.packets


@given(counters=st.permutations(range(100)), kept=st.integers(0, 100))
def test_an_ack_names_exactly_the_packets_that_came_of_the_last_65(counters: list[int], kept: int) -> None:
    came = counters[:kept]
    schedule, now = after(came)
    ack = take(schedule, now)
    assert named(ack) == {counter for counter in came if counter >= max(came) - 64}
    assert ack.packets is None or (ack.packets.largest == max(came) and 0 <= ack.packets.received < 2**64)


@given(steps=st.lists(st.integers(0, 2**62), max_size=30))
def test_leaps_of_any_size_cost_and_hold_little(steps: list[int]) -> None:
    schedule, _ = after(steps)
    assert size_of(schedule) <= 256 * MISSING_MAX
    assert named(take(schedule, 0.0)) == {step for step in steps if step >= max(steps) - 64}


def test_before_the_first_packet_none_is_named() -> None:
    assert take(AckSchedule(), 5.0) == Ack(None, [])


def test_a_packet_named_twice_changes_nothing() -> None:
    schedule, _ = after([0, 1, 1, 0])
    assert named(take(schedule, 0.0)) == {0, 1}


def test_the_delay_is_since_the_largest_came() -> None:
    schedule, _ = after([0])
    schedule.on_packet(1.0, 2)
    schedule.on_packet(1.010, 1)
    assert packets(take(schedule, 1.015)).delay_us == pytest.approx(15_000, abs=2)
    assert packets(take(schedule, 1e6)).delay_us == 10_000_000


def test_after_a_pause_entries_are_acknowledged_at_once_and_then_at_the_interval() -> None:
    schedule, _ = after([0])
    schedule.on_entries(1.0, 0.025, 0.0)
    assert schedule.next_timeout() == 1.0
    take(schedule, 1.0)
    assert schedule.next_timeout() is None
    schedule.on_entries(1.001, 0.025, 0.0)
    assert schedule.next_timeout() == pytest.approx(1.025)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_in_a_large_room_acks_are_spread(jitter: float) -> None:
    schedule, _ = after([0])
    ack_delay_s = 40 * PROMPT_ACK_DELAY_S
    schedule.on_entries(1.0, ack_delay_s, jitter)
    assert schedule.next_timeout() == pytest.approx(1.0 + ack_delay_s * (0.5 + jitter))
    schedule.on_entries(1.1, ack_delay_s, 1.0)
    due = schedule.next_timeout()
    assert due is not None and due <= 1.0 + 1.5 * ack_delay_s, "a later entry does not put the ack off"


def test_a_gap_is_reported_after_the_hold() -> None:
    schedule, _ = after([0, 2], every_s=0.0)
    assert schedule.next_timeout() == pytest.approx(HOLD_S)


def test_three_later_packets_end_the_hold() -> None:
    schedule, _ = after([0, 2, 3])
    assert schedule.next_timeout() == pytest.approx(HOLD_S)
    schedule.on_packet(0.001, 4)
    assert schedule.next_timeout() == 0.001


def test_a_gap_once_reported_is_not_reported_for_each_packet_again() -> None:
    schedule, _ = after([0, 2, 3, 4])
    take(schedule, 0.0)
    for counter in range(5, 50):
        schedule.on_packet(0.001, counter)
        assert schedule.next_timeout() is None
    schedule.on_packet(0.002, 51)
    assert schedule.next_timeout() == pytest.approx(0.002 + HOLD_S), "a new gap is news"


def test_an_open_gap_is_said_again_in_a_silence_ever_more_rarely() -> None:
    schedule, _ = after([0])
    now, waits = 1.0, []
    for _ in range(5):
        take(schedule, now, has_gap=True)
        waits.append((schedule.next_timeout() or 0.0) - now)
        now += waits[-1]
    assert waits == pytest.approx([REPEAT_S_MIN, 2 * REPEAT_S_MIN, 4 * REPEAT_S_MIN, REPEAT_S_MAX, REPEAT_S_MAX])
    schedule.on_packet(now, 1)
    take(schedule, now, has_gap=True)
    assert schedule.next_timeout() == pytest.approx(now + REPEAT_S_MIN)
    take(schedule, now)
    assert schedule.next_timeout() is None


def test_missing_entries_are_reported_after_the_hold() -> None:
    schedule, _ = after([0])
    schedule.on_gap(2.0)
    assert schedule.next_timeout() == pytest.approx(2.0 + HOLD_S)


def test_a_path_that_reorders_is_given_time_and_its_lateness_is_told() -> None:
    schedule = AckSchedule()
    schedule.on_packet(0.0, 0)
    schedule.on_packet(0.0, 2)
    schedule.on_packet(0.040, 1)
    assert schedule.reordering_s(0.040) == pytest.approx(0.040)
    assert packets(take(schedule, 0.041)).reordering_ms in (40, 41)
    for counter in (4, 5, 6, 7):
        schedule.on_packet(0.050, counter)
    assert schedule.next_timeout() == pytest.approx(0.050 + HOLD_S + 0.040)


def test_lateness_is_forgotten_in_time_and_bounded() -> None:
    schedule = AckSchedule()
    schedule.on_packet(0.0, 0)
    schedule.on_packet(0.0, 2)
    schedule.on_packet(9.0, 1)
    assert schedule.reordering_s(9.0) == REORDERING_S_MAX
    assert packets(take(schedule, 9.0)).reordering_ms == 1_000
    assert schedule.reordering_s(9.0 + REORDERING_MEMORY_S) == 0.0
    assert packets(take(schedule, 9.0 + REORDERING_MEMORY_S)).reordering_ms == 0


def test_a_packet_that_was_repaired_long_ago_is_not_late() -> None:
    schedule, _ = after([0, 1 + MISSING_MAX * 2])
    schedule.on_packet(5.0, 1)
    assert schedule.reordering_s(5.0) == 0.0


def test_acks_alone_are_so_far_apart_whatever_the_sender_requests_or_withholds() -> None:
    schedule, now, sent = AckSchedule(), 0.0, []
    for counter in range(0, 4_000, 2):  # every other one is missing
        schedule.on_packet(now, counter)
        schedule.on_entries(now, 0.0, 0.0)
        due = schedule.next_timeout()
        if due is not None and now >= due:
            take(schedule, now, has_gap=True)
            sent.append(now)
        now += 0.0001
    pauses = [after - before for before, after in pairwise(sent)]
    assert min(pauses) >= ACK_INTERVAL_S_MIN - 1e-9 and len(sent) >= 0.8 * now / ACK_INTERVAL_S_MIN
