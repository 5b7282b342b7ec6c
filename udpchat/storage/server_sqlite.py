"""The server's log on SQLite (SPEC 7): one file, WAL, one connection that writes and one that reads.

What `append` waits for, and what can be lost, by durability:

- fsync   the write-ahead log is synced to the disk. Neither kill -9 nor a power failure loses entries.
- os      the system has the data. kill -9 loses nothing; a power failure may lose the latest seconds, never the file.
- memory  as os, but without any sync, not even at a checkpoint. A power failure may lose the latest seconds or
          damage the file. The next start checks for that, and refuses a damaged file.

Entries lost in a power failure leave no trace in the file. So the file records the durability and the boot of its last
run, and whether it was closed. After a run without fsync that was not closed, perhaps in another boot of the machine,
all logs get new generations, which clients see in `Extent`. Only Linux has boot ids; elsewhere a kill counts as a
power failure. A file replaced by hand cannot be detected: use `restore` (backup.py).
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path

from udpchat.storage.database_file import Progress, Schema, connect, failures, is_disk_fault, opening, transaction
from udpchat.storage.entry_words import generation_of
from udpchat.storage.insertion import insert_rows
from udpchat.storage.reading import LOG_IS_INTACT, TableReader
from udpchat.storage.store_interfaces import ANSWERED_MAX, Durability, StoreError, StoreFailed, StoreFull, StoreUnusable
from udpchat.storage.tables import REACTIONS, STATEMENTS, Removed, TableStore, connect_reader
from udpchat.sync.log import Append, Extent

BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
SEED_BYTES = 16
ANSWERS_SURPLUS_MAX = 64  # of a client, beyond those that are recalled
CLIENTS_COUNTED_MAX = 4_096
CHECKPOINT_UNITS = 100  # about half a thousand pages: 100 batches, or so many KiB
CHECKPOINTS_IN_A_ROW = 3  # the write-ahead log begins anew once all of it is in the file
WAL_PAGES_MAX = 4_000  # then a batch does not wait for that any more, and takes what is left there itself
SYNCHRONOUS = {Durability.FSYNC: "FULL", Durability.OS: "NORMAL", Durability.MEMORY: "OFF"}

SERVER = Schema(
    title="the log of a udpchat server",
    application_id=0x75644D53,  # "udMS"
    application_ids_before=(
        0x75647053,  # "udpS": its table of answers named the client id `author`
        0x75644C53,  # "udLS": one index of words held what was said in rooms and in private
    ),
    migrations=(
        (
            *STATEMENTS,
            """CREATE TABLE answers (
                client_id BLOB NOT NULL, counter INTEGER NOT NULL, log TEXT NOT NULL, sequence INTEGER NOT NULL,
                PRIMARY KEY (client_id, counter)) WITHOUT ROWID""",
            """CREATE TABLE run (
                seed BLOB NOT NULL, durability TEXT NOT NULL, boot TEXT NOT NULL, closed INTEGER NOT NULL)""",
            "INSERT INTO run VALUES (randomblob(16), 'fsync', '', 1)",
        ),
        REACTIONS,
    ),
)

_RUN_IS_INTACT = (
    "typeof(seed) = 'blob' AND length(seed) BETWEEN 1 AND 64 AND typeof(durability) = 'text'"
    " AND typeof(boot) = 'text' AND typeof(closed) = 'integer'"
)


def boot() -> str:
    """The id of this boot of the machine; empty if the system has none."""
    try:
        return BOOT_FILE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def redraw_generations(connection: sqlite3.Connection) -> None:
    """Give every log a new generation, also logs not written yet. The caller runs the transaction."""
    seed = os.urandom(SEED_BYTES)
    connection.execute("UPDATE run SET seed = ?", (seed,))
    names = [name for (name,) in connection.execute("SELECT name FROM logs").fetchall()]
    rows = [(generation_of(seed, name), name) for name in names]
    connection.executemany("UPDATE logs SET generation = ? WHERE name = ?", rows)


def _reaching(extent: Extent, head: int) -> Extent:
    """The extent of the same log with another head."""
    return Extent(extent.generation, extent.base, head)


class SqliteLog(TableStore):
    """A `Log` in the file `path`, or `StoreUnusable`.

    `queries` reads it for one other thread, and `checkpoint` is for a third.
    `is_checkpoint_due`: whether so much was written that it should be called.
    """

    def __init__(
        self, path: Path, *, durability: Durability = Durability.FSYNC, progress: Progress | None = None
    ) -> None:
        self._failed: StoreError | None = None
        self._closed = False
        self._added: dict[bytes, int] = {}  # answers of each client since old ones of it were deleted; the latest last
        super().__init__(path, SERVER, progress, partial(self._begin_run, path, durability))
        with ExitStack() as undo, opening(path):
            undo.enter_context(self._held)
            self._query_connection = self._held.enter_context(closing(connect_reader(path)))
            self._checkpoints = self._held.enter_context(closing(connect(path)))
            level = SYNCHRONOUS[durability].replace("FULL", "NORMAL")  # a checkpoint is synced at either
            self._checkpoints.execute(f"PRAGMA synchronous = {level}")
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
            self._tables.merge_in_steps()
            undo.pop_all()
        self._unchecked_units = 0.0
        self.queries = TableReader(self._query_connection, self._tables.places)

    def _begin_run(self, path: Path, durability: Durability) -> None:
        """Record how this run uses the file, after a check whether the last run may have lost entries."""
        self._check_lists(path)
        before, boot_before, closed = self._writer.execute("SELECT durability, boot, closed FROM run").fetchone()
        this_boot = boot()
        may_have_lost = not closed and before != Durability.FSYNC and (not this_boot or this_boot != boot_before)
        if may_have_lost and before == Durability.MEMORY:
            (verdict,) = self._writer.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                advice = "restore a backup, or move it away"
                raise StoreUnusable(f"{path} was spoilt by a power failure ({verdict}); {advice}")
        self._writer.execute("PRAGMA synchronous = FULL")
        with transaction(self._writer):
            if may_have_lost:
                redraw_generations(self._writer)
            self._writer.execute("UPDATE run SET durability = ?, boot = ?, closed = 0", (durability.value, this_boot))
        self._writer.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        (self._seed,) = self._writer.execute("SELECT seed FROM run").fetchone()

    def _check_lists(self, path: Path) -> None:
        """`StoreUnusable` if the tables `run` and `logs`, which every run begins with, hold what none has written."""
        (runs,) = self._writer.execute(f"SELECT count(*) FROM run WHERE {_RUN_IS_INTACT}").fetchone()
        sql = f"SELECT count(*) FROM logs WHERE NOT coalesce({LOG_IS_INTACT}, 0)"
        (damaged,) = self._writer.execute(sql).fetchone()
        if runs != 1 or damaged:
            what = "its list of logs" if damaged else "its record of the last run"
            raise StoreUnusable(f"{path} is damaged ({what}); restore a backup, or move it away to start anew")

    # --- Reading ----------

    def extent(self, log: str) -> Extent:
        place = self._tables.places.get(log)
        return place.extent if place else Extent(generation_of(self._seed, log), 0, 0)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        return self._tables.reader.read(log, first, count)

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        """The latest ANSWERED_MAX requests, ordered by counter."""
        with failures():
            rows = self._reader.execute(
                "SELECT counter, log, sequence FROM answers WHERE client_id = ? ORDER BY counter DESC LIMIT ?",
                (client_id, ANSWERED_MAX),
            ).fetchall()
        return rows[::-1]

    # --- Writing ----------

    def append(self, batch: Sequence[Append]) -> None:
        """One transaction. After a failed sync or damage all writes are refused: the file's content is in doubt."""
        before = {log: self.extent(log) for log in {item.log: None for item in batch}}
        heads = {log: extent.head for log, extent in before.items()}
        for item in batch:
            assert item.sequence == heads[item.log] + 1, f"{item.log} continues with {heads[item.log] + 1}"
            heads[item.log] = item.sequence
        answers = [
            (item.origin.client_id, item.origin.counter, item.log, item.sequence) for item in batch if item.origin
        ]
        with self._writing(), self._tables.transaction():
            places = self._tables.grown(
                (log, self._tables.places.get(log), _reaching(extent, heads[log])) for log, extent in before.items()
            )
            self._tables.insert(
                (item.log, places[item.log], item.sequence, item.entry, item.message) for item in batch
            )
            try:
                insert_rows(self._writer, "INSERT OR FAIL INTO answers", answers)
            except sqlite3.IntegrityError as error:
                raise AssertionError("a request of this batch is answered already") from error
            self._forget_answers(Counter([client_id for client_id, _, _, _ in answers]))
        self._tables.places.update(places)
        self._unchecked_units += 1 + sum(len(item.entry) for item in batch) / 1024

    @property
    def is_checkpoint_due(self) -> bool:
        return self._unchecked_units >= CHECKPOINT_UNITS

    def checkpoint(self) -> None:
        """Copy what was written from the write-ahead log into the file, while others read and write.

        A batch that does that itself takes 30 ms more. Raises `StoreError`; then it is done later.
        """
        self._unchecked_units = 0.0
        with failures():
            for _ in range(CHECKPOINTS_IN_A_ROW):
                _, pages, copied = self._checkpoints.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if copied == pages:
                    return

    def _forget_answers(self, added: Mapping[bytes, int]) -> None:
        """Delete what is recalled no more, of each client with its first answer of this run, and then now and then.

        It takes as long as to add ten answers. `added`: how many were, by client.
        """
        due = []
        for client_id, count in added.items():
            before = self._added.pop(client_id, ANSWERS_SURPLUS_MAX)
            if before + count > ANSWERS_SURPLUS_MAX:
                due.append(client_id)
            self._added[client_id] = 0 if before + count > ANSWERS_SURPLUS_MAX else before + count
        for client_id in list(islice(self._added, max(len(self._added) - CLIENTS_COUNTED_MAX, 0))):
            del self._added[client_id]  # as if it were seen for the first time when it writes again
        self._writer.executemany(
            "DELETE FROM answers WHERE client_id = ?1 AND counter < (SELECT min(counter) FROM"
            " (SELECT counter FROM answers WHERE client_id = ?1 ORDER BY counter DESC LIMIT ?2))",
            [(client_id, ANSWERED_MAX) for client_id in due],
        )

    def prune(self, log: str, base: int) -> None:
        with self._writing():
            self._tables.prune(log, base)

    def redact(self, log: str, sequence: int, tombstone: bytes) -> None:
        """One transaction. The words cannot be found any more; FTS5 erases their bytes when it merges that segment."""
        place = self._tables.places.get(log)
        if place is not None and place.extent.base < sequence <= place.extent.head:
            with self._writing(), self._tables.transaction():
                self._tables.replace(log, place, sequence, tombstone)

    def erase(self, log: str, first: int, last: int, until_ms: Mapping[bytes, int]) -> list[Removed]:
        """Remove what these authors (user ids) said up to a time in ms, of the entries `first` to `last`. One
        transaction."""
        place = self._tables.places.get(log)
        if place is None:
            return []
        with self._writing(), self._tables.transaction():
            extent = place.extent
            return self._tables.erase(log, place, max(first, extent.base + 1), min(last, extent.head), until_ms)

    def merge_words(self, *, begins: bool) -> bool:
        """Take a step to get the words out of the file that were deleted; False once that is done. One transaction."""
        with self._writing(), self._tables.transaction():
            return self._tables.merge_words(begins=begins)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._failed is not None:
            raise StoreFailed(f"nothing is written since: {self._failed}; see to the disk and start again")
        try:
            yield
        except StoreFailed as error:
            if is_disk_fault(error):
                self._failed = error
            raise

    def close(self) -> None:
        """Sync everything, whatever the durability, then mark the file as closed. After a disk fault, neither."""
        if self._closed:
            return
        self._closed = True
        with self._held:
            self._reader.close()  # a reader would block the checkpoint
            self._query_connection.close()
            self._checkpoints.close()
            if self._failed is None:
                with suppress(StoreFull):  # not marked as closed: the next start safely treats it as a kill
                    self._end_run()

    def _end_run(self) -> None:
        with failures():
            self._writer.execute("PRAGMA synchronous = FULL")
            with transaction(self._writer):
                self._writer.execute("UPDATE run SET closed = 0")  # a checkpoint syncs only if it has pages to copy
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with transaction(self._writer):
                self._writer.execute("UPDATE run SET closed = 1")
