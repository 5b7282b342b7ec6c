"""One heap for many deadlines: each owner once, at its earliest time, and never after it is gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.timer_heap import TimerHeap

TIMES = st.integers(0, 9).map(float)


def test_the_earliest_time_stands_and_comes_once() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    for when in (5.0, 3.0, 4.0):
        deadlines.arm("alice", when)
    assert deadlines.next_timeout() == 3.0 and deadlines.is_armed("alice")
    assert deadlines.take_due(2.9, 9) == []
    assert deadlines.take_due(3.0, 9) == ["alice"] and not deadlines.is_armed("alice")
    assert deadlines.take_due(9.0, 9) == [] and deadlines.next_timeout() is None


def test_owners_come_in_the_order_of_their_times_and_of_arming() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    for owner, when in (("late", 2.0), ("first", 1.0), ("second", 1.0)):
        deadlines.arm(owner, when)
    assert deadlines.take_due(2.0, 9) == ["first", "second", "late"]


def test_no_more_are_taken_than_there_is_time_for_and_the_others_next() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    for owner in "abc":
        deadlines.arm(owner, 1.0)
    assert deadlines.take_due(2.0, 2) == ["a", "b"] and deadlines.next_timeout() == 1.0
    assert deadlines.take_due(2.0, 2) == ["c"]


def test_those_due_soon_come_along_with_one_that_is_due_and_not_alone() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    for owner, when in (("due", 1.0), ("soon", 1.5), ("late", 3.0)):
        deadlines.arm(owner, when)
    assert deadlines.take_due(0.9, 9, ahead_s=1.0) == []
    assert deadlines.take_due(1.0, 9, ahead_s=1.0) == ["due", "soon"] and not deadlines.is_armed("soon")
    assert deadlines.take_due(2.5, 9, ahead_s=1.0) == [] and deadlines.next_timeout() == 3.0


def test_who_is_gone_is_not_looked_at_again() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    deadlines.arm("alice", 1.0)
    deadlines.forget("alice")
    deadlines.forget("nobody")
    assert deadlines.next_timeout() is None and deadlines.take_due(5.0, 9) == []


def test_no_time_arms_nothing() -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    deadlines.arm("alice", None)
    assert deadlines.next_timeout() is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["arm", "forget", "take"]), TIMES), max_size=40))
def test_it_is_what_a_table_of_times_would_be(steps: list[tuple[str, str, float]]) -> None:
    deadlines: TimerHeap[str] = TimerHeap()
    model: dict[str, float] = {}
    for owner, verb, time in steps:
        if verb == "arm":
            deadlines.arm(owner, time)
            model[owner] = min(time, model.get(owner, time))
        elif verb == "forget":
            deadlines.forget(owner)
            model.pop(owner, None)
        else:
            due = {owner for owner, when in model.items() if when <= time}
            taken = deadlines.take_due(time, 9)
            assert set(taken) == due and len(taken) == len(due)
            times = [model.pop(owner) for owner in taken]
            assert times == sorted(times)
        assert deadlines.next_timeout() == min(model.values(), default=None)
