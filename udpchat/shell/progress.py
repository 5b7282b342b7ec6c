"""A progress line on a terminal, rewritten in place, for work that takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

SHOWN_AFTER_S: Final = 1.0
SHOWN_EVERY_S: Final = 0.1
ERASE: Final = "\r\x1b[K"


class ProgressLine:
    """Call it with what is done and of how much; `end` takes the line away. Says nothing where there is no terminal."""

    def __init__(self, what: str, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._due = clock() + SHOWN_AFTER_S
        self._is_shown = False

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""
        now = self._clock()
        if now < self._due or self._stream is None or not self._stream.isatty():
            return
        self._due = now + SHOWN_EVERY_S
        self._is_shown = True
        self._write(f"{ERASE}{self._what}: {100 * done // total if total else 100} %")

    def end(self) -> None:
        """It is over, or something else is to be said."""
        if self._is_shown:
            self._is_shown = False
            self._write(ERASE)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # a terminal that is gone: what is being done goes on
            self._due = float("inf")


@contextmanager
def progress_of(what: str) -> Iterator[ProgressLine]:
    """A progress line that is taken away at the end."""
    line = ProgressLine(what)
    try:
        yield line
    finally:
        line.end()


class SyncProgress:
    """A progress line while a client receives entries that it missed; gets their number after every drain."""

    def __init__(self, make_line: Callable[[], ProgressLine] = lambda: ProgressLine("catching up")) -> None:
        self._make_line = make_line
        self._line: ProgressLine | None = None
        self._total = 0

    def on_missing(self, missing: int) -> None:
        """`missing` entries are still to come."""
        if not missing:
            self.make_way()
            self._line = None
            self._total = 0
            return
        if self._line is None:
            self._line = self._make_line()
        self._total = max(self._total, missing)
        self._line(self._total - missing, self._total)

    def make_way(self) -> None:
        """End the line, because something else is printed next."""
        if self._line is not None:
            self._line.end()
