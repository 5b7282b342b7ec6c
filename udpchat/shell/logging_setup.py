"""Logging: lines for people or objects for programs, on stderr and in a file, and a file of who came and went.

They are safe to print, always. After the start nothing here raises for want of a disk or a reader: a chat goes on
without its log.
"""

from __future__ import annotations

import io
import ipaddress
import logging
import os
import re
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from udpchat.chat.phrase import Problem
from udpchat.chat.text import json_line, printable
from udpchat.chat.times import iso_time
from udpchat.wire.fields import Value

ACTIVITY: Final = "udpchat.activity"
ACTIVITY_FILE: Final = "activity.log"
ACTIVITY_BYTES_MAX: Final = 4 * 1024 * 1024
ACTIVITY_FILES_KEPT: Final = 3
LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")
ADDRESS_LEFT_OUT: Final = "(address)"
_MAYBE_ADDRESS: Final = re.compile(r"[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*[0-9A-Fa-f:](?:%\w+)?")
_OWN_LINE: Final = re.compile(rb'(\{"time": ")?20\d\d-\d\d-\d\dT')  # how a log of ours begins


class LogUnusable(Problem):
    """The file of the log cannot be used."""


class LogOptions(Value, frozen=True):
    """What the server logs, from `level` on, and in which of FORMATS; to `file` too, if there is one.

    A file of `file_bytes` is turned over, and so many are kept beside it. Without `addresses` no line has one.
    """

    level: str
    format: str
    file: Path | None
    file_bytes: int
    files_kept: int
    addresses: bool


class TextFormatter(logging.Formatter):
    """`TIME level subsystem: message`, one line whatever the message holds; a traceback only if `shows_traces`, and
    addresses only if `shows_addresses`.
    """

    def __init__(self, *, shows_traces: bool = False, shows_addresses: bool = True) -> None:
        super().__init__()
        self._shows_traces = shows_traces
        self._shows_addresses = shows_addresses

    def format(self, record: logging.LogRecord) -> str:
        """One line; with a traceback, more."""
        text = self._draw(record)
        return text if self._shows_addresses else without_addresses(text)

    def _draw(self, record: logging.LogRecord) -> str:
        time, name = iso_time(int(record.created * 1000)), record.name.removeprefix("udpchat.")
        line = f"{time} {record.levelname.lower()} {name}: {printable(record.getMessage())}"
        if record.exc_info and self._shows_traces:
            trace = self.formatException(record.exc_info).splitlines()
            return "\n".join([line, *(printable(part) for part in trace)])
        return line


class JsonFormatter(TextFormatter):
    """One JSON object a line: `time`, `level`, `subsystem`, `message`, what the record has as `fields`, and `trace`."""

    def _draw(self, record: logging.LogRecord) -> str:
        name = record.name.removeprefix("udpchat.")
        value: dict[str, Any] = {"time": iso_time(int(record.created * 1000)), "level": record.levelname.lower()}
        value |= {"subsystem": name, "message": printable(record.getMessage()), **getattr(record, "fields", {})}
        if record.exc_info and self._shows_traces:
            value["trace"] = self.formatException(record.exc_info)
        return json_line(value)


def without_addresses(text: str) -> str:
    """A text with ADDRESS_LEFT_OUT for every address of a machine in it."""
    return _MAYBE_ADDRESS.sub(lambda found: _left_out(found[0]), text)


def _left_out(text: str) -> str:
    """An address is left out, also with a port or a colon behind it; other texts stay."""
    for end in (len(text), text.rfind(":")):
        with suppress(ValueError):
            ipaddress.ip_address(text[:end])
            return ADDRESS_LEFT_OUT + text[end:]
    return text


def formatter_of(options: LogOptions) -> TextFormatter:
    """What draws lines as they are wanted."""
    kind = TextFormatter if options.format == "text" else JsonFormatter
    return kind(shows_traces=options.level == "debug", shows_addresses=options.addresses)


def configure(options: LogOptions) -> None:
    """Everything that is logged from the level on goes to stderr, and to the file. Raises `LogUnusable`."""
    logging.raiseExceptions = False  # a reader of stderr that went away, a full disk: no reason to say so on stderr
    root = logging.getLogger()
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if options.file is not None:
        handlers.append(_open_log(options.file, options))
    for former in list(root.handlers):
        root.removeHandler(former)
        if isinstance(former, _PrivateFile):
            former.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger(ACTIVITY).setLevel(logging.INFO)  # its file has it whatever the level; others are asked below
    change_lines(options)


def change_lines(options: LogOptions) -> None:
    """From now on log from this level on, and in this form, to where it went before."""
    level = options.level.upper()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter_of(options))
        handler.setLevel(level)
    logging.getLogger("udpchat").setLevel(level)


def reopen_files() -> None:
    """Go on in new files if somebody moved those away that are written."""
    for handler in (*logging.getLogger().handlers, *logging.getLogger(ACTIVITY).handlers):
        if isinstance(handler, _PrivateFile):
            handler.reopen()


def _open_log(path: Path, options: LogOptions) -> _PrivateFile:
    """The file of the log. One that is there must be a log: a slip must not write into another file."""
    try:
        if path.is_file():
            with path.open("rb") as there:
                begin = there.read(32)
            if begin and not _OWN_LINE.match(begin):
                raise LogUnusable("log_unusable.other", path=path)
        return _PrivateFile(path, bytes_max=options.file_bytes, files_kept=options.files_kept, delay=False)
    except OSError as error:
        raise LogUnusable("log_unusable", path=path, reason=error.strerror or str(error)) from error


class _PrivateFile(RotatingFileHandler):
    """For its owner's eyes only: who was here is nobody else's business."""

    def __init__(self, path: Path, *, bytes_max: int, files_kept: int, delay: bool) -> None:
        """`delay`: it is not opened before there is something to write."""
        super().__init__(
            path, maxBytes=bytes_max, backupCount=files_kept, encoding="utf-8", errors="replace", delay=delay
        )

    def reopen(self) -> None:
        """Go on in a new file if somebody moved this one away."""
        self.acquire()
        try:
            stream, self.stream = self.stream, None  # the next line opens it, as at first
            if stream is not None:
                stream.close()
        finally:
            self.release()

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)


class ActivityFile:
    """Who came, went and was refused, in a file of the data folder that is turned over when it is large."""

    def __init__(self, folder: Path, *, shows_addresses: bool = True) -> None:
        self._handler = _PrivateFile(
            folder / ACTIVITY_FILE, bytes_max=ACTIVITY_BYTES_MAX, files_kept=ACTIVITY_FILES_KEPT, delay=True
        )
        self._handler.setFormatter(TextFormatter(shows_addresses=shows_addresses))
        logging.getLogger(ACTIVITY).addHandler(self._handler)

    def close(self) -> None:
        """Write no more."""
        logging.getLogger(ACTIVITY).removeHandler(self._handler)
        self._handler.close()
