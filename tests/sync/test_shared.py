"""What went to a group, and by when."""

from __future__ import annotations

from udpchat.sync.shared import STEP_S, STEPS_MAX, SharedEntries


def test_what_was_sent_by_a_time_is_the_last_entry_of_the_last_step_that_had_ended() -> None:
    shared = SharedEntries()
    assert shared.sent_by(9.0) == 0
    shared.add(10.0, 3)
    shared.add(11.0, 7)
    assert [shared.sent_by(at) for at in (9.9, 10.0, 10.9, 11.0, 99.0)] == [0, 3, 3, 7, 7]


def test_what_is_sent_within_a_step_counts_as_sent_at_its_end() -> None:
    shared = SharedEntries()
    for number in range(4):
        shared.add(10.0 + number * STEP_S / 4, number + 1)
    assert shared.sent_by(10.0 + STEP_S / 2) == 0 and shared.sent_by(10.0 + STEP_S) == 4


def test_what_goes_on_for_ever_is_remembered_for_a_while() -> None:
    shared = SharedEntries()
    for number in range(5 * STEPS_MAX):
        shared.add(number * STEP_S, number)
    assert shared.sent_by((5 * STEPS_MAX - STEPS_MAX / 2) * STEP_S) > 4 * STEPS_MAX
    assert shared.sent_by(0.0) == 0
