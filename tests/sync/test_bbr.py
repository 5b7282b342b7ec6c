"""The pace of a catch-up: it finds the rate of a link in spite of random loss, and leaves the queue short."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.link import Link, Way
from udpchat.sync.bbr import WINDOW_BYTES_INITIAL, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN, BbrController
from udpchat.wire.limits import DATAGRAM_BYTES_MAX

LOG = "#lobby"
ENTRY = b"\xc5\x03\xe5" + bytes(997)


def catching_up(bytes_per_s: float, seconds: float, *, loss: float, delay_s: float) -> Link:
    """A link over which a replica reads a history of so many seconds at that rate."""
    down = Way(loss=loss, delay_s=delay_s, bytes_per_s=bytes_per_s, queue_bytes=max(30_000, int(bytes_per_s / 4)))
    here = Link(Random(5), down, Way(loss=loss, delay_s=delay_s))
    here.write(LOG, [ENTRY] * int(bytes_per_s * seconds / len(ENTRY)))
    here.follow(LOG)
    return here


@pytest.mark.parametrize("loss", [0.0, 0.05])
@pytest.mark.parametrize(
    ("bytes_per_s", "seconds", "delay_s"),
    [(64_000, 8, 0.0005), (64_000, 8, 0.05), (125_000, 6, 0.015), (1_000_000, 3, 0.0005), (1_000_000, 3, 0.015)],
)
def test_a_history_is_read_at_four_fifths_of_the_rate_and_more(
    bytes_per_s: float, seconds: float, delay_s: float, loss: float
) -> None:
    here = catching_up(bytes_per_s, seconds, loss=loss, delay_s=delay_s)
    began = here.now
    here.run(1.0)
    here.down.queue_s_max = 0.0  # what the start took to find the rate does not count
    here.run(10 * seconds, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)
    assert seconds / (here.now - began) >= 0.8
    assert here.down.queue_s_max <= 0.25 + 2 * delay_s
    assert here.down.bytes_sent <= 1.06 * (1 + 1.5 * loss) * seconds * bytes_per_s


def test_a_rate_that_falls_is_found_again() -> None:
    here = catching_up(400_000, 5, loss=0.0, delay_s=0.01)
    here.run(2.0)
    here.down.bytes_per_s = 100_000
    here.run(3.0)
    here.down.queue_s_max = 0.0
    here.run(4.0)
    assert here.down.queue_s_max <= 0.3
    here.run(60.0, until=lambda: here.is_complete(LOG))
    here.check_complete(LOG)


def delivered(pace: BbrController, now: float, size: int, *, round_trip_s: float, in_flight: int) -> None:
    before = pace.delivered_bytes
    pace.on_delivered(now, size, sent_at=now - round_trip_s, delivered_at_send=before, in_flight=in_flight)


def test_before_anything_is_known_the_initial_window_may_go_at_once() -> None:
    pace = BbrController()
    assert (pace.rate, pace.window_bytes) == (0.0, WINDOW_BYTES_INITIAL)
    assert pace.allowed_bytes(5.0, 0) == WINDOW_BYTES_INITIAL
    assert pace.allowed_bytes(5.0, WINDOW_BYTES_INITIAL) == 0
    assert pace.next_timeout(5.0, 0) == 5.0
    assert pace.next_timeout(5.0, WINDOW_BYTES_INITIAL) is None


def test_the_rate_is_what_was_delivered_in_a_round_trip() -> None:
    pace = BbrController()
    delivered(pace, 1.0, 1_000, round_trip_s=0.01, in_flight=0)
    assert pace.rate == pytest.approx(100_000)


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 20), st.integers(1, DATAGRAM_BYTES_MAX), st.floats(0, 5), st.booleans()), max_size=60
    )
)
def test_whatever_is_delivered_or_lost_the_window_keeps_its_bounds(
    steps: list[tuple[float, int, float, bool]],
) -> None:
    pace, now = BbrController(), 0.0
    for wait_s, size, round_trip_s, is_lost in steps:
        now += wait_s
        if is_lost:
            pace.on_lost(size)
        else:
            delivered(pace, now, size, round_trip_s=round_trip_s, in_flight=2 * DATAGRAM_BYTES_MAX)
        assert WINDOW_BYTES_MIN <= pace.window_bytes <= WINDOW_BYTES_MAX
        assert 0 <= pace.allowed_bytes(now, 0) <= pace.window_bytes
        pace.on_sent(size)


@given(
    now=st.floats(0, 1e7),
    size=st.integers(1, DATAGRAM_BYTES_MAX),
    round_trip_s=st.floats(1e-5, 5),
    sent=st.integers(0, 20_000),
)
def test_when_the_time_has_come_a_datagram_may_go(now: float, size: int, round_trip_s: float, sent: int) -> None:
    pace = BbrController()
    delivered(pace, now, size, round_trip_s=round_trip_s, in_flight=0)
    pace.allowed_bytes(now, 0)
    pace.on_sent(sent)
    due = pace.next_timeout(now, 0)
    assert due is not None
    for _ in range(3):  # a clock has a grain: it may take one more look
        if pace.allowed_bytes(due, 0) >= DATAGRAM_BYTES_MAX:
            return
        again = pace.next_timeout(due, 0)
        assert again is not None and again > due, "time stands still"
        due = again
    pytest.fail("it never comes to a datagram")
