"""The interfaces of the stores: the server's `Log`, the client's `ClientStore`, and their errors (SPEC 7).

Implementations: server_sqlite.py and client_sqlite.py. Contract tests run them, and those in memory for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from udpchat.client.stored import ClientState, Write
from udpchat.sync.log import Append, Extent, LogReader, LogUnreadable, ReactionReader, Searchable

ANSWERED_MAX = 64  # remembered requests of one client: twice as many as it may have in flight
GENERATION_MAX = 2**52
RUN_COUNTERS = 2**20  # reserved for each run of a client: no counter is reused, even if a full disk kept it unwritten


class StoreError(LogUnreadable):
    """A store operation failed; the text is one line for the user."""


class StoreFull(StoreError):
    """No room: nothing of the batch was written and nothing else changed. The same call may succeed later."""


class StoreFailed(StoreError):
    """The disk or the file failed: nothing of the batch counts as written."""


class StoreUnusable(StoreError):
    """A store cannot be opened, backed up or restored; the text says why and what to do. Its data is kept."""


class StoreInUse(StoreUnusable):
    """Another process has the store."""


class Durability(StrEnum):
    """What `append` waits for before it returns; server_sqlite.py describes each."""

    FSYNC = "fsync"
    OS = "os"
    MEMORY = "memory"


class Log(LogReader, ReactionReader, Searchable, Protocol):
    """The server's logs. One thread may read while another writes.

    `read` returns nothing if `first` is outside the extent; otherwise the result starts at `first`. It raises
    `StoreFailed` if an entry is damaged or missing.
    """

    def append(self, batch: Sequence[Append]) -> None:
        """Write all with the configured durability, or nothing: `StoreFull` or `StoreFailed`.

        Edits, redactions and reactions are applied to the messages that they are about (chat/amendments).
        It asserts that the sequences of each log have no gap, and that one entry answers each request.
        """

    def prune(self, log: str, base: int) -> None:
        """Delete the entries up to `base`, at most up to the head; do nothing if the log begins later already.

        Answers to requests stay. After a failure midway the base is lower, and the log is complete above it.
        """

    def redact(self, log: str, sequence: int, tombstone: bytes) -> None:
        """Replace an entry by `tombstone` and remove its words from search; do nothing if there is no such entry."""

    def close(self) -> None:
        """Sync everything, whatever the durability, and release the store. A second call does nothing.

        `StoreFailed` if the disk fails; the store is released anyway.
        """


class ClientStore(ReactionReader, Searchable, Protocol):
    """What a client stores: its unanswered requests, labels, rooms, and replicas of the logs it follows."""

    @property
    def is_durable(self) -> bool:
        """Whether the next run can read what this run wrote."""

    @property
    def has_forgotten(self) -> bool:
        """Whether this run has deleted entries to keep within its bounds."""

    def load(self, label_id: str = "") -> ClientState:
        """The state that a client starts from (except `recent`), with the labels of the input `label_id`.

        Above LABELS_MAX labels, it deletes those of the oldest answered requests of other inputs.
        """

    def unanswered(self) -> list[tuple[int, bytes]]:
        """(counter, body) of the requests without a result, in order."""

    def write(self, batch: Sequence[Write]) -> None:
        """Write all or nothing: `StoreFull` or `StoreFailed`. A durable store syncs a batch with a `RequestAdded`."""

    def logs(self) -> list[str]:
        """The names of all logs that have a replica here."""

    def extent(self, log: str) -> Extent:
        """The extent of a replica; 0 to 0 in generation 0 if there is none."""

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        """Up to `count` entries from `first` on, in order, each with its sequence; none outside the extent."""

    def last(self, log: str, count: int) -> list[tuple[int, bytes]]:
        """The latest `count` entries, in order."""

    def close(self) -> None:
        """Release the store. A second call does nothing."""
