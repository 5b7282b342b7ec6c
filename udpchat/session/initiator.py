"""The client's way in: Hello, Cookie, Hello with cookie, HelloReply, Finish, first Data (SPEC 2).

Theory of operation. Only the client has timers; whatever is lost either way, it asks again::

    HELLO      resend Hello                    Cookie      -> HELLO, now with the cookie
                                               HelloReply  -> FINISH if the server's key is approved, else REFUSED
    FINISH     resend Finish                   confirm()   -> CONFIRMED
                                               5 s         -> HELLO with a new ephemeral key
    CONFIRMED, REFUSED: the end

Rules. Our own key is revealed in Finish only, after the server's was approved. What does not authenticate changes
nothing, so the true packet can still follow. A Cookie authenticates nothing: at worst it costs one round.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from udpchat.session.noise import KeyPair, NoiseInitiator
from udpchat.session.path import Path
from udpchat.session.session import Session
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    COOKIE_HELD_S_MAX,
    HANDSHAKE_LIFETIME_S,
    HELLO_RESEND_GROWTH,
    HELLO_RESEND_GROWTH_NEAR,
    HELLO_RESEND_JITTER,
    HELLO_RESEND_S,
    HELLO_RESEND_S_MAX,
    KEY_BYTES,
    PATIENCE_S_MAX,
    PROTOCOL_VERSION,
)
from udpchat.wire.packets import (
    FINISH_PAYLOAD_BYTES_MAX,
    NO_COOKIE,
    Address,
    Cookie,
    Finish,
    Hello,
    HelloReply,
    Packet,
)

_SENDS_PATIENT = 3
_RTT_MARGIN = 1.25  # a resend within a measured round trip would be in vain


class Phase(Enum):
    """What the client waits for."""

    HELLO = "a Cookie or a HelloReply"
    FINISH = "the first Data"
    CONFIRMED = "nothing: the session stands"
    REFUSED = "nothing: the server's key was not approved"


class HandshakeInitiator:
    """One attempt to reach one server; it goes on until confirmed, refused, or dropped by its owner.

    ``index`` names our side and ``payload``, at most FINISH_PAYLOAD_BYTES_MAX, goes sealed into the Finish.
    ``session`` stands from the Finish on, and Data may follow it at once; it is another one after a start over.
    ``rtt_s`` is the shortest round trip seen, of what had to be sent only once. ``version_mismatch`` is what
    a Cookie claimed the server speaks: unproved, so we go on trying. ``refused_key`` is the key that was not approved.
    """

    def __init__(
        self,
        now: float,
        *,
        static: KeyPair,
        index: int,
        payload: bytes,
        check_server: Callable[[bytes], bool],
        address: Address,
        random: Callable[[int], bytes],
    ) -> None:
        assert len(payload) <= FINISH_PAYLOAD_BYTES_MAX
        self._static, self._index, self._payload = static, index, payload
        self._check_server, self._address, self._random = check_server, address, random
        self._transmits: list[bytes] = []
        self.phase = Phase.HELLO
        self.session: Session | None = None
        self.rtt_s: float | None = None
        self._patience_s = 0.0
        self.version_mismatch: int | None = None
        self.refused_key: bytes | None = None
        self._start(now)

    def receive(self, now: float, packet: Packet) -> None:
        """A Cookie or HelloReply from the server; raises BadDatagram for any that does not move us on."""
        if self.phase is not Phase.HELLO or not isinstance(packet, Cookie | HelloReply):
            raise BadDatagram(Drop.UNEXPECTED)
        if packet.receiver_index != self._index:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        if isinstance(packet, Cookie):
            self._receive_cookie(now, packet)
        else:
            self._receive_reply(now, packet)

    def confirm(self) -> None:
        """The first Data of ``session`` was opened: the server has the Finish."""
        if self.phase is Phase.FINISH:
            self.phase = Phase.CONFIRMED

    def repeat_finish(self) -> None:
        """Data goes out in a session that the server may not know yet: the Finish goes before it once more."""
        if self.phase is Phase.FINISH and not self._transmits:
            self._transmits.append(self._finish)

    def handle_timeout(self, now: float) -> None:
        """Ask again, or start over when FINISH has lasted for HANDSHAKE_LIFETIME_S."""
        if self.phase is Phase.FINISH and now >= self._restart_s:
            self._start(now)
        elif self.phase in (Phase.HELLO, Phase.FINISH) and now >= self._resend_s:
            self._send(now)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` has something to do; None at the end."""
        if self.phase is Phase.HELLO:
            return self._resend_s
        return min(self._resend_s, self._restart_s) if self.phase is Phase.FINISH else None

    def drain_transmits(self) -> list[bytes]:
        """Datagrams for the server's address, each once."""
        transmits, self._transmits = self._transmits, []
        return transmits

    def _start(self, now: float) -> None:
        self.phase = Phase.HELLO
        self.session = None
        self._noise = NoiseInitiator(static=self._static, ephemeral=KeyPair(self._random(KEY_BYTES)))
        self._finish = b""
        self._restart_s = now
        self._cookie, self._cookie_s = NO_COOKIE, now
        self._ask(now)

    def _receive_cookie(self, now: float, packet: Cookie) -> None:
        if packet.version != PROTOCOL_VERSION and packet.cookie == NO_COOKIE:
            self.version_mismatch = packet.version
            return
        if packet.version != PROTOCOL_VERSION or packet.cookie == NO_COOKIE:
            raise BadDatagram(Drop.BAD_COOKIE)
        is_first = self._cookie == NO_COOKIE
        self._cookie, self._cookie_s = packet.cookie, now
        # One more while we hold one: a late copy, or ours was no good. It rides on the next Hello; answering each
        # with a Hello at once could go round for ever.
        if is_first:
            self._measure(now)
            self._ask(now)

    def _receive_reply(self, now: float, packet: HelloReply) -> None:
        server = self._noise.read_reply_untrusted(packet.noise)
        if server.payload != packet.header:
            raise BadDatagram(Drop.BAD_HANDSHAKE)
        self.version_mismatch = None
        if not self._check_server(server.remote_static):
            self.refused_key = server.remote_static
            self.phase = Phase.REFUSED
            return
        self._measure(now)
        message, keys = server.finish(self._payload)
        self._finish = Finish(packet.sender_index, message).encode()
        self.session = Session(
            now,
            index=self._index,
            peer_index=packet.sender_index,
            remote_static=server.remote_static,
            keys=keys,
            path=Path(self._address),
        )
        self.phase = Phase.FINISH
        self._restart_s = now + HANDSHAKE_LIFETIME_S
        self._ask(now)

    def _measure(self, now: float) -> None:
        """Karn's rule: of several sends, nobody knows which was answered. But three in vain suggest a long path.

        If a resend is overdue by now, this process stood still: the answer may have waited in the socket's buffer.
        """
        if now > self._resend_s:
            return
        sample_s = now - self._asked_s
        if self._sends == 1:
            self.rtt_s = sample_s if self.rtt_s is None else min(self.rtt_s, sample_s)
        elif self._sends >= _SENDS_PATIENT:
            self._patience_s = min(sample_s, PATIENCE_S_MAX)

    def _ask(self, now: float) -> None:
        """Send what the phase sends, for the first time."""
        self._sends = 0
        self._asked_s = now
        self._interval_s = max(HELLO_RESEND_S, _RTT_MARGIN * max(self.rtt_s or 0.0, self._patience_s))
        self._send(now)

    def _send(self, now: float) -> None:
        self._sends += 1
        if self._cookie != NO_COOKIE and now - self._cookie_s > COOKIE_HELD_S_MAX:
            self._cookie = NO_COOKIE
            self._asked_s = now
        hello = Hello(PROTOCOL_VERSION, self._index, self._noise.message, self._cookie)
        self._transmits.append(self._finish or hello.encode())
        share = int.from_bytes(self._random(2), "big") / 0xFFFF  # 0 to 1
        jitter = 1.0 + HELLO_RESEND_JITTER * (2.0 * share - 1.0)
        self._resend_s = now + jitter * self._interval_s
        is_near = self.rtt_s is not None or self._cookie != NO_COOKIE  # it answers; before that, it may be far
        growth = HELLO_RESEND_GROWTH_NEAR if is_near else HELLO_RESEND_GROWTH
        self._interval_s = min(self._interval_s * growth, max(HELLO_RESEND_S_MAX, self._patience_s))
