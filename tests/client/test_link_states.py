"""The link's table: every state and input, what follows, and what each state has of sessions and handshakes."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.client.link import (
    DENIED_S,
    LOST_S,
    SUSPECT_S,
    TRANSITIONS,
    KeyRefused,
    Link,
    LinkInput,
    LinkLost,
    LinkRenewed,
    LinkSettings,
    LinkState,
    Reconnection,
)
from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair
from udpchat.session.responder import HandshakeResponder
from udpchat.session.session import Session
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Ping, Pong, encode, pack, parse_up_untrusted
from udpchat.wire.limits import (
    DATAGRAM_BYTES_MAX,
    FINISH_S_MAX,
    HEARTBEAT_JITTER,
    HEARTBEAT_S_MAX,
    HEARTBEAT_S_MIN,
    KEY_PATIENCE_S,
    PATH_REPLIES_BURST,
    PROTOCOL_VERSION,
    RECONNECT_CALM_S,
    RECONNECT_JITTER,
    RECONNECT_S_MAX,
    RECONNECT_S_MIN,
    RECONNECTS_AT_ONCE,
    SESSION_AGE_S_MAX,
)
from udpchat.wire.packets import Cookie, Finish, Hello, Kind, Reset, parse_packet_untrusted

SERVER, HERE = ("10.0.0.1", 1), ("10.0.0.2", 2)
S, In = LinkState, LinkInput
HANDSHAKE_S = 0.5  # of one beside a silent session: so long that the silence is noticed before it starts over


class Ends:
    """A link and the server's side of its handshakes; datagrams go across when the test says so."""

    def __init__(self, *, approves: bool = True) -> None:
        random = Random(1)
        self.now = 100.0
        self.approves = approves
        profile = Profile(
            KeyPair(random.randbytes(32)),
            "me",
            (),
            "server",
            lambda key: None if self.approves else Phrase("server_key.changed"),
        )
        settings = LinkSettings(profile, bytes(16), SERVER, random.randbytes)
        self.link = Link(self.now, settings)
        self.static = KeyPair(random.randbytes(32))
        self.sessions: list[Session] = []
        self.responder = HandshakeResponder(
            static=self.static,
            random=random.randbytes,
            is_index_free=lambda index: all(session.index != index for session in self.sessions),
        )

    def exchange(self, rounds: int = 2, *, finishes: bool = True) -> None:
        """So many round trips of the handshake; with `finishes` the server takes the Finish that comes."""
        for _ in range(rounds):
            answers = []
            for datagram, _ in self.link.drain_transmits():
                packet = parse_packet_untrusted(datagram)
                if isinstance(packet, Hello):
                    answers.append(self.responder.receive_hello(self.now, HERE, packet))
                elif isinstance(packet, Finish) and finishes:
                    self._accept(packet)
            for answer in answers:
                with suppress(BadDatagram):
                    self.link.receive_untrusted(self.now, answer)
        for datagram, _ in self.link.drain_transmits() if finishes else ():
            packet = parse_packet_untrusted(datagram)
            if isinstance(packet, Finish):
                self._accept(packet)

    def _accept(self, packet: Finish) -> None:
        session = self.responder.receive_finish(self.now, HERE, packet).session
        if session not in self.sessions:
            self.sessions.append(session)

    def speak(self, session: Session | None = None) -> None:
        """The server sends a Pong in its latest session, or this one."""
        self.link.receive_untrusted(self.now, (session or self.sessions[-1]).seal(pack([encode(Pong(0))])))

    def ask(self) -> None:
        self.link.send(self.now, [encode(Ping(0))], is_asking=True)
        self.link.drain_transmits()

    def finish_handshake(self) -> None:
        """The next Hello that is due is answered, and so on until the Finish."""
        self.now = max(self.now, self.link.next_timeout() or self.now)
        self.link.handle_timeout(self.now)
        self.exchange()

    def wait(self, seconds: float) -> None:
        """Time passes, and timers are handled when they are due."""
        end = self.now + seconds
        while (due := self.link.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.link.handle_timeout(self.now)
            self.link.send(self.now, self.link.drain_pings(self.now), is_asking=True)
            self.link.drain_transmits()
        self.now = end


def ends_in(state: LinkState) -> Ends:
    """A link that was led into this state."""
    ends = Ends()
    if state is S.CONNECTING:
        return ends
    ends.exchange()
    if state is S.CONFIRMING:
        return ends
    ends.speak()
    if state is S.UP:
        return ends
    ends.ask()
    ends.wait(SUSPECT_S)
    if state is S.LOST:
        ends.wait(LOST_S - SUSPECT_S)
    elif state is S.SWITCHING:
        ends.wait(HANDSHAKE_S)
        ends.finish_handshake()
    return ends


def awaits_a_reply(ends: Ends) -> bool:
    """Whether a Hello of this link waits for an answer: only then a Cookie of another handshake is told as such."""
    with pytest.raises(BadDatagram) as caught:
        ends.link.receive_untrusted(ends.now, Cookie(PROTOCOL_VERSION, 0, bytes(20)).encode())
    return caught.value.reason is Drop.UNKNOWN_SESSION


@pytest.mark.parametrize("state", S)
def test_every_state_can_be_reached_and_has_what_it_says(state: LinkState) -> None:
    ends = ends_in(state)
    assert ends.link.state is state
    assert (ends.link.session is None) == (state is S.CONNECTING)
    assert awaits_a_reply(ends) == (state in (S.CONNECTING, S.CHECKING, S.LOST))
    assert ends.link.is_lost == (state in (S.CONNECTING, S.CONFIRMING, S.LOST))


def bring(ends: Ends, what: LinkInput) -> None:
    """Have this happen to a link, as far as it can in its state."""
    link, old = ends.link, ends.sessions[0] if ends.sessions else None
    match what:
        case In.FINISHED:
            ends.finish_handshake()
        case In.RESTARTED if link.state in (S.CONFIRMING, S.SWITCHING):
            if link.state is S.SWITCHING:
                ends.speak(old)  # or it would be unanswered before
            ends.now += FINISH_S_MAX
            link.handle_timeout(ends.now)
        case In.CONFIRMED if link.state in (S.CONFIRMING, S.SWITCHING):
            ends.speak()
        case In.HEARD if old is not None and link.state is not S.CONFIRMING:
            ends.speak(old)
        case In.HEARD_OLD if link.session is not None and link.state is not S.CONFIRMING:
            link.session.born_s -= SESSION_AGE_S_MAX
            ends.speak(old)
        case In.SILENT if link.session is not None:
            link.receive_untrusted(ends.now, Reset(link.session.peer_index).encode())
        case In.UNANSWERED if link.session is not None and link.state is not S.CONFIRMING:
            ends.ask()
            ends.now += LOST_S if link.state is not S.SWITCHING else LOST_S - SUSPECT_S - HANDSHAKE_S
            link.handle_timeout(ends.now)
        case In.GOODBYE:
            link.on_goodbye(ends.now, "because")


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("what", In)
def test_every_input_in_every_state_leads_where_the_table_says_and_leaves_what_that_state_has(
    state: LinkState, what: LinkInput
) -> None:
    ends = ends_in(state)
    link, was_lost = ends.link, ends.link.is_lost
    link.drain_events()
    bring(ends, what)
    expected = TRANSITIONS[state].get(what, state)
    assert link.state is expected
    assert (link.session is None) == (expected is S.CONNECTING)
    assert awaits_a_reply(ends) == (expected in (S.CONNECTING, S.CHECKING, S.LOST))
    lost = [event for event in link.drain_events() if isinstance(event, LinkLost)]
    reason = "because" if what is In.GOODBYE else ""
    assert lost == ([LinkLost(reason)] if link.is_lost and not was_lost else [])


def test_frames_travel_in_as_few_packets_as_hold_them() -> None:
    ends = ends_in(S.UP)
    ends.link.send(ends.now, [encode(Ping(number)) for number in range(130)], is_asking=False)
    ends.link.send(ends.now, [b"\xc4\xff" + bytes(255)] * 9, is_asking=False)
    sizes = [len(datagram) for datagram, _ in ends.link.drain_transmits()]
    assert len(sizes) == 3 + 3 and max(sizes) <= DATAGRAM_BYTES_MAX


def test_a_handshake_that_finishes_is_confirmed_by_the_first_data() -> None:
    ends = Ends()
    ends.exchange()
    assert ends.link.state is S.CONFIRMING and ends.link.is_lost
    (renewed,) = ends.link.drain_events()
    assert isinstance(renewed, LinkRenewed) and renewed.round_trip_s == 0.0
    ends.speak()
    assert ends.link.state is S.UP and ends.link.drain_events() == []


def test_what_is_not_confirmed_in_time_starts_over() -> None:
    ends = ends_in(S.CONFIRMING)
    ends.wait(FINISH_S_MAX + 0.1)
    assert ends.link.state is S.CONNECTING and ends.link.session is None
    ends.exchange()
    assert ends.link.state in (S.CONNECTING, S.CONFIRMING)


def test_a_fresh_session_beside_a_silent_one_takes_over_with_the_first_data_in_it() -> None:
    ends = ends_in(S.SWITCHING)
    before = ends.link.session
    ends.link.drain_events()
    ends.speak()
    assert ends.link.state is S.UP and ends.link.session is not before
    assert [type(event) for event in ends.link.drain_events()] == [LinkRenewed]
    ends.speak(ends.sessions[0])  # late, in the session before
    assert ends.link.state is S.UP


def test_an_answer_in_the_session_itself_ends_the_suspicion() -> None:
    for state in (S.CHECKING, S.LOST):
        ends = ends_in(state)
        before = ends.link.session
        ends.speak()
        assert ends.link.state is S.UP and ends.link.session is before


def test_an_old_session_is_renewed_beside_itself_though_it_answers() -> None:
    ends = ends_in(S.UP)
    ends.now += SESSION_AGE_S_MAX
    ends.link.handle_timeout(ends.now)
    assert ends.link.state is S.CHECKING
    ends.speak()
    assert ends.link.state is S.CHECKING and not ends.link.is_lost


def test_a_reset_begins_a_handshake_beside_the_session_which_stays_in_use() -> None:
    ends = ends_in(S.UP)
    session = ends.link.session
    assert session is not None
    ends.link.receive_untrusted(ends.now, Reset(session.peer_index).encode())
    assert ends.link.state is S.CHECKING and ends.link.session is session and not ends.link.is_lost
    ends.speak()
    assert ends.link.state is S.UP and ends.link.session is session


def test_a_handshake_that_waits_begins_at_once_when_the_session_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("udpchat.client.link.RECONNECT_S_MIN", 10.0)
    ends = ends_in(S.UP)
    session = ends.link.session
    assert session is not None
    for _ in range(RECONNECTS_AT_ONCE):
        ends.link.receive_untrusted(ends.now, Reset(session.peer_index).encode())
        ends.speak()
    with pytest.raises(BadDatagram) as caught:
        ends.link.receive_untrusted(ends.now, Reset(session.peer_index).encode())
    assert caught.value.reason is Drop.RATE_LIMITED
    ends.link.drain_transmits()
    session.born_s -= SESSION_AGE_S_MAX
    ends.link.handle_timeout(ends.now)
    assert ends.link.state is S.CHECKING and ends.link.drain_transmits() == []
    ends.ask()
    ends.now += SUSPECT_S
    assert ends.link.next_timeout() == ends.now
    ends.link.handle_timeout(ends.now)
    ends.link.handle_timeout(ends.now)
    assert [datagram[0] for datagram, _ in ends.link.drain_transmits()] == [Kind.HELLO]


def test_a_reset_that_begins_no_handshake_makes_the_wait_for_an_answer_short_and_an_answer_ends_it() -> None:
    ends = ends_in(S.UP)
    session = ends.link.session
    assert session is not None
    reset = Reset(session.peer_index).encode()
    for _ in range(RECONNECTS_AT_ONCE):
        with suppress(BadDatagram):
            ends.link.receive_untrusted(ends.now, reset)
        ends.speak()
    assert len(ends.link.drain_pings(ends.now)) == 1  # as nothing was awaited: the answer to it will be
    ends.ask()
    for _ in range(10):  # however many there are: they count as one
        with pytest.raises(BadDatagram):
            ends.link.receive_untrusted(ends.now, reset)
    assert ends.link.next_timeout() == pytest.approx(ends.now + DENIED_S)
    ends.speak()
    ends.now += DENIED_S
    ends.link.handle_timeout(ends.now)
    assert ends.link.state is S.UP
    ends.ask()
    with pytest.raises(BadDatagram):
        ends.link.receive_untrusted(ends.now, reset)
    ends.now += DENIED_S + 1e-6
    ends.link.handle_timeout(ends.now)
    assert ends.link.state is S.CHECKING and not ends.link.is_lost


def use_up_resets(ends: Ends) -> bytes:
    """So many Resets that a further one begins no handshake; such a Reset."""
    session = ends.link.session
    assert session is not None
    reset = Reset(session.peer_index).encode()
    for _ in range(RECONNECTS_AT_ONCE):
        with suppress(BadDatagram):
            ends.link.receive_untrusted(ends.now, reset)
        ends.speak()
    ends.link.drain_transmits()
    return reset


@pytest.mark.parametrize("more", range(2))
def test_resets_do_not_delay_the_handshake_after_a_goodbye(more: int) -> None:
    """Anyone can forge a Reset, and a Goodbye only the server: without a session, a wait would keep its user out."""
    ends = ends_in(S.UP)
    reset = use_up_resets(ends)
    assert ends.link.session is not None
    for _ in range(more):
        ends.link.session.born_s -= SESSION_AGE_S_MAX
        ends.speak()  # a handshake that waits stands beside the session
        with suppress(BadDatagram):
            ends.link.receive_untrusted(ends.now, reset)
    ends.link.drain_transmits()
    ends.link.on_goodbye(ends.now, "timed out")
    (hello,) = ends.link.drain_transmits()
    assert isinstance(parse_packet_untrusted(hello[0]), Hello)


def test_a_reset_makes_no_loss_sooner() -> None:
    ends = ends_in(S.UP)
    reset = use_up_resets(ends)
    ends.ask()
    with pytest.raises(BadDatagram):
        ends.link.receive_untrusted(ends.now, reset)
    ends.wait(LOST_S - 0.01)
    assert ends.link.state is S.CHECKING and not ends.link.is_lost
    ends.wait(0.02)
    assert ends.link.is_lost


def test_after_a_reset_a_server_far_away_has_the_time_that_its_answers_take() -> None:
    """A watcher who forges one after each packet would cause a handshake each time."""
    ends = ends_in(S.UP)
    reset = use_up_resets(ends)
    ends.now += 0.1
    (ping,) = parse_up_untrusted(pack([ends.link.probe(ends.now)]))
    assert isinstance(ping, Ping)
    assert ends.link.on_pong(ends.now + 1.0, Pong(ping.number)) == pytest.approx(1.0)
    ends.ask()
    with pytest.raises(BadDatagram):
        ends.link.receive_untrusted(ends.now, reset)
    ends.wait(1.2)
    assert ends.link.state is S.UP
    ends.wait(0.1)
    assert ends.link.state is S.CHECKING


def test_causes_of_handshakes_back_off_and_a_calm_forgets_them() -> None:
    reconnection = Reconnection()
    now, waits = 0.0, []
    for _ in range(12):
        waits.append(reconnection.begin(now, lambda: 0.0))
        now += waits[-1]
    assert waits[:RECONNECTS_AT_ONCE] == [0.0] * RECONNECTS_AT_ONCE
    grown = waits[RECONNECTS_AT_ONCE:]
    assert grown[:3] == [RECONNECT_S_MIN, 2 * RECONNECT_S_MIN, 4 * RECONNECT_S_MIN]
    assert grown[-1] == RECONNECT_S_MAX and not reconnection.is_free(now)
    now += reconnection.begin(now, lambda: 1.0)
    assert reconnection.begin(now, lambda: 0.0) == RECONNECT_S_MAX * (1 - RECONNECT_JITTER)
    now += 2 * RECONNECT_S_MAX + RECONNECT_CALM_S
    assert reconnection.is_free(now) and reconnection.begin(now, lambda: 0.0) == 0.0


def test_an_ack_does_not_take_the_place_of_a_heartbeat_that_is_overdue() -> None:
    """As found: a client that had stood still for a minute sent an ack to a server that had forgotten it, and when the
    answer to that was lost, asked nothing for ten seconds more."""
    ends = ends_in(S.UP)
    ends.link.send(ends.now, [b"an ack"], is_asking=False)
    assert ends.link.drain_pings(ends.now) == []
    ends.now += 60.0
    (ping,) = ends.link.drain_pings(ends.now)
    ends.link.send(ends.now, [b"an ack", ping], is_asking=True)
    assert ends.link.drain_pings(ends.now) == []


def test_the_heartbeat_that_a_server_requests_is_bounded() -> None:
    for requested_s, kept_s in ((0.0, HEARTBEAT_S_MIN), (4e6, HEARTBEAT_S_MAX), (5.0, 5.0)):
        ends = ends_in(S.UP)
        ends.link.set_heartbeat(ends.now, requested_s)
        due = ends.link.next_timeout()
        assert due is not None and kept_s * (1 - HEARTBEAT_JITTER) <= due - ends.now <= kept_s


def test_so_many_path_checks_are_answered_and_no_more() -> None:
    ends = ends_in(S.UP)
    answers = [ends.link.answer_check(ends.now, bytes(8)) for _ in range(2 * PATH_REPLIES_BURST)]
    assert [bool(answer) for answer in answers] == [True] * PATH_REPLIES_BURST + [False] * PATH_REPLIES_BURST


def test_a_key_that_is_not_approved_is_reported_and_gets_no_session() -> None:
    ends = Ends(approves=False)
    ends.exchange()
    assert ends.link.drain_events() == []  # the true server may answer yet
    end = ends.now + KEY_PATIENCE_S
    while ends.now < end:
        ends.now = ends.link.next_timeout() or end
        ends.link.handle_timeout(ends.now)
        ends.exchange()
    assert ends.link.drain_events() == [KeyRefused((ends.static.public,))]
    assert ends.link.session is None and not ends.sessions


def test_a_key_that_is_not_approved_is_of_no_account_while_the_session_is_answered() -> None:
    ends = ends_in(S.UP)
    ends.link.session.born_s -= SESSION_AGE_S_MAX  # type: ignore[union-attr]
    ends.link.handle_timeout(ends.now)
    ends.approves = False
    for _ in range(100):
        ends.now += KEY_PATIENCE_S / 20
        ends.link.handle_timeout(ends.now)
        ends.exchange()
        ends.speak(ends.sessions[0])
    assert ends.link.state is S.CHECKING and not [e for e in ends.link.drain_events() if isinstance(e, KeyRefused)]
