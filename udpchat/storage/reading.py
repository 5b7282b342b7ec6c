"""Reads the tables that the server's log and the client's replicas share: entries by sequence, by time, by words.

The row id of an entry is `log << SEQUENCE_BITS | sequence`: one B-tree without a second index, in which a log is
contiguous. An entry with words has a *moment* too: its time, and a number that no other of this time has. That is its
row id in the indexes of words, so a search reads the latest matches first, and ends with as many as are wanted,
whichever logs they are in.

What others say in private takes no part in a search, not even in the time it takes: messages of rooms, which all may
read, are in one index, those of conversations in another, where each word begins with the number of its conversation
(`entry_words.private_word`). A search looks up the words of the rooms and of the conversations that the person may
read; those of other conversations are other words.
"""

from __future__ import annotations

import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import nlargest
from typing import Final

from udpchat.chat.ids import CONVERSATION_PREFIX, DIRECTORY_LOG, INBOX_PREFIX, ROOM_PREFIX, ROSTER_PREFIX
from udpchat.chat.text import counted
from udpchat.storage.database_file import failures
from udpchat.storage.entry_words import latest, log_token, nick_token, private_word, words_of
from udpchat.storage.store_interfaces import StoreFailed, StoreFull
from udpchat.sync.log import Extent, ReadInterrupted, SearchHit, SearchQuery
from udpchat.wire.fields import Value
from udpchat.wire.limits import LOG_ENTRIES_MAX, SEQUENCE_MAX

SEQUENCE_BITS: Final = LOG_ENTRIES_MAX.bit_length()
LOGS_MAX: Final = 2 ** (63 - SEQUENCE_BITS) - 1
MOMENT_BITS: Final = 20  # of a moment, behind its time in ms: a million messages in each
REACTIONS_READ_MAX: Final = 1_024  # at once
TIME_MS_MAX: Final = 2 ** (63 - MOMENT_BITS) - 1  # the year 2248; later times count as this one
ADVICE: Final = "check the file, or restore a backup"

LOG_IS_INTACT: Final = (  # a row of the table of logs; in a damaged tree, one that was deleted may still be there
    "typeof(name) = 'text' AND length(name) > 0"
    " AND typeof(generation) = 'integer' AND typeof(base) = 'integer' AND typeof(head) = 'integer'"
    f" AND id BETWEEN 1 AND {LOGS_MAX} AND generation BETWEEN 0 AND {SEQUENCE_MAX}"
    f" AND base BETWEEN 0 AND head AND head <= {LOG_ENTRIES_MAX}"
)
_OF_ROOMS: Final = "SELECT rowid FROM words WHERE words MATCH ? AND rowid >= ? ORDER BY rowid DESC LIMIT ?"
_OF_CONVERSATIONS: Final = _OF_ROOMS.replace("words", "private_words")
# Without some logs, whose numbers are a list in JSON: a message of these takes no place within the limit.
_OF_OTHER_ROOMS: Final = (
    "SELECT words.rowid FROM words CROSS JOIN entries ON entries.moment = words.rowid WHERE words MATCH ?1"
    f" AND words.rowid >= ?2 AND entries.id >> {SEQUENCE_BITS} NOT IN (SELECT value FROM json_each(?4))"
    " ORDER BY words.rowid DESC LIMIT ?3"
)


class Place(Value, frozen=True):
    """A log's number in the tables, and its extent."""

    number: int
    extent: Extent

    def row(self, sequence: int) -> int:
        """The row id of an entry; `StoreFull` if it would be one of another log."""
        if not 0 <= sequence <= LOG_ENTRIES_MAX:
            raise StoreFull(f"a log holds {LOG_ENTRIES_MAX:,} entries, and no more")
        return self.number << SEQUENCE_BITS | sequence


def sequence_of(row: int) -> int:
    """The sequence of the entry with this row id."""
    return row & (1 << SEQUENCE_BITS) - 1


def first_moment(time_ms: int) -> int:
    """The smallest moment of a time."""
    return min(time_ms, TIME_MS_MAX) << MOMENT_BITS


