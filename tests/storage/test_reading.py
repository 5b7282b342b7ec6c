"""Reading the tables: moments, what an interrupted search gives, rows that stay within their log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.entries import ATTIC, LOBBY, alter, batch, said
from udpchat.storage.reading import LOGS_MAX, MOMENT_BITS, SEQUENCE_BITS, TIME_MS_MAX, Place, first_moment, sequence_of
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.tables import Tables, connect_reader
from udpchat.sync.log import Extent, ReadInterrupted, SearchQuery
from udpchat.wire.limits import SEARCH_WORDS_MAX


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(path)) as made:
        yield made


def test_rows_and_moments_fit_the_integers_of_sqlite_and_never_meet() -> None:
    last = Place(LOGS_MAX, Extent(1, 0, 0))
    assert last.row((1 << SEQUENCE_BITS) - 1) < 2**63
    assert Place(7, last.extent).row((1 << SEQUENCE_BITS) - 1) < Place(8, last.extent).row(0)
    assert sequence_of(last.row(99)) == 99
    assert first_moment(2**60) == first_moment(TIME_MS_MAX) < 2**63


def test_messages_of_one_millisecond_are_all_found_and_in_the_order_of_time(log: SqliteLog) -> None:
    for name in (LOBBY, ATTIC, "@both"):
        log.append(batch(name, 1, *[said("word", time_ms=ms) for ms in (7, 5, 7, 6)]))
    found = log.search(SearchQuery("word", limit=99))
    assert [hit.time_ms for hit in found] == [5] * 3 + [6] * 3 + [7] * 6
    assert len({(hit.log, hit.sequence) for hit in found}) == 12
    assert [hit.time_ms for hit in log.search(SearchQuery("word", since_ms=6, limit=99))] == [6] * 3 + [7] * 6


def test_where_a_millisecond_holds_no_more_the_rest_is_kept_and_not_found(log: SqliteLog, path: Path) -> None:
    """Only who sets the times can bring this about."""
    log.append(batch(LOBBY, 1, said("word", time_ms=7)))
    alter(path, f"UPDATE entries SET moment = {first_moment(8) - 2}")
    log.append(batch(LOBBY, 2, *[said("word", time_ms=7) for _ in range(3)]))
    log.append(batch(ATTIC, 1, said("word", time_ms=8)))
    assert len(log.read(LOBBY, 1, 9)) == 4
    assert [(hit.log, hit.sequence) for hit in log.search(SearchQuery("word"))] == [(LOBBY, 2), (ATTIC, 1)]


def test_what_was_redacted_or_pruned_is_not_found_in_rooms_or_conversations(log: SqliteLog) -> None:
    for name in (LOBBY, "@both"):
        log.append(batch(name, 1, *[said("a word", time_ms=ms) for ms in range(1, 6)]))
        log.prune(name, 2)
        log.redact(name, 4, b"\x92\x02\x00")
    assert [(hit.log, hit.sequence) for hit in log.search(SearchQuery("word"))] == [
        (LOBBY, 3), ("@both", 3), (LOBBY, 5), ("@both", 5),
    ]  # fmt: skip


def interrupted_after(path: Path, steps: int, query: SearchQuery) -> list[int]:
    """The times of what a search finds that is interrupted after so many steps of SQLite."""
    with closing(connect_reader(path)) as connection:
        reader = Tables(connection, connection).reader
        left = [steps]

        def count() -> int:
            left[0] -= 1
            if left[0] == 0:
                reader.interrupt()
            return 0

        connection.set_progress_handler(count, 1)
        return [hit.time_ms for hit in reader.search(query)]


def test_a_search_that_is_interrupted_gives_the_latest_of_what_it_would_have_found(log: SqliteLog, path: Path) -> None:
    for first in range(0, 3_000, 500):
        entries = [said(" ".join("abcdefgh"), time_ms=ms) for ms in range(first, first + 500)]
        log.append(batch(LOBBY, first + 1, *entries))
    query = SearchQuery(" ".join("abcdefgh"), limit=200)
    whole = interrupted_after(path, 10**9, query)
    assert whole == list(range(2_800, 3_000)) and SEARCH_WORDS_MAX == 8
    counts = set()
    for steps in range(1, 3_000, 37):
        try:
            found = interrupted_after(path, steps, query)
        except ReadInterrupted:
            found = []
        assert found == whole[len(whole) - len(found) :]
        counts.add(len(found))
    assert 0 in counts and len(counts) > 9


def test_one_that_was_interrupted_reads_on_when_it_begins_again(log: SqliteLog) -> None:
    log.append(batch(LOBBY, 1, said("word")))
    log.queries.interrupt()
    for read in (lambda: log.queries.search(SearchQuery("word")), lambda: log.queries.read(LOBBY, 1, 1)):
        with pytest.raises(ReadInterrupted):
            read()
    log.queries.begin()
    assert len(log.queries.search(SearchQuery("word"))) == 1


@pytest.mark.parametrize("wrong", ["'abc'", "x'ff'", "1.5", f"{6 << MOMENT_BITS}.5", str(2**63 - 1)])
def test_a_moment_that_is_damaged_keeps_nothing_else_from_being_written_and_found(path: Path, wrong: str) -> None:
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("one word", time_ms=5), said("two words", time_ms=6)))
    alter(path, f"UPDATE entries SET moment = {wrong} WHERE id & 3 = 1")
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 3, said("third word", time_ms=6), said("fourth word", time_ms=2)))
        assert [hit.sequence for hit in log.search(SearchQuery("word"))] == [4, 3]
        assert len(log.read(LOBBY, 1, 9)) == 4
