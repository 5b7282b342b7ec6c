from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.client.pair import Wire
from tests.storage.memory import MemoryClientStore
from udpchat.chat import events
from udpchat.client.stored import EntriesStored, ReplicaReset, RequestAdded, RequestDone, Write
from udpchat.shell import client_state as module
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import ClientFolder, remembered, restore, store_path, write_contiguous
from udpchat.shell.data_folder import KnownServer, KnownServers, last_server
from udpchat.storage.store_interfaces import StoreFull
from udpchat.wire import requests


def test_the_last_messages_of_each_room_are_there_at_once() -> None:
    wire = Wire()
    alice, bob = wire.person("alice", "lobby", "dev"), wire.person("bob")
    for text in ("one", "two", "three"):
        bob.core.say(wire.now, "lobby", text)
    bob.core.tell(wire.now, "alice", "psst")
    wire.settle()
    saved = remembered(alice.store, ["dev", "lobby"], 2)
    assert saved.replicas == alice.store.load().replicas
    assert {log: [sequence for sequence, _ in items] for log, items in saved.recent.items()} == {
        "#lobby": [1, 2, 3], "#dev": []
    }  # fmt: skip
    assert remembered(alice.store, ["lobby"], 0).recent == {}


def test_of_no_rooms_those_of_the_run_before_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    alice = wire.person("alice", "attic", "zoo")
    alice.core.part(wire.now, "attic")
    wire.settle()
    monkeypatch.setattr(module, "ROOMS_PER_PEER_MAX", 1)
    assert list(remembered(alice.store, [], 2).recent) == ["#zoo"]
    assert list(remembered(alice.store, ["attic"], 2).recent) == ["#attic"]


def test_whom_a_conversation_is_with_is_known_before_anybody_says_anything() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for teller, nick in ((alice, "bob"), (bob, "alice")):
        teller.core.tell(wire.now, nick, "psst")
    wire.settle()
    for person, other in ((alice, "@bob"), (bob, "@alice")):
        wire.leave(person)
        wire.is_cut = True
        wire.start(person)
        assert person.core.timeline.log_of(other) is None
        restore(person.core, person.store)
        assert person.core.timeline.log_of(other) in person.store.logs()
        assert person.of(events.MessageReceived) == []
        wire.is_cut = False


def test_what_is_stored_and_not_read_is_unread_at_the_next_start_before_any_server_answers() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    bob.core.say(wire.now, "lobby", "one")
    bob.core.tell(wire.now, "alice", "psst")
    wire.settle()
    alice.core.mark_read(wire.now, "lobby")
    bob.core.say(wire.now, "lobby", "two")
    wire.settle(10.0)
    wire.is_cut = True
    wire.start(alice, saved=remembered(alice.store, [], 0))
    restore(alice.core, alice.store)
    unread = {each.name: each.unread for each in alice.core.model.conversations()}
    assert unread == {"lobby": 1, "@bob": 1}


def test_a_store_that_another_client_has_open_is_not_opened_again(tmp_path: Path) -> None:
    folder = ClientFolder(tmp_path, "alice", report=print)
    here, there = ServerAddress("here", 1), ServerAddress("there", 1)
    store = folder.open_store(here)
    assert store is not None and store.is_durable
    with closing(store):
        assert folder.open_store(here) is None
        other = folder.open_store(there)
        assert other is not None
        other.close()
    assert sorted(path.name for path in folder.stores.glob("*.sqlite")) == ["here_1.sqlite", "there_1.sqlite"]


def test_the_server_is_remembered_once_it_has_let_the_client_in(tmp_path: Path) -> None:
    folder = ClientFolder(tmp_path, "alice", report=print)
    watch = folder.watch_server(ServerAddress("here", 1))
    watch([events.notice("kept", rooms=("lobby",), limits=(None, None))])
    assert last_server(tmp_path) is None
    watch([events.Connected("udpchat://here:1", "fingerprint", "alice", ())])
    assert last_server(tmp_path) == ServerAddress("here", 1)


