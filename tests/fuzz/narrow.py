"""Small limits, so that a fuzzer fills a table of a thousand places with four."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import udpchat.client.core
import udpchat.server.core  # noqa: F401 - so that all modules of both cores are loaded
from udpchat.server.pace import SHORT

SMALL: dict[str, Any] = {
    "PEERS_MAX": 7,
    "PEERS_PER_KEY_MAX": 2,
    "PEERS_PER_SOURCE": 3,
    "EMPTY_ROOMS_MAX": 4,
    "EMPTY_ROOMS_PER_KEY_MAX": 2,
    "EMPTY_ROOMS_PER_SOURCE": 2,
    "STORED_ROOMS_MAX": 3,
    "LOGS_MAX": {"#": 3, "@": 4, "~": 3},
    "CLAIMS_A_DAY": ((3, 3), (6, 4)),
    "STORED_ROOMS_A_DAY": ((2, 2), (3, 2)),
    "CONVERSATIONS_A_DAY": ((1, 1), (3, 2)),
    "TOPICS_A_DAY": ((2, 2), (3, 2)),
    "RENAMES_A_DAY": ((3, 3), (6, 4)),
    "REQUEST_BYTES_MAX": 24_000,
    "REQUEST_BYTES_PER_KEY_MAX": 10_000,
    "REQUEST_BYTES_PER_SOURCE": 12_000,
    "WRITE_BYTES_PER_SOURCE_BURST": 20_000,
    "HOLDERS_MAX": 3,
    "QUERIES_MAX": 5,
    "ROOMS_PER_PEER_MAX": 3,
    "NICKS_PER_KEY_MAX": 2,
    "NICKS_MAX": 9,
    "CONVERSATIONS_PER_KEY_MAX": 2,
    "INBOX_ENTRIES_MAX": 4,
    "HANDSHAKES_MAX": 4,
    "HANDSHAKES_PER_SOURCE_BURST": 9,
    "HANDSHAKES_PER_HOST_BURST": 6,
    "SOURCES_MAX": 8,
    "FRAGMENT_BYTES_HELD_MAX": 4_000,
    "LAG_BYTES_MAX": 3_000,
    "SENDER_DRIVEN_PEERS_MAX": 1,
    "RECENT_ENTRIES_MAX": 4,
    "BALANCES_MAX": 5,
    "TURN_US": 120.0,
    "SHORT": SHORT.changed(turn_us=120.0),
    "WAITING_DATAGRAMS_MAX": 24,
    "WAITING_DATAGRAMS_PER_FLOW_MAX": 8,
    "CACHED_BYTES_MAX": 4_000,
    "REPLICA_HELD_MAX": 24,
    "ITEMS_MAX": 8,
    "PRIVATE_MAX": 2,
    "ITEMS_CHARACTERS_MAX": 4_000,
    "NAMES_MAX": 4,
}
"""By name: wherever a module has one of these, it is this."""


def _modules() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("udpchat.")]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


@contextmanager
def small_limits() -> Iterator[None]:
    """While this is open, the limits are small, as far as they are looked up when they are needed."""
    found = [(module, name) for module in _modules() for name in SMALL if hasattr(module, name)]
    before = [(module, name, getattr(module, name)) for module, name in found]
    for module, name, value in before:
        if _is_number(value) == _is_number(SMALL[name]):  # one name may mean several things
            setattr(module, name, SMALL[name])
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
