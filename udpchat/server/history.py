"""Reads past entries from the server's log by sequence, time or words, and decides who may read (SPEC 4.3)."""

from __future__ import annotations

from typing import Final

from udpchat.chat.ids import ROOM_PREFIX
from udpchat.server.registry import Peer
from udpchat.server.state import State
from udpchat.sync.log import SearchQuery, ServerLog
from udpchat.wire.limits import PAST_BYTES_MAX, PAST_ENTRIES_MAX
from udpchat.wire.requests import GetHistory, LogEntry, Search

_ENTRY_OVERHEAD_BYTES: Final = 16  # of an entry in an answer, beyond its log's name and its bytes


class History:
    """Reads the log for peers. `before` and `search` may raise `LogUnreadable`."""

    def __init__(self, log: ServerLog, state: State) -> None:
        self._log = log
        self._state = state

    def may_read(self, peer: Peer, log: str) -> bool:
        """Every peer may read rooms; a conversation, only its two persons."""
        return log.startswith(ROOM_PREFIX) or log in self._state.conversations(peer.key)

    def before(self, request: GetHistory) -> list[LogEntry]:
        """The last entries of a log before a sequence and a time: at most `count`, and as many as fit an answer."""
        extent = self._log.extent(request.log)
        last = min(extent.head, request.before - 1) if request.before is not None else extent.head
        if request.before_ms is not None:
            last = min(last, self._log.since(request.log, request.before_ms) - 1)
        first = max(extent.base + 1, last - request.count + 1)
        entries = self._log.read(request.log, first, last - first + 1) if first <= last else []
        return _fitting([LogEntry(request.log, first + at, entry) for at, entry in enumerate(entries)])

    def search(self, peer: Peer, request: Search) -> list[LogEntry]:
        """The latest messages with all the words that this peer may read: at most PAST_ENTRIES_MAX, and what fits."""
        own = tuple(self._state.conversations(peer.key))
        found = self._log.search(
            SearchQuery(request.words, request.nick, request.log, request.since_ms, PAST_ENTRIES_MAX, own)
        )
        return _fitting([LogEntry(hit.log, hit.sequence, hit.entry) for hit in found])


def _fitting(items: list[LogEntry]) -> list[LogEntry]:
    """The latest of these that fit one answer; at least one if there are any."""
    size, count = 0, 0
    for item in reversed(items):
        size += len(item.entry) + len(item.log) + _ENTRY_OVERHEAD_BYTES
        if size > PAST_BYTES_MAX and count:
            break
        count += 1
    return items[len(items) - count :]
