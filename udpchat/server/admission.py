"""Decides which peers may enter and join rooms (SPEC 6.1). `settle` decides which key owns a nick."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.ids import ROOM_PREFIX, inbox_log
from udpchat.chat.names import HOST_NICK, BadName, parse_nick, parse_room
from udpchat.chat.refusals import detail_of
from udpchat.server.access import why_not_join
from udpchat.server.enforcement import Enforcement
from udpchat.server.fanout import Fanout
from udpchat.server.registry import Peer
from udpchat.server.rooms import Rooms
from udpchat.server.state import State
from udpchat.server.wall_clock import WallClock
from udpchat.wire.fields import Value
from udpchat.wire.frames import Down, EnterRefused, FollowRefused, Standing, Welcome, encode
from udpchat.wire.limits import (
    CAPABILITIES,
    EXPIRY_S,
    GROUP_PEERS_MIN,
    HEARTBEAT_S,
    NICK_REGULAR_KEPT_S,
    ORDER,
    PROTOCOL_MINOR,
    ROOMS_PER_PEER_MAX,
)


class Settings(Value, frozen=True):
    """The options of the operator."""

    name: str = ""
    heartbeat_s: float = HEARTBEAT_S
    expiry_s: float = EXPIRY_S
    kept_s: int | None = None  # how long messages are kept; None: forever
    kept_entries: int | None = None  # how many of each room and conversation; None: all
    motd: str = ""  # what whoever enters is shown
    is_closed: bool = False  # whether only who was invited, or has an account, may claim a nick
    nick_kept_s: float = NICK_REGULAR_KEPT_S  # how long a nick is kept that nobody uses
    port: int = 0  # of the server's sockets, which ProbeReplies tell
    is_discoverable: bool = True  # whether Probes are answered
    group_peers_min: int = GROUP_PEERS_MIN  # followers of a log from which on it has a group
    host: bytes = b""  # the key of who runs the server, which enters as HOST_NICK with the role HOST


class Admission:
    """Admits peers and joins them to rooms, or refuses. Events for the operator go to `happened`."""

    def __init__(
        self,
        rooms: Rooms,
        fanout: Fanout,
        durable: State,
        settings: Settings,
        happened: list[events.ServerEvent],
        clock: WallClock,
        enforcement: Enforcement,
    ) -> None:
        self._rooms = rooms
        self._fanout = fanout
        self._durable = durable
        self.settings = settings
        self._happened = happened
        self._clock = clock
        self.enforcement = enforcement

    def enter(self, peer: Peer, asked: str, number: int = 0) -> str | None:
        """A peer requests to enter under a nick: that to propose, if any. After it entered: welcome it again.

        `number`: that of its proof; a refusal names it.

        Not while requests of it wait to be written: one may be a Rename of the process before, of which this one would
        not learn. The peer repeats its Enter.
        """
        if peer.entering is None:
            if not peer.window.waiting:
                self._welcome(peer)
            return None
        if peer.entering.nick is not None:
            return None  # already proposed
        peer.entering.number = number
        if peer.key == self.settings.host and asked != HOST_NICK:
            self.reject(peer, "not_allowed", ())
            return None
        try:
            nick = asked if peer.key == self.settings.host else parse_nick(asked)
        except BadName as error:
            self.reject(peer, error.phrase.key, detail_of(error.phrase))
            return None
        peer.entering.nick = nick
        return nick

    def forget(self, peer: Peer) -> None:
        """Forget the proposed nick. The peer repeats its Enter, so it can be proposed again."""
        if peer.entering is not None:
            peer.entering.nick = None

    def admit(self, now: float, peer: Peer, nick: str) -> None:
        """The peer's key durably owns the nick: the peer enters, and joins the rooms it requested meanwhile."""
        entering = peer.entering
        if entering is None or entering.nick != nick:
            return
        peer.nick, peer.entering = nick, None
        self._happened.append(events.PeerEntered(nick, peer.session.path.address[0]))
        self._welcome(peer)
        inbox = inbox_log(peer.key)
        for log in (*([inbox] if self._durable.head(inbox) else ()), *self._durable.conversations(peer.key)):
            self._fanout.follow(now, peer, self._rooms.stream(log))
        self._follow_everybody(now, peer)
        for name in sorted(entering.rooms):
            self._join(now, peer, name, is_back=entering.rooms[name])

    def reject(self, peer: Peer, code: str, detail: tuple[str, ...]) -> None:
        """The peer may not enter under this nick; it may request another."""
        nick = (peer.entering and peer.entering.nick) or ""
        self.forget(peer)
        self._send(peer, EnterRefused(code, detail, peer.entering.number if peer.entering else 0))
        self._happened.append(events.PeerRefused(peer.session.path.address[0], code.partition(".")[0], nick))

    def _send(self, peer: Peer, frame: Down) -> None:
        self._fanout.send(peer, encode(frame))

    def _welcome(self, peer: Peer) -> None:
        settings = self.settings
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
            latest_counter=peer.window.latest,
            motd=settings.motd or None,
            standing=self._standing(peer),
        )
        self._send(peer, welcome)

    def _follow_everybody(self, now: float, peer: Peer) -> None:
        """What is said to all is sent to who knows of order."""
        if ORDER in peer.author.capabilities:
            self._fanout.follow(now, peer, self._rooms.everybody.stream)

    def _standing(self, peer: Peer) -> Standing:
        author = peer.author
        account = author.key if author.key != author.device else b""
        return Standing(account, self._durable.accounts.role(author.key))

    def follow(self, now: float, peer: Peer, log: str, *, is_back: bool = False) -> None:
        """A peer requests to join a room. A peer that has not entered yet joins it when it enters.

        `is_back`: it was there before, in another session.
        """
        if peer.key == self.settings.host:
            return self._send(peer, FollowRefused(log, "not_allowed"))
        if not log.startswith(ROOM_PREFIX):
            return self._send(peer, FollowRefused(log, "bad_room.not_followed"))
        try:
            name = parse_room(log[1:])
        except BadName as error:
            return self._send(peer, FollowRefused(log, error.phrase.key, detail_of(error.phrase)))
        known = peer.rooms if peer.entering is None else peer.entering.rooms
        if name not in known and len(known) >= ROOMS_PER_PEER_MAX:
            return self._send(peer, FollowRefused(log, "too_many_rooms.joined", (str(ROOMS_PER_PEER_MAX),)))
        if peer.entering is None:
            self._join(now, peer, name, is_back=is_back)
        else:
            peer.entering.rooms[name] = is_back

    def _join(self, now: float, peer: Peer, name: str, *, is_back: bool) -> None:
        author, opener = peer.author, self._rooms.opener(name)
        time_ms = self._clock.time_ms(now)
        refusal = why_not_join(self._durable, name, author.key, author.device, time_ms, opener)
        if refusal is not None:
            return self._send(peer, FollowRefused(ROOM_PREFIX + name, *refusal))
        room = self._rooms.open(now, name, peer.who)
        if room is None:
            self._send(peer, FollowRefused(ROOM_PREFIX + name, "too_many_rooms"))
        else:
            self._rooms.join(now, peer, room, is_back=is_back)
