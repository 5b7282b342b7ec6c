"""Rows of a client's store that cannot be read: each is set aside, whatever stands in whichever column."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import LOBBY, said
from udpchat.client.stored import (
    AccountKnown,
    EntriesStored,
    Label,
    ReplicaReset,
    RequestAdded,
    RequestDone,
    RoomsChanged,
)
from udpchat.storage.client_rows import READABLE
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import RUN_COUNTERS
from udpchat.wire.frames import encode
from udpchat.wire.requests import Done, Say

ACCOUNT = bytes(range(32))
HELLO = encode(Say("lobby", 0, "hello"))
WRONG = ("'abc'", "x'00ff'", "-1", "4611686018427387904", "CAST(x'ff' AS TEXT)", "'\x1b[2J'",
         "zeroblob(99)", "'" + "x" * 200 + "'")  # fmt: skip
COLUMNS = [(table, column) for table, (columns, _) in READABLE.items() for column in columns]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store in which every table has a row."""
    file = tmp_path / "store.sqlite"
    with closing(SqliteClientStore(file)) as store:
        store.load()
        store.write([RequestAdded(1, HELLO, Label("script", 1)), RequestAdded(2, HELLO), RoomsChanged(("lobby",))])
        store.write([RequestDone(1, encode(Done())), ReplicaReset(LOBBY, 7, 0), AccountKnown(ACCOUNT)])
        store.write([EntriesStored(LOBBY, 7, 1, (said("one"), said("two")))])
    return file


def altered(path: Path, sql: str) -> bool:
    """Whether this statement could be carried out on the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            connection.execute(sql)
        except sqlite3.Error:  # the table itself refuses it
            return False
    return True


def set_aside(path: Path) -> Iterator[tuple[str, bytes]]:
    """What the table has of rows that were set aside."""
    with closing(sqlite3.connect(path)) as connection:
        yield from connection.execute('SELECT origin, "values" FROM set_aside')


def test_what_can_be_read_stays_where_it_is(path: Path) -> None:
    with closing(SqliteClientStore(path)) as store:
        assert store.set_aside == {}
        assert store.unanswered() == [(2, HELLO)] and store.load().rooms == ("lobby",)
        assert store.load().account == ACCOUNT
    assert not altered(path, "SELECT * FROM set_aside")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_whatever_stands_in_a_column_the_store_opens_and_can_be_written(
    table: str, column: str, wrong: str, path: Path
) -> None:
    if not altered(path, f"UPDATE {table} SET {column} = {wrong}"):
        return
    with closing(SqliteClientStore(path)) as store:
        saved = store.load("script")
        added = RequestAdded(saved.next_counter, HELLO)
        store.write([added, RoomsChanged(("lobby",)), ReplicaReset("#attic", 1, 0)])
        assert (added.counter, HELLO) in store.unanswered()


def test_a_message_that_cannot_be_read_is_set_aside_as_it_is_and_once(path: Path) -> None:
    altered(path, "UPDATE outbox SET body = x'920580'")
    for count in ({"outbox": 1}, {}):
        with closing(SqliteClientStore(path)) as store:
            assert store.set_aside == count and store.unanswered() == []
    assert list(set_aside(path)) == [("outbox", b"2, X'920580'")]


def test_what_was_sent_under_an_instance_that_is_lost_is_not_sent_under_another(path: Path) -> None:
    """Or a message that has arrived would arrive a second time."""
    altered(path, "UPDATE identity SET instance = x'00'")
    with closing(SqliteClientStore(path)) as store:
        assert store.set_aside == {"identity": 1, "outbox": 1, "labels": 1} and store.unanswered() == []
        saved = store.load("script")
        assert len(saved.instance) == 16 and saved.labels == {} and saved.next_counter == 1
    with closing(SqliteClientStore(path)) as store:
        assert store.load().next_counter == 1 + RUN_COUNTERS


def test_of_two_instances_the_first_counts(path: Path) -> None:
    with closing(SqliteClientStore(path)) as store:
        first = store.load().instance
    altered(path, "INSERT INTO identity VALUES (x'00112233445566778899aabbccddeeff', 5)")
    with closing(SqliteClientStore(path)) as store:
        assert store.load().instance == first and store.set_aside == {"identity": 1}


def test_a_log_begins_anew_beside_the_entries_of_one_that_was_set_aside(path: Path) -> None:
    altered(path, "UPDATE logs SET base = 9")
    with closing(SqliteClientStore(path)) as store:
        assert store.set_aside == {"logs": 1} and store.logs() == []
        store.write([ReplicaReset(LOBBY, 7, 0), EntriesStored(LOBBY, 7, 1, (said("new"),))])
        assert store.last(LOBBY, 9) == [(1, said("new"))]
