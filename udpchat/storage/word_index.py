"""An index of words (FTS5) that has no copy of the texts: to delete words from it, the same text is given again.

FTS5 by itself merges it two megabytes at a time, for which an append waits. A server has it merged in small steps, as
much as enters it and leaves it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from udpchat.storage.insertion import insert_rows

Words = tuple[int, str, str] | tuple[int, str, str, str]  # moment, text, nick; of a room, its log too

MERGED_PAGES = 256  # of an index, so that an append waits only milliseconds
MERGE_STEP = 8  # pages of an index, at least, that are merged while words enter it
MERGE_TEXT_BYTES = 384  # so much text has a page merged: it comes to lie in four or five segments, one after the other


class WordIndex:
    """The index in `table`, which has these columns beside the moment. The caller runs the transactions."""

    __slots__ = ("_connection", "_delete", "_insert", "_table", "_unmerged")

    def __init__(self, connection: sqlite3.Connection, table: str, *columns: str) -> None:
        named = ", ".join(columns)
        self._connection = connection
        self._table = table
        self._insert = f"INSERT INTO {table} (rowid, {named})"
        self._delete = f"INSERT INTO {table} ({table}, rowid, {named}) VALUES ('delete', ?{', ?' * len(columns)})"
        self._unmerged: int | None = None  # pages; None: FTS5 merges

    def merge_in_steps(self) -> None:
        """Have FTS5 merge nothing by itself, from now on."""
        self._unmerged = 0
        sql = f"SELECT 1 FROM {self._table}_config WHERE k = 'automerge' AND v = 0"
        if self._connection.execute(sql).fetchone() is None:
            self._command("automerge", 0)

    def add(self, words: list[Words]) -> None:
        """Index messages."""
        words.sort(key=lambda row: row[0])  # FTS5 starts a new segment where row ids descend
        insert_rows(self._connection, self._insert, words)
        self._merge_after(words)

    def remove(self, words: Sequence[Words]) -> None:
        """Delete what `add` was given."""
        self._connection.executemany(self._delete, words)
        self._merge_after(words)

    def merge(self, *, begins: bool) -> bool:
        """Merge a stretch, so that words which were deleted leave the file; False once all is merged."""
        before = self._connection.total_changes
        self._command("merge", -MERGED_PAGES if begins else MERGED_PAGES)  # less than 0: of all segments
        return self._connection.total_changes - before >= 2  # as the manual of FTS5 has it

    def _merge_after(self, words: Sequence[Words]) -> None:
        if not words or self._unmerged is None:
            return
        self._unmerged += 1 + sum([len(row[1]) for row in words]) // MERGE_TEXT_BYTES
        if self._unmerged >= MERGE_STEP:
            self._command("merge", self._unmerged)
            self._unmerged = 0

    def _command(self, name: str, value: int) -> None:
        self._connection.execute(f"INSERT INTO {self._table} ({self._table}, rank) VALUES (?, ?)", (name, value))
