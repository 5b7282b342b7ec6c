"""What the entries of a log mean to the user of a client: the events that they become (SPEC 6.4)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from udpchat.chat import events
from udpchat.chat.amendments import AMENDING, Reference, edited_by, is_added, is_by_right, reference_of
from udpchat.chat.ids import CONVERSATION_PREFIX
from udpchat.chat.reactions import Reaction, reacted
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
        is_own = message.author in self._people.mine
        nick = message.to if is_own and message.to is not None else message.nick
        self._logs.name(log, nick)
        return "@" + nick

    def tell(
        self, log: str, sequence: int, entry: content.Entry, *, is_shown: bool, is_history: bool
    ) -> list[events.ClientEvent]:
        """The event of an entry, if it is a message or stands in the place of one. Not `is_shown`: the user does not
        see messages here, but what an edit or a redaction changes of others is changed all the same."""
        if isinstance(entry, content.Tombstone):
            return self._removed(log, sequence, entry) if is_shown and not self._people.is_ignored(entry) else []
        if not isinstance(entry, content.Message):
            return []
        room = self.room_of(log, entry)  # for what is hidden too: it remembers the log
        is_ignored = self._people.is_ignored(entry)
        if entry.kind in AMENDING:
            amendment = _amendment_of(room, sequence, entry, is_shown=is_shown and not is_ignored)
            is_dropped = amendment is None or (is_ignored and isinstance(amendment, events.Reacted))
            return [] if amendment is None or is_dropped else [amendment]
        return [_shown_message(room, sequence, entry, is_history=is_history)] if is_shown and not is_ignored else []

    def _removed(self, log: str, sequence: int, entry: content.Tombstone) -> list[events.ClientEvent]:
        if entry.nick and entry.author not in self._people.mine and log.startswith(CONVERSATION_PREFIX):
            self._logs.name(log, entry.nick)
        room = self._logs.room_of(log)
        if room is None or entry.id is None or entry.author is None:
            return []
        return [events.MessageRemoved(room, sequence, entry.nick or "", entry.time_ms, entry.id.hex(), entry.author)]

    def retell(self, items: Iterable[requests.LogEntry]) -> list[events.ClientEvent]:
        """The events of entries from the disk."""
        told: list[events.ClientEvent] = []
        for item in items:
            with suppress(BadDatagram):
                entry = parse_entry_untrusted(item.entry)
                told += self.tell(item.log, item.sequence, entry, is_shown=True, is_history=True)
        return told

    def recall(
        self,
        items: Iterable[requests.LogEntry],
        reactions: Iterable[requests.LogEntry] = (),
        *,
        with_removed: bool = False,
    ) -> list[events.MessageReceived]:
        """The messages among entries from the disk or the server, with the reactions to them.

        Those of ignored users are left out; those that were removed are of the kind REMOVED, or left out too.
        """
        recalled = []
        for event in self.retell(items):
            if isinstance(event, events.MessageReceived):
                recalled.append(event)
            elif with_removed and isinstance(event, events.MessageRemoved):
                recalled.append(_in_place_of(event))
        to: dict[tuple[int, str], tuple[Reaction, ...]] = {}
        for reaction in self.retell(reactions):
            if isinstance(reaction, events.Reacted):
                place, by = (reaction.seq, reaction.id), (reaction.emoji, reaction.nick, reaction.author)
                is_own = reaction.author in self._people.mine
                to[place] = reacted(to.get(place, ()), *by, added=reaction.added, is_own=is_own)
        return [each.changed(reactions=to.get((each.seq, each.id), ())) for each in recalled] if to else recalled


def _in_place_of(event: events.MessageRemoved) -> events.MessageReceived:
    place = (event.room, event.seq, event.nick, "", events.REMOVED, event.time_ms, event.id)
    return events.MessageReceived(*place, history=True, author=event.author)


def _shown_message(
    room: str, sequence: int, message: content.Message, *, is_history: bool
) -> events.MessageReceived:
    """The event of a message."""
    kind, identity, time_ms = events.kind_name(message.kind), message.id.hex(), message.time_ms
    shown = events.MessageReceived(room, sequence, message.nick, message.text, kind, time_ms, identity, is_history)
    return shown.changed(reply=reply_of(message.extra), edited=edited_by(message), author=message.author)


def reply_of(extra: content.Extra | None) -> events.Quote | None:
    """What a message answers, by its id; None if it is no reply."""
    return events.Quote(extra.refers_to.hex(), "", "") if extra is not None and extra.refers_to is not None else None


def _amendment_of(
    room: str, sequence: int, message: content.Message, *, is_shown: bool = True
) -> events.Amendment | None:
    """The event of a message about an earlier one; None if it has no effect, whatever that one is."""
    reference = reference_of(message, sequence)
    is_void = (message.kind == content.EDIT and not message.text) or (
        message.kind == content.REACTION and is_added(message) is None
    )
    if reference is None or is_void:
        return None
    return _amendment(room, reference, sequence, message).changed(is_shown=is_shown)


def confirmation_of(
    room: str, sequence: int, message: content.Message
) -> events.Amendment:
    """The event that an own message about an earlier one is in the log, wherever the server says that it is."""
    extra = message.extra or content.Extra()
    reference = Reference(extra.sequence, extra.refers_to or b"")
    return _amendment(room, reference, sequence, message).changed(is_confirmation=True)


def _amendment(
    room: str, reference: Reference, sequence: int, message: content.Message
) -> events.Amendment:
    whole = (room, reference.sequence, reference.id.hex(), message.nick, sequence, message.time_ms, message.author)
    if message.kind == content.REDACTION:
        return events.Redacted(*whole, message.text, is_by_right=is_by_right(message))
    if message.kind == content.EDIT:
        return events.Edited(*whole, message.text)
    return events.Reacted(*whole, message.text, is_added(message) is not False)
