"""The client's way in: its timers, its refusals, and whole handshakes over a bad link (S01 to S05)."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from tests.session.link import CLIENT, CLIENT_STATIC, SERVER, STATIC, Link, bursts, drop_number
from udpchat.session.initiator import HandshakeInitiator, HandshakePhase
from udpchat.session.noise import KeyPair, NoiseInitiator, NoiseResponder
from udpchat.session.responder import HandshakeResponder
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    FINISH_S_MAX,
    FIRST_CONTACT_S,
    HELLO_RESEND_GROWTH,
    HELLO_RESEND_JITTER,
    HELLO_RESEND_S,
    HELLO_RESEND_S_MAX,
    HELLO_RESEND_S_MIN,
    KEY_PATIENCE_S,
    PROTOCOL_VERSION,
)
from udpchat.wire.packets import (
    NO_COOKIE,
    Cookie,
    Finish,
    Hello,
    HelloReply,
    Packet,
    Reset,
    parse_packet_untrusted,
)

INDEX = 1234
COOKIE = Cookie(PROTOCOL_VERSION, INDEX, b"c" * 20)


def connector(
    now: float = 0.0,
    check: Callable[[bytes], bool] = lambda key: True,
    *,
    is_first_contact: bool = False,
    wait_s: float = 0.0,
    round_trip_s: float | None = None,
    seed: int = 1,
) -> HandshakeInitiator:
    """A client at its first Hello."""
    return HandshakeInitiator(
        now,
        static=CLIENT_STATIC,
        index=INDEX,
        payload=b"join",
        check_server=check,
        address=SERVER,
        random=Random(seed).randbytes,
        is_first_contact=is_first_contact,
        wait_s=wait_s,
        round_trip_s=round_trip_s,
    )


def sent(client: HandshakeInitiator) -> list[Packet]:
    """What the client has to send, parsed."""
    return [parse_packet_untrusted(datagram) for datagram in client.drain_transmits()]


def reply_to(hello: Packet, payload: bytes | None = None, *, static: KeyPair = STATIC) -> HelloReply:
    """The answer of a server that holds this key."""
    assert isinstance(hello, Hello)
    header = HelloReply(hello.sender_index, 77, b"").header
    responder = NoiseResponder(
        static=static,
        ephemeral=KeyPair(b"\x05" * 32),
        remote_ephemeral=hello.ephemeral,
        remote_payload=hello.cookie,
        payload=header if payload is None else payload,
    )
    return HelloReply(hello.sender_index, 77, responder.message)


def refusal(client: HandshakeInitiator, packet: Packet, now: float = 0.1) -> Drop:
    """The reason why the client drops ``packet``."""
    with pytest.raises(BadDatagram) as caught:
        client.receive(now, packet)
    return caught.value.reason


def test_a_hello_goes_out_at_once_and_again_with_growing_pauses() -> None:
    client, times = connector(), [0.0]
    while len(times) < 12:
        due = client.next_timeout()
        assert due is not None
        client.handle_timeout(due)
        times.append(due)
    assert len({datagram for datagram in client.drain_transmits()}) == 1
    pauses = [after - before for before, after in pairwise(times)]
    expected = [min(HELLO_RESEND_S * HELLO_RESEND_GROWTH**n, HELLO_RESEND_S_MAX) for n in range(11)]
    assert pauses == pytest.approx(expected, rel=0.1)
    assert pauses != pytest.approx(expected, rel=0.001)  # jitter


def test_a_cookie_is_spent_at_once_and_measures_the_round_trip() -> None:
    client = connector()
    [first] = sent(client)
    client.receive(0.03, COOKIE)
    [second] = sent(client)
    assert isinstance(first, Hello) and isinstance(second, Hello)
    assert (first.cookie, second.cookie) == (NO_COOKIE, COOKIE.cookie)
    assert first.ephemeral == second.ephemeral
    assert client.rtt_s == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("round_trip_s", "expected_s"),
    [(0.000_4, HELLO_RESEND_S_MIN), (0.03, 0.09), (0.1, HELLO_RESEND_S), (0.4, 0.5), (None, HELLO_RESEND_S)],
)
def test_a_round_trip_that_was_measured_makes_repetitions_sooner(round_trip_s: float | None, expected_s: float) -> None:
    client = connector(round_trip_s=round_trip_s)
    assert client.next_timeout() == pytest.approx(expected_s, rel=HELLO_RESEND_JITTER)
    client.receive(0.03, COOKIE)
    if round_trip_s is None:  # measured now
        assert client.next_timeout() == pytest.approx(0.03 + 0.09, abs=0.01)


def test_a_round_trip_that_contradicting_cookies_may_have_forged_is_void() -> None:
    client = connector(round_trip_s=0.001)
    client.receive(0.0, COOKIE)
    for letter in (b"d", b"e"):
        client.receive(0.0, Cookie(PROTOCOL_VERSION, INDEX, letter * 20))
    client.handle_timeout(now := client.next_timeout() or 0.0)
    due = client.next_timeout()
    assert client.rtt_s is None and due is not None and due - now >= HELLO_RESEND_S * (1.0 - HELLO_RESEND_JITTER)


def test_an_answer_read_only_after_the_next_resend_was_due_measures_nothing() -> None:
    """The process stood still: how long the answer lay in the socket's buffer is not known."""
    client = connector()
    client.receive(33.0, COOKIE)
    assert client.rtt_s is None
    due = client.next_timeout()
    assert due is not None and due - 33.0 <= 1.1 * HELLO_RESEND_S


