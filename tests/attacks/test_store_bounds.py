"""As many logs and entries as a store can number: what is beyond is refused, and touches nothing else (SPEC 4.9).

As found, the entry 2^40 of a log took the row of one of another log, and the log 2^23 was an assertion that stopped the
server, at every later start again.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.server.rig import Rig
from tests.storage.entries import ATTIC, LOBBY, alter, batch, said
from tests.storage.memory import MemoryLog
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log
from udpchat.client.stored import EntriesStored, ReplicaReset
from udpchat.server.state import LOGS_MAX as LOGS_MAX_BY_KIND
from udpchat.storage import tables
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.reading import LOGS_MAX
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreFailed, StoreFull
from udpchat.sync.log import Extent, SearchQuery
from udpchat.wire.limits import LOG_ENTRIES_MAX, NICKS_MAX
from udpchat.wire.requests import Failed, RequestBody, Say, SetTopic, Stored, Tell


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def test_an_entry_too_many_is_refused_and_takes_no_row_of_another_log(path: Path) -> None:
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("one")) + batch(ATTIC, 1, said("one of the attic")))
    alter(path, f"UPDATE logs SET base = {LOG_ENTRIES_MAX - 1}, head = {LOG_ENTRIES_MAX - 1} WHERE name = '{LOBBY}'")
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, LOG_ENTRIES_MAX, said("the last")))
        with pytest.raises(StoreFull, match="a log holds"):
            log.append(batch(LOBBY, LOG_ENTRIES_MAX + 1, said("one more")) + batch("#new", 1, said("new")))
        assert log.extent(LOBBY).head == LOG_ENTRIES_MAX and log.logs() == [LOBBY, ATTIC]
        assert log.read(LOBBY, LOG_ENTRIES_MAX, 9) == [said("the last")]
        assert log.read(ATTIC, 1, 9) == [said("one of the attic")]
        assert {hit.log for hit in log.search(SearchQuery("one"))} == {LOBBY, ATTIC}
        log.append(batch(ATTIC, 2, said("two")))


def test_a_replica_that_begins_at_the_last_entry_is_like_any_other(path: Path) -> None:
    with closing(SqliteClientStore(path)) as store:
        store.write([EntriesStored(ATTIC, 1, 1, (said("one"),)), ReplicaReset(LOBBY, 1, LOG_ENTRIES_MAX)])
        assert store.read(LOBBY, 1, 9) == [] and store.since(LOBBY, 0) == LOG_ENTRIES_MAX + 1
        with pytest.raises(StoreFull):
            store.write([EntriesStored(LOBBY, 1, LOG_ENTRIES_MAX + 1, (said("x"),))])
        store.write([ReplicaReset(LOBBY, 2, 0), EntriesStored(LOBBY, 2, 1, (said("begun anew"),))])
        assert store.read(LOBBY, 1, 9) == [(1, said("begun anew"))] and store.read(ATTIC, 1, 9) == [(1, said("one"))]


def test_a_log_too_many_is_refused_and_the_others_are_written_now_and_after_a_start(path: Path) -> None:
    with closing(SqliteLog(path)) as log:
        log.append(batch(LOBBY, 1, said("one")))
    alter(path, f"INSERT INTO logs VALUES ({LOGS_MAX}, '#last', 1, 0, 0)")
    for run in (1, 2):
        with closing(SqliteLog(path)) as log:
            with pytest.raises(StoreFull, match="as many as one file can hold"):
                log.append(batch("#more", 1, said("x")))
            log.append(batch(LOBBY, 1 + run, said("more")))
            assert log.extent(LOBBY).head == 1 + run and log.logs() == [LOBBY, "#last"]


def test_writes_that_fail_use_up_no_number_of_a_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LOGS_MAX", 2)
    with closing(SqliteLog(path)) as log:
        alter(path, "CREATE TRIGGER stop BEFORE INSERT ON entries BEGIN SELECT raise(ABORT, 'no'); END")
        for _ in range(9):
            with pytest.raises(StoreFailed):
                log.append(batch(LOBBY, 1, said("one")))
        alter(path, "DROP TRIGGER stop")
        log.append(batch(LOBBY, 1, said("one")))
        log.append(batch(ATTIC, 1, said("one")))
        with pytest.raises(StoreFull):
            log.append(batch("#third", 1, said("one")))


def test_the_core_refuses_before_the_store_would() -> None:
    assert sum(LOGS_MAX_BY_KIND.values()) + len([DIRECTORY_LOG]) <= LOGS_MAX


class LongLog(MemoryLog):
    """A log whose logs are as long as they can be."""

    def __init__(self) -> None:
        super().__init__()
        self.long: set[str] = set()

    def extent(self, log: str) -> Extent:
        extent = super().extent(log)
        return Extent(extent.generation, extent.base, LOG_ENTRIES_MAX) if log in self.long else extent


def test_a_message_to_a_full_log_is_refused_and_nothing_is_written() -> None:
    log = LongLog()
    rig = Rig(log)
    alice, bob = rig.device("alice", "lobby", "den"), rig.device("bob")

    def result(request: RequestBody) -> object:
        counter = rig.ask(alice, request)
        rig.write()
        return rig.result(alice, counter)

    assert result(Tell("bob", 0, "hi")) is not None
    log.long |= {"#lobby", conversation_log(alice.key, bob.key), DIRECTORY_LOG}
    for request in (Say("lobby", 0, "x"), Tell("bob", 0, "x"), SetTopic("lobby", "x")):
        assert result(request) == Failed("log_full")
    assert result(Say("den", 0, "x")) == Stored("#den", 1)
    carol = rig.stranger()
    rig.enter(carol, "carol")
    assert carol.nick is None and rig.server.drain_writes() == []


def test_all_nicks_fit_the_directory_many_times() -> None:
    assert NICKS_MAX * 1_000 < LOG_ENTRIES_MAX
