"""Durations: what is one, and what is refused with a reason."""

from __future__ import annotations

import pytest

from udpchat.chat.durations import duration_word, parse_duration, seconds_of
from udpchat.chat.phrase import Problem
from udpchat.wire.limits import DURATION_S_MAX


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800), (" 2H ", 7_200)]
)
def test_a_duration_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "90", "h", "-3d", "1.5h", "2 h", "1h30m", "0s", "999999999w", "3651d", "1" * 5_000, "\u0663d", "for"]
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_duration(text)
    assert refused.value.code == "bad_duration"


@pytest.mark.parametrize("word", ["90s", "10m", "2h", "3d", "1w", "61s"])
def test_a_duration_is_written_as_it_is_read(word: str) -> None:
    assert duration_word(parse_duration(word)) == word


def test_the_longest_duration_is_that_of_the_limits() -> None:
    assert parse_duration(f"{DURATION_S_MAX // 86_400}d") == DURATION_S_MAX
