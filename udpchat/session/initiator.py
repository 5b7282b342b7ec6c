"""The client's side of the handshake: Hello, Cookie, Hello with cookie, HelloReply, Finish, first Data (SPEC 2).

Theory of operation. Only the client has timers; whatever is lost in either direction, it sends its packet again::

    HELLO      resend Hello                    Cookie      -> HELLO, now with the cookie
                                               HelloReply  -> FINISH if the server's key is approved
                                               3 s of HelloReplies with another key, and none approved -> REFUSED
    FINISH     resend Finish                   confirm()   -> CONFIRMED
                                               1.75 s, or once 0.4 s after on_denied() -> HELLO with a new key
    CONFIRMED, REFUSED: the end

Rules. Our own key is revealed in Finish only, after the server's was approved. A packet that does not authenticate
changes nothing, so the true packet can still follow: neither does a reply to a Hello with a cookie that we did not
send, as who relays ours from another address has another. A Cookie is not authenticated: of those that came since the
last Hello, each is as likely to go with the next. A HelloReply under a key that is not approved is from anyone who has
seen the Hello: it is dropped, and the true one is awaited. Only if such replies kept coming for ``patience_s``, and no
other did, the server's key has changed. At first contact no key is better than another: none is taken for
FIRST_CONTACT_S, and if two servers have answered by then, the user must decide.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from udpchat.session.noise import KeyPair, NoiseInitiator, ServerProved
from udpchat.session.path import Path
from udpchat.session.session import Session
from udpchat.session.timers import backoff_s, earliest
from udpchat.wire import limits, packets
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value

_COOKIES_AWAITED_MAX = 16  # in the longest round trip no more are sent, even if somebody forges them all the time
_SENDS_PATIENT = 3  # so many sends without an answer suggest high latency
_RTT_TIMES = 3.0  # the first timeout after one sample: RFC 9002, sections 5.3 and 6.2.1
_RTT_MARGIN = 1.25  # a resend within the measured round trip cannot help


class HandshakePhase(Enum):
    """What the client waits for."""

    HELLO = "a Cookie or a HelloReply"
    FINISH = "the first Data"
    CONFIRMED = "nothing: the session stands"
    REFUSED = "nothing: the server's key was not approved, or several servers answered at first contact"


class _Settings(Value, frozen=True):
    static: KeyPair
    index: int
    payload: bytes
    check_server: Callable[[bytes], bool]
    address: packets.Address
    random: Callable[[int], bytes]
    is_first_contact: bool
    patience_s: float


@dataclass(slots=True)
class _HeldCookie:
    cookie: bytes
    received_s: float
    rivals: int = 0  # how many have come since the last Hello, this one included


@dataclass(slots=True)
class _Heard:
    """Valid replies that were not taken yet, by the server's key: since when, and when the last came."""

    first_s: float
    last_s: float
    replies: dict[bytes, tuple[packets.HelloReply, ServerProved]]


class _Hello:
    """The Hello under one ephemeral key, with one cookie after the other. A reply is to one of the latest."""

    __slots__ = ("_cookies", "_index", "_noise")

    def __init__(self, noise: NoiseInitiator, index: int) -> None:
        self._noise, self._index = noise, index
        self._cookies: deque[bytes] = deque(maxlen=_COOKIES_AWAITED_MAX)  # the latest first

    def encode(self, cookie: bytes) -> bytes:
        if cookie in self._cookies:
            self._cookies.remove(cookie)
        self._cookies.appendleft(cookie)
        return packets.Hello(limits.PROTOCOL_VERSION, self._index, self._noise.public, cookie).encode()

    def read_reply_untrusted(self, message: bytes) -> ServerProved:
        return self._noise.read_reply_untrusted(message, self._cookies)


