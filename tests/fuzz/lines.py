"""Which lines of udpchat run: what guides a fuzzer to inputs that reach what no input reached before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import udpchat

PACKAGE = str(Path(udpchat.__file__).parent)
FRUITLESS_MAX = 300  # calls of a function without a new line; from then on, one in SELDOM is traced
SELDOM = 16

Trace = Callable[[FrameType, str, Any], Any]


class LineCoverage:
    """Notes each line of the package the first time that it runs inside `noting`.

    A function whose lines all have run is not traced any more, and one that has long shown nothing new only now and
    then: what runs often soon costs little. `is_exact`: it is traced each time nevertheless.
    """

    def __init__(self, *, is_exact: bool = False) -> None:
        self._left: dict[CodeType, _Left] = {}
        self._fruitless_max = 2**62 if is_exact else FRUITLESS_MAX
        self._found: list[tuple[CodeType, int]] = []

    @contextmanager
    def noting(self) -> Iterator[list[tuple[CodeType, int]]]:
        """While this is open, and afterwards, the list holds the lines that ran for the first time."""
        found = self._found = []
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            yield found
        finally:
            sys.settrace(before)

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        left = self._left.get(frame.f_code)
        if left is None:
            left = self._left[frame.f_code] = _Left(frame.f_code)
        if not left.lines:
            return None
        left.fruitless += 1
        return self._on_line if left.fruitless <= self._fruitless_max or not left.fruitless % SELDOM else None

    def _on_line(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        left = self._left[frame.f_code]
        if frame.f_lineno in left.lines and event == "line":
            left.lines.discard(frame.f_lineno)
            left.fruitless = 0
            self._found.append((frame.f_code, frame.f_lineno))
        return self._on_line if left.lines else None


class _Left:
    """The lines of a function that have not run yet, and how many calls ago one of them last did."""

    __slots__ = ("fruitless", "lines")

    def __init__(self, code: CodeType) -> None:
        self.fruitless = 0
        self.lines = lines_of(code) if code.co_filename.startswith(PACKAGE) else set()


def lines_of(code: CodeType) -> set[int]:
    """The lines of a function that have code of their own, but for the one that it begins with."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
