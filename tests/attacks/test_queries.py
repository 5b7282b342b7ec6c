"""Long reads of the log hold up nobody, and tell nothing of what others say in private (SPEC 6.8).

As found, 32 searches of each client were carried out within one turn of the loop: three datagrams of one client kept
everybody waiting for 21 s. A search read all messages with its words before it left out those of others' conversations:
with 3,000 of them it took twenty times the work.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.server.rig import Rig
from tests.storage.entries import batch, said
from tests.storage.memory import MemoryLog
from udpchat.chat.ids import conversation_log, room_log
from udpchat.server.queries import Queries, Query
from udpchat.server.registry import Peer
from udpchat.storage.entry_words import private_word
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.tables import Tables, connect_reader
from udpchat.sync.log import SearchHit, SearchQuery
from udpchat.wire.limits import PEERS_MAX, QUERIES_MAX, QUERY_S_MAX, REQUESTS_IN_FLIGHT_MAX, SEARCH_BYTES_MAX
from udpchat.wire.requests import EntryList, Failed, GetHistory, Say, Search

LOBBY = room_log("lobby")
SEARCH = Search("word", None, None, 0)
OWN = "@own"


class CountingLog(MemoryLog):
    """Counts how often it is searched."""

    searches = 0

    def search(self, query: SearchQuery) -> list[SearchHit]:
        self.searches += 1
        return super().search(query)


def flood(rig: Rig, peer: Peer, count: int = REQUESTS_IN_FLIGHT_MAX, search: Search = SEARCH) -> None:
    """A device requests so many searches at once."""
    for counter in range(1, count + 1):
        peer.window.receive(counter, 1, search)
    rig.chat.fanout.to_flush[peer] = None


# --- On the loop ----------


def test_no_search_is_carried_out_within_a_turn_of_the_server() -> None:
    log = CountingLog()
    rig = Rig(log)
    rig.holds_queries = True
    for number in range(6):
        flood(rig, rig.device(f"peer{number}"))
    rig.server.receive(rig.now, [])
    assert log.searches == 0
    assert len(rig.server.drain_queries()) == 1 and rig.server.drain_queries() == []


def test_what_others_say_and_ask_is_answered_while_a_search_runs() -> None:
    rig = Rig()
    hostile, honest = rig.device("hostile"), rig.device("honest", "lobby")
    rig.holds_queries = True
    flood(rig, hostile)
    rig.settle()
    said_as = rig.ask(honest, Say("lobby", 0, "hello"))
    for _ in range(9):  # some turns later: what does not fit one waits for the next
        rig.settle()
        rig.write()
    assert rig.result(honest, said_as) is not None and rig.result(hostile, 1) is None


def test_a_newcomers_query_goes_ahead_of_those_of_a_host_that_had_many() -> None:
    """64 persons on one host, with 32 searches each, of which each takes as long as it may."""
    queries = Queries()
    for number in range(64 * 32):
        queries.add(query_of(key=number % 64, source="10.6.6.6", counter=number))
    for _ in range(10):
        run_next(queries)
    newcomer = query_of(key=1_000, source="10.0.0.1", counter=1)
    assert queries.add(newcomer)
    assert newcomer in [run_next(queries) for _ in range(2)]


def test_no_number_of_persons_leaves_a_newcomer_without_a_place() -> None:
    queries = Queries()
    for number in range(1_000 * REQUESTS_IN_FLIGHT_MAX):
        queries.add(query_of(key=number % 1_000, source=f"10.6.6.{number % 200}", counter=number))
    assert len(queries) < QUERIES_MAX < PEERS_MAX
    assert queries.add(query_of(key=5_000, source="10.0.0.1", counter=1))


def test_eight_devices_that_return_at_once_are_refused_nothing() -> None:
    queries = Queries()
    assert all(queries.add(query_of(key=1, source="10.0.0.1", counter=number)) for number in range(8 * 40))


def query_of(*, key: int, source: str, counter: int) -> Query:
    return Query(b"%d" % key, counter, b"%d" % key, source, GetHistory(LOBBY, None, None, 9))


def run_next(queries: Queries) -> Query:
    query = queries.take_next(lambda query: True)
    assert query is not None
    queries.on_answered(query, QUERY_S_MAX)
    return query


def test_a_search_of_many_words_is_refused_and_one_of_many_short_words_is_bounded() -> None:
    rig = Rig()
    peer = rig.device("peer", "lobby")
    counter = rig.ask(peer, Search("é" * 101, None, None, 0))
    assert rig.result(peer, counter) == Failed("too_long.search", (str(SEARCH_BYTES_MAX),))
    rig.ask(peer, Say("lobby", 0, " ".join("abcdefgh")))
    rig.write()
    assert rig.sequences(peer, Search(" ".join("abcdefghijklmnop"), None, None, 0)) == [1]  # eight of them count


# --- What others say in private ----------


def work_of(folder: Path, query: SearchQuery, others: list[str]) -> tuple[int, int]:
    """How many messages a search finds, and in how many steps of SQLite, if others have said this in private."""
    path = folder / f"{len(list(folder.iterdir()))}.db"
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, *[said(f"word {number}", time_ms=number) for number in range(300)]))
        log.append(batch(OWN, 1, said("word of mine", time_ms=200)))
        for first in range(0, len(others), 100):
            entries = [said(text, time_ms=100 + first) for text in others[first : first + 100]]
            log.append(batch(f"@others {first}", 1, *entries))
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(connect_reader(path)) as connection:
        reader = Tables(connection, connection).reader
        connection.set_progress_handler(count, 1)
        return len(reader.search(query)), steps


@pytest.mark.parametrize("conversations", [(), (OWN,)])
@pytest.mark.parametrize("limit", [200, 1_000])
def test_a_search_takes_the_same_steps_whether_others_say_its_words_in_private_or_other_words(
    tmp_path: Path, conversations: tuple[str, ...], limit: int
) -> None:
    query = SearchQuery("word", limit=limit, conversations=conversations)
    same, other = (work_of(tmp_path, query, [text] * 600) for text in ("the word and word", "the drow and drow"))
    assert same == other
    assert same[0] == min(limit, 300 + len(conversations))


def test_who_has_no_conversation_searches_as_if_nobody_had_one(tmp_path: Path) -> None:
    query = SearchQuery("word", limit=200, conversations=())
    alone, among_others = work_of(tmp_path, query, []), work_of(tmp_path, query, ["word"] * 600)
    assert alone[0] == among_others[0]
    assert abs(alone[1] - among_others[1]) <= 2  # the file is larger: SQLite may look one page deeper


def test_what_stands_for_a_private_word_finds_nothing(tmp_path: Path) -> None:
    """The words of a conversation are its own only within their index, which no search of others reads."""
    for number in range(1, 5):
        query = SearchQuery(private_word(number, "word"), conversations=(OWN,))
        assert work_of(tmp_path, query, ["word"])[0] == 0


def test_a_conversation_of_others_and_one_that_never_was_are_refused_alike() -> None:
    rig = Rig()
    peer = rig.device("peer")
    for log_name in (conversation_log(b"one", b"other"), "@" + "0" * 20):
        for request in (GetHistory(log_name, None, None, 9), Search("word", None, log_name, 0)):
            assert rig.result(peer, rig.ask(peer, request)) == Failed("not_allowed")
    assert rig.found(peer, SEARCH) == EntryList([]).items
