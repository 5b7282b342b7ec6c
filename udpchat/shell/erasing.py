"""Removes what people said whose accounts were erased: from all rooms and conversations, and who they were from the
activity files (SPEC 6.12).

The directory says whose, and up to when. A file of the data folder says for whom that is done: who ends the server
meanwhile loses nothing, for the next start begins anew; and so it does with a log that was restored from a backup.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from udpchat.chat.ids import SAID_PREFIXES
from udpchat.chat.text import counted
from udpchat.session.noise import user_id
from udpchat.shell.data_folder import ERASED_FILE, put_file
from udpchat.shell.logs import ACTIVITY, ACTIVITY_FILE
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.protocol import StoreError
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.tables import Removed
from udpchat.sync.log import Append

STRETCH_ENTRIES: Final = 1_024  # looked at in one transaction: what is said meanwhile waits for milliseconds
DONE_BYTES_MAX: Final = 1024 * 1024

_logger = logging.getLogger("udpchat.server")

Place = tuple[str, int, int]  # log, first, last
Counts = Mapping[str, int | str]  # what was removed: `messages`, `logs`, `lines`; and the `problem`, if there was one


class Erasure:
    """What is to be done for these accounts, a stretch at a time, and what was done. `found`: with the nicks known."""

    def __init__(self, folder: Path, log: SqliteLog, accounts: Mapping[bytes, int]) -> None:
        self._folder = folder
        self._log = log
        done = _done(folder)
        users = {user_id(account): erased_ms for account, erased_ms in accounts.items()}
        self._until_ms = {user: erased_ms for user, erased_ms in users.items() if done.get(user, -1) < erased_ms}
        self._has_begun = False  # to purge
        self.nicks: set[str] = set()
        self.messages = 0
        self.logs: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return bool(self._until_ms)

    def stretches(self) -> Iterator[Place]:
        """All that is to be looked at."""
        for name in self._log.logs() if self._until_ms else ():
            extent = self._log.extent(name)
            if name.startswith(SAID_PREFIXES):
                for first in range(extent.base + 1, extent.head + 1, STRETCH_ENTRIES):
                    yield name, first, first + STRETCH_ENTRIES - 1

    def erase(self, stretch: Place) -> list[Removed]:
        """Remove what is found there. Raises `StoreError`."""
        return self._log.erase(*stretch, self._until_ms)

    def purge(self) -> bool:
        """Take a step to remove the words of that from the file; False once they are. Raises `StoreError`."""
        begins, self._has_begun = not self._has_begun, True
        return bool(self) and self._log.merge_words(begins=begins)  # also if an interrupted run has removed it all

    def note(self, stretch: Place, removed: Iterable[Removed]) -> None:
        """So much was removed."""
        for each in removed:
            self.messages += 1
            self.logs.add(stretch[0])
            self.nicks.add(each.nick)

    def finish(self, log_file: Path | None = None) -> int:
        """All is looked at: how many lines about them went too. It is not done again."""
        lines = forget_activity(self._folder, self.nicks - {""}, log_file)
        done = {**_done(self._folder), **self._until_ms}
        with suppress(OSError):  # then the next start does it once more
            put_file(self._folder / ERASED_FILE, "".join(f"{user.hex()} {ms}\n" for user, ms in done.items()))
        messages = counted(self.messages, "message")
        logs = counted(len(self.logs), "room or conversation", "rooms or conversations")
        _logger.info("erased %s in %s for good, and %s of activity", messages, logs, counted(lines, "line"))
        return lines


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
        self._folder = folder
        self._log = log
        self._writer = writer
        self._accounts = accounts
        self._on_removed = on_removed
        self._on_forgotten = on_forgotten
        self._log_file = log_file
        self._nicks: set[str] = set()  # of accounts that were erased, as the core reported them
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
            self._begin({"messages": 0, "logs": 0, "lines": 0})

    def _begin(self, counts: dict[str, int]) -> None:
        erasure = Erasure(self._folder, self._log, self._accounts())
        erasure.nicks, self._nicks = self._nicks, set()
        self._is_running = bool(erasure)
        if erasure:
            return self._go_on(erasure, erasure.stretches(), counts)
        self._answer(counts)

    def _answer(self, counts: Counts) -> None:
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(counts)

    def _go_on(self, erasure: Erasure, stretches: Iterator[Place], counts: dict[str, int]) -> None:
        if self._is_closed:
            return None
        stretch = next(stretches, None)
        if stretch is not None:
            removed: list[Removed] = []
            job = partial(_keep, removed, erasure, stretch)
            return self._writer.run(job, partial(self._after, erasure, stretches, counts, stretch, removed))
        self._purge(erasure, counts)

    def _purge(self, erasure: Erasure, counts: dict[str, int]) -> None:
        steps: list[bool] = []

        def after(error: StoreError | None) -> None:
            if error is not None:
                self._give_up(error, counts)
            elif steps[0] and not self._is_closed:
                self._purge(erasure, counts)
            elif not self._is_closed:
                self._finish(erasure, counts)

        self._writer.run(lambda: steps.append(erasure.purge()), after)

    def _finish(self, erasure: Erasure, counts: dict[str, int]) -> None:
        counts["messages"] += erasure.messages
        counts["logs"] += len(erasure.logs)
        counts["lines"] += erasure.finish(self._log_file)
        self._on_forgotten()
        self._begin(counts)  # another account may have been erased meanwhile

    def _after(
        self,
        erasure: Erasure,
        stretches: Iterator[Place],
        counts: dict[str, int],
        stretch: Place,
        removed: list[Removed],
        error: StoreError | None,
    ) -> None:
        if error is not None:
            return self._give_up(error, counts)
        erasure.note(stretch, removed)
        for each in removed:
            self._on_removed(stretch[0], each.sequence)
        self._go_on(erasure, stretches, counts)

    def _give_up(self, error: StoreError, counts: dict[str, int]) -> None:
        _logger.error("cannot erase, the next start tries again: %s", error)
        self._is_running = False
        self._answer({**counts, "problem": str(error)})


def _keep(removed: list[Removed], erasure: Erasure, stretch: Place) -> None:
    removed += erasure.erase(stretch)


def erase_at_once(folder: Path, log: SqliteLog, accounts: Mapping[bytes, int], nicks: Iterable[str]) -> dict[str, int]:
    """The same where no server runs; the counts. Raises `StoreError`."""
    erasure = Erasure(folder, log, accounts)
    erasure.nicks.update(nicks)
    for stretch in erasure.stretches():
        erasure.note(stretch, erasure.erase(stretch))
    while erasure.purge():
        pass
    lines = erasure.finish() if erasure else 0
    return {"messages": erasure.messages, "logs": len(erasure.logs), "lines": lines}
