"""For operators: back up a store while it is in use, restore it, check it, and export its messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from udpchat.chat.amendments import AMENDING, reference_of
from udpchat.chat.events import REMOVED, kind_name
from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX
from udpchat.chat.text import counted
from udpchat.storage.client_sqlite import CLIENT
from udpchat.storage.database_file import Progress, Schema, connect, copy, failures, move, opening, version_of
from udpchat.storage.entry_words import message_of
from udpchat.storage.lock import StoreLock
from udpchat.storage.reading import REACTIONS_READ_MAX, SEQUENCE_BITS, checksum_of, shown_log
from udpchat.storage.server_sqlite import SERVER, redraw_generations
from udpchat.storage.store_interfaces import StoreError, StoreUnusable
from udpchat.storage.tables import Tables
from udpchat.wire.content import Message
from udpchat.wire.fields import Value
from udpchat.wire.limits import KEY_BYTES

STEP_ENTRIES = 10_000  # between two reports of progress
READ_ENTRIES = 1_000
FINDINGS_MAX = 20
RESTORE = "stop the server and restore a backup"


class Exported(Value, frozen=True):
    """One message. `kind`: from `kind_name`, or `removed` (then nick and text are empty). `to`: in conversations.

    `reactions`: each emoji, with the nicks of those who reacted with it.
    """

    log: str
    sequence: int
    time_ms: int
    nick: str
    kind: str
    text: str
    to: str = ""
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()


def _schema_of(path: Path) -> Schema:
    """The file's schema, client or server; `StoreUnusable` if it has neither, or another version than ours."""
    with opening(path):
        try:
            version, schema = version_of(path, CLIENT), CLIENT
        except StoreUnusable:
            version, schema = version_of(path, SERVER), SERVER
    if version != len(schema.migrations):
        raise StoreUnusable(f"{path} is of an older udpchat; start that server or client once, which upgrades it")
    return schema


def backup(source: Path, destination: Path, progress: Progress | None = None, *, key: bytes | None = None) -> None:
    """Copy a store to a new file while its server runs. It never overwrites a file, and a failure leaves none.

    `key`, the secret key of the server, is included, so that it is not lost. Only the owner can read the file.
    """

    def add_key(target: sqlite3.Connection) -> None:
        target.execute("DROP TABLE IF EXISTS server_key")
        if key is not None:
            target.execute("CREATE TABLE server_key (secret BLOB NOT NULL)")
            target.execute("INSERT INTO server_key VALUES (?)", (key,))

    _schema_of(source)
    if destination.exists():
        raise StoreUnusable(f"{destination} is there already; choose another name")
    try:
        with closing(connect(source, read_only=True)) as connection, failures():
            copy(connection, destination, progress, amend=add_key)
    except (OSError, sqlite3.Error, StoreError) as error:
        raise StoreUnusable(f"cannot back up to {destination}: {_reason(error)}; nothing was kept of it") from error


