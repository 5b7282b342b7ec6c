"""The tables themselves: damage is seen, an interrupted prune is whole, a failed write shows nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import ATTIC, LOBBY, alter, batch, said
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log, inbox_log, room_log, roster_log
from udpchat.storage import tables
from udpchat.storage.reading import SEQUENCE_BITS, checksum_of, shown_log
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreFailed
from udpchat.sync.log import SearchQuery


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(path)) as made:
        made.append(batch(LOBBY, 1, *[said(f"text {number}") for number in range(1, 11)]))
        yield made


def test_a_prune_that_is_not_published_yet_is_no_damage(log: SqliteLog, path: Path) -> None:
    """The thread that reads finds it in the file a moment before it knows of it."""
    first, last = 1 << SEQUENCE_BITS | 1, 1 << SEQUENCE_BITS | 3
    alter(path, f"UPDATE logs SET base = 3; DELETE FROM entries WHERE id BETWEEN {first} AND {last}")
    assert log.read(LOBBY, 1, 10) == []
    assert len(log.read(LOBBY, 4, 10)) == 7


def test_an_entry_with_a_bent_bit_is_not_served(log: SqliteLog, path: Path) -> None:
    row = 1 << SEQUENCE_BITS | 5
    bent = bytearray(said("text 5"))
    bent[-1] ^= 1
    alter(path, f"UPDATE entries SET entry = x'{bent.hex()}' WHERE id = {row}")
    assert len(log.read(LOBBY, 1, 4)) == 4
    with pytest.raises(StoreFailed, match="entry 5 of lobby is damaged"):
        log.read(LOBBY, 1, 10)
    with pytest.raises(StoreFailed):
        log.search(SearchQuery("5"))


def test_an_entry_that_strayed_or_is_missing_is_seen(log: SqliteLog, path: Path) -> None:
    alter(path, "UPDATE entries SET id = id + 100 WHERE id & 255 = 9")
    with pytest.raises(StoreFailed, match="1 entry of lobby between 1 and 10"):
        log.read(LOBBY, 1, 10)
    assert checksum_of(1, b"x") != checksum_of(2, b"x")


def test_an_interrupted_prune_leaves_a_lower_base_and_the_log_whole(
    log: SqliteLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "FORGET_ENTRIES", 3)
    trigger = f"CREATE TRIGGER stop BEFORE DELETE ON entries WHEN old.id = {1 << SEQUENCE_BITS | 5}"
    alter(path, f"{trigger} BEGIN SELECT raise(ABORT, 'pulled the plug'); END")
    with pytest.raises(StoreFailed, match="pulled the plug"):
        log.prune(LOBBY, 8)
    assert log.extent(LOBBY).base == 3
    assert log.read(LOBBY, 4, 10) == [said(f"text {number}") for number in range(4, 11)]
    assert [hit.sequence for hit in log.search(SearchQuery("text"))] == list(range(4, 11))
    alter(path, "DROP TRIGGER stop")
    log.prune(LOBBY, 8)
    assert log.extent(LOBBY).base == 8


def test_a_search_finds_the_latest_of_all_logs_whatever_the_order_in_which_they_came(log: SqliteLog) -> None:
    for number in range(1, 31):
        times = range(number * 40, number * 40 + 400, 20)
        entries = [said(f"word {'odd' if ms % 60 else 'even'}", nick=f"nick{ms % 3}", time_ms=ms) for ms in times]
        log.append(batch(f"{'@' if number % 2 else '#'}{31 - number}", 1, *entries))
    log.prune("@4", 99)
    log.prune("#3", 5)
    found = log.search(SearchQuery("word", limit=1_000))
    assert len(found) == 575

    for words in ("word", "even", "odd word", "text", "absent"):
        for nick in (None, "nick1"):
            for since_ms in (0, 700, 1_700):
                every = log.search(SearchQuery(words, nick=nick, since_ms=since_ms, limit=1_000))
                assert [hit.time_ms for hit in every] == sorted(hit.time_ms for hit in every)
                assert all(hit.time_ms >= since_ms for hit in every)
                latest = log.search(SearchQuery(words, nick=nick, since_ms=since_ms, limit=7))
                assert [hit.time_ms for hit in latest] == [hit.time_ms for hit in every[-7:]]


def test_a_failed_write_shows_nothing_and_may_be_tried_again(log: SqliteLog, path: Path) -> None:
    alter(path, "CREATE TRIGGER stop BEFORE INSERT ON entries BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(StoreFailed):
        log.append(batch(ATTIC, 1, said("new")) + batch(LOBBY, 11, said("more")))
    assert log.logs() == [LOBBY]
    assert log.extent(LOBBY).head == 10
    alter(path, "DROP TRIGGER stop")
    log.append(batch(ATTIC, 1, said("new")) + batch(LOBBY, 11, said("more")))
    assert log.read(ATTIC, 1, 1) == [said("new")]


def test_a_damaged_page_is_our_error_and_not_sqlites(log: SqliteLog, tmp_path: Path) -> None:
    log.append(batch(LOBBY, 11, *[said("y" * 3_000) for _ in range(200)]))
    log.close()
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entries'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with closing(SqliteLog(path)) as damaged, pytest.raises(StoreFailed):
        damaged.read(LOBBY, 1, 10)


def test_an_operator_is_told_of_rooms_and_conversations_not_of_logs() -> None:
    assert shown_log(room_log("lobby")) == shown_log(roster_log("lobby")) == "lobby"
    assert shown_log(conversation_log(bytes(32), bytes(32))) == "a conversation"
    assert shown_log(inbox_log(bytes(32))) == "an inbox"
    assert "!" not in shown_log(DIRECTORY_LOG)
