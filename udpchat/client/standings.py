"""What holds for this client in its rooms and on the server: modes, role, whether it may speak (SPEC 6.11). Pure.

It is for what is shown: what may be done, the server decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.names import nick_key
from udpchat.chat.permissions import Action, Role, may, role_name, role_of
from udpchat.chat.phrase import Phrase
from udpchat.client.order_entry_events import until_of
from udpchat.wire.content import MUTE, Entry, Modes, ModesSet, RoleSet, SanctionSet
from udpchat.wire.fields import Value
from udpchat.wire.requests import MemberPage

SERVER = ""  # in the place of a room


class Standing(Value, frozen=True):
    """What holds in a room. `modes` None: not known. `muted_until_ms` None: not muted, as far as is known; 0: for good.

    `may_speak`: neither a mute nor the moderated mode is in the way. `may_set_topic` likewise.
    """

    role: str
    modes: Modes | None = None
    muted_until_ms: int | None = None
    may_speak: bool = True
    may_set_topic: bool = True


@dataclass(slots=True)
class _Room:
    """What is known of a room, each as of an entry of its roster."""

    modes: Modes | None = None
    modes_at: int = 0
    role: int = 0
    role_at: int = 0


class Standings:
    """`role`: this user's on the server."""

    def __init__(self) -> None:
        self.role = 0
        self._rooms: dict[str, _Room] = {}
        self._muted: dict[str, int] = {}  # room or SERVER -> until when
        self._unknown: dict[str, None] = {}  # rooms whose modes were not asked for

    def open(self, room: str) -> None:
        """The roster of a room begins: what holds is to be asked for."""
        self._rooms[room] = _Room()
        self._unknown[room] = None

    def close(self, room: str) -> None:
        """This client left the room."""
        for known in (self._rooms, self._muted, self._unknown):
            known.pop(room, None)

    def drain_unknown(self) -> list[str]:
        """The rooms of which modes and role are to be asked for."""
        unknown, self._unknown = self._unknown, {}
        return list(unknown)

    # --- What the server sends ----------

    def receive_page(self, room: str, page: MemberPage) -> None:
        """A page of the members of a room, which has the modes and the own role too."""
        known = self._rooms.get(room)
        if known is None:
            return
        if page.as_of >= known.modes_at:
            known.modes, known.modes_at = page.modes, page.as_of
        if page.as_of >= known.role_at:  # a higher role is that on the server
            known.role, known.role_at = page.role if page.role <= Role.OPERATOR else 0, page.as_of

    def receive(self, room: str, sequence: int, entry: Entry, *, nick: str, is_me: bool) -> None:
        """An entry of the roster of a room or of the server; `nick`: this user's. `is_me`: a RoleSet is about them."""
        known = self._rooms.get(room)
        match entry:
            case RoleSet(role=role) if is_me and known is not None:
                known.role, known.role_at = role, sequence
            case RoleSet(role=role) if is_me and room == SERVER:
                self.role = role
            case ModesSet(modes) if known is not None:
                known.modes, known.modes_at = modes, sequence
            case SanctionSet(kind, subject) if kind == MUTE and nick_key(subject) == nick_key(nick):
                self._muted.pop(room, None)
                if not entry.is_lifted:
                    self._muted[room] = entry.until_ms

    def on_refused(self, room: str, reason: Phrase) -> None:
        """The server refuses what was said in a room, or to `@nick`."""
        if reason.code == "muted":
            self._muted[SERVER if reason.key == "muted" else room] = until_of(reason)

    def on_said(self, log: str) -> None:
        """The server stored what this user said, so they are not muted."""
        self._muted.pop(log.removeprefix(ROOM_PREFIX), None)
        self._muted.pop(SERVER, None)

    # --- What is shown ----------

    def of(self, room: str, time_ms: int = 0) -> Standing:
        """What holds in a room, or on the server, at this time by the wall clock; 0: not known, so no mute is over."""
        known = self._rooms.get(room) or _Room()
        role = role_of(max(known.role, self.role))
        modes = known.modes or Modes()
        ends = [self._muted[where] for where in (room, SERVER) if where in self._muted]
        muted = [until_ms for until_ms in ends if not until_ms or time_ms < until_ms]
        return Standing(
            role_name(role),
            known.modes,
            muted[0] if muted else None,
            may_speak=not muted and (not modes.is_moderated or may(Action.SPEAK, role)),
            may_set_topic=not modes.is_topic_locked or may(Action.SET_TOPIC, role),
        )