def checksum_of(row: int, entry: bytes) -> int:
    """CRC-32 of the row id and the entry: SQLite does not detect a flipped bit or a misplaced row."""
    return zlib.crc32(entry, zlib.crc32(row.to_bytes(8, "big")))


class _Times(Sequence[int]):
    """The times of a log's entries, each read on access."""

    def __init__(self, connection: sqlite3.Connection, place: Place) -> None:
        self._connection = connection
        self._first = place.row(place.extent.base) + 1
        self._count = place.extent.head - place.extent.base

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # no slices
        sql = "SELECT ifnull(CAST(time_ms AS INTEGER), 0) FROM entries WHERE id = ?"  # it may be damaged
        row = self._connection.execute(sql, (self._first + index,)).fetchone()
        return int(row[0]) if row else 0


class TableReader:
    """Reads through one connection, on one thread at a time; `places` is what may be read, and changes after a commit.

    Another thread may call `interrupt`; `begin` forgets that.
    """

    def __init__(self, connection: sqlite3.Connection, places: Mapping[str, Place]) -> None:
        self._connection = connection
        self._places = places
        self._is_interrupted = False

    def begin(self) -> None:
        """Something new is read from here on."""
        self._is_interrupted = False

    def interrupt(self) -> None:
        """Let the read that is under way end soon, with what it has or with `ReadInterrupted`."""
        self._is_interrupted = True
        self._connection.interrupt()

    def extent(self, log: str) -> Extent:
        """How far a log reaches; of one that was never written, the generation is not known here."""
        place = self._places.get(log)
        return place.extent if place else Extent(0, 0, 0)

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        """See `EntryReader.read`; `StoreFailed` if an entry is missing or damaged."""
        entries = self.numbered(log, first, count)
        return [entry for _, entry in entries] if entries and entries[0][0] == first else []

    def numbered(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        """See `ClientStore.read`; `StoreFailed` if an entry is missing or damaged."""
        place = self._places.get(log)
        if place is None:
            return []
        last = min(first + count - 1, place.extent.head)
        first = max(first, place.extent.base + 1)
        if last < first:
            return []
        with self._interruptible():
            rows = self._connection.execute(
                "SELECT id, entry, checksum FROM entries WHERE id BETWEEN ? AND ? ORDER BY id",
                (place.row(first), place.row(last)),
            ).fetchall()
            if len(rows) != last - first + 1:  # damage, or a committed prune that is not in `places` yet
                sql = "SELECT base FROM logs WHERE id = ?"
                base = max((base for (base,) in self._connection.execute(sql, (place.number,))), default=0)
                missing = last - max(first, base + 1) + 1 - len(rows)
                if missing > 0:
                    what = f"{counted(missing, 'entry', 'entries')} of {shown_log(log)} between {first} and {last}"
                    raise StoreFailed(f"not in the file any more: {what}; {ADVICE}")
        return [(sequence_of(row[0]), _intact(log, *row)) for row in rows]

    def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
        """See `ReactionReader.reactions`; of more than REACTIONS_READ_MAX, those to the last messages, as no others are
        looked at: it takes no longer if there are many. `StoreFailed` if an entry is damaged."""
        place = self._places.get(log)
        if place is None or last < first:
            return []
        with self._interruptible():
            rows = self._connection.execute(
                "SELECT e.id, e.entry, e.checksum FROM reactions r JOIN entries e ON e.id = r.row"
                " WHERE r.target BETWEEN ? AND ? ORDER BY r.target DESC LIMIT ?",
                (place.row(max(first, 0)), place.row(last), REACTIONS_READ_MAX),
            ).fetchall()
        return sorted((sequence_of(row[0]), _intact(log, *row)) for row in rows)

    def since(self, log: str, time_ms: int) -> int:
        """See `Searchable.since`."""
        place = self._places.get(log)
        if place is None:
            return 1
        with self._interruptible():
            return place.extent.base + 1 + bisect_left(_Times(self._connection, place), time_ms)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """See `Searchable.search`."""
        since, moments = first_moment(query.since_ms), list[int]()
        try:
            for sql, matching, *without in self._lookups(query) if query.limit > 0 else ():
                with self._interruptible():
                    for (moment,) in self._connection.execute(sql, (matching, since, query.limit, *without)):
                        moments.append(moment)
                if len(moments) >= query.limit:
                    moments = nlargest(query.limit, moments)
                    since = moments[-1]
        except ReadInterrupted:
            if not moments:
                raise
        return self._hits(nlargest(query.limit, moments))

    def _lookups(self, query: SearchQuery) -> Iterator[tuple[str, ...]]:
        """(statement, expression of FTS5) for the conversations, which cost little, and then for the rooms."""
        words, nick = words_of(query.words), None if query.nick is None else nick_token(query.nick)
        if not words and nick is None:
            return
        if query.log is None or query.log.startswith(CONVERSATION_PREFIX):
            for log in self._conversations(query):
                place = self._places.get(log)
                if place is not None:
                    yield _OF_CONVERSATIONS, _matching([private_word(place.number, word) for word in words],
                                                       nick and private_word(place.number, nick))  # fmt: skip
        without = [place.number for log in query.without if (place := self._places.get(log)) is not None]
        if query.log is None and without:
            yield _OF_OTHER_ROOMS, _matching(words, nick), str(without)
        elif query.log is None:
            yield _OF_ROOMS, _matching(words, nick)
        elif query.log.startswith(ROOM_PREFIX) and (place := self._places.get(query.log)) is not None:
            yield _OF_ROOMS, f'{_matching(words, nick)} AND (log : "{log_token(place.number)}")'

    def _conversations(self, query: SearchQuery) -> list[str]:
        names = query.conversations
        if names is None:
            names = tuple(log for log in list(self._places) if log.startswith(CONVERSATION_PREFIX))
        return [name for name in names if query.log in (None, name)]

    def _hits(self, moments: list[int]) -> list[SearchHit]:
        marks = ", ".join("?" * len(moments))
        sql = (
            "SELECT e.id, e.entry, e.checksum, CAST(e.time_ms AS INTEGER), logs.name FROM entries e"
            f" JOIN logs ON logs.id = e.id >> {SEQUENCE_BITS} WHERE e.moment IN ({marks})"
        )
        try:
            with self._interruptible():
                rows = self._connection.execute(sql, moments).fetchall()
        except ReadInterrupted:  # that ends the search, and these are what it has found
            self.begin()
            with self._interruptible():
                rows = self._connection.execute(sql, moments).fetchall()
        found = [SearchHit(row[4], sequence_of(row[0]), row[3], _intact(row[4], *row[:3])) for row in rows]
        return latest(found, len(moments))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Raise errors of SQLite as `StoreError`, and `ReadInterrupted` if that is what they mean."""
        if self._is_interrupted:
            raise ReadInterrupted
        with failures():
            try:
                yield
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                    raise ReadInterrupted from error
                raise


def _matching(words: list[str], nick: str | None) -> str:
    """The expression of FTS5 for messages with all these words, and of this nick if one is given."""
    return " AND ".join([*(f'(text : "{word}")' for word in words), *([f'(nick : "{nick}")'] if nick else [])])


def _intact(log: str, row: int, entry: bytes, checksum: int) -> bytes:
    if not isinstance(entry, bytes) or checksum_of(row, entry) != checksum:
        raise StoreFailed(f"entry {sequence_of(row)} of {shown_log(log)} is damaged; {ADVICE}")
    return entry


def shown_log(log: str) -> str:
    """A log's name for the operator: no prefix, no hash."""
    if log == DIRECTORY_LOG:
        return "the list of nicks and topics"
    kinds = {CONVERSATION_PREFIX: "a conversation", INBOX_PREFIX: "an inbox"}
    return kinds.get(log[:1]) or log.removeprefix(ROOM_PREFIX).removeprefix(ROSTER_PREFIX)