def test_standing_still_after_many_hellos_is_not_taken_for_a_long_path() -> None:
    client = connector()
    for now in (0.5, 1.5, 3.0):
        client.handle_timeout(now)
    client.receive(60.0, COOKIE)
    due = client.next_timeout()
    assert due is not None and due - 60.0 <= 1.1 * HELLO_RESEND_S


def test_no_resend_comes_before_the_latency_that_three_sends_suggest() -> None:
    client, latency_s = connector(), 1.2
    while (due := client.next_timeout()) is not None and due < latency_s:
        client.handle_timeout(due)
    assert len(sent(client)) >= 3
    client.receive(latency_s, COOKIE)
    waits, now = [], latency_s
    for _ in range(4):
        due = client.next_timeout()
        assert due is not None
        waits.append(due - now)
        client.handle_timeout(now := due)
    assert min(waits) >= 1.25 * latency_s * (1.0 - HELLO_RESEND_JITTER)


def test_an_outage_is_not_taken_for_a_long_path() -> None:
    """Else a forged Cookie, which comes before the true one, would cost more than a second."""
    client, came_back_at = connector(), FINISH_S_MAX + 0.5
    while (due := client.next_timeout()) is not None and due < came_back_at:
        client.handle_timeout(due)
    assert len(sent(client)) >= 3 and due is not None
    client.handle_timeout(due)
    client.receive(due + 0.001, Cookie(PROTOCOL_VERSION, INDEX, b"x" * 20))
    client.receive(due + 0.002, COOKIE)
    sent(client)
    again_at = client.next_timeout()
    assert again_at is not None and again_at - due <= 0.001 + 1.1 * HELLO_RESEND_S
    client.handle_timeout(again_at)
    [again] = sent(client)
    assert isinstance(again, Hello) and again.cookie == COOKIE.cookie


def test_what_a_refused_cookie_suggested_of_the_latency_is_void() -> None:
    """It came after the third Hello, forged, while the server was away; now the next forged one comes first again."""
    client, now = connector(), 0.0
    for letter, count in ((b"x", 2), (b"y", 3)):
        for _ in range(count):
            sent(client)
            now = client.next_timeout() or now
            client.handle_timeout(now)
        client.receive(now, Cookie(PROTOCOL_VERSION, INDEX, letter * 20))
    client.receive(now + 0.001, COOKIE)
    sent(client)
    again_at = client.next_timeout()
    assert again_at is not None and again_at - now <= 1.1 * HELLO_RESEND_S
    client.handle_timeout(again_at)
    [again] = sent(client)
    assert isinstance(again, Hello) and again.cookie == COOKIE.cookie


