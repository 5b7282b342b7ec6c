"""The history that a user requests: the part in the replicas, the part from the server, both merged. Pure.

The part in the replicas is returned at once if it is complete (a search never is) or if the connection is lost.
Otherwise the client waits for the server's part, and reports both merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from udpchat.chat.events import ClientEvent, HistoryFound, MessageReceived, PageFound, notice
from udpchat.chat.phrase import Problem
from udpchat.chat.text import fits
from udpchat.client.compose import LocalError
from udpchat.client.core import ClientCore
from udpchat.client.model import Phase
from udpchat.client.own_requests import Recalled
from udpchat.sync.log import Extent, LogUnreadable, ReactionReader, Searchable, SearchQuery
from udpchat.wire import requests
from udpchat.wire.limits import PAST_ENTRIES_MAX, SEQUENCE_MAX

MESSAGES_MAX = PAST_ENTRIES_MAX  # of one request
SEARCH_MESSAGES_MAX = 50
FIND_ENTRIES_MAX = 20_000  # looked through for an id: a tenth of a second
SEARCH_BYTES_MAX = 200


class Archive(ReactionReader, Searchable, Protocol):
    """The stored replicas, to be read only: one part of a client's store. Raises `LogUnreadable`."""

    def extent(self, log: str) -> Extent:
        """The extent of the replica of a log; from 0 to 0 if there is none."""

    def read(self, log: str, first: int, count: int) -> list[tuple[int, bytes]]:
        """Up to `count` entries from `first` on, in order, each with its sequence; none outside the extent."""


class HistoryUnreadable(Problem):
    """The stored replicas cannot be read."""


