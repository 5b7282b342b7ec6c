"""The message list in a terminal: scrolling, paging, resizing, selecting, and what reaches the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseMove, MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from tests.ui.tui.messages import NOON_MS, item
from udpchat.chat import events
from udpchat.client.model import Item, Quote, Reaction
from udpchat.ui.tui.local_lines import LINES_MAX, LocalLine, LocalLines
from udpchat.ui.tui.message_list import MessageList
from udpchat.ui.tui.palette import ANSI, CONTRAST_MIN, contrast
from udpchat.ui.tui.viewport import PLACES_MAX

LATEST = 50  # that the model holds
URL = f"https://example.org/{'x' * 80}"


class Log:
    """A conversation of which the list gets the latest messages, and pages when `answer` is called or at once."""

    def __init__(self, count: int, *, is_prompt: bool = True, name: str = "lobby") -> None:
        self.name = name
        self.messages = [
            item(f"message {sequence}", sequence=sequence, nick=f"n{sequence % 7}", minutes=sequence)
            for sequence in range(1, count + 1)
        ]
        self.is_prompt = is_prompt
        self.asked: list[int] = []
        self.lines = LocalLines()
        self.shown: MessageList

    def latest(self) -> Sequence[Item]:
        return self.messages[-LATEST:]

    def local_lines(self) -> Sequence[LocalLine]:
        return self.lines.of("lobby")

    def want_page(self, before: int, count: int) -> None:
        self.asked.append(before)
        if self.is_prompt:
            self.answer(before, count)

    def answer(self, before: int, count: int = 100) -> None:
        first = max(before - count, 1)
        self.shown.receive_page(first, before, self.messages[first - 1 : before - 1])

    def say(self, count: int = 1) -> None:
        """So many more messages."""
        for _ in range(count):
            sequence = len(self.messages) + 1
            self.messages.append(item(f"message {sequence}", sequence=sequence, nick="zoe", minutes=sequence))
        self.shown.renew()

    def happened(self, event: events.ClientEvent) -> None:
        self.lines.add("lobby", event, after=self.messages[-1].sequence, time_ms=NOON_MS)
        self.shown.renew()


class ListApp(App[None]):
    """A screen with the list alone."""

    def __init__(self, log: Log, unread_after: int | None) -> None:
        super().__init__()
        self.log_shown = log
        self.unread_after = unread_after
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield MessageList(zone=UTC)

    def on_mount(self) -> None:
        self.log_shown.shown = self.query_one(MessageList)
        self.log_shown.shown.show(self.log_shown, unread_after=self.unread_after)

    def on_message_list_link_pressed(self, message: MessageList.LinkPressed) -> None:
        self.pressed.append(message.url)


def run(
    log: Log,
    walk: Callable[[MessageList, Pilot[None]], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    unread_after: int | None = None,
) -> ListApp:
    """Open the log on a screen of this size, and walk through it."""
    app = ListApp(log, unread_after)

    async def opened() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await walk(log.shown, pilot)

    asyncio.run(opened())
    return app


def screen(shown: MessageList) -> list[str]:
    return [shown.render_line(y).text.rstrip() for y in range(shown.size.height)]


def numbers(shown: MessageList) -> list[int]:
    """Which messages are on the screen."""
    return [int(line.rsplit(" ", 1)[1]) for line in screen(shown) if " message " in line]


# --- Scrolling ----------


def test_it_opens_at_the_end_and_follows() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        assert numbers(shown)[-1] == 500 and shown.is_at_end
        log.say(3)
        assert numbers(shown) == list(range(480, 504))

    log = Log(500)
    run(log, walk)
    assert log.asked == []


def test_scrolling_back_reads_the_whole_history_and_returns() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for _ in range(200):
            shown.scroll_pages(-1)
        assert numbers(shown)[0] == 1 and "-- Wednesday 2023-11-15 --" in screen(shown)[0]
        for _ in range(200):
            shown.scroll_pages(1)
        assert numbers(shown)[-1] == 3_000 and shown.is_at_end

    log = Log(3_000)
    run(log, walk)
    assert log.asked[:3] == [2_951, 2_851, 2_751]


def test_each_page_shows_what_the_one_before_left_off_at() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        seen = numbers(shown)
        while seen[0] > 1:
            shown.scroll_pages(-1)
            above = numbers(shown)
            assert above[0] < seen[0] <= above[-1] + 1
            seen = above

    run(Log(700), walk)


def test_the_wheel_scrolls() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for wheel, first in ((MouseScrollUp, 74), (MouseScrollUp, 71), (MouseScrollDown, 74)):
            shown.post_message(wheel(shown, 1, 1, 0, 0, 0, False, False, False))
            await pilot.pause()
            assert numbers(shown)[0] == first

    run(Log(100), walk)


def test_a_page_that_comes_later_does_not_move_the_view() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for _ in range(3):
            shown.scroll_pages(-1)
        before = screen(shown)
        assert log.asked == [451]
        log.answer(451)
        assert screen(shown) == before
        shown.scroll_rows(-5)
        assert numbers(shown)[0] < 451

    log = Log(500, is_prompt=False)
    run(log, walk)


def test_new_messages_do_not_move_a_scrolled_view_and_are_counted() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.scroll_rows(-10)
        before = screen(shown)
        assert before[-1].strip() == "-- 11 more below --"
        log.say(2)
        assert screen(shown)[:-1] == before[:-1]
        assert screen(shown)[-1].strip() == "-- 13 more below --"
        shown.jump_to_end()
        assert numbers(shown)[-1] == 502

    log = Log(500)
    run(log, walk)


def test_a_view_stays_while_the_model_forgets_what_is_in_it() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.scroll_rows(-10)
        before = screen(shown)
        log.say(300)
        assert screen(shown)[:-1] == before[:-1]
        for _ in range(50):
            shown.scroll_pages(1)
        assert numbers(shown)[-1] == 800

    log = Log(500)
    run(log, walk)


def test_another_size_keeps_the_message_at_the_top() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for _ in range(5):
            shown.scroll_pages(-1)
        before = screen(shown)
        top = numbers(shown)[0]
        for size in ((40, 10), (30, 5), (120, 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert numbers(shown)[0] == top, size
            assert all(shown.render_line(y).cell_length == size[0] for y in range(size[1]))
        await pilot.resize_terminal(200, 50)
        await pilot.pause()
        assert screen(shown) == before

    run(Log(900), walk, size=(200, 50))


def test_another_size_keeps_the_end_at_the_end() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert numbers(shown)[-1] == 100 and shown.is_at_end

    run(Log(100), walk, size=(200, 50))


def test_pages_in_which_nothing_is_shown_are_passed_a_few_at_a_time() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        del log.messages[1_000:2_900]
        log.say(0)
        shown.scroll_rows(-60)
        assert log.asked == [2_951]
        shown.scroll_rows(-60)
        assert log.asked[1:] == [2_851, 2_751, 2_651]
        for _ in range(9):
            shown.scroll_rows(-10)
        assert numbers(shown)[0] in range(900, 1_001)

    class Sparse(Log):
        def answer(self, before: int, count: int = 100) -> None:
            first = max(before - count, 1)
            self.shown.receive_page(first, before, [m for m in self.messages if first <= m.sequence < before])

    log = Sparse(3_000)
    run(log, walk)


# --- Jumps ----------


def test_a_jump_reaches_any_message_and_the_way_back_down_is_whole() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.jump_to(1_000)
        assert numbers(shown)[0] == 1_000 and "more than" in screen(shown)[-1]
        seen = set(numbers(shown))
        while not shown.is_at_end:
            shown.scroll_pages(1)
            seen |= set(numbers(shown))
        assert seen == set(range(1_000, 2_001))

    run(Log(2_000), walk)


def test_the_unread_have_a_line_above_them_and_can_be_jumped_to() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.jump_to_unread()
        lines = screen(shown)
        assert lines[0].startswith("--- new ---") and lines[1].endswith("message 401")
        shown.set_unread_after(500)
        assert not any("--- new" in line for line in screen(shown))

    run(Log(500), walk, unread_after=400)


# --- Lines of this client ----------


def test_who_comes_and_goes_is_one_line_that_grows() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for nick in ("bob", "carol"):
            log.happened(events.MemberJoined("lobby", nick))
        log.happened(events.MemberLeft("lobby", "dave", "quit"))
        assert screen(shown)[-1].endswith("-- bob, carol joined; dave left")
        assert screen(shown)[-2].endswith("message 500")
        log.happened(events.error("no_such_nick.text", text="nobody"))
        log.say()
        assert [line.rsplit(" ", 2)[-1] for line in screen(shown)[-2:]] == ["nobody", "501"]

    log = Log(500)
    run(log, walk)


# --- Other conversations ----------


def test_each_conversation_is_shown_where_it_was_left_with_what_came_meanwhile_below() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.scroll_rows(-10)
        before = numbers(shown)
        shown.show(other, unread_after=None)
        assert numbers(shown)[-1] == 200 and shown.is_at_end
        log.messages += [item(f"message {number}", sequence=number, minutes=number) for number in range(501, 513)]
        shown.show(log, unread_after=500)
        assert numbers(shown) == before and not shown.is_at_end
        assert screen(shown)[-1].strip() == "-- 23 more below --"
        shown.show(other, unread_after=None)
        assert shown.is_at_end
        shown.show(log, unread_after=None)
        shown.jump_to_end()
        for source in (other, log):
            shown.show(source, unread_after=None)
        assert shown.is_at_end

    log, other = Log(500), Log(200, name="dev")
    run(log, walk)


@pytest.mark.parametrize("is_prompt", [True, False])
def test_a_place_far_back_is_found_again_by_the_page_around_it(is_prompt: bool) -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.jump_to(1_000)
        shown.scroll_rows(7)
        assert numbers(shown)[0] == 1_007
        shown.show(other, unread_after=None)
        log.is_prompt = is_prompt
        asked = len(log.asked)
        shown.show(log, unread_after=None)
        if not is_prompt:
            log.say(3)
            log.answer(log.asked[asked])
        assert numbers(shown)[0] == 1_007 and not shown.is_at_end
        assert "more than" in screen(shown)[-1]

    log, other = Log(3_000), Log(200, name="dev")
    run(log, walk)


def test_places_are_kept_of_so_many_conversations_only() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for number in range(PLACES_MAX + 1):
            other = Log(200, name=f"room {number}")
            other.shown = shown
            shown.show(other, unread_after=None)
            shown.scroll_pages(-1)
        for name, is_at_end in (("room 1", False), ("room 0", True)):
            other = Log(200, name=name)
            other.shown = shown
            shown.show(other, unread_after=None)
            assert shown.is_at_end == is_at_end

    log = Log(200)
    run(log, walk)


def test_local_lines_that_are_forgotten_do_not_move_a_scrolled_view() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        for number in range(LINES_MAX):
            log.happened(events.notice("help.line", line=f"line {number}"))
        shown.scroll_rows(-LINES_MAX + 30)
        before = screen(shown)[:-1]
        assert any("line 11" in line for line in before)
        for number in range(50):
            log.happened(events.notice("help.line", line=f"later {number}"))
        assert screen(shown)[:-1] == before
        shown.jump_to_end()
        shown.scroll_rows(-LINES_MAX - 3)
        assert not any("line 11" in line for line in screen(shown))

    log = Log(500)
    run(log, walk)


# --- Preferences ----------


def test_the_user_chooses_how_messages_are_drawn() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        log.messages.append(item("*so*", sequence=501))
        shown.renew()
        assert screen(shown)[-1] == "12:00          bob so"
        shown.set_form(time_format="%H:%M:%S", is_formatted=False, has_nick_colours=False)
        assert screen(shown)[-1] == "12:00:00          bob *so*"
        colours = {segment.style.color for segment in shown.render_line(23) if segment.style and segment.text.strip()}
        assert len(colours) == 2  # the time is faint

    log = Log(500)
    run(log, walk)


# --- The selected message ----------


def test_messages_are_selected_one_after_another_and_brought_into_view() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        assert shown.selected is None
        shown.select_by(-1)
        assert shown.selected == log.messages[-1]
        for _ in range(60):
            shown.select_by(-1)
        assert shown.selected == log.messages[-61] and 440 in numbers(shown)
        shown.select_by(1)
        assert shown.selected == log.messages[-60]
        assert any(segment.style and segment.style.reverse for segment in shown.render_line(1))
        shown.unselect()
        assert shown.selected is None and not shown.select("nowhere")

    log = Log(500)
    run(log, walk)


def test_below_the_last_message_none_is_selected() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.select_by(-1)
        shown.select_by(1)
        assert shown.selected is None and shown.is_at_end

    run(Log(500), walk)


def test_a_selected_message_is_given_as_it_is_now() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.select_by(-1)
        log.messages[-1] = item("changed", sequence=500, is_edited=True)
        shown.renew()
        assert shown.selected == log.messages[-1]

    log = Log(500)
    run(log, walk)


# --- Mouse ----------


def styles(shown: MessageList, y: int) -> list[Any]:
    return [segment.style for segment in shown.render_line(y)]


def test_a_link_leads_to_the_whole_address_in_all_its_rows_and_can_be_clicked() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        log.messages.append(item(f"see {URL}", sequence=501))
        shown.renew()
        linked = [style for y in range(24) for style in styles(shown, y) if style.link]
        assert len(linked) >= 2 and {style.link for style in linked} == {URL}
        await pilot.click(MessageList, offset=(30, 23))
        await pilot.click(MessageList, offset=(2, 20))

    log = Log(500)
    assert run(log, walk).pressed == [URL]


def test_text_is_selected_by_dragging_and_copied_without_indents() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        await pilot.mouse_down(MessageList, offset=(19, 21))
        await pilot.hover(MessageList, offset=(29, 23))
        await pilot.mouse_up(MessageList, offset=(29, 23))
        await pilot.pause()
        copied = shown.screen.get_selected_text()
        assert copied is not None
        assert copied.splitlines()[0] == "message 498" and copied.splitlines()[-1].endswith("message 500")
        log.say(5)
        assert shown.screen.get_selected_text() == copied

    log = Log(500)
    run(log, walk)


def test_a_double_click_selects_a_message() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        await pilot.click(MessageList, offset=(25, 22), times=2)
        await pilot.pause()
        assert shown.screen.get_selected_text() == "20:19           n2 message 499"
        assert any(
            segment.style and segment.style.bgcolor != shown.rich_style.bgcolor for segment in shown.render_line(22)
        )

    run(Log(500), walk)


def test_a_selection_that_is_drawn_to_the_edge_goes_on_beyond_it() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        await pilot.mouse_down(MessageList, offset=(19, 2))
        await pilot.hover(MessageList, offset=(19, 1))
        for _ in range(5):
            shown.post_message(MouseMove(shown, 19, 0, 0, 0, 1, False, False, False))
            await pilot.pause()
        assert numbers(shown)[0] == 472

    run(Log(500), walk)


# --- Themes ----------


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light"])
def test_nicks_are_readable_in_each_theme(theme: str) -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.app.theme = theme
        await pilot.pause()
        nicks = [next(part for part in shown.render_line(y) if part.text.startswith("n")) for y in range(7)]
        colours = {nick.style.color for nick in nicks if nick.style and nick.style.color}
        assert len(colours) > 3
        if theme.startswith("ansi"):
            assert {colour.name for colour in colours} <= set(ANSI)
            return
        background = shown.background_colors[1].rgb
        times = [part.style.color for y in range(7) for part in shown.render_line(y) if ":" in part.text and part.style]
        plain = shown.rich_style.color
        assert (
            times
            and plain
            and all(contrast(time.triplet, background) < contrast(plain.triplet, background) for time in times if time)
        )
        assert all(contrast(colour.triplet, background) >= CONTRAST_MIN for colour in colours)

    run(Log(500), walk)


# --- What reaches the terminal ----------


def test_what_a_peer_sends_is_neither_markup_nor_a_control_sequence() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        hostile = "\x1b]0;owned\x07[bold red]x[/] [@click=app.bell]y[/]"
        reactions = (Reaction("\x1b[2J", ("x",), False),)
        quote = Quote("1", "\x1b[1m", hostile)
        log.messages.append(item(hostile, sequence=501, nick="\x1b[31mz", reply=quote, reactions=reactions))
        shown.renew()
        await pilot.pause()
        strips = [shown.render_line(y) for y in range(24)]
        assert "[@click=app.bell]y[/]" in "".join(strip.text for strip in strips)
        assert not any(character < " " for strip in strips for character in strip.text)
        assert not any("@click" in segment.style.meta for strip in strips for segment in strip if segment.style)

    log = Log(500)
    run(log, walk)


def test_other_messages_take_the_place_of_all_when_history_is_replaced() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.scroll_pages(-1)
        log.messages = [item(f"message {sequence}", sequence=sequence) for sequence in range(1, 100)]
        shown.show(log, unread_after=None, is_replaced=True)
        assert numbers(shown)[-1] == 99 and shown.is_at_end

    log = Log(500)
    run(log, walk)


def test_a_message_that_only_the_list_holds_can_be_changed() -> None:
    async def walk(shown: MessageList, pilot: Pilot[None]) -> None:
        shown.jump_to(100)
        before = screen(shown)
        shown.amend(101, log.messages[100].id, lambda held: held.changed(text="changed", is_edited=True), None)
        shown.amend(102, "another", lambda held: held.changed(text="changed"), None)
        assert screen(shown)[1].endswith("changed (edited)")
        assert [*screen(shown)[:1], *screen(shown)[2:]] == [*before[:1], *before[2:]]

    log = Log(500)
    run(log, walk)
