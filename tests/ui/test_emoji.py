from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.chat.emoji_text import is_emoji
from udpchat.chat.text import printable
from udpchat.ui.emoji import NAME_CHARACTERS_MAX, SHORTCODES, emoji_of, expand, matching


@pytest.mark.parametrize("name", SHORTCODES)
def test_each_shortcode_of_the_table_is_written_as_one_and_means_one_safe_emoji(name: str) -> None:
    assert len(name) <= NAME_CHARACTERS_MAX
    assert expand(f":{name}:") == SHORTCODES[name] == printable(SHORTCODES[name])
    assert is_emoji(SHORTCODES[name])


def test_the_table_has_the_popular_ones() -> None:
    assert 300 <= len(SHORTCODES) <= 450


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi :smile:", "hi 😄"),
        (":smile::heart: :+1:!", "😄❤️ 👍!"),
        (":Thumbs_Up_Sign: (:RED_APPLE:)", "👍 (🍎)"),
        ("*:tada:*", "*🎉*"),
        ("::smile:", ":😄"),
        ("`:smile:` :smile:", "`:smile:` 😄"),
        ("```\n:smile:\n```\n:smile:", "```\n:smile:\n```\n😄"),
        ("http://a/:smile:/ :smile:", "http://a/:smile:/ 😄"),
    ],
)
def test_a_shortcode_becomes_its_emoji_except_in_code_and_links(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    "text",
    ["10:30:45", "10:100:45", "a:smile:b", ":no_such_thing:", ":space:", ":latin_small_letter_a:", ": smile:", ":smile",
     "C:\\x:\\", ":null:", ":bell", "::", "", ":right-to-left_override:", ":zero_width_joiner:"],
)  # fmt: skip
def test_nothing_else_is_touched(text: str) -> None:
    assert expand(text) == text


def test_names_that_begin_alike_are_offered_the_popular_ones_first() -> None:
    assert matching("smil", 2) == ["smile", "smiley"]
    assert matching("SMILE", 9) == ["smile", "smiley", "smiley_cat"]
    assert matching("no such", 9) == []
    assert len(matching("", 7)) == 7


def test_a_name_without_an_emoji_has_none() -> None:
    assert emoji_of("comma") == ""


@given(st.text())
def test_what_is_expanded_stays_so(text: str) -> None:
    assert expand(expand(text)) == expand(text)
