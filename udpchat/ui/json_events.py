"""Events as JSON objects, in the form that the README promises to programs.

The fields are those of the events in chat/events, under the same names and in the same order; a phrase is its code
and its sentence. The tables below hold all exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.phrase import Phrase
from udpchat.chat.reactions import Reaction
from udpchat.chat.times import iso_time, time_or_none
from udpchat.ui.phrases import text_of

NAMES: Final[dict[type[ClientEvent], str]] = {
    events.Connected: "connected",
    events.MessageReceived: "message",
    events.MessageSent: "sent",
    events.MessageDelivered: "delivered",
    events.HolderList: "holders",
    events.Edited: "edited",
    events.Redacted: "redacted",
    events.Reacted: "reaction",
    events.MemberJoined: "joined",
    events.MemberLeft: "left",
    events.MemberRenamed: "renamed",
    events.MemberList: "names",
    events.RoomList: "rooms",
    events.TopicChanged: "topic",
    events.HistoryFound: "past",
    events.RoleChanged: "role",
    events.ModesChanged: "mode",
    events.Invited: "invited",
    events.Banned: "banned",
    events.Muted: "muted",
    events.Unbanned: "unbanned",
    events.Unmuted: "unmuted",
    events.Announcement: "announcement",
    events.SanctionList: "bans",
    events.AuditList: "audit",
    events.LoginsFailed: "logins_failed",
    events.CodeMade: "code",
    events.DeviceList: "devices",
    events.Whoami: "whoami",
    events.Notice: "notice",
    events.Error: "error",
    events.Rejected: "error",
    events.Disconnected: "disconnected",
    events.Reconnected: "reconnected",
}
_OF_AMENDMENTS: Final = frozenset({"time_ms", "author", "is_confirmation", "is_shown", "target"})
OMITTED: Final[dict[type[Any], frozenset[str]]] = {
    events.MessageReceived: frozenset({"author"}),
    events.MessageSent: frozenset({"kind", "time_ms", "is_passed"}),
    events.Edited: _OF_AMENDMENTS,
    events.Redacted: _OF_AMENDMENTS | {"is_by_right"},
    events.Reacted: _OF_AMENDMENTS,
    Reaction: frozenset({"is_own", "users"}),
    events.Error: frozenset({"said"}),
    events.HistoryFound: frozenset({"words"}),
    events.Invited: frozenset({"time_ms"}),
}
PHRASE: Final = frozenset({"key", "values"})  # of an event that is a phrase: its code and its sentence are printed
OMITTED_IN_LISTS: Final = frozenset({"history"})  # a message of the past is always one of history
OMITTED_IF_EMPTY: Final = frozenset({"line", "retry_s", "again", "reply", "edited", "reactions"})
OF_KICKS: Final = frozenset({"by", "why"})  # of `MemberLeft`: who was not kicked has neither

RENAMED: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {  # with the new value
    "is_moderated": ("moderated", bool),
    "is_invite_only": ("invite_only", bool),
    "is_topic_locked": ("topic_locked", bool),
    "time_ms": ("time", iso_time),
    "reply": ("reply_to", lambda quote: quote.id),
    "edited": ("edited", bool),
    "users": ("of", int),
    "until_ms": ("until", time_or_none),
    "added_ms": ("added", time_or_none),
    "revoked_ms": ("revoked", time_or_none),
    "first_ms": ("first", iso_time),
    "last_ms": ("last", iso_time),
}


def json_event(event: ClientEvent) -> dict[str, Any]:
    """The object of one event, `event` first."""
    phrase = {}
    if isinstance(event, events.Disconnected | events.Reconnected):
        phrase = {"reason": text_of(event)}
    elif isinstance(event, Phrase):
        phrase = {"code": event.code, "text": text_of(event)}
    return {"event": NAMES[type(event)], **phrase, **_object(event, PHRASE)}


def _object(record: Any, omitted: frozenset[str] = frozenset()) -> dict[str, Any]:
    omitted |= OMITTED.get(type(record), frozenset())
    if isinstance(record, events.MemberLeft) and not record.by:
        omitted |= OF_KICKS
    found = {}
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if field in omitted or (field in OMITTED_IF_EMPTY and not value):
            continue
        name, convert = RENAMED.get(field, (field, _value))
        found[name] = convert(value)
    return found


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [item if isinstance(item, str) else _object(item, OMITTED_IN_LISTS) for item in value]
    return _object(value) if isinstance(value, events.Modes) else value
