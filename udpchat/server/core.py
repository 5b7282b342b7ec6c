"""The server's core: datagrams in, datagrams and appends out (SPEC 6). Pure; the driver calls it, then drains it.

Each mutation, `receive`, `handle_timeout`, `persisted`, `rejected` or `stop`, is followed by `drain_writes` and
`drain_transmits`; a batch of datagrams counts as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from udpchat.chat import events
from udpchat.chat.ids import client_id_of
from udpchat.server.admission import Admission, Settings
from udpchat.server.handlers import HANDLERS, Asking, send_result
from udpchat.server.registry import Peer
from udpchat.server.rooms import Hub, Room
from udpchat.session.noise import KeyPair
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.sync.log import Append, LogUnreadable, ServerLog
from udpchat.sync.log_stream import LogStream
from udpchat.sync.timers import TimerHeap
from udpchat.wire.bodies import Reason, RequestBody
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
    RequestFragment,
    Up,
    encode,
    pack,
    parse_introduction_untrusted,
    parse_request_untrusted,
    parse_up_untrusted,
)
from udpchat.wire.limits import (
    PATH_TIMEOUT_S,
    PEERS_PER_KEY_MAX,
    SESSION_AGE_S_MAX,
    SESSION_OVERLAP_S,
)
from udpchat.wire.packets import DATA_BYTES_MIN, Address, Finish, Hello, Reset, data_index, parse_packet_untrusted

ENTER_WITHIN_S = 10.0  # a session that never enters is not kept for the full expiry
DATA_KIND = b"\x05"
UNREADABLE_TOLD_MAX = 100
PAUSE_S = 1.0  # this late, the server itself was not running


class ServerCore:
    """Everything between the socket and the log."""

    def __init__(
        self, *, static: KeyPair, log: ServerLog, random: Callable[[int], bytes], settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.hub = Hub(log, random)
        self.counters: Counter[str] = Counter()
        self._registry = self.hub.registry
        self._handshakes = HandshakeResponder(static=static, random=random, is_index_free=self._registry.is_index_free)
        self._transmits: list[tuple[bytes, Address]] = []
        self._events: list[events.ServerEvent] = []
        self._unreadable: set[str] = set()  # what the operator was told of
        self._admission = Admission(self.hub, self.settings, self._events)
        self._deadlines: TimerHeap[Peer | LogStream | Room] = TimerHeap()
        self._awake_at = 0.0  # when the server last ran
        self._resumed_at = 0.0  # when it last ran again after a pause

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """A batch of datagrams; what is wrong with one is counted and changes nothing."""
        self._notice_pause(now)
        for datagram, address in datagrams:
            try:
                self._receive_untrusted(now, datagram, address)
            except BadDatagram as drop:
                self.counters[drop.reason] += 1
            except LogUnreadable as error:
                self._tell_unreadable(str(error))
        self._settle(now)

    def _receive_untrusted(self, now: float, datagram: bytes, address: Address) -> None:
        if datagram[:1] == DATA_KIND:
            return self._receive_data_untrusted(now, datagram, address)
        packet = parse_packet_untrusted(datagram)
        match packet:
            case Hello():
                self._transmits.append((self._handshakes.receive_hello(now, address, packet), address))
            case Finish():
                accepted = self._handshakes.receive_finish(now, address, packet)
                instance = parse_introduction_untrusted(accepted.payload).instance
                self._admit(now, accepted.session, instance)
            case _:
                raise BadDatagram(Drop.UNEXPECTED)

    def _receive_data_untrusted(self, now: float, datagram: bytes, address: Address) -> None:
        index = data_index(datagram)
        found = self._registry.find(index)
        if found is None:
            if len(datagram) < DATA_BYTES_MIN:
                raise BadDatagram(Drop.TRUNCATED)
            self._transmits.append((Reset(index).encode(), address))  # shorter than any Data it answers
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        peer, session = found
        session.path.timeout_s = max(3 * peer.round_trip.timeout_s, PATH_TIMEOUT_S)
        body = session.open_untrusted(now, datagram, address)
        self.hub.to_flush[peer] = None
        for frame in parse_up_untrusted(body):
            _FRAMES[type(frame)](self, now, peer, session, frame, address)
            if peer not in self._registry:
                return

    def _admit(self, now: float, session: Session, instance: bytes) -> None:
        """A handshake is done: a new peer, or one that we know in a fresh session."""
        known = self._registry.find(session.index)
        if known is not None:  # its Finish came again: any Data tells it to stop
            known[0].downlink.send(encode(Pong(0)))
            self.hub.to_flush[known[0]] = None
            return
        author = client_id_of(session.remote_static, instance)
        peer = self._registry.find_client(author)
        if peer is not None:
            self._registry.change_session(peer, session)
            peer.window.forget_held()
            self.hub.recall_answers(peer)
            peer.downlink.reset(now)
        else:
            surplus = self._registry.surplus_of(session.remote_static)
            if surplus is not None:
                text = f"{PEERS_PER_KEY_MAX} other devices with this key are here, as many as may be"
                self._dismiss(now, surplus, Reason.DISPLACED, [encode(Refused("", "too_many_devices", text))])
            window = self.hub.window_of(author)
            peer = Peer(now, session=session, instance=instance, author=author, window=window)
            peer.claimed = self.hub.nicks_of(author) or None
            self._registry.add(peer)
        peer.downlink.send(encode(Pong(0)))
        self.hub.to_flush[peer] = None

    def _dismiss(self, now: float, peer: Peer, reason: Reason, told: Sequence[bytes] = ()) -> None:
        """Disconnect a peer; `told` are frames that are sent to it before the Goodbye."""
        if peer.has_entered:
            self._events.append(events.PeerLeft(peer.nick, reason))
        goodbye = peer.session.seal(pack([*told, encode(Goodbye(reason))]))
        self._transmits.append((goodbye, peer.session.path.address))
        self.hub.remove(now, peer, reason)
        self._deadlines.forget(peer)

    def _notice_pause(self, now: float) -> None:
        """A server that was stopped for a while, or slept, has heard nobody: that is not the peers' silence."""
        due = self.next_timeout()
        if due is not None and now - max(due, self._awake_at) > PAUSE_S:
            self._resumed_at = now
        self._awake_at = now

    # --- Frames ----------

    def _on_enter(self, now: float, peer: Peer, session: Session, frame: Enter, address: Address) -> None:
        self._admission.enter(now, peer, frame.nick)

    def _on_follow(self, now: float, peer: Peer, session: Session, frame: Follow, address: Address) -> None:
        if session is not peer.session or session.opened < peer.parted_at:
            return  # overtaken by a Part, maybe of this very room: it is said again if it still holds
        self._admission.follow(now, peer, frame.log)

    def _on_request(self, now: float, peer: Peer, session: Session, frame: Request, address: Address) -> None:
        if session is not peer.session:
            return  # of a process before this one, perhaps; whoever wants it still asks again
        peer.take_allowance(now)
        self._answer_again(now, peer, frame.counter, peer.window.receive(frame.counter, frame.first_open, frame.body))

    def _on_fragment(self, now: float, peer: Peer, session: Session, frame: RequestFragment, address: Address) -> None:
        if session is not peer.session:
            return
        whole = peer.window.receive_fragment(frame)
        if whole is not None:
            peer.take_allowance(now)
            body = parse_request_untrusted(whole)
            self._answer_again(now, peer, frame.counter, peer.window.receive(frame.counter, frame.first_open, body))
        elif frame.index == frame.count - 1:
            self._answer_again(now, peer, frame.counter, peer.window.answer_of(frame.counter))

    def _answer_again(self, now: float, peer: Peer, counter: int, answer: bytes | None) -> None:
        if answer is not None:
            if peer.claimed and peer.has_entered and (nick := peer.claimed.pop(counter, None)) is not None:
                self.hub.rename(now, peer, nick)  # it entered without knowing that it is called so by now
            send_result(peer, counter, answer)

    def _on_ack(self, now: float, peer: Peer, session: Session, frame: Ack, address: Address) -> None:
        if session is not peer.session:
            return  # of packets that were given up with the session before
        try:
            is_newest = session.opened == session.largest_received
            peer.downlink.receive_ack(now, frame, packets_sent=session.sent, is_newest=is_newest)
        except BadDatagram:
            self._dismiss(now, peer, Reason.PROTOCOL_VIOLATION)
            raise

    def _on_ping(self, now: float, peer: Peer, session: Session, frame: Ping, address: Address) -> None:
        peer.downlink.send(encode(Pong(frame.number)))
        peer.downlink.announce_missing()

    def _on_path_reply(self, now: float, peer: Peer, session: Session, frame: PathReply, address: Address) -> None:
        session.path.on_reply_untrusted(now, address, frame.token)

    def _on_goodbye(self, now: float, peer: Peer, session: Session, frame: Goodbye, address: Address) -> None:
        if session is peer.session:
            self._dismiss(now, peer, Reason.QUIT)

    # --- The log ----------

    def drain_writes(self) -> list[Append]:
        """What is to be written as one batch; then say `persisted` or `rejected`."""
        return self.hub.drain_writes()

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest appends drained are durable."""
        if self.hub.unwritable:
            self._events.append(events.LogWritable())
        self.hub.persisted(now, count)
        self._settle(now)

    def rejected(self, now: float, reason: str) -> None:
        """The appends drained could not be written; who asked for them is told, and asks again."""
        if not self.hub.unwritable:
            self._events.append(events.LogUnwritable(reason))
        self.hub.rejected(reason)
        for peer in list(self.hub.to_flush):
            peer.downlink.send(encode(Refused("", "unwritable", f"the server cannot store anything: {reason}"[:200])))
        self._settle(now)

    def on_pruned(self, now: float, log: str) -> None:
        """Entries of a log are no longer kept."""
        self.hub.on_pruned(log)
        self._settle(now)

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Do what is due: expiry, probes, announcements, presence."""
        self._notice_pause(now)
        self._handshakes.handle_timeout(now)
        for owner in self._deadlines.take_due(now):
            if isinstance(owner, Peer):
                self._handle_peer_timeout(now, owner)
            elif isinstance(owner, LogStream):
                self._handle_announcement(now, owner)
            elif owner.roster.flush_at is not None:
                owner.roster.flush(now)
                self.hub.to_arm[owner.roster.stream] = None
                self.hub.touch_subscribers(owner.roster.stream)
        self._settle(now)

    def _handle_peer_timeout(self, now: float, peer: Peer) -> None:
        if peer not in self._registry:
            return
        due = self._peer_timeout(now, peer)
        if now < due:  # what had been due is done; this is when the next thing is
            return self._deadlines.arm(peer, due)
        self.hub.to_flush[peer] = None
        if now >= self._expires_at(peer):
            return self._dismiss(now, peer, Reason.TIMED_OUT)
        if peer.previous is not None and now >= peer.session.born_s + SESSION_OVERLAP_S:
            self._registry.end_previous(peer)
        peer.session.path.handle_timeout(now)
        peer.downlink.handle_timeout(now)

    def _handle_announcement(self, now: float, stream: LogStream) -> None:
        due = stream.next_announcement()
        if due is not None and now >= due:
            stream.announce()
            self.hub.touch_subscribers(stream)
        self._deadlines.arm(stream, stream.next_announcement())

    def _expires_at(self, peer: Peer) -> float:
        """When a peer that stays silent is gone, or one that never makes a fresh handshake."""
        expiry_s = self.settings.expiry_s if peer.has_entered else min(ENTER_WITHIN_S, self.settings.expiry_s)
        return min(max(peer.heard_at, self._resumed_at) + expiry_s, peer.session.born_s + 2 * SESSION_AGE_S_MAX)

    def _peer_timeout(self, now: float, peer: Peer) -> float:
        due = self._expires_at(peer)
        if peer.previous is not None:
            due = min(due, peer.session.born_s + SESSION_OVERLAP_S)
        for timeout in (peer.session.path.next_timeout(), peer.downlink.next_timeout(now)):
            if timeout is not None and timeout < due:
                due = timeout
        return due

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        timeouts = (self._handshakes.next_timeout(), self._deadlines.next_timeout())
        return min((timeout for timeout in timeouts if timeout is not None), default=None)

    # --- Out ----------

    def _settle(self, now: float) -> None:
        """Carry out what can be, seal what is ready, arm what is due: for the peers that this mutation touched."""
        hub = self.hub
        for peer in [peer for peer in hub.to_flush if peer.window.has_held]:
            self._carry_out(now, peer)
        for to_arm in hub.to_arm:
            due = to_arm.next_announcement() if isinstance(to_arm, LogStream) else to_arm.roster.flush_at
            self._deadlines.arm(to_arm, due)
        hub.to_arm.clear()
        to_flush, hub.to_flush = hub.to_flush, {}
        for peer in to_flush:
            self._flush(now, peer)

    def _carry_out(self, now: float, peer: Peer) -> None:
        """The requests whose turn it is. One that does not append waits for those before it to be durable.

        But while nothing can be written, questions do not wait for what waits to be written.
        """
        window = peer.window
        if self.hub.unwritable and peer.has_entered:
            for counter, request in window.take_held(lambda request: HANDLERS[type(request)].is_query):
                self._handle(Asking(now, self.hub, peer, counter), request)
        while peer.has_entered and (request := window.peek_ready()) is not None:
            handler = HANDLERS[type(request)]
            if window.waiting and not handler.is_appending:
                return
            self._handle(Asking(now, self.hub, peer, window.take_ready()), request)

    def _handle(self, asking: Asking, request: RequestBody) -> None:
        try:
            HANDLERS[type(request)].handle(asking, request)
        except LogUnreadable as error:
            self._tell_unreadable(str(error))
            asking.fail("unreadable", "the server cannot read that part of its log")

    def _tell_unreadable(self, reason: str) -> None:
        """The operator, once for each reason, however often it is run into."""
        if reason not in self._unreadable and len(self._unreadable) < UNREADABLE_TOLD_MAX:
            self._unreadable.add(reason)
            self._events.append(events.LogDamaged(reason))

    def _flush(self, now: float, peer: Peer) -> None:
        session, downlink = peer.session, peer.downlink
        address = session.path.address
        if address[0] != peer.host:  # the same host at another port is the same path
            peer.change_host(address[0])
        if downlink.has_packets:
            for packet in downlink.drain_packets(now):
                counter = session.sent
                datagram = session.seal(packet.body)
                downlink.on_sent(now, counter, len(datagram), packet.pieces)
                self._transmits.append((datagram, address))
            if downlink.unreadable:
                self._tell_unreadable(downlink.unreadable)
        if session.path.is_checking:
            for challenge in session.path.drain_challenges():
                self._transmits.append((session.seal(pack([encode(PathCheck(challenge.token))])), challenge.address))
        elif downlink.next_timeout(now) is None and self._deadlines.is_armed(peer):
            return  # only its expiry is due, and that is looked at when what is armed comes
        self._deadlines.arm(peer, self._peer_timeout(now, peer))

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order."""
        transmits, self._transmits = self._transmits, []
        return transmits

    def drain_events(self) -> list[events.ServerEvent]:
        """What an operator may want to know."""
        drained = list(self._events)
        self._events.clear()
        return drained

    def stop(self, now: float, reason: str) -> None:
        """Tell all peers that the server goes."""
        for peer in self._registry:
            goodbye = peer.session.seal(pack([encode(Goodbye(reason))]))
            self._transmits.append((goodbye, peer.session.path.address))


_FRAMES: dict[type[Up], Callable[..., None]] = {
    Enter: ServerCore._on_enter,
    Follow: ServerCore._on_follow,
    Request: ServerCore._on_request,
    RequestFragment: ServerCore._on_fragment,
    Ack: ServerCore._on_ack,
    Ping: ServerCore._on_ping,
    PathReply: ServerCore._on_path_reply,
    Goodbye: ServerCore._on_goodbye,
}
