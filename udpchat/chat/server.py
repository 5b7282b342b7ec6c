"""The server's core: datagrams in, datagrams and appends out (SPEC 6). Pure; the driver calls it, then drains it.

Each mutation, `receive`, `handle_timeout`, `persisted`, `rejected` or `stop`, is followed by `drain_writes` and
`drain_transmits`; a batch of datagrams counts as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from udpchat.chat import events
from udpchat.chat.deadlines import Deadlines
from udpchat.chat.handlers import HANDLERS, Asking, taken
from udpchat.chat.hub import Hub, Room
from udpchat.chat.message import ROOM_PREFIX, author_of
from udpchat.chat.names import BadName, parse_nick, parse_room
from udpchat.chat.registry import Peer
from udpchat.session.accept import Acceptor
from udpchat.session.handshake import KeyPair
from udpchat.session.session import Session
from udpchat.sync.feed import Stream
from udpchat.sync.log import Append, LogReader
from udpchat.wire.bodies import RequestBody
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Ack,
    Enter,
    Follow,
    Goodbye,
    PathCheck,
    PathReply,
    Ping,
    Pong,
    Refused,
    Request,
    RequestPart,
    Up,
    Welcome,
    encode,
    pack,
    parse_introduction_untrusted,
    parse_request_untrusted,
    parse_up_untrusted,
)
from udpchat.wire.limits import (
    EXPIRY_S,
    HEARTBEAT_S,
    PATH_TIMEOUT_S,
    ROOMS_PER_PEER_MAX,
    SESSION_AGE_S_MAX,
    SESSION_OVERLAP_S,
)
from udpchat.wire.packets import Address, Finish, Hello, Kind, Reset, data_index, parse_packet_untrusted

ENTER_WITHIN_S = 10.0  # a session that never enters is not kept for the full expiry
UNWRITABLE_RETRY_S = 2.0
_DATA = int(Kind.DATA)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose."""

    name: str = ""
    heartbeat_s: float = HEARTBEAT_S
    expiry_s: float = EXPIRY_S


