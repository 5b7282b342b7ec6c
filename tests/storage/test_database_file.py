"""Opening files: new, old, newer, foreign, damaged; and a copy before each upgrade."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from udpchat.storage.client_sqlite import CLIENT
from udpchat.storage.database_file import Schema, connect, copy, failures, prepare, transaction
from udpchat.storage.server_sqlite import SERVER, SqliteLog
from udpchat.storage.store_interfaces import StoreFailed, StoreFull, StoreUnusable

ONE = ("CREATE TABLE facts (fact TEXT)", "INSERT INTO facts VALUES ('first')")
TWO = ("ALTER TABLE facts ADD COLUMN doubt INTEGER", "UPDATE facts SET doubt = 1")
V1, V2 = Schema("a test", 0x74657374, (ONE,)), Schema("a test", 0x74657374, (ONE, TWO))


def facts(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM facts").fetchall()


def untouched(path: Path, attempt: Callable[[], object], words: str) -> None:
    """The attempt is refused in these words, and changes neither the file nor the folder."""
    before = path.read_bytes(), sorted(path.parent.iterdir())
    with pytest.raises(StoreUnusable, match=words) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == before


def test_a_new_file_is_of_the_newest_version_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "facts.db"
    prepare(path, V2)
    assert facts(path) == [("first", 1)]
    assert path.stat().st_mode & 0o077 == 0 or path.drive
    assert [found.name for found in path.parent.iterdir()] == ["facts.db"]
    prepare(path, V2)
    assert facts(path) == [("first", 1)]


def test_what_an_interrupted_creation_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "facts.db.new").write_bytes(b"half a file")
    prepare(tmp_path / "facts.db", V1)
    assert facts(tmp_path / "facts.db") == [("first",)]


def test_an_upgrade_keeps_a_copy_of_what_was(tmp_path: Path) -> None:
    path, steps = tmp_path / "facts.db", list[tuple[int, int]]()
    prepare(path, V1)
    prepare(path, V2, lambda done, total: steps.append((done, total)))
    assert facts(path) == [("first", 1)]
    assert facts(tmp_path / "facts.db.before-v2") == [("first",)]
    assert steps and steps[-1][0] == steps[-1][1]


def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, V1)
    broken = Schema(V1.title, V1.application_id, (ONE, (TWO[0], "INSERT INTO nowhere VALUES (1)")))
    with pytest.raises(StoreUnusable, match="cannot open"):
        prepare(path, broken)
    assert facts(path) == [("first",)]
    prepare(path, V2)
    assert facts(path) == [("first", 1)]


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, V2)
    untouched(path, lambda: prepare(path, V1), r"newer udpchat \(format 2, this one knows 1\); update")


def test_a_file_of_a_format_that_is_not_upgraded_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, V1)
    replaced = Schema(V1.title, V1.application_id + 1, V1.migrations, (V1.application_id,))
    words = f"{V1.title} of an older format, which this version cannot read; move it away"
    untouched(path, lambda: prepare(path, replaced), words)


def test_a_foreign_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, CLIENT)
    untouched(path, lambda: prepare(path, SERVER), "is a database, but not the log of a udpchat server")


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"\xff" * 8_192])
def test_what_is_no_database_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "facts.db"
    path.write_bytes(content)
    untouched(path, lambda: prepare(path, V1), "damaged or no database at all; restore a backup, or move it away")


def test_a_truncated_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, V1)
    rest = path.read_bytes()[:4_096]
    path.write_bytes(rest)
    with pytest.raises(StoreUnusable, match=r"is damaged .*; restore a backup"):
        prepare(path, V2)
    assert path.read_bytes() == rest


def test_a_folder_in_place_of_the_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"cannot open .*: Is a directory|Permission denied"):
        prepare(tmp_path, V1)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnusable, match="check its permissions"):
        SqliteLog(tmp_path / "file" / "log.db")


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    prepare(path, V1)
    with closing(connect(path)) as connection:
        for error, inside in ((StoreFailed, "INSERT INTO nowhere VALUES (1)"), (StoreFull, "fill")):
            connection.execute("PRAGMA max_page_count = 1")
            with pytest.raises(error), transaction(connection):
                connection.execute("INSERT INTO facts VALUES ('half')")
                connection.execute("INSERT INTO facts VALUES (zeroblob(99999))" if inside == "fill" else inside)
        with pytest.raises(KeyError), transaction(connection):
            connection.execute("INSERT INTO facts VALUES ('half')")
            raise KeyError
        assert not connection.in_transaction
        with pytest.raises(StoreFailed), failures():
            connection.execute("nonsense")
    assert facts(path) == [("first",)]


def test_a_copy_is_one_view_while_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udpchat.storage.database_file.COPY_PAGES", 1)
    path, steps = tmp_path / "facts.db", 0
    prepare(path, V1)
    with closing(connect(path)) as writer, closing(connect(path, read_only=True)) as source:
        writer.execute("INSERT INTO facts VALUES (zeroblob(50000))")

        def write_on(done: int, total: int) -> None:
            nonlocal steps
            steps += 1
            writer.execute("INSERT INTO facts VALUES (zeroblob(5000))")

        copy(source, tmp_path / "copy.db", write_on)
    assert 10 < steps < 30
    assert len(facts(tmp_path / "copy.db")) == 2
    assert len(facts(path)) == 2 + steps


def test_a_text_that_is_damaged_is_a_failure_of_the_file() -> None:
    """sqlite3 raises this instead of an error of its own, also for a message of SQLite that quotes such a text."""
    with pytest.raises(StoreFailed, match="a text in it is damaged"), failures():
        b"\xa0".decode()
