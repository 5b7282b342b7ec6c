from __future__ import annotations

import pytest

from tests.client.runs import run_of
from udpchat.client.probe_runs import Run


def test_a_run_without_an_answer_says_nothing_but_that_all_were_lost() -> None:
    run = Run({0: 1.0, 1: 2.0})
    assert (run.lost, run.arrived, run.answered, run.overtaken_there, run.overtaken_back) == (2, 0, 0, 0, 0)
    assert run.round_trip_s is None and run.clock_s is None


def test_what_the_server_has_counted_tells_loss_there_from_loss_back() -> None:
    run = run_of(10, [(0, 1), (3, 4), (9, 8)])  # of the ten, eight arrived there, and three answers here
    assert (run.arrived, run.answered, run.lost) == (8, 3, 7)


def test_a_server_that_claims_more_than_was_sent_is_not_believed() -> None:
    assert run_of(10, [(0, 500)]).arrived == 10
    assert run_of(10, [(0, 0), (1, 0)]).arrived == 2, "it keeps no count"


@pytest.mark.parametrize(
    ("heard", "there", "back"),
    [
        ([(0, 1), (1, 2), (2, 3)], 0, 0),
        ([(1, 1), (0, 2), (2, 3)], 1, 0),
        ([(1, 2), (0, 1), (2, 3)], 0, 1),
        ([(2, 1), (0, 2), (1, 3)], 2, 0),
        ([(0, 1), (0, 1), (1, 2)], 0, 0),
        ([(0, 0), (2, 0), (1, 0)], 0, 0),
    ],
)
def test_the_count_tells_what_was_overtaken_there_from_what_was_overtaken_back(
    heard: list[tuple[int, int]], there: int, back: int
) -> None:
    run = run_of(3, heard)
    assert (run.overtaken_there, run.overtaken_back) == (there, back)


def test_the_clock_is_that_of_the_fastest_answer() -> None:
    run = run_of(3, [(0, 1), (1, 2), (2, 3)], round_trips_s=[1.0, 0.2, 0.6], ahead_s=90.0)
    assert run.clock_s == pytest.approx(90.0, abs=0.001)
    assert run.round_trip_s == pytest.approx(0.6)
