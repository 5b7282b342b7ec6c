"""Order: the modes of rooms, the roles in them, who is banned or muted; and what follows from it (SPEC 6.11).

`settle` decides; this is what was decided, and the questions that it answers: may this device join, read, speak?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from udpchat.chat.ids import LOBBY
from udpchat.chat.permissions import Role
from udpchat.server.layered import Layered
from udpchat.wire.content import ACCOUNT, DEVICE, NETWORK, Modes, RoleRecord, RoomRecord, SanctionRecord

SERVER: Final = ""  # in the place of a room: the whole server
_NO_MODES: Final = Modes()
_NO_ROLES: Final[Mapping[bytes, int]] = {}

_Subject = tuple[int, int, bytes]  # kind of sanction, kind of subject, subject
_NO_SANCTIONS: Final[Mapping[_Subject, SanctionRecord]] = {}


class Order:
    """What was decided for rooms and for the server. It may lie over another, as `State` does."""

    __slots__ = ("_roles", "_rooms", "_sanctions")

    def __init__(self, under: Order | None = None) -> None:
        self._rooms: Layered[str, RoomRecord] = Layered(under._rooms if under is not None else None)
        # Of each room all roles, and all sanctions: a change makes the mapping anew, as there are few and they are
        # looked up for each message.
        self._roles: Layered[str, Mapping[bytes, int]] = Layered(under._roles if under is not None else None)
        self._sanctions: Layered[str, Mapping[_Subject, SanctionRecord]] = Layered(
            under._sanctions if under is not None else None
        )

    def clear(self) -> None:
        """Forget what was applied to this itself."""
        for layer in (self._rooms, self._roles, self._sanctions):
            layer.clear()

    def __len__(self) -> int:
        """How many records are in force."""
        return (
            len(self._rooms)
            + sum(len(roles) for _, roles in self._roles.items())
            + sum(len(sanctions) for _, sanctions in self._sanctions.items())
        )

    def apply(self, record: RoomRecord | RoleRecord | SanctionRecord) -> None:
        """A record was written."""
        match record:
            case RoomRecord(room):
                self._rooms.put(room, record)
            case RoleRecord(room, account, role):
                roles = {**self.roles(room), account: role}
                if role == Role.MEMBER:
                    del roles[account]
                self._roles.put(room, roles or None)
            case SanctionRecord(kind, room, kind_of_subject, subject):
                sanctions = {**self._sanctions_of(room), (kind, kind_of_subject, subject): record}
                if record.is_lifted:
                    del sanctions[kind, kind_of_subject, subject]
                self._sanctions.put(room, sanctions or None)

    # --- Rooms ----------

    def room(self, name: str) -> RoomRecord | None:
        """The record of a room; None if it has none: nothing was ever said or set there, or long ago."""
        return self._rooms.get(name)

    def modes(self, name: str) -> Modes:
        room = self._rooms.get(name)
        return _NO_MODES if room is None else room.modes

    def roles(self, room: str) -> Mapping[bytes, int]:
        """The roles in a room, by account."""
        return self._roles.get(room) or _NO_ROLES

    def role(self, room: str, account: bytes, opener: bytes = b"") -> Role:
        """The role in a room, without that on the server. Who opened a room is its operator before it has a record."""
        role = self.roles(room).get(account)
        if role is None and account == opener and room != LOBBY and self._rooms.get(room) is None:
            return Role.OPERATOR
        return Role(role or 0)

    # --- Sanctions ----------

    def _sanctions_of(self, room: str) -> Mapping[_Subject, SanctionRecord]:
        return self._sanctions.get(room) or _NO_SANCTIONS

    def sanctions(self, room: str, time_ms: int) -> Iterator[SanctionRecord]:
        """Those that hold in a room, or on the server, in the order in which they were made first."""
        return (sanction for sanction in self._sanctions_of(room).values() if holds(sanction, time_ms))

    def find(self, kind: int, room: str, kind_of_subject: int, subject: bytes) -> SanctionRecord | None:
        """The sanction on exactly this subject, also if its time is over."""
        return self._sanctions_of(room).get((kind, kind_of_subject, subject))

    def sanction(self, kind: int, room: str, account: bytes, device: bytes, time_ms: int) -> SanctionRecord | None:
        """A sanction that holds for a person at a device: in the room, or on the whole server."""
        for where in (room, SERVER) if room else (SERVER,):
            sanctions = self._sanctions.get(where)
            if sanctions is None:  # mostly
                continue
            for subject in ((kind, ACCOUNT, account), (kind, DEVICE, device)):
                found = sanctions.get(subject)
                if found is not None and holds(found, time_ms):
                    return found
        return None

    def network_ban(self, host: str, time_ms: int) -> SanctionRecord | None:
        """The ban of a network of the server that a numeric host lies in."""
        banned = [each for each in self.sanctions(SERVER, time_ms) if each.kind_of_subject == NETWORK]
        if not banned:
            return None
        address = ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return next((each for each in banned if address in ip_network(each.subject.decode())), None)


def holds(sanction: SanctionRecord, time_ms: int) -> bool:
    """Whether a sanction has no end, or its end has not come."""
    return not sanction.until_ms or time_ms < sanction.until_ms
