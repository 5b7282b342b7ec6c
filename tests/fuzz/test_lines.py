"""Lines that run are noted once."""

from __future__ import annotations

import sys
from types import CodeType

import pytest

from tests.fuzz.lines import FRUITLESS_MAX, PACKAGE, SELDOM, LineCoverage
from udpchat.chat.text import counted
from udpchat.sync.ranges import Ranges


def names(found: list[tuple[CodeType, int]]) -> set[str]:
    return {code.co_name for code, _ in found}


def add_behind() -> None:
    ranges = Ranges()
    ranges.add(1, 2)
    ranges.add(5, 6)


def test_a_line_is_noted_the_first_time_it_runs_and_others_of_its_function_later() -> None:
    coverage = LineCoverage()
    with coverage.noting() as first:
        Ranges().add(1, 2)
    with coverage.noting() as again:
        Ranges().add(3, 4)
    with coverage.noting() as behind:
        add_behind()
    assert names(first) == {"__init__", "add"} and again == []
    assert names(behind) == {"add"} and not set(first) & set(behind)


def test_only_lines_of_udpchat_are_noted() -> None:
    with LineCoverage().noting() as found:
        counted(len(sorted(["b", "a"])), "letter")
    assert found and all(code.co_filename.startswith(PACKAGE) for code, _ in found)


def test_what_traced_before_traces_afterwards() -> None:
    before = sys.gettrace()
    with LineCoverage().noting():
        assert sys.gettrace() is not before
    assert sys.gettrace() is before


@pytest.mark.parametrize(("is_exact", "calls"), [(True, 1), (False, SELDOM)])
def test_a_function_that_showed_nothing_new_for_long_is_traced_now_and_then(is_exact: bool, calls: int) -> None:
    """And each time, where it must be exact."""
    coverage = LineCoverage(is_exact=is_exact)
    with coverage.noting():
        for _ in range(FRUITLESS_MAX + 1):
            Ranges().add(1, 2)
    noted = []
    for _ in range(calls):
        with coverage.noting() as found:
            add_behind()
        noted.append(bool(found))
    assert sum(noted) == 1 and (noted[0] or not is_exact)
