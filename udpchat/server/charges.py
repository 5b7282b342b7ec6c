"""What an action is charged for before it is settled: what it writes, and what it makes (SPEC 6.9)."""

from __future__ import annotations

from udpchat.chat.ids import conversation_log, room_log
from udpchat.server.payer import Payer
from udpchat.server.quotas import Quotas, SpentQuota, Who
from udpchat.server.settle import Action, Telling
from udpchat.server.state import State
from udpchat.wire.limits import WRITE_ENTRY_BYTES
from udpchat.wire.requests import Rename, Say, SetTopic, Tell

_Said = (Say, Tell)  # a union takes several times as long to look through


def charge(now: float, payer: Payer, action: Action, state: State, quotas: Quotas) -> bool:
    """Charge an action that somebody wants done in this state; False if that is more than they may for now."""
    made = _made_by(payer.who, action, state, quotas)
    if made is not None and not made.take(now, payer.who):
        return False
    size = WRITE_ENTRY_BYTES
    request = action.request if isinstance(action, Telling) else action
    if isinstance(request, _Said):
        size += len(request.text.encode())
        if request.extra is not None:
            size += len(request.extra.data)
    return payer.write(now, quotas.written_bytes, size)


def charge_claim(now: float, who: Who, nick: str, state: State, quotas: Quotas) -> bool:
    """Charge who enters under a nick that nobody has. To come back under one's own is free."""
    return state.claims.owner(nick) is not None or quotas.claims.take(now, who)


def _made_by(who: Who, action: Action, state: State, quotas: Quotas) -> SpentQuota | None:
    """The quota of what an action makes that is there for long; None if it makes nothing."""
    if isinstance(action, Say):
        return None if state.head(room_log(action.room)) else quotas.stored_rooms
    if isinstance(action, Telling):
        claim = state.claims.owner(action.request.nick)
        is_new = claim is not None and not state.head(conversation_log(who.key, claim.key))
        return quotas.conversations if is_new else None
    if isinstance(action, Rename):
        return quotas.renames if state.claims.owner(action.nick) else quotas.claims
    if isinstance(action, SetTopic):
        return quotas.topics if state.topic(action.room) else quotas.stored_rooms
    return None
