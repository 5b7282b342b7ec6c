"""A question on a terminal: what counts as an answer, and what happens where there is none."""

from __future__ import annotations

import asyncio

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.shell.choosing import UNCLEAR_MAX, Chooser, NobodyAnswers
from udpchat.ui.phrases import text_of

OPTIONS = tuple(Phrase("option.text", {"text": text}) for text in ("wait", "go on", "quit"))


class Keyboard:
    """Gives one line at a time, as a terminal does."""

    def __init__(self, *lines: str) -> None:
        self._lines = [f"{line}\n".encode() for line in lines]

    def read(self, size: int, /) -> bytes:
        return self._lines.pop(0) if self._lines else b""


def choose(*typed: str) -> tuple[int, list[str]]:
    reported: list[str] = []
    return asyncio.run(_choose(Chooser(Keyboard(*typed), lambda phrase: reported.append(text_of(phrase))))), reported


async def _choose(chooser: Chooser) -> int:
    return await chooser(Phrase("missing.question"), OPTIONS)


def test_the_question_is_shown_with_its_answers() -> None:
    chosen, reported = choose("2")
    assert chosen == 1
    assert reported == ["-- what now?", "--   1: wait (or just Enter)", "--   2: go on", "--   3: quit"]


@pytest.mark.parametrize(("typed", "index"), [("", 0), ("1", 0), (" 3 ", 2)])
def test_a_number_or_enter_answers(typed: str, index: int) -> None:
    assert choose(typed)[0] == index


def test_what_is_no_answer_is_asked_again() -> None:
    chosen, reported = choose("0", "4", "quit", "-1", "²", "00002", "3")
    assert chosen == 2 and reported[4:] == ["-- type a number from 1 to 3, or just Enter for 1"] * 6


def test_where_nobody_answers_the_question_ends() -> None:
    for typed in ((), ("x",) * (UNCLEAR_MAX + 1)):
        with pytest.raises(NobodyAnswers):
            choose(*typed)
