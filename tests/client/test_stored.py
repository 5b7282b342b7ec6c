"""What a client writes and finds: values, and a first start that finds nothing."""

from __future__ import annotations

import pytest

from udpchat.client.stored import (
    ClientState,
    EntriesStored,
    ReplicaReset,
    RequestAdded,
    RequestDone,
    RoomsChanged,
    Write,
)


def test_a_first_start_finds_an_instance_and_nothing_else() -> None:
    saved = ClientState(b"i" * 16)
    assert (saved.next_counter, saved.unanswered, saved.replicas, saved.rooms) == (1, (), {}, ())
    assert ClientState(b"i" * 16).replicas is not saved.replicas


@pytest.mark.parametrize(
    "write",
    [
        RequestAdded(1, b"x"),
        RequestDone(1),
        EntriesStored("#a", 1, 1, (b"x",)),
        ReplicaReset("#a", 1, 0),
        RoomsChanged(("a",)),
    ],
)
def test_writes_are_values(write: Write) -> None:
    assert write == write.changed() and hash(write) == hash(write.changed())
    with pytest.raises(AttributeError):
        setattr(write, write.__struct_fields__[0], 2)
