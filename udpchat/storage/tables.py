"""The tables that the server's log and the client's replicas share, and writing them: logs, entries, indexes of words.

reading.py says what row ids and moments are, and why there are two indexes. To delete words from one (word_index.py),
entries are parsed again.

An entry that edits or removes an earlier one is applied to that one as it is written, in the same transaction
(chat/amendments has the rules): whoever reads later finds what the message says now. An edit keeps its own text only
while the message that it changed has that text and is here, so that no entry keeps what was removed or replaced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from udpchat.chat.amendments import AMENDING, amended, edited_by, emptied, is_about, is_added, reference_of
from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX
from udpchat.storage.database_file import Progress, Schema, connect, failures, in_memory, opening, prepare, transaction
from udpchat.storage.entry_words import log_token, message_of, nick_token, private_text, private_word, time_of
from udpchat.storage.insertion import insert_rows
from udpchat.storage.lock import StoreLock
from udpchat.storage.reading import (
    LOG_IS_INTACT,
    LOGS_MAX,
    MOMENT_BITS,
    SEQUENCE_BITS,
    TIME_MS_MAX,
    Place,
    TableReader,
    checksum_of,
    first_moment,
)
from udpchat.storage.store_interfaces import StoreFull
from udpchat.storage.word_index import WordIndex, Words
from udpchat.sync.log import Extent, SearchHit, SearchQuery
from udpchat.wire.content import EDIT, Message, Tombstone
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX

FORGET_ENTRIES = 1_024  # per transaction, so that an append waits only milliseconds

STATEMENTS = (
    """CREATE TABLE logs (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        generation INTEGER NOT NULL, base INTEGER NOT NULL, head INTEGER NOT NULL)""",
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY, entry BLOB NOT NULL, checksum INTEGER NOT NULL, time_ms INTEGER NOT NULL,
        moment INTEGER)""",
    "CREATE UNIQUE INDEX moments ON entries (moment) WHERE moment IS NOT NULL",
    """CREATE VIRTUAL TABLE words USING fts5(
        text, nick, log, content = '', tokenize = 'unicode61 remove_diacritics 2')""",
    """CREATE VIRTUAL TABLE private_words USING fts5(
        text, nick, content = '', tokenize = 'unicode61 remove_diacritics 2')""",
)
REACTIONS = (  # the present ones: row ids of a message and of the entry that reacts to it
    """CREATE TABLE reactions (
        target INTEGER NOT NULL, emoji TEXT NOT NULL, author BLOB NOT NULL, row INTEGER NOT NULL,
        PRIMARY KEY (target, emoji, author)) WITHOUT ROWID""",
)
_WITH_NEW_EXTENT = (
    "ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, base = excluded.base, head = excluded.head"
)


def _words(log: str, place: Place, moment: int, message: Message) -> Words:
    """What the index of a log's kind holds of a message."""
    number, nick = place.number, nick_token(message.nick)
    if log[0] == CONVERSATION_PREFIX:
        return moment, private_text(number, message.text), private_word(number, nick)
    return moment, message.text, nick, log_token(number)


class Removed(NamedTuple):
    """An entry that was removed, and the nick that it was said under."""

    sequence: int
    nick: str


