"""A client's store in which anything may stand: each start works, and says in one line what it could not read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.attacks.meeting import Meeting
from tests.storage.test_client_rows import COLUMNS, altered
from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.shell.addresses import parse_server
from udpchat.shell.client_state import ClientFolder, remembered, restore, store_path
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.ui.phrases import text_of
from udpchat.wire import content, frames
from udpchat.wire.frames import encode
from udpchat.wire.limits import SEQUENCE_MAX
from udpchat.wire.requests import ListRooms, Part

WRONG = ("'abc'", "x'00ff'", "-1", str(SEQUENCE_MAX), "CAST(x'ff' AS TEXT)")
ENTRIES = ("entry", "checksum", "time_ms")


def chatted(path: Path) -> Meeting:
    """A client whose store has something in each table that a run leaves behind."""
    meeting = Meeting(path=path, answers=True)
    meeting.start()
    meeting.enter()
    head = meeting.core.timeline.head_of("#lobby")
    assert head is not None
    entry = encode(content.Message(1_000, bytes(8), "bob", bytes(8), content.TEXT, "hello"))
    meeting.send(frames.Entries("#lobby", 7, 1, 0, [frames.raw(entry)] * (head + 3)))
    for number in range(5):
        meeting.core.say(meeting.now, "lobby", f"said {number}")
        meeting.run(0.05)
    meeting.core.say(meeting.now, "lobby", "said into the void")
    meeting.exchange()
    meeting.stop()
    return meeting


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("table", "column"), [*COLUMNS, *(("entries", column) for column in ENTRIES)])
def test_whatever_stands_in_any_column_the_client_starts(table: str, column: str, wrong: str, tmp_path: Path) -> None:
    meeting = chatted(tmp_path / "store")
    if altered(tmp_path / "store", f"UPDATE {table} SET {column} = {wrong}"):
        meeting.start()
        meeting.enter()
        meeting.core.say(meeting.now, "lobby", "hello again")
        meeting.run(0.1)
        assert meeting.of(events.Connected)
        meeting.stop()


@pytest.mark.parametrize("name", ["", "x" * 128])
def test_a_request_that_an_earlier_version_could_write_and_nobody_can_read_ends_no_start(
    name: str, tmp_path: Path
) -> None:
    """As found, after one `Heads` of the log `#` or one overlong name in a page: internal error, for ever."""
    meeting = chatted(tmp_path / "store")
    for number, body in enumerate((Part(name), ListRooms(name))):
        with closing(sqlite3.connect(tmp_path / "store", isolation_level=None)) as connection:
            connection.execute("INSERT OR REPLACE INTO outbox VALUES (?, ?)", (9_000 + number, encode(body)))
    meeting.start()


def test_what_was_set_aside_is_reported_in_one_line_and_once(tmp_path: Path) -> None:
    server = parse_server("udpchat://10.0.0.1:1")
    told: list[Phrase] = []
    folder = ClientFolder(tmp_path, "alice", report=told.append)
    path = store_path(tmp_path, "alice", server)
    path.parent.mkdir(parents=True)
    chatted(path)
    assert altered(path, "UPDATE outbox SET body = x'00'") and altered(path, "UPDATE logs SET head = -1")
    for _ in range(2):
        store = folder.open_store(server)
        assert store is not None
        store.close()
    (phrase,) = told
    text = text_of(phrase)
    assert os.linesep not in text and str(path) in text and "messages or commands not confirmed" in text


def test_a_log_whose_entries_are_damaged_is_reported_and_left_out(tmp_path: Path) -> None:
    meeting = chatted(tmp_path / "store")
    told: list[Phrase] = []
    with closing(SqliteClientStore(tmp_path / "store")) as store:
        head = store.extent("#lobby").head
    assert head
    altered(tmp_path / "store", "UPDATE entries SET checksum = 0")
    with closing(SqliteClientStore(tmp_path / "store")) as store:
        saved = remembered(store, ("lobby",), 9, report=told.append)
        assert "#lobby" not in saved.recent and saved.replicas["#lobby"][1] == head
        restore(meeting.core, store, report=told.append)
    assert told and all("lobby" in text_of(phrase) for phrase in told)
