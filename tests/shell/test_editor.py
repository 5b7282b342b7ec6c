"""The line editor, with keys from a pipe and no terminal: what it reports, and what it prints."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pyte
import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from tests.shell.waiting import LIMIT_S, ROOT, run_until
from udpchat.shell import editor
from udpchat.shell.editor import TARGET_CHARACTERS_MAX, LineEditor, open_editor, prompt_text
from udpchat.shell.line_reader import LINES_AHEAD_MAX

CTRL_C, CTRL_D = "\x03", "\x04"


class Desk:
    """An editor with its keys at one end and what it draws at the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keys: PipeInput) -> None:
        self.loop, self.keys = loop, keys
        self.paper = io.StringIO()
        output = Vt100_Output(self.paper, lambda: Size(rows=24, columns=80), term="xterm", enable_bell=False)
        self.editor = LineEditor(source=keys, output=output, is_secret=lambda line: "hunter2" in line)
        self.prompt = ("lobby", "")
        self.editor.prompt = lambda: self.prompt
        self.got: list[str] = []

    def start(self, on_line: Callable[[str], None] | None = None) -> None:
        self.editor.start(self.loop, on_line=on_line or self.got.append, on_end=lambda: self.got.append("the end"))
        self.until("lobby>")

    def until(self, shown: str) -> None:
        """Wait until the screen shows this in one of its rows."""
        run_until(self.loop, lambda: any(shown in row for row in self.rows))

    def report(self, *expected: str) -> None:
        """Wait until these lines were reported, and no other."""
        run_until(self.loop, lambda: len(self.got) >= len(expected))
        assert self.got == list(expected)

    @property
    def drawn(self) -> str:
        return self.paper.getvalue()

    @property
    def rows(self) -> list[str]:
        screen = pyte.Screen(80, 24)
        pyte.Stream(screen).feed(self.drawn)
        return [row.rstrip() for row in screen.display if row.strip()]


@pytest.fixture
def desk(loop: asyncio.AbstractEventLoop) -> Iterator[Desk]:
    with create_pipe_input() as keys:
        made = Desk(loop, keys)
        yield made
        loop.run_until_complete(made.editor.close())


