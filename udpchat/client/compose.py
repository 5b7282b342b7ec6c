"""The requests that a user can make; LocalError if a text is beyond its limit (SPEC 4.3)."""

from __future__ import annotations

from typing import Final

from udpchat.chat.amendments import TAKEN_BACK, Reference
from udpchat.chat.codes import parse_code
from udpchat.chat.emoji_text import is_emoji
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import ROOM_ROLES, SERVER_ROLES, Role
from udpchat.chat.phrase import Problem
from udpchat.chat.text import clean_text, fits
from udpchat.wire import requests
from udpchat.wire.content import BAN, EDIT, MUTE, REACTION, REDACTION, TEXT, Extra
from udpchat.wire.limits import (
    ANNOUNCEMENT_BYTES_MAX,
    AWAY_BYTES_MAX,
    DURATION_S_MAX,
    NICK_CHARACTERS_MAX,
    PAST_ENTRIES_MAX,
    SECRET_CHARACTERS_MAX,
    TEXT_BYTES_MAX,
    TOPIC_BYTES_MAX,
)

PASSWORD_CHARACTERS_MIN: Final = 8
FINGERPRINT_CHARACTERS: Final = 32
INVITATION: Final = requests.INVITE  # a code that lets somebody new in
LAST_NICK: Final = NICK_CHARACTERS_MAX * chr(0x10FFFF)  # behind all nicks: a page without members


class LocalError(Problem):
    """The user's request cannot be carried out."""


def say(room: str, text: str, *, is_action: bool = False) -> requests.Say:
    """A message to a room. LocalError if it is empty or too long."""
    return requests.Say(room, int(is_action), _message(text))


def tell(nick: str, text: str, *, is_action: bool = False) -> requests.Tell:
    """A private message to one user. LocalError if it is empty or too long."""
    return requests.Tell(nick, int(is_action), _message(text))


def reply(target: str, text: str, about: Reference) -> requests.Say | requests.Tell:
    """A message to a room or `@nick` that answers another one there. LocalError if it is empty or too long."""
    return _to(target, TEXT, _message(text), Extra(about.id, b"", about.sequence))


def react(target: str, emoji: str, about: Reference, *, added: bool) -> requests.Say | requests.Tell:
    """React to a message, or take that back. LocalError if it is no emoji."""
    if not is_emoji(emoji):
        raise LocalError("bad_reaction")
    return _to(target, REACTION, emoji, Extra(about.id, b"" if added else TAKEN_BACK, about.sequence))


def edit(target: str, text: str, about: Reference) -> requests.Say | requests.Tell:
    """Give an own message another text. LocalError if it is empty or too long."""
    return _to(target, EDIT, _message(text), Extra(about.id, b"", about.sequence))


def redact(target: str, reason: str, about: Reference) -> requests.Say | requests.Tell:
    """Remove an own message, for a reason that may be empty. LocalError if that is too long."""
    return _to(target, REDACTION, _bounded(reason, TEXT_BYTES_MAX, "message"), Extra(about.id, b"", about.sequence))


def _to(target: str, kind: int, text: str, extra: Extra) -> requests.Say | requests.Tell:
    if target.startswith("@"):
        return requests.Tell(target[1:], kind, text, extra)
    return requests.Say(target, kind, text, extra)


def rename(nick: str) -> requests.Rename:
    """Change the nick."""
    return requests.Rename(nick)


def set_away(reason: str) -> requests.SetAway:
    """Set this device away with a reason; empty: it is back. LocalError if it is too long."""
    return requests.SetAway(_bounded(reason, AWAY_BYTES_MAX, "reason") or None)


def whois(nick: str) -> requests.Whois:
    """A description of the user who owns a nick."""
    return requests.Whois(nick)


def list_members(room: str) -> requests.ListMembers:
    """The members of a room, from the first page on."""
    return requests.ListMembers(room, "")


def list_holders(log: str, about: Reference) -> requests.ListHolders:
    """Who has this message of the user, in this log."""
    return requests.ListHolders(log, about.sequence, about.id)


def list_rooms() -> requests.ListRooms:
    """The rooms of the server, from the first page on."""
    return requests.ListRooms("")


def get_topic(room: str) -> requests.GetTopic:
    """The topic of a room."""
    return requests.GetTopic(room)


def set_topic(room: str, topic: str) -> requests.SetTopic:
    """Set the topic of a room; empty: remove it. LocalError if it is too long."""
    return requests.SetTopic(room, _bounded(topic, TOPIC_BYTES_MAX, "topic"))


# --- The account ----------


def set_password(password: str) -> requests.SetPassword:
    """Set or change the password; empty: remove it. LocalError if it is too short or too long."""
    if password and not PASSWORD_CHARACTERS_MIN <= len(password) <= SECRET_CHARACTERS_MAX:
        raise LocalError("bad_password.here", least=PASSWORD_CHARACTERS_MIN, most=SECRET_CHARACTERS_MAX)
    return requests.SetPassword(password)


def secret_of(text: str, *, is_code: bool) -> str:
    """A password as it is sent, or a one-time code. LocalError if it cannot be one; empty stays empty."""
    if not text or (not is_code and len(text) <= SECRET_CHARACTERS_MAX):
        return text
    code = parse_code(text) if is_code else None
    if code is None:
        raise LocalError("wrong_password.code" if is_code else "wrong_password")
    return code


