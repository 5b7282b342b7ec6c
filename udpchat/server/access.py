"""Who may enter, join, read and speak, in a state and at a time: one answer to each question (SPEC 6.10, 6.11).

`settle` asks for what is written, in the state it settles in; everything else asks in the durable state. What nobody
but the invited may see is, for all others, not there.
"""

from __future__ import annotations

from typing import Final

from udpchat.chat.ids import AUDIT_LOG, ROOM_PREFIX
from udpchat.chat.permissions import Action, may
from udpchat.server.order import SERVER
from udpchat.server.state import State
from udpchat.wire.content import BAN, MUTE, SanctionRecord

Refusal = tuple[str, tuple[str, ...]]  # code, detail (SPEC 4.9)


class Refused(Exception):
    """What somebody wants done is refused: a code, and the values that it has."""

    def __init__(self, code: str, *detail: str) -> None:
        super().__init__(code)
        self.refusal: Refusal = code, detail


NOT_INVITED: Final[Refusal] = ("not_allowed.invite_only", ())


def why_banned(state: State, account: bytes, device: bytes, host: str, time_ms: int) -> Refusal | None:
    """Why a person at a device and a numeric host may not enter; None: they are not banned.

    Networks are not banned for who has a role on the server: nobody shuts out those above them, or themselves.
    """
    if account and account == state.accounts.host:
        return None
    banned = state.order.sanction(BAN, SERVER, account, device, time_ms)
    if banned is None and host and not state.accounts.role(account):
        banned = state.order.network_ban(host, time_ms)
    return refusal_of(banned) if banned is not None else None


def why_not_join(
    state: State, room: str, account: bytes, device: bytes, time_ms: int, opener: bytes = b""
) -> Refusal | None:
    """Why a person may not join, nor read, a room; None: they may."""
    order = state.order
    if order.modes(room).is_invite_only and not may(Action.JOIN, state.role(account, room, opener)):
        return NOT_INVITED
    banned = order.sanction(BAN, room, account, device, time_ms)
    return refusal_of(banned) if banned is not None else None


def why_not_speak(
    state: State, room: str, account: bytes, device: bytes, time_ms: int, opener: bytes = b""
) -> Refusal | None:
    """Why a person may not say anything in a room, or, if that is empty, in private; None: they may.

    Who was banned from the server may still be here: until that is written.
    """
    order = state.order
    if order.is_open(room):
        return None
    if room and (refused := why_not_join(state, room, account, device, time_ms, opener)) is not None:
        return refused
    if not room and (banned := order.sanction(BAN, SERVER, account, device, time_ms)) is not None:
        return refusal_of(banned)
    muted = order.sanction(MUTE, room, account, device, time_ms)
    if muted is not None:
        return refusal_of(muted)
    if room and order.modes(room).is_moderated and not may(Action.SPEAK, state.role(account, room, opener)):
        return "not_allowed.moderated", ()
    return None


def why_not_read(state: State, account: bytes, device: bytes, log: str, time_ms: int) -> Refusal | None:
    """Why a person may not read what a log holds; None: they may, or it is not there for them.

    Rooms: who may join them; a conversation: its two persons; the audit: whose role allows it.
    """
    if log.startswith(ROOM_PREFIX):
        room = log[1:]
        return None if is_hidden(state, room, account) else why_not_join(state, room, account, device, time_ms)
    if log == AUDIT_LOG:
        is_allowed = may(Action.READ_AUDIT, state.role(account))
        return None if is_allowed else ("not_allowed.role", (Action.READ_AUDIT.value,))
    return None if log in state.conversations(account) else ("not_allowed", ())


def may_read(state: State, account: bytes, device: bytes, log: str, time_ms: int) -> bool:
    """Whether a person may read what a log holds."""
    is_there = not (log.startswith(ROOM_PREFIX) and is_hidden(state, log[1:], account))
    return is_there and why_not_read(state, account, device, log, time_ms) is None


def unreadable_rooms(state: State, account: bytes, device: bytes, time_ms: int) -> list[str]:
    """The rooms that a person may not read."""
    hidden = [room for room in state.order.invite_only() if is_hidden(state, room, account)]
    return [*hidden, *state.order.banned_from(account, device, time_ms)]


def is_hidden(state: State, room: str, account: bytes) -> bool:
    """Whether a room is not there, for this person: who is banned from a room may know that it is."""
    return state.order.modes(room).is_invite_only and not may(Action.JOIN, state.role(account, room))


def refusal_of(sanction: SanctionRecord) -> Refusal:
    """How a banned or muted person is refused: by whom, why, and until when in ms, 0 for good."""
    code = "banned" if sanction.kind == BAN else "muted"
    where = f"{code}.room" if sanction.room else code
    return where, (sanction.by, sanction.reason, str(sanction.until_ms))
