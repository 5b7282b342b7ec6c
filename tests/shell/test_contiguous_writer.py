from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.storage.memory import MemoryClientStore
from udpchat.client.stored import EntriesStored, ReplicaReset, RequestAdded, RequestDone, Write
from udpchat.shell.contiguous_writer import ContiguousWriter
from udpchat.storage.protocol import StoreFull

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
    ContiguousWriter(store).write(
        [held(1, 2), held(3), RequestAdded(1, b"x"), ReplicaReset("#lobby", 8, 10), held(11, generation=8)]
    )
    assert store.extent("#lobby").head == 11
    assert store.load().unanswered == ((1, b"x"),)


def test_only_what_was_said_makes_a_failure_known() -> None:
    store = Disk()
    store.is_full = True
    ContiguousWriter(store).write([held(1), RequestDone(1)])
    with pytest.raises(StoreFull):
        ContiguousWriter(store).write([RequestAdded(1, b"x")])


def test_entries_behind_a_hole_are_left_for_the_next_start() -> None:
    store = Disk()
    replicas = ContiguousWriter(store)
    replicas.write([held(1)])
    store.is_full = True
    replicas.write([held(2)])
    store.is_full = False
    replicas.write([held(3), RequestAdded(5, b"x"), held(4)])
    assert store.extent("#lobby").head == 1
    assert store.load().next_counter == 6


def test_a_replica_that_starts_over_is_written_again() -> None:
    store = Disk()
    replicas = ContiguousWriter(store)
    replicas.write([held(1), held(5), ReplicaReset("#lobby", 7, 8), held(9)])
    assert store.extent("#lobby").head == 9


def test_entries_of_another_generation_do_not_continue() -> None:
    store = Disk()
    ContiguousWriter(store).write([held(1), held(2, generation=8)])
    assert store.extent("#lobby").head == 1
