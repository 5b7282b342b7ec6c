"""The client's side of the handshake: Hello, Cookie, Hello with cookie, HelloReply, Finish, first Data (SPEC 2).

Theory of operation. Only the client has timers; whatever is lost in either direction, it sends its packet again::

    HELLO      resend Hello                    Cookie      -> HELLO, now with the cookie
                                               HelloReply  -> FINISH if the server's key is approved, else REFUSED
    FINISH     resend Finish                   confirm()   -> CONFIRMED
                                               5 s         -> HELLO with a new ephemeral key
    CONFIRMED, REFUSED: the end

Rules. Our own key is revealed in Finish only, after the server's was approved. A packet that does not authenticate
changes nothing, so the true packet can still follow. A Cookie is not authenticated: a forged one costs one round trip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from udpchat.session.noise import KeyPair, NoiseInitiator
from udpchat.session.path import Path
from udpchat.session.session import Session
from udpchat.session.timers import backoff_s
from udpchat.wire import limits, packets
from udpchat.wire.errors import BadDatagram, Drop

_SENDS_PATIENT = 3  # so many sends without an answer suggest high latency
_RTT_MARGIN = 1.25  # a resend within the measured round trip cannot help


class Phase(Enum):
    """What the client waits for."""

    HELLO = "a Cookie or a HelloReply"
    FINISH = "the first Data"
    CONFIRMED = "nothing: the session stands"
    REFUSED = "nothing: the server's key was not approved"


@dataclass(frozen=True, slots=True)
class _Settings:
    static: KeyPair
    index: int
    payload: bytes
    check_server: Callable[[bytes], bool]
    address: packets.Address
    random: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class _HeldCookie:
    cookie: bytes
    received_s: float


class _ResendTimer:
    """When the packet of the present phase is sent again, and what its answer shows of the round trip."""

    __slots__ = ("_asked_s", "_first_s", "_patience_s", "_sends", "due_s", "rtt_s")

    def __init__(self, now: float) -> None:
        self.rtt_s: float | None = None
        self._patience_s = 0.0
        self.begin(now)

    def begin(self, now: float) -> None:
        """Another packet is sent from here on."""
        self._sends = 0
        self._asked_s = self.due_s = now
        self._first_s = max(limits.HELLO_RESEND_S, _RTT_MARGIN * max(self.rtt_s or 0.0, self._patience_s))

    def on_change(self, now: float) -> None:
        """What is sent changes, and its answer is measured from here on; the backoff goes on."""
        self._asked_s = now

    def on_sent(self, now: float, *, is_near: bool, jitter: float) -> None:
        """`is_near`: the server has answered something. Before that, it may be far. `jitter`: -1 to 1."""
        growth = limits.HELLO_RESEND_GROWTH_NEAR if is_near else limits.HELLO_RESEND_GROWTH
        max_s = max(limits.HELLO_RESEND_S_MAX, self._patience_s, self._first_s)
        wait_s = backoff_s(self._first_s, self._sends, growth=growth, max_s=max_s)
        self.due_s = now + (1.0 + limits.HELLO_RESEND_JITTER * jitter) * wait_s
        self._sends += 1

    def on_answer(self, now: float) -> None:
        """Karn's rule: of several sends, it is unknown which was answered. But three of them suggest high latency.

        If a resend is overdue by now, this process was suspended: the answer may have waited in the socket's buffer.
        """
        if now > self.due_s:
            return
        sample_s = now - self._asked_s
        if self._sends == 1:
            self.rtt_s = sample_s if self.rtt_s is None else min(self.rtt_s, sample_s)
        elif self._sends >= _SENDS_PATIENT:
            self._patience_s = min(sample_s, limits.PATIENCE_S_MAX)


class HandshakeInitiator:
    """One handshake with one server; it goes on until it is confirmed or refused, or dropped by its owner.

    ``index`` names our side and ``payload``, at most FINISH_PAYLOAD_BYTES_MAX, goes sealed into the Finish.
    ``session`` exists from the Finish on, and Data may follow it at once; a restart replaces it.
    ``version_mismatch`` is the version that a Cookie claimed the server has: unproved, so the handshake goes on.
    ``refused_key`` is the key that was not approved.
    """

    def __init__(
        self,
        now: float,
        *,
        static: KeyPair,
        index: int,
        payload: bytes,
        check_server: Callable[[bytes], bool],
        address: packets.Address,
        random: Callable[[int], bytes],
    ) -> None:
        assert len(payload) <= packets.FINISH_PAYLOAD_BYTES_MAX
        self._settings = _Settings(static, index, payload, check_server, address, random)
        self._transmits: list[bytes] = []
        self.phase = Phase.HELLO
        self.session: Session | None = None
        self.version_mismatch: int | None = None
        self.refused_key: bytes | None = None
        self._resend = _ResendTimer(now)
        self._start(now)

    @property
    def rtt_s(self) -> float | None:
        """The shortest round trip measured, in seconds, of packets that were sent only once; None before the first."""
        return self._resend.rtt_s

    def receive(self, now: float, packet: packets.Packet) -> None:
        """A Cookie or HelloReply from the server. Raises BadDatagram for one that does not lead to the next step."""
        if self.phase is not Phase.HELLO or not isinstance(packet, packets.Cookie | packets.HelloReply):
            raise BadDatagram(Drop.UNEXPECTED)
        if packet.receiver_index != self._settings.index:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        if isinstance(packet, packets.Cookie):
            self._receive_cookie(now, packet)
        else:
            self._receive_reply(now, packet)

    def confirm(self) -> None:
        """The first Data of ``session`` was opened: the server has the Finish."""
        if self.phase is Phase.FINISH:
            self.phase = Phase.CONFIRMED

    def repeat_finish(self) -> None:
        """Data is about to be sent in a session that the server may not know yet: send the Finish again before it."""
        if self.phase is Phase.FINISH and not self._transmits:
            self._transmits.append(self._finish)

    def handle_timeout(self, now: float) -> None:
        """Send the packet of the phase again, or start over when FINISH has lasted for HANDSHAKE_LIFETIME_S."""
        if self.phase is Phase.FINISH and now >= self._restart_s:
            self._start(now)
        elif self.phase in (Phase.HELLO, Phase.FINISH) and now >= self._resend.due_s:
            self._send(now)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` has something to do; None at the end."""
        if self.phase is Phase.HELLO:
            return self._resend.due_s
        return min(self._resend.due_s, self._restart_s) if self.phase is Phase.FINISH else None

    def drain_transmits(self) -> list[bytes]:
        """Datagrams for the server's address, each once."""
        transmits, self._transmits = self._transmits, []
        return transmits

    def _start(self, now: float) -> None:
        self.phase = Phase.HELLO
        self.session = None
        ephemeral = KeyPair(self._settings.random(limits.KEY_BYTES))
        self._noise = NoiseInitiator(static=self._settings.static, ephemeral=ephemeral)
        self._finish = b""
        self._restart_s = now
        self._cookie: _HeldCookie | None = None
        self._ask(now)

    def _receive_cookie(self, now: float, packet: packets.Cookie) -> None:
        if packet.version != limits.PROTOCOL_VERSION and packet.cookie == packets.NO_COOKIE:
            self.version_mismatch = packet.version
            return
        if packet.version != limits.PROTOCOL_VERSION or packet.cookie == packets.NO_COOKIE:
            raise BadDatagram(Drop.BAD_COOKIE)
        is_first = self._cookie is None
        self._cookie = _HeldCookie(packet.cookie, now)
        # A second cookie is a duplicate, or the server refused the first. It goes with the next Hello; answering each
        # with a Hello at once could loop for ever.
        if is_first:
            self._resend.on_answer(now)
            self._ask(now)

    def _receive_reply(self, now: float, packet: packets.HelloReply) -> None:
        server = self._noise.read_reply_untrusted(packet.noise)
        if server.payload != packet.header:
            raise BadDatagram(Drop.BAD_HANDSHAKE)
        self.version_mismatch = None
        if not self._settings.check_server(server.remote_static):
            self.refused_key = server.remote_static
            self.phase = Phase.REFUSED
            return
        self._resend.on_answer(now)
        message, keys = server.finish(self._settings.payload)
        self._finish = packets.Finish(packet.sender_index, message).encode()
        self.session = Session(
            now,
            index=self._settings.index,
            peer_index=packet.sender_index,
            remote_static=server.remote_static,
            keys=keys,
            path=Path(self._settings.address),
        )
        self.phase = Phase.FINISH
        self._restart_s = now + limits.HANDSHAKE_LIFETIME_S
        self._ask(now)

    def _ask(self, now: float) -> None:
        """Send the packet of the phase for the first time."""
        self._resend.begin(now)
        self._send(now)

    def _send(self, now: float) -> None:
        if self._cookie is not None and now - self._cookie.received_s > limits.COOKIE_HELD_S_MAX:
            self._cookie = None
            self._resend.on_change(now)
        cookie = packets.NO_COOKIE if self._cookie is None else self._cookie.cookie
        hello = packets.Hello(limits.PROTOCOL_VERSION, self._settings.index, self._noise.message, cookie)
        self._transmits.append(self._finish or hello.encode())
        jitter = 2.0 * int.from_bytes(self._settings.random(2), "big") / 0xFFFF - 1.0
        self._resend.on_sent(now, is_near=self.rtt_s is not None or self._cookie is not None, jitter=jitter)
