"""What was typed and what was pasted, from what a terminal sends."""

from __future__ import annotations

import pytest

from udpchat.shell.bracketed_paste import BUSY_S_MAX, END, START, UNENDED_S_MAX, PasteDivider, PastePart

LOG = "\x1b[31mERROR\x1b[0m build failed\r/quit\rmore\x00\x03\x1b\tlog"


def parts_of(*reads: str) -> list[PastePart]:
    """The parts of what was read without a pause, and then one; typed text that goes on is one part."""
    divider = PasteDivider()
    parts = [part for read in reads for part in divider.feed(read, 0.0)] + divider.pause(0.0)
    joined: list[PastePart] = []
    for part in parts:
        if joined and not (part.is_pasted or joined[-1].is_pasted):
            joined[-1] = PastePart(joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined


def pasted(text: str) -> PastePart:
    return PastePart(text, is_pasted=True)


@pytest.mark.parametrize("typed", ["a", "\x1b", "\x1b[A", "\x1b\r", "x\x1b[20", "\x1b\x1b[", END, "\x1b[200;5u"])
def test_what_is_typed_is_given_as_it_is(typed: str) -> None:
    assert parts_of(typed) == parts_of(*typed) == [PastePart(typed)]


def test_a_key_waits_for_nothing_and_an_escape_only_for_a_pause() -> None:
    divider = PasteDivider()
    assert divider.feed("a\x1b[A", 0.0) == [PastePart("a\x1b[A")]
    assert divider.feed("\x1b", 0.0) == []
    assert divider.pause(0.1) == [PastePart("\x1b")]
    assert divider.pause(0.2) == []
    assert divider.feed("b", 0.3) == [PastePart("b")]


def test_a_paste_is_one_text_with_all_its_control_characters() -> None:
    assert parts_of(f"a{START}{LOG}{END}\r") == [PastePart("a"), pasted(LOG), PastePart("\r")]
    assert parts_of(START + END) == [pasted("")]


@pytest.mark.parametrize("at", range(len(f"a{START}{LOG}{END}\r")))
def test_a_paste_may_be_split_anywhere(at: int) -> None:
    sent = f"a{START}{LOG}{END}\r"
    assert parts_of(sent[:at], sent[at:]) == parts_of(*sent) == [PastePart("a"), pasted(LOG), PastePart("\r")]


@pytest.mark.parametrize("at", range(1, len(START)))
def test_a_start_mark_with_a_pause_in_it_begins_a_paste_too(at: int) -> None:
    divider = PasteDivider()
    assert divider.feed(START[:at], 0.0) == []
    assert divider.pause(1.0) == [PastePart(START[:at])]
    assert divider.feed(f"{START[at:]}/quit\r{END}", 1.0) == []
    assert divider.pause(2.0) == [pasted("/quit\r")]


def test_an_end_mark_in_the_text_does_not_end_the_paste() -> None:
    hostile = f"a{END}\r/quit\rb"
    assert parts_of(START + hostile + END) == [pasted(hostile)]
    assert parts_of(*(START + hostile + END)) == [pasted(hostile)]
    hostile = f"a{END}\r/quit\r{START}b"
    assert parts_of(START + hostile + END) == [pasted(hostile)]


def test_a_pause_in_the_text_does_not_end_the_paste() -> None:
    divider = PasteDivider()
    assert divider.feed(START + "a", 0.0) == divider.pause(UNENDED_S_MAX / 2) == []
    assert divider.feed("\rb" + END, UNENDED_S_MAX) == []
    assert divider.pause(UNENDED_S_MAX) == [pasted("a\rb")]


def test_two_pastes_at_once_are_two() -> None:
    assert parts_of(START + "a" + END + START + "b" + END) == [pasted("a"), pasted("b")]


def test_a_paste_that_begins_before_the_pause_after_another_goes_on() -> None:
    divider = PasteDivider()
    assert divider.feed(f"{START}a{END}{START}b\r", 0.0) == []
    assert divider.pause(1.0) == [pasted("a")]
    assert divider.feed(f"c{END}", 1.0) == []
    assert divider.pause(2.0) == [pasted("b\rc")]


def test_an_end_mark_that_never_comes_is_not_awaited_for_long() -> None:
    divider = PasteDivider()
    assert divider.feed(START + "a\r", 0.0) == []
    assert divider.feed("b\r", 1.0) == []
    assert divider.pause(UNENDED_S_MAX) == []
    assert divider.pause(UNENDED_S_MAX + 1.0) == [pasted("a\rb\r")]
    assert divider.feed("c\r", UNENDED_S_MAX + 2.0) == [PastePart("c\r")]


def test_a_terminal_that_reports_without_a_pause_does_not_keep_the_paste_back() -> None:
    divider = PasteDivider()
    assert divider.feed(START + "a" + END, 0.0) == []
    assert divider.feed("\x1b[<35;1;1M", BUSY_S_MAX / 2) == []
    assert divider.feed("\x1b[<35;2;1M", BUSY_S_MAX) == [pasted("a"), PastePart("\x1b[<35;1;1M\x1b[<35;2;1M")]