@pytest.mark.parametrize(("apart_s", "is_soon"), [(0.001, True), (HELLO_RESEND_S, False)])
def test_a_second_cookie_much_sooner_than_a_second_hello_answers_the_first(apart_s: float, is_soon: bool) -> None:
    """Seed 109056: an old cookie that a watcher sent again seemed to take 1.4 s, and the true one waited for 1.75 s."""
    client, now = connector(), 0.0
    while (due := client.next_timeout()) is not None and due < 1.2:
        client.handle_timeout(due)
    now = 1.2
    client.receive(now, Cookie(PROTOCOL_VERSION, INDEX, b"x" * 20))
    client.receive(now + apart_s, COOKIE)
    again_at = client.next_timeout()
    assert again_at is not None
    assert (again_at - now <= apart_s + 1.1 * HELLO_RESEND_S) == is_soon


def test_a_cookie_that_a_restarted_server_refused_is_replaced_at_once() -> None:
    client = connector()
    client.receive(0.03, COOKIE)
    due = client.next_timeout()
    assert due is not None
    client.handle_timeout(due)
    sent(client)
    client.receive(due + 0.01, Cookie(PROTOCOL_VERSION, INDEX, b"d" * 20))
    [again] = sent(client)
    assert isinstance(again, Hello) and again.cookie == b"d" * 20
    client.receive(due + 0.02, Cookie(PROTOCOL_VERSION, INDEX, b"e" * 20))
    assert sent(client) == []


def test_a_second_cookie_waits_for_the_next_resend() -> None:
    client = connector()
    client.receive(0.03, COOKIE)
    sent(client)
    client.receive(0.04, Cookie(PROTOCOL_VERSION, INDEX, b"d" * 20))
    assert sent(client) == []
    due = client.next_timeout()
    assert due is not None
    client.handle_timeout(due)
    [again] = sent(client)
    assert isinstance(again, Hello) and again.cookie == b"d" * 20


def test_an_old_cookie_is_thrown_away() -> None:
    client = connector()
    client.receive(0.0, COOKIE)
    sent(client)
    client.handle_timeout(8.1)
    [hello] = sent(client)
    assert isinstance(hello, Hello) and hello.cookie == NO_COOKIE


def test_a_reply_from_the_right_server_is_finished_and_the_session_stands() -> None:
    client = connector(check=lambda key: key == STATIC.public)
    [hello] = sent(client)
    client.receive(0.05, reply_to(hello))
    [finish] = sent(client)
    assert isinstance(finish, Finish) and finish.receiver_index == 77
    assert client.session is not None and client.phase is HandshakePhase.FINISH
    assert (client.session.index, client.session.peer_index) == (INDEX, 77)
    assert client.session.remote_static == STATIC.public
    assert client.rtt_s == pytest.approx(0.05)


def pass_time(client: HandshakeInitiator, until_s: float, answer: Callable[[float], None]) -> None:
    """Every timer until then, and after each of them what comes from outside."""
    while (due := client.next_timeout()) is not None and due <= until_s:
        client.handle_timeout(due)
        answer(due)


def test_a_wrong_server_key_is_refused_after_the_patience_and_ours_is_never_shown() -> None:
    client = connector(check=lambda key: False)
    [hello] = sent(client)
    assert refusal(client, reply_to(hello)) is Drop.FOREIGN_KEY
    assert client.phase is HandshakePhase.HELLO and client.refused_keys == ()
    pass_time(client, 0.1 + KEY_PATIENCE_S, lambda now: _ignored(client, now, reply_to(hello)))
    assert client.refused_keys == (STATIC.public,) and client.phase is HandshakePhase.REFUSED
    assert {type(packet) for packet in sent(client)} == {Hello}
    assert client.session is None and client.next_timeout() is None
    client.handle_timeout(100.0)
    assert sent(client) == []
    assert refusal(client, reply_to(hello)) is Drop.UNEXPECTED


