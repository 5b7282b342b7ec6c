"""How long a server keeps what is said: the older and the surplus are forgotten at its start and every minute.

They go a stretch at a time on the writer's thread, so that what is said meanwhile waits for milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from udpchat.chat.message import CONVERSATION_PREFIX, ROOM_PREFIX
from udpchat.shell.moments import seconds_of
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.log import Log, StoreError
from udpchat.sync.log import Append

EVERY_S: Final = 60.0
STRETCH_ENTRIES: Final = 1_024
ENTRIES_DIGITS_MAX: Final = 15

_logger = logging.getLogger("udpchat.server")


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept of each room and conversation; 0: without that limit."""

    kept_s: int = 0
    kept_entries: int = 0


def parse_retention(text: str) -> Retention:
    """`30d`, `10000` or `30d,10000`; empty or `forever`: all. ValueError says what is right."""
    kept = {"kept_s": 0, "kept_entries": 0}
    for part in text.split(",") if text.strip().lower() not in ("", "forever") else ():
        word = part.strip()
        seconds = seconds_of(word)
        is_number = word.isascii() and word.isdecimal() and len(word) <= ENTRIES_DIGITS_MAX
        name = "kept_entries" if is_number else "kept_s"
        value = int(word) if is_number else seconds or 0
        if value < 1 or kept[name]:
            raise ValueError("write how long (30d), how many messages of a room (10000), both (30d,10000), or forever")
        kept[name] = value
    return Retention(**kept)


class Pruner:
    """Keeps a log to its retention. `on_pruned(log)` is called in the loop whenever entries are gone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        log: Log,
        *,
        writer: ThreadWriter[Append],
        retention: Retention,
        on_pruned: Callable[[str], None],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._log = log
        self._writer = writer
        self._retention = retention
        self._on_pruned = on_pruned
        self._wall_clock = wall_clock
        self._names: deque[str] = deque()  # of the logs that are still to be looked at
        self._handle: asyncio.Handle | None = None
        self._is_closed = False

    def start(self) -> None:
        """Begin now, and again every EVERY_S; nothing if all is kept."""
        if self._retention != Retention():
            self._begin()

    def close(self) -> None:
        """Forget nothing more; what is under way is the writer's."""
        self._is_closed = True
        if self._handle is not None:
            self._handle.cancel()

    def _begin(self) -> None:
        prefixes = (ROOM_PREFIX, CONVERSATION_PREFIX)
        self._names = deque(name for name in self._log.logs() if name.startswith(prefixes))
        self._look()

    def _look(self) -> None:
        """One log at a time: between two of them the loop turns."""
        if self._is_closed:
            return
        if not self._names:
            self._handle = self._loop.call_later(EVERY_S, self._begin)
            return
        name = self._names[0]
        try:
            surplus = self._surplus_of(name)
        except StoreError as error:
            _logger.error("cannot see what is too old: %s", error)
            surplus = None
        if surplus is None:
            self._names.popleft()
            self._handle = self._loop.call_soon(self._look)
        else:
            self._writer.run(lambda: self._log.prune(name, surplus), lambda error: self._after(name, error))

    def _surplus_of(self, name: str) -> int | None:
        """Up to where a log is to be forgotten next, if anything of it is."""
        extent = self._log.extent(name)
        end = extent.base
        if self._retention.kept_entries:
            end = max(end, extent.head - self._retention.kept_entries)
        if self._retention.kept_s and extent.head > extent.base:
            oldest_ms = int((self._wall_clock() - self._retention.kept_s) * 1000)
            end = max(end, min(self._log.since(name, max(oldest_ms, 0)) - 1, extent.head))
        return min(end, extent.base + STRETCH_ENTRIES) if end > extent.base else None

    def _after(self, name: str, error: StoreError | None) -> None:
        if error is not None:
            _logger.error("cannot forget what is too old: %s", error)
            self._names.clear()  # until the next time
        else:
            self._on_pruned(name)
        self._look()
