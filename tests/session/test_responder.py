"""The server's door: nothing for strangers, once for everyone else, bounded for all."""

from collections.abc import Container
from contextlib import suppress
from random import Random

import pytest

from tests.session.link import CLIENT, CLIENT_STATIC, STATIC
from udpchat.session import responder as accept
from udpchat.session.noise import KeyPair, NoiseInitiator
from udpchat.session.responder import AcceptedHandshake, HandshakeResponder
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    FINISHES_MAX,
    HANDSHAKE_LIFETIME_S,
    HANDSHAKES_PER_HOST_BURST,
    HELLO_BYTES,
    PROTOCOL_VERSION,
    REPEATS_MAX,
)
from udpchat.wire.packets import NO_COOKIE, Address, Cookie, Finish, Hello, HelloReply, parse_packet_untrusted


def door(used: Container[int] = ()) -> HandshakeResponder:
    """A server's door; these are the indexes of sessions."""
    return HandshakeResponder(static=STATIC, random=Random(1).randbytes, is_index_free=lambda index: index not in used)


class Caller:
    """A client by hand, one step at a time."""

    def __init__(self, acceptor: HandshakeResponder, seed: int = 2, address: Address = CLIENT) -> None:
        self.acceptor, self.address, self.index = acceptor, address, seed
        self.noise = NoiseInitiator(static=CLIENT_STATIC, ephemeral=KeyPair(Random(seed).randbytes(32)))

    def hello(self, now: float, cookie: bytes = NO_COOKIE) -> bytes:
        hello = Hello(PROTOCOL_VERSION, self.index, self.noise.public, cookie)
        return self.acceptor.receive_hello(now, self.address, hello)

    def cookie(self, now: float) -> bytes:
        answer = parse_packet_untrusted(self.hello(now))
        assert isinstance(answer, Cookie) and answer.receiver_index == self.index
        return answer.cookie

    def reply(self, now: float) -> HelloReply:
        self.sent = self.cookie(now)
        answer = parse_packet_untrusted(self.hello(now, self.sent))
        assert isinstance(answer, HelloReply) and answer.receiver_index == self.index
        return answer

    def finish(self, now: float) -> Finish:
        reply = self.reply(now)
        message, _ = self.noise.read_reply_untrusted(reply.noise, [self.sent]).finish(b"join")
        return Finish(reply.sender_index, message)

    def accepted(self, now: float, finish: Finish) -> AcceptedHandshake:
        return self.acceptor.receive_finish(now, self.address, finish)

    def finish_refusal(self, now: float, finish: Finish) -> Drop:
        with pytest.raises(BadDatagram) as caught:
            self.accepted(now, finish)
        return caught.value.reason


def test_a_stranger_gets_a_cookie_and_leaves_no_state() -> None:
    acceptor = door()
    for seed in range(100):
        answer = Caller(acceptor, seed).hello(0.0)
        assert isinstance(parse_packet_untrusted(answer), Cookie)
    assert len(acceptor) == 0 and acceptor.next_timeout() is None


def test_a_bad_or_stale_cookie_gets_a_fresh_one() -> None:
    acceptor = door()
    caller = Caller(acceptor)
    stale = caller.cookie(0.0)
    for now, cookie in ((11.0, stale), (11.0, b"x" * 20)):
        assert isinstance(parse_packet_untrusted(caller.hello(now, cookie)), Cookie)
    assert len(acceptor) == 0


def test_another_version_is_told_ours() -> None:
    hello = Hello(PROTOCOL_VERSION + 1, 5, bytes(range(32)))
    answer = parse_packet_untrusted(door().receive_hello(0.0, CLIENT, hello))
    assert answer == Cookie(PROTOCOL_VERSION, 5, NO_COOKIE)


def test_no_answer_is_longer_than_the_hello() -> None:
    caller = Caller(door())
    assert len(caller.hello(0.0)) < HELLO_BYTES
    assert len(caller.reply(0.0).encode()) < HELLO_BYTES


def test_a_repeated_hello_gets_the_same_reply_and_no_second_state() -> None:
    acceptor = door()
    caller = Caller(acceptor)
    cookie = caller.cookie(0.0)
    assert caller.hello(0.0, cookie) == caller.hello(3.0, cookie) == caller.hello(7.0, cookie)
    assert len(acceptor) == 1


def test_a_hello_with_another_cookie_is_answered_for_itself() -> None:
    acceptor = door()
    caller = Caller(acceptor)
    first, second = (parse_packet_untrusted(caller.hello(1.0, caller.cookie(at))) for at in (0.0, 1.0))
    assert (
        isinstance(first, HelloReply) and isinstance(second, HelloReply) and first.sender_index != second.sender_index
    )
    assert len(acceptor) == 2


def test_a_finish_makes_a_session_with_a_proved_path() -> None:
    caller = Caller(door())
    accepted = caller.accepted(0.0, caller.finish(0.0))
    session = accepted.session
    assert accepted.payload == b"join"
    assert session.remote_static == CLIENT_STATIC.public and session.peer_index == caller.index
    assert session.path.address == CLIENT and not session.path.is_checking


