"""What happened to order and to the account, and the answers about both, as lines of text. Pure."""

from __future__ import annotations

from datetime import tzinfo
from typing import assert_never

from udpchat.chat import events
from udpchat.chat.durations import duration_word
from udpchat.ui.order_sentences import act_as_read
from udpchat.ui.phrases import sentence
from udpchat.ui.times import clock_time


def order_lines(event: events.OrderChange | events.AccountAnswer, zone: tzinfo | None) -> list[str]:
    """The lines of one event, not made safe yet. `zone` is that of times; None: the zone of this machine."""
    match event:
        case events.SanctionList() | events.AuditList() | events.DeviceList() | events.Whoami():
            return _list(event, zone)
        case events.Announcement():
            return announcement_lines(event)
        case events.LoginsFailed(count, first_ms, last_ms):
            first = clock_time(first_ms, zone) if count > 1 else ""
            return [sentence("logins_failed", count=count, first=first, last=clock_time(last_ms, zone))]
        case events.CodeMade(code, purpose, nick, valid_s):
            said = {"code": code, "nick": nick, "valid_s": valid_s}
            return [_code(purpose, said)]
        case _:
            return [_change(event, zone)]


def _code(purpose: str, said: dict[str, object]) -> str:
    match purpose:
        case "link":
            return sentence("code.link", **said)
        case "reset":
            return sentence("code.reset", **said)
    return sentence("code.invite", **said)


def _change(
    event: events.RoleChanged | events.ModesChanged | events.Invited | events.Banned | events.Muted | events.Unbanned
    | events.Unmuted,
    zone: tzinfo | None,
) -> str:  # fmt: skip
    match event:
        case events.RoleChanged():
            return _role(event)
        case events.ModesChanged(room, modes, by):
            return sentence("mode" if by else "mode.asked", room=room, modes=mode_words(modes), by=by)
        case events.Invited(room, by):
            return sentence("invited", room=room, by=by)
        case events.Banned(room, nick, by, reason, until_ms):
            said = {"nick": nick, "by": by, "reason": reason, "until": _until(until_ms, zone)}
            return sentence("sanctioned.banned" if room else "sanctioned.banned_everywhere", room=room, **said)
        case events.Muted(room, nick, by, reason, until_ms):
            said = {"nick": nick, "by": by, "reason": reason, "until": _until(until_ms, zone)}
            return sentence("sanctioned.muted" if room else "sanctioned.muted_everywhere", room=room, **said)
        case events.Unbanned(room, nick, by, reason):
            said = {"nick": nick, "by": by, "reason": reason}
            return sentence("sanctioned.unbanned" if room else "sanctioned.unbanned_everywhere", room=room, **said)
        case events.Unmuted(room, nick, by, reason):
            said = {"nick": nick, "by": by, "reason": reason}
            return sentence("sanctioned.unmuted" if room else "sanctioned.unmuted_everywhere", room=room, **said)
        case _:
            assert_never(event)


def _until(time_ms: int, zone: tzinfo | None) -> str:
    """When a ban or mute ends; empty: never."""
    return clock_time(time_ms, zone) if time_ms else ""


def _role(event: events.RoleChanged) -> str:
    said = {"nick": event.nick, "by": event.by, "role": event.role, "room": event.room}
    match event.room, event.role:
        case "", "member":
            return sentence("role.server_member", **said)
        case "", _:
            return sentence("role.server", **said)
        case _, "member":
            return sentence("role.member", **said)
        case _, "voice":
            return sentence("role.voice", **said)
    return sentence("role", **said)


def mode_words(modes: events.RoomModes) -> list[str]:
    """What holds in a room, as it is written behind `/mode`, without the sign: `moderated`, `slow=30s`."""
    switches = {
        "moderated": modes.moderated, "invite_only": modes.invite_only, "topic_locked": modes.topic_locked,
    }  # fmt: skip
    times = {"slow": modes.slow_s, "kept": modes.kept_s}
    words = [name for name, is_on in switches.items() if is_on]
    return words + [f"{name}={duration_word(seconds)}" for name, seconds in times.items() if seconds]


def announcement_lines(event: events.Announcement) -> list[str]:
    """Its first line behind who says it, the others below."""
    first, *others = event.text.split("\n")
    head = sentence("announcement" if event.by else "announcement.motd", by=event.by, text=first)
    return [head, *(f"  {line}" for line in others)]


def _list(
    event: events.SanctionList | events.AuditList | events.DeviceList | events.Whoami, zone: tzinfo | None
) -> list[str]:
    match event:
        case events.SanctionList(room, sanctions):
            if not sanctions:
                return [sentence("sanctions.none" if room else "sanctions.none_everywhere", room=room)]
            head = sentence("sanctions" if room else "sanctions.everywhere", room=room)
            return [head, *(f"  {_sanction(one, zone)}" for one in sanctions)]
        case events.AuditList(acts):
            return [_act(act, zone) for act in acts] or [sentence("acts.none")]
        case events.DeviceList(nick, devices):
            if not devices:
                return [sentence("devices.none", nick=nick)]
            return [sentence("devices", nick=nick), *(_device(device, zone) for device in devices)]
        case events.Whoami():
            return _whoami(event)
        case _:
            assert_never(event)


def _sanction(held: events.Sanctioned, zone: tzinfo | None) -> str:
    times = {"until": _until(held.until_ms, zone), "made": clock_time(held.time_ms, zone)}
    said = {"nick": held.nick, "by": held.by, "reason": held.reason, **times}
    return sentence("sanction.muted" if held.kind == "muted" else "sanction.banned", **said)


def _act(act: events.Audited, zone: tzinfo | None) -> str:
    action, detail = act_as_read(act.action, act.detail)
    return sentence(
        "act",
        time=clock_time(act.time_ms, zone), nick=act.nick, action=action, subject=act.subject, room=act.room,
        detail=detail, reason=act.reason,
    )  # fmt: skip


def _device(device: events.KnownDevice, zone: tzinfo | None) -> str:
    added = clock_time(device.added_ms, zone) if device.added_ms else ""
    state = ""
    if device.revoked_ms:
        state = sentence("device.revoked", time=clock_time(device.revoked_ms, zone))
    elif device.is_own or device.is_here:
        state = sentence("device.own" if device.is_own else "device.here")
    return sentence("device", fingerprint=device.fingerprint, added=added, state=state)


def _whoami(me: events.Whoami) -> list[str]:
    rooms = ", ".join(sentence("whoami.room", role=one.role, room=one.room) for one in me.roles)
    password = sentence("whoami.password" if me.has_password else "whoami.no_password")
    return [
        sentence("whoami", nicks=me.nicks, role=me.role, roles=rooms),
        sentence(
            "whoami.account",
            devices=me.devices, password=password, accept=me.accept, fingerprint=me.fingerprint,
        ),
    ]  # fmt: skip