def test_a_server_has_one_store_at_all_of_its_addresses(tmp_path: Path) -> None:
    known, here = KnownServers(tmp_path), ServerAddress("10.0.0.1", 5)
    known.pin(here.name, "a" * 32)
    path = store_path(tmp_path, "alice", here)
    path.parent.mkdir(parents=True)
    path.touch()
    assert store_path(tmp_path, "alice", ServerAddress("10.0.0.9", 5, "a" * 32)) == path, "it has moved"
    assert store_path(tmp_path, "alice", ServerAddress("10.0.0.9", 5)) != path, "nothing is known of that one"
    known.pin("[fe80::1%eth0]:5", "a" * 32)
    assert store_path(tmp_path, "alice", ServerAddress("fe80::1%eth0", 5)) == path
    own = store_path(tmp_path, "alice", ServerAddress("10.0.0.9", 5))
    own.touch()
    assert store_path(tmp_path, "alice", ServerAddress("10.0.0.9", 5, "a" * 32)) == own, "where it had one it keeps it"


def test_what_a_server_calls_itself_is_remembered_with_its_key(tmp_path: Path) -> None:
    folder = ClientFolder(tmp_path, "alice", report=lambda said: None)
    watch = folder.watch_server(ServerAddress("here", 1), is_used_last=False)
    watch([events.Connected("udpchat://here:1", "a" * 32, "alice", (), "den")])
    assert last_server(tmp_path) is None
    assert KnownServers(tmp_path).all() == [KnownServer("here:1", "a" * 32, "den")]


def test_the_key_follows_a_nick_that_the_server_has_confirmed(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.person("alice")
    folder = ClientFolder(tmp_path, "alice", report=print)
    watch = folder.watch_nick(alice.core)
    alice.core.ask(wire.now, requests.Rename("queen"))
    watch([])
    assert ClientFolder(tmp_path, "other", report=print).key.public != folder.key.public
    wire.settle()
    watch([])
    assert ClientFolder(tmp_path, "queen", report=print).key.public == folder.key.public


# --- Writing ----------

ENTRY = b"\x90"


class Disk(MemoryClientStore):
    """A store that is full for a while."""

    is_full = False

    def write(self, batch: Sequence[Write]) -> None:
        if self.is_full:
            raise StoreFull("no room")
        super().write(batch)


def held(first: int, count: int = 1, generation: int = 7) -> EntriesStored:
    return EntriesStored("#lobby", generation, first, (ENTRY,) * count)


def test_what_continues_is_written() -> None:
    store = Disk()
    write_contiguous(
        store, [held(1, 2), held(3), RequestAdded(1, b"x"), ReplicaReset("#lobby", 8, 10), held(11, generation=8)]
    )
    assert store.extent("#lobby").head == 11
    assert store.load().unanswered == ((1, b"x"),)


def test_only_what_was_said_makes_a_failure_known() -> None:
    store = Disk()
    store.is_full = True
    write_contiguous(store, [held(1), RequestDone(1)])
    with pytest.raises(StoreFull):
        write_contiguous(store, [RequestAdded(1, b"x")])


def test_entries_behind_a_hole_are_left_for_the_next_start() -> None:
    store = Disk()
    write_contiguous(store, [held(1)])
    store.is_full = True
    write_contiguous(store, [held(2)])
    store.is_full = False
    write_contiguous(store, [held(3), RequestAdded(5, b"x"), held(4)])
    assert store.extent("#lobby").head == 1
    assert store.load().next_counter == 6


def test_a_replica_that_starts_over_is_written_again() -> None:
    store = Disk()
    write_contiguous(store, [held(1), held(5), ReplicaReset("#lobby", 7, 8), held(9)])
    assert store.extent("#lobby").head == 9


def test_entries_of_another_generation_do_not_continue() -> None:
    store = Disk()
    write_contiguous(store, [held(1), held(2, generation=8)])
    assert store.extent("#lobby").head == 1
