"""The thread that reads for queries: answers, a deadline, damage, and an end that leaves nothing open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.shell.waiting import run_until
from tests.storage.entries import LOBBY, alter, batch, said
from udpchat.server.queries import Query
from udpchat.shell import reader as shell_reader
from udpchat.shell.reader import QueryResult, ThreadReader
from udpchat.storage.reading import SEQUENCE_BITS, TableReader
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.sync.log import LogUnreadable, ReadInterrupted, SearchHit, SearchQuery
from udpchat.wire.requests import EntryList, Failed, GetHistory


class Reader:
    """A `ThreadReader` and what it answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reader: TableReader) -> None:
        self.loop = loop
        self.answers: list[tuple[int, QueryResult]] = []
        self.readies = 0
        self.thread = ThreadReader(loop, reader, on_answered=self._on_answered, on_ready=self._on_ready)

    def _on_answered(self, query: Query, result: QueryResult, took_s: float) -> None:
        assert took_s >= 0 and not self.thread.is_ready  # it rests
        self.answers.append((query.counter, result))

    def _on_ready(self) -> None:
        assert self.thread.is_ready
        self.readies += 1

    def submit(self, counter: int, read: GetHistory | SearchQuery) -> None:
        self.thread.submit(Query(b"client", counter, b"key", "10.0.0.1", read))

    def answer(self, counter: int, read: GetHistory | SearchQuery) -> QueryResult:
        run_until(self.loop, lambda: self.thread.is_ready)
        self.submit(counter, read)
        run_until(self.loop, lambda: self.answers and self.answers[-1][0] == counter)
        return self.answers[-1][1]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(tmp_path / "log.db")) as made:
        made.append(batch(LOBBY, 1, *[said(f"text {number}", time_ms=number) for number in range(1, 11)]))
        yield made


def sequences(result: QueryResult) -> list[int]:
    assert isinstance(result, EntryList), result
    return [item.sequence for item in result.items]


def test_what_was_written_is_read_on_the_thread(loop: asyncio.AbstractEventLoop, log: SqliteLog) -> None:
    reader = Reader(loop, log.queries)
    assert sequences(reader.answer(1, GetHistory(LOBBY, None, None, 3))) == [8, 9, 10]
    log.append(batch(LOBBY, 11, said("another", time_ms=20)))
    assert sequences(reader.answer(2, GetHistory(LOBBY, None, 10, 3))) == [7, 8, 9]
    assert sequences(reader.answer(3, SearchQuery("another"))) == [11]
    assert sequences(reader.answer(4, GetHistory("#unwritten", None, None, 3))) == []
    reader.thread.close()


def test_a_damaged_entry_is_reported_and_the_next_query_is_carried_out(
    loop: asyncio.AbstractEventLoop, log: SqliteLog, tmp_path: Path
) -> None:
    alter(tmp_path / "log.db", f"UPDATE entries SET entry = x'00' WHERE id = {1 << SEQUENCE_BITS | 5}")
    reader = Reader(loop, log.queries)
    assert isinstance(reader.answer(1, GetHistory(LOBBY, None, None, 9)), LogUnreadable)
    assert sequences(reader.answer(2, GetHistory(LOBBY, None, None, 2))) == [9, 10]
    reader.thread.close()


class Endless(TableReader):
    """A search that ends only when it is interrupted."""

    def begin(self) -> None:
        self.is_over = threading.Event()

    def interrupt(self) -> None:
        self.is_over.set()

    def search(self, query: SearchQuery) -> list[SearchHit]:
        assert self.is_over.wait(10)
        raise ReadInterrupted


def test_a_query_is_ended_at_its_deadline(
    loop: asyncio.AbstractEventLoop, log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_reader, "QUERY_S_MAX", 0.01)
    reader = Reader(loop, Endless.__new__(Endless))
    assert reader.answer(1, SearchQuery("word")) == Failed("too_slow")
    reader.thread.close()


def test_who_closes_it_ends_what_is_read_and_nothing_is_answered(loop: asyncio.AbstractEventLoop) -> None:
    reader = Reader(loop, Endless.__new__(Endless))
    reader.submit(1, SearchQuery("word"))
    reader.thread.close()
    loop.run_until_complete(asyncio.wait_for(reader.thread.idle(), 5))
    assert reader.answers == [] and not reader.thread.is_ready and reader.readies == 0


def test_it_rests_after_each_query_and_then_asks_for_the_next(loop: asyncio.AbstractEventLoop, log: SqliteLog) -> None:
    reader = Reader(loop, log.queries)
    for count in (1, 2):
        reader.answer(count, GetHistory(LOBBY, None, None, 3))
        run_until(loop, lambda count=count: reader.readies == count)
    reader.thread.close()
