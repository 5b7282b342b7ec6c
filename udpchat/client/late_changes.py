"""The latest changes of messages, for those that were read before: by the server, or from a store. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final

from udpchat.chat import events
from udpchat.chat.reactions import reacted

EDITED_KINDS: Final = ("text", "action")  # as `chat.amendments` has it
REMOVALS_MAX: Final = 1_024  # far more than come while a page is under way, or while a store writes
CHANGES_MAX: Final = 256  # edits and reactions
CHARACTERS_MAX: Final = 64 * 1024  # of the texts of edits


class LateChanges:
    """What was done to messages of all conversations lately; the earliest is forgotten first."""

    def __init__(self) -> None:
        self._removals: deque[events.Redacted] = deque(maxlen=REMOVALS_MAX)
        self._changes: deque[events.Edited | events.Reacted] = deque()
        self._characters = 0

    def add(self, event: events.Amendment) -> None:
        """This has happened now."""
        if isinstance(event, events.Redacted):
            self._removals.append(event.changed(reason="", target=None))
            return
        self._changes.append(event.changed(target=None))
        self._characters += _characters(event)
        while len(self._changes) > CHANGES_MAX or self._characters > CHARACTERS_MAX:
            self._characters -= _characters(self._changes.popleft())

    def applied(self, messages: Iterable[events.MessageReceived], me: bytes) -> list[events.MessageReceived]:
        """Messages of the past as they are after all of that; what they have already changes nothing. `me`: user id."""
        changes = defaultdict[tuple[int, str], list[events.Amendment]](list)
        for event in (*self._changes, *self._removals):
            changes[event.seq, event.id].append(event)
        found = []
        for message in messages:
            for event in changes.get((message.seq, message.id), ()):
                message = _changed(message, event, me)
            found.append(message)
        return found


def _characters(event: events.Edited | events.Reacted) -> int:
    return len(event.text) if isinstance(event, events.Edited) else 0


def _changed(message: events.MessageReceived, event: events.Amendment, me: bytes) -> events.MessageReceived:
    is_private = message.room.startswith("@") and event.room.startswith("@")  # the other may have another nick now
    if message.kind == events.REMOVED or not (message.room == event.room or is_private):
        return message
    is_author = message.author == event.author
    match event:
        case events.Redacted() if is_author or event.is_by_right:
            return message.changed(text="", kind=events.REMOVED, edited=0, reply=None, reactions=())
        case events.Edited() if is_author and message.kind in EDITED_KINDS and event.own_seq > message.edited:
            return message.changed(text=event.text, edited=event.own_seq)
        case events.Reacted(emoji=emoji, nick=nick, author=author, added=added):
            by_me = author == me
            reactions = reacted(message.reactions, emoji, nick, author, added=added, is_own=by_me)
            return message.changed(reactions=reactions)
    return message
