"""A client's link to its server: sessions are made, kept alive, renewed, lost and made again (SPEC 3, 6.3).

It handles sessions and timeouts, and no chat content. Rules:

- While a session is in use, the next one is made in parallel, so that a new handshake interrupts nothing.
- Silence does not end a session: with each Hello, a Ping is sent in it too. If that is answered first, it is kept.
- A Reset is not authenticated, so anyone can forge it: it only begins a handshake beside the session.
- Nor does a server of another key end a session: it counts only while the link is lost, and after its patience.
- What others can cause is bounded: handshakes after silence come SUSPECT_S apart by themselves, all others go by
  `Reconnection`, answers to PathChecks by a token bucket, and the heartbeat that a Welcome requests is clamped.
  Handshakes beside a session and those without one have waits of their own: a forged Reset delays none of the latter.

`TRANSITIONS` defines the next state for every state and input.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from udpchat.client.profile import Profile
from udpchat.session.initiator import HandshakeInitiator, HandshakePhase
from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.session.session import Session
from udpchat.session.timers import backoff_s, earliest
from udpchat.sync.packing import packed
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.frames import Down, encode, encode_introduction
from udpchat.wire.limits import (
    HEARTBEAT_JITTER,
    HEARTBEAT_S,
    HEARTBEAT_S_MAX,
    HEARTBEAT_S_MIN,
    KEY_PATIENCE_LIVE_S,
    KEY_PATIENCE_S,
    PATH_REPLIES_BURST,
    PATH_REPLIES_PER_S_MAX,
    RECONNECT_CALM_S,
    RECONNECT_JITTER,
    RECONNECT_S_MAX,
    RECONNECT_S_MIN,
    RECONNECTS_AT_ONCE,
)
from udpchat.wire.packets import DATA_HEADER, DATA_KIND, Address, Data, Reset, data_index, parse_packet_untrusted

SUSPECT_S = 2.0  # without an answer: a handshake begins in parallel with the session
DENIED_S = 0.4  # the same after a Reset that begins no handshake by itself: nobody who forges it can delay the answer
DENIED_ROUND_TRIPS = 1.25  # or so many measured round trips, if that is longer
LOST_S = 4.0  # without an answer: the link counts as lost
CONTENT = frames.Entries | frames.EntryFragment | frames.Result | frames.ResultFragment
"""Accepted from a former session too (SPEC 7.4)."""


class LinkState(Enum):
    """Which session and which handshake the link has."""

    CONNECTING = "a handshake, and no session"
    CONFIRMING = "a session that the handshake made, in which the server has not spoken yet"
    UP = "a session in which the server has spoken"
    CHECKING = "the same, and a handshake beside it: after silence, a Reset, or for the session's age"
    SWITCHING = "the same, and the handshake has made a session too: the server will speak in one of the two"
    LOST = "a session in which the server has spoken, but not for LOST_S, and a handshake beside it"


class LinkInput(Enum):
    """What happens to a link."""

    FINISHED = "the handshake has made a session"
    RESTARTED = "the handshake starts over: its session was not confirmed in time"
    HEARD = "the server speaks in the session"
    HEARD_OLD = "the server speaks in the session, which is due for renewal"
    CONFIRMED = "the server speaks in the session that the handshake made"
    SILENT = "no answer for SUSPECT_S, or the session is due for renewal, or the server may not know it"
    UNANSWERED = "no answer for LOST_S"
    GOODBYE = "the server has ended the session"


_S, _I = LinkState, LinkInput
TRANSITIONS: dict[LinkState, dict[LinkInput, LinkState]] = {  # a pair that is not listed changes nothing
    _S.CONNECTING: {_I.FINISHED: _S.CONFIRMING},
    _S.CONFIRMING: {_I.CONFIRMED: _S.UP, _I.RESTARTED: _S.CONNECTING},
    _S.UP: {
        _I.HEARD_OLD: _S.CHECKING, _I.SILENT: _S.CHECKING, _I.UNANSWERED: _S.LOST, _I.GOODBYE: _S.CONNECTING,
    },
    _S.CHECKING: {
        _I.FINISHED: _S.SWITCHING, _I.HEARD: _S.UP, _I.UNANSWERED: _S.LOST, _I.GOODBYE: _S.CONNECTING,
    },
    _S.SWITCHING: {
        _I.CONFIRMED: _S.UP, _I.RESTARTED: _S.CHECKING, _I.UNANSWERED: _S.CONFIRMING, _I.GOODBYE: _S.CONFIRMING,
    },
    _S.LOST: {
        _I.FINISHED: _S.CONFIRMING, _I.HEARD: _S.UP, _I.HEARD_OLD: _S.CHECKING, _I.GOODBYE: _S.CONNECTING,
    },
}  # fmt: skip
LOSING = frozenset({LinkState.CONNECTING, LinkState.CONFIRMING, LinkState.LOST})  # no server is known to be reachable


class LinkSettings(Value, frozen=True):
    """Who connects, with which request counter, and to which address; `random(n)` gives n bytes."""

    profile: Profile
    instance: bytes
    address: Address
    random: Callable[[int], bytes]

    def share(self) -> float:
        """A random number from 0 to 1."""
        return int.from_bytes(self.random(2), "big") / 0xFFFF


class LinkRenewed(Value, frozen=True):
    """A new session is in use: all state must be sent again in it. The round trip, if the handshake measured it."""

    round_trip_s: float | None


class LinkLost(Value, frozen=True):
    """The server ended the session with this reason, or does not answer (empty); the link keeps trying."""

    reason: str


class KeyRefused(Value, frozen=True):
    """The server's key was not approved; or, at first contact, servers of several keys have answered."""

    keys: tuple[bytes, ...]


