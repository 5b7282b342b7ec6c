"""What happened to order and to the account, and the answers about both, as lines of text. Pure."""

from __future__ import annotations

from datetime import tzinfo

from udpchat.chat import events
from udpchat.chat.durations import duration_word
from udpchat.ui.arguments import SWITCHES, TIMES
from udpchat.ui.local_times import clock_time
from udpchat.ui.order_sentences import act_as_read
from udpchat.ui.phrases import sentence, told


def order_lines(event: events.OrderChange | events.AccountAnswer, zone: tzinfo | None) -> list[str]:
    """The lines of one event, not made safe yet. `zone` is that of times; None: the zone of this machine."""
    match event:
        case events.Announcement():
            return announcement_lines(event)
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
        case events.CodeMade(purpose=purpose):
            return [told(f"code.{purpose if purpose in ('link', 'reset') else 'invite'}", event)]
        case events.LoginsFailed(count, first_ms, last_ms):
            first = clock_time(first_ms, zone) if count > 1 else ""
            return [sentence("logins_failed", count=count, first=first, last=clock_time(last_ms, zone))]
        case _:
            return [_change(event, zone)]


def _change(
    event: events.RoleChanged | events.ModesChanged | events.Invited | events.Banned | events.Muted | events.Unbanned
    | events.Unmuted,
    zone: tzinfo | None,
) -> str:  # fmt: skip
    match event:
        case events.RoleChanged(room, _, role):
            if not room:
                return told("role.server_member" if role == "member" else "role.server", event)
            return told(f"role.{role}" if role in ("member", "voice") else "role", event)
        case events.ModesChanged(modes=modes, by=by):
            return told("mode" if by else "mode.asked", event, modes=mode_words(modes))
        case events.Invited():
            return told("invited", event)
        case _:
            kind, where = type(event).__name__.lower(), "" if event.room else "_everywhere"
            return told(f"sanctioned.{kind}{where}", event, until=_until(getattr(event, "until_ms", 0), zone))


def _until(time_ms: int, zone: tzinfo | None) -> str:
    """When a ban or mute ends; empty: never."""
    return clock_time(time_ms, zone) if time_ms else ""


def mode_words(modes: events.Modes) -> list[str]:
    """What holds in a room, as it is written behind `/mode`, without the sign: `moderated`, `slow=30s`."""
    words = [name for name in SWITCHES if getattr(modes, f"is_{name}")]
    times = {name: getattr(modes, f"{name}_s") for name in TIMES}
    return words + [f"{name}={duration_word(seconds)}" for name, seconds in times.items() if seconds]


def announcement_lines(event: events.Announcement) -> list[str]:
    """Its first line behind who says it, the others below."""
    first, *others = event.text.split("\n")
    head = sentence("announcement" if event.by else "announcement.motd", by=event.by, text=first)
    return [head, *(f"  {line}" for line in others)]


def _sanction(held: events.Sanctioned, zone: tzinfo | None) -> str:
    kind = "muted" if held.kind == "muted" else "banned"
    return told(f"sanction.{kind}", held, until=_until(held.until_ms, zone), made=clock_time(held.time_ms, zone))


def _act(act: events.Audited, zone: tzinfo | None) -> str:
    action, detail = act_as_read(act.action, act.detail)
    return told("act", act, time=clock_time(act.time_ms, zone), action=action, detail=detail)


def _device(device: events.DeviceItem, zone: tzinfo | None) -> str:
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
    return [told("whoami", me, roles=rooms), told("whoami.account", me, password=password)]
