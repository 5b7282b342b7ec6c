"""Order: the modes of rooms, the roles in them, who is banned or muted; and what follows from it (SPEC 6.11).

`settle` decides; this is what was decided, and the questions that it answers: may this device join, read, speak?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import islice
from typing import Final

from udpchat.chat.ids import LOBBY
from udpchat.chat.permissions import Role
from udpchat.server.layered import Layered
from udpchat.session.noise import fingerprint
from udpchat.wire.content import ACCOUNT, BAN, DEVICE, NETWORK, Modes, RoleRecord, RoomRecord, SanctionRecord

NETWORKS_CACHED: Final = 4_096
SERVER: Final = ""  # in the place of a room: the whole server
_NO_MODES: Final = Modes()
_NO_ROLES: Final[Mapping[bytes, int]] = {}

_Subject = tuple[int, int, bytes]  # kind of sanction, kind of subject, subject
_NO_SANCTIONS: Final[Mapping[_Subject, SanctionRecord]] = {}


class Order:
    """What was decided for rooms and for the server. It may lie over another, as `State` does."""

    __slots__ = ("_banned_from", "_invite_only", "_role_count", "_roles", "_rooms", "_sanction_count", "_sanctions",
                 "_under")  # fmt: skip

    def __init__(self, under: Order | None = None) -> None:
        self._under = under
        self._rooms: Layered[str, RoomRecord] = Layered(None if under is None else under._rooms)
        self._invite_only: Layered[str, bool] = Layered(None if under is None else under._invite_only)
        # Of each room all roles, and all sanctions: a change makes the mapping anew, as there are few and they are
        # looked up for each message.
        self._roles: Layered[str, Mapping[bytes, int]] = Layered(None if under is None else under._roles)
        self._sanctions: Layered[str, Mapping[_Subject, SanctionRecord]] = Layered(
            None if under is None else under._sanctions
        )
        self._banned_from: Layered[bytes, tuple[str, ...]] = Layered(None if under is None else under._banned_from)
        self.clear()

    def clear(self) -> None:
        """Forget what was applied to this itself."""
        self._rooms.clear()
        self._invite_only.clear()
        self._roles.clear()
        self._sanctions.clear()
        self._banned_from.clear()
        self._role_count = self._sanction_count = 0  # of all rooms, in addition to those of the other

    def __len__(self) -> int:
        """How many records are in force."""
        return len(self._rooms) + self.role_count + self.sanction_count + self.sanction_count_of(SERVER)

    @property
    def room_count(self) -> int:
        """How many rooms have a record."""
        return len(self._rooms)

    @property
    def role_count(self) -> int:
        """How many roles there are in rooms."""
        return self._role_count + (self._under.role_count if self._under is not None else 0)

    @property
    def sanction_count(self) -> int:
        """How many sanctions there are in rooms, also those whose time is over; not those on the whole server."""
        return self._sanction_count + (self._under.sanction_count if self._under is not None else 0)

    def sanction_count_of(self, room: str) -> int:
        """How many there are in a room, or on the server."""
        return len(self._sanctions_of(room))

    def apply(self, record: RoomRecord | RoleRecord | SanctionRecord) -> None:
        """A record was written."""
        match record:
            case RoomRecord(room, _, modes):
                self._rooms.put(room, record)
                self._invite_only.put(room, modes.is_invite_only or None)
            case RoleRecord(room, account, role):
                former = self.roles(room)
                roles = {**former, account: role}
                if role == Role.MEMBER:
                    del roles[account]
                self._role_count += len(roles) - len(former)
                self._roles.put(room, roles or None)
            case SanctionRecord():
                self._apply_sanction(record)

    def _apply_sanction(self, record: SanctionRecord) -> None:
        room, subject = record.room, (record.kind, record.kind_of_subject, record.subject)
        sanctions = {**self._sanctions_of(room), subject: record}
        if record.is_lifted:
            del sanctions[subject]
        if room != SERVER:
            self._sanction_count += len(sanctions) - len(self._sanctions_of(room))
        self._sanctions.put(room, sanctions or None)
        if record.kind == BAN and room != SERVER:
            rooms = dict.fromkeys(self._banned_from.get(record.subject) or ())
            rooms[room] = None
            if record.is_lifted:
                del rooms[room]
            self._banned_from.put(record.subject, tuple(rooms) or None)

    # --- Rooms ----------

    def room(self, name: str) -> RoomRecord | None:
        """The record of a room; None if it has none: nothing was ever said or set there, or long ago."""
        return self._rooms.get(name)

    def modes(self, name: str) -> Modes:
        room = self._rooms.get(name)
        return _NO_MODES if room is None else room.modes

    def is_open(self, name: str) -> bool:
        """Whether all people may join a room and speak there, as no mode and no sanction says otherwise: mostly."""
        room = self._rooms.get(name)
        if room is not None and (room.modes.is_invite_only or room.modes.is_moderated):
            return False
        return self._sanctions.get(name) is None and (not name or self._sanctions.get(SERVER) is None)

    def invite_only(self) -> list[str]:
        """The rooms that only the invited may join."""
        return [room for room, _ in self._invite_only.items()]

    def roles(self, room: str) -> Mapping[bytes, int]:
        """The roles in a room, by account."""
        return self._roles.get(room) or _NO_ROLES

    def role(self, room: str, account: bytes, opener: bytes = b"") -> Role:
        """The role in a room, without that on the server. Who opened a room is its operator before it has a record."""
        role = self.roles(room).get(account)
        if role is None and account and account == opener and self._rooms.get(room) is None:
            return Role.OPERATOR if room != LOBBY else Role.MEMBER
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
            for subject in ((kind, ACCOUNT, account), (kind, DEVICE, name_of_device(device))):
                found = sanctions.get(subject)
                if found is not None and holds(found, time_ms):
                    return found
        return None

    def banned_from(self, account: bytes, device: bytes, time_ms: int) -> list[str]:
        """The rooms that a person at a device is banned from."""
        rooms = dict.fromkeys(self._banned_from.get(account) or ())
        rooms.update(dict.fromkeys(self._banned_from.get(name_of_device(device)) or ()))
        return [room for room in rooms if self.sanction(BAN, room, account, device, time_ms) is not None]

    def over(self, room: str | None, time_ms: int, count: int) -> list[SanctionRecord]:
        """The first sanctions whose time is over, of a room, of the server, or of all rooms; at most so many."""
        rooms = [name for name, _ in self._sanctions.items() if name != SERVER] if room is None else [room]
        found = (each for name in rooms for each in self._sanctions_of(name).values() if not holds(each, time_ms))
        return list(islice(found, count))

    def network_ban(self, host: str, time_ms: int) -> SanctionRecord | None:
        """The ban of a network of the server that a numeric host lies in."""
        banned = [each for each in self.sanctions(SERVER, time_ms) if each.kind_of_subject == NETWORK]
        return next((each for each in banned if is_within(host, each.subject.decode())), None)


def name_of_device(device: bytes) -> bytes:
    """By what a sanction names a device: its fingerprint, which all can see; its key may be unknown to the server."""
    return fingerprint(device).encode()


@lru_cache(maxsize=NETWORKS_CACHED)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def is_within(host: str, network: str) -> bool:
    """Whether a numeric host lies in a network."""
    address = ip_address(host.partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address) in _network(network)


def holds(sanction: SanctionRecord, time_ms: int) -> bool:
    """Whether a sanction has no end, or its end has not come."""
    return not sanction.until_ms or time_ms < sanction.until_ms
