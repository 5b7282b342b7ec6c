from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.test_commands import NOW, asked, prompt_in
from udpchat.ui.paste import LINES_SENT_MAX, LINES_UNASKED_MAX, PasteAnswer, as_text, inputs, pasted
from udpchat.wire.requests import Say


def lines(count: int) -> str:
    return "\n".join(f"line {number}" for number in range(count))


def test_a_few_lines_are_inserted() -> None:
    paste = pasted("one\r\ntwo\rthree\n\n")
    assert (paste.text, paste.lines, paste.answers) == ("one\ntwo\nthree", 3, ())
    assert pasted(lines(LINES_UNASKED_MAX)).answers == ()


def test_a_paste_of_six_lines_asks_first() -> None:
    assert pasted(lines(6)).answers == (PasteAnswer.ONE_MESSAGE, PasteAnswer.LINE_BY_LINE, PasteAnswer.CANCEL)


def test_a_very_long_paste_cannot_be_sent_line_by_line() -> None:
    assert pasted(lines(LINES_SENT_MAX)).answers == tuple(PasteAnswer)
    assert pasted(lines(LINES_SENT_MAX + 1)).answers == (PasteAnswer.ONE_MESSAGE, PasteAnswer.CANCEL)


def test_each_answer_has_its_inputs() -> None:
    paste = pasted("a\nb\n\n  \n /c\n//d\n/quit")
    assert inputs(paste, PasteAnswer.ONE_MESSAGE) == ["a\nb\n\n  \n /c\n//d\n/quit"]
    assert inputs(paste, PasteAnswer.LINE_BY_LINE) == ["a", "b", " //c", "///d", "//quit"]
    assert inputs(paste, PasteAnswer.CANCEL) == []


def test_a_pasted_quit_is_text() -> None:
    assert pasted("/quit").text == pasted("/quit\n", before="  ").text == "//quit"
    assert pasted("/quit", before="type ").text == "/quit"


@pytest.mark.parametrize("text", ["/quit", " /quit", "//x", "/", "/me x\n/quit", "plain", "\t/msg bob x", "/\n\n/"])
def test_what_is_pasted_is_sent_as_it_is(text: str) -> None:
    prompt = prompt_in("lobby")
    assert prompt.enter(NOW, as_text(text)) == []
    assert asked(prompt) == [Say("lobby", 0, text)]
    assert not prompt.wants_quit


@given(st.text("/ \n\tab"))
def test_no_input_made_of_a_paste_is_a_command(text: str) -> None:
    paste = pasted(text)
    for made in [paste.text] if not paste.answers else [*inputs(paste, PasteAnswer.LINE_BY_LINE), as_text(paste.text)]:
        word = made.lstrip()
        assert not word.startswith("/") or word.startswith("//")
