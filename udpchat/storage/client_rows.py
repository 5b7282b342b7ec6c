"""The rows of a client's store that cannot be read: set aside in the table `set_aside` of the same file.

A disk may damage what it keeps, and a person may edit it. Whatever a row holds, it is not the end of every later start:
it is taken out of the way as SQL literals, and the person is informed. Entries are not looked at here: they have
checksums, there may be millions of them, and a log whose entries cannot be read is left out of what is shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from udpchat.chat.ids import INBOX_PREFIX
from udpchat.chat.names import is_room, is_said_log
from udpchat.client.stored import DIGEST_BYTES, LABELS_MAX
from udpchat.storage.reading import LOG_IS_INTACT
from udpchat.storage.store_interfaces import RUN_COUNTERS
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import parse_request_untrusted, parse_result_untrusted
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES, SEQUENCE_MAX
from udpchat.wire.requests import Malformed

Row = tuple[Any, ...]  # as SQLite gives it, except that a text is bytes


def _identity(instance: Any, next_counter: Any) -> bool:
    return _is_bytes(instance, INSTANCE_BYTES) and _is_within(next_counter, 1, SEQUENCE_MAX - RUN_COUNTERS)


def _outbox(counter: Any, body: Any) -> bool:
    return _is_within(counter, 1, SEQUENCE_MAX) and _is_parsed(parse_request_untrusted, body)


def _label(counter: Any, identity: Any, line: Any, digest: Any, result: Any) -> bool:
    is_result = result == b"" or _is_parsed(parse_result_untrusted, result)
    is_named = _is_within(counter, 1, SEQUENCE_MAX) and _text(identity) is not None
    return is_named and _is_within(line, 1, LABELS_MAX) and _is_bytes(digest, DIGEST_BYTES) and is_result


def _room(position: Any, name: Any) -> bool:
    return is_room(_text(name) or "")


def _log(number: Any, name: Any, *extent: Any) -> bool:
    text = _text(name) or ""
    return is_said_log(text) or text.startswith(INBOX_PREFIX)


def _account(key: Any) -> bool:
    return _is_bytes(key, KEY_BYTES)


READABLE: Final[dict[str, tuple[tuple[str, ...], Callable[..., bool]]]] = {
    "identity": (("instance", "next_counter"), _identity),
    "outbox": (("counter", "body"), _outbox),
    "labels": (("counter", "id", "line", "digest", "result"), _label),
    "rooms": (("position", "name"), _room),
    "account": (("key",), _account),
    "logs": (("id", "name", "generation", "base", "head"), _log),
}
"""The columns of each table, and whether a row of them can be read; of a log, if LOG_IS_INTACT."""
OF_INSTANCE: Final = ("outbox", "labels")
"""Rows that mean something only together with the instance under which they were sent: under another one, a request
that was carried out already would be carried out again."""


def set_aside_unreadable(connection: sqlite3.Connection) -> dict[str, int]:
    """Move rows that cannot be read to the table `set_aside`; how many of each table. For use inside a transaction."""
    found: dict[str, list[int]] = {}
    with _texts_as_bytes(connection):
        for table, (columns, is_readable) in READABLE.items():
            is_intact = f"coalesce({LOG_IS_INTACT}, 0)" if table == "logs" else "1"
            rows = connection.execute(f"SELECT rowid, {is_intact}, {', '.join(columns)} FROM {table} ORDER BY rowid")
            found[table] = [rowid for rowid, intact, *row in rows if not (intact and is_readable(*row))]
    identities = [rowid for (rowid,) in connection.execute("SELECT rowid FROM identity ORDER BY rowid")]
    readable = [rowid for rowid in identities if rowid not in found["identity"]]
    found["identity"] += readable[1:]
    if not readable:
        for table in OF_INSTANCE:
            found[table] = [rowid for (rowid,) in connection.execute(f"SELECT rowid FROM {table}")]
    for table, rowids in found.items():
        _move(connection, table, rowids)
    return {table: len(rowids) for table, rowids in found.items() if rowids}


def _move(connection: sqlite3.Connection, table: str, rowids: Iterable[int]) -> None:
    literals = " || ', ' || ".join(f"quote({column})" for column in READABLE[table][0])
    for rowid in rowids:
        connection.execute('CREATE TABLE IF NOT EXISTS set_aside (origin TEXT NOT NULL, "values" BLOB NOT NULL)')
        sql = f"INSERT INTO set_aside SELECT ?, CAST({literals} AS BLOB) FROM {table} WHERE rowid = ?"
        connection.execute(sql, (table, rowid))
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))


@contextmanager
def _texts_as_bytes(connection: sqlite3.Connection) -> Iterator[None]:
    """A text that is not UTF-8 could not be read as one."""
    former, connection.text_factory = connection.text_factory, _Text
    try:
        yield
    finally:
        connection.text_factory = former


class _Text(bytes):
    """A text of SQLite, as opposed to a blob."""


def _text(value: Any) -> str | None:
    try:
        return value.decode() if isinstance(value, _Text) else None
    except UnicodeDecodeError:
        return None


def _is_bytes(value: Any, size: int) -> bool:
    return type(value) is bytes and len(value) == size


def _is_within(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and least <= value <= most


def _is_parsed(parse: Callable[[bytes], object], value: Any) -> bool:
    try:
        return type(value) is bytes and not isinstance(parse(value), Malformed)
    except BadDatagram:
        return False
