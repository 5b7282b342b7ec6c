"""The journal: batches in order, and what has no outcome yet."""

from __future__ import annotations

from udpchat.client.journal import Journal
from udpchat.client.stored import RequestDone


def test_what_is_added_is_drained_once_in_order_with_more_behind_it() -> None:
    journal = Journal()
    one, two, three = (RequestDone(counter) for counter in (1, 2, 3))
    journal.add(one)
    journal.add(two)
    assert journal.drain([three]) == [one, two, three] and journal.drain([]) == []
    assert journal.take_written(2) == [one, two] and journal.take_written(1) == [three]


def test_a_failure_is_of_all_that_has_no_outcome_and_not_of_what_comes_later() -> None:
    journal = Journal()
    one, two, three = (RequestDone(counter) for counter in (1, 2, 3))
    for write in (one, two):
        journal.add(write)
        journal.drain([])
    journal.take_written(1)
    journal.add(three)
    assert journal.take_unwritten() == [two] and journal.is_failing and journal.take_unwritten() == []
    assert journal.drain([]) == [three]
