"""The handlers of requests about order: what they mean is settled by settle_order.py (SPEC 6.11)."""

from __future__ import annotations

from typing import Final

from udpchat.chat.names import parse_room
from udpchat.chat.permissions import Action
from udpchat.chat.text import clean_text, fits
from udpchat.server.access import Refused
from udpchat.server.order import SERVER
from udpchat.server.request_context import PAGE_ITEMS_MAX, Outcome, RequestContext, page_of
from udpchat.server.settle_order import MADE, Deed
from udpchat.server.subjects import DEVICE_PREFIX
from udpchat.session.noise import fingerprint
from udpchat.wire import requests
from udpchat.wire.limits import ANNOUNCEMENT_BYTES_MAX, REASON_BYTES_MAX
from udpchat.wire.requests import Failed, SanctionItem, SanctionPage

FINGERPRINT_CHARACTERS_MIN: Final = 6  # of one that is shortened: it means a device that is here, if only one


def in_room(context: RequestContext, request: requests.SetRole | requests.Invite) -> Outcome:
    """Whom to give a role or invite, in which room."""
    return Deed(request.changed(room=_room(request.room)))


def set_modes(context: RequestContext, request: requests.SetModes) -> Outcome:
    """The modes to change, with who is in the room: they may stay."""
    room = parse_room(request.room)
    present = dict.fromkeys(peer.key for peer in context.chat.rooms.present(room))
    return Deed(request.changed(room=room), tuple(present) if request.is_invite_only else ())


def kick(context: RequestContext, request: requests.Kick) -> Outcome:
    """Whom to remove, if they are here."""
    room, reason = _room(request.room), _cleaned(request.reason)
    claim = context.state.claims.owner(request.nick)
    entered = context.chat.registry.entered(claim.key) if claim is not None else []
    is_here = any(room is None or room in peer.rooms for peer in entered)
    return Deed(request.changed(room=room, reason=reason), (claim.key,) if claim is not None and is_here else ())


def sanction(context: RequestContext, request: requests.Sanction) -> Outcome:
    """Whom to ban or mute."""
    room, reason = _room(request.room), _cleaned(request.reason)
    if (request.kind, room is None) not in MADE:
        return Failed("malformed")
    return Deed(request.changed(room=room, subject=_subject(context, request.subject), reason=reason))


def lift(context: RequestContext, request: requests.Lift) -> Outcome:
    """Whose ban or mute to lift."""
    room = _room(request.room)
    if (request.kind, room is None) not in MADE:
        return Failed("malformed")
    return Deed(request.changed(room=room, subject=_subject(context, request.subject)))


def list_sanctions(context: RequestContext, request: requests.ListSanctions) -> Outcome:
    """A page of the bans and mutes that hold."""
    room, state = _room(request.room) or SERVER, context.state
    context.need(Action.LIST_SANCTIONS if room else Action.SERVER_LIST_SANCTIONS, room)
    found = list(state.order.sanctions(room, context.time_ms))
    items = [
        SanctionItem(each.room, each.kind, each.shown, each.by, each.reason, each.made_ms, each.until_ms)
        for each in found[request.skip : request.skip + PAGE_ITEMS_MAX]
    ]
    page = page_of(items)
    return SanctionPage(page, request.skip + len(page) < len(found))


def announce(context: RequestContext, request: requests.Announce) -> Outcome:
    """What to tell everybody."""
    text = clean_text(request.text)
    if text is None:
        return Failed("empty")
    if not fits(text, ANNOUNCEMENT_BYTES_MAX):
        return Failed("too_long.message", (str(ANNOUNCEMENT_BYTES_MAX),))
    return Deed(requests.Announce(text))


def _room(room: str | None) -> str | None:
    return None if room is None else parse_room(room)


def _cleaned(reason: str) -> str:
    cleaned = clean_text(reason) or ""
    if not fits(cleaned, REASON_BYTES_MAX):
        raise Refused("too_long.reason", str(REASON_BYTES_MAX))
    return cleaned


def _subject(context: RequestContext, text: str) -> str:
    """What a person wrote; the beginning of a fingerprint as the whole one of the only device here that has it."""
    prefix = text[1:].lower()
    if not text.startswith(DEVICE_PREFIX) or len(prefix) < FINGERPRINT_CHARACTERS_MIN:
        return text
    devices = {fingerprint(peer.author.device) for peer in context.chat.registry}
    found = [name for name in devices if name.startswith(prefix)]
    return DEVICE_PREFIX + found[0] if len(found) == 1 else text