def list_devices(nick: str = "") -> requests.ListDevices:
    """The devices of this user, or of another."""
    return requests.ListDevices(nick or None)


def revoke_device(fingerprint: str) -> requests.RevokeDevice:
    """Revoke a device of this user, by the beginning of its fingerprint. LocalError if it cannot be one."""
    named = fingerprint.removeprefix("#").lower()
    if not 0 < len(named) <= FINGERPRINT_CHARACTERS or not named.isascii() or not named.isalnum():
        raise LocalError("no_such_device", fingerprint=fingerprint)
    return requests.RevokeDevice(named)


def accept_from(*, contacts_only: bool) -> requests.AcceptFrom:
    """Who may begin to talk in private: who has talked with this user before, or everybody."""
    return requests.AcceptFrom(contacts_only)


def whoami() -> requests.GetSelf:
    """What the server knows of this user's account."""
    return requests.GetSelf()


# --- Order: `room` empty is the whole server ----------


def set_role(room: str, nick: str, role: Role) -> requests.SetRole:
    """Give a user a role; MEMBER takes it away. LocalError if there is no such role in a room, or on the server."""
    if role not in (ROOM_ROLES if room else SERVER_ROLES):
        raise LocalError("bad_role", role=role.name.lower())
    return requests.SetRole(room or None, nick, int(role))


def set_modes(room: str, **changes: bool | int) -> requests.SetModes:
    """Change modes of a room, by the names of the fields of `Modes`. LocalError if a time is too long."""
    for seconds in changes.values():
        _duration(seconds)
    return requests.SetModes(room, **changes)  # type: ignore[arg-type]


def get_modes(room: str) -> requests.ListMembers:
    """The modes of a room: reported as `ModesChanged`, with nobody who changed them."""
    return requests.ListMembers(room, LAST_NICK)


def get_member(room: str, nick: str) -> requests.ListMembers:
    """A page of the members of a room that begins with this nick."""
    before = nick[:-1] + chr(ord(nick[-1]) - 1)
    return requests.ListMembers(room, before.ljust(NICK_CHARACTERS_MAX, chr(0x10FFFF)))


def invite(room: str, nick: str) -> requests.Invite:
    """Let a user join an invite-only room."""
    return requests.Invite(room, nick)


def kick(room: str, nick: str, reason: str = "") -> requests.Kick:
    """Remove a user from a room, or end their sessions. LocalError if the reason is too long."""
    return requests.Kick(room or None, nick, _bounded(reason, TOPIC_BYTES_MAX, "reason"))


def ban(room: str, subject: str, for_s: int = 0, reason: str = "") -> requests.Sanction:
    """Ban a nick, a `#fingerprint`, an address or a network, 0: for good. LocalError for what is too long."""
    return _sanction(room, BAN, subject, for_s, reason)


def mute(room: str, subject: str, for_s: int = 0, reason: str = "") -> requests.Sanction:
    """The same, but only let them not say anything."""
    return _sanction(room, MUTE, subject, for_s, reason)


def _sanction(room: str, kind: int, subject: str, for_s: int, reason: str) -> requests.Sanction:
    subject = _bounded(subject, TOPIC_BYTES_MAX, "name")
    reason = _bounded(reason, TOPIC_BYTES_MAX, "reason")
    return requests.Sanction(room or None, kind, subject, _duration(for_s), reason)


def unban(room: str, subject: str) -> requests.Lift:
    """Lift a ban."""
    return requests.Lift(room or None, BAN, _bounded(subject, TOPIC_BYTES_MAX, "name"))


def unmute(room: str, subject: str) -> requests.Lift:
    """Lift a mute."""
    return requests.Lift(room or None, MUTE, _bounded(subject, TOPIC_BYTES_MAX, "name"))


def list_sanctions(room: str) -> requests.ListSanctions:
    """The bans and mutes that hold, from the first page on."""
    return requests.ListSanctions(room or None)


def announce(text: str) -> requests.Announce:
    """A text for everybody who is here. LocalError if it is empty or too long."""
    cleaned = clean_text(text)
    if cleaned is None:
        raise LocalError("empty.here")
    return requests.Announce(_bounded(cleaned, ANNOUNCEMENT_BYTES_MAX, "message"))


def audit(count: int = 20) -> requests.GetHistory:
    """The latest acts of order, PAST_ENTRIES_MAX at most."""
    return requests.GetHistory(AUDIT_LOG, None, None, min(max(count, 1), PAST_ENTRIES_MAX))


def _duration(seconds: int) -> int:
    if not 0 <= seconds <= DURATION_S_MAX:
        raise LocalError("too_long.duration", days_max=DURATION_S_MAX // 86_400)
    return seconds


def _message(text: str) -> str:
    cleaned = clean_text(text)
    if cleaned is None:
        raise LocalError("empty.here")
    return _bounded(cleaned, TEXT_BYTES_MAX, "message")


def _bounded(text: str, bytes_max: int, what: str) -> str:
    """Return the text. LocalError if it has more than `bytes_max` bytes in UTF-8."""
    if fits(text, bytes_max):
        return text
    size = len(text.encode("utf-8", "surrogatepass"))
    raise LocalError("too_long.here", what=what, bytes_max=bytes_max, bytes=size)
