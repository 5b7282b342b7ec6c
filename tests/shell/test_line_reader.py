from __future__ import annotations

import asyncio
import io
import threading

from tests.shell.waiting import run_until
from udpchat.shell import line_reader as typed
from udpchat.shell.line_reader import LINES_AHEAD_MAX, LineReader, lines_of


class Chunks:
    """Gives one chunk for each read; then fails or ends."""

    def __init__(self, *chunks: bytes, error: OSError | None = None) -> None:
        self._chunks, self._error = list(chunks), error

    def read(self, size: int, /) -> bytes:
        if self._chunks:
            return self._chunks.pop(0)
        if self._error is not None:
            raise self._error
        return b""


def test_lines_come_whole_however_they_are_cut() -> None:
    assert list(lines_of(Chunks(b"on", b"e\ntw", b"o\r\n\nthree"))) == ["one", "two", "", "three"]
    assert list(lines_of(Chunks("grün\n".encode()[:3], "grün\n".encode()[3:]))) == ["grün"]


def test_what_is_not_utf_8_is_replaced() -> None:
    assert list(lines_of(Chunks(b"a\xffb\n"))) == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_line_without_end_takes_bounded_memory(monkeypatch: object) -> None:
    limit = typed.LINE_BYTES_MAX
    found = list(lines_of(Chunks(*[b"x" * 65_536] * (limit // 65_536 + 5), b"tail\nnext\n")))
    assert [len(line) for line in found] == [limit, 4]


def test_a_terminal_that_is_gone_is_the_end() -> None:
    assert list(lines_of(Chunks(b"one\n", error=OSError(5, "Input/output error")))) == ["one"]


def test_lines_and_then_the_end_are_reported_in_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    got: list[str] = []
    threads: set[int] = set()

    def on_line(line: str) -> None:
        got.append(line)
        threads.add(threading.get_ident())

    LineReader(io.BytesIO(b"one\ntwo")).start(loop, on_line=on_line, on_end=lambda: got.append("the end"))
    run_until(loop, lambda: "the end" in got)
    assert got == ["one", "two", "the end"]
    assert threads == {threading.get_ident()}


def test_no_more_is_read_ahead_than_is_released(loop: asyncio.AbstractEventLoop) -> None:
    count = 3 * LINES_AHEAD_MAX
    pipe = Pipe(count)
    got: list[str] = []
    lines = LineReader(pipe)
    lines.start(loop, on_line=got.append, on_end=lambda: got.append("the end"))
    for released in (LINES_AHEAD_MAX, 2 * LINES_AHEAD_MAX):
        run_until(loop, lambda released=released: len(got) == released)
        pipe.reads_allowed = released + LINES_AHEAD_MAX + 1  # the next line is read, and waits
        lines.release()
    run_until(loop, lambda: got[-1:] == ["the end"])
    assert got == ["x"] * count + ["the end"] and not pipe.was_read_ahead


class Pipe:
    """Gives a line for each read, and notes a read that was not allowed yet."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._reads = 0
        self.reads_allowed = LINES_AHEAD_MAX + 1
        self.was_read_ahead = False

    def read(self, size: int, /) -> bytes:
        self._reads += 1
        self.was_read_ahead = self.was_read_ahead or self._reads > self.reads_allowed
        return b"x\n" if self._reads <= self._count else b""
