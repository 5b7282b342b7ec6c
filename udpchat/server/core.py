"""The server's core: datagrams in, datagrams and appends out (SPEC 6). Pure; the driver calls it, then drains it.

After each mutation (`receive`, `handle_timeout`, `persisted`, `rejected`, `answered`, `on_pruned`, `finish` or `stop`)
the driver calls `drain_writes`, `drain_queries` and `drain_transmits`. A batch of datagrams is one mutation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from udpchat.chat import events
from udpchat.server.admission import Settings
from udpchat.server.backlog import Backlog
from udpchat.server.chat import Chat
from udpchat.server.credit import DATAGRAM_US, LOST_US, packet_us
from udpchat.server.expiry import Expiry
from udpchat.server.frame_handlers import FRAMES, FRAMES_OF_PREVIOUS, VIOLATIONS, FrameContext
from udpchat.server.intake import Intake
from udpchat.server.meter import Meter
from udpchat.server.off_loop import OffLoop
from udpchat.server.peer_sessions import Sessions
from udpchat.server.probes import ProbeResponder
from udpchat.server.registry import Peer
from udpchat.server.request_handlers import carry_out
from udpchat.server.rooms import Room
from udpchat.session.noise import KeyPair
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.session.timers import earliest
from udpchat.sync.log import Append, LogUnreadable, ServerLog
from udpchat.sync.log_stream import LogStream
from udpchat.sync.timer_heap import TimerHeap
from udpchat.wire import frames
from udpchat.wire.content import Reason
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, pack
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, PATH_TIMEOUT_S, REQUEST_MEMORY_BYTES
from udpchat.wire.packets import Address

TIMERS_MAX: Final = 32  # handled in a turn; the others are due in the next
TIMERS_AHEAD_S: Final = 0.002  # looked at in the same turn: as much as the round trips of a room's peers differ


class ServerCore(OffLoop):
    """Everything between the socket and the log: sessions, frames and timers. `chat` is the state of the chat."""

    def __init__(
        self, *, static: KeyPair, log: ServerLog, random: Callable[[int], bytes], settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.chat = Chat(log, self.settings, random)
        self.counters: Counter[str] = Counter()
        self._registry = self.chat.registry
        self._rooms = self.chat.rooms
        self._fanout = self.chat.fanout
        self._meter = Meter(self.chat.ledger)
        backlog = Backlog(self.chat.commits, self._fanout, self.chat.ledger)
        self._intake = Intake(self._meter, self._registry, backlog, self.counters)
        self._expiry = Expiry(self.settings)
        self._timers: TimerHeap[Peer | LogStream | Room] = TimerHeap()
        self._transmits: list[tuple[bytes, Address]] = []
        handshakes = HandshakeResponder(static=static, random=random, is_index_free=self._registry.is_index_free)
        probes = ProbeResponder(self.chat, static.public)
        self._sessions = Sessions(handshakes, probes, self.chat, self._meter, self._timers, self._transmits)

    @property
    def handshakes(self) -> int:
        """How many handshakes are half open or were finished less than HANDSHAKE_LIFETIME_S ago."""
        return len(self._sessions.handshakes)

    @property
    def probes_answered(self) -> int:
        """How many Probes were answered so far."""
        return self._sessions.probes.answered

    def set_wall_clock(self, offset_s: float) -> None:
        """Set wall clock minus monotonic clock, which dates messages."""
        self.chat.clock.offset_s = offset_s

    # --- In ----------

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """One turn: as many datagrams as fit it, then what is due. Those that are dropped are counted by reason."""
        self._expiry.on_run(now, self.next_timeout)
        self._intake.begin_turn(now)
        self._serve(now, datagrams)
        self._handle_due(now)
        self._flush(now)

    def _serve(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        for served in self._intake.serve(datagrams):
            try:
                if isinstance(served, Peer):
                    self._fanout.to_flush[served] = None
                    self._carry_out(now, served)
                elif (found := self._registry.find_named(served[0])) is not None:
                    self._take_data_untrusted(now, *found, *served)
                else:
                    self._sessions.receive_untrusted(now, *served)
            except BadDatagram as drop:
                self.counters[drop.reason] += 1
            except LogUnreadable as error:
                self.chat.on_unreadable(str(error))

    def _take_data_untrusted(self, now: float, peer: Peer, session: Session, datagram: bytes, address: Address) -> None:
        is_members = Intake.is_members(peer, session, address)
        if address != session.path.address:
            session.path.timeout_s = max(3 * peer.round_trip.timeout_s, PATH_TIMEOUT_S)
        try:
            payload = session.open_untrusted(now, datagram, address)
        except BadDatagram:  # it proves no key: it is forged, or a copy, which may undo a change of the address
            peer.on_path()
            if address == session.path.address:
                self._meter.charge_peer(peer, DATAGRAM_US)
            else:
                self._meter.charge_stranger(address[0], DATAGRAM_US)
            raise
        price_us = DATAGRAM_US
        try:
            parsed = frames.parse_up_untrusted(payload)
            price_us = packet_us(parsed)
        finally:
            if is_members:
                self._meter.charge_peer(peer, price_us)
            else:
                self._meter.charge_waited(peer, address[0], price_us)
        self._fanout.to_flush[peer] = None
        lost = peer.downlink.loss_detection.lost
        request_bytes = min(len(payload) + REQUEST_MEMORY_BYTES, DATAGRAM_BYTES_MAX)
        context = FrameContext(now, self.chat, peer, session, address, request_bytes)
        handlers = FRAMES if session is peer.session else FRAMES_OF_PREVIOUS
        try:
            for frame in parsed:
                ending = handlers[type(frame)](context, frame)
                if ending is not None:
                    return self._sessions.end(now, peer, ending)
            if peer.downlink.loss_detection.lost != lost:
                self._charge_lost(peer, lost)
            if peer.window.held:
                self._carry_out(now, peer)
        except BadDatagram as drop:
            if drop.reason in VIOLATIONS:
                self._sessions.end(now, peer, Reason.PROTOCOL_VIOLATION)
            raise

    def _charge_lost(self, peer: Peer, lost_before: int) -> None:
        """What was lost since then is sent to a peer again."""
        lost = peer.downlink.loss_detection.lost - lost_before
        if lost:
            self._meter.charge_peer(peer, LOST_US * lost)

    # --- The log ----------

    def drain_writes(self) -> list[Append]:
        """The entries to write as one batch; then call `persisted` or `rejected`."""
        return self.chat.commits.drain_appends() if self._intake.may_write() else []

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest drained appends are durable."""
        self.chat.persisted(now, count)
        self._flush(now)

    def rejected(self, now: float, reason: str) -> None:
        """A write failed: drop all pending appends and inform their clients, which repeat the requests."""
        self.chat.rejected(reason)
        self._flush(now)

    def on_pruned(self, now: float, log: str) -> None:
        """Old entries of a log were deleted."""
        self._rooms.on_pruned(log)
        self._flush(now)

    def on_removed(self, now: float, log: str, sequence: int) -> None:
        """An entry of a log was removed from it."""
        self._rooms.on_replaced(log, sequence)
        self._flush(now)

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """A turn without new datagrams."""
        self.receive(now, ())

    def _handle_due(self, now: float) -> None:
        self._sessions.handshakes.handle_timeout(now)
        for owner in self._timers.take_due(now, TIMERS_MAX, ahead_s=TIMERS_AHEAD_S):
            if isinstance(owner, Peer):
                self._handle_peer_timeout(now, owner)
            elif isinstance(owner, LogStream):
                self._fanout.handle_timeout(now, owner)
            elif owner.roster.flush_at is not None and now >= owner.roster.flush_at:
                owner.roster.flush(now, self._fanout)
            else:
                self._timers.arm(owner, owner.roster.flush_at)

    def _handle_peer_timeout(self, now: float, peer: Peer) -> None:
        if peer not in self._registry:
            return
        due = self._expiry.next_timeout(peer, earliest(peer.downlink.next_timeout(now), peer.activity.held_until))
        if now < due:  # it was postponed; `due` is the new time
            return self._timers.arm(peer, due)
        self._fanout.to_flush[peer] = None
        if not peer.activity.is_held(now):
            peer.activity.held_until = None
        if self._expiry.is_expired(now, peer):
            return self._sessions.end(now, peer, Reason.TIMED_OUT)
        if self._expiry.is_previous_over(now, peer):
            self._registry.end_previous(peer)
        peer.session.path.handle_timeout(now)
        lost = peer.downlink.loss_detection.lost
        peer.downlink.handle_timeout(now)
        self._charge_lost(peer, lost)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None if no timer runs."""
        return earliest(
            self._sessions.handshakes.next_timeout(),
            self._timers.next_timeout(),
            self._intake.next_timeout(is_more_to_do=bool(self._fanout.behind)),
        )

    # --- Out ----------

    def _flush(self, now: float) -> None:
        """For the peers that this mutation touched: carry out requests, seal packets, arm timers."""
        fanout, rooms = self._fanout, self._rooms
        self._sessions.end_due(now)
        for peer in self._intake.line_up([peer for peer in fanout.to_flush if peer.window.held]):
            self._carry_out(now, peer)
        self._sessions.end_due(now)
        for room in rooms.to_arm:
            self._timers.arm(room, room.roster.flush_at)
        rooms.to_arm.clear()
        for stream in fanout.share(now):
            self._timers.arm(stream, stream.next_announcement())
        self._transmits += fanout.copies.drain(now)
        flushed_max, sent = self._intake.backlog.pace.turns.flushed_max, 0
        to_flush = fanout.take_to_flush(flushed_max)
        for at, peer in enumerate(to_flush, 1):
            if (sent := sent + self._flush_peer(now, peer)) >= flushed_max:
                return fanout.flush_later(to_flush[at:])

    def _carry_out(self, now: float, peer: Peer) -> None:
        """Carry out the requests of a peer that are ready; what does not fit the turn waits for the next."""
        meter, commits, window, backlog = self._meter, self.chat.commits, peer.window, self._intake.backlog
        while window.held:
            if meter.left_us <= 0.0 or not backlog.has_room_for(peer.payer.balances):
                return self._intake.hold_ready(peer)
            pending_bytes = commits.pending_bytes
            price = carry_out(now, self.chat, peer)
            if price is None:
                return self._timers.arm(peer, peer.activity.held_until)
            meter.charge_peer(peer, price.now_us, price.later_us)
            if price.reached:
                backlog.reach(price.reached)
            if commits.pending_bytes > pending_bytes:
                self._intake.proposers[peer] = None

    def _flush_peer(self, now: float, peer: Peer) -> int:
        """Seal the packets of a peer, and arm its timer; how many packets."""
        session, downlink, datagrams = peer.session, peer.downlink, self._fanout.datagrams(now, peer)
        self._transmits += datagrams
        if len(datagrams) > 1:
            self._meter.charge_packets(peer, len(datagrams), downlink.queue.packets_live)
        if downlink.unreadable is not None:
            self.chat.on_unreadable(downlink.unreadable)
        due = downlink.next_timeout(now)
        if session.path.is_checking:
            self._transmits += _challenges(session)
            self._timers.arm(peer, self._expiry.next_timeout(peer, due))
        elif not self._timers.is_armed(peer):
            self._timers.arm(peer, self._expiry.next_timeout(peer, due))
        else:  # its expiry is checked when the armed timer fires
            self._timers.arm(peer, due)
        return len(datagrams)

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to send, in order."""
        transmits = self._transmits.copy()
        self._transmits.clear()
        return transmits

    def drain_events(self) -> list[events.ServerEvent]:
        return self.chat.drain_events()

    def finish(self, now: float) -> None:
        """The server is about to stop: serve nothing more, so that what is settled is written, and nothing after it."""
        self._intake.close()
        self.chat.entrance.keep_missed(now)

    def stop(self, now: float) -> None:
        """The server stops: send all peers a Goodbye."""
        self._sessions.end_all()


def _challenges(session: Session) -> list[tuple[bytes, Address]]:
    challenges = session.path.drain_challenges()
    return [(session.seal(pack([encode(frames.PathCheck(each.token))])), each.address) for each in challenges]
