"""Who may come in: nicks that are one's own, rooms that there is place for (SPEC 6.1)."""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.chat import events
from udpchat.chat.ids import ROOM_PREFIX
from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.server.handlers import taken
from udpchat.server.registry import Peer
from udpchat.server.rooms import Hub
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Refused, Welcome, encode
from udpchat.wire.limits import EXPIRY_S, HEARTBEAT_S, ROOMS_PER_PEER_MAX


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose."""

    name: str = ""
    heartbeat_s: float = HEARTBEAT_S
    expiry_s: float = EXPIRY_S
    kept_s: int = 0  # how long messages are kept; 0: for good
    kept_entries: int = 0  # how many of each room; 0: all


class Admission:
    """Lets peers in, or says why not; `told` takes what the operator may want to know."""

    def __init__(self, hub: Hub, settings: Settings, told: list[events.ServerEvent]) -> None:
        self._hub = hub
        self._registry = hub.registry
        self._settings = settings
        self._events = told

    def enter(self, now: float, peer: Peer, asked: str) -> None:
        """A peer wants to enter under a nick; saying so again is answered again."""
        if peer.has_entered:
            return self._welcome(now, peer, peer.nick)
        try:
            nick = parse_nick(asked)
        except BadName as error:
            return self._refuse(peer, "", "bad_nick", error.reason)
        owner = self._registry.owner(nick)
        if owner is None and not self._registry.may_claim(nick, peer.key):
            self._refuse(peer, "", "too_many_nicks", "this key holds as many nicks as one person may")
        elif owner is None:
            self._hub.claim(peer, nick, lambda durable_at: self._welcome(durable_at, peer, nick))
        elif owner[1] != peer.key:
            self._refuse(peer, "", "nick_taken", taken(nick, owner[0]))
        elif not self._hub.is_claiming(owner[0]):
            self._welcome(now, peer, nick)

    def _refuse(self, peer: Peer, log: str, code: str, text: str) -> None:
        peer.downlink.send(encode(Refused(log, code, text[:200])))
        if not log:
            self._events.append(events.PeerRefused(peer.session.path.address[0], code))

    def _welcome(self, now: float, peer: Peer, nick: str) -> None:
        if peer not in self._registry:
            return
        self._hub.to_flush[peer] = None
        settings = self._settings
        if not peer.has_entered:
            peer.nick = nick
            self._events.append(events.PeerEntered(nick, peer.session.path.address[0]))
        welcome = Welcome(
            nick=peer.nick,
            user=peer.user,
            server_name=settings.name,
            heartbeat_ms=int(settings.heartbeat_s * 1000),
            expiry_ms=int(settings.expiry_s * 1000),
            kept_s=settings.kept_s,
            kept_entries=settings.kept_entries,
        )
        peer.downlink.send(encode(welcome))
        for log in self._hub.conversations(peer.key):
            if log not in peer.downlink.subscriptions:
                peer.downlink.follow(now, self._hub.stream(log))
        for name in sorted(peer.wanted):
            self._join(now, peer, name)
        peer.wanted = frozenset()

    def follow(self, now: float, peer: Peer, log: str) -> None:
        """A peer wants to be in a room; one that is entering only now gets in with its nick."""
        if not log.startswith(ROOM_PREFIX):
            raise BadDatagram(Drop.UNEXPECTED)
        try:
            name = parse_room(log[1:])
        except BadName as error:
            return self._refuse(peer, log, "bad_room", error.reason)
        known = peer.rooms | peer.wanted
        if name not in known and len(known) >= ROOMS_PER_PEER_MAX:
            text = f"you are in {ROOMS_PER_PEER_MAX} rooms, as many as one may be in"
            return self._refuse(peer, log, "too_many_rooms", text)
        if peer.has_entered:
            self._join(now, peer, name)
        else:
            peer.wanted |= {name}

    def _join(self, now: float, peer: Peer, name: str) -> None:
        room = self._hub.open_room(name)
        if room is None:
            self._refuse(peer, ROOM_PREFIX + name, "too_many_rooms", "this server has as many rooms as it can hold")
        else:
            self._hub.join(now, peer, room)
