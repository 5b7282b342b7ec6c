"""The tables that the server's log and the client's replicas share: logs, entries, and the FTS5 index of words.

The row id of an entry is `log << SEQUENCE_BITS | sequence`: one B-tree without a second index, in which a log is
contiguous. The index has the same ids and no copy of the texts; to delete words from it, entries are parsed again.
"""

from __future__ import annotations

import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from udpchat.chat.ids import CONVERSATION_PREFIX, DIRECTORY_LOG, INBOX_PREFIX, ROOM_PREFIX, ROSTER_PREFIX
from udpchat.chat.text import counted
from udpchat.storage.lock import StoreLock
from udpchat.storage.migrations import Progress, Schema, connect, failures, in_memory, opening, prepare, transaction
from udpchat.storage.protocol import StoreFailed
from udpchat.storage.text_index import latest, message_of, nick_token, time_of, words_of
from udpchat.sync.log import Extent, SearchHit, SearchQuery
from udpchat.wire.content import Message

SEQUENCE_BITS = 40  # a million messages a second for twelve days; 23 bits remain for the number of the log
LOGS_MAX = 2**23 - 1
ADVICE = "check the file, or restore a backup"
FORGET_ENTRIES = 1_024  # per transaction, so that an append waits only milliseconds
FEW_MAX = 2_000  # up to so many matches, a search reads all logs at once

_MATCHING = (  # the cross join: first the index, then the entries
    "SELECT e.id, e.entry, e.checksum, CAST(e.time_ms AS INTEGER) FROM words CROSS JOIN entries e ON e.id = words.rowid"
    " WHERE words MATCH ?"
)

STATEMENTS = (
    """CREATE TABLE logs (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        generation INTEGER NOT NULL, base INTEGER NOT NULL, head INTEGER NOT NULL)""",
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY, entry BLOB NOT NULL, checksum INTEGER NOT NULL, time_ms INTEGER NOT NULL)""",
    """CREATE VIRTUAL TABLE words USING fts5(
        text, nick, content = '', tokenize = 'unicode61 remove_diacritics 2')""",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A log's number in the tables, and its extent."""

    number: int
    extent: Extent

    def row(self, sequence: int) -> int:
        return self.number << SEQUENCE_BITS | sequence


def checksum_of(row: int, entry: bytes) -> int:
    """CRC-32 of the row id and the entry: SQLite does not detect a flipped bit or a misplaced row."""
    return zlib.crc32(entry, zlib.crc32(row.to_bytes(8, "big")))


class _Times(Sequence[int]):
    """The times of a log's entries, each read on access."""

    def __init__(self, reader: sqlite3.Connection, place: Place) -> None:
        self._reader = reader
        self._first = place.row(place.extent.base + 1)
        self._count = place.extent.head - place.extent.base

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # no slices
        sql = "SELECT CAST(time_ms AS INTEGER) FROM entries WHERE id = ?"
        row = self._reader.execute(sql, (self._first + index,)).fetchone()
        return int(row[0]) if row else 0

    def last(self) -> int:
        """The time of the latest entry; 0 if there is none."""
        return self[self._count - 1]


