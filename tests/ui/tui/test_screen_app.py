"""The application around the chat: what it says at its end, and how often it draws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from tests.ui.tui.desk import Desk, drive
from udpchat.chat import events
from udpchat.ui.tui.board import PENDING_MAX
from udpchat.ui.tui.themes import THEMES


def test_a_theme_is_changed_while_it_runs() -> None:
    async def steps(desk: Desk) -> None:
        for theme in THEMES:
            desk.enter(f"/theme {theme.name}")
            await desk.until(lambda theme=theme: desk.app.theme == theme.name)
            await desk.until("lobby>")

    drive(steps)


def test_it_starts_with_the_chat_alone_in_the_theme_that_was_set() -> None:
    """A theme that is set once it runs, and a screen that is pushed on Textual's own, are a tenth of the start."""
    async def steps(desk: Desk) -> None:
        assert desk.app.screen_stack == [desk.app.chat]

    desk = Desk(has_colours=False)
    assert desk.app.theme == "ansi"
    drive(steps, desk=desk)


def test_without_colours_the_theme_is_the_terminals_own() -> None:
    async def steps(desk: Desk) -> None:
        desk.enter("/theme dark")
        await desk.pilot.pause(0.1)
        assert desk.app.theme == "ansi"

    drive(steps, desk=Desk(has_colours=False))


def test_what_comes_while_one_reads_elsewhere_calls_once_for_each_message() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob", "lobby", "dev")
        assert desk.app.is_watched("lobby") and not desk.app.is_watched("dev")
        desk.say(bob, "alice: seen as it comes")
        assert desk.called == []
        desk.say(bob, "alice: not seen", "dev")
        assert desk.called == ["bob in dev"]
        desk.app.app_focus = False
        desk.settle(2.0)
        desk.say(bob, "alice: nobody looks")
        assert desk.called == ["bob in dev", "bob in lobby"]

    drive(steps, "lobby", "dev")


def test_what_comes_below_a_view_that_is_scrolled_back_calls() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(60):
            desk.say(bob, f"message {number}")
        await desk.until("message 59")
        await desk.press("pageup")
        await desk.until("more below")
        desk.settle(2.0)
        desk.say(bob, "alice: not in sight")
        assert desk.called == ["bob in lobby"]

    drive(steps, size=(80, 24))


def test_what_is_said_outside_of_the_chat_is_shown_and_made_safe() -> None:
    async def steps(desk: Desk) -> None:
        desk.app.say("-- the server used last answers again \x1b[2J")
        await desk.until("answers again")
        assert "\x1b" not in desk.text

    drive(steps)


def test_an_error_in_the_screen_ends_it_and_is_left_to_whoever_runs_it() -> None:
    desk = Desk()

    async def steps(desk: Desk) -> None:
        desk.app.call_later(lambda: 1 // 0)
        await desk.until(lambda: not desk.app.is_running)

    with pytest.raises(ZeroDivisionError):
        drive(steps, desk=desk)
    assert isinstance(desk.app.failure, ZeroDivisionError)
    assert list(desk.app.last_words()) == []


def test_a_flood_is_drawn_at_most_thirty_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr("udpchat.ui.tui.chat_screen.ChatScreen.draw", lambda screen: drawn.append(1))

    async def steps(desk: Desk) -> None:
        drawn.clear()
        for _ in range(1_000):
            desk.app.redraw_soon()
        await desk.pilot.pause(0.2)
        assert 1 <= len(drawn) <= 3

    drive(steps)


def test_what_comes_below_the_view_is_not_read_until_one_goes_there() -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(60):
            desk.say(bob, f"message {number}")
        await desk.until("message 59")
        await desk.until(lambda: not desk.client.model.conversation("lobby").unread)
        await desk.press("pageup", "pageup")
        desk.say(bob, "one more")
        await desk.until("1 more below")
        assert desk.client.model.conversation("lobby").unread == 1
        await desk.press("alt+end")
        await desk.until(lambda: not desk.client.model.conversation("lobby").unread)

    drive(steps, size=(80, 20))


def test_a_terminal_that_is_behind_gets_no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda driver, text: written.append(text))
    monkeypatch.setattr(HeadlessDriver, "is_behind", True, raising=False)

    async def steps(desk: Desk) -> None:
        desk.app.signal("\a")
        assert "\a" not in written
        monkeypatch.setattr(HeadlessDriver, "is_behind", False)
        desk.app.signal("\a")
        assert "\a" in written

    drive(steps)


def test_all_is_drawn_again_once_a_terminal_that_missed_some_takes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    dropped = [True]
    monkeypatch.setattr("udpchat.ui.tui.screen_app.ScreenApp.action_redraw", lambda app: drawn.append("all"))

    async def steps(desk: Desk) -> None:
        monkeypatch.setattr(
            HeadlessDriver, "take_dropped", lambda driver: bool(dropped) and dropped.pop(), raising=False
        )
        desk.app.redraw_soon()
        await desk.until(lambda: drawn)
        desk.say(desk.wire.person("bob"), "one more")
        await desk.until("one more")
        assert drawn == ["all"]

    drive(steps)


async def page_up_until(desk: Desk, holds: Callable[[], object]) -> None:
    """Scroll back until this holds."""
    for _ in range(100):
        if holds():
            return
        await desk.press("pageup")
    raise AssertionError(f"never, with all scrolled back:\n{desk.text}")


def test_a_page_that_is_lost_among_other_events_does_not_end_scrolling_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(desk: Desk) -> None:
        bob = desk.wire.person("bob")
        for number in range(700):
            bob.core.say(desk.wire.now, "lobby", f"message {number}")
            if number % 50 == 49:
                desk.settle(1.0)
        await desk.until("message 699")
        asked: list[int] = []
        with monkeypatch.context() as patched:
            patched.setattr(
                desk.app.prompt.history, "page", lambda now, name, before, count: asked.append(before) or []
            )
            await page_up_until(desk, lambda: asked)
        removed = events.Redacted("lobby", 1, "00", "bob", 2, 0, b"", "")
        desk.app.board.show([events.PageFound("lobby", asked[0], asked[0]), *[removed] * PENDING_MAX])
        desk.app.redraw_soon()
        await desk.until(lambda: not desk.app.board.pending)
        assert not desk.app.messages.is_at_end
        await page_up_until(desk, lambda: "message 0" in desk.text)

    drive(steps, size=(80, 24))
