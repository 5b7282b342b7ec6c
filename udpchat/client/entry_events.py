"""What the entries of a log mean to the user of a client: the events that they become (SPEC 6.4)."""

from __future__ import annotations

from collections.abc import Iterable

from udpchat.chat import events
from udpchat.chat.ids import CONVERSATION_PREFIX
from udpchat.client.followed import FollowedLogs
from udpchat.client.people import People
from udpchat.wire import content, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import parse_entry_untrusted


class EntryEvents:
    """Makes events of entries. `people` has who is ignored, `logs` the user's names for logs."""

    def __init__(self, people: People, logs: FollowedLogs) -> None:
        self._people = people
        self._logs = logs

    def room_of(self, log: str, message: content.Message) -> str:
        """The user's name for a log: the room, or `@` and the other user's nick, which is remembered for that log."""
        if not log.startswith(CONVERSATION_PREFIX):
            return log[1:]
        is_own = message.author == self._people.me
        nick = message.to if is_own and message.to is not None else message.nick
        self._logs.name(log, nick)
        return "@" + nick

    def recall(self, items: Iterable[requests.LogEntry]) -> list[events.MessageReceived]:
        """The messages among entries from the disk or the server; those of ignored users are left out."""
        recalled = []
        for item in items:
            try:
                entry = parse_entry_untrusted(item.entry)
            except BadDatagram:
                continue
            if isinstance(entry, content.Message) and not self._people.is_ignored(entry):
                room = self.room_of(item.log, entry)
                recalled.append(shown_message(room, item.sequence, entry, is_history=True))
        return recalled


def shown_message(
    room: str, sequence: int, message: content.Message, *, is_history: bool
) -> events.MessageReceived:
    """The event of a message."""
    kind, identity, time_ms = events.kind_name(message.kind), message.id.hex(), message.time_ms
    return events.MessageReceived(room, sequence, message.nick, message.text, kind, time_ms, identity, is_history)
