"""Removes what people said whose accounts were erased: from all rooms and conversations, and who they were from the
activity files (SPEC 6.12).

The directory says whose, and up to when. A file of the data folder says for whom that is done: who ends the server
meanwhile loses nothing, for the next start begins anew; and so it does with a log that was restored from a backup.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from udpchat.chat.ids import SAID_PREFIXES
from udpchat.chat.text import counted
from udpchat.session.noise import user_id
from udpchat.shell.data_folder import ERASED_FILE, put_file
from udpchat.shell.logging_setup import ACTIVITY, ACTIVITY_FILE
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreError
from udpchat.storage.tables import Removed
from udpchat.sync.log import Append

STRETCH_ENTRIES: Final = 1_024  # looked at in one transaction: what is said meanwhile waits for milliseconds
DONE_BYTES_MAX: Final = 1024 * 1024

_logger = logging.getLogger("udpchat.server")

Counts = Mapping[str, int | str]  # what was removed: `messages`, `logs`, `lines`; and the `problem`, if there was one
Steps = Generator[Callable[[], Any], Any, None]


def _erasing(
    folder: Path,
    log: SqliteLog,
    counts: dict[str, int],
    *,
    accounts: Callable[[], Mapping[bytes, int]],
    nicks: set[str],
    on_removed: Callable[[str, int], object] = lambda log, sequence: None,
    log_file: Path | None = None,
) -> Steps:
    """The jobs to do with the log, a stretch at a time, each of which is sent what it gave; until nothing is left to
    erase. `counts` grows; `nicks`: of the accounts, as far as they are known. Others are as of `Eraser`.
    """
    while until_ms := _undone(folder, accounts()):  # another account may have been erased meanwhile
        named, logs = set(nicks), set()
        nicks.clear()
        for name in filter(lambda name: name.startswith(SAID_PREFIXES), log.logs()):
            extent = log.extent(name)
            for first in range(extent.base + 1, extent.head + 1, STRETCH_ENTRIES):
                removed: list[Removed] = yield partial(log.erase, name, first, first + STRETCH_ENTRIES - 1, until_ms)
                counts["messages"] += len(removed)
                for each in removed:
                    logs.add(name)
                    named.add(each.nick)
                    on_removed(name, each.sequence)
        is_first = True
        while (yield partial(log.merge_words, begins=is_first)):  # also if an interrupted run has removed it all
            is_first = False
        lines = forget_activity(folder, named - {""}, log_file)
        counts["logs"] += len(logs)
        counts["lines"] += lines
        done = {**_done(folder), **until_ms}
        with suppress(OSError):  # then the next start does it once more
            put_file(folder / ERASED_FILE, "".join(f"{user.hex()} {ms}\n" for user, ms in done.items()))
        messages = counted(counts["messages"], "message")
        where = counted(counts["logs"], "room or conversation", "rooms or conversations")
        _logger.info("erased %s in %s for good, and %s of activity", messages, where, counted(lines, "line"))


def _undone(folder: Path, accounts: Mapping[bytes, int]) -> dict[bytes, int]:
    """The users of these accounts of whom something is to be erased, and up to when that was said."""
    done, users = _done(folder), {user_id(account): erased_ms for account, erased_ms in accounts.items()}
    return {user: erased_ms for user, erased_ms in users.items() if done.get(user, -1) < erased_ms}


def _no_counts() -> dict[str, int]:
    return {"messages": 0, "logs": 0, "lines": 0}


def forget_activity(folder: Path, nicks: Iterable[str], log_file: Path | None = None) -> int:
    """Remove the lines about people of these nicks from the activity files, and from the file of the log, if there is
    one; how many. What cannot be written stays."""
    named = "|".join(map(re.escape, nicks))
    pattern = re.compile(rf'(?:{ACTIVITY.removeprefix("udpchat.")}: |"message": ")(?:{named}) ')
    paths = [*folder.glob(f"{ACTIVITY_FILE}*"), *(log_file.parent.glob(f"{log_file.name}*") if log_file else ())]
    removed = 0
    for path in sorted(paths) if named else ():
        with suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            kept = [line for line in lines if not pattern.search(line)]
            if len(kept) < len(lines):
                put_file(path, "".join(kept))
                removed += len(lines) - len(kept)
    return removed


def _done(folder: Path) -> dict[bytes, int]:
    """For which users that is done, and up to when; those in lines that cannot be read are done again."""
    found: dict[bytes, int] = {}
    with suppress(OSError), (folder / ERASED_FILE).open("rb") as file:
        for line in file.read(DONE_BYTES_MAX).splitlines():
            with suppress(ValueError):
                user, erased_ms = line.split()
                found[bytes.fromhex(user.decode())] = int(erased_ms)
    return found


class Eraser:
    """Erases beside a running server, on its writer's thread.

    `accounts()` gives those to erase; `log_file` is that of the server's log, if it has one. In the loop
    `on_removed(log, sequence)` is called for each entry that went, and `on_forgotten()` once the log files are others.
    """

    def __init__(
        self,
        folder: Path,
        log: SqliteLog,
        *,
        writer: ThreadWriter[Append],
        accounts: Callable[[], Mapping[bytes, int]],
        on_removed: Callable[[str, int], None],
        on_forgotten: Callable[[], object],
        log_file: Path | None = None,
    ) -> None:
        self._writer = writer
        self._on_forgotten = on_forgotten
        self._nicks: set[str] = set()  # of accounts that were erased, as the core reported them
        self._steps = partial(
            _erasing, folder, log, accounts=accounts, nicks=self._nicks, on_removed=on_removed, log_file=log_file
        )
        self._waiting: list[Callable[[Counts], object]] = []
        self._is_running = False
        self._is_closed = False

    def close(self) -> None:
        """Erase nothing more; the next start goes on."""
        self._is_closed = True

    def add_nicks(self, nicks: Iterable[str]) -> None:
        """They were those of an account that was erased."""
        self._nicks.update(nicks)

    def start(self, then: Callable[[Counts], object] | None = None) -> None:
        """Erase what is to be erased; `then` is given the counts once nothing is left to do."""
        if then is not None:
            self._waiting.append(then)
        if not self._is_running:
            counts = _no_counts()
            self._go_on(self._steps(counts), counts, None)

    def _go_on(self, steps: Steps, counts: dict[str, int], result: Any) -> None:
        """Have the next job done, which follows from the result of the one before."""
        try:
            job = steps.send(result)
        except StopIteration:
            if self._is_running:
                self._on_forgotten()
            return self._end(counts)
        if self._is_closed:
            return
        found: list[Any] = []
        self._is_running = True

        def after(error: StoreError | None) -> None:
            if error is None:
                return self._go_on(steps, counts, *found)
            _logger.error("cannot erase, the next start tries again: %s", error)
            self._end({**counts, "problem": str(error)})

        self._writer.run(lambda: found.append(job()), after)

    def _end(self, counts: Counts) -> None:
        self._is_running = False
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(counts)


def erase_at_once(folder: Path, log: SqliteLog, accounts: Mapping[bytes, int], nicks: Iterable[str]) -> dict[str, int]:
    """The same where no server runs; the counts. Raises `StoreError`."""
    counts, result = _no_counts(), None
    steps = _erasing(folder, log, counts, accounts=lambda: accounts, nicks=set(nicks))
    with suppress(StopIteration):
        while True:
            result = steps.send(result)()
    return counts
