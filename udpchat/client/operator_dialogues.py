"""What an operator's command asks of the server, request by request: each command is a dialogue (SPEC 6.12). Pure.

A dialogue yields requests, is sent the result of each, and returns what was found. It raises `RequestRefused` if the
server refuses one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar, cast

from udpchat.chat.codes import CODE_BYTES, code_of, digest_of, grouped, parse_code
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.phrase import Problem
from udpchat.chat.refusals import refusal
from udpchat.wire import requests
from udpchat.wire.content import Act
from udpchat.wire.fields import Value
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.limits import NICK_CHARACTERS_MAX, PAST_ENTRIES_MAX

T = TypeVar("T")
Dialogue = Generator[requests.RequestBody, requests.ResultBody, T]
PAGES_MAX: Final = 100_000  # of a list: more than a server can have


class RequestRefused(Problem):
    """The server refuses a request, for this reason."""


def asked(request: requests.RequestBody) -> Dialogue[requests.ResultBody]:
    """One request; its result."""
    result = yield request
    if isinstance(result, requests.Failed):
        reason = refusal(result.code, result.detail)
        raise RequestRefused(reason.key, **reason.values)
    return result


def _listed(behind: Callable[[list[Any]], requests.RequestBody]) -> Dialogue[list[Any]]:
    """All items of a list; `behind` is the request of the page behind those."""
    found: list[Any] = []
    for _ in range(PAGES_MAX):
        page: Any = yield from asked(behind(found))
        found += page.items
        if not page.more or not page.items:
            break
    return found


# --- What runs ----------


def report(errand: int) -> Dialogue[dict[str, int | str | tuple[str, ...]]]:
    """What the program that runs the server answers to an errand, by name."""
    found = cast(requests.Report, (yield from asked(requests.Operate(errand))))
    return {item.name: item.value for item in found.items}


def peers() -> Dialogue[list[requests.PeerItem]]:
    """All connected devices, without those of operators like this one."""
    return _listed(lambda found: requests.ListPeers(len(found)))


def erase(nick: str) -> Dialogue[dict[str, int | str | tuple[str, ...]]]:
    """Remove a person's account and all that they said; how much that was, by name."""
    yield from asked(requests.RemoveAccount(nick, erases=True))
    return (yield from report(requests.ERASURE))


# --- Order ----------


def sanctions() -> Dialogue[list[requests.SanctionItem]]:
    """The bans and mutes of the whole server that hold."""
    return _listed(lambda found: requests.ListSanctions(None, len(found)))


def acts(since_ms: int = 0) -> Dialogue[list[Act]]:
    """The acts of order since a time, in order."""
    found: list[Act] = []
    before: int | None = None
    for _ in range(PAGES_MAX):
        page = cast(
            requests.EntryList,
            (yield from asked(requests.GetHistory(AUDIT_LOG, before, None, PAST_ENTRIES_MAX))),
        )
        entries = [parse_entry_untrusted(item.entry) for item in page.items]
        recent = [entry for entry in entries if isinstance(entry, Act) and entry.time_ms >= since_ms]
        found[:0] = recent
        if not page.items or page.items[0].sequence <= 1 or len(recent) < len(entries):
            break
        before = page.items[0].sequence
    return found


# --- Accounts ----------


class Account(Value, frozen=True):
    """A nick with its account, and the devices of that."""

    item: requests.AccountItem | None
    devices: requests.DeviceList


def accounts() -> Dialogue[list[requests.AccountItem]]:
    """The nicks that are owned, with their accounts, by nick."""
    return _listed(lambda found: requests.ListAccounts(found[-1].nick if found else ""))


def account(nick: str) -> Dialogue[Account]:
    """One account."""
    devices = cast(requests.DeviceList, (yield from asked(requests.ListDevices(nick))))
    page = cast(requests.AccountPage, (yield from asked(requests.ListAccounts(_before(devices.nick)))))
    item = next((item for item in page.items if item.nick == devices.nick), None)
    return Account(item, devices)


def _before(nick: str) -> str:
    """What comes shortly before a nick, in the order of code points."""
    least = nick[:-1] + chr(max(ord(nick[-1]) - 1, 0))
    return (least + chr(0x10FFFF))[:NICK_CHARACTERS_MAX]


def code(random: Callable[[int], bytes], purpose: int, nick: str | None) -> Dialogue[str]:
    """Make a one-time code valid, as `AddCode` has it; the code, as people are shown it."""
    made = grouped(code_of(random(CODE_BYTES)))
    yield from asked(requests.AddCode(digest_of(parse_code(made) or ""), purpose, nick))
    return made
