"""Suggestions for what was misspelt."""

from __future__ import annotations

import time

import pytest

from udpchat.chat.nearest import nearest

COMMANDS = ("backup", "restore", "export", "check")


@pytest.mark.parametrize(
    ("word", "meant"), [("bakcup", "backup"), ("exprot", "export"), ("chekc", "check"), ("restor", "restore")]
)
def test_a_misspelt_word_is_recognised(word: str, meant: str) -> None:
    assert nearest(word, COMMANDS) == meant


@pytest.mark.parametrize("word", ["", "x", "sing", "\x1b[2J"])
def test_for_what_is_like_nothing_there_is_no_suggestion(word: str) -> None:
    assert nearest(word, COMMANDS) == ""


def test_a_word_of_any_length_is_compared_at_once() -> None:
    began = time.monotonic()
    assert nearest("backup" * 100_000, COMMANDS) == ""
    assert time.monotonic() - began < 1
