"""The contract of a `Log`, run by every implementation of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.storage.entries import ATTIC, CLIENT_ID, LOBBY, Disk, batch, said, tombstone
from tests.storage.memory import MemoryLog
from udpchat.storage import tables
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import ANSWERED_MAX, GENERATION_MAX, Durability, Log, StoreFull
from udpchat.sync.log import Append, Extent, RequestId, SearchQuery
from udpchat.wire.content import Claim
from udpchat.wire.frames import encode

Open = Callable[..., Log]


@pytest.fixture(params=["in memory", *Durability])
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    logs: list[Log] = []
    disk = Disk()
    monkeypatch.setattr(tables, "connect", disk.connect)

    def make(bytes_max: int | None = None) -> Log:
        made: Log = MemoryLog(bytes_max=bytes_max)
        if request.param != "in memory":
            made = SqliteLog(tmp_path / "log.db", durability=Durability(request.param))
            if bytes_max is not None:
                disk.limit(bytes_max)
        logs.append(made)
        return made

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def log(opened: Open) -> Log:
    return opened()


def texts(store: Log, words: str, **choices: object) -> list[int]:
    return [found.sequence for found in store.search(SearchQuery(words, **choices))]  # type: ignore[arg-type]


def test_a_log_that_was_never_written_reaches_from_0_to_0(log: Log) -> None:
    extent = log.extent(LOBBY)
    assert (extent.base, extent.head) == (0, 0)
    assert log.logs() == []
    assert log.read(LOBBY, 1, 10) == []
    assert log.search(SearchQuery("word", log=LOBBY)) == []
    assert log.answered(CLIENT_ID) == []
    assert log.since(LOBBY, 5) == 1


def test_the_generation_of_a_log_is_known_before_it_is_written_and_stays(log: Log) -> None:
    before = log.extent(LOBBY).generation
    log.append(batch(LOBBY, 1, said("one")))
    assert log.extent(LOBBY) == Extent(before, 0, 1)
    log.append(batch(LOBBY, 2, said("two")))
    assert log.extent(LOBBY).generation == before
    assert 1 <= before <= GENERATION_MAX
    assert log.extent(ATTIC).generation != before


def test_what_was_appended_is_read_back_densely(log: Log) -> None:
    entries = [said(f"text {number}") for number in range(100)]
    log.append(batch(LOBBY, 1, *entries[:60]) + batch(ATTIC, 1, said("up here")))
    log.append(batch(LOBBY, 61, *entries[60:]))
    assert log.read(LOBBY, 1, 1_000) == entries
    assert log.read(LOBBY, 50, 20) == entries[49:69]
    assert log.read(LOBBY, 101, 5) == log.read(LOBBY, 5, 0) == log.read(LOBBY, 5, -1) == []
    assert sorted(log.logs()) == [ATTIC, LOBBY]


def test_any_bytes_are_an_entry(log: Log) -> None:
    entries = [b"", b"\x00", b"\xff" * 20_000, encode(Claim("alice", b"key")), said("a\x00b", time_ms=2**63)]
    log.append(batch("!directory", 1, *entries))
    assert log.read("!directory", 1, 9) == entries


def test_a_sequence_that_does_not_continue_its_log_is_a_fault_of_the_caller(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("one")))
    for first in (0, 1, 3):
        with pytest.raises(AssertionError):
            log.append(batch(ATTIC, 1, said("with it")) + batch(LOBBY, first, said("wrong")))
    assert log.extent(LOBBY).head == 1
    assert log.extent(ATTIC).head == 0


def test_a_request_is_answered_by_one_entry(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("one"), counter=7))
    with pytest.raises(AssertionError):
        log.append(batch(LOBBY, 2, said("two"), counter=7))
    log.append(batch(LOBBY, 2, said("two"), counter=8))
    assert log.answered(CLIENT_ID) == [(7, LOBBY, 1), (8, LOBBY, 2)]


def test_the_latest_answers_of_each_author_are_remembered(log: Log) -> None:
    for first in range(1, 201, 20):
        log.append(batch(LOBBY, first, *[said("x")] * 20, counter=first * 10))
    log.append([Append(ATTIC, 1, said("y"), RequestId(b"another", 3))])
    answered = log.answered(CLIENT_ID)
    assert len(answered) == ANSWERED_MAX
    assert answered == sorted(answered)
    assert answered[-1] == (1829, LOBBY, 200)
    assert [sequence for _, _, sequence in answered] == list(range(137, 201))
    assert log.answered(b"another") == [(3, ATTIC, 1)]


def test_a_full_store_writes_nothing_of_a_batch_and_serves_on(opened: Open) -> None:
    log = opened(bytes_max=200_000)
    kept = [said("small enough")]
    log.append(batch(LOBBY, 1, *kept, counter=1))
    with pytest.raises(StoreFull):
        log.append(batch(ATTIC, 1, said("first")) + batch(LOBBY, 2, *[said("z" * 9_000)] * 60, counter=2))
    assert log.extent(ATTIC).head == 0
    assert log.read(LOBBY, 1, 99) == kept
    assert log.answered(CLIENT_ID) == [(1, LOBBY, 1)]
    assert texts(log, "first") == []
    log.append(batch(LOBBY, 2, said("small again"), counter=2))
    assert texts(log, "small") == [1, 2]


def test_pruned_entries_are_gone_and_the_rest_stays(log: Log) -> None:
    entries = [said(f"text {number}", time_ms=number) for number in range(1, 3_001)]
    log.append(batch(LOBBY, 1, *entries, counter=1))
    generation = log.extent(LOBBY).generation
    log.prune(LOBBY, 2_500)
    assert log.extent(LOBBY) == Extent(generation, 2_500, 3_000)
    assert log.read(LOBBY, 2_501, 2) == entries[2_500:2_502]
    assert texts(log, "2500") == []
    assert texts(log, "2501") == [2_501]
    assert log.since(LOBBY, 0) == 2_501
    assert len(log.answered(CLIENT_ID)) == ANSWERED_MAX
    log.prune(LOBBY, 100)
    assert log.extent(LOBBY).base == 2_500
    log.prune(LOBBY, 9_999)
    log.prune("#unknown", 5)
    assert log.extent(LOBBY) == Extent(generation, 3_000, 3_000)
    log.append(batch(LOBBY, 3_001, said("on it goes")))
    assert log.read(LOBBY, 3_001, 5) == [said("on it goes")]


def test_a_redacted_entry_leaves_its_number_and_no_word(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("first", time_ms=10), said("secret", time_ms=20), said("third", time_ms=30)))
    log.redact(LOBBY, 2, tombstone())
    log.redact(LOBBY, 4, tombstone())
    log.redact(LOBBY, 0, tombstone())
    log.redact(ATTIC, 1, tombstone())
    assert log.read(LOBBY, 1, 9) == [said("first", time_ms=10), tombstone(), said("third", time_ms=30)]
    assert texts(log, "secret") == []
    assert texts(log, "third") == [3]
    assert log.since(LOBBY, 15) == 2
    assert log.since(LOBBY, 25) == 3
    log.prune(LOBBY, 2)
    assert log.read(LOBBY, 3, 9) == [said("third", time_ms=30)]


def test_what_is_read_starts_where_it_was_asked_for_or_there_is_nothing(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("one"), said("two"), said("three")))
    log.prune(LOBBY, 1)
    for first in (-5, 0, 1):
        assert log.read(LOBBY, first, 10) == []
    assert log.read(LOBBY, 2, 10) == [said("two"), said("three")]


def test_times_lead_to_sequences(log: Log) -> None:
    log.append(batch(LOBBY, 1, *[said("t", time_ms=100 * number) for number in range(1, 51)]))
    assert [log.since(LOBBY, ms) for ms in (0, 100, 101, 200, 2_550, 5_000, 5_001)] == [1, 1, 2, 2, 26, 50, 51]


def test_a_search_finds_whole_words_whatever_their_case_and_accents(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("The quick brown fox"), said("Un CAFÉ, s'il te plaît"), said("foxes are quick")))
    assert texts(log, "quick") == [1, 3]
    assert texts(log, "Quick FOX") == [1]
    assert texts(log, "cafe") == [2]
    assert texts(log, "café plait!") == [2]
    assert texts(log, "slow") == texts(log, "quick slow") == texts(log, "") == texts(log, " ... ") == []


def test_a_search_is_no_query_language(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("fox or hound"), said("text near nick")))
    for words in ('"', "fox*", "NOT fox", "(fox", "nick:", "text : fox", "fox AND", "^fox", "fox + hound", "\x00"):
        log.search(SearchQuery(words, nick='"', log=LOBBY))
        log.search(SearchQuery(words))
    assert texts(log, "fox OR hound") == [1]
    assert texts(log, "text NEAR nick") == [2]


def test_a_search_keeps_to_nick_room_time_and_number(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("word", nick="Bob", time_ms=10), said("word", nick="bob-2", time_ms=20)))
    log.append(batch(ATTIC, 1, said("word", nick="bob", time_ms=15), said("word", nick="bob", time_ms=25)))
    found = log.search(SearchQuery("word"))
    assert [(hit.log, hit.sequence, hit.time_ms) for hit in found] == [
        (LOBBY, 1, 10), (ATTIC, 1, 15), (LOBBY, 2, 20), (ATTIC, 2, 25),
    ]  # fmt: skip
    assert found[0].entry == said("word", nick="Bob", time_ms=10)
    of_bob = log.search(SearchQuery("word", nick="bob"))
    assert [(hit.log, hit.sequence) for hit in of_bob] == [(LOBBY, 1), (ATTIC, 1), (ATTIC, 2)]
    assert texts(log, "", nick="BOB-2") == [2]
    assert texts(log, "word", log=ATTIC) == [1, 2]
    assert texts(log, "word", since_ms=20) == [2, 2]
    assert texts(log, "word", since_ms=21, log=LOBBY) == []
    assert [hit.time_ms for hit in log.search(SearchQuery("word", limit=2))] == [20, 25]
    assert texts(log, "word", limit=0) == texts(log, "word", log="#unknown") == []


def test_a_search_leaves_out_what_may_not_be_read_before_it_counts(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("word", time_ms=5), said("word", time_ms=10)))
    log.append(batch("@alice and bob", 1, *[said("word", time_ms=ms) for ms in (20, 30, 7)]))
    log.append(batch("@bob and carol", 1, said("word", time_ms=40)))

    def times(conversations: tuple[str, ...] | None, limit: int = 9, log_name: str | None = None) -> list[int]:
        query = SearchQuery("word", log=log_name, limit=limit, conversations=conversations)
        return [hit.time_ms for hit in log.search(query)]

    assert times(()) == [5, 10] == times((), limit=2)
    assert times(("@alice and bob", "@unwritten")) == [5, 7, 10, 20, 30]
    assert times(("@alice and bob",), limit=3) == [10, 20, 30]
    assert times(None) == [5, 7, 10, 20, 30, 40] and times(None, log_name=LOBBY) == [5, 10]
    assert times(("@bob and carol",), log_name="@bob and carol") == [40] and times((), log_name="@bob and carol") == []


def test_a_search_leaves_out_rooms_before_it_counts(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("word", time_ms=5), said("word", time_ms=10)))
    log.append(batch(ATTIC, 1, *[said("word", time_ms=ms) for ms in (20, 30, 7)]))
    log.append(batch("@alice and bob", 1, said("word", time_ms=40)))

    def times(without: tuple[str, ...], limit: int = 9, nick: str | None = None) -> list[int]:
        query = SearchQuery("word", nick=nick, limit=limit, conversations=("@alice and bob",), without=without)
        return [hit.time_ms for hit in log.search(query)]

    assert times(()) == times(("#unwritten",)) == [5, 7, 10, 20, 30, 40]
    assert times((ATTIC,)) == [5, 10, 40] and times((ATTIC,), limit=2) == [10, 40] and times((LOBBY, ATTIC)) == [40]
    assert times((LOBBY,), limit=3) == [20, 30, 40] and times((LOBBY,), nick="nobody") == []


def test_closing_twice_is_fine(log: Log) -> None:
    log.append(batch(LOBBY, 1, said("one")))
    log.close()
    log.close()
