"""The handlers of requests about accounts: what they change is settled by settle_accounts.py (SPEC 6.10)."""

from __future__ import annotations

from udpchat.chat.names import parse_nick
from udpchat.chat.permissions import Action, Role
from udpchat.server.logins import Hashing
from udpchat.server.request_context import PAGE_ITEMS_MAX, Outcome, RequestContext, page_of
from udpchat.server.settle_accounts import KeepPassword
from udpchat.session.noise import fingerprint
from udpchat.wire import requests
from udpchat.wire.content import AccountRecord, Claim
from udpchat.wire.limits import PASSWORD_CHARACTERS_MIN
from udpchat.wire.requests import (
    INVITE,
    LINK,
    RESET,
    AccountItem,
    AccountPage,
    DeviceItem,
    DeviceList,
    Failed,
    RoleItem,
)


def set_password(context: RequestContext, request: requests.SetPassword) -> Outcome:
    """The password is hashed first, off the loop."""
    if not request.password:
        return KeepPassword("")
    if len(request.password) < PASSWORD_CHARACTERS_MIN:
        return Failed("bad_password", (str(PASSWORD_CHARACTERS_MIN),))
    return Hashing(request.password)


def add_code(context: RequestContext, request: requests.AddCode) -> Outcome:
    """The client made the code; the server learns its digest."""
    if request.purpose != INVITE and (request.purpose == RESET) != (request.nick is not None):
        return Failed("malformed")
    if request.purpose == LINK and context.is_host:
        return Failed("not_allowed")
    if request.purpose == INVITE and request.nick is not None:
        return request.changed(nick=parse_nick(request.nick))
    return request


def list_devices(context: RequestContext, request: requests.ListDevices) -> Outcome:
    """One's own, or, for who may, somebody else's."""
    peer, state = context.peer, context.state
    account, nick = peer.key, peer.nick or ""
    if request.nick is not None:
        held = state.claims.owner(request.nick)
        if held is None or held.key != peer.key:
            context.need(Action.LIST_DEVICES)
        if held is None:
            return Failed("no_such_nick", (request.nick,))
        account, nick = held.key, held.nick
    here = {each.author.device for each in context.chat.registry.entered(account)}
    items = [
        DeviceItem(
            fingerprint(each.key), each.added_ms, each.revoked_ms, each.key in here, each.key == peer.author.device
        )
        for each in state.accounts.get(account).devices
    ]
    return DeviceList(nick, items)


def get_self(context: RequestContext, request: requests.GetSelf) -> Outcome:
    """What the server knows of who asks."""
    peer, state = context.peer, context.state
    record, rooms = state.accounts.get(peer.key), context.chat.rooms
    present = sorted({room for each in context.chat.registry.entered(peer.key) for room in each.rooms})
    roles = [(room, state.order.role(room, peer.key, rooms.opener(room))) for room in present]
    return requests.Self(
        nicks=state.claims.nicks_of(peer.key),
        fingerprint=fingerprint(peer.author.device),
        role=state.role(peer.key),
        roles=page_of([RoleItem(room, role) for room, role in roles if role != Role.MEMBER]),
        devices=_valid(record),
        has_password=bool(record.password),
        is_for_contacts=record.is_for_contacts,
    )


def list_accounts(context: RequestContext, request: requests.ListAccounts) -> Outcome:
    """By nick; an account with several is there several times."""
    context.need(Action.LIST_ACCOUNTS)
    claims = context.state.claims.behind(request.after, PAGE_ITEMS_MAX + 1)
    page = page_of([_item(context, claim) for claim in claims[:PAGE_ITEMS_MAX]])
    return AccountPage(page, len(page) < len(claims))


def _item(context: RequestContext, claim: Claim) -> AccountItem:
    record = context.state.accounts.get(claim.key)
    role, has_password = context.state.role(claim.key), bool(record.password)
    return AccountItem(claim.nick, fingerprint(claim.key), claim.used_ms, role, _valid(record), has_password)


def _valid(record: AccountRecord) -> int:
    """How many devices may use an account."""
    return sum(not device.revoked_ms for device in record.devices)
