"""What was said before, as the server's log has it: by place, by time, by words; and who may read what (SPEC 4.3)."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from udpchat.chat.ids import ROOM_PREFIX
from udpchat.server.registry import Peer
from udpchat.server.state import State
from udpchat.sync.log import ServerLog
from udpchat.wire.limits import PAST_BYTES_MAX, PAST_ENTRIES_MAX
from udpchat.wire.requests import GetHistory, LogEntry, Search

_ENTRY_OVERHEAD_BYTES: Final = 16  # of a log entry in an answer, beside its log's name and itself


class History:
    """Reads the log for peers. Every method may raise `LogUnreadable`."""

    def __init__(self, log: ServerLog, state: State) -> None:
        self._log = log
        self._state = state

    def may_read(self, peer: Peer, log: str) -> bool:
        """Rooms are open to all who are here; a conversation to the two who have it."""
        return log.startswith(ROOM_PREFIX) or log in self._conversations(peer)

    def _conversations(self, peer: Peer) -> Container[str]:
        return self._state.conversations(peer.key)

    def before(self, request: GetHistory) -> list[LogEntry]:
        """The last entries of a log before a sequence and a time, as many as were asked for and fit an answer."""
        extent = self._log.extent(request.log)
        last = min(extent.head, request.before - 1) if request.before else extent.head
        if request.before_ms:
            last = min(last, self._log.since(request.log, request.before_ms) - 1)
        first = max(extent.base + 1, last - request.count + 1)
        entries = self._log.read(request.log, first, last - first + 1) if first <= last else []
        return _fitting([LogEntry(request.log, first + at, entry) for at, entry in enumerate(entries)])

    def search(self, peer: Peer, request: Search) -> list[LogEntry]:
        """The latest messages with all the words that this peer may read, as many as fit an answer."""
        found = self._log.search(
            request.words,
            nick=request.nick or None,
            log=request.log or None,
            since_ms=request.since_ms,
            limit=PAST_ENTRIES_MAX,
        )
        return _fitting([LogEntry(hit.log, hit.sequence, hit.entry) for hit in found if self.may_read(peer, hit.log)])


def _fitting(items: list[LogEntry]) -> list[LogEntry]:
    """The latest of these that fit one answer, at least one."""
    size, count = 0, 0
    for item in reversed(items):
        size += len(item.entry) + len(item.log) + _ENTRY_OVERHEAD_BYTES
        if size > PAST_BYTES_MAX and count:
            break
        count += 1
    return items[len(items) - count :]
