"""Who may do what, by the records alone: SPEC 6.10 and 6.11 a second time, so that it can be held against the server.

Nothing here is the server's: only the shapes of the records, and the tables of roles and permissions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from udpchat.chat.permissions import Action, Role, may
from udpchat.session.noise import fingerprint
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    DEVICE,
    MUTE,
    AccountRecord,
    Claim,
    ConversationRecord,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
)

SERVER: Final = ""  # in the place of a room


class Rights:
    """What the records say, up to the last one that was applied."""

    def __init__(self, host: bytes = b"") -> None:
        self.host = host  # the key whose role is HOST
        self.accounts: dict[bytes, AccountRecord] = {}
        self.rooms: dict[str, RoomRecord] = {}
        self.roles: dict[tuple[str, bytes], Role] = {}
        self.sanctions: dict[tuple[int, str, int, bytes], SanctionRecord] = {}
        self.conversations: dict[str, tuple[bytes, bytes]] = {}
        self.owners: dict[str, bytes] = {}  # of nicks as they were claimed

    def apply(self, record: Record) -> None:
        """The next record of the directory."""
        match record:
            case AccountRecord(account):
                self.accounts[account] = record
            case RoomRecord(room):
                self.rooms[room] = record
            case RoleRecord(room, account, role):
                self.roles[room, account] = Role(role)
            case SanctionRecord(kind, room, kind_of_subject, subject):
                self.sanctions[kind, room, kind_of_subject, subject] = record
                if record.is_lifted:
                    del self.sanctions[kind, room, kind_of_subject, subject]
            case ConversationRecord(log, keys):
                self.conversations[log] = keys
            case Claim(nick, key):
                self.owners[nick] = key

    # --- Who somebody is ----------

    def account_of(self, device: bytes) -> bytes:
        """The account that a device is of: where it may enter, else where it was revoked, else its own."""
        named = [(known.revoked_ms > 0, account) for account, record in self.accounts.items()
                 for known in record.devices if known.key == device]  # fmt: skip
        return min(named)[1] if named else device

    def is_revoked(self, device: bytes) -> bool:
        """Whether the device was of an account and is no more."""
        record = self.accounts.get(self.account_of(device))
        return record is not None and not any(each.key == device and not each.revoked_ms for each in record.devices)

    def role(self, account: bytes, room: str = SERVER) -> Role:
        """The higher of the role in the room and that on the server."""
        if account and account == self.host:
            return Role.HOST
        record = self.accounts.get(account)
        on_server = Role(record.role) if record is not None else Role.MEMBER
        return max(on_server, self.roles.get((room, account), Role.MEMBER)) if room else on_server

    def modes(self, room: str) -> Modes:
        """The modes of a room."""
        record = self.rooms.get(room)
        return Modes() if record is None else record.modes

    # --- What they may ----------

    def is_under(self, kind: int, room: str, account: bytes, device: bytes | None, time_ms: int) -> bool:
        """Whether there is a ban or mute on a person in the room, or on the server. `device` None: on any device."""
        subjects = {(ACCOUNT, account)}
        if device is not None:
            subjects |= {(DEVICE, device), (DEVICE, fingerprint(device).encode())}
        found = (self.sanctions.get((kind, where, *subject)) for where in {room, SERVER} for subject in subjects)
        return any(each is not None and (not each.until_ms or time_ms < each.until_ms) for each in found)

    def may_join(self, room: str, account: bytes, device: bytes | None, time_ms: int) -> bool:
        """Whether somebody may join a room, and read what is said there."""
        return not self.is_hidden(room, account) and not self.is_under(BAN, room, account, device, time_ms)

    def is_hidden(self, room: str, account: bytes) -> bool:
        """Whether a room is not there for somebody."""
        return self.modes(room).is_invite_only and not may(Action.JOIN, self.role(account, room))

    def may_speak(self, room: str, account: bytes, device: bytes | None, time_ms: int) -> bool:
        """Whether somebody may say anything in a room; in private, if that is empty."""
        if room and not self.may_join(room, account, device, time_ms):
            return False
        if self.is_under(MUTE, room, account, device, time_ms) or self.is_under(BAN, SERVER, account, device, time_ms):
            return False
        return not room or not self.modes(room).is_moderated or may(Action.SPEAK, self.role(account, room))

    def guarded(self) -> Iterable[str]:
        """The rooms that somebody may not join, and the server if somebody may not enter it."""
        banned = {room for kind, room, _, _ in self.sanctions if kind == BAN}
        return banned | {room for room, record in self.rooms.items() if record.modes.is_invite_only}
