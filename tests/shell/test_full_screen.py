"""The terminal of the full screen: when it is drawn on, what is printed around that, and how it is left."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import Callable, Sequence

import pytest

from tests.shell.waiting import run_until
from udpchat.shell import full_screen
from udpchat.shell.full_screen import COLUMNS_MIN, ROWS_MIN, FullScreen, hang_up, obstacle
from udpchat.shell.hidden_line import HiddenLine
from udpchat.shell.line_reader import LINES_AHEAD_MAX


class Drawing:
    """An application that draws nothing."""

    def __init__(self) -> None:
        self.is_ready = False
        self.failure: Exception | None = None
        self.redrawn = 0
        self.said: list[str] = []
        self.over = asyncio.Event()
        self.enter: Callable[[str], bool]
        self.end: Callable[[], None]
        self.interrupt: Callable[[], None]
        self.signals: list[str] = []

    def connect(
        self,
        *,
        enter: Callable[[str], bool],
        end: Callable[[], None],
        interrupt: Callable[[], None],
        act: Callable[..., None],
    ) -> None:
        self.enter, self.end, self.interrupt = enter, end, interrupt

    def signal(self, sequence: str) -> None:
        self.signals.append(sequence)

    async def run_screen(self) -> None:
        await self.over.wait()

    def exit(self) -> None:
        self.over.set()

    def redraw_soon(self) -> None:
        self.redrawn += 1

    def say(self, *lines: str) -> None:
        self.said += lines

    def last_words(self) -> Sequence[str]:
        return ["-- left"] if self.is_ready else []


class Desk:
    """A full screen that has started and is not drawn yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.printed: list[str] = []
        self.got: list[str] = []
        self.screen = FullScreen(self.printed.append, HiddenLine(io.BytesIO()))
        self.app = self.screen.app = Drawing()
        self.screen.attach(lambda verb: None)
        self.screen.start(loop, on_line=self.got.append, on_end=lambda: self.got.append("the end"))

    def draw(self) -> None:
        self.app.is_ready = True
        self.screen.refresh()
        assert self.screen.is_drawn

    def close(self) -> None:
        self.loop.run_until_complete(self.screen.close())


@pytest.fixture
def desk(loop: asyncio.AbstractEventLoop) -> Desk:
    return Desk(loop)


def test_what_is_said_before_the_client_is_in_is_printed(desk: Desk) -> None:
    desk.screen.write("-- looking\n")
    desk.screen.refresh()
    assert desk.printed == ["-- looking\n"]
    assert not desk.screen.is_drawn
    desk.close()
    assert desk.printed == ["-- looking\n"]


def test_what_is_said_while_it_is_drawn_is_shown_and_the_last_words_are_printed(desk: Desk) -> None:
    desk.draw()
    desk.screen.write("-- one\n-- two\n")
    assert desk.app.said == ["-- one", "-- two"]
    desk.close()
    assert desk.printed == ["-- left\n"]
    assert not desk.screen.is_drawn


def test_what_was_printed_before_and_is_to_be_read_is_shown_again(desk: Desk) -> None:
    desk.screen.remarks = ["-- hosting"]
    desk.draw()
    desk.screen.refresh()
    assert desk.app.said == ["-- hosting"]
    desk.close()


def test_lines_are_reported_and_too_many_that_are_not_processed_have_to_wait(desk: Desk) -> None:
    desk.draw()
    assert all(desk.app.enter(str(number)) for number in range(LINES_AHEAD_MAX))
    assert not desk.app.enter("too many")
    desk.screen.release()
    assert desk.app.enter("again")
    assert len(desk.got) == LINES_AHEAD_MAX + 1
    desk.close()


def test_the_end_of_the_input_is_reported_once_and_no_line_after_it(desk: Desk) -> None:
    desk.draw()
    desk.app.end()
    desk.app.end()
    assert not desk.app.enter("late")
    assert desk.got == ["the end"]
    desk.close()


def test_ctrl_c_is_the_signal_of_a_terminal_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[int] = []
    monkeypatch.setattr("signal.raise_signal", raised.append)
    desk.draw()
    desk.app.interrupt()
    desk.app.interrupt()
    assert raised == [signal.SIGINT]
    desk.close()


def test_ctrl_c_interrupts_a_client_whose_input_has_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[int] = []
    monkeypatch.setattr("signal.raise_signal", raised.append)
    desk.draw()
    desk.app.end()
    desk.app.interrupt()
    desk.app.end()
    assert raised == [signal.SIGINT]
    assert desk.got == ["the end"]
    desk.close()


def test_a_bell_rings_only_while_it_is_drawn(desk: Desk) -> None:
    desk.screen.signal("\a")
    desk.draw()
    desk.screen.signal("\a")
    assert desk.app.signals == ["\a"]
    desk.close()


def test_what_changes_is_drawn(desk: Desk) -> None:
    desk.draw()
    desk.screen.refresh()
    assert desk.app.redrawn == 1
    desk.close()


def test_an_error_of_the_screen_goes_to_the_loop(desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
    failed: list[object] = []
    loop.set_exception_handler(lambda _, context: failed.append(context["exception"]))
    desk.draw()
    desk.app.failure = ValueError("broken")
    desk.app.exit()
    run_until(loop, lambda: failed)
    assert failed == [desk.app.failure]
    desk.close()


def test_a_screen_that_ends_by_itself_ends_the_program(
    desk: Desk, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(full_screen, "hang_up", lambda: ended.append("hung up"))
    desk.draw()
    desk.app.exit()
    run_until(loop, lambda: ended)
    assert ended == ["hung up"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signal")
@pytest.mark.parametrize(("is_ignored", "number"), [(False, "SIGHUP"), (True, "SIGTERM")])
def test_a_terminal_that_is_gone_ends_the_program_under_nohup_too(
    is_ignored: bool, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda process, number: killed.append(number))
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)
    try:
        hang_up()
    finally:
        signal.signal(signal.SIGHUP, former)
    assert killed == [getattr(signal, number)]


@pytest.mark.parametrize(
    ("term", "size", "key"),
    [
        ("xterm", (80, 24), None),
        ("xterm", (COLUMNS_MIN, ROWS_MIN), None),
        ("dumb", (80, 24), "full_screen.dumb"),
        ("xterm", (COLUMNS_MIN - 1, 24), "full_screen.small"),
        ("xterm", (80, ROWS_MIN - 1), "full_screen.small"),
    ],
)
def test_dumb_and_tiny_terminals_take_no_full_screen(
    term: str, size: tuple[int, int], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(full_screen, "terminal_size", lambda: size)
    found = obstacle()
    assert (found.key if found else None) == key
