"""Text that is selected with the mouse: places that stay, highlights, and what is copied."""

from __future__ import annotations

from dataclasses import replace

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from tests.ui.tui.messages import WIDE, item
from udpchat.client.model import Quote
from udpchat.ui.tui.selecting import copied, entry_selection, highlighted, line_of
from udpchat.ui.tui.viewport import Viewport
from udpchat.ui.tui.window import Window

RED = Style(color="red")
HEAD = len("12:00      bob ")


def viewport(*texts: str, width: int = 40) -> Viewport:
    window = Window()
    window.update([item(text, sequence=2 + number) for number, text in enumerate(texts)], ())
    return Viewport(window, replace(WIDE, width=width), 10)


def test_lines_grow_from_row_to_row_and_stay_when_others_come() -> None:
    port = viewport("one", "word " * 30)
    lines = [line_of(port, at) for at in port.visible()]
    assert lines == sorted(set(lines))
    one = line_of(port, (0, 0))
    wanted = port.window.want_above()
    assert wanted is not None and port.window.receive(1, 2, [item("zero", sequence=1)])
    assert line_of(port, (1, 0)) == one


def test_a_message_that_was_wrapped_is_copied_whole() -> None:
    text = "one two three four five six seven eight\nnine"
    port = viewport(text)
    assert copied(port, entry_selection(port, 0)) == f"12:00      bob {text}"


def test_parts_of_the_first_and_the_last_row_are_copied() -> None:
    port = viewport("one two", "three four")
    first, last = line_of(port, (0, 0)), line_of(port, (1, 0))
    assert copied(port, Selection(Offset(HEAD + 4, first), Offset(HEAD + 5, last))) == "two\nthree"
    assert copied(port, Selection(Offset(HEAD, first), Offset(HEAD + 3, first))) == "one"
    assert copied(port, Selection(Offset(HEAD + 4, first), None)) == "two\nthree four"
    assert copied(port, Selection(None, Offset(HEAD + 3, first))) == "12:00      bob one"


def test_all_is_all_that_is_held() -> None:
    port = viewport("one", "two")
    assert copied(port, SELECT_ALL) == "12:00      bob one\ntwo"
    assert copied(Viewport(Window(), WIDE, 3), SELECT_ALL) == ""


def test_a_quote_is_copied_without_its_indent() -> None:
    window = Window()
    window.update([item("yes", sequence=2, reply=Quote("1", "carol", "what?"))], ())
    assert copied(Viewport(window, WIDE, 5), SELECT_ALL) == "> carol: what?\n12:00          bob yes"


def test_characters_are_highlighted_across_segments() -> None:
    segments = [Segment("ab", Style(bold=True)), Segment("cd")]
    assert highlighted(segments, (1, 3), RED) == [
        Segment("a", Style(bold=True)), Segment("b", Style(bold=True) + RED), Segment("c", RED), Segment("d"),
    ]  # fmt: skip
    assert highlighted(segments, (3, -1), RED)[-1] == Segment("d", RED)
    assert highlighted(segments, (9, 12), RED) == segments