class Tables:
    """Reads through one connection (`reader`), writes through another, and has every log's extent in memory.

    `places` changes only after the commit, so a reader on another thread sees only what is in the file.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer = writer
        self.places: dict[str, Place] = {}
        self.reader = TableReader(reader, self.places)
        self._indexes = {
            ROOM_PREFIX: WordIndex(writer, "words", "text", "nick", "log"),
            CONVERSATION_PREFIX: WordIndex(writer, "private_words", "text", "nick"),
        }
        with failures():
            for number, name, *extent in reader.execute(
                f"SELECT id, name, generation, base, head FROM logs WHERE {LOG_IS_INTACT}"
            ):
                self.places[name] = Place(number, Extent(*extent))
        self._number_max = max((place.number for place in self.places.values()), default=0)
        self._moment_max: int | None = None  # of all entries, once one is written

    def merge_in_steps(self) -> None:
        """See `WordIndex`."""
        for index in self._indexes.values():
            index.merge_in_steps()

    def skip_used_numbers(self) -> None:
        """No log is made with the number of one whose entries are here, but which is not known any more."""
        with failures():
            (row_max,) = self._writer.execute("SELECT max(id) FROM entries").fetchone()
        self._number_max = max(self._number_max, (row_max or 0) >> SEQUENCE_BITS)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is written, or nothing, and then no log was made. Raises `StoreError`."""
        number_max = self._number_max
        try:
            with transaction(self._writer):
                yield
        except BaseException:
            self._number_max = number_max
            raise

    # --- The caller runs the transaction and then updates `places`; only `prune` does both itself ----------

    def grown(self, logs: Iterable[tuple[str, Place | None, Extent]]) -> dict[str, Place]:
        """Write the new extents of logs, (log, place, extent) of each, and return their places; a log without one is
        made. `StoreFull` if that are more logs than can be numbered.
        """
        grown: dict[str, Place] = {}
        for log, place, extent in logs:
            if place is None:
                if self._number_max >= LOGS_MAX:
                    raise StoreFull(f"there are {LOGS_MAX:,} logs, as many as one file can hold")
                self._number_max += 1
            grown[log] = Place(self._number_max if place is None else place.number, extent)
        rows = [
            (place.number, log, place.extent.generation, place.extent.base, place.extent.head)
            for log, place in grown.items()
        ]
        insert_rows(self._writer, "INSERT INTO logs", rows, _WITH_NEW_EXTENT)
        return grown

    def insert(self, items: Iterable[tuple[str, Place, int, bytes, Message | None]]) -> None:
        """Insert entries, (log, place, sequence, entry, message if it is at hand) of each, and their words; then apply
        those about others.
        """
        rows: list[tuple[int, bytes, int, int, int | None]] = []
        words: dict[str, list[Words]] = {prefix: [] for prefix in self._indexes}
        amending: list[tuple[str, Place, int, Message]] = []
        latest: dict[int, int | None] = {}
        for log, place, sequence, entry, at_hand in items:
            row, message, moment = place.row(sequence), at_hand or message_of(entry), None
            time_ms = time_of(message)
            if log[0] not in self._indexes or not isinstance(message, Message):
                pass
            elif message.kind in AMENDING:
                amending.append((log, place, sequence, message))
            else:
                moment = self._new_moment(time_ms, latest)
                if moment is not None:
                    words[log[0]].append(_words(log, place, moment, message))
            rows.append((row, entry, checksum_of(row, entry), time_ms, moment))
        insert_rows(self._writer, "INSERT OR FAIL INTO entries", rows)
        for prefix, indexed in words.items():
            self._indexes[prefix].add(indexed)
        for log, place, sequence, message in amending:
            self._amend(log, place, sequence, message)

    def _amend(self, log: str, place: Place, sequence: int, message: Message) -> None:
        """Apply an entry that was inserted to the earlier message that it is about, if that is here."""
        reference = reference_of(message, sequence)
        target = None if reference is None else self._message(place, reference.sequence)
        present = None
        if reference is not None and target is not None and is_about(message, target):
            if (added := is_added(message)) is not None:
                self._react(place.row(reference.sequence), place.row(sequence), message, added=added)
            elif (present := amended(target, message, sequence)) is not None:
                entry = encode_message(present) if isinstance(present, Message) else encode(present)
                self.replace(log, place, reference.sequence, entry)
        if message.kind == EDIT and present is None and (target is None or edited_by(target) != sequence):
            self._empty_edit(log, place, sequence)

    def _react(self, target: int, row: int, reaction: Message, *, added: bool) -> None:
        if added:
            self._writer.execute(
                "INSERT OR IGNORE INTO reactions SELECT ?1, ?2, ?3, ?4"
                " WHERE (SELECT count(*) FROM reactions WHERE target = ?1) < ?5"
                " AND (SELECT count(*) FROM reactions WHERE target = ?1 AND author = ?3) < ?6",
                (target, reaction.text, reaction.author, row, REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX),
            )
        else:
            which = (target, reaction.text, reaction.author)
            self._writer.execute("DELETE FROM reactions WHERE target = ? AND emoji = ? AND author = ?", which)

    def _message(self, place: Place, sequence: int) -> Message | None:
        """The message at this sequence; None if there is none that can be read."""
        message = self._said(place, sequence)
        return message if isinstance(message, Message) else None

    def _said(self, place: Place, sequence: int) -> Message | Tombstone | None:
        """The message at this sequence, or what is left of it; None if there is none that can be read."""
        row = place.row(sequence)
        for entry, checksum in self._writer.execute("SELECT entry, checksum FROM entries WHERE id = ?", (row,)):
            if isinstance(entry, bytes) and checksum_of(row, entry) == checksum:
                return message_of(entry)
        return None

    def _empty_edit(self, log: str, place: Place, sequence: int) -> None:
        """If this entry is an edit, it has no effect any more."""
        message = self._message(place, sequence)
        if message is not None and message.kind == EDIT and message.text:
            self.replace(log, place, sequence, encode_message(emptied(message)))

    def _new_moment(self, time_ms: int, latest: dict[int, int | None]) -> int | None:
        """A moment that is free at this time; None if none is. `latest`: what this batch knows of others, by time."""
        first = first_moment(time_ms)
        if self._moment_max is None:
            (found,) = self._writer.execute("SELECT ifnull(max(moment), 0) FROM entries").fetchone()
            self._moment_max = found if isinstance(found, int) else first_moment(TIME_MS_MAX)  # damaged: trust none
        if first > self._moment_max:  # later than all: so it is nearly always at a server
            self._moment_max = latest[first] = first
            return first
        if first not in latest:
            sql = "SELECT max(moment) FROM entries WHERE moment BETWEEN ? AND ?"
            (latest[first],) = self._writer.execute(sql, (first, first + (1 << MOMENT_BITS) - 1)).fetchone()
        before = latest[first]
        moment = first if before is None else int(before) + 1  # a damaged one may be no integer
        if moment >> MOMENT_BITS != first >> MOMENT_BITS:
            return None
        latest[first] = moment
        self._moment_max = max(self._moment_max, moment)
        return moment

    def replace(self, log: str, place: Place, sequence: int, entry: bytes) -> None:
        """Replace an entry, and its words by those of the new one; the time stays, and the moment of a message.

        If the new one is no message, there are no reactions to it either.
        """
        row, message = place.row(sequence), message_of(entry)
        moment = next((moment for moment, _ in self._indexed(place, sequence, sequence)), None)
        edits = self._forget_words(log, place, sequence, sequence)
        if not isinstance(message, Message):
            moment = None
            self._writer.execute("DELETE FROM reactions WHERE target = ?", (row,))
        elif moment is not None:
            self._indexes[log[0]].add([_words(log, place, moment, message)])
        self._writer.execute(
            "UPDATE entries SET entry = ?, checksum = ?, moment = ? WHERE id = ?",
            (entry, checksum_of(row, entry), moment, row),
        )
        for edit in edits:
            self._empty_edit(log, place, edit)

    def erase(self, log: str, place: Place, first: int, last: int, until_ms: Mapping[bytes, int]) -> list[Removed]:
        """Put a tombstone without a name in the place of all that these authors said up to a time, in the entries
        `first` to `last`, with what is about other messages. The caller runs the transaction."""
        removed = []
        for sequence in range(first, last + 1):
            message = self._said(place, sequence)
            if message is None or message.author is None or message.time_ms > until_ms.get(message.author, -1):
                continue
            if isinstance(message, Message) and (reference := reference_of(message, sequence)) is not None:
                self._react(place.row(reference.sequence), place.row(sequence), message, added=False)
            self.replace(log, place, sequence, encode(Tombstone(message.time_ms)))
            removed.append(Removed(sequence, message.nick or ""))
        return removed

    def merge_words(self, *, begins: bool) -> bool:
        """Merge a stretch of each index, so that words which were deleted leave the file; False once all are merged.
        The caller runs the transaction."""
        return any([index.merge(begins=begins) for index in self._indexes.values()])

    def forget(self, log: str, place: Place, first: int, last: int) -> None:
        """Delete the entries `first` to `last`, if there are any, their words, and the reactions to them."""
        if last < first:
            return
        edits = self._forget_words(log, place, first, last)
        span = (place.row(first), place.row(last))
        self._writer.execute("DELETE FROM reactions WHERE target BETWEEN ? AND ?", span)
        self._writer.execute("DELETE FROM entries WHERE id BETWEEN ? AND ?", span)
        for sequence in edits:
            self._empty_edit(log, place, sequence)

    def _forget_words(self, log: str, place: Place, first: int, last: int) -> list[int]:
        """Delete the words of entries. Returns the sequences of the later edits that their texts are of."""
        words, edits = [], []
        for moment, message in self._indexed(place, first, last):
            words.append(_words(log, place, moment, message))
            if last < edited_by(message) <= place.extent.head:
                edits.append(edited_by(message))
        if words:
            self._indexes[log[0]].remove(words)
        return edits

    def _indexed(self, place: Place, first: int, last: int) -> Iterator[tuple[int, Message]]:
        """The messages that are in an index of words, with their moments."""
        rows = self._writer.execute(
            "SELECT moment, entry FROM entries WHERE id BETWEEN ? AND ?"
            " AND typeof(moment) = 'integer' AND typeof(entry) = 'blob'",  # or they are damaged
            (place.row(first), place.row(last)),
        )
        for moment, entry in rows:
            if isinstance(message := message_of(entry), Message):
                yield moment, message

    def prune(self, log: str, base: int) -> None:
        """See `Log.prune`. Each transaction deletes up to FORGET_ENTRIES."""
        while (place := self.places.get(log)) is not None and place.extent.base < min(base, place.extent.head):
            extent = place.extent
            last = min(base, extent.head, extent.base + FORGET_ENTRIES)
            with self.transaction():
                self.forget(log, place, extent.base + 1, last)
                grown = self.grown([(log, place, Extent(extent.generation, last, extent.head))])
            self.places.update(grown)


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
                    self._reader = stack.enter_context(closing(connect_reader(path)))
                    self._tables = Tables(self._writer, self._reader)
            self._held = stack.pop_all()

    def logs(self) -> list[str]:
        return list(self._tables.places)

    def since(self, log: str, time_ms: int) -> int:
        return self._tables.reader.since(log, time_ms)

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return self._tables.reader.search(query)

    def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
        return self._tables.reader.reactions(log, first, last)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection
