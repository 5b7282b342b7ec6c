"""Which rows are on the screen, and that nothing moves them but the user."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.tui.messages import WIDE, item
from udpchat.client.model import Item
from udpchat.ui.tui import viewport as viewport_module
from udpchat.ui.tui.rows import message_rows
from udpchat.ui.tui.viewport import ROWS_CACHED_MAX, Anchor, Viewport
from udpchat.ui.tui.window import HELD_ITEMS_MAX, PageWanted, Window

LONG = "word " * 30  # three rows of a screen with 80 cells


def messages(count: int, text: str = "hi") -> list[Item]:
    return [item(text, sequence=sequence, nick=f"n{sequence}") for sequence in range(1, count + 1)]


def viewport(count: int, height: int = 10, text: str = "hi") -> Viewport:
    window = Window()
    window.update(messages(count, text), ())
    return Viewport(window, WIDE, height)


def add(to: Viewport, count: int, text: str = "hi") -> None:
    """So many messages in all, now."""
    to.window.update(messages(count, text), ())
    to.settle()


def seen(of: Viewport) -> list[int]:
    """The messages on the screen, once for each of their rows."""
    entries = [of.window.entries[index] for index, _ in of.visible()]
    return [entry.sequence for entry in entries if isinstance(entry, Item)]


def test_the_latest_messages_are_shown_and_new_ones_come_in() -> None:
    port = viewport(30)
    assert seen(port) == list(range(21, 31)) and port.is_at_end and port.below() == 0
    add(port, 32)
    assert seen(port) == list(range(23, 33))


def test_a_scrolled_view_is_not_moved_by_new_messages_and_counts_them() -> None:
    port = viewport(30)
    port.move(-5)
    assert seen(port) == list(range(16, 26)) and port.below() == 6  # and the row that says so
    add(port, 40)
    assert seen(port) == list(range(16, 26)) and port.below() == 16


def test_scrolling_down_to_the_end_sticks_to_it() -> None:
    port = viewport(30)
    port.move(-5)
    port.move(4)
    assert not port.is_at_end
    port.move(1)
    assert port.is_at_end and port.below() == 0
    port.move(99)
    add(port, 31)
    assert seen(port)[-1] == 31


def test_scrolling_goes_by_rows_and_stops_at_the_top() -> None:
    port = viewport(30, text=LONG)
    port.move(-1)
    assert seen(port)[:3] == [27, 27, 28]
    port.move(-999)
    assert port.top() == (0, 0) and not port.is_at_end


def test_few_messages_fill_no_screen() -> None:
    port = viewport(3)
    assert seen(port) == [1, 1, 2, 3]  # with the day above the first
    port.move(-1)
    assert port.is_at_end
    empty = Viewport(Window(), WIDE, 10)
    empty.move(-1)
    assert empty.visible() == [] and empty.top() is None and empty.below() == 0


def test_another_width_keeps_the_message_at_the_top_there_and_back() -> None:
    port = viewport(90, 50, LONG)
    port.move(-50)
    before = port.visible()
    entry, row = before[0]
    port.resize(replace(WIDE, width=40), 10)
    assert port.visible()[0][0] == entry
    marks = [one.mark for one in port.rows(entry)]
    assert port.row(port.visible()[0]).mark == max(mark for mark in marks if mark <= _mark(entry, row, port))
    port.resize(replace(WIDE, width=10), 3)
    port.resize(WIDE, 50)
    assert port.visible() == before


def _mark(entry: int, row: int, port: Viewport) -> int:
    wide = Viewport(port.window, WIDE, 50)
    return wide.rows(entry)[row].mark


def test_a_screen_that_grows_beyond_the_end_is_filled_and_shrinks_back() -> None:
    port = viewport(30)
    port.move(-5)
    port.resize(WIDE, 28)
    assert seen(port)[-1] == 30 and len(port.visible()) == 28
    port.resize(WIDE, 10)
    assert seen(port)[0] == 16


def test_a_page_above_does_not_move_the_view() -> None:
    window = Window()
    window.update(messages(200)[100:], ())
    port = Viewport(window, WIDE, 10)
    port.move(-95)
    before = seen(port)
    wanted = window.want_above()
    assert wanted is not None and window.receive(1, wanted.before, messages(100))
    port.settle()
    assert seen(port) == before


def test_a_page_above_a_short_conversation_fills_the_screen() -> None:
    window = Window()
    window.update(messages(200)[197:], ())
    port = Viewport(window, WIDE, 10)
    port.move(-1)
    wanted = window.want_above()
    assert wanted is not None and window.receive(98, wanted.before, messages(197)[97:])
    port.settle()
    assert seen(port) == list(range(191, 201))
    port.move(5)
    assert port.is_at_end and seen(port) == list(range(191, 201))


def test_a_page_is_wanted_where_the_view_gets_near_the_end_of_what_is_held() -> None:
    window = Window()
    window.update(messages(300)[200:], ())
    port = Viewport(window, WIDE, 10)
    assert port.wanted() is None
    port.move(-50)
    assert port.wanted() is None
    port.move(-35)
    assert port.wanted() == PageWanted(201) and port.wanted() is None


def test_a_jump_puts_a_message_at_the_top() -> None:
    port = viewport(90)
    port.jump(Anchor((40, 0)))
    assert seen(port)[0] == 40
    port.jump(Anchor((88, 0)))
    assert seen(port) == list(range(81, 91))
    port.jump_to_end()
    assert port.is_at_end


def test_the_message_at_the_top_may_be_gone() -> None:
    port = viewport(90)
    port.jump(Anchor((40, 0)))
    port.window.update([one for one in messages(90) if one.sequence != 40], ())
    assert seen(port)[0] == 41


def test_a_message_is_brought_into_view_by_the_shortest_way() -> None:
    port = viewport(90, text=LONG)
    port.jump(Anchor((40, 0)))
    for sequence, shown in ((42, 40), (41, 40), (30, 30), (45, 43), (90, 87)):
        port.reveal(sequence - 1)
        assert sequence in seen(port) and seen(port)[0] == shown, sequence
    assert port.is_at_end
    high = viewport(9, text=LONG * 9)
    high.reveal(4)
    assert high.top() == (4, 0)


def test_only_what_is_near_the_view_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[int] = []

    def counted(message: Item, *rest: object) -> object:
        laid_out.append(message.sequence)
        return message_rows(message, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(viewport_module, "message_rows", counted)
    port = viewport(1_000)
    port.jump(Anchor((500, 0)))
    port.visible()
    assert len(laid_out) <= 2 * 10 + 2
    laid_out.clear()
    port.move(1)
    port.visible()
    assert len(laid_out) <= 1
    port.resize(replace(WIDE, width=40), 10)
    port.visible()
    assert len(laid_out) <= 2 * 10 + 4


def test_the_rows_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(
        viewport_module, "message_rows", lambda one, *rest: (made.append(one.sequence), message_rows(one, *rest))[1]
    )
    port = viewport(500, text="x\n" * (ROWS_CACHED_MAX // 100))
    for index in range(300):
        port.rows(index)
    made.clear()
    port.rows(299)
    assert made == []
    port.rows(0)
    assert made == [1]


# --- Any walk ----------

LOG = 3_000  # messages before the walk


class Walker:
    """A view of a log that grows while the user goes where they like; pages come late, or not at all."""

    def __init__(self) -> None:
        self.log = [
            item("hi " * (sequence % 40), sequence=sequence, nick=f"n{sequence % 5}") for sequence in range(1, LOG)
        ]
        self.port = Viewport(Window(), WIDE, 10)
        self.waiting: list[PageWanted] = []
        self.renew()

    def renew(self) -> None:
        self.port.window.update(self.log[-50:], ())
        self.port.settle()

    def step(self, kind: str, number: int) -> None:
        port, window = self.port, self.port.window
        if kind == "add":
            self.log += [item("new", sequence=len(self.log) + 1 + at) for at in range(number % 70)]
            self.renew()
        elif kind == "move":
            port.move(number - 100)
        elif kind == "far":
            port.move((number - 100) * 30)
        elif kind == "jump":
            sequence = number * 14 + 1
            wanted = None if window.holds(sequence) else window.want_jump(sequence)
            port.jump(Anchor((sequence, 0)))
            self.waiting += [wanted] if wanted else []
        elif kind == "end":
            port.jump_to_end()
        elif kind == "size":
            port.resize(replace(WIDE, width=5 + number), 1 + number % 30)
        elif kind in ("page", "none") and self.waiting:
            before = self.waiting.pop(0).before
            first = before if kind == "none" else max(before - 100 + number % 3 * 40, 1)
            window.receive(first, before, self.log[first - 1 : before - 1])
            port.settle()
        wanted = port.wanted()
        self.waiting += [wanted] if wanted else []


STEPS = st.lists(
    st.tuples(st.sampled_from("add move far jump end size page page page none".split()), st.integers(0, 200)),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_whatever_happens_the_view_is_whole_and_only_the_user_moves_it(steps: list[tuple[str, int]]) -> None:
    walker = Walker()
    port, window = walker.port, walker.port.window
    for kind, number in steps:
        before = port.row(port.visible()[0]), window.keys[port.visible()[0][0]]
        was_fixed, height = not port.is_at_end, len(port.visible())
        walker.step(kind, number)
        held = [entry.sequence for entry in window.entries if isinstance(entry, Item)]
        assert held == list(range(held[0], held[-1] + 1)), "no hole and no double"
        assert window.is_attached == (held[-1] == len(walker.log))
        assert len(held) <= HELD_ITEMS_MAX + 50
        visible = port.visible()
        rows = [
            (index, row) for index in range(visible[0][0], visible[-1][0] + 1) for row in range(len(port.rows(index)))
        ]
        assert visible == rows[rows.index(visible[0]) :][: len(visible)] and len(visible) <= port.height
        assert len(visible) == port.height or window.is_attached or kind == "jump"
        if kind == "add" and was_fixed and before[1] in window.keys and len(visible) == height:
            assert window.keys[visible[0][0]] == before[1] and port.row(visible[0]).mark == before[0].mark
    for _ in range(200):
        if port.is_at_end:
            break
        port.move(50_000)
        while (wanted := port.wanted()) is not None or walker.waiting:
            walker.waiting += [wanted] if wanted else []
            walker.step("page", 0)
    assert port.is_at_end or port.height > len(port.visible())
