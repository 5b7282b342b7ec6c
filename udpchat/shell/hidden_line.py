"""A line that is typed at a terminal without being shown: a password, where neither editor nor screen has it."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from udpchat.shell.echo import Echo
from udpchat.shell.line_reader import Raw, lines_of
from udpchat.shell.stdio import remark


class HiddenLine:
    """Asks on standard error, and reads one line of `raw`, which is standard input. Questions have to be safe."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._echo = Echo()

    def ask(self, question: str, done: Callable[[str], object]) -> None:
        """`done` gets the line in the loop that runs; an empty one at the end of the input."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            line = self.read(question)
            with suppress(RuntimeError):  # the loop is closed: the program is ending
                loop.call_soon_threadsafe(done, line)

        Thread(target=work, name="hidden line", daemon=True).start()  # its read cannot be interrupted

    def read(self, question: str) -> str:
        """Ask, and wait for the line; an empty one at the end of the input."""
        if sys.platform == "win32":
            return getpass.getpass(f"{question}: ")
        self._echo.hide()  # before the question, which a quick person answers at once
        remark(f"{question}: ")
        try:
            return next(lines_of(self._raw), "")
        finally:
            self._echo.restore()
            remark("\n")  # the line break that was typed was not shown either

    def restore(self) -> None:
        """Show again what is typed: the program ends before the line has come."""
        self._echo.restore()
