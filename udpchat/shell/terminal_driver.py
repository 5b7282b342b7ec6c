"""Textual's driver of a Unix terminal, changed where a terminal is slow, old or gone.

Textual's own reads a closed terminal in a loop without end, takes Alt+Enter for Enter on terminals without the newer
key codes, and for keys what follows an escape character in a pasted text; it fails on bytes that are not UTF-8, and
writes to standard error. Imported only when the full screen starts.
"""

from __future__ import annotations

import codecs
import os
import re
import selectors
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from textual.driver import Driver
from textual.events import Paste

from udpchat.shell.bracketed_paste import PasteDivider, PastePart
from udpchat.shell.full_screen import hang_up, terminal_size

if sys.platform != "win32":
    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver

READ_BYTES: Final = 64 * 1024
BEHIND_MAX: Final = 8  # texts that are not written: the application draws no more until they are
WAITING_MAX: Final = 24  # such texts: more are dropped; Textual's thread takes 30, and then whoever writes has to wait
CLOSING_S_MAX: Final = 1.0  # for the texts that wait at the end
STEP_S: Final = 0.05  # between looks whether an Escape stands alone, and whether the screen is closed
ENTER, NEWLINE = "\r", "\n"
OLD_ALT_KEY: Final = re.compile("\x1b([\r\n0-9])")  # as terminals without the newer key codes send Alt and a key


def with_key_codes(typed: str) -> str:
    """What a terminal sent, with the newer codes for those Alt keys that Textual takes for something else."""
    return OLD_ALT_KEY.sub(lambda found: f"\x1b[{ord(found[1].replace(NEWLINE, ENTER))};3u", typed)


def driver_class() -> type[Driver] | None:
    """The driver for this system; None: that of Textual."""
    return None if sys.platform == "win32" else TerminalDriver


if sys.platform != "win32":

    class TerminalDriver(LinuxDriver):
        """Draws on standard output, and reads standard input; when that has ended, so does the process."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._output = TerminalOutput()
            self._file = self._output  # type: ignore[assignment]
            self._asked = 0  # texts to be written
            self._has_dropped = False

        def write(self, data: str) -> None:
            """Have this written by the thread that writes; drop it where WAITING_MAX texts wait. Never waits."""
            if self._waiting < WAITING_MAX:
                self._asked += 1
                super().write(data)
            else:
                self._has_dropped = True

        @property
        def _waiting(self) -> int:
            return self._asked - self._output.written

        @property
        def is_behind(self) -> bool:
            """Whether the terminal takes what is drawn too slowly: more of it may be dropped."""
            return self._waiting > BEHIND_MAX

        def take_dropped(self) -> bool:
            """Whether anything was dropped since this was asked last: what is on the terminal may be wrong."""
            has_dropped, self._has_dropped = self._has_dropped, False
            return has_dropped

        def _sigcont_application(self, *arguments: Any) -> None:
            """Begin anew, after SIGSTOP too, which left no time to end: two threads would share what is typed."""
            is_reading = self._key_thread is not None and self._key_thread.is_alive()
            if is_reading and self._auto_restart:
                self.suspend_application_mode()
                self._must_signal_resume = True
            if self._must_signal_resume:
                super()._sigcont_application(*arguments)

        def close(self) -> None:
            """Let the thread write what waits, but leave it behind with a terminal that takes nothing."""
            if self._writer_thread is not None:
                stopping = threading.Thread(target=self._writer_thread.stop, daemon=True)
                stopping.start()
                stopping.join(CLOSING_S_MAX)

        def _get_terminal_size(self) -> tuple[int, int]:
            return terminal_size()

        def take_mouse(self, is_taken: bool) -> None:
            """Report clicks from now on, or leave them to the terminal."""
            if is_taken != self._mouse:
                self._disable_mouse_support()
                self._mouse = is_taken
                self._enable_mouse_support()

        def run_input_thread(self) -> None:
            """Report what is typed, until the screen is closed."""
            parser, divider = XTermParser(False), PasteDivider()
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(STEP_S):
                        data = _read(self.fileno)
                        if not data:
                            return hang_up()
                        parts = divider.feed(decode(data), time.monotonic())
                    else:
                        parts = divider.pause(time.monotonic())
                    self._report(parts, parser)
                    for event in parser.tick():
                        self.process_message(event)

        def _report(self, parts: Iterable[PastePart], parser: XTermParser) -> None:
            for part in parts:
                if part.is_pasted:
                    self.process_message(Paste(part.text))
                    continue
                for event in parser.feed(with_key_codes(part.text)):
                    self.process_message(event)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, READ_BYTES)
    except OSError:  # the terminal is gone
        return b""


class TerminalOutput:
    """What Textual writes to; what does not reach a terminal that is gone is dropped."""

    def __init__(self) -> None:
        assert sys.__stdout__ is not None
        self._descriptor = sys.__stdout__.fileno()
        self._encoding = sys.__stdout__.encoding
        self.written = 0  # texts

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> None:
        """Write all of the text; what the terminal has no character for is replaced."""
        rest = memoryview(text.encode(self._encoding, "replace"))
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self.written += 1

    def flush(self) -> None:
        """Nothing is held back."""
