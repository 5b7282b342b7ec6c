"""The contract of a `ClientStore`, run by every implementation; and what the one on SQLite keeps across a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage import memory
from tests.storage.entries import ATTIC, LOBBY, alter, said, trace
from tests.storage.memory import MemoryClientStore
from tests.storage.test_server_sqlite import crashed
from udpchat.client import stored
from udpchat.client.stored import (
    AccountKnown,
    ClientState,
    EntriesStored,
    Label,
    Labelled,
    ReplicaReset,
    RequestAdded,
    RequestDone,
    RequestRenumbered,
    RoomsChanged,
    digest_of,
)
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import RUN_COUNTERS, ClientStore, StoreFailed, StoreUnusable
from udpchat.sync.log import Extent, SearchQuery
from udpchat.wire.frames import encode
from udpchat.wire.requests import Say, Stored

Again = Callable[[], ClientStore]
ONE, TWO, THREE, BODY, X = (encode(Say("lobby", 0, text)) for text in ("one", "two", "three", "body", "x"))
STORED = encode(Stored("#lobby", 1))


@pytest.fixture(params=["memory", "sqlite", "sqlite in memory"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Gives the store, and on a second call the same store as the next start finds it."""
    stores: list[ClientStore] = []

    def open_again() -> ClientStore:
        if request.param != "sqlite":
            stores[:] = stores or [MemoryClientStore() if request.param == "memory" else SqliteClientStore(None)]
            return stores[0]
        for store in stores:
            store.close()
        stores.append(SqliteClientStore(tmp_path / "client.db"))
        return stores[-1]

    yield open_again
    for store in stores:
        store.close()


def test_a_new_store_has_an_instance_of_its_own_and_keeps_it(again: Again) -> None:
    saved = again().load()
    assert saved == ClientState(saved.instance)
    assert len(saved.instance) == 16
    assert again().load() == saved.changed(next_counter=1 + RUN_COUNTERS)
    assert MemoryClientStore().load().instance != saved.instance


def test_unanswered_requests_keep_their_counters_across_a_start(again: Again) -> None:
    store = again()
    store.write([RequestAdded(1, ONE), RequestAdded(2, TWO), RequestAdded(3, THREE)])
    store.write([RequestDone(2), RequestDone(99)])
    store.write([RequestDone(3)])
    saved = again().load()
    assert saved.unanswered == ((1, ONE),)
    assert saved.next_counter == 4


def test_a_request_that_was_renumbered_keeps_its_body_and_its_label(again: Again) -> None:
    store = again()
    store.write([RequestAdded(1, ONE), RequestAdded(2, TWO, Label("id", 4)), RequestRenumbered(2, 70)])
    store.write([RequestRenumbered(99, 71)])
    saved = again().load("id")
    assert (saved.unanswered, saved.next_counter) == (((1, ONE), (70, TWO)), 72)
    assert saved.labelled == {70} and saved.labels == {4: Labelled(70, digest_of(TWO))}


def test_replicas_stand_where_they_stood(again: Again) -> None:
    store = again()
    store.write(
        [
            ReplicaReset(LOBBY, 7, 0),
            EntriesStored(LOBBY, 7, 1, (said("a"), said("b"))),
            EntriesStored(LOBBY, 7, 3, (said("c"),)),
        ]
    )
    store.write([ReplicaReset(ATTIC, 8, 100), EntriesStored(ATTIC, 8, 101, (said("z"),))])
    store = again()
    assert store.load().replicas == {LOBBY: (7, 3), ATTIC: (8, 101)}
    assert store.read(LOBBY, 2, 9) == [(2, said("b")), (3, said("c"))]
    assert store.read(ATTIC, 1, 200) == [(101, said("z"))]
    assert store.extent(ATTIC) == Extent(8, 100, 101)
    assert store.extent("#unknown") == Extent(0, 0, 0)
    assert sorted(store.logs()) == [ATTIC, LOBBY]


def test_a_log_that_was_never_rebased_starts_at_1(again: Again) -> None:
    again().write([EntriesStored(LOBBY, 7, 1, (said("a"),))])
    assert again().load().replicas == {LOBBY: (7, 1)}


def test_a_hole_or_another_generation_is_a_fault_of_the_caller(again: Again) -> None:
    store = again()
    store.write([EntriesStored(LOBBY, 7, 1, (said("a"),))])
    for wrong in (
        EntriesStored(LOBBY, 7, 3, (said("c"),)),
        EntriesStored(LOBBY, 7, 1, (said("a"),)),
        EntriesStored(LOBBY, 8, 2, (said("b"),)),
    ):
        with pytest.raises(AssertionError):
            store.write([wrong])
    assert store.load().replicas == {LOBBY: (7, 1)}


