"""The standard streams as a client wants them: raw input, UTF-8 output that is flushed, and a quiet end of a pipe."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from udpchat.shell.typed import Raw


def standard_input() -> Raw:
    """Standard input without a buffer; at its end at once if there is none."""
    with suppress(OSError, ValueError, AttributeError):  # None, closed, or not a file
        return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    return io.BytesIO()


def prepare_output() -> None:
    """A pipe gets UTF-8, whatever the locale; a terminal what it can show. No character makes writing fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


def writing_to(stream: TextIO | None) -> Callable[[str], None]:
    """Writes text and flushes it; raises BrokenPipeError once nobody reads. Nothing if there is no such stream."""

    def write(text: str) -> None:
        if stream is not None:
            stream.write(text)
            stream.flush()

    return write


def abandon_output() -> None:
    """Nobody reads standard output any more: keep Python from trying again, and complaining, when it exits."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
