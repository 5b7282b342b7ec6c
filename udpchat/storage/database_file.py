"""Opening a database file: it is created if missing, upgraded if old, and refused unchanged if it is not ours.

A `Schema` is a list of numbered migrations. `PRAGMA user_version` counts those done, `application_id` identifies it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from udpchat.storage.store_interfaces import StoreError, StoreFailed, StoreFull, StoreUnusable
from udpchat.wire.fields import Value

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
VERSION_AT, APPLICATION_AT = 60, 68  # in the header: sqlite.org/fileformat2.html section 1.3
COPY_PAGES = 4_096  # between two reports of progress
BUSY_S = 10.0
CACHE_KIB = 8_192

Progress = Callable[[int, int], None]  # (done, total)


class Schema(Value, frozen=True):
    """The content of a kind of file: `migrations[n]` are the statements that upgrade version n to n + 1.

    A file with one of `application_ids_before` has an old format that cannot be upgraded.
    """

    title: str
    application_id: int
    migrations: tuple[tuple[str, ...], ...]
    application_ids_before: tuple[int, ...] = ()


def is_disk_fault(error: StoreError) -> bool:
    """Whether the content of the file is in doubt: a sync failed, or it is damaged.

    A failed write (a quota, a file size limit) is not such a fault: it is rolled back, and the next may succeed.
    """
    code = getattr(error.__cause__, "sqlite_errorcode", None) or 0
    synced = code not in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
    return isinstance(error, StoreFailed) and (not synced or code & 0xFF == sqlite3.SQLITE_CORRUPT)


@contextmanager
def failures() -> Iterator[None]:
    """Raise errors of SQLite as `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE):
            raise StoreFull("there is no room on the disk") from error
        raise StoreFailed(f"the disk or the file failed: {error}") from error
    except UnicodeDecodeError as error:  # in a text of a damaged file, or in what SQLite reports about it
        raise StoreFailed("the disk or the file failed: a text in it is damaged") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the statements inside as one transaction: all are written, or none."""
    with failures():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has already rolled back; report the first error
                connection.execute("ROLLBACK")
            raise


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raise a failure to open a file as `StoreUnusable`: one line that says what to do."""
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeDecodeError, StoreFailed, StoreFull) as error:
        code = getattr(error, "sqlite_errorcode", None) or getattr(error.__cause__, "sqlite_errorcode", None)
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            advice = "restore a backup, or move the file away to start anew"
            raise StoreUnusable(f"{path} is damaged ({error}); {advice}") from error
        if isinstance(error, FileNotFoundError) and not path.exists():
            raise StoreUnusable(f"{path} does not exist; is it the right folder? See --data") from error
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreUnusable(f"cannot open {path}: {reason}; check its permissions and the room on its disk") from error


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, to be used from one thread at a time; it never creates a file."""
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: otherwise a sync reaches only the drive's cache
        connection.execute("PRAGMA secure_delete = ON")  # overwrites what is redacted or pruned
    except BaseException:
        connection.close()
        raise
    return connection


def in_memory(schema: Schema) -> sqlite3.Connection:
    """A connection as `connect` gives it, to an empty database in memory with the tables of this schema."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")  # otherwise a large sort is written to a file
    _migrate(connection, schema, 0)
    return connection


def version_of(path: Path, schema: Schema) -> int:
    """The version in the header of a file of this schema, without opening the database; else `StoreUnusable`.

    Each file has a header, because it is created elsewhere and then moved. The WAL may hold a newer version.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    other = "move it away, or choose another data folder"
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise StoreUnusable(f"{path} is damaged or no database at all; restore a backup, or {other}")
    application_id = int.from_bytes(header[APPLICATION_AT : APPLICATION_AT + 4], "big")
    if application_id in schema.application_ids_before:
        raise StoreUnusable(f"{path} is {schema.title} of an older format, which this version cannot read; {other}")
    if application_id != schema.application_id:
        raise StoreUnusable(f"{path} is a database, but not {schema.title}; {other}")
    version = int.from_bytes(header[VERSION_AT : VERSION_AT + 4], "big")
    _refuse_newer(path, version, schema)
    return version


def _refuse_newer(path: Path, version: int, schema: Schema) -> None:
    ours = len(schema.migrations)
    if version > ours:
        raise StoreUnusable(
            f"{path} was written by a newer udpchat (format {version}, this one knows {ours}); update udpchat"
        )


def prepare(path: Path, schema: Schema, progress: Progress | None = None) -> None:
    """Create the file at `path`, or upgrade it after a copy to `path`.before-vN. Raises `StoreUnusable`."""
    with opening(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path, schema)
        version_of(path, schema)
        connection = connect(path)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            _refuse_newer(path, version, schema)
            if version < len(schema.migrations):
                copy(connection, path.with_name(f"{path.name}.before-v{len(schema.migrations)}"), progress)
                _migrate(connection, schema, version)
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


def _create(path: Path, schema: Schema) -> None:
    fresh = _made_beside(path)
    connection = connect(fresh)
    try:
        connection.execute(f"PRAGMA application_id = {schema.application_id}")
        _migrate(connection, schema, 0)
    finally:
        connection.close()
    move(fresh, path)


def _made_beside(path: Path) -> Path:
    """An empty file, for its owner only, that is to be moved to `path` once it is complete."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return fresh


def _migrate(connection: sqlite3.Connection, schema: Schema, version: int) -> None:
    for number, statements in enumerate(schema.migrations[version:], version + 1):
        with transaction(connection):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the header has the version too


def copy(
    source: sqlite3.Connection,
    destination: Path,
    progress: Progress | None = None,
    *,
    amend: Callable[[sqlite3.Connection], None] = lambda target: None,
) -> None:
    """Copy a database to one file, without blocking writers. The destination is replaced at the end.

    `amend` changes the copy, in a transaction, before it replaces the destination.
    """
    fresh = _made_beside(destination)
    try:
        target = connect(fresh)
        source.execute("BEGIN")
        try:
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # one snapshot, even while others write
            source.backup(
                target,
                pages=COPY_PAGES,
                progress=lambda _, left, pages: progress(pages - left, pages) if progress else None,
                sleep=0,
            )
            target.execute("PRAGMA journal_mode = DELETE")
            with transaction(target):
                amend(target)
        finally:
            source.execute("ROLLBACK")
            target.close()
        move(fresh, destination)
    finally:
        fresh.unlink(missing_ok=True)


def move(source: Path, destination: Path) -> None:
    """Rename a finished file to its destination, and sync both file and folder."""
    with source.open("rb+") as file:
        os.fsync(file.fileno())
    source.replace(destination)
    if os.name != "nt":  # Windows cannot sync a folder
        descriptor = os.open(destination.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