def test_the_rooms_of_the_run_before_are_found_in_their_order(again: Again) -> None:
    store = again()
    assert store.load().rooms == ()
    store.write([RoomsChanged(("lobby", "den"))])
    store.write([RoomsChanged(("zoo", "lobby", "attic"))])
    assert again().load().rooms == ("zoo", "lobby", "attic")
    store = again()
    store.write([RoomsChanged(())])
    assert again().load().rooms == ()


def test_the_latest_entries_page_backwards(again: Again) -> None:
    store = again()
    store.write([ReplicaReset(LOBBY, 7, 10), EntriesStored(LOBBY, 7, 11, tuple(said(f"{n}") for n in range(11, 31)))])
    assert [sequence for sequence, _ in store.last(LOBBY, 5)] == [26, 27, 28, 29, 30]
    assert [sequence for sequence, _ in store.last(LOBBY, 99)] == list(range(11, 31))
    assert store.last(LOBBY, 0) == store.last("#unknown", 5) == []


def test_a_replica_that_starts_over_holds_nothing_of_what_was(again: Again) -> None:
    store = again()
    store.write([EntriesStored(LOBBY, 7, 1, (said("old words"), said("older")))])
    store.write([ReplicaReset(LOBBY, 9, 50), EntriesStored(LOBBY, 9, 51, (said("new words"),))])
    assert store.read(LOBBY, 1, 99) == [(51, said("new words"))]
    assert [(found.sequence, found.entry) for found in store.search(SearchQuery("words"))] == [(51, said("new words"))]
    store.write([ReplicaReset(LOBBY, 9, 51)])
    assert store.search(SearchQuery("words")) == store.read(LOBBY, 1, 99) == []


def test_replicas_are_searched_by_word_nick_room_and_time(again: Again) -> None:
    store = again()
    store.write([
        EntriesStored(LOBBY, 7, 1, (said("lunch?", nick="ann", time_ms=10), said("Lunch!", nick="bob", time_ms=30))),
        EntriesStored(
            ATTIC, 8, 1, (said("no lunch", nick="bob", time_ms=20), b"nonsense", said("x", time_ms=2**64 - 1))
        ),
    ])  # fmt: skip
    assert [found.time_ms for found in store.search(SearchQuery("lunch"))] == [10, 20, 30]
    assert [found.log for found in store.search(SearchQuery("lunch", nick="Bob"))] == [ATTIC, LOBBY]
    assert [found.time_ms for found in store.search(SearchQuery("lunch", since_ms=15, log=LOBBY))] == [30]
    assert store.since(LOBBY, 20) == 2


# --- On SQLite ----------