class Tables:
    """Reads through one connection, writes through another, and has every log's extent in memory.

    `places` changes only after the commit, so a reader on another thread sees only what is in the file.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self.places: dict[str, Place] = {}
        with failures():
            for number, name, *extent in reader.execute("SELECT id, name, generation, base, head FROM logs"):
                self.places[name] = Place(number, Extent(*extent))
        self._number_max = max((place.number for place in self.places.values()), default=0)

    def skip_used_numbers(self) -> None:
        """No log is made with the number of one whose entries are here, but which is not known any more."""
        with failures():
            (row_max,) = self._reader.execute("SELECT max(id) FROM entries").fetchone()
        self._number_max = max(self._number_max, (row_max or 0) >> SEQUENCE_BITS)

    # --- Reading ----------

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        """See `ClientStore.read`; `StoreFailed` if an entry is missing or damaged."""
        place = self.places.get(log)
        if place is None:
            return []
        last = min(first + count - 1, place.extent.head)
        first = max(first, place.extent.base + 1)
        if last < first:
            return []
        with failures():
            rows = self._reader.execute(
                "SELECT id, entry, checksum FROM entries WHERE id BETWEEN ? AND ? ORDER BY id",
                (place.row(first), place.row(last)),
            ).fetchall()
            if len(rows) != last - first + 1:  # damage, or a committed prune that is not in `places` yet
                sql = "SELECT base FROM logs WHERE id = ?"
                base = max((base for (base,) in self._reader.execute(sql, (place.number,))), default=0)
                missing = last - max(first, base + 1) + 1 - len(rows)
                if missing > 0:
                    what = f"{counted(missing, 'entry', 'entries')} of {shown_log(log)} between {first} and {last}"
                    raise StoreFailed(f"not in the file any more: {what}; {ADVICE}")
        return [(_sequence(row[0]), _intact(log, *row)) for row in rows]

    def since(self, log: str, time_ms: int) -> int:
        """See `Searchable.since`."""
        place = self.places.get(log)
        if place is None:
            return 1
        with failures():
            return place.extent.base + 1 + bisect_left(_Times(self._reader, place), time_ms)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """See `Searchable.search`."""
        terms = [f'(text : "{word}")' for word in words_of(query.words)]
        if query.nick is not None:
            terms.append(f'(nick : "{nick_token(query.nick)}")')
        if not terms or query.limit <= 0:
            return []
        matching = " AND ".join(terms)
        places = {name: place for name, place in list(self.places.items()) if query.covers(name)}
        found = self._find_few(matching, places, query.since_ms) if query.log is None else None
        if found is None:
            found = self._find_latest(matching, places, query.since_ms, query.limit)
        return latest(found, query.limit)

    def _find_few(self, matching: str, places: dict[str, Place], since_ms: int) -> list[SearchHit] | None:
        """All matches in `places`, by one query over the whole index; None if it finds more than FEW_MAX."""
        with failures():
            rows = self._reader.execute(f"{_MATCHING} LIMIT ?", (matching, FEW_MAX + 1)).fetchall()
        if len(rows) > FEW_MAX:
            return None
        names = {place.number: name for name, place in places.items()}
        known = [row for row in rows if row[3] >= since_ms and row[0] >> SEQUENCE_BITS in names]
        return [_found(names[row[0] >> SEQUENCE_BITS], row) for row in known]

    def _find_latest(self, matching: str, places: dict[str, Place], since_ms: int, limit: int) -> list[SearchHit]:
        """The latest matches. Logs with the latest entries come first, so that the search can stop early."""
        found: list[SearchHit] = []
        with failures():
            ends = {name: _Times(self._reader, place).last() for name, place in places.items()}
        for name in sorted(ends, key=lambda name: ends[name], reverse=True):
            if len(found) >= limit:
                found = latest(found, limit)
                since_ms = max(since_ms, found[0].time_ms)
            if ends[name] < since_ms:
                break
            place = places[name]
            first = self.since(name, since_ms) if since_ms > 0 else place.extent.base + 1
            span = (place.row(first), place.row(place.extent.head))
            sql = f"{_MATCHING} AND words.rowid BETWEEN ? AND ? ORDER BY words.rowid DESC LIMIT ?"
            with failures():
                rows = self._reader.execute(sql, (matching, *span, limit)).fetchall()
            found += [_found(name, row) for row in rows]
        return found

    # --- Writing: the caller runs the transaction and then updates `places`; only `prune` does both itself ----------

    def grown(self, name: str, place: Place | None, extent: Extent) -> Place:
        """Write the new extent of a log and return its place; the log is created if `place` is None."""
        if place is None:
            self._number_max += 1
            assert self._number_max <= LOGS_MAX
            place = Place(self._number_max, extent)
        self._writer.execute(
            "INSERT INTO logs VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " generation = excluded.generation, base = excluded.base, head = excluded.head",
            (place.number, name, extent.generation, extent.base, extent.head),
        )
        return Place(place.number, extent)

    def insert(self, rows: list[tuple[int, bytes]]) -> None:
        """Insert entries, each with its row id, and their words."""
        entries, words = [], []
        for row, entry in rows:
            message = message_of(entry)
            entries.append((row, entry, checksum_of(row, entry), time_of(message)))
            if isinstance(message, Message):
                words.append((row, message.text, nick_token(message.nick)))
        self._writer.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", entries)
        self._writer.executemany("INSERT INTO words (rowid, text, nick) VALUES (?, ?, ?)", words)

    def replace(self, place: Place, sequence: int, entry: bytes) -> None:
        """Replace an entry by one that is not indexed, and delete its words; the time stays."""
        row = place.row(sequence)
        self._forget_words(row, row)
        self._writer.execute(
            "UPDATE entries SET entry = ?, checksum = ? WHERE id = ?", (entry, checksum_of(row, entry), row)
        )

    def forget(self, place: Place, first: int, last: int) -> None:
        """Delete the entries `first` to `last` and their words."""
        self._forget_words(place.row(first), place.row(last))
        self._writer.execute("DELETE FROM entries WHERE id BETWEEN ? AND ?", (place.row(first), place.row(last)))

    def _forget_words(self, first_row: int, last_row: int) -> None:
        rows = self._writer.execute("SELECT id, entry FROM entries WHERE id BETWEEN ? AND ?", (first_row, last_row))
        words = []
        for row, entry in rows:
            if isinstance(message := message_of(entry), Message):
                words.append((row, message.text, nick_token(message.nick)))
        self._writer.executemany("INSERT INTO words (words, rowid, text, nick) VALUES ('delete', ?, ?, ?)", words)

    def prune(self, log: str, base: int) -> None:
        """See `Log.prune`. Each transaction deletes up to FORGET_ENTRIES."""
        while (place := self.places.get(log)) is not None and place.extent.base < min(base, place.extent.head):
            extent = place.extent
            last = min(base, extent.head, extent.base + FORGET_ENTRIES)
            with transaction(self._writer):
                self.forget(place, extent.base + 1, last)
                place = self.grown(log, place, Extent(extent.generation, last, extent.head))
            self.places[log] = place


class TableStore:
    """What the stores of the server and of the client have in common: a file with its lock, and two connections."""

    def __init__(self, path: Path | None, schema: Schema, progress: Progress | None, begin: Callable[[], None]) -> None:
        """`begin` prepares `_writer` for this run, before the tables are read. Raises `StoreUnusable`.

        `path` None: a store in memory, with one connection; then one thread may use it.
        """
        with ExitStack() as stack:
            if path is None:
                self._writer = self._reader = stack.enter_context(closing(in_memory(schema)))
                begin()
                self._tables = Tables(self._writer, self._reader)
            else:
                with opening(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                stack.callback(StoreLock(path).release)
                prepare(path, schema, progress)
                with opening(path):
                    self._writer = stack.enter_context(closing(connect(path)))
                    begin()
                    self._reader = stack.enter_context(closing(connect(path)))
                    self._reader.execute("PRAGMA query_only = ON")
                    self._tables = Tables(self._writer, self._reader)
            self._held = stack.pop_all()

    def logs(self) -> list[str]:
        return list(self._tables.places)

    def since(self, log: str, time_ms: int) -> int:
        return self._tables.since(log, time_ms)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return self._tables.search(query)


def _sequence(row: int) -> int:
    return row & (1 << SEQUENCE_BITS) - 1


def _found(log: str, row: tuple[int, bytes, int, int]) -> SearchHit:
    return SearchHit(log, _sequence(row[0]), row[3], _intact(log, *row[:3]))


def _intact(log: str, row: int, entry: bytes, checksum: int) -> bytes:
    if not isinstance(entry, bytes) or checksum_of(row, entry) != checksum:
        raise StoreFailed(f"entry {_sequence(row)} of {shown_log(log)} is damaged; {ADVICE}")
    return entry


def shown_log(log: str) -> str:
    """A log's name for the operator: no prefix, no hash."""
    if log == DIRECTORY_LOG:
        return "the list of nicks and topics"
    kinds = {CONVERSATION_PREFIX: "a conversation", INBOX_PREFIX: "an inbox"}
    return kinds.get(log[:1]) or log.removeprefix(ROOM_PREFIX).removeprefix(ROSTER_PREFIX)
