"""Suggestions for what was misspelt."""

from __future__ import annotations

import time

import pytest

from udpchat.shell.suggestions import nearest, unknown_option

COMMANDS = ("backup", "restore", "export", "check")
OPTIONS = ("--heartbeat", "--help", "-h", "--history")


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


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        (["--heartbeet", "5"], "--heartbeet"),
        (["--heartbeat", "5", "--histroy=3"], "--histroy"),
        (["-nick", "bob"], "-nick"),
        (["--heartbeat=5", "-h"], None),
        (["--history", "-1"], None),
        (["--history", "--is said"], None),
        (["--", "--heartbeet"], None),
        (["-"], None),
    ],
)
def test_an_option_that_does_not_exist_is_found(arguments: list[str], unknown: str | None) -> None:
    assert unknown_option(arguments, OPTIONS) == unknown
