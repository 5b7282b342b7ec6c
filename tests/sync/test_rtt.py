"""Round-trip times: the formulas of RFC 9002 section 5, and bounds where a clock or a peer plays tricks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.rtt import GRANULARITY_S, INITIAL_S, SAMPLE_S_MAX, TIMEOUT_S_MAX, RoundTrip


def test_before_the_first_sample_the_initial_guess_holds() -> None:
    trip = RoundTrip()
    assert not trip.sampled
    assert trip.smoothed_s == INITIAL_S
    assert trip.timeout_s == pytest.approx(3 * INITIAL_S)


def test_the_first_sample_replaces_the_guess() -> None:
    trip = RoundTrip()
    trip.on_sample(0.020)
    assert trip.sampled
    assert (trip.smoothed_s, trip.variation_s) == (0.020, 0.010)
    assert trip.timeout_s == pytest.approx(0.060)


def test_later_samples_count_an_eighth_and_their_deviation_a_quarter() -> None:
    trip = RoundTrip()
    trip.on_sample(0.020)
    trip.on_sample(0.028)
    assert trip.variation_s == pytest.approx(0.75 * 0.010 + 0.25 * 0.008)  # RFC 9002: against the mean before
    assert trip.smoothed_s == pytest.approx(7 / 8 * 0.020 + 1 / 8 * 0.028)


def test_a_negative_sample_is_none_at_all() -> None:
    trip = RoundTrip()
    trip.on_sample(-5.0)
    assert trip.smoothed_s == 0.0
    assert trip.timeout_s == GRANULARITY_S


@given(samples=st.lists(st.floats(0, SAMPLE_S_MAX), min_size=1, max_size=50))
def test_the_mean_stays_among_the_samples_and_the_timeout_above_it(samples: list[float]) -> None:
    trip = RoundTrip()
    for sample in samples:
        trip.on_sample(sample)
    assert min(samples) - 1e-9 <= trip.smoothed_s <= max(samples) + 1e-9
    assert trip.timeout_s >= trip.smoothed_s + GRANULARITY_S


def test_a_network_in_trouble_makes_no_timeout_that_outlasts_it_by_long() -> None:
    trip = RoundTrip()
    for sample in (0.01, 1.4) * 10:
        trip.on_sample(sample)
    assert trip.smoothed_s + 4 * trip.variation_s > 2.0
    assert trip.timeout_s == TIMEOUT_S_MAX


def test_what_is_longer_than_any_path_says_nothing_of_it_but_that_it_is_long() -> None:
    trip = RoundTrip()
    trip.on_sample(60.0)
    assert trip.smoothed_s == SAMPLE_S_MAX
    trip = RoundTrip()
    trip.on_sample(0.020)
    trip.on_sample(60.0)
    assert (trip.smoothed_s, trip.variation_s) == (0.020, 0.010)


def test_a_first_sample_beyond_any_path_is_replaced_by_the_next() -> None:
    trip = RoundTrip()
    trip.on_sample(60.0)
    assert not trip.sampled
    trip.on_sample(0.020)
    assert (trip.smoothed_s, trip.variation_s) == (0.020, 0.010)


def test_a_steady_path_is_learnt() -> None:
    trip = RoundTrip()
    for _ in range(100):
        trip.on_sample(0.003)
    assert trip.smoothed_s == pytest.approx(0.003)
    assert trip.timeout_s == pytest.approx(0.003 + GRANULARITY_S)
