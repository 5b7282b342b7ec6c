"""What was said before: from this client's own replicas as far as they reach, else from the server. Pure.

What is here is told at once if it is all that is wanted, or if the server cannot be asked; else it waits for the
server's part and both are told as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from udpchat.chat.events import ClientEvent, HistoryFound, MessageReceived, Notice
from udpchat.client.core import ClientCore
from udpchat.client.past import Recalled
from udpchat.sync.log import Extent, LogUnreadable, Searchable
from udpchat.ui.arguments import Refusal, WrongUsage, bounded, nick_of, target_of
from udpchat.wire import requests
from udpchat.wire.limits import PAST_ENTRIES_MAX, SEQUENCE_MAX

HISTORY_COUNT = 50  # messages, if no number is given
SEARCH_COUNT_MAX = 50
SEARCH_BYTES_MAX = 200

Moment = Callable[[str], int | None]  # a time as people write it -> ms since 1970; None if it is none


class Archive(Searchable, Protocol):
    """The replicas on the disk, for reading: that half of a client's store. May raise `LogUnreadable`."""

    def extent(self, log: str) -> Extent:
        """How far the replica of a log reaches; from 0 to 0 if there is none."""

    def last(self, log: str, count: int, before: int | None = None) -> list[tuple[int, bytes]]:
        """The latest `count` entries, in order, each with its sequence; only those below `before` if it is given."""


class Recall:
    """Answers /history and /search for one client."""

    def __init__(self, client: ClientCore, archive: Archive | None, moment: Moment | None) -> None:
        self._client = client
        self._archive = archive
        self._moment = moment

    def history(self, now: float, target: str, rest: str) -> list[ClientEvent]:
        """`[N] [before TIME]`: the latest messages of a room or of the conversation with `@nick`. May refuse."""
        count, before_ms = self._span(rest)
        log = self._client.log_of(target)
        if log is None:
            return [HistoryFound(())]
        try:
            return self._history(now, log, count, before_ms)
        except LogUnreadable as error:
            raise Refusal("unreadable", str(error)) from error

    def _span(self, rest: str) -> tuple[int, int]:
        """How many messages are wanted, and before when (0: now)."""
        words = rest.split(maxsplit=1)
        count = HISTORY_COUNT
        if words and words[0].isascii() and words[0].isdecimal():
            if len(words[0]) > 9 or not 1 <= int(words[0]) <= PAST_ENTRIES_MAX:
                raise Refusal("bad_number", f"between 1 and {PAST_ENTRIES_MAX} messages can be shown at once")
            count = int(words[0])
            words = words[1].split(maxsplit=1) if len(words) == 2 else []
        if not words:
            return count, 0
        if words[0].lower() != "before" or len(words) != 2:
            raise WrongUsage
        return count, self._time(words[1])

    def _time(self, text: str) -> int:
        time_ms = self._moment(text.strip()) if self._moment is not None else None
        if time_ms is None:
            text = f"no time that can be read: {text}; write 14:30, 2026-11-21, 2026-11-21T14:30, or 2h or 3d for ago"
            raise Refusal("bad_time", text)
        return min(max(time_ms, 0), SEQUENCE_MAX)

    def _history(self, now: float, log: str, count: int, before_ms: int) -> list[ClientEvent]:
        client = self._client
        extent = self._archive.extent(log) if self._archive is not None else Extent(0, 0, 0)
        items: list[tuple[int, bytes]] = []
        stop = extent.head + 1
        if self._archive is not None:
            stop = min(stop, self._archive.since(log, before_ms)) if before_ms else stop
            items = self._archive.last(log, count, before=stop)
        head = client.timeline.head_of(log)  # the disk may be behind it, and so may the replica
        is_latest = stop <= extent.head or (head is not None and extent.head >= head)
        messages = tuple(client.recall([(log, sequence, entry) for sequence, entry in items]))
        if is_latest and (len(items) == count or extent.base == 0):
            return [HistoryFound(messages)]
        if client.is_lost:
            return [HistoryFound(messages), _offline()]
        if is_latest and items:
            request = requests.GetHistory(log, items[0][0], 0, count - len(items))
        else:
            request = requests.GetHistory(log, 0, before_ms, count)
        client.ask(now, request, here=Recalled(messages, count))
        return []

    def search(self, now: float, rest: str) -> list[ClientEvent]:
        """`WORDS [from:nick] [in:room] [since:DATE]`: the latest messages with all the words. May refuse."""
        request = self._query(rest)
        try:
            messages = self._search_here(request)
        except LogUnreadable as error:
            raise Refusal("unreadable", str(error)) from error
        if self._client.is_lost:
            return [HistoryFound(messages), _offline()]
        self._client.ask(now, request, here=Recalled(messages, SEARCH_COUNT_MAX))
        return []

    def _query(self, rest: str) -> requests.Search:
        words: list[str] = []
        nick, log, since_ms = "", "", 0
        for word in rest.split():
            key, colon, value = word.partition(":")
            match key.lower() if colon else "":
                case "from":
                    nick = nick_of(value)
                case "in":
                    log = self._log_in(value)
                case "since":
                    since_ms = self._time(value)
                case _:
                    words.append(word)
        if not words and not nick:
            raise WrongUsage
        return requests.Search(bounded(" ".join(words), SEARCH_BYTES_MAX, "search"), nick, log, since_ms)

    def _log_in(self, value: str) -> str:
        target = target_of(value, bare_is_room=True)
        log = self._client.log_of(target)
        if log is None:
            raise Refusal("no_conversation", f"nothing is known here of a conversation with {target[1:]}")
        return log

    def _search_here(self, asked: requests.Search) -> tuple[MessageReceived, ...]:
        if self._archive is None:
            return ()
        found = self._archive.search(
            asked.words,
            nick=asked.nick or None,
            log=asked.log or None,
            since_ms=asked.since_ms,
            limit=SEARCH_COUNT_MAX,
        )
        return tuple(self._client.recall([(hit.log, hit.sequence, hit.entry) for hit in found]))


def _offline() -> Notice:
    return Notice("offline", "the server cannot be asked at the moment: this is what is stored here")