class History:
    """Reads the history of one client: from the stored replicas in `archive`, and from the server through `core`."""

    def __init__(self, core: ClientCore, archive: Archive | None) -> None:
        self._core = core
        self._archive = archive

    def latest(self, now: float, target: str, count: int, before_ms: int = 0) -> list[ClientEvent]:
        """The latest `count` messages of a room or of the conversation with `@nick`; `before_ms` 0: up to now.

        A result that is not complete here comes later, as an event of the core. Raises `HistoryUnreadable`.
        """
        log = self._core.timeline.log_of(target)
        if log is None:
            return [HistoryFound(())]
        before_ms = min(before_ms, SEQUENCE_MAX)
        try:
            items, extent, is_latest = self._latest_here(log, count, before_ms)
            messages = self._recalled_here(log, items)[-count:]
        except LogUnreadable as error:
            raise HistoryUnreadable("unreadable.here", reason=error) from error
        if is_latest and (len(messages) == count or extent.base == 0):
            return [HistoryFound(self._core.model.listed(messages))]
        if is_latest and items:
            request = requests.GetHistory(log, items[0][0], None, count - len(messages))
        else:
            request = requests.GetHistory(log, None, before_ms or None, count)
        return self._ask(now, request, Recalled(messages, count))

    def _recalled_here(
        self, log: str, items: list[tuple[int, bytes]], *, with_removed: bool = False
    ) -> tuple[MessageReceived, ...]:
        """The messages among entries of the replica, with the reactions to them."""
        if self._archive is None or not items:
            return ()
        reactions = self._archive.reactions(log, items[0][0], items[-1][0])
        found, to = ([requests.LogEntry(log, *item) for item in each] for each in (items, reactions))
        return tuple(self._core.timeline.told.recall(found, to, with_removed=with_removed))

    def _latest_here(self, log: str, count: int, before_ms: int) -> tuple[list[tuple[int, bytes]], Extent, bool]:
        """Entries of the replica with the latest `count` messages, its extent, and whether no later ones are missing
        before the end or `before_ms`."""
        if self._archive is None:
            return [], Extent(0, 0, 0), self._core.timeline.head_of(log) == 0
        extent = self._archive.extent(log)
        stop = extent.head + 1
        if before_ms:
            stop = min(stop, self._archive.since(log, before_ms))
        head = self._core.timeline.head_of(log)  # the store may be behind it, and the replica in memory too
        is_latest = stop <= extent.head or (head is not None and extent.head >= head)
        items: list[tuple[int, bytes]] = []
        messages = 0  # others are about a message
        while messages < count and len(items) < FIND_ENTRIES_MAX:
            first = items[0][0] if items else stop
            found = self._archive.read(log, first - PAST_ENTRIES_MAX, PAST_ENTRIES_MAX)
            if not found:
                break
            messages += len(self._core.timeline.told.recall(requests.LogEntry(log, *item) for item in found))
            items[:0] = found
        return items, extent, is_latest

    def page(self, now: float, target: str, before: int, count: int) -> list[ClientEvent]:
        """A `PageFound` with the messages of a conversation among the `count` entries before a sequence.

        The archive gives as many as it has. If it has none the page comes later, as an event of the core. Raises
        `HistoryUnreadable`.
        """
        log = self._core.timeline.log_of(target)
        if log is None or before <= 1:
            return [PageFound(target, 1, before)]
        try:
            items = self._before_here(log, before, count)
            messages = self._core.model.as_now(self._recalled_here(log, items, with_removed=True))
        except LogUnreadable as error:
            raise HistoryUnreadable("unreadable.here", reason=error) from error
        if items:
            return [PageFound(target, items[0][0], before, messages)]
        here = Recalled(count=count, page_of=(target, before))
        if self._core.model.connection.phase is Phase.LOST:
            return here.without_server()
        bound = before if before <= SEQUENCE_MAX else None
        self._core.ask(now, requests.GetHistory(log, bound, None, count), here=here)
        return []

    def _before_here(self, log: str, before: int, count: int) -> list[tuple[int, bytes]]:
        """The entries of the replica before a sequence; none if it does not reach there."""
        if self._archive is None:
            return []
        extent, head = self._archive.extent(log), self._core.timeline.head_of(log)
        if before > extent.head + 1 and (head is None or extent.head < head):
            return []
        return self._archive.read(log, min(before, extent.head + 1) - count, count)

    def find(self, target: str, identity: str) -> MessageReceived | None:
        """The message with this id among the latest FIND_ENTRIES_MAX that are stored here of a room or conversation."""
        log, wanted = self._core.timeline.log_of(target), bytes.fromhex(identity)
        if log is None or self._archive is None:
            return None
        try:
            extent = self._archive.extent(log)
            for stop in range(extent.head + 1, max(extent.base, extent.head - FIND_ENTRIES_MAX) + 1, -PAST_ENTRIES_MAX):
                items = self._archive.read(log, stop - PAST_ENTRIES_MAX, PAST_ENTRIES_MAX)
                likely = [item for item in items if wanted in item[1]]
                for message in self._core.timeline.told.recall(requests.LogEntry(log, *item) for item in likely):
                    if message.id == identity:
                        return message
        except LogUnreadable as error:
            raise HistoryUnreadable("unreadable.here", reason=error) from error
        return None

    def search(
        self, now: float, words: Sequence[str], *, nick: str = "", target: str = "", since_ms: int = 0
    ) -> list[ClientEvent]:
        """The latest SEARCH_MESSAGES_MAX messages with all the words, of all logs or of the one of `target`.

        `nick`: only messages sent under that nick; `since_ms`: only from that time on. The result comes later, as an
        event of the core, unless the connection is lost. Raises `HistoryUnreadable`, `LocalError`.
        """
        text = " ".join(words)
        if not fits(text, SEARCH_BYTES_MAX):
            raise LocalError("too_long.search", bytes_max=SEARCH_BYTES_MAX)
        log = self._core.timeline.log_of(target) if target else None
        assert log is not None or not target, "no conversation is known"
        request = requests.Search(text, nick or None, log, min(since_ms, SEQUENCE_MAX))
        return self._ask(now, request, Recalled(self._search_here(request), SEARCH_MESSAGES_MAX))

    def _search_here(self, request: requests.Search) -> tuple[MessageReceived, ...]:
        if self._archive is None:
            return ()
        try:
            found = self._archive.search(
                SearchQuery(request.words, request.nick, request.log, request.since_ms, SEARCH_MESSAGES_MAX)
            )
        except LogUnreadable as error:
            raise HistoryUnreadable("unreadable.here", reason=error) from error
        return tuple(
            self._core.timeline.told.recall(requests.LogEntry(hit.log, hit.sequence, hit.entry) for hit in found)
        )

    def _ask(self, now: float, request: requests.RequestBody, here: Recalled) -> list[ClientEvent]:
        if self._core.model.connection.phase is Phase.LOST:
            return [HistoryFound(self._core.model.listed(here.messages)), notice("offline")]
        self._core.ask(now, request, here=here)
        return []
