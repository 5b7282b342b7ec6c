"""The operator's commands, `udpchat-server status` and the like: what each asks of the server, and what it shows."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from udpchat import doctor, parsers
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.permissions import Role
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import duration_text, json_line
from udpchat.chat.times import iso_time, time_or_none
from udpchat.client import operator_dialogues
from udpchat.client.operator_dialogues import Dialogue
from udpchat.shell.operating.carrying_out import carry_out, is_running, wait_until_stopped
from udpchat.shell.operating.over_socket import StoppedMeanwhile
from udpchat.ui.phrases import sentence
from udpchat.ui.printing import columns
from udpchat.wire import requests
from udpchat.wire.content import BAN, MUTE
from udpchat.wire.fields import Value, WireStruct

Reported = int | str | tuple[str, ...]
SANCTIONS: Final = {BAN: "ban", MUTE: "mute"}
ROLES: Final = {role: name for name, role in parsers.ROLES.items()}


class Printed(Value, frozen=True):
    """What a command prints: `lines` to standard output, `remarks` to standard error; and its exit code."""

    lines: tuple[str, ...] = ()
    remarks: tuple[Phrase, ...] = ()
    code: ExitCode = ExitCode.DONE


def run(name: str, given: argparse.Namespace, data: Path) -> Printed:
    """Carry out one of OPERATOR_COMMANDS on the server of this data folder. Raises what `carry_out` does."""
    needs_server = name in parsers.NEEDING_SERVER

    def ask(dialogue: Dialogue[Any]) -> Any:
        return carry_out(data, dialogue, needs_server=needs_server)

    if name in _ACTS:
        request, done = _ACTS[name](given)
        ask(operator_dialogues.asked(request))
        return Printed(remarks=(done,))
    if name == "doctor":
        return _doctor(given, data, ask)
    printed = _COMMANDS[name](given, ask)
    if name == "stop":
        wait_until_stopped(data)
    return printed


Ask = Callable[[Dialogue[Any]], Any]
Row = tuple[str, ...]


def role_name(role: int) -> str:
    """What people call a role on the server."""
    return next((name for held, name in ROLES.items() if role == held), Role(role).name.lower())


LEFT_OUT: Final = frozenset({"user", "is_own"})
RENAMED: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {  # with the new value
    "round_trip_us": ("round_trip_ms", lambda time_us: time_us / 1000),
    "kind": ("kind", lambda kind: SANCTIONS.get(kind, str(kind))),
    "role": ("role", role_name),
    "has_password": ("password", bool),
    "is_here": ("here", bool),
    "time_ms": ("time", iso_time),
    "made_ms": ("time", iso_time),
    "until_ms": ("until", time_or_none),
    "used_ms": ("used", time_or_none),
    "added_ms": ("added", time_or_none),
    "revoked_ms": ("revoked", time_or_none),
}


def _object(item: WireStruct) -> dict[str, Any]:
    """What a server answered, as JSON has it."""
    named = {name: RENAMED.get(name, (name, lambda value: value)) for name in item.__struct_fields__}
    return {
        shown: convert(getattr(item, name)) for name, (shown, convert) in named.items() if name not in LEFT_OUT
    }


def _listed(
    given: argparse.Namespace, found: Sequence[WireStruct], row: Callable[[dict[str, Any]], Row], nothing: Phrase
) -> Printed:
    """What was found, as objects or as rows; `nothing` says that it is nothing, to people."""
    objects = [_object(item) for item in found]
    if given.json:
        return Printed(tuple(map(json_line, objects)))
    return Printed(tuple(columns([*map(row, objects)])), () if found else (nothing,))


# --- The server ----------


def _status(given: argparse.Namespace, ask: Ask) -> Printed:
    found: dict[str, Reported] = ask(operator_dialogues.report(requests.STATUS))
    if given.json:
        return Printed((json_line(nested(found)),))
    return Printed(tuple(columns([(name, _shown(name, value)) for name, value in found.items()])))


def nested(found: Mapping[str, Reported]) -> dict[str, Any]:
    """The status as an object: `drops.forged` is in the object `drops`, which is there though nothing was dropped."""
    made: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {"drops": {}}
    for name, value in found.items():
        group, dot, member = name.partition(".")
        (groups.setdefault(group, {}) if dot else made)[member or group] = (
            list(value) if isinstance(value, tuple) else value
        )
    return {**made, **groups}


def _shown(name: str, value: Reported) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if name == "uptime_s":
        return f"{value} ({duration_text(int(value))})"
    return f"{value:,}" if isinstance(value, int) and name != "process" else str(value)


def _who(given: argparse.Namespace, ask: Ask) -> Printed:
    def row(peer: dict[str, Any]) -> Row:
        return peer["nick"] or sentence("operate.not_entered"), peer["address"], sentence("operate.peer", **peer)

    return _listed(given, ask(operator_dialogues.peers()), row, Phrase("operate.nobody"))


def _doctor(given: argparse.Namespace, data: Path, ask: Ask) -> Printed:
    status = ask(operator_dialogues.report(requests.STATUS)) if is_running(data) else None
    lines, code = doctor.run_at_server(data, status, as_json=given.json)
    return Printed(tuple(lines), code=code)


def _reload(given: argparse.Namespace, ask: Ask) -> Printed:
    done: dict[str, Any] = ask(operator_dialogues.report(requests.RELOAD))
    if done.get("problem"):
        return Printed(remarks=(Phrase("operate.not_reloaded", {"reason": done["problem"]}),), code=ExitCode.ERROR)
    remarks = [Phrase("operate.reloaded", {"names": done.get("changed", ())})]
    if done.get("restart"):
        remarks.append(Phrase("operate.restart", {"names": done["restart"]}))
    return Printed(remarks=tuple(remarks))


def _stop(given: argparse.Namespace, ask: Ask) -> Printed:
    with suppress(StoppedMeanwhile):  # the answer was lost, or it stops for another reason
        ask(operator_dialogues.report(requests.STOP))
    return Printed(remarks=(Phrase("operate.stopped"),))


# --- Order ----------


def _kick(given: argparse.Namespace) -> tuple[requests.RequestBody, Phrase]:
    return requests.Kick(None, given.subject, given.reason), Phrase("operate.kicked", {"nick": given.subject})


def _sanction(kind: int, given: argparse.Namespace) -> tuple[requests.RequestBody, Phrase]:
    values = {"subject": given.subject, "length": duration_text(given.for_s) if given.for_s else ""}
    done = Phrase("operate.banned" if kind == BAN else "operate.muted", values)
    return requests.Sanction(None, kind, given.subject, given.for_s, given.reason), done


def _lift(kind: int, given: argparse.Namespace) -> tuple[requests.RequestBody, Phrase]:
    done = Phrase("operate.unbanned" if kind == BAN else "operate.unmuted", {"subject": given.subject})
    return requests.Lift(None, kind, given.subject), done


def _announce(given: argparse.Namespace) -> tuple[requests.RequestBody, Phrase]:
    return requests.Announce(" ".join(given.text)), Phrase("operate.announced")


def _bans(given: argparse.Namespace, ask: Ask) -> Printed:
    def row(sanction: dict[str, Any]) -> Row:
        return sanction["kind"], sanction["subject"], sentence("operate.sanction", **sanction)

    return _listed(given, ask(operator_dialogues.sanctions()), row, Phrase("operate.no_sanctions"))


def _audit(given: argparse.Namespace, ask: Ask) -> Printed:
    found = ask(operator_dialogues.acts(given.since))
    return _listed(given, found, lambda act: (sentence("operate.act", **act),), Phrase("operate.no_acts"))


# --- Accounts ----------


def _role(given: argparse.Namespace, ask: Ask) -> Printed:
    if given.role is not None:
        ask(operator_dialogues.asked(requests.SetRole(None, given.subject, int(parsers.ROLES[given.role]))))
        return Printed(remarks=(Phrase("operate.role_set", {"nick": given.subject, "role": given.role}),))
    found: operator_dialogues.Account = ask(operator_dialogues.account(given.subject))
    return Printed((role_name(found.item.role if found.item else 0),))


def _account(given: argparse.Namespace, ask: Ask) -> Printed:
    match given.do:
        case parsers.ACCOUNT_LIST:
            return _listed(given, ask(operator_dialogues.accounts()), _account_row, Phrase("operate.no_accounts"))
        case "show":
            return _show(ask(operator_dialogues.account(given.subject)), as_json=given.json)
        case "reset":
            code = ask(operator_dialogues.code(os.urandom, requests.RESET, given.subject))
            return Printed((code,), (Phrase("operate.reset", {"nick": given.subject}),))
        case _:
            ask(operator_dialogues.asked(requests.RemoveAccount(given.subject)))
            return Printed(remarks=(Phrase("operate.removed", {"nick": given.subject}),))


def _account_row(account: dict[str, Any]) -> Row:
    described = sentence("operate.account_password" if account["password"] else "operate.account", **account)
    return account["nick"], account["role"], described


def _show(found: operator_dialogues.Account, *, as_json: bool) -> Printed:
    account, devices = found.item and _object(found.item), [_object(each) for each in found.devices.items]
    if as_json:
        return Printed((json_line({**(account or {}), "nick": found.devices.nick, "devices": devices}),))
    head = columns([_account_row(account)]) if account else []
    return Printed((*head, *map(_device_line, devices)))


def _device_line(device: dict[str, Any]) -> str:
    return sentence("operate.device_here" if device["here"] else "operate.device", **device)


def _invite(given: argparse.Namespace, ask: Ask) -> Printed:
    code = ask(operator_dialogues.code(os.urandom, requests.INVITE, given.subject))
    return Printed((code,), (Phrase("operate.invited", {"nick": given.subject or ""}),))


def _erase(given: argparse.Namespace, ask: Ask) -> Printed:
    found: dict[str, Any] = ask(operator_dialogues.erase(given.subject))
    if found.get("problem"):
        values = {"nick": given.subject, "reason": found["problem"]}
        return Printed(remarks=(Phrase("operate.half_erased", values),), code=ExitCode.ERROR)
    messages, logs, lines = (found.get(name, 0) for name in ("messages", "logs", "lines"))
    values = {"nick": given.subject, "messages": messages, "logs": logs, "lines": lines}
    return Printed(remarks=(Phrase("operate.erased", values),))


_ACTS: Final[dict[str, Callable[[argparse.Namespace], tuple[requests.RequestBody, Phrase]]]] = {
    "kick": _kick,
    "ban": partial(_sanction, BAN),
    "unban": partial(_lift, BAN),
    "mute": partial(_sanction, MUTE),
    "unmute": partial(_lift, MUTE),
    "announce": _announce,
}
_COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Ask], Printed]]] = {
    "status": _status,
    "who": _who,
    "bans": _bans,
    "role": _role,
    "account": _account,
    "invite": _invite,
    "audit": _audit,
    "reload": _reload,
    "stop": _stop,
    "erase": _erase,
}
