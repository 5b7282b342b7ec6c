"""A client's association with its server: made, kept alive, renewed, lost and made again (SPEC 3, 6.3).

It knows sessions and silence, and nothing of what is said. While one session lives, the next is made beside it, so that
a fresh handshake is no break. Silence ends no session: with each Hello the one that we have is tried too, and if it
answers first, nothing was lost but time.
"""

from __future__ import annotations

from collections.abc import Callable

from udpchat.session.initiator import HandshakeInitiator
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.sync.acks import AckSchedule
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Cursor,
    Down,
    Entries,
    EntryFragment,
    Introduction,
    Ping,
    Pong,
    Result,
    ResultFragment,
    encode,
    pack,
    parse_down_untrusted,
)
from udpchat.wire.limits import ACK_LOGS_MAX, BODY_BYTES_MAX, FRAMES_MAX, HEARTBEAT_JITTER, HEARTBEAT_S
from udpchat.wire.packets import DATA_HEADER, Address, Data, Reset, data_index, parse_packet_untrusted

SUSPECT_S = 2.0  # without an answer: a fresh handshake begins beside the session
LOST_S = 4.0  # without an answer: the person is told
RECONNECT_S_MIN = 1.0  # between handshakes that only an unproved Reset asked for
DATA_KIND = b"\x05"
PACK_BYTES_MAX = BODY_BYTES_MAX - 3
CONTENT = (Entries, EntryFragment, Result, ResultFragment)  # as good in a former session as in this one


