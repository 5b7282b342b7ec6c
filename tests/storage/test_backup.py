"""Backups of a log in use, the way back, the check, the export."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import ATTIC, LOBBY, alter, batch, said, tombstone
from udpchat.client.stored import EntriesStored
from udpchat.storage import backup as storage
from udpchat.storage.backup import Exported, backup, check, export, key_in, restore
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.reading import REACTIONS_READ_MAX, SEQUENCE_BITS
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreFull, StoreUnusable
from udpchat.wire.content import EDIT, REACTION, Claim, Extra, Message
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import REACTIONS_MAX

HEART, TADA = "\u2764\ufe0f", "\U0001f389"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(path)) as made:
        made.append(batch("!directory", 1, encode(Claim("alice", b"key"))))
        made.append(batch(LOBBY, 1, said("one", time_ms=10), said("two", time_ms=20, kind=1), said("3", time_ms=30)))
        made.append(batch(ATTIC, 1, said("up here", nick="bob", time_ms=25)))
        yield made


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def test_a_backup_is_one_file_taken_while_the_log_is_in_use(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    (tmp_path / "safe").mkdir()
    backup(path, tmp_path / "safe" / "copy.db", lambda done, total: steps.append((done, total)))
    log.append(batch(LOBBY, 4, said("later")))
    assert names(tmp_path / "safe") == ["copy.db"]
    assert steps[-1][0] == steps[-1][1] > 0
    assert check(tmp_path / "safe" / "copy.db") == []
    assert [row.text for row in export(tmp_path / "safe" / "copy.db", log=LOBBY)] == ["one", "two", "3"]
    assert names(tmp_path / "safe") == ["copy.db"]


def test_a_backup_holds_the_key_of_the_server_and_a_restored_log_does_not(
    log: SqliteLog, path: Path, tmp_path: Path
) -> None:
    secret = bytes(range(32))
    backup(path, tmp_path / "with.db", key=secret)
    backup(path, tmp_path / "without.db")
    assert (key_in(tmp_path / "with.db"), key_in(tmp_path / "without.db")) == (secret, None)
    assert check(tmp_path / "with.db") == []
    assert secret not in path.read_bytes()
    restore(tmp_path / "with.db", tmp_path / "new.db")
    assert key_in(tmp_path / "new.db") is None and secret not in (tmp_path / "new.db").read_bytes()


def test_a_key_that_is_none_is_refused(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    backup(path, tmp_path / "copy.db", key=b"short")
    with pytest.raises(StoreUnusable, match=r"the server's key in .* is damaged"):
        key_in(tmp_path / "copy.db")
    with pytest.raises(StoreUnusable, match="no database at all"):
        (tmp_path / "text").write_text("hello")
        key_in(tmp_path / "text")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_backup_is_for_its_owner_only_whatever_the_umask(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        backup(path, tmp_path / "copy.db", key=bytes(32))
    finally:
        os.umask(former)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(StoreUnusable, match="there already"):
        backup(path, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(StoreUnusable, match="cannot back up to"):
        backup(path, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(StoreUnusable, match="does not exist"):
        backup(tmp_path / "unknown.db", tmp_path / "copy.db")
    assert names(tmp_path) == ["data", "there"]


def test_a_backup_or_restore_without_room_names_the_place_and_changes_nothing(
    log: SqliteLog, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(path, tmp_path / "copy.db")
    log.close()
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise StoreFull("there is no room on the disk")

    monkeypatch.setattr(storage, "copy", full)
    other = tmp_path / "other.db"
    with pytest.raises(StoreUnusable, match=rf"cannot back up to {other}: there is no room on the disk; nothing"):
        backup(path, other)
    with pytest.raises(StoreUnusable, match=rf"cannot restore to {path}: there is no room on the disk; nothing"):
        restore(tmp_path / "copy.db", path)
    assert path.read_bytes() == before and not other.exists()


def test_a_restored_log_has_new_generations_and_the_one_before_is_kept(
    log: SqliteLog, path: Path, tmp_path: Path
) -> None:
    backup(path, tmp_path / "copy.db")
    log.append(batch(LOBBY, 4, said("lost")))
    before = log.extent(LOBBY), log.extent("#unwritten")
    log.close()
    for number in ("", "-2"):
        kept = restore(tmp_path / "copy.db", path)
        assert kept == path.with_name(f"log.db.before-restore{number}")
    with closing(SqliteLog(path)) as restored:
        assert restored.read(LOBBY, 1, 9)[::2] == [said("one", time_ms=10), said("3", time_ms=30)]
        assert restored.extent(LOBBY).head == 3
        assert restored.extent(LOBBY).generation != before[0].generation
        assert restored.extent("#unwritten").generation != before[1].generation
        restored.append(batch(LOBBY, 4, said("another")))
    assert [row.text for row in export(path.with_name("log.db.before-restore"), log=LOBBY)][-1] == "lost"
    assert check(path) == []


def test_a_restore_to_where_nothing_was_keeps_nothing(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    backup(path, tmp_path / "copy.db")
    assert restore(tmp_path / "copy.db", tmp_path / "new.db") is None
    assert names(tmp_path) == ["copy.db", "data", "new.db", "new.db.lock"]
    assert check(tmp_path / "new.db") == []


def test_a_log_in_use_or_a_bad_backup_is_not_restored(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    backup(path, tmp_path / "copy.db")
    with pytest.raises(StoreUnusable, match="in use by process"):
        restore(tmp_path / "copy.db", path)
    log.close()
    content = path.read_bytes()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("DELETE FROM entries WHERE rowid = (SELECT max(id) FROM entries)")
        connection.commit()
    with pytest.raises(StoreUnusable, match="no good backup: attic should hold 1 entry, and holds 0; use another"):
        restore(tmp_path / "copy.db", path)
    SqliteClientStore(tmp_path / "client.db").close()
    with pytest.raises(StoreUnusable, match="a client's store"):
        restore(tmp_path / "client.db", path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(StoreUnusable, match="no database at all"):
        restore(tmp_path / "text", path)
    assert path.read_bytes() == content
    assert names(path.parent) == ["log.db", "log.db.lock"]


def test_a_check_says_what_is_wrong_and_what_to_do(log: SqliteLog, path: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert check(path, lambda done, total: steps.append((done, total))) == []
    assert steps == [(5, 5)]
    second = f"(SELECT min(id) + 1 FROM entries WHERE id > 2 << {SEQUENCE_BITS})"
    alter(path, f"UPDATE entries SET entry = x'00' WHERE id = {second}")
    (finding,) = check(path)
    assert finding == "entry 2 of lobby is damaged; stop the server and restore a backup"
    alter(path, "UPDATE logs SET head = 9 WHERE name = '#lobby'")
    alter(path, f"INSERT INTO entries VALUES (99 << {SEQUENCE_BITS}, x'00', 0, 0, NULL)")
    findings = check(path)
    assert "lobby should hold 9 entries, and holds 3; stop the server and restore a backup" in findings
    assert any(finding.startswith("1 entry belongs to no room") for finding in findings)
    assert len(findings) == 4


def test_a_check_survives_a_spoilt_file(log: SqliteLog, path: Path) -> None:
    log.append(batch(ATTIC, 2, *[said("z" * 3_000) for _ in range(100)]))
    log.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xee" * (len(content) - len(content) // 2)
    path.write_bytes(content)
    findings = check(path)
    assert findings and all("restore a backup" in finding for finding in findings)


def test_an_export_gives_what_was_said_in_order(log: SqliteLog, path: Path) -> None:
    log.redact(LOBBY, 3, tombstone(30))
    steps: list[tuple[int, int]] = []
    everything = list(export(path, progress=lambda done, total: steps.append((done, total))))
    assert everything == [
        Exported(ATTIC, 1, 25, "bob", "text", "up here"),
        Exported(LOBBY, 1, 10, "alice", "text", "one"),
        Exported(LOBBY, 2, 20, "alice", "action", "two"),
        Exported(LOBBY, 3, 30, "", "removed", ""),
    ]
    assert steps == [(1, 4), (4, 4)]
    assert list(export(path, since_ms=15)) == [everything[0], *everything[2:]]
    assert list(export(path, log=ATTIC, since_ms=26)) == list(export(path, log="#unknown")) == []


def test_an_export_has_content_of_later_versions_and_leaves_out_entries_that_are_no_messages(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.db")) as store:
        later = (said("a picture", time_ms=5, kind=200), encode([200, "later"]), said("hello", time_ms=6))
        store.write([EntriesStored(LOBBY, 7, 1, later)])
        assert list(export(tmp_path / "client.db")) == [
            Exported(LOBBY, 1, 5, "alice", "unknown", "a picture"),
            Exported(LOBBY, 3, 6, "alice", "text", "hello"),
        ]


def test_an_export_has_the_present_texts_and_nothing_of_what_made_them_so(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.db")) as store:
        about = Extra(b"87654321", b"", 1)
        later = [Message(9, b"12345678", "alice", b"later---", kind, text, None, about)
                 for kind, text in ((EDIT, "hello"), (REACTION, "\u2665"))]  # fmt: skip
        store.write([EntriesStored(LOBBY, 7, 1, (said("helo", time_ms=5), *map(encode_message, later)))])
        reactions = (("\u2665", ("alice",)),)
        assert list(export(tmp_path / "client.db")) == [Exported(LOBBY, 1, 5, "alice", "text", "hello", "", reactions)]


def reaction(to: int, emoji: str, nick: str, data: bytes = b"") -> bytes:
    """Of who has this nick, to a message of `said`."""
    about = Extra(b"87654321", data, to)
    return encode_message(Message(9, nick.encode().ljust(8), nick, b"later---", REACTION, emoji, None, about))


def test_an_export_has_the_present_reactions_to_each_message(log: SqliteLog, path: Path) -> None:
    given = [(1, HEART, "bob"), (2, HEART, "bob"), (1, TADA, "carol"), (1, HEART, "carol"), (3, TADA, "bob")]
    log.append(batch(LOBBY, 4, *(reaction(*each) for each in given), reaction(3, TADA, "bob", b"-")))
    found = {each.sequence: each.reactions for each in export(path, log=LOBBY)}
    assert found == {1: ((HEART, ("bob", "carol")), (TADA, ("carol",))), 2: ((HEART, ("bob",)),), 3: ()}
    log.redact(LOBBY, 1, tombstone(10))
    assert [each.reactions for each in export(path, log=LOBBY)] == [(), ((HEART, ("bob",)),), ()]


def test_an_export_has_all_reactions_where_they_are_more_than_are_read_at_once(log: SqliteLog, path: Path) -> None:
    more = 2 * REACTIONS_READ_MAX // REACTIONS_MAX - 3  # so many messages beside the three, with all that they may have
    log.append(batch(LOBBY, 4, *(said("x") for _ in range(more))))
    log.append(batch(LOBBY, 4 + more, *(
        reaction(to, HEART, f"nick{number}") for number in range(REACTIONS_MAX) for to in range(1, 4 + more)
    )))  # fmt: skip
    found = [len(nicks) for each in export(path, log=LOBBY) for _, nicks in each.reactions]
    assert found == [REACTIONS_MAX] * (3 + more) and sum(found) > REACTIONS_READ_MAX


def test_a_file_with_more_reactions_to_one_message_than_are_read_at_once_is_exported(
    log: SqliteLog, path: Path
) -> None:
    """Only damage, or who made the file by hand, puts so many there."""
    log.append(batch(LOBBY, 4, reaction(1, HEART, "bob")))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
            " INSERT INTO reactions SELECT target, emoji || n, author, row FROM reactions, number",
            (REACTIONS_READ_MAX,),
        )
    assert [bool(each.reactions) for each in export(path, log=LOBBY)] == [True, False, False]


def test_a_clients_replica_is_exported_and_checked_likewise(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.db")) as store:
        store.write([EntriesStored(LOBBY, 7, 1, (said("hello", time_ms=5),))])
        assert list(export(tmp_path / "client.db")) == [Exported(LOBBY, 1, 5, "alice", "text", "hello")]
        assert check(tmp_path / "client.db") == []
        backup(tmp_path / "client.db", tmp_path / "copy.db")
    assert len(list(export(tmp_path / "copy.db"))) == 1


def test_a_file_that_is_not_ours_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for attempt in (check, lambda path: list(export(path)), lambda path: backup(path, tmp_path / "copy")):
        with pytest.raises(StoreUnusable, match="no database at all"):
            attempt(tmp_path / "text")
        with pytest.raises(StoreUnusable, match=r"missing does not exist; .*--data"):
            attempt(tmp_path / "missing")
    assert names(tmp_path) == ["text"]
