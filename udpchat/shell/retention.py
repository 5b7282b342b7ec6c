"""How long a server keeps what is said: the older and the surplus are deleted at its start and every minute.

They go a stretch at a time on the writer's thread, so that what is said meanwhile waits for milliseconds. How much went
is logged once for each round; what was said is not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from udpchat.chat.durations import seconds_of
from udpchat.chat.ids import AUDIT_LOG, INBOX_PREFIX, ROOM_PREFIX, SAID_PREFIXES
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import counted
from udpchat.chat.times import iso_time
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.backup import reading
from udpchat.storage.entry_words import message_of
from udpchat.storage.store_interfaces import Log, StoreError
from udpchat.sync.log import Append, Extent
from udpchat.wire.fields import Value
from udpchat.wire.limits import AUDIT_ENTRIES_MAX, INBOX_ENTRIES_MAX

EVERY_S: Final = 60.0
STRETCH_ENTRIES: Final = 1_024
ENTRIES_DIGITS_MAX: Final = 15
KEPT_S_MIN: Final = 3_600  # below: probably a slip, and what it deletes is gone for good
KEPT_ENTRIES_MIN: Final = 1_000  # of a room; below: probably days (`30` for `30d`)

_logger = logging.getLogger("udpchat.server")


class Retention(Value, frozen=True):
    """What is kept of each room and conversation; None: without that limit."""

    kept_s: int | None = None
    kept_entries: int | None = None


def parse_retention(text: str) -> Retention:
    """`30d`, `10000` or `30d,10000`; empty or `forever`: all. Raises `Problem`."""
    kept: dict[str, int] = {}
    for part in text.split(",") if text.strip().lower() not in ("", "forever") else ():
        word = part.strip()
        seconds = seconds_of(word)
        is_number = word.isascii() and word.isdecimal() and len(word) <= ENTRIES_DIGITS_MAX
        name = "kept_entries" if is_number else "kept_s"
        value = int(word) if is_number else seconds or 0
        if value < 1 or name in kept:
            raise Problem("value.retention")
        kept[name] = value
    return Retention(**kept)


def surplus_end(extent: Extent, since: Callable[[int], int], *, retention: Retention, wall_s: float) -> int:
    """Up to which sequence a log of this extent is to be forgotten; its base if nothing is.

    `since(time_ms)` is the first sequence of that time or later. `wall_s` is the time now, in seconds since 1970.
    """
    end = extent.base
    if retention.kept_entries is not None:
        end = max(end, extent.head - retention.kept_entries)
    if retention.kept_s is not None and extent.head > extent.base:
        oldest_ms = int((wall_s - retention.kept_s) * 1000)
        end = max(end, min(since(max(oldest_ms, 0)) - 1, extent.head))
    return end


def objection(retention: Retention, path: Path, *, wall_clock: Callable[[], float] = time.time) -> Phrase | None:
    """Why a retention is probably a slip, and what it would delete of the log at `path`; None if it is none.

    It is one if it keeps less than KEPT_S_MIN or fewer messages of a room than KEPT_ENTRIES_MIN: `2s`, `30` for `30d`.
    """
    kept_s, kept_entries = retention.kept_s, retention.kept_entries
    few = kept_entries is not None and kept_entries < KEPT_ENTRIES_MIN
    if not few and (kept_s is None or kept_s >= KEPT_S_MIN):
        return None
    deleted, logs, wall_s = 0, 0, wall_clock()
    with suppress(StoreError), reading(path) as tables:  # no log yet, or one that the start will refuse
        for name, place in tables.places.items():
            if name.startswith(SAID_PREFIXES):
                since = partial(tables.reader.since, name)
                end = surplus_end(place.extent, since, retention=retention, wall_s=wall_s)
                deleted += end - place.extent.base
                logs += end > place.extent.base
    return Phrase("retention.now" if deleted else "retention", {
        "limits": (kept_s, kept_entries),
        "entries": deleted,
        "logs": logs,
        "days": kept_entries if few and kept_s is None else None,
    })  # fmt: skip


class Pruner:
    """Keeps a log to its retention. `on_pruned(log)` is called in the loop whenever entries are gone.

    `kept_s_of(room)`: how long the messages of this room are kept, 0: as long as all.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        log: Log,
        *,
        writer: ThreadWriter[Append],
        retention: Retention,
        on_pruned: Callable[[str], None],
        kept_s_of: Callable[[str], int] = lambda room: 0,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._log = log
        self._writer = writer
        self._retention = retention
        self._on_pruned = on_pruned
        self._kept_s_of = kept_s_of
        self._wall_clock = wall_clock
        self._names: deque[str] = deque()  # of the logs that are still to be looked at
        self._deleted: Counter[str] = Counter()  # entries in this round, by log
        self._handle: asyncio.Handle | None = None
        self._is_closed = False

    def start(self) -> None:
        """Begin now, and again every EVERY_S."""
        self._names = deque(name for name in self._log.logs() if self._retention_of(name) != Retention())
        self._look()

    def _retention_of(self, name: str) -> Retention:
        """What is kept of a log."""
        if name.startswith(INBOX_PREFIX):
            return Retention(kept_entries=INBOX_ENTRIES_MAX)
        if name == AUDIT_LOG:
            return Retention(kept_entries=AUDIT_ENTRIES_MAX)
        if not name.startswith(SAID_PREFIXES):
            return Retention()
        kept_s = self._kept_s_of(name[1:]) if name.startswith(ROOM_PREFIX) else 0
        of_all = self._retention
        return of_all.changed(kept_s=min(kept_s, of_all.kept_s or kept_s)) if kept_s else of_all

    def keep(self, retention: Retention) -> None:
        """Keep to this from the next round on."""
        self._retention = retention

    def close(self) -> None:
        """Forget nothing more; what is under way is the writer's."""
        self._is_closed = True
        self._report()
        if self._handle is not None:
            self._handle.cancel()

    def _look(self) -> None:
        """One log at a time: between two of them the loop turns."""
        if self._is_closed:
            return
        if not self._names:
            self._report()
            self._handle = self._loop.call_later(EVERY_S, self.start)
            return
        name = self._names[0]
        try:
            surplus = self._surplus_of(name)
        except StoreError as error:
            _logger.error("cannot find out what is older than --retention keeps: %s", error)
            surplus = None
        if surplus is None:
            self._names.popleft()
            self._handle = self._loop.call_soon(self._look)
        else:
            count = surplus - self._log.extent(name).base
            self._writer.run(lambda: self._log.prune(name, surplus), lambda error: self._after(name, count, error))

    def _surplus_of(self, name: str) -> int | None:
        """Up to where a log is to be forgotten next, if anything of it is."""
        extent = self._log.extent(name)
        since = partial(self._log.since, name)
        end = surplus_end(extent, since, retention=self._retention_of(name), wall_s=self._wall_clock())
        return min(end, extent.base + STRETCH_ENTRIES) if end > extent.base else None

    def _after(self, name: str, count: int, error: StoreError | None) -> None:
        if error is not None:
            _logger.error("cannot delete what is older than --retention keeps, trying again later: %s", error)
            self._names.clear()  # until the next time
        else:
            if name.startswith(SAID_PREFIXES):
                self._deleted[name] += count
            self._on_pruned(name)
        if self._is_closed:
            self._report()
        self._look()

    def _report(self) -> None:
        """One line for the operator on what this round deleted: how much, and what is the oldest left; no texts."""
        deleted, self._deleted = self._deleted, Counter()
        if deleted:
            oldest_ms = min(filter(None, map(self._oldest_ms, deleted)), default=None)
            left = "no message is left there" if oldest_ms is None else f"the oldest left is of {iso_time(oldest_ms)}"
            entries = counted(deleted.total(), "message")
            logs = counted(len(deleted), "room or conversation", "rooms or conversations")
            _logger.info("retention: deleted %s of %s for good; %s", entries, logs, left)

    def _oldest_ms(self, name: str) -> int | None:
        """When the first message that is left of a log was sent; None if there is none, or it cannot be read."""
        with suppress(StoreError):
            for entry in self._log.read(name, self._log.extent(name).base + 1, 1):
                message = message_of(entry)
                return None if message is None else message.time_ms
        return None
