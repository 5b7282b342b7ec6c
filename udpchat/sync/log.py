"""A durable log as the cores use it: the entries they append, and what they read (SPEC 5)."""

from __future__ import annotations

from typing import Protocol

from udpchat.wire.content import Message
from udpchat.wire.fields import Value


class RequestId(Value, frozen=True, gc=False):
    """Which request an entry comes from: `client_id` stands for the key and the instance of the client together."""

    client_id: bytes
    counter: int


class Append(Value, frozen=True, gc=False):
    """An entry to be written at `sequence`, and the request it answers; both become durable together (SPEC 7).

    `message`: what is in the entry, if that is a message which is at hand; else the store parses the entry.
    """

    log: str
    sequence: int
    entry: bytes
    origin: RequestId | None
    message: Message | None = None


class Extent(Value, frozen=True):
    """How far a log reaches: entries `base + 1` to `head`. The generation changes if and only if the head went back."""

    generation: int
    base: int
    head: int


class EntryReader(Protocol):
    """Reading entries, at any time and from memory where they are recent; never waits for a write."""

    def extent(self, log: str) -> Extent:
        """How far a log reaches; a log that was never written reaches from 0 to 0."""

    def read(self, log: str, first: int, count: int) -> list[bytes]:
        """Up to `count` entries from `first` on, dense; none outside the extent, none at all if `first` is."""


class ReactionReader(Protocol):
    """Reading the reactions to messages, which stand later in the log than those."""

    def reactions(self, log: str, first: int, last: int) -> list[tuple[int, bytes]]:
        """The reactions to the messages `first` to `last` that were not taken back: entries with their sequences, in
        order; of many the latest.
        """


class LogReader(EntryReader, Protocol):
    """Reading also which logs there are, and which requests they answer."""

    def logs(self) -> list[str]:
        """The names of all logs that have ever held an entry."""

    def answered(self, client_id: bytes) -> list[tuple[int, str, int]]:
        """`(counter, log, sequence)` of the latest requests of this client that have an entry, by counter."""


class SearchQuery(Value, frozen=True):
    """The latest `limit` messages that contain every word of `words`: runs of letters and digits.

    Case and accents do not count; only the first SEARCH_WORDS_MAX words within SEARCH_BYTES_MAX do. `nick`: only
    messages under that name, whatever its case. `log`: only of that log. `conversations`: of those only these (None:
    all), so that others take no place within `limit`, and no time. `without`: none of these rooms' logs.
    """

    words: str
    nick: str | None = None
    log: str | None = None
    since_ms: int = 0
    limit: int = 50
    conversations: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()


class SearchHit(Value, frozen=True):
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

    def search(self, query: SearchQuery) -> list[SearchHit]:
        """The messages found, by time and the latest last; none if the query has neither words nor a nick.

        One that is interrupted gives what it found until then, or raises `ReadInterrupted` if that is nothing.
        """


class ServerLog(LogReader, Searchable, Protocol):
    """What a server reads."""


class ReadInterrupted(Exception):
    """A read took longer than it may, and was ended before it found anything."""


class LogUnreadable(Exception):
    """What is stored cannot be read; the text is one line for the operator."""