class Server:
    """Everything between the socket and the log."""

    def __init__(
        self, *, static: KeyPair, log: LogReader, random: Callable[[int], bytes], settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.hub = Hub(log, random)
        self.counters: Counter[str] = Counter()
        self._registry = self.hub.registry
        self._acceptor = Acceptor(static=static, random=random, is_index_free=self._registry.is_index_free)
        self._transmits: list[tuple[bytes, Address]] = []
        self._events: list[events.ServerEvent] = []
        self._deadlines: Deadlines[Peer | Stream | Room] = Deadlines()

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """A batch of datagrams; what is wrong with one is counted and changes nothing."""
        for datagram, address in datagrams:
            try:
                self._receive_untrusted(now, datagram, address)
            except BadDatagram as drop:
                self.counters[drop.reason] += 1
        self._settle(now)

    def _receive_untrusted(self, now: float, datagram: bytes, address: Address) -> None:
        if datagram[:1] == b"\x05":
            return self._receive_data_untrusted(now, datagram, address)
        packet = parse_packet_untrusted(datagram)
        match packet:
            case Hello():
                self._transmits.append((self._acceptor.receive_hello(now, address, packet), address))
            case Finish():
                accepted = self._acceptor.receive_finish(now, address, packet)
                instance = parse_introduction_untrusted(accepted.payload).instance
                self._admit(now, accepted.session, instance)
            case _:
                raise BadDatagram(Drop.UNEXPECTED)

    def _receive_data_untrusted(self, now: float, datagram: bytes, address: Address) -> None:
        index = data_index(datagram)
        found = self._registry.find(index)
        if found is None:
            self._transmits.append((Reset(index).encode(), address))  # shorter than any Data it answers
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        peer, session = found
        session.path.timeout_s = max(3 * peer.round_trip.timeout_s, PATH_TIMEOUT_S)
        body = session.open_untrusted(now, datagram, address)
        self.hub.dirty.add(peer)
        for frame in parse_up_untrusted(body):
            _FRAMES[type(frame)](self, now, peer, session, frame, address)
            if peer not in self._registry:
                return

    def _admit(self, now: float, session: Session, instance: bytes) -> None:
        """A handshake is done: a new peer, or one that we know in a fresh session."""
        known = self._registry.find(session.index)
        if known is not None:  # its Finish came again: any Data tells it to stop
            known[0].downlink.send(encode(Pong(0)))
            self.hub.dirty.add(known[0])
            return
        author = author_of(session.remote_static, instance)
        peer = self._registry.find_author(author)
        if peer is not None:
            self._registry.change_session(peer, session)
            peer.downlink.reset(now)
        else:
            surplus = self._registry.surplus_of(session.remote_static)
            if surplus is not None:
                self._dismiss(now, surplus, "quit")
            window = self.hub.window_of(author)
            peer = Peer(now, session=session, instance=instance, author=author, window=window)
            self._registry.add(peer)
        peer.downlink.send(encode(Pong(0)))
        self.hub.dirty.add(peer)

    def _dismiss(self, now: float, peer: Peer, reason: str) -> None:
        """Take leave of a peer."""
        if peer.has_entered:
            self._events.append(events.PeerLeft(peer.nick, reason))
        goodbye = peer.session.seal(pack([encode(Goodbye(reason))]))
        self._transmits.append((goodbye, peer.session.path.address))
        self.hub.remove(now, peer, reason)
        self._deadlines.forget(peer)

    # --- Frames ----------

    def _on_enter(self, now: float, peer: Peer, session: Session, frame: Enter, address: Address) -> None:
        if peer.has_entered:
            return self._welcome(now, peer, peer.nick)
        try:
            nick = parse_nick(frame.nick)
        except BadName as error:
            return self._refuse(peer, "", "bad_nick", error.reason)
        owner = self._registry.owner(nick)
        if owner is None and not self._registry.may_claim(nick, peer.key):
            self._refuse(peer, "", "too_many_nicks", "this key holds as many nicks as one person may")
        elif owner is None:
            self.hub.claim(peer, nick, lambda durable_at: self._welcome(durable_at, peer, nick))
        elif owner[1] != peer.key:
            self._refuse(peer, "", "nick_taken", taken(nick, owner[0]))
        elif not self.hub.is_claiming(nick):
            self._welcome(now, peer, nick)

    def _refuse(self, peer: Peer, log: str, code: str, text: str) -> None:
        peer.downlink.send(encode(Refused(log, code, text[:200])))
        if not log:
            self._events.append(events.PeerRefused(peer.session.path.address[0], code))

    def _welcome(self, now: float, peer: Peer, nick: str) -> None:
        if peer not in self._registry:
            return
        self.hub.dirty.add(peer)
        settings = self.settings
        if not peer.has_entered:
            self._registry.set_nick(peer, nick)
            self._events.append(events.PeerEntered(nick, peer.session.path.address[0]))
        peer.downlink.send(
            encode(
                Welcome(
                    peer.nick, peer.user, settings.name, int(settings.heartbeat_s * 1000), int(settings.expiry_s * 1000)
                )
            )
        )
        for log in self.hub.conversations(peer.key):
            if log not in peer.downlink.feeds:
                peer.downlink.follow(now, self.hub.stream(log))
        for name in sorted(peer.wanted):
            self._join(now, peer, name)
        peer.wanted.clear()

    def _on_follow(self, now: float, peer: Peer, session: Session, frame: Follow, address: Address) -> None:
        log = frame.log
        if not log.startswith(ROOM_PREFIX):
            raise BadDatagram(Drop.UNEXPECTED)
        try:
            name = parse_room(log[1:])
        except BadName as error:
            return self._refuse(peer, log, "bad_room", error.reason)
        if name not in peer.rooms and len(peer.rooms | peer.wanted) >= ROOMS_PER_PEER_MAX:
            text = f"you are in {ROOMS_PER_PEER_MAX} rooms, as many as one may be in"
            return self._refuse(peer, log, "too_many_rooms", text)
        if peer.has_entered:
            self._join(now, peer, name)
        else:
            peer.wanted.add(name)

    def _join(self, now: float, peer: Peer, name: str) -> None:
        room = self.hub.open_room(name)
        if room is None:
            self._refuse(peer, ROOM_PREFIX + name, "too_many_rooms", "this server has as many rooms as it can hold")
        else:
            self.hub.join(now, peer, room)

    def _on_request(self, now: float, peer: Peer, session: Session, frame: Request, address: Address) -> None:
        peer.take_allowance(now)
        self._answer_again(peer, peer.window.receive(frame.counter, frame.first_open, frame.body))

    def _on_part(self, now: float, peer: Peer, session: Session, frame: RequestPart, address: Address) -> None:
        whole = peer.window.receive_part(frame)
        if whole is not None:
            peer.take_allowance(now)
            body = parse_request_untrusted(whole)
            self._answer_again(peer, peer.window.receive(frame.counter, frame.first_open, body))
        elif frame.index == frame.count - 1:
            self._answer_again(peer, peer.window.answer_of(frame.counter))

    def _answer_again(self, peer: Peer, answer: bytes | None) -> None:
        if answer is not None:
            peer.downlink.send(answer)

    def _on_ack(self, now: float, peer: Peer, session: Session, frame: Ack, address: Address) -> None:
        if session is not peer.session:
            return  # of packets that were given up with the session before
        try:
            peer.downlink.receive_ack(now, frame, packets_sent=session.sent)
        except BadDatagram:
            self._dismiss(now, peer, "quit")
            raise

    def _on_ping(self, now: float, peer: Peer, session: Session, frame: Ping, address: Address) -> None:
        peer.downlink.send(encode(Pong(frame.number)))
        peer.downlink.announce_missing()

    def _on_path_reply(self, now: float, peer: Peer, session: Session, frame: PathReply, address: Address) -> None:
        session.path.on_reply_untrusted(now, address, frame.token)

    def _on_goodbye(self, now: float, peer: Peer, session: Session, frame: Goodbye, address: Address) -> None:
        if session is peer.session:
            self._dismiss(now, peer, "quit")

    # --- The log ----------

    def drain_writes(self) -> list[Append]:
        """What is to be written as one batch; then say `persisted` or `rejected`."""
        return self.hub.drain_writes()

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest appends drained are durable."""
        self.hub.persisted(now, count)
        self._settle(now)

    def rejected(self, now: float, reason: str) -> None:
        """The appends drained could not be written; who asked for them is told, and asks again."""
        if not self.hub.unwritable:
            self._events.append(events.LogUnwritable(reason))
        self.hub.rejected(reason)
        for peer in list(self.hub.dirty):
            peer.downlink.send(encode(Refused("", "unwritable", f"the server cannot store anything: {reason}"[:200])))
        self._settle(now)

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Do what is due: expiry, probes, announcements, presence."""
        self._acceptor.handle_timeout(now)
        for owner in self._deadlines.take_due(now):
            if isinstance(owner, Peer):
                self._handle_peer_timeout(now, owner)
            elif isinstance(owner, Stream):
                self._handle_announcement(now, owner)
            elif owner.roster.flush_at is not None:
                owner.roster.flush(now)
                self.hub.stirred.add(owner.roster.stream)
                self.hub.touch_followers(owner.roster.stream)
        self._settle(now)

    def _handle_peer_timeout(self, now: float, peer: Peer) -> None:
        if peer not in self._registry:
            return
        self.hub.dirty.add(peer)
        expiry_s = self.settings.expiry_s if peer.has_entered else min(ENTER_WITHIN_S, self.settings.expiry_s)
        if now >= peer.heard_at + expiry_s or now >= peer.session.born_s + 2 * SESSION_AGE_S_MAX:
            return self._dismiss(now, peer, "timed out")
        if peer.previous is not None and now >= peer.session.born_s + SESSION_OVERLAP_S:
            self._registry.end_previous(peer)
        peer.session.path.handle_timeout(now)
        peer.downlink.handle_timeout(now)

    def _handle_announcement(self, now: float, stream: Stream) -> None:
        due = stream.next_announcement()
        if due is not None and now >= due:
            stream.announce()
            self.hub.touch_followers(stream)
        self._deadlines.arm(stream, stream.next_announcement())

    def _peer_timeout(self, now: float, peer: Peer) -> float:
        expiry_s = self.settings.expiry_s if peer.has_entered else min(ENTER_WITHIN_S, self.settings.expiry_s)
        due = peer.heard_at + expiry_s
        if peer.previous is not None:
            due = min(due, peer.session.born_s + SESSION_OVERLAP_S)
        for timeout in (peer.session.path.next_timeout(), peer.downlink.next_timeout(now)):
            if timeout is not None and timeout < due:
                due = timeout
        return due

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        timeouts = (self._acceptor.next_timeout(), self._deadlines.next_timeout())
        return min((timeout for timeout in timeouts if timeout is not None), default=None)

    # --- Out ----------

    def _settle(self, now: float) -> None:
        """Carry out what can be, seal what is ready, arm what is due: for the peers that this mutation touched."""
        hub = self.hub
        for peer in list(hub.dirty):
            self._carry_out(now, peer)
        for stirred in hub.stirred:
            due = stirred.next_announcement() if isinstance(stirred, Stream) else stirred.roster.flush_at
            self._deadlines.arm(stirred, due)
        hub.stirred.clear()
        dirty, hub.dirty = hub.dirty, set()
        for peer in dirty:
            if peer in self._registry:
                self._flush(now, peer)

    def _carry_out(self, now: float, peer: Peer) -> None:
        """The requests whose turn it is. One that does not append waits for those before it to be durable."""
        window = peer.window
        while peer.has_entered and (request := window.peek_ready()) is not None:
            handler = HANDLERS[_body_type(request)]
            if window.waiting and not handler.is_appending:
                return
            counter = window.take_ready()
            handler.handle(Asking(now, self.hub, peer, counter), request)

    def _flush(self, now: float, peer: Peer) -> None:
        session, downlink = peer.session, peer.downlink
        if downlink.has_packets:
            address = session.path.address
            for packet in downlink.drain_packets(now):
                counter = session.sent
                datagram = session.seal(packet.body)
                downlink.on_sent(now, counter, len(datagram), packet.pieces)
                self._transmits.append((datagram, address))
        if session.path.is_checking:
            for challenge in session.path.drain_challenges():
                self._transmits.append((session.seal(pack([encode(PathCheck(challenge.token))])), challenge.address))
        self._deadlines.arm(peer, self._peer_timeout(now, peer))

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        transmits, self._transmits = self._transmits, []
        return transmits

    def drain_events(self) -> list[events.ServerEvent]:
        """What an operator may want to know."""
        drained, self._events = self._events, []
        return drained

    def stop(self, now: float, reason: str) -> None:
        """Tell all peers that the server goes."""
        for peer in self._registry:
            goodbye = peer.session.seal(pack([encode(Goodbye(reason))]))
            self._transmits.append((goodbye, peer.session.path.address))


def _body_type(request: object) -> type[RequestBody]:
    kind: type[Any] = type(request)
    return kind


_FRAMES: dict[type[Up], Callable[..., None]] = {
    Enter: Server._on_enter,
    Follow: Server._on_follow,
    Request: Server._on_request,
    RequestPart: Server._on_part,
    Ack: Server._on_ack,
    Ping: Server._on_ping,
    PathReply: Server._on_path_reply,
    Goodbye: Server._on_goodbye,
}
