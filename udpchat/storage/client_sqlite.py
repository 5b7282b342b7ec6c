"""The client's store on SQLite: instance, outbox, labels, rooms and replicas in one file, for one process at a time.

A request is synced to the disk before `write` returns. If its counter were lost, another request would reuse it, and
the server would answer with the result of the first. Entries are not synced at once, because the server can send them
again. Results are not either, until the unsynced ones could exceed those that the server remembers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from udpchat.client import stored
from udpchat.storage.client_rows import READABLE, set_aside_unreadable
from udpchat.storage.database_file import Progress, Schema, failures, opening, transaction
from udpchat.storage.reading import Place
from udpchat.storage.store_interfaces import RUN_COUNTERS, StoreError
from udpchat.storage.tables import FORGET_ENTRIES, REACTIONS, STATEMENTS, TableStore
from udpchat.sync.log import Extent
from udpchat.wire.limits import CACHES_BYTES_MAX, INSTANCE_BYTES, REQUESTS_IN_FLIGHT_MAX, STORE_BYTES_MAX

CLIENT = Schema(
    title="the store of a udpchat client",
    application_id=0x75644D43,  # "udMC"
    application_ids_before=(
        0x75647063,  # "udpc": its requests and results are of version 2 of the protocol
        0x75644C43,  # "udLC": its entries had no moments
    ),
    migrations=(
        (
            *STATEMENTS,
            "CREATE TABLE outbox (counter INTEGER PRIMARY KEY, body BLOB NOT NULL)",
            "CREATE TABLE identity (instance BLOB NOT NULL, next_counter INTEGER NOT NULL)",
            """CREATE TABLE labels (
                counter INTEGER PRIMARY KEY, id TEXT NOT NULL, line INTEGER NOT NULL,
                digest BLOB NOT NULL, result BLOB NOT NULL, UNIQUE (id, line))""",
            "CREATE TABLE rooms (position INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        ),
        REACTIONS,
        ("CREATE TABLE account (key BLOB NOT NULL)",),
    ),
)

_ASKING: Final = (stored.RequestAdded, stored.RequestRenumbered)  # they are sent once they are on the disk
_FORGET_LABELS = (
    "DELETE FROM labels WHERE counter IN (SELECT counter FROM labels WHERE id != ?"
    " AND counter NOT IN (SELECT counter FROM outbox) ORDER BY counter LIMIT ?)"
)


class SqliteClientStore(TableStore):
    """A `ClientStore` in the file `path`; None: in memory. Raises `StoreUnusable`, also if another process uses it.

    It holds about `bytes_max` (None: STORE_BYTES_MAX, in memory CACHES_BYTES_MAX). Beyond, the oldest entries of the
    longest log make room: the server has them, and what a person has not sent yet is never among them.
    """

    def __init__(self, path: Path | None, *, progress: Progress | None = None, bytes_max: int | None = None) -> None:
        self.set_aside: dict[str, int] = {}  # how many rows of each table could not be read
        super().__init__(path, CLIENT, progress, self._begin_run)
        with opening(path or Path()):
            self._tables.skip_used_numbers()
        self._is_durable = path is not None
        self._bytes_max = bytes_max or (CACHES_BYTES_MAX if path is None else STORE_BYTES_MAX)
        self.has_forgotten = False  # whether this run has deleted entries to keep within `bytes_max`
        self._unsynced_answers = 0
        self._run_first = 0  # the first counter of this run

    def _begin_run(self) -> None:
        self._writer.execute("PRAGMA synchronous = FULL")
        with transaction(self._writer):
            self.set_aside = set_aside_unreadable(self._writer)
        if self._writer.execute("SELECT 1 FROM identity").fetchone() is None:
            self._writer.execute("INSERT INTO identity VALUES (?, 1)", (os.urandom(INSTANCE_BYTES),))

    @property
    def is_durable(self) -> bool:
        return self._is_durable

    def load(self, label_id: str = "") -> stored.ClientState:
        """See `ClientStore`. It reserves the counters of this run, even if its requests are never written."""
        with failures():
            instance, next_counter = self._reader.execute("SELECT instance, next_counter FROM identity").fetchone()
            (labels,) = self._reader.execute("SELECT count(*) FROM labels").fetchone()
        self._run_first = next_counter
        with transaction(self._writer):
            self._writer.execute("UPDATE identity SET next_counter = ?", (next_counter + RUN_COUNTERS,))
            if labels > stored.LABELS_MAX:
                self._writer.execute(_FORGET_LABELS, (label_id, labels - stored.LABELS_MAX))
        with failures():
            found = self._reader.execute("SELECT line, counter, digest, result FROM labels WHERE id = ?", (label_id,))
            of_input = {line: stored.Labelled(*labelled) for line, *labelled in found}
            labelled = self._reader.execute("SELECT counter FROM outbox JOIN labels USING (counter)")
            waiting = frozenset(counter for (counter,) in labelled)
            rooms = tuple(name for (name,) in self._reader.execute("SELECT name FROM rooms ORDER BY position"))
            (account,) = self._reader.execute("SELECT coalesce(max(key), x'') FROM account").fetchone()
        replicas = {log: (place.extent.generation, place.extent.head) for log, place in self._tables.places.items()}
        return stored.ClientState(
            instance, next_counter, tuple(self.unanswered()), replicas,
            labels=of_input, labelled=waiting, rooms=rooms, account=account,
        )  # fmt: skip

    def unanswered(self) -> list[tuple[int, bytes]]:
        """See `ClientStore`. A damaged tree may have rows that cannot be set aside: they are left out."""
        is_readable = READABLE["outbox"][1]
        with failures():
            rows = self._reader.execute("SELECT counter, body FROM outbox ORDER BY counter").fetchall()
        return [row for row in rows if is_readable(*row)]

    def write(self, batch: Sequence[stored.Write]) -> None:
        """One transaction."""
        with failures():
            self._unsynced_answers += sum(isinstance(item, stored.RequestDone) for item in batch)
            is_due = self._unsynced_answers > REQUESTS_IN_FLIGHT_MAX or any(
                isinstance(item, stored.RequestDone) and item.counter < self._run_first for item in batch
            )  # of an earlier run: the server remembers only the latest counters, and this run's are much higher
            level = "FULL" if is_due or any(isinstance(item, _ASKING) for item in batch) else "NORMAL"
            self._writer.execute(f"PRAGMA synchronous = {level}")
        changed: dict[str, Place] = {}
        with self._tables.transaction():
            for item in batch:
                match item:
                    case stored.RequestAdded():
                        self._ask(item)
                    case stored.RequestRenumbered():
                        self._renumber(item)
                    case stored.RequestDone(counter, result):
                        self._writer.execute("DELETE FROM outbox WHERE counter = ?", (counter,))
                        if result:
                            self._writer.execute("UPDATE labels SET result = ? WHERE counter = ?", (result, counter))
                    case stored.EntriesStored():
                        changed[item.log] = self._hold(item, changed.get(item.log) or self._tables.places.get(item.log))
                    case stored.ReplicaReset():
                        place = changed.get(item.log) or self._tables.places.get(item.log)
                        changed[item.log] = self._rebase(item, place)
                    case stored.RoomsChanged(rooms):
                        self._writer.execute("DELETE FROM rooms")
                        self._writer.executemany("INSERT INTO rooms VALUES (?, ?)", enumerate(rooms))
                    case stored.AccountKnown(account):
                        self._writer.execute("DELETE FROM account")
                        self._writer.executemany("INSERT INTO account VALUES (?)", [(account,)] if account else [])
        self._tables.places.update(changed)
        if level == "FULL":
            self._unsynced_answers = 0
        if any(isinstance(item, stored.EntriesStored) for item in batch):
            with suppress(StoreError):  # the batch is written
                self._make_room()

    def _make_room(self) -> None:
        """Delete the oldest entries of the longest log until the store is within its bounds, or holds none."""
        while self._size() > self._bytes_max:
            longest = max(self._tables.places, key=lambda log: _count(self._tables.places[log]), default="")
            if not longest or not _count(self._tables.places[longest]):
                return
            self.has_forgotten = True
            extent = self._tables.places[longest].extent
            self._tables.prune(longest, min(extent.base + FORGET_ENTRIES, extent.head))

    def _size(self) -> int:
        """The bytes in use: the pages that are free do not count, they are used next."""
        with failures():
            used, free, page_bytes = (
                self._writer.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((used - free) * page_bytes)

    def _ask(self, asked: stored.RequestAdded) -> None:
        self._writer.execute("INSERT OR REPLACE INTO outbox VALUES (?, ?)", (asked.counter, asked.body))
        self._writer.execute("UPDATE identity SET next_counter = max(next_counter, ?)", (asked.counter + 1,))
        match asked.label:
            case stored.Label(identity, line):
                row = (asked.counter, identity, line, stored.digest_of(asked.body), b"")
                self._writer.execute("INSERT INTO labels VALUES (?, ?, ?, ?, ?)", row)

    def _renumber(self, moved: stored.RequestRenumbered) -> None:
        for table in ("outbox", "labels"):
            self._writer.execute(f"UPDATE {table} SET counter = ? WHERE counter = ?", (moved.counter, moved.former))
        self._writer.execute("UPDATE identity SET next_counter = max(next_counter, ?)", (moved.counter + 1,))

    def _hold(self, held: stored.EntriesStored, place: Place | None) -> Place:
        extent = place.extent if place else Extent(held.generation, 0, 0)
        assert (held.generation, held.first) == (extent.generation, extent.head + 1), f"{held.log} has a hole"
        grown = Extent(extent.generation, extent.base, extent.head + len(held.entries))
        place = self._tables.grown([(held.log, place, grown)])[held.log]
        self._tables.insert((held.log, place, held.first + at, entry, None) for at, entry in enumerate(held.entries))
        return place

    def _rebase(self, rebased: stored.ReplicaReset, place: Place | None) -> Place:
        if place is not None:
            self._tables.forget(rebased.log, place, place.extent.base + 1, place.extent.head)
        anew = Extent(rebased.generation, rebased.sequence, rebased.sequence)
        return self._tables.grown([(rebased.log, place, anew)])[rebased.log]

    def extent(self, log: str) -> Extent:
        place = self._tables.places.get(log)
        return place.extent if place else Extent(0, 0, 0)

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        return self._tables.reader.numbered(log, first, count)

    def last(self, log: str, count: int) -> list[tuple[int, bytes]]:
        return self.read(log, self.extent(log).head + 1 - count, count)

    def close(self) -> None:
        self._held.close()


def _count(place: Place) -> int:
    return place.extent.head - place.extent.base
