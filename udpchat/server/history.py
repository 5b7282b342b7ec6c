"""Reads past entries from the server's log, by sequence, time or words (SPEC 4.3).

`read` runs on another thread than the core, and knows nothing but its arguments. What a person may not read is left out
inside the search, before anything is counted.
"""

from __future__ import annotations

from typing import Final, Protocol

from udpchat.chat.ids import ROOM_PREFIX, room_log
from udpchat.server.access import is_hidden, may_read, unreadable_rooms
from udpchat.server.proposals import Author
from udpchat.server.state import State
from udpchat.sync.log import EntryReader, LogUnreadable, ReactionReader, ReadInterrupted, Searchable, SearchQuery
from udpchat.wire.limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    PAST_BYTES_MAX,
    PAST_ENTRIES_MAX,
    PAST_REACTIONS_BYTES_MAX,
)
from udpchat.wire.requests import EntryList, Failed, GetHistory, LogEntry, Search

_LIST_OVERHEAD_BYTES: Final = 8  # of an answer, beyond its entries
_ENTRY_OVERHEAD_BYTES: Final = 16  # of an entry in an answer, beyond its log's name and its bytes


class PastReader(EntryReader, ReactionReader, Searchable, Protocol):
    """A server's log, as queries read it."""


NO_ROOM: Final = ROOM_PREFIX  # the log of no room: what is not there for a person is read as if it were this one


def search_of(state: State, key: bytes, device: bytes, time_ms: int, request: Search) -> SearchQuery:
    """What a person at a device searches: rooms that they may read, and their own conversations."""
    log = request.log
    conversations: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    if log is None:
        without = tuple(map(room_log, unreadable_rooms(state, key, device, time_ms)))
    elif log.startswith(ROOM_PREFIX) and is_hidden(state, log[1:], key):
        log = NO_ROOM
    if log is None or not log.startswith(ROOM_PREFIX):
        conversations = tuple(name for name in state.conversations(key) if log in (None, name))
    return SearchQuery(request.words, request.nick, log, request.since_ms, PAST_ENTRIES_MAX, conversations, without)


def readable(state: State, author: Author, time_ms: int, found: EntryList) -> EntryList:
    """Of what was found, that which somebody may read."""
    logs = {item.log for item in found.items}
    gone = {log for log in logs if not may_read(state, author.key, author.device, log, time_ms)}
    if not gone:
        return found
    reactions = tuple(item for item in found.reactions if item.log not in gone)
    return EntryList([item for item in found.items if item.log not in gone], reactions)


class ReactionsUnreadable(LogUnreadable):
    """The reactions to these messages cannot be read; the messages can."""

    def __init__(self, reason: str, items: list[LogEntry]) -> None:
        super().__init__(reason)
        self.items = items


def read(log: PastReader, query: GetHistory | SearchQuery) -> EntryList | Failed:
    """The answer to a query; without reactions, if there was no time to read them. Raises `LogUnreadable`."""
    try:
        if not isinstance(query, GetHistory):
            return EntryList(_latest(_search(log, query)))
        items = _latest(_before(log, query))
    except ReadInterrupted:
        return Failed("too_slow")
    left_bytes = FRAGMENTS_MAX * FRAGMENT_BYTES - _LIST_OVERHEAD_BYTES - sum(map(_size, items))
    try:
        return EntryList(items, tuple(_fitting(_reactions(log, items), min(left_bytes, PAST_REACTIONS_BYTES_MAX))))
    except ReadInterrupted:
        return EntryList(items)
    except LogUnreadable as error:
        raise ReactionsUnreadable(str(error), items) from error


def _before(log: PastReader, query: GetHistory) -> list[LogEntry]:
    """The last entries of a log before a sequence and a time: at most `count`."""
    extent = log.extent(query.log)
    last = min(extent.head, query.before - 1) if query.before is not None else extent.head
    if query.before_ms is not None:
        last = min(last, log.since(query.log, query.before_ms) - 1)
    first = max(extent.base + 1, last - query.count + 1)
    entries = log.read(query.log, first, last - first + 1) if first <= last else []
    return [LogEntry(query.log, first + at, entry) for at, entry in enumerate(entries)]


def _reactions(log: PastReader, items: list[LogEntry]) -> list[LogEntry]:
    """The reactions to these messages."""
    if not items:
        return []
    name, found = items[0].log, log.reactions(items[0].log, items[0].sequence, items[-1].sequence)
    return [LogEntry(name, *item) for item in found[-PAST_ENTRIES_MAX:]]


def _search(log: PastReader, query: SearchQuery) -> list[LogEntry]:
    return [LogEntry(hit.log, hit.sequence, hit.entry) for hit in log.search(query)]


def _latest(items: list[LogEntry]) -> list[LogEntry]:
    """The latest of these that fit one answer; at least one if there are any, for each fits an answer alone."""
    return _fitting(items, PAST_BYTES_MAX) or items[-1:]


def _fitting(items: list[LogEntry], bytes_max: int) -> list[LogEntry]:
    """The latest of these that fit so many bytes together."""
    size, count = 0, 0
    for item in reversed(items):
        size += _size(item)
        if size > bytes_max:
            break
        count += 1
    return items[len(items) - count :]


def _size(item: LogEntry) -> int:
    """How many bytes an entry takes in an answer, at most."""
    return len(item.entry) + len(item.log.encode()) + _ENTRY_OVERHEAD_BYTES