def _ignored(client: HandshakeInitiator, now: float, packet: Packet) -> None:
    if client.phase is HandshakePhase.HELLO:
        assert refusal(client, packet, now) is Drop.FOREIGN_KEY


def test_the_right_key_is_taken_however_many_replies_of_others_came_before() -> None:
    client = connector(check=lambda key: key == STATIC.public)
    [hello] = sent(client)
    for number in range(10):
        assert refusal(client, reply_to(hello, static=KeyPair(bytes([number + 100]) * 32))) is Drop.FOREIGN_KEY
    client.receive(0.2, reply_to(hello))
    assert client.session is not None and client.session.remote_static == STATIC.public


def test_a_wrong_key_that_was_shown_once_is_forgotten() -> None:
    client = connector(check=lambda key: False)
    [hello] = sent(client)
    assert refusal(client, reply_to(hello)) is Drop.FOREIGN_KEY
    pass_time(client, 5 * KEY_PATIENCE_S, lambda now: None)
    assert client.phase is HandshakePhase.HELLO


def test_at_first_contact_one_key_is_taken_when_no_other_has_answered() -> None:
    client = connector(is_first_contact=True)
    [hello] = sent(client)
    client.receive(0.03, reply_to(hello))
    assert client.session is None and sent(client) == []
    pass_time(client, 0.03 + FIRST_CONTACT_S, lambda now: None)
    assert client.session is not None and isinstance(sent(client)[-1], Finish)
    assert client.rtt_s == pytest.approx(0.03)


def test_at_first_contact_two_keys_are_refused_both_and_ours_is_shown_to_neither() -> None:
    checked: list[bytes] = []
    client = connector(check=lambda key: not checked.append(key), is_first_contact=True)
    [hello] = sent(client)
    other = KeyPair(b"\x33" * 32)
    for static in (other, STATIC, other, KeyPair(b"\x34" * 32)):
        client.receive(0.05, reply_to(hello, static=static))
    pass_time(client, 10.0, lambda now: None)
    assert client.phase is HandshakePhase.REFUSED and client.refused_keys == (other.public, STATIC.public)
    assert checked == [] and not [packet for packet in sent(client) if isinstance(packet, Finish)]


def test_a_handshake_that_waits_sends_nothing_until_then_or_until_it_is_hastened() -> None:
    client = connector(wait_s=4.0)
    assert client.is_waiting and sent(client) == [] and client.next_timeout() == 4.0
    client.handle_timeout(3.9)
    assert sent(client) == []
    client.hasten(3.95)
    assert client.next_timeout() == 3.95
    client.handle_timeout(3.95)
    assert not client.is_waiting and len(sent(client)) == 1
    client.hasten(3.96)
    client.handle_timeout(3.96)
    assert sent(client) == []


def test_cookies_that_contradict_each_other_hasten_the_next_hello_and_one_that_comes_again_does_not() -> None:
    for letters, is_hastened in ((b"ccc", False), (b"def", True)):
        client = connector()
        client.receive(0.01, COOKIE)
        pass_time(client, 5.0, lambda now: None)  # the pauses have grown
        before = client.next_timeout()
        for letter in letters:
            client.receive(5.0, Cookie(PROTOCOL_VERSION, INDEX, bytes([letter]) * 20))
        after = client.next_timeout()
        assert before is not None and after is not None
        assert (after < before) is is_hastened and after <= max(before, 5.0 + HELLO_RESEND_S)


