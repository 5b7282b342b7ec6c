"""The standard streams as a client wants them: raw input, UTF-8 output that is flushed, and a quiet end of a pipe."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from udpchat.shell.line_reader import Raw


def complete_streams() -> None:
    """Where one of the three is closed, nothing is read, and what is written is dropped; and the output has a buffer.

    Else the next file to be opened, a database say, would be given the number of the stream, and what is meant for it.
    And without a buffer (PYTHONUNBUFFERED) Python takes a write that a signal or the end of the reader cut short for a
    whole one: the rest would be lost unnoticed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.FileIO):
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=sys.stdout.encoding, errors="replace")


def standard_input() -> Raw:
    """Standard input without a buffer; an empty file if there is none."""
    with suppress(OSError, ValueError, AttributeError):  # None, closed, or not a file
        return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    return io.BytesIO()


def prepare_output() -> None:
    """Write UTF-8 to pipes, whatever the locale, and the terminal's encoding to terminals; no character raises."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


class OutputFailed(Exception):
    """Standard output cannot be written, though somebody reads it; one line that says why."""


def writing_to(stream: TextIO | None) -> Callable[[str], None]:
    """A function that writes text and flushes it, or does nothing if there is no such stream.

    Raises BrokenPipeError once nobody reads, and `OutputFailed` if the text cannot be written: a full disk, say.
    """

    def write(text: str) -> None:
        if stream is None:
            return
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:  # ValueError: it was closed
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputFailed(f"cannot write to standard output: {reason}") from error

    return write


def remark(text: str) -> None:
    """Write text to standard error; failures are ignored, for the program can go on without it."""
    with suppress(BrokenPipeError, OutputFailed):
        writing_to(sys.stderr)(text)


def abandon_output() -> None:
    """Give up standard output: without this, Python flushes it once more at exit and reports the error."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