class _ResendTimer:
    """When the packet of the present phase is sent again, and what its answer shows of the round trip."""

    __slots__ = ("_asked_s", "_first_s", "_patience_s", "_sends", "due_s", "rtt_s")

    def __init__(self, now: float, rtt_s: float | None) -> None:
        self.rtt_s = rtt_s
        self._patience_s = 0.0
        self.begin(now)

    def begin(self, now: float) -> None:
        """Another packet is sent from here on."""
        self._sends = 0
        self._asked_s = self.due_s = now
        self._first_s = max(limits.HELLO_RESEND_S, _RTT_MARGIN * max(self.rtt_s or 0.0, self._patience_s))
        if self.rtt_s is not None:
            self._first_s = min(self._first_s, max(limits.HELLO_RESEND_S_MIN, _RTT_TIMES * self.rtt_s))

    @property
    def has_sent(self) -> bool:
        """Whether the packet of this phase was sent."""
        return self._sends > 0

    @property
    def is_repeated(self) -> bool:
        """Whether it was sent more than once."""
        return self._sends > 1

    def hasten(self, now: float) -> None:
        """If nothing was sent yet, it is due now at the latest."""
        if not self._sends and self.due_s > now:
            self.begin(now)

    def stop_growth(self, now: float) -> None:
        """The answers contradict each other, so the next attempt comes as soon as the first repetition would.

        One of them is forged, and so may be what was measured.
        """
        self.rtt_s, self._first_s = None, max(self._first_s, limits.HELLO_RESEND_S)
        self.due_s = min(self.due_s, now + self._first_s)

    def forget_patience(self, now: float) -> None:
        """What suggested high latency was no answer: the next attempt comes as soon as without it."""
        if self._patience_s:
            self._patience_s, self._first_s = 0.0, limits.HELLO_RESEND_S
            self.due_s = min(self.due_s, now + self._first_s)

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
        """Karn's rule: of several sends it is unknown which was answered. Three suggest high latency, if none is known.

        Longer than FINISH_S_MAX it cannot be, as no session could be made: then network or server was away for a while.
        If a resend is overdue by now, this process was suspended: the answer may have waited in the socket's buffer.
        """
        if now > self.due_s:
            return
        sample_s = now - self._asked_s
        if self._sends == 1:
            self.rtt_s = sample_s if self.rtt_s is None else min(self.rtt_s, sample_s)
        elif self.rtt_s is None and self._sends >= _SENDS_PATIENT and sample_s <= limits.FINISH_S_MAX:
            self._patience_s = min(sample_s, limits.PATIENCE_S_MAX)


class _RestartTimer:
    """Until when a Finish must be confirmed; hastened once, in all its attempts."""

    __slots__ = ("_is_hastened", "due_s")

    def __init__(self) -> None:
        self.due_s = float("inf")
        self._is_hastened = False

    def begin(self, now: float) -> None:
        """The Finish is sent for the first time."""
        self.due_s = now + limits.FINISH_S_MAX

    def hasten(self, now: float, wait_s: float) -> None:
        """It must be confirmed soon, if this is asked for the first time."""
        if not self._is_hastened:
            self._is_hastened = True
            self.due_s = min(self.due_s, now + wait_s)


