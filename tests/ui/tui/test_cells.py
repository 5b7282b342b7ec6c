"""Text as cells: safe, cut and wrapped, whatever a peer has chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from udpchat.chat.text import printable
from udpchat.ui.tui.cells import ELLIPSIS, Stretch, chop, cut, safe, wrap, wrap_verbatim

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
HOSTILE = st.text(st.sampled_from("ab  \u0301\u200d\ufe0f👩👍☺漢\u200c\x1b\n\t\u202e[]"), max_size=60)


def parts(text: str, first_cells: int, rest_cells: int | None = None) -> list[str]:
    return [text[row.start : row.end] for row in wrap(text, first_cells, rest_cells or first_cells)]


def test_what_fits_is_one_row() -> None:
    assert wrap("one two", 7, 5) == [Stretch(0, 7)]
    assert wrap("", 7, 5) == [Stretch(0, 0)]


def test_a_line_is_broken_between_words_and_the_blanks_at_the_break_are_left_out() -> None:
    assert parts("one two  three", 8) == ["one two", "three"]
    assert wrap("one two  three", 8, 8)[1].joint == "  "


def test_blanks_at_the_beginning_stay_and_those_at_the_end_do_not() -> None:
    assert parts("  one two  ", 6) == ["  one", "two"]


def test_the_rows_below_the_first_have_their_own_width() -> None:
    assert parts("aa bb cc dd", 5, 8) == ["aa bb", "cc dd"]


def test_a_word_that_fits_into_no_row_is_cut_and_begins_a_row_of_its_own() -> None:
    assert parts("see abcdefgh ij", 5) == ["see", "abcde", "fgh", "ij"]


def test_a_wide_character_is_not_cut_into_halves() -> None:
    assert parts("漢字漢字", 5) == ["漢字", "漢字"]


def test_an_emoji_of_several_characters_stays_whole() -> None:
    assert parts(f"{FAMILY}{FAMILY}", 3) == [FAMILY, FAMILY]
    assert parts("e\u0301" * 4, 2) == ["e\u0301" * 2] * 2


def test_code_fills_each_row_and_keeps_all_blanks() -> None:
    assert [row.end for row in wrap_verbatim("if  x:  y", 4, 4)] == [4, 8, 9]


def test_a_joiner_stays_in_an_emoji_and_nowhere_else() -> None:
    assert safe(FAMILY) == FAMILY
    assert safe("a\u200db \u200d👧") == "ab 👧"


def test_no_more_is_joined_than_a_family() -> None:
    """A terminal that does not know a sequence draws each of its parts: one of a thousand would fill the screen."""
    assert safe("\u200d".join("👩" * 9)).count("\u200d") == 6
    assert cell_len(safe("\u200d".join("👩" * 9))) == 6


@pytest.mark.parametrize(
    ("text", "cells", "kept"),
    [
        ("alice", 5, "alice"),
        ("alice", 4, f"ali{ELLIPSIS}"),
        ("漢字", 3, f"漢{ELLIPSIS}"),
        ("漢字", 2, ELLIPSIS),
        ("a", 0, ""),
    ],
)
def test_what_is_too_long_ends_in_an_ellipsis(text: str, cells: int, kept: str) -> None:
    assert cut(text, cells) == kept


@given(HOSTILE, st.integers(2, 20), st.integers(2, 20))
def test_nothing_is_lost_and_nothing_is_too_wide(text: str, first_cells: int, rest_cells: int) -> None:
    text = safe(text).rstrip(" ")
    for way in (wrap, wrap_verbatim):
        rows = way(text, first_cells, rest_cells)
        assert "".join(row.joint + text[row.start : row.end] for row in rows) == text
        for number, row in enumerate(rows):
            assert cell_len(text[row.start : row.end]) <= (first_cells if number == 0 else rest_cells)


@given(HOSTILE, st.integers(0, 20))
def test_what_was_cut_fits(text: str, cells: int) -> None:
    assert cell_len(cut(safe(text), cells)) <= cells
    assert "".join(chop(safe(text), max(cells, 2), 5)) == safe(text)


@given(HOSTILE)
def test_what_is_safe_is_printable_and_stays_so(text: str) -> None:
    assert safe(safe(text)) == safe(text)
    assert printable(safe(text)) == safe(text)