def test_lines_are_reported_and_blank_ones_are_not(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("one\r  \r\r two \r")
    desk.report("one", " two ")


def test_a_paste_is_inserted_with_its_line_breaks_and_runs_nothing(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("a: \x1b[200~one\r\ntwo\rthree\n\n\x1b[201~")
    desk.until("| three")
    assert desk.got == []
    desk.keys.send_text("!\r")
    desk.report("a: one\ntwo\nthree!")


def test_a_paste_beyond_the_limit_is_refused_whole_and_the_line_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editor, "EDITED_CHARACTERS_MAX", 10)
    desk.start()
    desk.keys.send_text(f"mine\x1b[200~{'x' * 7}\x1b[201~")
    desk.until("not pasted: it has 7 characters, and a line at most 10")
    desk.keys.send_text("\r")
    desk.report("mine")


def test_alt_enter_breaks_the_line(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("one\x1b\rtwo\r")
    desk.report("one\ntwo")


def test_what_is_written_is_printed_in_order_before_during_and_after(desk: Desk) -> None:
    desk.editor.write("before\n")
    assert desk.rows == ["before"]
    desk.start()
    for number in range(3):
        desk.editor.write(f"line {number}\n")
    desk.until("line 2")
    desk.editor.write("last words\n")
    desk.loop.run_until_complete(desk.editor.close())
    desk.editor.write("after\n")
    lines = ["before", "line 0", "line 1", "line 2", "last words", "after"]
    assert desk.rows == lines


def test_no_escape_character_gets_past_it(desk: Desk) -> None:
    desk.start()
    desk.editor.write("\x1b]0;owned\x07\n")
    desk.until("]0;owned")
    assert "\x1b]0" not in desk.drawn


def test_up_never_brings_back_a_secret_line(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("hello\r/password hunter2\r")
    desk.report("hello", "/password hunter2")
    desk.keys.send_text("\x1b[A")
    desk.until("lobby> hello")


def test_a_signal_is_sent_at_once_and_leaves_the_line_as_it_is(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("half")
    desk.until("lobby> half")
    before = desk.rows
    desk.editor.signal("\a\x1b]9;bob: hi\a")
    assert desk.drawn.endswith("\a\x1b]9;bob: hi\a")
    assert desk.rows == before


def test_another_target_is_shown_at_once_and_a_state_only_if_it_lasts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.start()

    def change(target: str, state: str) -> None:
        desk.prompt = (target, state)
        desk.loop.call_soon(desk.editor.refresh)

    change("@bob", "")
    desk.until("@bob>")
    change("@bob", "1 sending")
    change("@carol", "")
    desk.until("@carol>")
    assert "sending" not in desk.drawn
    monkeypatch.setattr(editor, "STATE_DELAY_S", 0.01)
    change("@carol", "2 sending")
    desk.until("(2 sending)>")
    monkeypatch.setattr(editor, "STATE_DELAY_S", 60.0)
    change("@carol", "")
    desk.until("@carol>")


def test_ctrl_c_clears_the_line_and_then_interrupts(desk: Desk) -> None:
    interrupted: list[int] = []
    former = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        desk.start()
        desk.keys.send_text(f"half{CTRL_C}whole\r")
        desk.report("whole")
        assert not interrupted
        desk.keys.send_text(CTRL_C)
        run_until(desk.loop, lambda: interrupted)
    finally:
        signal.signal(signal.SIGINT, former)


def test_ctrl_d_is_the_end_once_and_nothing_is_reported_after_it(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text(f"ab\x1b[D{CTRL_D}\r{CTRL_D}{CTRL_D}more\r")
    desk.report("a", "the end")
    desk.until("more")
    assert desk.got == ["a", "the end"]


def test_a_terminal_that_is_gone_is_the_end(desk: Desk) -> None:
    desk.start()
    desk.keys.close()
    desk.report("the end")


def test_no_more_is_reported_than_is_released_and_what_waits_stays_in_the_line(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("x\r" * LINES_AHEAD_MAX + "kept\r")
    desk.until("kept")
    assert desk.got == ["x"] * LINES_AHEAD_MAX
    desk.editor.release()
    desk.keys.send_text("\r")
    desk.report(*["x"] * LINES_AHEAD_MAX, "kept")


def test_what_fails_inside_reaches_the_loop(desk: Desk) -> None:
    failures: list[object] = []
    desk.loop.set_exception_handler(lambda loop, context: failures.append(context.get("exception")))
    error = OSError(5, "Input/output error")

    def fail(text: str) -> None:
        raise error

    desk.start(fail)
    desk.keys.send_text("one\r")
    run_until(desk.loop, lambda: failures)
    assert failures == [error]


@pytest.mark.parametrize(
    ("target", "state", "text"),
    [
        ("lobby", "", "lobby> "),
        ("@bob", "disconnected, 2 sending", "@bob (disconnected, 2 sending)> "),
        ("r" * 64, "", "r" * (TARGET_CHARACTERS_MAX - 3) + "...> "),
    ],
)
def test_the_text_of_a_prompt(target: str, state: str, text: str) -> None:
    assert prompt_text(target, state) == text


@pytest.mark.parametrize("term", ["dumb", "DUMB", "unknown"])
def test_a_terminal_that_can_only_print_lines_gets_no_editor(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert open_editor(str.isspace) is None


def test_a_pipe_does_not_wait_for_the_editor_to_be_loaded() -> None:
    code = "import sys, udpchat.cli; sys.exit('prompt_toolkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=LIMIT_S, check=False).returncode == 0


def test_a_line_that_was_refused_stands_on_the_empty_line_again_if_it_goes_where_it_went(desk: Desk) -> None:
    desk.start()
    desk.editor.give_back("den", "for the den alone")
    desk.keys.send_text("half")
    desk.until("lobby> half")
    desk.editor.give_back("lobby", "refused")
    desk.keys.send_text("\r")
    desk.report("half")
    desk.editor.give_back("lobby", "refused")
    desk.until("lobby> refused")
    desk.keys.send_text("!\r")
    desk.report("half", "refused!")


def test_a_hidden_line_is_neither_drawn_nor_kept_and_what_was_half_typed_comes_back(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("half")
    desk.until("lobby> half")
    answers: list[str] = []
    desk.loop.call_soon(desk.editor.ask_hidden, "password of alice", answers.append)
    desk.until("password of alice:")
    desk.keys.send_text("hunter\r")
    run_until(desk.loop, lambda: answers)
    desk.until("lobby> half")
    assert answers == ["hunter"] and desk.got == []
    assert not any("hunter" in row for row in desk.rows) and "hunter" not in desk.drawn
    desk.keys.send_text("\x15\x1b[A")
    desk.until("lobby>")
    assert not any("hunter" in row for row in desk.rows)


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D, "\r"])
def test_who_types_nothing_gives_up(desk: Desk, key: str) -> None:
    desk.start()
    answers: list[str] = []
    desk.loop.call_soon(desk.editor.ask_hidden, "password of alice", answers.append)
    desk.until("password of alice:")
    desk.keys.send_text(key)
    run_until(desk.loop, lambda: answers)
    assert answers == [""]


def test_what_is_secret_is_drawn_as_dots_behind_its_first_word(desk: Desk) -> None:
    desk.start()
    desk.keys.send_text("/password hunter2")
    desk.until("lobby> /password *******")
    assert not any("hunter2" in row for row in desk.rows)
    desk.keys.send_text("\r")
    desk.report("/password hunter2")