LinkEvent = LinkRenewed | LinkLost | KeyRefused


class Link:
    """Packets are sent in `session`, if there is one; changes are drained as events."""

    def __init__(self, now: float, settings: LinkSettings) -> None:
        self._settings = settings
        self.state = LinkState.CONNECTING
        self.session: Session | None = None
        self._previous: Session | None = None  # opens packets that are still in flight
        self._handshake: HandshakeInitiator | None = None
        self._reconnections = {True: Reconnection(), False: Reconnection()}  # by whether a session stands
        self._awaited = _Awaited()
        self._heartbeat = _Heartbeat(now)
        self._is_ping_due = False
        self._path_replies = TokenBucket(now, Rate(PATH_REPLIES_BURST, PATH_REPLIES_PER_S_MAX))
        self._transmits: list[tuple[bytes, Address]] = []
        self._events: list[LinkEvent] = []
        self._connect(now)

    @property
    def is_lost(self) -> bool:
        """Whether the server has not answered yet, or not for LOST_S, or has ended the session."""
        return self.state in LOSING

    def set_heartbeat(self, now: float, heartbeat_s: float) -> None:
        """Set the silence after which a Ping is due, as the Welcome requests it, within bounds."""
        self._heartbeat.interval_s = min(max(heartbeat_s, HEARTBEAT_S_MIN), HEARTBEAT_S_MAX)
        self._heartbeat.plan(now, self._settings.share())

    # --- States ----------

    def _on(self, now: float, what: LinkInput, reason: str = "") -> None:
        was_lost, state = self.is_lost, TRANSITIONS[self.state].get(what)
        if state is None:
            return
        if what is LinkInput.CONFIRMED or (state is LinkState.CONFIRMING and self.state is not state):
            self._switch(now)
        if state is LinkState.CONNECTING:
            self._previous, self.session = self.session, None
            if self._handshake is not None and self._handshake.is_waiting:
                self._handshake = None  # it waits because of Resets, maybe forged ones, and there is no session now
        if state is LinkState.UP:
            self._end_handshake()
        elif self._handshake is None:
            self._connect(now)
        self.state = state
        if self.is_lost and not was_lost:
            self._events.append(LinkLost(reason))

    def _switch(self, now: float) -> None:
        """From now on, use the session that the handshake made."""
        assert self._handshake is not None and self._handshake.session is not None
        if self.session is self._handshake.session:
            return
        self._previous, self.session = self.session, self._handshake.session
        self._awaited.begin_session(now, self._handshake.rtt_s)
        self._events.append(LinkRenewed(self._handshake.rtt_s))

    def _end_handshake(self) -> None:
        if self._handshake is not None:
            self._handshake.confirm()
            self._handshake = None

    def _connect(self, now: float) -> None:
        settings = self._settings
        reconnection = self._reconnections[self.session is not None]
        wait_s = 0.0 if self._awaited.is_suspect(now) else reconnection.begin(now, settings.share)
        self._is_ping_due = self.session is not None
        was_here = self.session is not None or self._previous is not None
        self._handshake = HandshakeInitiator(
            now,
            static=settings.profile.static,
            index=int.from_bytes(settings.random(4), "big"),
            payload=encode_introduction(settings.instance, settings.profile.capabilities),
            check_server=lambda key: settings.profile.check_server(key) is None,
            address=settings.address,
            random=settings.random,
            is_first_contact=settings.profile.is_first_contact(),
            wait_s=wait_s,
            patience_s=KEY_PATIENCE_LIVE_S if was_here else KEY_PATIENCE_S,
        )

    # --- In ----------

    def receive_untrusted(self, now: float, datagram: bytes) -> tuple[list[Down], int | None]:
        """The frames of a datagram from the server, and its counter if it is to be acknowledged in this session."""
        if datagram[:1] == DATA_KIND:
            return self._receive_data_untrusted(now, datagram)
        packet = parse_packet_untrusted(datagram)
        if isinstance(packet, Reset):
            self._on_reset(now, packet)
        elif self._handshake is None or isinstance(packet, Data):
            raise BadDatagram(Drop.UNEXPECTED)
        else:
            self._handshake.receive(now, packet)
            if self._handshake.session is not None:
                self._on(now, LinkInput.FINISHED)
        return [], None

    def _on_reset(self, now: float, packet: Reset) -> None:
        """The server, or an attacker who forges its Reset, reports that it does not know the session."""
        session = self.session
        if session is None or packet.receiver_index != session.peer_index:
            raise BadDatagram(Drop.UNEXPECTED)
        if self._handshake is not None and self._handshake.session is session:
            return self._handshake.on_denied(now, DENIED_S)
        reconnection = self._reconnections[True]
        if not reconnection.is_free(now):
            if self._awaited.is_asked:  # if it is true, silence will show it; if not, the answer is near
                self._awaited.on_denied(now)
            elif reconnection.may_ask(now):
                self._is_ping_due = True
            raise BadDatagram(Drop.RATE_LIMITED)
        self._on(now, LinkInput.SILENT)

    def _receive_data_untrusted(self, now: float, datagram: bytes) -> tuple[list[Down], int | None]:
        index = data_index(datagram)
        made = self._handshake.session if self._handshake is not None else None
        session = next(
            (known for known in (self.session, made, self._previous) if known and index == known.index), None
        )
        if session is None:
            raise BadDatagram(Drop.UNKNOWN_SESSION)
        body = session.open_untrusted(now, datagram, session.path.address)
        self._awaited.end()
        if session is made:
            self._on(now, LinkInput.CONFIRMED)
        elif session is self.session:
            self._on(now, LinkInput.HEARD_OLD if session.is_old(now) else LinkInput.HEARD)
        counter: int = DATA_HEADER.unpack_from(datagram)[2]
        received = frames.parse_down_untrusted(body)
        if session is self.session:
            return received, counter
        # Late, and maybe from an earlier process of the server: its heads are outdated.
        return [frame for frame in received if isinstance(frame, CONTENT)], None

    def on_goodbye(self, now: float, reason: str) -> None:
        """The server has ended the session; make another one."""
        self._on(now, LinkInput.GOODBYE, reason)

    # --- Time ----------

    def handle_timeout(self, now: float) -> None:
        """Repeat the handshake, detect silence and loss, renew an old session, make the heartbeat's Ping due."""
        self._handle_handshake_timeout(now)
        if self.session is None:
            return
        if now >= self._awaited.lost_at:
            self._on(now, LinkInput.UNANSWERED)
        elif self.session.is_old(now) or self._awaited.is_suspect(now):
            self._on(now, LinkInput.SILENT)
        if self._handshake is not None and self._awaited.is_suspect(now):
            self._handshake.hasten(now)
        if now >= self._heartbeat.due:
            self._is_ping_due = True

    def _handle_handshake_timeout(self, now: float) -> None:
        handshake = self._handshake
        if handshake is None:
            return
        had_session, due = handshake.session is not None, handshake.next_timeout()
        handshake.handle_timeout(now)
        if had_session and handshake.session is None:
            self._on(now, LinkInput.RESTARTED)
        elif handshake.session is not None:  # at first contact
            self._on(now, LinkInput.FINISHED)
        elif handshake.phase is HandshakePhase.REFUSED:
            if self.is_lost:  # else the server answers in the session, under the right key
                self._events.append(KeyRefused(handshake.refused_keys))
            self._connect(now)
        if self.session is not None and self.session is not handshake.session and due is not None and now >= due:
            self._is_ping_due = True  # with each Hello, a Ping is sent in the session too

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        timeouts = []
        if self._handshake is not None:
            timeouts.append(self._handshake.next_timeout())
        if self.session is not None:
            timeouts.append(self._heartbeat.due)
            if self._awaited.is_asked and self.state is LinkState.UP:
                timeouts.append(self._awaited.suspect_at)
            elif self._awaited.is_asked and not self.is_lost:
                waits = self._handshake is not None and self._handshake.is_waiting
                timeouts.append(self._awaited.suspect_at if waits else self._awaited.lost_at)
        return earliest(*timeouts)

    # --- The round trip ----------

    def probe(self, now: float) -> bytes:
        """A Ping whose Pong measures the round trip: its number is the time, which the Pong echoes (as in RFC 7323)."""
        return encode(frames.Ping(int((now - self._heartbeat.began_at) * 1e6)))

    def on_pong(self, now: float, pong: frames.Pong) -> float | None:
        """The round trip in seconds, if this answers a `probe`; any other Ping has the number 0."""
        round_trip_s = now - self._heartbeat.began_at - pong.number / 1e6 if pong.number else None
        if round_trip_s is not None:
            self._awaited.round_trip_s = round_trip_s
        return round_trip_s

    def answer_check(self, now: float, token: bytes) -> list[bytes]:
        """Frames in answer to a PathCheck, or none if there were too many.

        Only a PathCheck shows the client that its address has changed. The path may be new: measure it. The Ping goes
        first, since a late PathReply makes the server ignore the frames behind it.
        """
        is_allowed = self._path_replies.take(now)
        return [self.probe(now), encode(frames.PathReply(token))] if is_allowed else []

    # --- Out ----------

    def drain_pings(self, now: float) -> list[bytes]:
        """A Ping, if one is due; it stays due until `send` is called.

        A process that stood still has acks to send first, to a server that may have forgotten it: they ask for nothing,
        so they do not take the place of a heartbeat that is overdue.
        """
        is_due = self._is_ping_due or (now >= self._heartbeat.due and not self._awaited.is_asked)
        return [encode(frames.Ping(0))] if is_due and self.session is not None else []

    def send(self, now: float, encoded: list[bytes], *, is_asking: bool) -> None:
        """Seal encoded frames into as few packets as possible; `is_asking`: the server must answer."""
        if not encoded:
            return
        assert self.session is not None
        if self._handshake is not None and self._handshake.session is self.session:
            self._handshake.repeat_finish()  # without it, the server could not open these packets
        for body, _ in packed((frame, None) for frame in encoded):
            self._transmits.append((self.session.seal(body), self._settings.address))
        self._is_ping_due = False
        self._heartbeat.plan(now, self._settings.share())
        if is_asking and not self._awaited.is_asked:
            self._awaited.begin(now)

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent, in order; those of a handshake before packets of its session."""
        transmits: list[tuple[bytes, Address]] = []
        if self._handshake is not None:
            transmits.extend((datagram, self._settings.address) for datagram in self._handshake.drain_transmits())
        transmits.extend(self._transmits)
        self._transmits = []
        return transmits

    def drain_events(self) -> list[LinkEvent]:
        events, self._events = self._events, []
        return events


class _Awaited:
    """The answer that the client awaits, if any: when its absence is suspect, and when the link counts as lost.

    `round_trip_s` is that of the path; 0: not measured.
    """

    __slots__ = ("lost_at", "round_trip_s", "suspect_at")

    def __init__(self) -> None:
        self.round_trip_s = 0.0
        self.end()

    @property
    def is_asked(self) -> bool:
        return self.lost_at < float("inf")

    def begin(self, now: float) -> None:
        """Something is sent that the server must answer."""
        self.suspect_at, self.lost_at = now + SUSPECT_S, now + LOST_S

    def begin_session(self, now: float, round_trip_s: float | None) -> None:
        """The same, as the first in a session whose handshake has measured this."""
        self.round_trip_s = round_trip_s or 0.0
        self.begin(now)

    def end(self) -> None:
        """The server has answered."""
        self.suspect_at = self.lost_at = float("inf")

    def on_denied(self, now: float) -> None:
        """A Reset came, true or forged: the answer must come soon, but for the first Reset only."""
        self.suspect_at = min(self.suspect_at, now + max(DENIED_S, DENIED_ROUND_TRIPS * self.round_trip_s))

    def is_suspect(self, now: float) -> bool:
        return now >= self.suspect_at


class Reconnection:
    """When a handshake begins that a packet has caused, true or forged: at once, or after a growing wait if many do.

    The waits begin anew when RECONNECT_CALM_S have passed in which none was wanted: a session has lasted.
    """

    __slots__ = ("_asked_at", "_begun", "_next_at")

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._begun = 0
        self._next_at = float("-inf")

    def is_free(self, now: float) -> bool:
        """Whether a handshake would begin at once."""
        return now >= self._next_at

    def may_ask(self, now: float) -> bool:
        """Whether a packet that may cause no handshake may cause a Ping: one in RECONNECT_S_MIN may."""
        if now < self._asked_at + RECONNECT_S_MIN:
            return False
        self._asked_at = now
        return True

    def begin(self, now: float, share: Callable[[], float]) -> float:
        """A handshake is wanted: in how many seconds it begins; `share()` is random, from 0 to 1."""
        if now - self._next_at >= RECONNECT_CALM_S:
            self._begun = 0
        begins_at = self._next_at = max(now, self._next_at)
        self._begun += 1
        if self._begun >= RECONNECTS_AT_ONCE:
            pause_s = backoff_s(RECONNECT_S_MIN, self._begun - RECONNECTS_AT_ONCE, max_s=RECONNECT_S_MAX)
            self._next_at += pause_s * (1.0 - RECONNECT_JITTER * share())
        return begins_at - now


class _Heartbeat:
    """When a Ping is due: an interval after the last packet sent, minus a random part of up to HEARTBEAT_JITTER."""

    __slots__ = ("began_at", "due", "interval_s")

    def __init__(self, now: float) -> None:
        self.began_at = self.due = now
        self.interval_s = HEARTBEAT_S

    def plan(self, now: float, share: float) -> None:
        """A packet was sent; `share` is random, from 0 to 1."""
        self.due = now + self.interval_s * (1 - HEARTBEAT_JITTER * share)