def test_a_repeated_finish_gets_the_same_session_for_a_while() -> None:
    used: set[int] = set()
    caller = Caller(door(used))
    finish = caller.finish(0.0)
    first = caller.accepted(1.0, finish)
    used.add(first.session.index)
    assert caller.accepted(1.0 + HANDSHAKE_LIFETIME_S * 0.9, finish) is first
    assert caller.finish_refusal(1.0 + HANDSHAKE_LIFETIME_S, finish) is Drop.UNKNOWN_SESSION


def test_a_finish_is_answered_no_more_when_its_session_has_ended() -> None:
    used: set[int] = set()
    caller = Caller(door(used))
    finish = caller.finish(0.0)
    index = caller.accepted(0.0, finish).session.index
    used.add(index)
    assert caller.accepted(0.1, finish)
    used.remove(index)
    assert caller.finish_refusal(0.2, finish) is Drop.UNKNOWN_SESSION
    assert Caller(caller.acceptor, 3).reply(0.2).sender_index != index


def test_repeats_of_a_finish_are_answered_so_often() -> None:
    used: set[int] = set()
    caller = Caller(door(used))
    finish = caller.finish(0.0)
    used.add(caller.accepted(0.0, finish).session.index)
    for _ in range(REPEATS_MAX):
        assert caller.accepted(0.1, finish)
    assert caller.finish_refusal(0.1, finish) is Drop.RATE_LIMITED


def test_sessions_are_in_the_order_in_which_their_handshakes_began() -> None:
    acceptor = door()
    early, late = Caller(acceptor, 2), Caller(acceptor, 3)
    first, second = early.finish(0.0), late.finish(0.0)
    later, former = late.accepted(0.1, second).session, early.accepted(0.2, first).session
    assert former.order < later.order


def test_another_finish_after_the_true_one_is_refused() -> None:
    caller = Caller(door())
    finish = caller.finish(0.0)
    caller.accepted(0.0, finish)
    assert caller.finish_refusal(0.0, Finish(finish.receiver_index, finish.noise + b"x")) is Drop.BAD_HANDSHAKE


def test_a_corrupt_finish_does_not_destroy_the_handshake() -> None:
    caller = Caller(door())
    finish = caller.finish(0.0)
    wrong = Finish(finish.receiver_index, finish.noise[:-1] + bytes([finish.noise[-1] ^ 1]))
    for _ in range(FINISHES_MAX - 1):
        assert caller.finish_refusal(0.0, wrong) is Drop.BAD_HANDSHAKE
    assert caller.accepted(0.0, finish).payload == b"join"


def test_a_client_that_seals_other_keys_in_one_handshake_is_limited() -> None:
    caller = Caller(door())
    reply = caller.reply(0.0)
    reasons = []
    for number in range(FINISHES_MAX + 1):
        static = KeyPair(bytes([number + 1]) * 32)
        noise = NoiseInitiator(static=static, ephemeral=KeyPair(Random(2).randbytes(32)))
        message, _ = noise.read_reply_untrusted(reply.noise, [caller.sent]).finish(b"join")
        reasons.append(caller.finish_refusal(0.0, Finish(reply.sender_index, message[:-1] + b"x")))
    assert reasons == [Drop.BAD_HANDSHAKE] * FINISHES_MAX + [Drop.RATE_LIMITED]


def test_steps_that_cost_curve_operations_are_counted_and_copies_are_not() -> None:
    used: set[int] = set()
    acceptor = door(used)
    caller = Caller(acceptor)
    finish = caller.finish(0.0)
    caller.reply(0.0)
    assert (acceptor.begun, acceptor.finished) == (1, 0)
    wrong = Finish(finish.receiver_index, bytes(len(finish.noise)))
    assert caller.finish_refusal(0.0, wrong) is Drop.BAD_HANDSHAKE
    assert (acceptor.begun, acceptor.finished) == (1, 0)
    used.add(caller.accepted(0.0, finish).session.index)
    caller.accepted(0.1, finish)
    assert (acceptor.begun, acceptor.finished) == (1, 1)


def test_who_only_saw_the_finish_can_use_up_nothing_of_its_handshake() -> None:
    caller = Caller(door())
    finish = caller.finish(0.0)
    for number in range(10 * FINISHES_MAX):
        wrong = bytearray(finish.noise)
        wrong[number % len(wrong)] ^= 1
        assert caller.finish_refusal(0.0, Finish(finish.receiver_index, bytes(wrong))) is Drop.BAD_HANDSHAKE
    assert caller.accepted(0.0, finish)


def test_a_finish_from_another_address_or_of_no_handshake_is_unknown() -> None:
    caller = Caller(door())
    finish = caller.finish(0.0)
    caller.address = ("10.0.0.1", 5001)
    assert caller.finish_refusal(0.0, finish) is Drop.UNKNOWN_SESSION
    caller.address = CLIENT
    assert caller.finish_refusal(0.0, Finish(finish.receiver_index ^ 1, finish.noise)) is Drop.UNKNOWN_SESSION
    assert caller.accepted(0.0, finish)


