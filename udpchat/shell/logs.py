"""Logging: lines for people or objects for programs on stderr, and a file of who came and went. Safe to print, always.

Nothing here ever raises for want of a disk or a reader: a chat goes on without its log.
"""

from __future__ import annotations

import io
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from udpchat.chat.text import json_line, printable
from udpchat.chat.times import iso_time

ACTIVITY: Final = "udpchat.activity"
ACTIVITY_FILE: Final = "activity.log"
ACTIVITY_BYTES_MAX: Final = 4 * 1024 * 1024
ACTIVITY_FILES_KEPT: Final = 3
LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")


class TextFormatter(logging.Formatter):
    """`TIME level subsystem: message`, one line whatever the message holds; a traceback only if `shows_traces`."""

    def __init__(self, *, shows_traces: bool = False) -> None:
        super().__init__()
        self._shows_traces = shows_traces

    def format(self, record: logging.LogRecord) -> str:
        """One line; with a traceback, more."""
        time, name = iso_time(int(record.created * 1000)), record.name.removeprefix("udpchat.")
        line = f"{time} {record.levelname.lower()} {name}: {printable(record.getMessage())}"
        if record.exc_info and self._shows_traces:
            trace = self.formatException(record.exc_info).splitlines()
            return "\n".join([line, *(printable(part) for part in trace)])
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `subsystem`, `message`, and `trace` if `shows_traces`."""

    def __init__(self, *, shows_traces: bool = False) -> None:
        super().__init__()
        self._shows_traces = shows_traces

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        name = record.name.removeprefix("udpchat.")
        value = {"time": iso_time(int(record.created * 1000)), "level": record.levelname.lower(), "subsystem": name}
        value["message"] = printable(record.getMessage())
        if record.exc_info and self._shows_traces:
            value["trace"] = self.formatException(record.exc_info)
        return json_line(value)


def configure(*, level: str, form: str) -> None:
    """Everything that is logged from `level` on goes to stderr."""
    logging.raiseExceptions = False  # a reader of stderr that went away, a full disk: no reason to say so on stderr
    formatter = TextFormatter if form == "text" else JsonFormatter
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(shows_traces=level == "debug"))
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("udpchat").setLevel(level.upper())
    logging.getLogger(ACTIVITY).setLevel(logging.INFO)  # the file has it whatever the level; stderr is asked below
    handler.setLevel(level.upper())


class _PrivateFile(RotatingFileHandler):
    """For its owner's eyes only: who was here is nobody else's business."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)


class ActivityFile:
    """Who came, went and was refused, in a file of the data folder that is turned over when it is large."""

    def __init__(self, folder: Path) -> None:
        self._handler = _PrivateFile(
            folder / ACTIVITY_FILE,
            maxBytes=ACTIVITY_BYTES_MAX,
            backupCount=ACTIVITY_FILES_KEPT,
            encoding="utf-8",
            errors="replace",
            delay=True,
        )
        self._handler.setFormatter(TextFormatter())
        logging.getLogger(ACTIVITY).addHandler(self._handler)

    def reopen(self) -> None:
        """Go on in a new file if somebody moved this one away."""
        self._handler.acquire()
        try:
            stream = self._handler.stream
            if stream is not None:
                self._handler.stream = None
                stream.close()
        finally:
            self._handler.release()

    def close(self) -> None:
        """Write no more."""
        logging.getLogger(ACTIVITY).removeHandler(self._handler)
        self._handler.close()
