"""Sources of a client's lines: the interface of all, and the source for pipes, files and dumb terminals.

That one reads on a thread, because no system has one call that waits for terminals, pipes and files alike.
`shell/editor` is the source for other terminals.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from threading import Semaphore, Thread
from typing import Final, Protocol

from udpchat.shell.echo import Echo
from udpchat.wire.fields import Value

LINES_AHEAD_MAX: Final = 64  # read and not released; the rest waits in the pipe
LINE_BYTES_MAX: Final = 1024 * 1024  # of one line; a longer one is cut here, far above the limit of a message
READ_BYTES: Final = 64 * 1024


class Raw(Protocol):
    """An unbuffered binary file; a thread waiting in a buffered one would hold its lock when the process ends."""

    def read(self, size: int, /) -> bytes | None:
        """The bytes that are available, at most `size`; empty at the end."""


class Listener(Value, frozen=True):
    """Who is told what was typed: each line, and that no more comes."""

    on_line: Callable[[str], None]
    on_end: Callable[[], None]


class LineSource(Protocol):
    """Reports lines in the loop, LINES_AHEAD_MAX at most without a `release`, and then the end of the input."""

    def start(
        self, loop: asyncio.AbstractEventLoop, *, on_line: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        """Report from now on. Once."""

    def release(self) -> None:
        """All lines that were reported have been processed."""

    def refresh(self) -> None:
        """The text of the prompt may have changed."""

    async def close(self) -> None:
        """Stop reporting, and restore the terminal."""

    def restore(self) -> None:
        """Restore the terminal when the process ends at once, without the loop."""


def lines_of(raw: Raw) -> Iterator[str]:
    """The lines without their line breaks, also a last one that has none. Bytes that are not UTF-8 become U+FFFD."""
    rest = bytearray()
    while data := _read(raw):
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            rest += data[start:end][: LINE_BYTES_MAX - len(rest)]
            yield _text(rest)
            rest.clear()
            start = end + 1
        rest += data[start:][: LINE_BYTES_MAX - len(rest)]
    if rest:
        yield _text(rest)


def _read(raw: Raw) -> bytes:
    try:
        return raw.read(READ_BYTES) or b""
    except OSError:  # closed, or a terminal that is gone
        return b""


def _text(line: bytearray) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")


class LineReader:
    """A `LineSource` that reads a file to its end."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._ahead = Semaphore(LINES_AHEAD_MAX)
        self._reported = 0  # since the last release
        self._hidden: Callable[[str], object] | None = None  # gets the next line, which is not shown
        self._echo = Echo()

    def start(
        self, loop: asyncio.AbstractEventLoop, *, on_line: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        """Read from now on, on a thread that cannot be woken from its read."""
        self._loop, self._listener = loop, Listener(on_line, on_end)
        Thread(target=self._work, name="typed", daemon=True).start()

    def release(self) -> None:
        if self._reported:
            self._ahead.release(self._reported)
            self._reported = 0

    def ask_hidden(self, question: str, done: Callable[[str], object]) -> None:
        """Have the next line be the answer to a question: it is not shown. `question` is safe for a terminal."""
        self._hidden = done
        self._echo.hide()
        print(f"{question}: ", end="", file=sys.stderr, flush=True)

    def _report(self, line: str) -> None:
        if self._hidden is None:
            self._reported += 1
            return self._listener.on_line(line)
        done, self._hidden = self._hidden, None
        self._ahead.release()
        self._echo.restore()
        print(file=sys.stderr, flush=True)  # the line break that was typed was not shown either
        done(line)

    def _end(self) -> None:
        if self._hidden is not None:
            self._report("")
        self._listener.on_end()

    def refresh(self) -> None:
        """There is no prompt."""

    async def close(self) -> None:
        """The thread ends with the process."""
        self._echo.restore()

    def restore(self) -> None:
        self._echo.restore()

    def _work(self) -> None:
        try:
            for line in lines_of(self._raw):
                self._ahead.acquire()
                self._loop.call_soon_threadsafe(self._report, line)
            self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:
            assert self._loop.is_closed()  # the program is ending
