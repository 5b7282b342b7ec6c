"""The commands of those who keep order: roles, modes, invitations, kicks, bans and mutes, announcements. Pure.

The server decides who may; here is only what a line means. They act in the current room, or with `--server` as first
word on the whole server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from udpchat.chat.names import parse_room
from udpchat.chat.nearest import WORD_CHARACTERS_MAX, nearest
from udpchat.chat.permissions import SERVER_ROLES, Role
from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.ui import message_ids
from udpchat.ui.arguments import (
    WrongUsage,
    first_word,
    is_mode_change,
    mode_changes_of,
    nick_of,
    nothing,
    number_of,
    only_word,
    sanction_of,
    scope_of,
    some_text,
    subject_of,
)
from udpchat.ui.prompt import Command, Group, Handle, Prompt

AUDIT_LISTED: Final = 20  # acts, if no number is given
AUDIT_MAX: Final = 50
ROLES: Final = {role.name.lower(): role for role in reversed(SERVER_ROLES)}


def _place(prompt: Prompt, rest: str) -> tuple[str, str]:
    """The room that a command acts in, empty for the server, and what follows. Raises `Problem`."""
    is_server, rest = scope_of(rest)
    return "" if is_server else prompt.current_room(), rest


def _giving(role: Role) -> Handle:
    """What gives somebody a role in the room."""

    def give(prompt: Prompt, now: float, rest: str) -> None:
        prompt.client.ask(now, compose.set_role(prompt.current_room(), nick_of(only_word(rest)), role))

    return give


def _role(prompt: Prompt, now: float, rest: str) -> None:
    words = rest.split()
    if len(words) != 2:
        raise WrongUsage
    name = words[1].lower()
    if name not in ROLES:
        near = nearest(name[:WORD_CHARACTERS_MAX], ROLES)
        raise Problem("bad_role.here", role=words[1], roles=tuple(ROLES), near=near)
    prompt.client.ask(now, compose.set_role("", nick_of(words[0]), ROLES[name]))


def _mode(prompt: Prompt, now: float, rest: str) -> None:
    words = rest.split()
    room = parse_room(words.pop(0)) if words and not is_mode_change(words[0]) else prompt.current_room()
    changes = mode_changes_of(words)
    prompt.client.ask(now, compose.set_modes(room, **changes) if words else compose.get_modes(room))


def _invite(prompt: Prompt, now: float, rest: str) -> None:
    is_server, rest = scope_of(rest)
    if is_server:
        prompt.client.make_code(now, compose.INVITATION, nick_of(only_word(rest)) if rest.strip() else "")
        return
    word, room = first_word(rest)
    prompt.client.ask(now, compose.invite(prompt.room_or_current(room), nick_of(word)))


def _kick(prompt: Prompt, now: float, rest: str) -> None:
    room, rest = _place(prompt, rest)
    word, reason = first_word(rest)
    prompt.client.ask(now, compose.kick(room, nick_of(word), reason.strip()))


def _sanctioning(request: Callable[[str, str, int, str], Any]) -> Handle:
    """What bans or mutes somebody."""

    def sanction(prompt: Prompt, now: float, rest: str) -> None:
        room, rest = _place(prompt, rest)
        terms = sanction_of(rest)
        prompt.client.ask(now, request(room, terms.subject, terms.for_s, terms.reason))

    return sanction


def _lifting(request: Callable[[str, str], Any]) -> Handle:
    """What lifts a ban or mute."""

    def lift(prompt: Prompt, now: float, rest: str) -> None:
        room, rest = _place(prompt, rest)
        prompt.client.ask(now, request(room, subject_of(only_word(rest))))

    return lift


def _bans(prompt: Prompt, now: float, rest: str) -> None:
    room, rest = _place(prompt, rest)
    nothing(rest)
    prompt.client.ask(now, compose.list_sanctions(room))


def _redact(prompt: Prompt, now: float, rest: str) -> None:
    word, reason = first_word(rest)
    message = prompt.message(word, is_own=True)
    if message.target.startswith("@"):
        message_ids.own(message)  # nobody keeps order there
    prompt.client.ask(now, compose.redact(message.target, reason, message.about))


def _announce(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.announce(prompt.typed(some_text(rest))))


def _audit(prompt: Prompt, now: float, rest: str) -> None:
    prompt.client.ask(now, compose.audit(number_of(rest, AUDIT_MAX, AUDIT_LISTED)))


# --- The table ----------

_O = Group.ORDER
_WHERE = "It is done in the current room; with --server as first word on the whole server."
_FOR = "DURATION is 90s, 10m, 2h, 3d; without it, it holds for good."
ORDER_COMMANDS: tuple[Command, ...] = (
    Command("mode", _O, "[ROOM] [MODE ...]", "see or change what holds in a room",
            "MODE is +moderated (who has a voice speaks), +invite_only, +topic_locked (operators set the topic), each"
            " with - to end it, slow=SECONDS (between two messages of one person), or kept=DURATION (messages are kept"
            " so long; kept=- as everywhere).", _mode),
    Command("invite", _O, "[--server] NICK [ROOM]", "let somebody join an invite-only room",
            "They are told. With --server as first word: get a code with which somebody new enters where accounts are"
            " closed, once, as NICK, or without it as anybody.", _invite),
    Command("op", _O, "NICK", "make somebody an operator of this room", "", _giving(Role.OPERATOR)),
    Command("deop", _O, "NICK", "make them an operator no longer", "", _giving(Role.MEMBER)),
    Command("voice", _O, "NICK", "let somebody speak while this room is moderated", "", _giving(Role.VOICE)),
    Command("devoice", _O, "NICK", "take their voice back", "", _giving(Role.MEMBER)),
    Command("kick", _O, "[--server] NICK [REASON]", "remove somebody from this room",
            f"They can come back: /ban keeps them out. {_WHERE}", _kick),
    Command("ban", _O, "[--server] NICK [for DURATION] [REASON]", "remove somebody and keep them out",
            f"{_FOR} {_WHERE} In place of NICK also # and a device's fingerprint, or with --server an address.",
            _sanctioning(compose.ban)),
    Command("unban", _O, "[--server] NICK", "let somebody in again", f"Written as it was banned. {_WHERE}",
            _lifting(compose.unban)),
    Command("mute", _O, "[--server] NICK [for DURATION] [REASON]", "let somebody say nothing", f"{_FOR} {_WHERE}",
            _sanctioning(compose.mute)),
    Command("unmute", _O, "[--server] NICK", "let somebody speak again", _WHERE, _lifting(compose.unmute)),
    Command("bans", _O, "[--server]", "list who is banned and muted", _WHERE, _bans),
    Command("redact", _O, "ID [REASON]", "remove a message, of anybody if you may, and say why",
            "Of ID, as /ids lists them, a beginning is enough.", _redact),
    Command("announce", _O, "TEXT", "tell everybody on the server something", "", _announce),
    Command("role", _O, "NICK ROLE", "give somebody a role on the whole server",
            f"ROLE is {', '.join(list(ROLES)[:-1])} or {list(ROLES)[-1]}.", _role),
    Command("audit", _O, "[N]", "list the latest acts of order", "", _audit),
)  # fmt: skip
