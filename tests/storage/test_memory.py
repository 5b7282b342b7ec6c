"""What the stores in memory do beyond the contracts, which test_log.py and test_client_sqlite.py hold them to."""

from __future__ import annotations

import pytest

from tests.storage.entries import LOBBY, batch, said, tombstone
from tests.storage.memory import MemoryClientStore, MemoryLog
from udpchat.storage.store_interfaces import StoreFull


def test_equal_chance_gives_equal_generations_and_instances() -> None:
    one, two, other = (MemoryLog(random=lambda count, byte=byte: byte * count) for byte in (b"a", b"a", b"b"))
    assert one.extent(LOBBY) == two.extent(LOBBY) != other.extent(LOBBY)
    assert MemoryClientStore(random=lambda count: b"i" * count).load().instance == b"i" * 16


def test_what_is_pruned_or_redacted_makes_room() -> None:
    entry = said("x" * 100)
    log = MemoryLog(bytes_max=3 * len(entry))
    log.append(batch(LOBBY, 1, entry, entry, entry))
    with pytest.raises(StoreFull):
        log.append(batch(LOBBY, 4, entry))
    log.prune(LOBBY, 1)
    log.append(batch(LOBBY, 4, entry))
    log.redact(LOBBY, 3, tombstone())
    log.append(batch(LOBBY, 5, b"x" * (len(entry) - len(tombstone()))))
