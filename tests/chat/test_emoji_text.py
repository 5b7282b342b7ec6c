from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.chat.emoji_text import EMOJI_BYTES_MAX, is_emoji
from udpchat.chat.text import printable


@pytest.mark.parametrize(
    "text",
    [
        "😄", "👍", "👍🏽", "❤", "❤️", "🇩🇪", "1️⃣", "#⃣", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍💻", "☕", "©️", "➕", "⬆️", "‼️", "🫠",
        "👩🏻‍❤️‍💋‍👨🏿", "\U0001faff",
    ],
)  # fmt: skip
def test_one_emoji_is_one_with_its_skin_tone_and_all_that_is_joined_to_it(text: str) -> None:
    assert is_emoji(text)
    assert printable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a", "1", "+1", ":smile:", "😄😄", "😄 ", " 😄", "😄\n", "🇩", "🇩🇪🇫",
        "👍\u200d", "\u200d👍", "\ufe0f", "😄a", "😄\x1b",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f", "日", "—", "\u202e", "\ud83d",
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert not is_emoji(text)


def test_an_emoji_has_a_bound() -> None:
    family = "\u200d".join("👨" * 6)
    assert is_emoji(family)
    assert not is_emoji("\u200d".join("👨" * 60))


@given(st.text())
def test_an_emoji_is_short_and_one_line(text: str) -> None:
    if is_emoji(text):
        assert len(text.encode()) <= EMOJI_BYTES_MAX
        assert len(text.splitlines()) == 1
