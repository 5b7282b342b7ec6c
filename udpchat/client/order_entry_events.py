"""The events that entries about order and accounts become (SPEC 6.10, 6.11)."""

from __future__ import annotations

from typing import Final

from udpchat.chat import events
from udpchat.chat.permissions import Role, role_name
from udpchat.chat.phrase import Phrase
from udpchat.wire import content
from udpchat.wire.content import BAN, MUTE
from udpchat.wire.limits import SEQUENCE_MAX

_MADE: Final[dict[int, type[events.Banned | events.Muted]]] = {BAN: events.Banned, MUTE: events.Muted}
_LIFTED: Final[dict[int, type[events.Unbanned | events.Unmuted]]] = {BAN: events.Unbanned, MUTE: events.Unmuted}


def roster_events(room: str, entry: content.Entry, *, former_role: int = 0) -> list[events.ClientEvent]:
    """The event of an entry of the roster of a room, or, if that is empty, of the server.

    `former_role`: of whom a RoleSet is about, as far as it is known. Who is only invited is told so in their inbox.
    """
    match entry:
        case content.RoleSet(nick, _, role, by) if max(role, former_role) > Role.INVITED:
            return [events.RoleChanged(room, nick, role_name(role), by)]
        case content.ModesSet(modes, by) if room:
            return [events.ModesChanged(room, modes, by)]
        case content.SanctionSet(kind, subject, by, reason, is_lifted=True) if kind in _LIFTED:
            return [_LIFTED[kind](room, subject, by, reason)]
        case content.SanctionSet(kind, subject, by, reason, until_ms) if kind in _MADE:
            return [_MADE[kind](room, subject, by, reason, until_ms)]
        case content.Announced(text, by) if not room:
            return [events.Announcement(text, by)]
    return []


def inbox_events(entry: content.Entry) -> list[events.ClientEvent]:
    """The event of an entry of the inbox, but for read marks."""
    match entry:
        case content.Invited() | content.LoginsFailed():
            return [entry]
    return []


def removal_event(room: str, nick: str, reason: Phrase) -> events.MemberLeft:
    """This user was removed from a room; `reason`: `kicked` or `banned.room`, as the server refuses it."""
    by, why = (str(reason.values.get(name, "")) for name in ("by", "reason"))
    return events.MemberLeft(room, nick, content.Reason.KICKED, by, why)


def ban_event(room: str, nick: str, reason: Phrase) -> events.Banned:
    """This user is banned from a room."""
    by, why = (str(reason.values.get(name, "")) for name in ("by", "reason"))
    return events.Banned(room, nick, by, why, until_of(reason))


def until_of(reason: Phrase) -> int:
    """Until when a refusal holds that names it; 0: for good, or it is no number."""
    text = str(reason.values.get("until_ms", ""))
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(SEQUENCE_MAX))
    return int(text) if is_number else 0