def test_of_several_cookies_after_the_first_each_may_be_chosen() -> None:
    chosen = set()
    for seed in range(40):
        client = connector(seed=seed)
        client.receive(0.03, COOKIE)
        sent(client)
        for letter in (b"d", b"e", b"f"):
            client.receive(0.04, Cookie(PROTOCOL_VERSION, INDEX, letter * 20))
        pass_time(client, 0.5, lambda now: None)
        again = sent(client)[0]
        assert isinstance(again, Hello)
        chosen.add(again.cookie[:1])
    assert chosen == {b"d", b"e", b"f"}


def test_who_forges_cookies_all_the_time_holds_nobody_off_whose_server_is_far_away() -> None:
    """As found, only replies to the latest four cookies could be read, and in a round trip of 1.25 s more were sent."""
    client = connector()
    client.receive(0.0, COOKIE)
    true = next(hello for hello in sent(client) if isinstance(hello, Hello) and hello.cookie == COOKIE.cookie)
    cookies = set()
    for step in range(125):
        now = 0.01 * step
        if (due := client.next_timeout()) is not None and due <= now:
            client.handle_timeout(now)
        client.receive(now, Cookie(PROTOCOL_VERSION, INDEX, bytes([step + 1]) * 20))
        cookies |= {hello.cookie for hello in sent(client) if isinstance(hello, Hello)}
    assert len(cookies) > 4
    client.receive(1.25, reply_to(true))
    assert client.phase is HandshakePhase.FINISH


def test_forged_and_corrupt_replies_change_nothing() -> None:
    client = connector()
    [hello] = sent(client)
    true = reply_to(hello)
    stranger = NoiseInitiator(static=CLIENT_STATIC, ephemeral=KeyPair(b"\x06" * 32)).public
    forged = [
        HelloReply(INDEX, 77, bytes(len(true.noise))),
        HelloReply(INDEX, 77, true.noise[:-1] + bytes([true.noise[-1] ^ 1])),
        HelloReply(INDEX, 78, true.noise),  # a flip outside the Noise message
        reply_to(Hello(1, INDEX, stranger)),
        reply_to(hello, payload=b"not the header"),
    ]
    for packet in forged:
        assert refusal(client, packet) is Drop.BAD_HANDSHAKE
    assert client.phase is HandshakePhase.HELLO and sent(client) == []
    client.receive(0.2, true)
    assert client.session is not None


def test_packets_for_another_index_or_phase_are_dropped() -> None:
    client = connector()
    [hello] = sent(client)
    assert refusal(client, Cookie(PROTOCOL_VERSION, 99, b"c" * 20)) is Drop.UNKNOWN_SESSION
    assert refusal(client, Reset(INDEX)) is Drop.UNEXPECTED
    client.receive(0.1, reply_to(hello))
    assert refusal(client, COOKIE) is refusal(client, reply_to(hello)) is Drop.UNEXPECTED


def test_a_server_of_another_version_is_named_but_not_believed_for_ever() -> None:
    client = connector()
    [hello] = sent(client)
    client.receive(0.1, Cookie(9, INDEX, NO_COOKIE))
    assert client.version_mismatch == 9
    assert client.next_timeout() is not None
    client.receive(0.2, reply_to(hello))
    assert client.phase is HandshakePhase.FINISH
    mismatch: int | None = client.version_mismatch
    assert mismatch is None


def test_a_corrupt_version_is_not_a_mismatch() -> None:
    client = connector()
    assert refusal(client, Cookie(9, INDEX, b"c" * 20)) is Drop.BAD_COOKIE
    assert refusal(client, Cookie(PROTOCOL_VERSION, INDEX, NO_COOKIE)) is Drop.BAD_COOKIE
    assert client.version_mismatch is None


def test_a_finish_is_resent_until_confirmed() -> None:
    client = connector()
    [hello] = sent(client)
    client.receive(0.0, reply_to(hello))
    [finish] = sent(client)
    due = client.next_timeout()
    assert due is not None
    client.handle_timeout(due)
    assert sent(client) == [finish]
    client.confirm()
    assert client.phase is HandshakePhase.CONFIRMED and client.next_timeout() is None


