"""The colours of nicks are readable on every background, and the same in every run."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.ui.tui.palette import CONTRAST_MIN, HUES, contrast, nick_colours, number_of


@pytest.mark.parametrize("background", [(0, 0, 0), (18, 18, 18), (40, 42, 54), (224, 224, 224), (255, 255, 255)])
def test_each_colour_is_readable_on_it_and_no_two_are_alike(background: tuple[int, int, int]) -> None:
    colours = nick_colours(background)
    assert len(set(colours)) == HUES
    assert all(contrast(colour, background) >= CONTRAST_MIN for colour in colours)
    assert all(sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 20 for one, other in combinations(colours, 2))


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_on_any_background_black_or_white_is_the_least_that_one_gets(background: tuple[int, int, int]) -> None:
    best = max(contrast((0, 0, 0), background), contrast((255, 255, 255), background))
    assert all(contrast(colour, background) >= min(CONTRAST_MIN, best - 0.5) for colour in nick_colours(background))


def test_black_on_white_is_the_most() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_a_nick_has_one_number_in_all_its_spellings_and_in_every_run() -> None:
    assert number_of("Alice") == number_of("alice") == 663_665_735 != number_of("bob")
