"""What an action is charged for before it is settled: what it writes, and what it makes (SPEC 6.9)."""

from __future__ import annotations

from udpchat.chat.amendments import AMENDING
from udpchat.chat.ids import conversation_log, room_log
from udpchat.chat.permissions import Action as Right
from udpchat.chat.permissions import may
from udpchat.server.payer import Payer
from udpchat.server.proposals import Action, Author, Redacting, Telling
from udpchat.server.quotas import Quotas, SpentQuota, Who
from udpchat.server.settle_order import Deed
from udpchat.server.slow_mode import SlowMode
from udpchat.server.state import State
from udpchat.wire.limits import WRITE_ENTRY_BYTES
from udpchat.wire.requests import Rename, Say, SetTopic, Tell

_Wrapped = (Telling, Redacting)
_Said = (Say, Tell)  # a union takes several times as long to look through


def charge(now: float, payer: Payer, action: Action, state: State, quotas: Quotas) -> bool:
    """Charge an action that somebody wants done in this state; False if that is more than they may for now."""
    if isinstance(action, Say) and state.head(room_log(action.room)):  # the hot path: it makes nothing
        return payer.write(now, quotas.written_bytes, _entry_bytes(action))
    who = payer.who
    other = _begun_with(who, action, state) if isinstance(action, Telling) else None
    if other is not None and not quotas.may_begin_with(now, who.source, other, state.left_for_others(other)):
        return False
    made = quotas.conversations if other is not None else _made_by(action, state, quotas)
    if made is not None and not made.take(now, who):
        return False
    if isinstance(action, Deed) and not quotas.acts.take(now, who, 1 + len(action.present)):
        return False
    request = action.request if isinstance(action, _Wrapped) else action
    if isinstance(request, _Said):
        size = _entry_bytes(request)
    else:
        size = WRITE_ENTRY_BYTES * (1 + len(action.present)) if isinstance(action, Deed) else WRITE_ENTRY_BYTES
    if not payer.write(now, quotas.written_bytes, size):
        return False
    if other is not None:
        quotas.on_begun_with(now, who.source, other)
    return True


def _entry_bytes(request: Say | Tell) -> int:
    """What a message counts with of the rate of writing."""
    data_bytes = 0 if request.extra is None else len(request.extra.data)
    return WRITE_ENTRY_BYTES + len(request.text.encode()) + data_bytes


def slowed_s(
    now: float, author: Author, counter: int, action: Action, opener: bytes, state: State, slow: SlowMode
) -> int:
    """How many seconds a message has to wait in a room with slow mode; 0: it is said now."""
    if not isinstance(action, Say) or action.kind in AMENDING:
        return 0
    slow_s = state.order.modes(action.room).slow_s
    if not slow_s or may(Right.HURRY, state.role(author.key, action.room, opener)):
        return 0
    return slow.wait_s(now, action.room, author.key, slow_s, (author.client_id, counter))


def charge_claim(now: float, who: Who, nick: str, state: State, quotas: Quotas) -> bool:
    """Charge who enters under a nick that nobody has. To come back under one's own is free."""
    return state.claims.owner(nick) is not None or quotas.claims.take(now, who)


def _begun_with(who: Who, telling: Telling, state: State) -> bytes | None:
    """The key of the person with whom this begins a conversation, if it may."""
    claim = state.claims.owner(telling.request.nick)
    if claim is None or not _makes(telling.request, conversation_log(who.key, claim.key), state):
        return None
    return claim.key if state.may_converse(who.key, claim.key) else None


def _made_by(action: Action, state: State, quotas: Quotas) -> SpentQuota | None:
    """The quota of what an action makes that is there for long, but for conversations; None if it makes nothing."""
    if isinstance(action, Say):
        return quotas.stored_rooms if _makes(action, room_log(action.room), state) else None
    if isinstance(action, Rename):
        return quotas.renames if state.claims.owner(action.nick) else quotas.claims
    if isinstance(action, Deed):
        room = getattr(action.request, "room", None)
        return quotas.stored_rooms if room and state.order.room(room) is None else None
    if isinstance(action, SetTopic):
        return quotas.topics if not action.topic or state.topic(action.room) else quotas.stored_rooms
    return None


def _makes(request: Say | Tell, log: str, state: State) -> bool:
    """Whether this would be the first entry of a log; if it is about an earlier message, it is refused."""
    return not state.head(log) and (request.extra is None or not request.extra.sequence)
