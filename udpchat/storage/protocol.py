"""What every durable store is: the server's `Log`, the client's `ClientStore`, and how they fail (SPEC 7).

Implementations: memory.py and, on SQLite, sqlite.py and client_sqlite.py. One contract test runs them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from udpchat.client.stored import ClientState, Write
from udpchat.sync.log import Append, Extent, LogReader, LogUnreadable, Searchable

ANSWERED_MAX = 64  # requests of one client that are remembered: twice what it may have in flight
SEARCH_WORDS_MAX = 16
SEARCH_CHARACTERS_MAX = 200
GENERATION_MAX = 2**52
RUN_COUNTERS = 2**20  # set apart for each run of a client: what a full disk left unwritten is not counted twice


class StoreError(LogUnreadable):
    """A store cannot do what it was asked; the text is one line for a person."""


class StoreFull(StoreError):
    """No room: nothing of the batch was written, all else is as it was; the same call may succeed later."""


class StoreFailed(StoreError):
    """The disk or the file failed: nothing of the batch counts as written."""


class StoreUnusable(StoreError):
    """The store cannot be opened; the text says what is wrong and what to do. The file was not changed."""


class Durability(StrEnum):
    """What `append` waits for before it returns; sqlite.py says what each promises."""

    FSYNC = "fsync"
    OS = "os"
    MEMORY = "memory"


class Log(LogReader, Searchable, Protocol):
    """The server's logs. Reading and writing may happen on two threads at once, one for each.

    `read` gives nothing if `first` itself is outside the extent: what it gives always starts there. It raises
    `StoreFailed` where what is stored is damaged: damage is never served.
    """

    def append(self, batch: Sequence[Append]) -> None:
        """Write all, durably as configured, or nothing: `StoreFull` or `StoreFailed`.

        Sequences continue each log densely and a request is answered by one entry: asserted.
        """

    def prune(self, log: str, base: int) -> None:
        """Forget the entries up to `base` for good; a base behind the head is the head, one already passed is nothing.

        Requests stay answered. A failure on the way leaves a lower base, and the log whole above it.
        """

    def redact(self, log: str, sequence: int, tombstone: bytes) -> None:
        """Put `tombstone` in the place of an entry and take its words out of the search; no such entry: nothing."""

    def close(self) -> None:
        """Make everything durable, whatever was configured, and let go of the store. Once is enough; twice is fine.

        `StoreFailed` if the disk fails on the way; the store is let go of all the same.
        """


class ClientStore(Searchable, Protocol):
    """What a client has on its disk: its unanswered requests, and a replica of each log it follows."""

    @property
    def is_durable(self) -> bool:
        """Whether another run finds what was written."""

    def load(self, label_id: str = "") -> ClientState:
        """Everything a client starts from, with the labels of the input `label_id`.

        Of other inputs, the labels of the oldest answered requests are forgotten while there are more than LABELS_MAX.
        """

    def unanswered(self) -> list[tuple[int, bytes]]:
        """(counter, body) of the requests without a result, in order."""

    def write(self, batch: Sequence[Write]) -> None:
        """Write all or nothing: `StoreFull` or `StoreFailed`. A batch with an `Asked` is on the disk on return."""

    def logs(self) -> list[str]:
        """The names of all logs that have a replica here."""

    def extent(self, log: str) -> Extent:
        """How far the replica of a log reaches; from 0 to 0 in generation 0 if there is none."""

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        """Up to `count` entries from `first` on, in order, each with its sequence; none outside the extent."""

    def last(self, log: str, count: int, before: int | None = None) -> list[tuple[int, bytes]]:
        """The latest `count` entries, in order; only those below `before` if it is given."""

    def close(self) -> None:
        """Let go of the store. Once is enough; twice is fine."""