def test_a_second_client_on_the_same_folder_is_told_why_not(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.db")), pytest.raises(StoreUnusable, match="in use by process"):
        SqliteClientStore(tmp_path / "client.db")
    SqliteClientStore(tmp_path / "client.db").close()


def test_what_was_asked_and_held_is_there_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "client.db"
    with closing(SqliteClientStore(path)) as store:
        for number in range(1, 11):
            store.write([RequestAdded(number, BODY), EntriesStored(LOBBY, 7, number, (said(f"text {number}"),))])
            store.write([RequestDone(number - 1)])
            with closing(SqliteClientStore(crashed(path, tmp_path / f"{number}"))) as found:
                assert found.load() == store.load()
                assert found.load().unanswered == ((number, BODY),)
                assert found.last(LOBBY, 99) == store.last(LOBBY, 99)


def test_a_failed_write_leaves_all_as_it_was(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.db")) as store:
        store.write([EntriesStored(LOBBY, 7, 1, (said("a"),))])
        before = store.load()
        alter(tmp_path / "client.db", "CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT raise(ABORT, 'no'); END")
        with pytest.raises(StoreFailed):
            store.write([RequestAdded(1, ONE), ReplicaReset(LOBBY, 9, 5), EntriesStored(LOBBY, 9, 6, (said("b"),))])
        assert store.load() == before.changed(next_counter=before.next_counter + RUN_COUNTERS)
        assert store.last(LOBBY, 9) == [(1, said("a"))]


def test_answers_are_synced_before_more_are_at_stake_than_a_server_recalls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = trace(monkeypatch)
    store = SqliteClientStore(tmp_path / "client.db")
    store.write([RequestAdded(counter, BODY) for counter in range(1, 101)])
    synced = []
    for counter in range(1, 101):
        statements.clear()
        store.write([RequestDone(counter)])
        synced += [counter] * ("PRAGMA synchronous = FULL" in statements)
    assert synced == [33, 66, 99]
    store.close()


def test_a_run_never_uses_a_counter_of_a_run_before_it_written_or_not(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "client.sqlite")) as store:
        first = store.load().next_counter
    with closing(SqliteClientStore(tmp_path / "client.sqlite")) as store:
        assert store.load().next_counter >= first + RUN_COUNTERS


# --- Labels ----------


def test_a_label_is_found_with_its_request_and_its_result_at_the_next_start(again: Again) -> None:
    store = again()
    store.write(
        [
            RequestAdded(1, ONE, Label("job", 1)),
            RequestAdded(2, TWO, Label("job", 3)),
            RequestAdded(3, X, Label("b", 1)),
        ]
    )
    store.write([RequestDone(1, STORED)])
    saved = again().load("job")
    assert saved.labels == {1: Labelled(1, digest_of(ONE), STORED), 3: Labelled(2, digest_of(TWO))}
    assert saved.labelled == {2, 3} and saved.unanswered == ((2, TWO), (3, X))
    assert again().load().labels == {}


def test_a_request_that_was_discarded_keeps_its_label_without_a_result(again: Again) -> None:
    again().write([RequestAdded(1, ONE, Label("job", 1))])
    again().write([RequestDone(1)])
    saved = again().load("job")
    assert saved.unanswered == () and saved.labels == {1: Labelled(1, digest_of(ONE))} and not saved.labelled


def test_of_too_many_labels_the_oldest_answered_of_other_inputs_are_forgotten(
    again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (stored, memory):
        monkeypatch.setattr(module, "LABELS_MAX", 3)
    store = again()
    store.write([RequestAdded(number, X, Label("ab"[number > 3], number)) for number in range(1, 7)])
    store.write([RequestDone(number, STORED) for number in (2, 3, 4, 5, 6)])
    assert set(again().load("b").labels) == {4, 5, 6}
    assert set(again().load("a").labels) == {1}


def test_a_label_is_durable_with_its_request_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "client.db"
    with closing(SqliteClientStore(path)) as store:
        store.write([RequestAdded(1, ONE, Label("job", 1))])
        with closing(SqliteClientStore(crashed(path, tmp_path / "1"))) as found:
            assert found.load("job").labels == {1: Labelled(1, digest_of(ONE))}
            assert found.unanswered() == [(1, ONE)]
        with pytest.raises(StoreFailed):
            store.write([RequestAdded(2, TWO, Label("job", 1))])
        assert store.unanswered() == [(1, ONE)] and store.load("job").labels[1].counter == 1


# --- How large it gets ----------


@pytest.mark.parametrize("is_in_memory", [False, True])
def test_the_oldest_entries_make_room_and_requests_never_do(is_in_memory: bool, tmp_path: Path) -> None:
    with closing(SqliteClientStore(None if is_in_memory else tmp_path / "s", bytes_max=2**20)) as store:
        store.write([RequestAdded(1, ONE), EntriesStored(ATTIC, 7, 1, (said("a"),))])
        for first in range(1, 4_001, 100):
            entries = tuple(said(f"text {number} " + "x" * 400) for number in range(first, first + 100))
            store.write([EntriesStored(LOBBY, 7, first, entries)])
        extent = store.extent(LOBBY)
        assert store.has_forgotten and extent.head == 4_000 and 0 < extent.base < 3_900
        assert len(store.last(LOBBY, 100)) == 100 and store.last(ATTIC, 9) == [(1, said("a"))]
        assert store.unanswered() == [(1, ONE)]
        assert [hit.sequence for hit in store.search(SearchQuery("4000"))] == [4_000]
    if not is_in_memory:
        assert (tmp_path / "s").stat().st_size < 1.5 * 2**20


def test_a_store_without_entries_is_as_large_as_it_is(tmp_path: Path) -> None:
    with closing(SqliteClientStore(tmp_path / "s", bytes_max=1)) as store:
        store.write([RequestAdded(1, ONE), EntriesStored(LOBBY, 7, 1, (said("a"),))])
        assert store.extent(LOBBY) == Extent(7, 1, 1) and store.unanswered() == [(1, ONE)]
        store.write([EntriesStored(LOBBY, 7, 2, (said("b"),))])
        assert store.extent(LOBBY) == Extent(7, 2, 2)


def test_the_account_of_the_device_is_found_again(again: Again) -> None:
    store = again()
    assert store.load().account == b""
    for account in (b"a" * 32, b"b" * 32):
        store.write([AccountKnown(account)])
        assert store.load().account == account
    store = again()
    assert store.load().account == b"b" * 32
    store.write([AccountKnown(b"")])
    assert again().load().account == b""
