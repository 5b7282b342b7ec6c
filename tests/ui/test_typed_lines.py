"""Which lines go back to who typed them."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.ui.typed_lines import KEPT_MAX, TypedLines


def given_back(*texts: str, refused: list[int | None]) -> list[tuple[str, str]]:
    """What comes back of these lines, when those of these numbers are refused."""
    back: list[tuple[str, str]] = []
    typed = TypedLines(lambda conversation, text: back.append((conversation, text)))
    numbers = [typed.add(f"room {len(text)}", text) for text in texts]
    assert numbers == list(range(1, len(texts) + 1))
    typed.note([events.error("muted.text", line=line, text="no") for line in refused])
    return back


def test_a_refused_line_goes_back_to_where_it_was_typed_once() -> None:
    assert given_back("one", "three", refused=[None, 2, 7, 2]) == [("room 5", "three")]


def test_what_may_hold_a_password_is_not_given_back() -> None:
    assert given_back("/password hunter2", refused=[1]) == []


def test_only_the_latest_lines_are_kept() -> None:
    assert given_back(*["x"] * (KEPT_MAX + 1), refused=[1, 2]) == [("room 1", "x")]


def test_lines_of_a_program_are_counted_and_not_given_back() -> None:
    typed = TypedLines()
    assert [typed.add("lobby", text) for text in "ab"] == [1, 2] and typed.count == 2
    typed.note([events.error("muted.text", line=1, text="no")])
