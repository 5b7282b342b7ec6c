"""Requests that wait for their turn, fragments and answers kept for repetition are bounded in bytes, for a device, a
person, a host and in all (SPEC 5.6, 6.9).

As found, a device held 508 KB of requests by withholding one, and as much in answers that it never acknowledged: 10 GB
at 20,000 peers.
"""

from __future__ import annotations

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.server.registry import Peer
from udpchat.session.noise import KeyPair
from udpchat.sync.fragments import split
from udpchat.wire import frames, limits
from udpchat.wire.errors import Drop
from udpchat.wire.frames import encode
from udpchat.wire.limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    REQUEST_BYTES_PER_KEY_MAX,
    REQUEST_BYTES_PER_PEER_MAX,
    REQUESTS_IN_FLIGHT_MAX,
)
from udpchat.wire.requests import GetHistory, Say

LONG = "x" * 16_000
WHOLE_BYTES = FRAGMENT_BYTES * FRAGMENTS_MAX


def text_held(peer: Peer) -> int:
    """How much text waits for its turn; it does not afterwards."""
    size = 0
    while (held := peer.window.take_held(lambda request: True)) is not None:
        assert isinstance(held[1], Say)
        size += len(held[1].text)
    return size


def peer_of(rig: Rig, member: Member) -> Peer:
    return rig.chat.registry.peers_of(member.key.public)[-1]


def say_long(member: Member, counter: int, *, first_open: int = 1, fragments_max: int = FRAGMENTS_MAX) -> None:
    parts = split(encode(Say("lobby", 0, LONG)))
    for index, data in enumerate(parts[:fragments_max]):
        member.send(frames.RequestFragment(counter, first_open, index, len(parts), data))


def withhold_first(rig: Rig, nick: str, host: str = "10.6.6.6", key: KeyPair | None = None) -> Member:
    member = Member(rig, host, key=key, port=len(rig.chat.registry) + 1)
    member.enter(nick)
    for counter in range(2, REQUESTS_IN_FLIGHT_MAX + 1):
        say_long(member, counter)
    return member


def test_a_device_that_withholds_a_request_makes_the_server_hold_little() -> None:
    rig = Rig()
    member = withhold_first(rig, "mallory")
    assert rig.server.counters[Drop.NO_ROOM] > 0
    assert 0 < rig.chat.quotas.request_bytes.total <= REQUEST_BYTES_PER_PEER_MAX
    assert 0 < text_held(peer_of(rig, member)) <= REQUEST_BYTES_PER_PEER_MAX


def test_the_devices_of_one_person_hold_what_a_person_may() -> None:
    rig, key = Rig(), KeyPair(b"m" * 32)
    for _ in range(8):
        withhold_first(rig, "mallory", key=key)
    assert sum(map(text_held, rig.chat.registry.peers_of(key.public))) <= REQUEST_BYTES_PER_KEY_MAX


def test_the_next_request_is_taken_though_the_others_filled_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_BYTES_MAX", 4 * WHOLE_BYTES)
    monkeypatch.setattr(limits, "REQUEST_BYTES_PER_SOURCE", 2 * WHOLE_BYTES)
    rig = Rig()
    for host in range(4):
        withhold_first(rig, f"mallory{host}", f"10.6.6.{host}")
    assert rig.chat.quotas.request_bytes.total > 3 * WHOLE_BYTES
    alice = Member(rig, "10.0.0.1")
    alice.enter("alice")
    for counter in range(1, 6):
        say_long(alice, counter, first_open=counter)
    assert rig.texts("#lobby") == [LONG] * 5


def test_short_requests_are_counted_with_the_memory_that_they_take() -> None:
    """As found: one in two fragments of a byte and a few counted as so many bytes."""
    rig = Rig()
    member = Member(rig, "10.6.6.6")
    member.enter("mallory")
    body = encode(Say("lobby", 0, "x"))
    for counter in range(2, 12):
        member.send(frames.Request(counter, 1, Say("lobby", 0, "x")))
    for counter in range(12, 22):
        for index, data in enumerate((body[:1], body[1:])):
            member.send(frames.RequestFragment(counter, 1, index, 2, data))
    peer = peer_of(rig, member)
    assert len(peer.window.held) == 20
    assert 20 * limits.REQUEST_MEMORY_BYTES < peer.window.bytes_held < 20 * (limits.REQUEST_MEMORY_BYTES + 60)


def test_what_was_held_is_free_when_it_is_carried_out_or_its_device_is_gone() -> None:
    rig = Rig()
    member, other = withhold_first(rig, "mallory"), withhold_first(rig, "trudy", "10.6.6.7")
    say_long(member, 1)
    member.send(frames.Ping(1))
    member.send(frames.Request(33, 33, GetHistory("#lobby", None, None, 1)))
    rig.leave(peer_of(rig, other))
    say_long(member, 34, first_open=34, fragments_max=3)
    peer = peer_of(rig, member)
    counted = rig.chat.quotas.request_bytes.total
    assert counted > 0 and abs(counted - peer.window.bytes_held) < limits.REQUEST_BLOCK_BYTES
    rig.leave(peer)
    assert rig.chat.quotas.request_bytes.total == 0


def test_answers_that_are_not_acknowledged_are_kept_within_the_same_bound() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for counter in range(1, 4):
        rig.ask(alice, Say("lobby", 0, LONG[:11_000]), counter=counter)
    rig.write()
    member = Member(rig)
    member.enter("mallory")
    for counter in range(1, REQUESTS_IN_FLIGHT_MAX + 1):
        member.send(frames.Request(counter, 1, GetHistory("#lobby", None, None, 1)))
    window = peer_of(rig, member).window
    answers = [answer for counter in range(1, 33) if (answer := window.answer_of(counter)) is not None]
    assert 3 < len(answers) < 8 and sum(map(len, answers)) <= REQUEST_BYTES_PER_PEER_MAX


def test_who_acknowledges_answers_gets_the_others() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    rig.ask(alice, Say("lobby", 0, LONG[:11_000]))
    rig.write()
    bob = Member(rig, "10.0.0.1")
    bob.enter("bob")
    window = peer_of(rig, bob).window
    for counter in range(1, REQUESTS_IN_FLIGHT_MAX + 1):
        bob.send(frames.Request(counter, 1, GetHistory("#lobby", None, None, 1)))
    first_open = 1
    while first_open < REQUESTS_IN_FLIGHT_MAX:
        assert window.answer_of(first_open) is not None
        while window.answer_of(first_open) is not None:
            first_open += 1
        last = min(first_open, REQUESTS_IN_FLIGHT_MAX)
        bob.send(frames.Request(last, last, GetHistory("#lobby", None, None, 1)))
