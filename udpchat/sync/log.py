"""A durable log as the cores use it: the entries they append, and what they read (SPEC 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

LogFilter = Callable[[str], bool]  # name of a log -> whether its entries count


@dataclass(frozen=True, slots=True)
class RequestId:
    """Which request an entry comes from: `client_id` stands for the key and the instance of the client together."""

    client_id: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Append:
    """An entry to be written at `sequence`, and the request it answers; both become durable together (SPEC 7)."""

    log: str
    sequence: int
    entry: bytes
    origin: RequestId | None


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a log reaches: entries `base + 1` to `head`. The generation changes if and only if the head went back."""

    generation: int
    base: int
    head: int


class LogReader(Protocol):
    """Reading, at any time and from memory where it is recent; never waits for a write."""

    def logs(self) -> list[str]:
        """The names of all logs that have ever held an entry."""

    def extent(self, log: str) -> Extent:
        """How far a log reaches; a log that was never written reaches from 0 to 0."""

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        """Up to `count` entries from `first` on, dense; none outside the extent, none at all if `first` is."""

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        """`(counter, log, sequence)` of the latest requests of this client that have an entry, by counter."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that a search found."""

    log: str
    sequence: int
    time_ms: int
    entry: bytes


class Searchable(Protocol):
    """Finding messages, on the server as in a client's replicas; reads, and never waits for a write."""

    def since(self, log: str, time_ms: int) -> int:
        """The first sequence at or after a time (ms of the epoch); head + 1 if there is none.

        Exact where times grow with sequences; where the server's clock was set back, near it.
        """

    def search(
        self,
        words: str,
        *,
        nick: str | None = None,
        log: str | None = None,
        may_read: LogFilter | None = None,
        since_ms: int = 0,
        limit: int = 50,
    ) -> list[SearchHit]:
        """The latest `limit` messages that contain every word, by time and the latest last.

        Case and accents do not count; a word is a run of letters and digits. Only the first SEARCH_WORDS_MAX words
        within SEARCH_CHARACTERS_MAX count. `nick`: of messages under that name, whatever its case. `may_read`: of these
        logs only, so that other logs take no place within `limit`.
        """


class ServerLog(LogReader, Searchable, Protocol):
    """What a server reads."""


class LogUnreadable(Exception):
    """What is stored cannot be read; the text is one line for the operator."""
