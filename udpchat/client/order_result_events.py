"""Turns the results of requests about accounts and order into events (SPEC 4.4, 6.10, 6.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from udpchat.chat import events
from udpchat.chat.codes import code_of, digest_of, grouped
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import role_name
from udpchat.wire import content, requests
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.limits import (
    CODES_PER_ACCOUNT_MAX,
    INVITATION_S,
    LINK_CODE_S,
    LISTED_BYTES_MAX,
    LISTED_ITEM_BYTES,
    PAST_ENTRIES_MAX,
)

PURPOSES: Final = {requests.LINK: "link", requests.RESET: "reset", requests.INVITE: "invite"}
SANCTION_KINDS: Final = {content.BAN: "banned", content.MUTE: "muted"}


def is_audit(request: requests.RequestBody) -> bool:
    """Whether a request reads acts of order, and not messages."""
    return isinstance(request, requests.GetHistory) and request.log == AUDIT_LOG


class OrderAnswers:
    """Turns results into events; `ask` requests the next part of a list."""

    def __init__(self, ask: Callable[[requests.RequestBody], None]) -> None:
        self._ask = ask
        self._codes: dict[bytes, str] = {}  # digest -> code: asked for, and not valid yet
        self._sanctions: dict[str, list[events.Sanctioned]] = {}  # the pages so far, by room
        self._acts: list[events.Audited] = []  # the latest of a list that is not complete

    def make_code(self, chance: bytes, purpose: int, nick: str) -> requests.AddCode:
        """The request to make a code valid, which is of CODE_BYTES random bytes; it has the digest only."""
        code = code_of(chance)
        digest = digest_of(code)
        self._codes[digest] = grouped(code)
        while len(self._codes) > CODES_PER_ACCOUNT_MAX:  # as many at once are refused
            del self._codes[next(iter(self._codes))]
        return requests.AddCode(digest, purpose, nick or None)

    def on_result(
        self, request: requests.RequestBody, body: requests.ResultBody, *, is_quiet: bool
    ) -> list[events.ClientEvent]:
        """The events of a result, often none. What a log that is followed shows makes none here."""
        match request, body:
            case requests.ListMembers(room), requests.MemberPage(modes=modes):  # without members
                return [] if is_quiet else [events.ModesChanged(room, modes, "")]
            case requests.AddCode(digest, purpose, nick), requests.Done():
                code, valid_s = self._codes.pop(digest, ""), LINK_CODE_S if purpose == requests.LINK else INVITATION_S
                return [events.CodeMade(code, PURPOSES[purpose], nick or "", valid_s)] if code else []
            case requests.ListDevices(), requests.DeviceList(nick, items):
                return [events.DeviceList(nick, tuple(items))]
            case requests.GetSelf(), requests.Self():
                return [_whoami(body)]
            case requests.ListSanctions(room, skip), requests.SanctionPage(items, more):
                return self._on_sanctions(room or "", skip, items, more)
            case requests.GetHistory(), requests.EntryList(items) if is_audit(request):
                return self._on_acts(request, items)
        return _done(request) if isinstance(body, requests.Done) else []

    def _on_sanctions(
        self, room: str, skip: int, items: list[requests.SanctionItem], more: bool
    ) -> list[events.ClientEvent]:
        if not skip:
            self._sanctions[room] = []
        found = self._sanctions.get(room)
        if found is None or len(found) != skip:
            return []  # requested twice: the other list goes on
        found += [_sanctioned(item) for item in items if item.kind in SANCTION_KINDS]
        is_whole = len(found) == skip + len(items)
        size = sum(_size(each) for each in found)
        if more and items and is_whole and size < LISTED_BYTES_MAX:
            self._ask(requests.ListSanctions(room or None, len(found)))
            return []
        return [events.SanctionList(room, tuple(self._sanctions.pop(room)))]

    def _on_acts(self, request: requests.GetHistory, items: list[requests.LogEntry]) -> list[events.ClientEvent]:
        """So many as fit a result; those before them are requested next."""
        self._acts = [*_acts(items), *(self._acts if request.before is not None else ())][-PAST_ENTRIES_MAX:]
        lacking = request.count - len(items)
        if items and lacking > 0 and items[0].sequence > 1:
            self._ask(requests.GetHistory(AUDIT_LOG, items[0].sequence, None, lacking))
            return []
        acts, self._acts = self._acts, []
        return [events.AuditList(tuple(acts))]

    def on_failed(self, request: requests.RequestBody) -> None:
        """The server refuses a request."""
        match request:
            case requests.AddCode(digest):
                self._codes.pop(digest, None)
            case requests.ListSanctions(room):
                self._sanctions.pop(room or "", None)
            case requests.GetHistory() if is_audit(request):
                self._acts = []


def _done(request: requests.RequestBody) -> list[events.ClientEvent]:
    """What is reported of an act whose effect no log shows to who did it."""
    match request:
        case requests.SetPassword(password):
            return [events.notice("password.set" if password else "password.removed")]
        case requests.RevokeDevice(fingerprint):
            return [events.notice("device_revoked", fingerprint=fingerprint)]
        case requests.AcceptFrom(is_for_contacts):
            return [events.notice("accept.contacts" if is_for_contacts else "accept.strangers")]
        case requests.Invite(room, nick):
            return [events.notice("invitation", room=room, nick=nick)]
        case requests.Kick(None, nick):
            return [events.notice("kicked_from_server", nick=nick)]
        case _:
            return []


def _sanctioned(item: requests.SanctionItem) -> events.Sanctioned:
    made = (item.by, item.reason, item.made_ms, item.until_ms)
    return events.Sanctioned(SANCTION_KINDS[item.kind], item.room, item.subject, *made)


def _size(sanction: events.Sanctioned) -> int:
    return LISTED_ITEM_BYTES + 4 * (len(sanction.nick) + len(sanction.reason))


def _whoami(account: requests.Self) -> events.Whoami:
    roles = tuple(events.RoomRole(each.room, role_name(each.role)) for each in account.roles)
    accept = "contacts" if account.is_for_contacts else "strangers"
    mine = (role_name(account.role), roles, account.devices, account.has_password, accept)
    return events.Whoami(tuple(account.nicks), account.fingerprint, *mine)


def _acts(items: Iterable[requests.LogEntry]) -> Iterable[events.Audited]:
    for item in items:
        with suppress(BadDatagram):
            act = parse_entry_untrusted(item.entry)
            if isinstance(act, content.Act):
                what = (act.time_ms, act.by, act.action, act.room, act.subject, act.detail, act.reason)
                yield events.Audited(item.sequence, *what)
