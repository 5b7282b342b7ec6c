"""Which logs a client follows: the rooms that its user wants, its inbox, and so many conversations (SPEC 5.7). Pure.

A server opens logs unasked, and may begin one anew. Each costs a row in the store and a line on the screen, so both are
bounded: conversations by number, over all runs, and new beginnings by rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX, ROSTER_PREFIX, SERVER_ROSTER, is_conversation
from udpchat.chat.names import nick_key
from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.wire.limits import (
    CONVERSATIONS_FOLLOWED_MAX,
    CONVERSATIONS_PER_KEY_MAX,
    LOG_CHANGES_BURST,
    LOG_CHANGES_PER_S_MAX,
)

NAMES_MAX: Final = 4 * CONVERSATIONS_PER_KEY_MAX  # of the others in conversations; each may have gone by several


class FollowedLogs:
    """`inbox` is this user's own. `stored`: logs that earlier runs followed."""

    def __init__(self, inbox: str, stored: Iterable[str]) -> None:
        self.inbox = inbox
        self.has_order = False  # whether the server has a roster of its own
        self._rooms: set[str] = set()  # and their rosters
        self._conversations = {log for log in stored if log.startswith(CONVERSATION_PREFIX)}
        self._names: dict[str, str] = {}  # `nick_key` of the other user of a conversation -> log
        self._unreadable: set[str] = set()  # logs of which that was reported
        self._changes = TokenBucket(0.0, Rate(LOG_CHANGES_BURST, LOG_CHANGES_PER_S_MAX))

    def want(self, room: str) -> None:
        """Accept the logs of this room."""
        self._rooms.update((ROOM_PREFIX + room, ROSTER_PREFIX + room))

    def drop(self, room: str) -> bool:
        """Accept the logs of this room no longer; False if it was not wanted."""
        was_wanted = ROOM_PREFIX + room in self._rooms
        self._rooms -= {ROOM_PREFIX + room, ROSTER_PREFIX + room}
        return was_wanted

    def is_welcome(self, log: str) -> bool:
        """Whether a replica of this log may be opened."""
        if not log.startswith(CONVERSATION_PREFIX):
            return log in self._rooms or log == self.inbox or (log == SERVER_ROSTER and self.has_order)
        has_place = len(self._conversations) < CONVERSATIONS_FOLLOWED_MAX
        return log in self._conversations or (has_place and is_conversation(log))

    def on_opened(self, log: str) -> None:
        """A replica of this log was opened: a conversation keeps its place."""
        if log.startswith(CONVERSATION_PREFIX):
            self._conversations.add(log)

    # --- Names of conversations ----------

    def name(self, log: str, nick: str) -> None:
        """The other user of this conversation goes by this nick, or has."""
        self._names.pop(nick_key(nick), None)  # to be the last of the dict
        self._names[nick_key(nick)] = log
        if len(self._names) > NAMES_MAX:
            del self._names[next(iter(self._names))]

    def room_of(self, log: str) -> str | None:
        """The user's name for a log, if it is known: that of the room, or `@nick`."""
        if log.startswith(ROOM_PREFIX):
            return log[1:]
        return next(("@" + nick for nick, known in self._names.items() if known == log), None)

    def log_of(self, target: str) -> str | None:
        """The log of a room, or of the conversation with `@nick`; None if no such conversation is known."""
        return self._names.get(nick_key(target[1:])) if target.startswith("@") else ROOM_PREFIX + target

    # --- What may happen how often ----------

    def may_change(self, now: float) -> bool:
        """Whether a log may be begun anew: False if that happened too often."""
        return self._changes.take(now)

    def note_unreadable(self, log: str) -> bool:
        """An entry of this log cannot be read: True for the first one."""
        is_first = log not in self._unreadable
        self._unreadable.add(log)
        return is_first