def test_without_an_answer_to_the_finish_all_starts_over_with_a_new_key() -> None:
    client = connector()
    [hello] = sent(client)
    client.receive(0.0, reply_to(hello))
    while client.phase is HandshakePhase.FINISH:
        due = client.next_timeout()
        assert due is not None and due <= FINISH_S_MAX
        client.handle_timeout(due)
    again = sent(client)[-1]
    assert isinstance(hello, Hello) and isinstance(again, Hello)
    assert again.ephemeral != hello.ephemeral and again.cookie == NO_COOKIE
    assert client.session is None


def test_a_clean_handshake_takes_two_round_trips_and_a_half() -> None:
    link = Link()  # S01
    link.run()
    assert link.now - 100.0 == pytest.approx(6 * link.delay_s)  # the sixth flight is the first Data
    assert link.connector.rtt_s == pytest.approx(2 * link.delay_s)
    [accepted] = link.accepted
    assert accepted.payload == b"join" and accepted.session.remote_static == CLIENT_STATIC.public
    assert link.client_heard == [b"welcome"] and link.hellos == 2


def test_the_two_ends_talk_and_agree() -> None:
    link = Link()
    link.run()
    [accepted] = link.accepted
    client, server = link.connector.session, accepted.session
    assert client is not None
    assert server.open_untrusted(link.now, client.seal(b"hello"), CLIENT) == b"hello"
    assert client.open_untrusted(link.now, server.seal(b"hello you"), SERVER) == b"hello you"
    assert server.path.address == CLIENT and not server.path.is_checking


def test_data_may_follow_the_finish_at_once() -> None:
    link = Link()
    link.run(until_s=4 * link.delay_s)
    assert link.connector.session is not None and link.accepted == []
    link.send(link.connector.session.seal(b"early"), is_up=True)
    link.run()
    assert link.server_heard == [b"early"]


def test_a_satellite_away_it_takes_few_hellos_and_one_session() -> None:
    link = Link(delay_s=0.75)  # S02
    link.run()
    assert link.connector.phase is HandshakePhase.CONFIRMED and len(link.accepted) == 1
    assert link.hellos <= 5
    assert link.connector.rtt_s == pytest.approx(1.5)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("direction", ["up", "down"])
def test_any_one_flight_may_be_lost(direction: str, number: int) -> None:
    lossy = drop_number(number)  # S05
    link = Link(up=lossy) if direction == "up" else Link(down=lossy)
    link.run()
    assert link.connector.phase is HandshakePhase.CONFIRMED and len(link.accepted) == 1
    assert link.now - 100.0 < 1.0


@pytest.mark.parametrize("corrupt", [False, True], ids=["loss", "corruption"])
def test_fifty_peers_join_through_thirty_percent(corrupt: bool) -> None:
    for seed in range(50):  # S03, S04
        random = Random(seed)
        faults = [bursts(random, 0.3, corrupt=corrupt) for _ in range(2)]
        link = Link(up=faults[0], down=faults[1], seed=seed)
        link.run()
        assert link.connector.phase is HandshakePhase.CONFIRMED, seed
        assert set(link.client_heard) == {b"welcome"} and all(a.payload == b"join" for a in link.accepted)
        assert link.connector.session is not None
        body = link.accepted[-1].session.open_untrusted(link.now, link.connector.session.seal(b"said"), CLIENT)
        assert body == b"said"
        assert link.bytes_down <= 3 * link.bytes_up


def test_a_server_that_restarts_between_cookie_and_hello_is_joined() -> None:
    link = Link()
    link.run(until_s=2 * link.delay_s)
    link.acceptor = HandshakeResponder(static=STATIC, random=Random(9).randbytes, is_index_free=lambda index: True)
    link.run()
    assert link.connector.phase is HandshakePhase.CONFIRMED and link.now - 100.0 < 1.0
