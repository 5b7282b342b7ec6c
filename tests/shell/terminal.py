"""A program on a terminal: a pseudo terminal with a program at one end and, at the other, an emulator that draws."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte

from tests.shell.waiting import LIMIT_S, ROOT, clean_environment

ROWS, COLUMNS = 24, 80
HISTORY_LINES = 2_000
READ_BYTES = 64 * 1024
WRITE_BYTES = 512  # at once: a terminal that nobody reads at the moment takes about 4 KiB
STEP_S = 0.05


class Terminal:
    """`python -m udpchat ...` on a terminal of its own: type on it, and wait for what its screen shows.

    Killed at the end of a `with`. What the program wrote is in `raw`, byte by byte.
    """

    def __init__(
        self,
        *arguments: str | Path,
        rows: int = ROWS,
        columns: int = COLUMNS,
        term: str = "xterm",
        program: Sequence[str | Path] = ("-m", "udpchat"),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=HISTORY_LINES)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._master, slave = pty.openpty()
        self._set_size(slave, rows, columns)
        self.modes_before = termios.tcgetattr(slave)
        kept = {**clean_environment(), **(environment or {})}
        self.process = subprocess.Popen(
            [sys.executable, *map(str, program), *map(str, arguments)],
            cwd=ROOT,
            env={**kept, "TERM": term, "TZ": "UTC", "PYTHONIOENCODING": "utf-8"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._slave = slave

    # --- What the person does ----------

    def type(self, text: str) -> None:
        """These keys, as the terminal sends them."""
        rest = text.encode()
        deadline = time.monotonic() + LIMIT_S
        while rest:
            assert time.monotonic() < deadline, "the program does not read what is typed"
            self._read(0.0)
            if select.select([], [self._master], [], STEP_S)[1]:
                rest = rest[os.write(self._master, rest[:WRITE_BYTES]) :]

    def enter(self, line: str) -> None:
        """A line and the Enter key."""
        self.type(f"{line}\r")

    def paste(self, text: str) -> None:
        """Bracketed paste, with the line ends that terminals send."""
        self.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def resize(self, rows: int, columns: int) -> None:
        """Another size of window."""
        self.screen.resize(rows, columns)
        self._set_size(self._master, rows, columns)
        os.kill(self.process.pid, signal.SIGWINCH)

    def _set_size(self, descriptor: int, rows: int, columns: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # --- What the screen shows ----------

    @property
    def rows(self) -> list[str]:
        """The rows of the screen from the top, without the blanks at their ends; empty ones at the bottom left out."""
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def text(self) -> str:
        """All rows that were shown, also those that have scrolled away."""
        columns = range(self.screen.columns)
        gone = ["".join(row[column].data for column in columns).rstrip() for row in self.screen.history.top]
        return "\n".join([*gone, *self.rows])

    def wait(self, condition: Callable[[], object]) -> None:
        """Read until the condition holds; AssertionError with the screen if that takes too long."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"the condition never held:\n{self.text}"
            assert self._read(STEP_S) or condition(), f"the program has ended:\n{self.text}"

    def wait_for(self, shown: str) -> None:
        """Read until the screen shows this, or has shown it."""
        self.wait(lambda: shown in self.text)

    def wait_for_prompt(self, shown: str) -> None:
        """Read until the last row is this: the prompt and what is typed so far."""
        self.wait(lambda: self.rows and self.rows[-1] == shown)

    def _read(self, limit_s: float) -> bool:
        """Take what the program wrote within this time; False if it has ended and all is read."""
        has_ended = self.process.poll() is not None
        if not select.select([self._master], [], [], limit_s)[0]:
            return not has_ended
        try:
            data = os.read(self._master, READ_BYTES)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    # --- Its end ----------

    def code(self) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
            self._read(STEP_S)
        while self._read(0.0):
            pass
        return self.process.returncode

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal is in the modes that the program found it in."""
        return termios.tcgetattr(self._slave) == self.modes_before

    def hang_up(self) -> None:
        """The terminal is closed, as its window is, or the line to it lost."""
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)
        if self._master >= 0:
            self.hang_up()


def telling(path: Path) -> str:
    """A command for --notify-command: adds to a file what it is told."""
    names = [f"UDPCHAT_{name}" for name in ("EVENT", "EVENT_ROOM", "EVENT_NICK", "EVENT_TEXT")]
    program = f"import os; print(*map(os.environ.get, {names}), file=open({str(path)!r}, 'a'))"
    return shlex.join([sys.executable, "-c", program])


def at_terminal(nick: str, url: str, data: Path, *options: str, **size: int) -> Terminal:
    """A client in line mode on a terminal of its own."""
    return Terminal("client", "--nick", nick, "--server", url, "--data", data, "--plain", *options, **size)