def key_in(path: Path) -> bytes | None:
    """The secret key of the server in a backup, or None. Raises `StoreUnusable`."""
    _schema_of(path)
    with opening(path), closing(connect(path, read_only=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'server_key'").fetchone():
            return None
        rows = connection.execute("SELECT secret FROM server_key").fetchall()
    if len(rows) != 1 or not isinstance(rows[0][0], bytes) or len(rows[0][0]) != KEY_BYTES:
        raise StoreUnusable(f"the server's key in {path} is damaged; use another backup")
    return rows[0][0]


def restore(source: Path, data: Path, *, progress: Progress | None = None) -> Path | None:
    """Replace `data` by a backup of a server's log; returns where an existing log was moved to, or None.

    The backup is checked first; a key in it is not restored to `data`. All logs get new generations, so that
    clients notice that their replicas are no longer valid.
    """
    findings = check(source)
    if findings:
        raise StoreUnusable(f"{source} is no good backup: {findings[0].removesuffix(RESTORE)}use another")
    if _schema_of(source) is not SERVER:
        raise StoreUnusable(f"{source} is a client's store; a client gets its history back from its server")

    def begin_anew(target: sqlite3.Connection) -> None:
        target.execute("DROP TABLE IF EXISTS server_key")
        redraw_generations(target)
        target.execute("UPDATE run SET durability = 'fsync', boot = '', closed = 1")

    lock = StoreLock(data)
    fresh = data.with_name(data.name + ".restored")
    try:
        try:
            with closing(connect(source, read_only=True)) as connection, failures():
                copy(connection, fresh, progress, amend=begin_anew)
        except (OSError, sqlite3.Error, StoreError) as error:
            raise StoreUnusable(f"cannot restore to {data}: {_reason(error)}; nothing was changed") from error
        with opening(data):
            kept = _set_aside(data)
            move(fresh, data)
        return kept
    finally:
        fresh.unlink(missing_ok=True)
        lock.release()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def name_aside(path: Path) -> Path:
    """A name that is free for the file that a restore replaces: `NAME.before-restore`, `NAME.before-restore-2`, ..."""
    kept = path.with_name(f"{path.name}.before-restore")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.before-restore-{number}")
    return kept


def _set_aside(data: Path) -> Path | None:
    if not data.exists():
        return None
    kept = name_aside(data)
    for suffix in ("-wal", "-shm", ""):  # the database last: a new one must never find old -wal and -shm files
        part = data.with_name(data.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    return kept


# --- Check ----------


def check(path: Path, progress: Progress | None = None) -> list[str]:
    """The faults of a store, each with advice; empty if there are none. Changes nothing.

    Raises `StoreUnusable` if the file is not a store of this version.
    """
    _schema_of(path)
    findings: list[str] = []
    try:
        with closing(connect(path, read_only=True)) as connection, failures():
            connection.execute("BEGIN")  # one snapshot, even while its server writes
            for (verdict,) in connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})"):
                if verdict != "ok":
                    findings.append(f"the file is damaged: {verdict}; {RESTORE}")
            if not findings:
                findings += _check_extents(connection)
                findings += _check_entries(connection, progress)
    except (StoreError, sqlite3.Error) as error:
        findings.append(f"the file cannot be read through: {error}; {RESTORE}")
    return findings[:FINDINGS_MAX]


def _check_extents(connection: sqlite3.Connection) -> Iterator[str]:
    listed = 0
    for number, name, base, head in connection.execute("SELECT id, name, base, head FROM logs").fetchall():
        span = (number << SEQUENCE_BITS | base + 1, number << SEQUENCE_BITS | head)
        (count,) = connection.execute("SELECT count(*) FROM entries WHERE id BETWEEN ? AND ?", span).fetchone()
        listed += count
        if count != head - base:
            expected = counted(head - base, "entry", "entries")
            yield f"{shown_log(name)} should hold {expected}, and holds {count:,}; {RESTORE}"
    (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    if count != listed:
        stray = counted(count - listed, "entry belongs", "entries belong")
        yield f"{stray} to no room or conversation; {RESTORE}"


def _check_entries(connection: sqlite3.Connection, progress: Progress | None) -> Iterator[str]:
    names = dict(connection.execute("SELECT id, name FROM logs").fetchall())
    (total,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    rows = connection.execute("SELECT id, entry, checksum FROM entries")
    for done, (row, entry, checksum) in enumerate(rows, 1):
        if checksum_of(row, entry) != checksum:
            name = shown_log(names.get(row >> SEQUENCE_BITS, "a room without a name"))
            yield f"entry {row & (1 << SEQUENCE_BITS) - 1} of {name} is damaged; {RESTORE}"
        if progress and (done % STEP_ENTRIES == 0 or done == total):
            progress(done, total)


# --- Export ----------


@contextmanager
def reading(path: Path) -> Iterator[Tables]:
    """A read-only snapshot of a store's logs, even while its owner writes. Raises `StoreUnusable`."""
    _schema_of(path)
    with opening(path):
        connection = connect(path, read_only=True)
    with closing(connection):
        with opening(path):
            connection.execute("BEGIN")
            tables = Tables(connection, connection)
        yield tables


def export(
    path: Path, *, log: str | None = None, since_ms: int = 0, progress: Progress | None = None
) -> Iterator[Exported]:
    """The messages in order, log by log: of one log, or of every room and conversation. Also of a client's store.

    Each has its present text and reactions; edits, removals and reactions are no messages of their own.
    Raises `StoreUnusable` before the first message, `StoreFailed` at damage. An unknown `log` yields nothing.
    """
    with reading(path) as tables:
        names = sorted(name for name in tables.places if name.startswith((ROOM_PREFIX, CONVERSATION_PREFIX)))
        names = [name for name in names if log in (None, name)]
        spans = [(name, tables.reader.since(name, since_ms), tables.places[name].extent.head) for name in names]
        total = sum(head - first + 1 for _, first, head in spans)
        done = 0
        for name, first, head in spans:
            for start in range(first, head + 1, READ_ENTRIES):
                entries = tables.reader.numbered(name, start, min(READ_ENTRIES, head - start + 1))
                yield from _exported(name, entries, _reactions_to(tables, name, entries))
                done += len(entries)
                if progress:
                    progress(done, total)


Given = dict[int, dict[str, list[str]]]  # by the sequence of a message: each emoji, and who reacted with it


def _reactions_to(tables: Tables, log: str, entries: list[tuple[int, bytes]]) -> Given:
    given: Given = {}
    for sequence, entry in _reactions(tables, log, entries[0][0], entries[-1][0]) if entries else ():
        reaction = message_of(entry)
        about = reference_of(reaction, sequence) if isinstance(reaction, Message) else None
        if isinstance(reaction, Message) and about is not None:
            given.setdefault(about.sequence, {}).setdefault(reaction.text, []).append(reaction.nick)
    return given


def _reactions(tables: Tables, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
    """All reactions to these messages: of half of them at a time, if they are more than can be read at once."""
    found = tables.reader.reactions(log, first, last)
    if len(found) < REACTIONS_READ_MAX or first == last:  # to one message there are more only by damage
        return found
    half = (first + last) // 2
    return _reactions(tables, log, first, half) + _reactions(tables, log, half + 1, last)


def _exported(log: str, entries: list[tuple[int, bytes]], given: Given) -> Iterator[Exported]:
    for sequence, entry in entries:
        message = message_of(entry)
        if isinstance(message, Message) and message.kind in AMENDING:
            continue
        if isinstance(message, Message):
            kind, to = kind_name(message.kind), message.to or ""
            reactions = tuple((emoji, tuple(nicks)) for emoji, nicks in given.get(sequence, {}).items())
            yield Exported(log, sequence, message.time_ms, message.nick, kind, message.text, to, reactions)
        elif message is not None:
            yield Exported(log, sequence, message.time_ms, "", REMOVED, "")
