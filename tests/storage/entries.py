"""Entries and batches for the tests of the stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from udpchat.storage import tables
from udpchat.storage.database_file import connect
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import Message, Tombstone
from udpchat.wire.frames import encode

LOBBY, ATTIC = "#lobby", "#attic"
CLIENT_ID = b"client of it all"


def said(text: str, *, nick: str = "alice", time_ms: int = 1_000, kind: int = 0) -> bytes:
    return encode(Message(time_ms, b"12345678", nick, b"87654321", kind, text))


def tombstone(time_ms: int = 9_000) -> bytes:
    return encode(Tombstone(time_ms))


def batch(log: str, first: int, *entries: bytes, counter: int | None = None) -> list[Append]:
    """The entries from `first` on; with a counter, each answers a request of CLIENT_ID, from that counter on."""
    return [
        Append(log, first + offset, entry, RequestId(CLIENT_ID, counter + offset) if counter else None)
        for offset, entry in enumerate(entries)
    ]


def alter(path: Path, script: str) -> None:
    """Change the file of a store, open or not, from outside."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def trace(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of all stores that are opened from here on."""
    statements: list[str] = []

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(tables, "connect", traced)
    return statements


class Disk:
    """The connections of a store to its file, which can be told that there is no more room."""

    def __init__(self) -> None:
        self._connections: list[sqlite3.Connection] = []

    def connect(self, path: Path) -> sqlite3.Connection:
        self._connections.append(connect(path))
        return self._connections[-1]

    def limit(self, bytes_max: int) -> None:
        for connection in self._connections:
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(bytes_max // page_bytes, 1)}").fetchone()
