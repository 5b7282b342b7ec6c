"""The earliest of several timers, and the wait before a repeated send."""

from __future__ import annotations

import pytest

from udpchat.session.timers import backoff_s, earliest


def test_the_earliest_of_the_times_that_are_set() -> None:
    assert earliest(3.0, None, 1.5, 2.0) == 1.5
    assert earliest(0.0, None) == 0.0, "zero is a time"
    assert earliest(None, None) is None and earliest() is None


def test_a_wait_grows_with_each_attempt_up_to_its_limit() -> None:
    waits = [backoff_s(0.1, attempts, max_s=0.5) for attempts in range(5)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert backoff_s(0.05, 2, growth=1.5, max_s=1.0) == pytest.approx(0.1125)


def test_attempts_before_the_backoff_begins_wait_as_long_as_the_first() -> None:
    assert [backoff_s(0.1, attempts - 3, max_s=1.0) for attempts in range(5)] == pytest.approx([0.1] * 4 + [0.2])


def test_no_number_of_attempts_overflows() -> None:
    assert backoff_s(1e-3, 10**9, growth=2.5, max_s=1.25) == 1.25