class HandshakeInitiator:
    """One handshake with one server; it goes on until it is confirmed or refused, or dropped by its owner.

    ``index`` names our side and ``payload``, at most FINISH_PAYLOAD_BYTES_MAX, goes sealed into the Finish.
    ``session`` exists from the Finish on, and Data may follow it at once; a restart replaces it.
    ``version_mismatch`` is the version that a Cookie claimed the server has: unproved, so the handshake goes on.
    ``refused_keys`` are, when it is REFUSED, the key that was not approved, or the two that answered at first contact.
    ``check_server`` returns whether a key is approved; at first contact it is called with the only one that answered.
    The first Hello is sent ``wait_s`` from now. ``round_trip_s`` to the server is known if it was measured just now.
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
        is_first_contact: bool = False,
        wait_s: float = 0.0,
        round_trip_s: float | None = None,
        patience_s: float = limits.KEY_PATIENCE_S,
    ) -> None:
        assert len(payload) <= packets.FINISH_PAYLOAD_BYTES_MAX
        self._settings = _Settings(static, index, payload, check_server, address, random, is_first_contact, patience_s)
        self._transmits: list[bytes] = []
        self.phase = HandshakePhase.HELLO
        self.session: Session | None = None
        self.version_mismatch: int | None = None
        self.refused_keys: tuple[bytes, ...] = ()
        self._resend = _ResendTimer(now, round_trip_s)
        self._restart = _RestartTimer()
        self._start(now + wait_s)
        if not wait_s:
            self._send(now)

    @property
    def rtt_s(self) -> float | None:
        """The shortest round trip measured, in seconds, of packets that were sent only once; None before the first."""
        return self._resend.rtt_s

    def receive(self, now: float, packet: packets.Packet) -> None:
        """A Cookie or HelloReply. Raises BadDatagram for one that does not lead to the next step.

        FOREIGN_KEY: the reply is authentic, but its key is not approved.
        """
        if self.phase is not HandshakePhase.HELLO or not isinstance(packet, packets.Cookie | packets.HelloReply):
            raise BadDatagram(Drop.UNEXPECTED)
        if packet.receiver_index != self._settings.index:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        if isinstance(packet, packets.Cookie):
            self._receive_cookie(now, packet)
        else:
            self._receive_reply(now, packet)

    def confirm(self) -> None:
        """The first Data of ``session`` was opened: the server has the Finish."""
        if self.phase is HandshakePhase.FINISH:
            self.phase = HandshakePhase.CONFIRMED

    def on_denied(self, now: float, wait_s: float) -> None:
        """It is reported, maybe by an attacker, that the server does not know the session: if so, start over soon.

        The server has ``wait_s`` to confirm it, or a round trip if that is longer; and all its time after the first
        such report, so that nobody who forges them keeps a server far away from being heard.
        """
        if self.phase is HandshakePhase.FINISH:
            self._restart.hasten(now, max(wait_s, _RTT_MARGIN * (self.rtt_s or 0.0)))

    def repeat_finish(self, now: float) -> None:
        """Data is about to be sent in a session that the server may not know yet: send the Finish again before it."""
        if self.phase is HandshakePhase.FINISH and not self._transmits:
            self._send(now)

    @property
    def is_waiting(self) -> bool:
        """Whether the first Hello was not sent yet."""
        return not self._resend.has_sent

    def hasten(self, now: float) -> None:
        """Send the first Hello now, if it still waits."""
        self._resend.hasten(now)

    def handle_timeout(self, now: float) -> None:
        """Send the packet of the phase again, decide on the keys that were heard, or start over when FINISH has lasted
        for FINISH_S_MAX."""
        decides_s = self._decides_s()
        if decides_s is not None and now >= decides_s:
            self._decide(now)
        elif self.phase is HandshakePhase.FINISH and now >= self._restart.due_s:
            self._start(now)
            self._send(now)
        elif self.phase in (HandshakePhase.HELLO, HandshakePhase.FINISH) and now >= self._resend.due_s:
            self._send(now)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` has something to do; None at the end."""
        if self.phase is HandshakePhase.HELLO:
            return earliest(self._resend.due_s, self._decides_s())
        return min(self._resend.due_s, self._restart.due_s) if self.phase is HandshakePhase.FINISH else None

    def drain_transmits(self) -> list[bytes]:
        """Datagrams for the server's address, each once."""
        transmits, self._transmits = self._transmits, []
        return transmits

    def _start(self, now: float) -> None:
        self.phase = HandshakePhase.HELLO
        self.session = None
        ephemeral = KeyPair(self._settings.random(limits.KEY_BYTES))
        self._hello = _Hello(NoiseInitiator(static=self._settings.static, ephemeral=ephemeral), self._settings.index)
        self._finish = b""
        self._cookie: _HeldCookie | None = None
        self._heard: _Heard | None = None
        self._resend.begin(now)

    def _receive_cookie(self, now: float, packet: packets.Cookie) -> None:
        if packet.version != limits.PROTOCOL_VERSION and packet.cookie == packets.NO_COOKIE:
            self.version_mismatch = packet.version
            return
        if packet.version != limits.PROTOCOL_VERSION or packet.cookie == packets.NO_COOKIE:
            raise BadDatagram(Drop.BAD_COOKIE)
        self.version_mismatch = None
        held = self._cookie
        if held is None:
            self._cookie = _HeldCookie(packet.cookie, now)
            self._resend.on_answer(now)
            return self._ask(now)
        if packet.cookie == held.cookie:
            return
        # Another cookie came late, or one of the two is forged. It goes with the next Hello; answering each with one at
        # once could loop for ever. Of several, one is chosen at random: whoever forges one after each, or before
        # each, is not always chosen. And that Hello comes soon.
        held.rivals += 1
        if now - held.received_s < limits.HELLO_RESEND_S_MIN:  # answers to two Hellos come as far apart as these
            self._resend.forget_patience(now)
        if held.rivals > 1:
            self._resend.stop_growth(now)
        if int.from_bytes(self._settings.random(4), "big") % held.rivals == 0:
            held.cookie, held.received_s = packet.cookie, now
        if self._resend.is_repeated:  # the held one was refused, and what it suggested of the latency is void
            self._resend.forget_patience(now)
            self._ask(now)

    def _receive_reply(self, now: float, packet: packets.HelloReply) -> None:
        server = self._hello.read_reply_untrusted(packet.noise)
        if server.payload != packet.header:
            raise BadDatagram(Drop.BAD_HANDSHAKE)
        self.version_mismatch = None
        if self._settings.is_first_contact:
            if self._heard is None:
                self._resend.on_answer(now)
            return self._hear(now, packet, server)
        if not self._settings.check_server(server.remote_static):
            self._hear(now, packet, server)
            raise BadDatagram(Drop.FOREIGN_KEY)
        self._resend.on_answer(now)
        self._take(now, packet, server)

    def _hear(self, now: float, packet: packets.HelloReply, server: ServerProved) -> None:
        """A reply that is not taken now. Two keys are enough to know; the one heard last counts, if one must."""
        if self._heard is None:
            self._heard = _Heard(now, now, {})
        self._heard.last_s = now
        if not self._settings.is_first_contact:
            self._heard.replies.clear()
        if len(self._heard.replies) < 2:
            self._heard.replies.setdefault(server.remote_static, (packet, server))

    def _decides_s(self) -> float | None:
        if self._heard is None or self.phase is not HandshakePhase.HELLO:
            return None
        if self._settings.is_first_contact:
            return self._heard.first_s + max(limits.FIRST_CONTACT_S, self.rtt_s or 0.0)
        return self._heard.first_s + self._settings.patience_s

    def _decide(self, now: float) -> None:
        """No other key may answer any more: take the only one at first contact, or refuse what was heard."""
        assert self._heard is not None
        heard, self._heard = self._heard, None
        if self._settings.is_first_contact:
            ((packet, server), *others) = heard.replies.values()
            if not others and self._settings.check_server(server.remote_static):
                return self._take(now, packet, server)
        elif heard.last_s - heard.first_s < self._settings.patience_s / 2:
            return  # a server of that key would have answered every Hello
        self.refused_keys = tuple(heard.replies)
        self.phase = HandshakePhase.REFUSED

    def _take(self, now: float, packet: packets.HelloReply, server: ServerProved) -> None:
        """The server's key is approved: show ours."""
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
        self.phase = HandshakePhase.FINISH
        self._restart.begin(now)
        self._ask(now)

    def _ask(self, now: float) -> None:
        """Send the packet of the phase for the first time."""
        self._resend.begin(now)
        self._send(now)

    def _send(self, now: float) -> None:
        if self._cookie is not None and now - self._cookie.received_s > limits.COOKIE_HELD_S_MAX:
            self._cookie = None
            self._resend.on_change(now)
        if self._cookie is not None:
            self._cookie.rivals = 0
        cookie = packets.NO_COOKIE if self._cookie is None else self._cookie.cookie
        self._transmits.append(self._finish or self._hello.encode(cookie))
        jitter = 2.0 * int.from_bytes(self._settings.random(2), "big") / 0xFFFF - 1.0
        self._resend.on_sent(now, is_near=self.rtt_s is not None or self._cookie is not None, jitter=jitter)