def test_a_half_open_handshake_dies_by_itself() -> None:
    acceptor = door()
    caller = Caller(acceptor)
    finish = caller.finish(0.0)
    assert acceptor.next_timeout() is not None
    acceptor.handle_timeout(HANDSHAKE_LIFETIME_S)
    assert len(acceptor) == 0 and acceptor.next_timeout() is None
    assert caller.finish_refusal(HANDSHAKE_LIFETIME_S, finish) is Drop.UNKNOWN_SESSION


def test_one_host_is_limited_and_another_is_not() -> None:
    acceptor = door()
    for seed in range(HANDSHAKES_PER_HOST_BURST):
        Caller(acceptor, seed).reply(0.0)
    with pytest.raises(BadDatagram) as caught:
        Caller(acceptor, 1000, ("10.0.0.1", 6000)).reply(0.0)
    assert caught.value.reason is Drop.RATE_LIMITED
    assert Caller(acceptor, 1001, ("10.0.0.2", 6000)).reply(0.0)


def test_all_hosts_of_a_source_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept.limits, "HANDSHAKES_PER_SOURCE_BURST", 3)
    acceptor = door()
    for seed in range(3):
        Caller(acceptor, seed, Address(f"2001:db8::{seed + 1:x}", 1)).reply(0.0)
    with pytest.raises(BadDatagram) as caught:
        Caller(acceptor, 9, Address("2001:db8::ffff", 1)).reply(0.0)
    assert caught.value.reason is Drop.RATE_LIMITED
    assert Caller(acceptor, 10, Address("2001:db8:0:1::1", 1)).reply(0.0)


def test_strangers_do_not_spend_the_tokens_of_those_they_name() -> None:
    acceptor = door()
    for seed in range(10 * HANDSHAKES_PER_HOST_BURST):
        Caller(acceptor, seed).hello(0.0, b"forged".ljust(20))
    assert Caller(acceptor, 0).reply(0.0)


def test_in_a_full_table_the_source_with_most_gives_way_with_its_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept.limits, "HANDSHAKES_MAX", 3)
    acceptor = door()
    alone = Caller(acceptor, 1, Address("10.0.0.7", 1))
    finishes = {alone: alone.finish(0.0)}
    for seed in (2, 3, 4, 5):
        caller = Caller(acceptor, seed)
        finishes[caller] = caller.finish(0.0)
        assert len(acceptor) <= 3
    kept = []
    for caller, finish in finishes.items():
        with suppress(BadDatagram):
            caller.accepted(0.1, finish)
            kept.append(caller.index)
    assert kept == [1, 4, 5]
    acceptor.handle_timeout(0.1 + HANDSHAKE_LIFETIME_S)
    assert len(acceptor) == 0


def test_an_index_in_use_is_not_given_again() -> None:
    sequence = Random(1)
    taken: set[int] = set()
    acceptor = HandshakeResponder(
        static=STATIC, random=sequence.randbytes, is_index_free=lambda index: index not in taken
    )
    first = Caller(acceptor, 2).reply(0.0).sender_index
    taken.add(first)
    assert Caller(acceptor, 3).reply(0.0).sender_index not in taken
    draws = [5, 5, 6]  # the second handshake draws the index of the first
    repeating = HandshakeResponder(
        static=STATIC,
        random=lambda size: draws.pop(0).to_bytes(4, "big") if size == 4 else sequence.randbytes(size),
        is_index_free=lambda index: True,
    )
    assert [Caller(repeating, seed).reply(0.0).sender_index for seed in (2, 3)] == [5, 6]
    full = HandshakeResponder(static=STATIC, random=sequence.randbytes, is_index_free=lambda index: False)
    with pytest.raises(BadDatagram) as caught:
        Caller(full, 4).reply(0.0)
    assert caught.value.reason is Drop.TABLE_FULL


def test_a_hello_whose_key_is_none_is_refused_without_state() -> None:
    acceptor = door()
    cookie = parse_packet_untrusted(acceptor.receive_hello(0.0, CLIENT, Hello(PROTOCOL_VERSION, 1, bytes(32))))
    assert isinstance(cookie, Cookie)
    with pytest.raises(BadDatagram) as caught:
        acceptor.receive_hello(0.0, CLIENT, Hello(PROTOCOL_VERSION, 1, bytes(32), cookie.cookie))
    assert caught.value.reason is Drop.BAD_HANDSHAKE and len(acceptor) == 0


def test_a_handshake_ends_at_the_address_of_ours_at_which_it_began() -> None:
    caller = Caller(door(), address=Address(*CLIENT[:2], "192.168.1.1"))
    finish = caller.finish(0.0)
    caller.address = caller.address._replace(local="192.168.1.2")
    assert caller.finish_refusal(0.1, finish) is Drop.UNKNOWN_SESSION
    caller.address = caller.address._replace(local="192.168.1.1")
    assert caller.accepted(0.2, finish).session.path.address == caller.address