class Link:
    """`session` carries what is sent; `has_renewed` says once that it is another than before."""

    def __init__(
        self,
        now: float,
        *,
        static: KeyPair,
        instance: bytes,
        check_server: Callable[[bytes], bool],
        address: Address,
        random: Callable[[int], bytes],
    ) -> None:
        self._static = static
        self._payload = encode(Introduction(instance))
        self._check_server = check_server
        self._address = address
        self._random = random
        self._transmits: list[tuple[bytes, Address]] = []
        self._previous: Session | None = None
        self._asked_at: float | None = None  # since when an answer is awaited
        self._connected_at = float("-inf")
        self._heartbeat_s = HEARTBEAT_S
        self._heartbeat_due = now
        self.session: Session | None = None
        self.connector: HandshakeInitiator | None = None
        self.acks = AckSchedule()
        self.is_lost = True  # until the first session is confirmed
        self.is_forgotten = False  # the server, or somebody in its name, says that it does not know `session`
        self._stands = False  # whether the server has spoken in `session`
        self.lost_reason = ""
        self.has_renewed = False
        self.is_ping_due = False  # a sign of life is to be sent
        self._born_s = now
        self._connect(now)

    def _connect(self, now: float) -> None:
        self._connected_at = now
        self.is_ping_due = self.session is not None
        self.connector = HandshakeInitiator(
            now,
            static=self._static,
            index=int.from_bytes(self._random(4), "big"),
            payload=self._payload,
            check_server=self._check_server,
            address=self._address,
            random=self._random,
        )

    def set_heartbeat(self, now: float, heartbeat_s: float) -> None:
        """The silence after which a sign of life is due, as the server wishes it."""
        self._heartbeat_s = heartbeat_s
        self._plan_heartbeat(now)

    def _plan_heartbeat(self, now: float) -> None:
        share = int.from_bytes(self._random(2), "big") / 0xFFFF
        self._heartbeat_due = now + self._heartbeat_s * (1 - HEARTBEAT_JITTER * share)

    # --- In ----------

    def receive_untrusted(self, now: float, datagram: bytes) -> tuple[list[Down], int | None]:
        """The frames of a datagram from the server, and its counter if it is to be acknowledged in this session."""
        if datagram[:1] == DATA_KIND:
            return self._receive_data_untrusted(now, datagram)
        packet = parse_packet_untrusted(datagram)
        if isinstance(packet, Reset):
            self._on_reset(now, packet)
        elif self.connector is None or isinstance(packet, Data):
            raise BadDatagram(Drop.UNEXPECTED)
        else:
            self.connector.receive(now, packet)
            if self.connector.session is not None and self.is_lost:
                self._renew(now, self.connector.session)
        return [], None

    def _on_reset(self, now: float, packet: Reset) -> None:
        """The server says it has no such session. Anyone may say so: it only makes us ask by a handshake."""
        session = self.session
        if session is None or packet.receiver_index != session.peer_index:
            raise BadDatagram(Drop.UNEXPECTED)
        self.is_forgotten = True
        if self.connector is None and now - self._connected_at >= RECONNECT_S_MIN:
            self._connect(now)

    def _receive_data_untrusted(self, now: float, datagram: bytes) -> tuple[list[Down], int | None]:
        index = data_index(datagram)
        if self.session is not None and index == self.session.index:
            session = self.session
        elif self.connector is not None and self.connector.session and index == self.connector.session.index:
            session = self.connector.session
        elif self._previous is not None and index == self._previous.index:
            session = self._previous
        else:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        body = session.open_untrusted(now, datagram, session.path.address)
        self._asked_at = None
        if session is not self._previous:
            self._confirm(now, session)
        counter: int = DATA_HEADER.unpack_from(datagram)[2]
        received = parse_down_untrusted(body)
        if session is self.session:
            return received, counter
        # Late, and maybe of a process of the server before this one: how far its logs reached is of no use now.
        return [frame for frame in received if isinstance(frame, CONTENT)], None

    def _confirm(self, now: float, session: Session) -> None:
        """The server has spoken in this session: it stands."""
        if session is not self.session:
            self._renew(now, session)
        if self.connector is not None and self.connector.session is session:
            self.connector.confirm()
            self.connector = None
        elif self.connector is not None and self.connector.session is None and not session.is_old(now):
            self.connector = None  # the suspicion was unfounded
        self.is_lost = False
        self._stands = True

    def _renew(self, now: float, session: Session) -> None:
        if session is self.session:
            return
        self._previous, self.session = self.session, session
        self.acks = AckSchedule()
        self.has_renewed = True
        self._stands = self.is_forgotten = False
        self._asked_at = now

    def on_goodbye(self, now: float, reason: str) -> None:
        """The server has ended the session; another is being made."""
        self._previous, self.session = self.session, None
        self._lose(now, reason)

    def _lose(self, now: float, reason: str) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.lost_reason = reason
        if self.connector is None:
            self._connect(now)

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Heartbeat, suspicion, loss, renewal."""
        if self.connector is not None:
            due = self.connector.next_timeout()
            self.connector.handle_timeout(now)
            if self.connector.session is None and self.session is not None:
                if self._stands:
                    self.is_ping_due = self.is_ping_due or (due is not None and now >= due)
                else:
                    self.session = None  # the handshake starts over: there is none until it has got as far again
        if self.session is None:
            return
        if self._asked_at is not None and now >= self._asked_at + LOST_S and not self.is_lost:
            self._lose(now, "the server does not answer")
        elif self.connector is None and (self._is_suspect(now) or self.session.is_old(now)):
            self._connect(now)
        if now >= self._heartbeat_due:
            self.is_ping_due = True

    def _is_suspect(self, now: float) -> bool:
        return self._asked_at is not None and now >= self._asked_at + SUSPECT_S

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        timeouts = []
        if self.connector is not None:
            timeouts.append(self.connector.next_timeout())
        if self.session is not None:
            timeouts.append(self._heartbeat_due)
            if self._asked_at is not None and not self.is_lost:
                suspect = self._asked_at + SUSPECT_S
                timeouts.append(suspect if self.connector is None else self._asked_at + LOST_S)
        return min((timeout for timeout in timeouts if timeout is not None), default=None)

    # --- The round trip ----------

    def probe(self, now: float) -> bytes:
        """A Ping whose Pong measures the round trip: its number is the time, which the Pong echoes (as in RFC 7323)."""
        return encode(Ping(int((now - self._born_s) * 1e6)))

    def on_pong(self, now: float, pong: Pong) -> float | None:
        """The round trip in seconds, if this answers a `probe`; any other Ping has the number 0."""
        return now - self._born_s - pong.number / 1e6 if pong.number else None

    # --- Out ----------

    def send(self, now: float, frames: list[bytes], *, is_asking: bool) -> None:
        """Seal frames into as few packets as hold them; `is_asking` if the server is to answer."""
        if not frames:
            return
        assert self.session is not None
        if self.connector is not None and self.connector.session is self.session:
            self.connector.repeat_finish()  # or a lost one would leave all that follows it unheard
        for group in _grouped(frames):
            self._transmits.append((self.session.seal(pack(group)), self._address))
        self.is_ping_due = False
        self._plan_heartbeat(now)
        if is_asking and self._asked_at is None:
            self._asked_at = now

    def ack_frames(self, now: float, cursors: list[Cursor], *, has_gap: bool) -> list[bytes]:
        """What is to be acknowledged now, in as many frames as hold it."""
        acks: list[bytes] = []
        while cursors or not acks:
            count = min(len(cursors), ACK_LOGS_MAX)
            frame = encode(self.acks.take(now, cursors[:count], has_gap=has_gap))
            while len(frame) > PACK_BYTES_MAX and count > 1:
                count //= 2
                frame = encode(self.acks.take(now, cursors[:count], has_gap=has_gap))
            acks.append(frame)
            cursors = cursors[count:]
        return acks

    @property
    def round_trip_s(self) -> float | None:
        """The round trip that the handshake measured, if it did."""
        return None if self.connector is None else self.connector.rtt_s

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order; a handshake's before what is sealed in it."""
        transmits: list[tuple[bytes, Address]] = []
        if self.connector is not None:
            transmits.extend((datagram, self._address) for datagram in self.connector.drain_transmits())
        transmits.extend(self._transmits)
        self._transmits = []
        return transmits


def _grouped(items: list[bytes]) -> list[list[bytes]]:
    """Frames in packets, in order."""
    groups: list[list[bytes]] = []
    size = 0
    for item in items:
        if not groups or size + len(item) > PACK_BYTES_MAX or len(groups[-1]) == FRAMES_MAX:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += len(item)
    return groups
