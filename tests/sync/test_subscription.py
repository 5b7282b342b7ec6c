"""A subscription: what one follower of a log holds, what is scheduled for it, and what is still to be read for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.test_log_stream import LOG, entry, stream_of
from udpchat.sync.shared import SharedEntries
from udpchat.sync.subscription import Subscription
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Cursor


def subscription_of(head: int, base: int = 0) -> Subscription:
    stream, reader = stream_of([entry(number) for number in range(1, head + 1)])
    if base:
        reader.prune(LOG, base)
        stream.base = base
    return Subscription(stream)


def cursor(sequence: int, *ranges: tuple[int, int]) -> Cursor:
    return Cursor(LOG, 1, sequence, list(ranges))


def test_the_head_that_is_told_names_where_the_follower_came_in() -> None:
    subscription = subscription_of(10, base=3)
    subscription.stream.extend(0.0, [entry(11)])
    head = subscription.head()
    assert (head.log, head.generation, head.base, head.head, head.entered) == (LOG, 1, 3, 11, 10)


def test_nothing_is_missing_before_the_replica_has_said_what_it_holds() -> None:
    subscription = subscription_of(10)
    subscription.schedule_missing()
    assert not subscription.backlog
    subscription.on_cursor(cursor(4, (7, 8)))
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(5, 6), (9, 10)] == list(subscription.scheduled)


def test_what_was_sent_before_the_follower_knew_the_log_is_missing_at_its_first_cursor() -> None:
    subscription = subscription_of(2)
    subscription.scheduled.add(2, 2)
    subscription.on_cursor(cursor(1))
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(2, 2)]


def test_what_is_scheduled_is_not_scheduled_again() -> None:
    subscription = subscription_of(10)
    subscription.on_cursor(cursor(0))
    subscription.scheduled.add(3, 5)
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(1, 2), (6, 10)]


def test_an_entry_that_was_edited_is_scheduled_again_for_who_does_not_hold_it() -> None:
    subscription = subscription_of(4)
    subscription.on_cursor(cursor(1, (3, 3)))
    subscription.scheduled.add(2, 4)
    for sequence in (1, 2, 3):
        subscription.send_anew(sequence)
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(2, 2)]


def test_what_is_below_the_base_is_not_scheduled() -> None:
    subscription = subscription_of(10, base=6)
    subscription.on_cursor(cursor(2))
    subscription.schedule_missing()
    assert list(subscription.backlog) == [(7, 10)]


def test_the_cursor_moves_over_what_packets_brought() -> None:
    subscription = subscription_of(10)
    subscription.on_cursor(cursor(2))
    for sequence in (5, 3, 4):
        subscription.on_held(sequence, sequence)
    subscription.on_held(1, 2)
    subscription.schedule_missing()
    assert subscription.sequence == 5 and not subscription.acked
    assert subscription.holds(1, 5) and not subscription.holds(5, 6)


def test_a_range_that_adjoins_the_cursor_moves_it_though_another_lies_below() -> None:
    subscription = subscription_of(20)
    subscription.on_cursor(cursor(10))
    subscription.on_held(3, 5)
    subscription.on_cursor(cursor(10, (11, 12)))
    assert subscription.sequence == 12


@pytest.mark.parametrize("lie", [cursor(11), cursor(3, (5, 11)), cursor(3, (8, 7))])
def test_more_than_there_is_cannot_be_held(lie: Cursor) -> None:
    subscription = subscription_of(10)
    with pytest.raises(BadDatagram):
        subscription.on_cursor(lie)


@given(data=st.data())
def test_held_scheduled_and_backlog_are_what_a_model_says(data: st.DataObject) -> None:
    head = 30
    subscription, held = subscription_of(head), set[int]()
    subscription.on_cursor(cursor(0))
    numbers = st.integers(1, head)
    for _ in range(data.draw(st.integers(0, 12))):
        first, last = sorted((data.draw(numbers), data.draw(numbers)))
        if data.draw(st.booleans()):
            subscription.on_cursor(cursor(0, (first, last)))
        else:
            subscription.on_held(first, last)
        held |= set(range(first, last + 1))
        subscription.schedule_missing()
        missing = [number for number in range(1, head + 1) if number not in held]
        assert [number for first, last in subscription.backlog for number in range(first, last + 1)] == missing
        assert [number for first, last in subscription.scheduled for number in range(first, last + 1)] == missing
        assert all(subscription.holds(number, number) == (number in held) for number in range(1, head + 1))


def shared_to(subscription: Subscription, at: float, last: int) -> None:
    stream = subscription.stream
    stream.shared = stream.shared or SharedEntries()
    stream.extend(at, [entry(number) for number in range(stream.head + 1, last + 1)])
    stream.shared.add(at, last)
    subscription.published = last


def test_what_a_group_was_sent_is_missing_once_it_is_late() -> None:
    subscription = subscription_of(2)
    subscription.on_cursor(cursor(2))
    subscription.schedule_missing()
    shared_to(subscription, 1.0, 5)
    shared_to(subscription, 2.0, 9)
    subscription.on_cursor(cursor(3))
    subscription.schedule_missing(0.9)
    assert not subscription.backlog
    subscription.schedule_missing(1.5)
    assert list(subscription.backlog) == [(4, 5)] and subscription.missed == 2
    subscription.schedule_missing(1.5)
    assert list(subscription.backlog) == [(4, 5)] and subscription.missed == 2


def test_what_a_group_was_sent_is_missing_once_a_later_entry_is_held() -> None:
    subscription = subscription_of(2)
    subscription.on_cursor(cursor(2))
    subscription.schedule_missing()
    shared_to(subscription, 1.0, 9)
    subscription.on_cursor(cursor(3, (6, 7)))
    subscription.schedule_missing(0.0)
    assert list(subscription.backlog) == [(4, 5)] and subscription.missed == 2


def test_who_comes_while_a_group_is_sent_something_is_sent_all_that_is_there() -> None:
    subscription = subscription_of(2)
    shared_to(subscription, 1.0, 5)
    subscription.on_cursor(cursor(0))
    subscription.schedule_missing(0.0)
    assert list(subscription.backlog) == [(1, 5)] and subscription.missed == 0
