"""The sentences of accounts and of order: what happened, what is refused and why. A part of the table of `phrases`."""

from __future__ import annotations

from typing import Final

from udpchat.chat.durations import duration_word
from udpchat.chat.permissions import role_name

ACCOUNT_SENTENCES: Final[dict[str, str]] = {
    # What a person is asked, and told.
    "password.question": "{nick} is in use already; its password (just Enter to give up)",
    "password.again": "wrong; once more ({tries:count try|tries} left)",
    "password.new": "new password for {nick}",
    "password.repeat": "the same once more",
    "password.differs": "these two differ: nothing was changed",
    "password.unchanged": "nothing was changed",
    "password.set": "your password is set",
    "password.removed": "you have no password any more",
    "password.not_asked": "nothing was changed: write the new password behind /password, or use udpchat-client password"
    " --password-file FILE",
    "password.not_given": "which password? Give --password-file FILE, or set UDPCHAT_PASSWORD",
    "password_file.unread": "cannot read the password from {path}: {reason}",
    "password_file.no_utf8": "cannot read the password from {path}: it is not UTF-8",
    "password_file.empty_line": "there is no password in the first line of {path}",
    "code.link": "{code} lets another device of yours in, once, for {valid_s:duration}: udpchat-client --nick"
    " {nick:or NICK} --link {code}",
    "code.reset": "{code} gives {nick} back to whoever starts a client with --link {code}, once, for"
    " {valid_s:duration}",
    "code.invite": "{code} lets somebody in, once, for {valid_s:duration}: udpchat-client --nick {nick:or NICK} --link"
    " {code}",
    "devices": "devices of {nick}:",
    "device": "  {fingerprint}{added:if , added %s}{state:if , %s}",
    "device.own": "this one",
    "device.here": "here now",
    "device.revoked": "revoked {time}",
    "devices.none": "{nick} has no device",
    "device_revoked": "the device {fingerprint} can enter no more; codes that were not used end, and so does a password"
    " that was set on it, unless you are at it",
    "whoami": "you are {nicks:list}, {role:a_role} of this server{roles:if ; %s}",
    "whoami.account": "{devices:count device}, {password}; {accept} may write to you alone; this device is"
    " {fingerprint}",
    "whoami.password": "with a password",
    "whoami.no_password": "no password (/password sets one)",
    "whoami.room": "{role:a_role} of {room}",
    "accept.strangers": "everybody may write to you alone",
    "accept.contacts": "only those you have talked with may write to you alone",
    "logins_failed": "SOMEBODY TRIED TO LOG IN AS YOU: {count:count attempt} failed{first:if , the first at %s}, the"
    " last at {last}; choose a good password (/password)",
    "bad_password.here": "a password has {least} to {most} characters; nothing was changed",
    # Why the server refuses.
    "wrong_password": "wrong password; give the right one with --password-file FILE or UDPCHAT_PASSWORD, or choose"
    " another nick",
    "wrong_password.code": "this code is not valid: it was used, is too old, or is not written as it was shown",
    "key_revoked": "this device was revoked: its owner lets it enter no more; with the password or a new code it can",
    "no_passwords": "this server keeps no passwords: its machine cannot compute Argon2id; use a code instead (/link)",
    "not_allowed.device": "this device has an account of its own here already: use another data folder (--data), or"
    " another nick",
    "not_allowed.last_device": "this is your only device, and you have no password: nobody could log in as you any"
    " more; nothing was changed",
    "too_many_devices.account": "this account has {devices_max} devices, as many as may be: /revoke one of them first",
    "no_such_device": "no device of yours, or more than one, has a key that begins with {fingerprint}: /devices lists"
    " them",
    "bad_password": "a password has at least {characters_min} characters; nothing was changed",
    "too_many_codes": "too many codes are valid at once: use one, or wait until they are not",
    "not_allowed.closed": "this server lets in only who has an account or an invitation: ask whoever runs it for a code"
    " and start with --link CODE",
    "not_allowed.contacts": "{nick} lets only those write who have talked with them before",
}
ORDER_SENTENCES: Final[dict[str, str]] = {
    # What happened.
    "left.kicked": "{nick} was kicked from {room} by {by}{why:if : %s}",
    "role": "{by} made {nick} {role:a_role} of {room}",
    "role.voice": "{by} gave {nick} a voice in {room}",
    "role.member": "{by} took back the role of {nick} in {room}",
    "role.server": "{by} made {nick} {role:a_role} of this server",
    "role.server_member": "{by} took back the role of {nick} on this server",
    "mode": "{by} changed what holds in {room}: {modes:list nothing special}",
    "mode.asked": "in {room} holds: {modes:list nothing special}",
    "invited": "{by} invites you to {room}: /join {room}",
    "sanctioned.banned": "{by} banned {nick} from {room}{until:if  until %s}{reason:if : %s}",
    "sanctioned.banned_everywhere": "{by} banned {nick} from this server{until:if  until %s}{reason:if : %s}",
    "sanctioned.muted": "{by} muted {nick} in {room}{until:if  until %s}{reason:if : %s}",
    "sanctioned.muted_everywhere": "{by} muted {nick} on this server{until:if  until %s}{reason:if : %s}",
    "sanctioned.unbanned": "{by} let {nick} in again to {room}{reason:if : %s}",
    "sanctioned.unbanned_everywhere": "{by} let {nick} in again to this server{reason:if : %s}",
    "sanctioned.unmuted": "{by} let {nick} speak again in {room}{reason:if : %s}",
    "sanctioned.unmuted_everywhere": "{by} let {nick} speak again on this server{reason:if : %s}",
    "invitation": "{nick} may join {room} now, and is told",
    "kicked_from_server": "{nick} was kicked from this server",
    "announcement": "ANNOUNCEMENT by {by}: {text}",
    "announcement.motd": "the server says: {text}",
    "sanction.banned": "{nick} is banned{until:if  until %s}, by {by} at {made}{reason:if : %s}",
    "sanction.muted": "{nick} is muted{until:if  until %s}, by {by} at {made}{reason:if : %s}",
    "sanctions": "banned or muted in {room}:",
    "sanctions.everywhere": "banned or muted on this server:",
    "sanctions.none": "nobody is banned or muted in {room}",
    "sanctions.none_everywhere": "nobody is banned or muted on this server",
    "act": "{time} {nick}: {action}{subject:if  %s}{room:if  in %s}{detail:if  (%s)}{reason:if : %s}",
    "acts.none": "no act of order was done yet",
    # What is typed, and why it is refused.
    "bad_mode": "there is no mode {word}: write moderated, invite_only or topic_locked with + or - in front,"
    " slow=SECONDS or kept=DURATION{near:if ; did you mean %s?}",
    "bad_role.here": "there is no role {role}: it is one of {roles:list}{near:if ; did you mean %s?}",
    "too_long.duration": "a duration is at most {days_max}d",
    "bad_role": "nobody can be made {role:a_role} there: in the lobby only roles on the server count (/role), elsewhere"
    " operator and voice",
    "bad_subject": "nobody can be kicked, banned or muted by that, nor oneself: {subject}",
    "nick_taken.account": "{nick} has an account already, and needs no invitation; nothing was changed",
    "not_allowed.role": "you may not do that here: {action:act}",
    "not_allowed.outranked": "{nick} has the same role as you here, or a higher one",
    "not_allowed.invite_only": "this room is invite-only: an operator of it can /invite you",
    "not_allowed.moderated": "this room is moderated: who has no voice cannot speak in it",
    "kicked.server": "you were kicked from this server",
    "kicked": "you were kicked from this server by {by}{reason:if : %s}",
    "banned": "you are banned from this server{until_ms:until}, by {by}{reason:if : %s}",
    "banned.room": "you are banned from this room{until_ms:until}, by {by}{reason:if : %s}",
    "muted": "you are muted on this server{until_ms:until}, by {by}{reason:if : %s}",
    "muted.room": "you are muted in this room{until_ms:until}, by {by}{reason:if : %s}",
    "no_such_nick.here": "{nick} is not there",
    "no_such_sanction": "{subject} is not banned or muted there: /bans lists who is",
    "too_many_sanctions": "as many are banned and muted there as can be: /unban somebody first",
    "too_many_roles": "as many people have a role there as can have one",
    "too_fast.wait": "too fast: wait {wait_s} s, then send it again",
}
ROLES: Final[dict[str, str]] = {  # with their article
    "owner": "an owner", "admin": "an admin", "moderator": "a moderator", "operator": "an operator", "voice": "a voice",
    "member": "a member", "host": "who runs it",
}  # fmt: skip
ROLE_DIGITS_MAX: Final = 3
SECONDS_DIGITS_MAX: Final = 12
ROLE_ACTS: Final = ("room role", "moderator", "admin", "owner")
TIMED_ACTS: Final = ("ban", "mute")
ROLE_MARKS: Final = {"owner": "~", "admin": "&", "moderator": "%", "operator": "@", "voice": "+"}  # in lists
ACTS: Final[dict[str, str]] = {  # by the name of `permissions.Action`
    "speak": "speak while the room is moderated",
    "join": "join an invite-only room",
    "hurry": "speak as fast in slow mode",
    "topic": "set the topic, which is locked",
    "mode": "change modes",
    "room role": "give a role",
    "invite": "invite",
    "redact": "remove what others said",
    "kick": "kick",
    "ban": "ban",
    "unban": "unban",
    "mute": "mute",
    "unmute": "unmute",
    "bans": "list who is banned",
    "moderator": "make or unmake a moderator",
    "admin": "make or unmake an admin",
    "owner": "make or unmake an owner",
    "announce": "announce",
    "invitation": "invite to this server",
    "audit": "read the audit log",
    "who": "list who is connected",
    "accounts": "list the accounts",
    "devices": "list the devices of others",
    "reset account": "reset an account",
    "remove account": "remove an account",
    "erase": "erase what somebody said",
    "status": "see the state of the server",
    "reload": "reload the settings",
    "stop": "stop the server",
}


def role_with_article(role: str) -> str:
    """`an operator`, of the name of a role or its number; one of a later version as it is named."""
    is_number = role.isascii() and role.isdecimal() and len(role) <= ROLE_DIGITS_MAX
    return ROLES.get(role_name(int(role)) if is_number else role, role)


def act_as_read(action: str, detail: str) -> tuple[str, str]:
    """An act of the audit log: what was done, and how, as a person reads it."""
    if action in ROLE_ACTS:
        return "role", detail
    if action.removeprefix("server ") in TIMED_ACTS and detail.isascii() and detail.isdecimal():
        seconds = int(detail[:SECONDS_DIGITS_MAX])
        return action, f"for {duration_word(seconds)}" if seconds else "for good"
    return action, detail


def act_in_words(action: str) -> str:
    """What an action is, to be read behind `you may not`; one of a later version as it is named."""
    on_server = action.removeprefix("server ")
    words = ACTS.get(on_server, action)
    return f"{words} on the whole server" if on_server != action else words
