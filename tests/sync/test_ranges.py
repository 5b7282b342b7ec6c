"""Ranges behave as a set of numbers does, and stay sorted, disjoint and merged whatever is done to them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.ranges import Ranges
from udpchat.wire.limits import SEQUENCE_MAX

SPAN = 40
Run = tuple[int, int]
Changes = list[tuple[bool, Run]]
runs = st.tuples(st.integers(0, SPAN), st.integers(0, 8)).map(lambda run: (run[0], run[0] + run[1]))
steps = st.lists(st.tuples(st.booleans(), runs), max_size=30)


def built(changes: Changes) -> tuple[Ranges, set[int]]:
    """Ranges and a set, changed alike: True adds a run, False takes it out."""
    ranges, model = Ranges(), set[int]()
    for is_added, (first, last) in changes:
        if is_added:
            ranges.add(first, last)
            model |= set(range(first, last + 1))
        else:
            ranges.remove(first, last)
            model -= set(range(first, last + 1))
    return ranges, model


def numbers(runs: list[Run]) -> list[int]:
    return [number for first, last in runs for number in range(first, last + 1)]


@given(changes=steps)
def test_they_hold_what_a_set_holds_in_as_few_runs_as_can_be(changes: Changes) -> None:
    ranges, model = built(changes)
    held = list(ranges)
    assert numbers(held) == sorted(model)
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(held))
    assert len(ranges) == len(held)
    assert bool(ranges) == bool(model)
    assert [number in ranges for number in range(SPAN + 10)] == [number in model for number in range(SPAN + 10)]
    if model:
        assert (ranges.first, ranges.last) == (min(model), max(model))


@given(changes=steps, run=runs)
def test_gaps_are_exactly_what_is_missing_of_a_run(changes: Changes, run: Run) -> None:
    ranges, model = built(changes)
    wanted = set(range(run[0], run[1] + 1))
    gaps = ranges.gaps(*run)
    assert numbers(gaps) == sorted(wanted - model)
    assert ranges.covers(*run) == (wanted <= model) == (not gaps)


@given(changes=steps)
def test_cleared_they_are_empty(changes: Changes) -> None:
    ranges, _ = built(changes)
    ranges.clear()
    assert not ranges and list(ranges) == [] and ranges.gaps(1, 3) == [(1, 3)]


def test_numbers_in_order_are_one_run() -> None:
    ranges = Ranges()
    for number in range(1, 10_001):
        ranges.add(number, number)
    assert list(ranges) == [(1, 10_000)]


def test_the_size_of_a_run_costs_nothing() -> None:
    ranges = Ranges()
    ranges.add(1, SEQUENCE_MAX)
    ranges.remove(2**40, 2**41)
    assert list(ranges) == [(1, 2**40 - 1), (2**41 + 1, SEQUENCE_MAX)]
    assert ranges.gaps(0, SEQUENCE_MAX) == [(0, 0), (2**40, 2**41)]


def test_nothing_is_missing_of_an_empty_run() -> None:
    assert Ranges().gaps(5, 4) == []
