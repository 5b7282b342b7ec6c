"""Who may enter, and which rooms (SPEC 6.1): checks that need no log; who owns a nick is for `settle` to decide."""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.server.registry import Peer
from udpchat.server.rooms import Rooms
from udpchat.server.settle import EnterAs
from udpchat.server.state import State
from udpchat.wire.frames import Refused, Welcome, encode
from udpchat.wire.limits import CAPABILITIES, EXPIRY_S, HEARTBEAT_S, PROTOCOL_MINOR, ROOMS_PER_PEER_MAX


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose."""

    name: str = ""
    heartbeat_s: float = HEARTBEAT_S
    expiry_s: float = EXPIRY_S
    kept_s: int = 0  # how long messages are kept; 0: for good
    kept_entries: int = 0  # how many of each room; 0: all


class Admission:
    """Admits peers and joins them to rooms, or refuses. What the operator may want to know goes to `happened`."""

    def __init__(
        self, rooms: Rooms, durable: State, settings: Settings, happened: list[events.ServerEvent]
    ) -> None:
        self._rooms = rooms
        self._durable = durable
        self._settings = settings
        self._happened = happened

    def enter(self, peer: Peer, asked: str) -> EnterAs | None:
        """A peer asks to enter under a nick: what is to be proposed for it. Asking again is answered again."""
        if peer.entering is None:
            self._welcome(peer)
            return None
        try:
            nick = parse_nick(asked)
        except BadName as error:
            self.reject(peer, "bad_nick", error.reason)
            return None
        if peer.entering.nick is not None:
            return None  # under way
        peer.entering.nick = nick
        return EnterAs(nick)

    def forget(self, peer: Peer) -> None:
        """What was proposed could not be written: the peer, which repeats what it asks, may ask anew."""
        if peer.entering is not None:
            peer.entering.nick = None

    def admit(self, now: float, peer: Peer, nick: str) -> None:
        """The nick is durably of the peer's key: it is in, with the rooms that it asked for meanwhile."""
        entering = peer.entering
        if entering is None or entering.nick != nick:
            return
        peer.nick, peer.entering = nick, None
        self._happened.append(events.PeerEntered(nick, peer.session.path.address[0]))
        self._welcome(peer)
        for log in self._durable.conversations(peer.key):
            peer.downlink.follow(now, self._rooms.stream(log))
        for name in sorted(entering.rooms):
            self._join(now, peer, name)

    def reject(self, peer: Peer, code: str, text: str) -> None:
        """The peer may not enter under the nick that it asked for; it may ask for another."""
        self.forget(peer)
        self._refuse(peer, "", code, text)
        self._happened.append(events.PeerRefused(peer.session.path.address[0], code))

    def _refuse(self, peer: Peer, log: str, code: str, text: str) -> None:
        peer.downlink.send(encode(Refused(log, code, text[:200])))
        self._rooms.to_flush[peer] = None

    def _welcome(self, peer: Peer) -> None:
        settings = self._settings
        assert peer.nick is not None
        welcome = Welcome(
            nick=peer.nick,
            user=peer.author.user,
            server_name=settings.name,
            heartbeat_ms=int(settings.heartbeat_s * 1000),
            expiry_ms=int(settings.expiry_s * 1000),
            kept_s=settings.kept_s,
            kept_entries=settings.kept_entries,
            minor=PROTOCOL_MINOR,
            capabilities=CAPABILITIES,
        )
        peer.downlink.send(encode(welcome))
        self._rooms.to_flush[peer] = None

    def follow(self, now: float, peer: Peer, log: str) -> None:
        """A peer asks to be in a room; one that is entering joins it with its nick."""
        if not log.startswith(ROOM_PREFIX):
            return self._refuse(peer, log, "bad_room", "the log of a room is named #room; others cannot be followed")
        try:
            name = parse_room(log[1:])
        except BadName as error:
            return self._refuse(peer, log, "bad_room", error.reason)
        known = peer.rooms if peer.entering is None else peer.entering.rooms
        if name not in known and len(known) >= ROOMS_PER_PEER_MAX:
            text = f"you are in {ROOMS_PER_PEER_MAX} rooms, as many as one may be in"
            return self._refuse(peer, log, "too_many_rooms", text)
        if peer.entering is None:
            self._join(now, peer, name)
        else:
            peer.entering.rooms |= {name}

    def _join(self, now: float, peer: Peer, name: str) -> None:
        room = self._rooms.open(name)
        if room is None:
            text = "this server has as many rooms as it can hold"
            self._refuse(peer, ROOM_PREFIX + name, "too_many_rooms", text)
        else:
            self._rooms.join(now, peer, room)
