from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.ui.fuzzy import Entry, ranked

NAMES = ("lobby", "dev", "board-games", "big-data", "global", "@gabe", "devOps", "ÄRGER")


def names(query: str, *entries: Entry | str) -> list[str]:
    listed = [Entry(each) if isinstance(each, str) else each for each in entries or NAMES]
    return [entry.name for entry in ranked(query, listed)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("dev", ["dev", "devOps"]),
        ("#dev", ["dev", "devOps"]),
        ("DO", ["devOps"]),
        ("bg", ["board-games", "big-data"]),
        ("bogam", ["board-games"]),
        ("bd", ["big-data", "board-games"]),
        ("ga", ["@gabe", "board-games", "global", "big-data"]),
        ("ob", ["lobby", "global"]),
        ("är", ["ÄRGER"]),
        ("vd", []),
        ("xyz", []),
    ],
)
def test_beginnings_of_words_come_before_other_places(query: str, expected: list[str]) -> None:
    assert names(query) == expected


def test_without_letters_all_are_listed_the_unread_ones_first() -> None:
    entries = [Entry("a"), Entry("b", unread=1), Entry("c"), Entry("d", unread=9, mentions=1)]
    assert names("", *entries) == names(" #", *entries) == ["d", "b", "a", "c"]


def test_mentions_and_unread_messages_decide_between_equals_only() -> None:
    entries = [Entry("dev"), Entry("desk", unread=3), Entry("made", unread=9, mentions=9), Entry("decor", mentions=1)]
    assert names("de", *entries) == ["decor", "desk", "dev", "made"]


def test_between_equals_the_earlier_match_comes_first() -> None:
    assert names("de", "my-dev", "a-dev", "dev", "b-dev") == ["dev", "a-dev", "b-dev", "my-dev"]


@given(st.text("abAB-#@ é", max_size=8), st.lists(st.text("abAB-#@é", max_size=12)))
def test_exactly_the_names_that_hold_the_letters_in_order_are_found(query: str, listed: list[str]) -> None:
    wanted = "".join(query.lstrip("#@ ").split()).lower()
    expected = [name for name in listed if holds(name.lower(), wanted)]
    assert sorted(names(query, *listed)) == sorted(expected) if listed else True


def holds(name: str, letters: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)
