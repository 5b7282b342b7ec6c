"""The terminal that the full-screen client draws on, as a `LineSource`: its start, its end, and what it is left like.

What is drawn is an `Application` (`ui/tui`). It starts when the client is in, so that what comes before that, a refusal
too, is printed and stays. While it runs, whatever is said outside of the chat is shown by it; afterwards it is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from udpchat.chat.phrase import Phrase
from udpchat.shell.hidden_line import HiddenLine
from udpchat.shell.line_reader import LINES_AHEAD_MAX, Listener
from udpchat.shell.stdio import remark

if sys.platform != "win32":
    import termios

COLUMNS_MIN, ROWS_MIN = 30, 8
COLUMNS_USUAL, ROWS_USUAL = 80, 24  # of a terminal that does not tell
DUMB_TERMINALS: Final = ("dumb", "unknown")
CLOSING_S_MAX: Final = 2.0
PRINTING_S_MAX: Final = 1.0  # for lines on a terminal that may take no output
STEP_S: Final = 0.05  # between two attempts to write to such a terminal
MODES_OFF: Final = (  # paste marks, no wrap, sizes, mouse, key codes, the other screen, no cursor, focus: as before
    b"\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[<u"
    b"\x1b[?1049l\x1b[?25h\x1b[?1004l"
)


def obstacle() -> Phrase | None:
    """Why the terminal of the standard streams takes no full screen; None if it does."""
    term = os.environ.get("TERM", "").lower()
    if term in DUMB_TERMINALS:
        return Phrase("full_screen.dumb", {"term": term})
    columns, rows = terminal_size()
    if columns < COLUMNS_MIN or rows < ROWS_MIN:
        return Phrase(
            "full_screen.small",
            {"columns": columns, "rows": rows, "columns_min": COLUMNS_MIN, "rows_min": ROWS_MIN},
        )
    return None


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal of standard output, whatever the environment says, which knows of no change."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        size = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]
        if size.columns and size.lines:
            return size.columns, size.lines
    return COLUMNS_USUAL, ROWS_USUAL


class Application(Protocol):
    """What draws the screen."""

    def connect(
        self,
        *,
        enter: Callable[[str], bool],
        end: Callable[[], None],
        interrupt: Callable[[], None],
        act: Callable[..., None],
    ) -> None:
        """Give it what it calls, before it runs: `enter` with a line that was typed, False if that has to wait; `end`
        at the end of the input; `interrupt` to end the program at once; `act` with a verb of the core.
        """

    @property
    def is_ready(self) -> bool:
        """Whether there is something to draw: the client is in."""

    @property
    def failure(self) -> Exception | None:
        """What ended it, if that is an error of the program."""

    async def run_screen(self) -> None:
        """Draw, until `exit`."""

    def exit(self) -> object:
        """End, and restore the terminal; soon."""

    def redraw_soon(self) -> None:
        """What is drawn may have changed."""

    def say(self, *lines: str) -> None:
        """Show these lines, which are not safe for a terminal yet."""

    def signal(self, sequence: str) -> None:
        """Send this sequence to the terminal, which draws nothing."""

    def ask_hidden(self, question: str, done: Callable[[str], object]) -> None:
        """Ask the person; what they type is not shown, and empty if they give up."""

    def last_words(self) -> Sequence[str]:
        """The lines to print once the terminal is restored, safe for it."""


class FullScreen:
    """A `LineSource` on a terminal that an application draws on; `write` prints whole lines while none does.

    `app` is set before `start`. `remarks` are the first lines that it shows: what was printed before.
    An error of the application goes to the exception handler of the loop. `hidden` asks for what is not to be shown
    before there is a screen.
    """

    def __init__(self, write: Callable[[str], object], hidden: HiddenLine) -> None:
        self.app: Application | None = None
        self.remarks: list[str] = []
        self._write = write
        self._hidden = hidden
        self._listener: Listener
        self._act: Callable[..., None]
        self._modes = TerminalModes(sys.__stdin__, sys.__stdout__, MODES_OFF)
        self._running: asyncio.Task[None] | None = None
        self._ahead = 0
        self._has_ended = False  # no line is taken any more
        self._is_interrupted = False  # or closed: it ends anyway

    def attach(self, call: Callable[..., None]) -> None:
        """`call` is the way to change the core without a line."""
        self._act = call

    def start(
        self, loop: asyncio.AbstractEventLoop, *, on_line: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        """Draw the screen once the application is ready, and report what is typed."""
        assert self.app is not None
        self._loop, self._listener = loop, Listener(on_line, on_end)
        self.app.connect(enter=self._enter, end=self._end, interrupt=self._interrupt, act=self._act)

    def release(self) -> None:
        self._ahead = 0

    def refresh(self) -> None:
        """Draw what has changed; begin to draw if the application is ready."""
        assert self.app is not None
        if self._running is not None:
            self.app.redraw_soon()
        elif self.app.is_ready and not self._has_ended:
            self.app.say(*self.remarks)
            self._modes.note()
            self._running = self._loop.create_task(self.app.run_screen())
            self._running.add_done_callback(self._on_over)

    def ask_hidden(self, question: str, done: Callable[[str], object]) -> None:
        """Have a line typed that is not shown: on the screen, or before there is one, on the terminal."""
        if self.is_drawn and self.app is not None:
            self.app.ask_hidden(question, done)
        else:
            self._hidden.ask(question, done)

    async def close(self) -> None:
        """Restore the terminal, and print what is to be said last."""
        assert self.app is not None
        self._hidden.restore()
        self._has_ended = self._is_interrupted = True
        if self._running is not None and not self._running.done():
            self.app.exit()
            await asyncio.wait({self._running}, timeout=CLOSING_S_MAX)
            if not self._running.done():
                self._modes.restore()
        words = self.app.last_words()
        if words:
            self._write("".join(f"{line}\n" for line in words))

    def restore(self) -> None:
        self._hidden.restore()
        if self.is_drawn:
            self._modes.restore()

    @property
    def is_drawn(self) -> bool:
        """Whether the application has the terminal."""
        return self._running is not None and not self._running.done()

    def write(self, text: str) -> None:
        """Show whole lines that were said outside of the chat."""
        if self.is_drawn and self.app is not None:
            self.app.say(*text.splitlines())
        else:
            self._write(text)

    def signal(self, sequence: str) -> None:
        """Send the terminal what draws nothing: its bell, a notification. It has to be safe."""
        if self.is_drawn and self.app is not None:
            self.app.signal(sequence)

    def _enter(self, text: str) -> bool:
        """A line was typed; False if it cannot be taken now: the input has ended, or LINES_AHEAD_MAX lines wait."""
        if self._has_ended or self._ahead >= LINES_AHEAD_MAX:
            return False
        self._ahead += 1
        self._listener.on_line(text)
        return True

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._listener.on_end()

    def _interrupt(self) -> None:
        """End as Ctrl+C does where a terminal makes a signal of it, also where the client only waits for confirmations.

        Once: a second signal would leave no time to say goodbye.
        """
        if not self._is_interrupted:
            self._has_ended = self._is_interrupted = True
            signal.raise_signal(signal.SIGINT)

    def _on_over(self, running: asyncio.Task[None]) -> None:
        """The application has ended: it was closed, or it failed."""
        assert self.app is not None
        failure = None if running.cancelled() else running.exception() or self.app.failure
        if failure is not None:
            context = {"message": "the screen failed", "exception": failure}
            running.get_loop().call_exception_handler(context)
        elif not self._has_ended:
            hang_up()


class HasDescriptor(Protocol):
    """A stream of the system, or what stands for one."""

    def fileno(self) -> int: ...


class TerminalModes:
    """The modes that a terminal is in, noted, to be set again when the process ends at once.

    `off`: what is written to it then, to end all that the program has begun there.
    """

    def __init__(self, source: HasDescriptor | None, output: HasDescriptor | None, off: bytes) -> None:
        self._source = source
        self._output = output
        self._off = off
        self._noted: list[Any] | None = None

    def note(self) -> None:
        """Note the modes; nothing where a system has none."""
        if sys.platform != "win32" and self._source is not None:
            with contextlib.suppress(OSError, ValueError, NotImplementedError, termios.error):
                self._noted = termios.tcgetattr(self._source.fileno())

    def restore(self) -> None:
        """Write `off` and set the noted modes, without waiting; ignore a terminal that is gone."""
        if sys.platform != "win32" and self._noted is not None and self._source and self._output:
            with contextlib.suppress(OSError, ValueError, termios.error):
                write_within(self._output.fileno(), self._off, 0.0)
                termios.tcsetattr(self._source.fileno(), termios.TCSANOW, self._noted)


def remark_within(text: str) -> None:
    """Write text to standard error; what a terminal does not take within PRINTING_S_MAX is dropped."""
    stream = sys.stderr
    if sys.platform == "win32" or stream is None or not stream.isatty():
        return remark(text)
    with contextlib.suppress(OSError, ValueError):
        write_within(stream.fileno(), text.encode(stream.encoding, "replace"), PRINTING_S_MAX)


if sys.platform != "win32":

    def write_within(descriptor: int, data: bytes, limit_s: float) -> bool:
        """Write this to a terminal, at least once; False if it did not take all of it in time. Raises OSError."""
        end_s = time.monotonic() + limit_s
        rest, was_blocking = memoryview(data), os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)
        try:
            while rest:
                try:
                    rest = rest[os.write(descriptor, rest) :]
                except BlockingIOError:
                    if time.monotonic() >= end_s:
                        return False
                    time.sleep(STEP_S)
        finally:
            os.set_blocking(descriptor, was_blocking)
        return True


def hang_up() -> None:
    """End this process as when its terminal was closed, even where that is to be ignored: there is nothing to read."""
    number = getattr(signal, "SIGHUP", signal.SIGTERM)
    if signal.getsignal(number) is signal.SIG_IGN:
        number = signal.SIGTERM
    os.kill(os.getpid(), number)
