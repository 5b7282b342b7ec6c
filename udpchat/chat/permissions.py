"""Roles, and the table of who may do what (SPEC 6.11).

There is one scale of roles. Some are given in a room, the higher ones on the whole server; in a room, the higher of the
two counts. Whoever acts on a person must have a higher role than that person, unless it is themselves.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

from udpchat.wire.fields import Value


class Role(IntEnum):
    """The order is that of power; the numbers are those of the wire (SPEC 4.8)."""

    MEMBER = 0
    INVITED = 1  # in a room: may join it when it is invite-only
    VOICE = 2  # in a room: may speak when it is moderated
    OPERATOR = 3  # of a room: who opened it, and whom another operator made one
    MODERATOR = 4  # from here on: of the server, and in all rooms
    ADMIN = 5
    OWNER = 6
    HOST = 7  # who can read the key in the data folder of the server; cannot be given


ROOM_ROLES: Final = (Role.MEMBER, Role.VOICE, Role.OPERATOR)  # that SetRole gives in a room
SERVER_ROLES: Final = (Role.MEMBER, Role.MODERATOR, Role.ADMIN, Role.OWNER)  # and on the server


def role_of(number: int) -> Role:
    """The role with this number; of one that a later version has, the next lower one."""
    return max(known for known in Role if known <= max(number, 0))


def role_name(number: int) -> str:
    """The name of a role, as programs read it. Who is only invited to a room is a `member` of it as everybody."""
    role = role_of(number)
    return (Role.MEMBER if role is Role.INVITED else role).name.lower()


class Action(StrEnum):
    """What is done, as an audit log names it."""

    SPEAK = "speak"  # in a moderated room
    JOIN = "join"  # an invite-only room
    HURRY = "hurry"  # not be slowed down by slow mode
    SET_TOPIC = "topic"  # where it is locked
    SET_MODES = "mode"
    SET_ROOM_ROLE = "room role"
    INVITE = "invite"
    REDACT = "redact"  # a message of somebody else
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    LIST_SANCTIONS = "bans"
    SERVER_KICK = "server kick"
    SERVER_BAN = "server ban"
    SERVER_UNBAN = "server unban"
    SERVER_MUTE = "server mute"
    SERVER_UNMUTE = "server unmute"
    SERVER_LIST_SANCTIONS = "server bans"
    SET_MODERATOR = "moderator"  # give or take this role
    SET_ADMIN = "admin"
    SET_OWNER = "owner"
    ANNOUNCE = "announce"
    ADD_INVITATION = "invitation"  # to the server
    READ_AUDIT = "audit"
    LIST_PEERS = "who"
    LIST_ACCOUNTS = "accounts"
    LIST_DEVICES = "devices"  # of somebody else
    RESET_ACCOUNT = "reset account"
    REMOVE_ACCOUNT = "remove account"
    ERASE = "erase"
    STATUS = "status"
    RELOAD = "reload"
    STOP = "stop"


class Right(Value, frozen=True):
    """The least role for an action. `outranks`: the person that it is done to must have a lower one."""

    least: Role
    outranks: bool = False


PERMISSIONS: Final[dict[Action, Right]] = {
    Action.SPEAK: Right(Role.VOICE),
    Action.JOIN: Right(Role.INVITED),
    Action.HURRY: Right(Role.VOICE),
    Action.SET_TOPIC: Right(Role.OPERATOR),
    Action.SET_MODES: Right(Role.OPERATOR),
    Action.SET_ROOM_ROLE: Right(Role.OPERATOR, outranks=True),
    Action.INVITE: Right(Role.OPERATOR),
    Action.REDACT: Right(Role.OPERATOR, outranks=True),
    Action.KICK: Right(Role.OPERATOR, outranks=True),
    Action.BAN: Right(Role.OPERATOR, outranks=True),
    Action.UNBAN: Right(Role.OPERATOR),
    Action.MUTE: Right(Role.OPERATOR, outranks=True),
    Action.UNMUTE: Right(Role.OPERATOR),
    Action.LIST_SANCTIONS: Right(Role.OPERATOR),
    Action.SERVER_KICK: Right(Role.MODERATOR, outranks=True),
    Action.SERVER_BAN: Right(Role.MODERATOR, outranks=True),
    Action.SERVER_UNBAN: Right(Role.MODERATOR),
    Action.SERVER_MUTE: Right(Role.MODERATOR, outranks=True),
    Action.SERVER_UNMUTE: Right(Role.MODERATOR),
    Action.SERVER_LIST_SANCTIONS: Right(Role.MODERATOR),
    Action.SET_MODERATOR: Right(Role.ADMIN, outranks=True),
    Action.SET_ADMIN: Right(Role.OWNER, outranks=True),
    Action.SET_OWNER: Right(Role.OWNER, outranks=True),
    Action.ANNOUNCE: Right(Role.ADMIN),
    Action.ADD_INVITATION: Right(Role.ADMIN),
    Action.READ_AUDIT: Right(Role.ADMIN),
    Action.LIST_PEERS: Right(Role.MODERATOR),
    Action.LIST_ACCOUNTS: Right(Role.ADMIN),
    Action.LIST_DEVICES: Right(Role.ADMIN),
    Action.RESET_ACCOUNT: Right(Role.OWNER, outranks=True),
    Action.REMOVE_ACCOUNT: Right(Role.OWNER, outranks=True),
    Action.ERASE: Right(Role.OWNER, outranks=True),
    Action.STATUS: Right(Role.ADMIN),
    Action.RELOAD: Right(Role.OWNER),
    Action.STOP: Right(Role.OWNER),
}


def may(action: Action, actor: Role, subject: Role | None = None) -> bool:
    """Whether who has this role where it is done may do that; `subject`: the role of another person it is done to."""
    right = PERMISSIONS[action]
    return actor >= right.least and (subject is None or not right.outranks or subject < actor)
