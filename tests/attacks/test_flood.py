"""Who says more than others can read waits, and loses nothing; everybody else does not wait (SPEC 6.7, Reach)."""

from __future__ import annotations

import itertools

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig
from udpchat.server import backlog
from udpchat.server.credit import FOLLOWERS_CHARGED_MAX
from udpchat.server.registry import Peer
from udpchat.wire import frames, requests
from udpchat.wire.content import REACTION, TEXT, Extra, Reason
from udpchat.wire.limits import (
    HOLD_REPORTED_S_MIN,
    REACH_OF_KEY,
    REACH_OF_SOURCE,
    REQUESTS_IN_FLIGHT_MAX,
    ROSTER_REACHED_SHARE,
)
from udpchat.wire.requests import Say, Stored, Tell

LINE = Say("lobby", TEXT, "x")
OTHERS = 20
BURST, PER_S = REACH_OF_KEY


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all ask for together has no limit here (test_crowd.py)."""
    monkeypatch.setattr(backlog, "REACH_IN_ALL", (1e9, 1e9))


def crowded(others: int = OTHERS) -> Rig:
    rig = Rig()
    for number in range(others):
        rig.device(f"person{number}", "lobby")
    return rig


def talk(rig: Rig, peer: Peer, request: requests.RequestBody = LINE, count: int = 1_000) -> int:
    """A device asks the same until it is not answered at once; how often it was."""
    for done in range(count):
        counter = rig.ask(peer, request)
        rig.write()
        if rig.result(peer, counter) is None:
            return done
    return count


def test_who_talks_to_many_has_a_burst_and_then_a_rate_and_every_line_is_stored_in_order() -> None:
    rig = crowded()
    mallory = rig.device("mallory", "lobby")
    assert talk(rig, mallory) == BURST // OTHERS
    counters = [rig.ask(mallory, Say("lobby", TEXT, f"line {number}")) for number in range(REQUESTS_IN_FLIGHT_MAX - 1)]
    rig.write()
    assert rig.result(mallory, counters[0]) is None
    began = rig.now
    while rig.result(mallory, counters[-1]) is None:
        due = rig.server.next_timeout()
        assert due is not None and due <= began + len(counters) + 2
        rig.now = max(due, rig.now)
        rig.handle_timeouts()
        rig.write()
    assert rig.now - began == pytest.approx((len(counters) + 1) * OTHERS / PER_S, rel=0.05)
    assert rig.texts("#lobby")[-len(counters) :] == [f"line {number}" for number in range(len(counters))]


def test_the_lines_of_others_do_not_wait() -> None:
    rig = crowded()
    mallory, alice = rig.device("mallory", "lobby"), rig.device("alice", "lobby")
    talk(rig, mallory)
    assert talk(rig, alice, count=100) == 100


def test_all_devices_of_a_person_share_the_rate_and_so_do_all_people_at_one_source() -> None:
    rig = crowded()
    key = b"m" * 32
    said = sum(talk(rig, rig.device("mallory", "lobby", key=key)) for _ in range(4))
    assert said <= BURST // OTHERS + 2
    host = "10.7.7.7"
    crowd = []
    for number in range(2 * REACH_OF_SOURCE[0] // BURST):
        peer = rig.stranger(host=host)
        rig.enter(peer, f"crowd{number}")
        rig.write()
        crowd.append(peer)
    assert sum(talk(rig, peer) for peer in crowd) == pytest.approx(REACH_OF_SOURCE[0] / (OTHERS + 3), rel=0.05)


@pytest.mark.parametrize("others", [0, 1])
def test_who_talks_to_nobody_or_to_one_person_is_not_slowed(others: int) -> None:
    rig = crowded(others)
    assert talk(rig, rig.device("alice", "lobby"), count=BURST // 2) == BURST // 2


def test_in_a_large_room_no_more_count_than_64() -> None:
    rig = crowded(FOLLOWERS_CHARGED_MAX + 30)
    assert talk(rig, rig.device("mallory", "lobby")) == BURST // (FOLLOWERS_CHARGED_MAX - 1)


def test_a_private_line_and_whatever_else_is_said_counts_too() -> None:
    rig = crowded()
    bob = [rig.device("bob", key=b"b" * 32) for _ in range(4)]
    assert talk(rig, rig.device("mallory"), Tell("bob", TEXT, "x"), count=2_000) <= BURST // len(bob) + 1
    said = Say("lobby", REACTION, "👍", Extra(bytes(8), b"", 1))
    assert talk(rig, rig.device("eve", "lobby"), said) == BURST // OTHERS


def test_changes_of_rosters_count_less() -> None:
    rig = crowded()
    mallory = rig.device("mallory", "lobby")
    assert talk(rig, mallory, requests.SetAway("out")) == pytest.approx(BURST / OTHERS / ROSTER_REACHED_SHARE, rel=0.1)


def test_a_follow_that_is_too_much_is_dropped_until_there_is_enough_again() -> None:
    rig = crowded()
    member = Member(rig)
    member.enter("mallory")
    joined = 0
    while any(isinstance(answer, frames.Heads) for answer in member.send(frames.Follow("#lobby"))):
        joined += 1
        peer = rig.chat.registry.entered(member.key.public)[0]
        rig.chat.rooms.part(rig.now, peer, "lobby", Reason.PARTED)
    assert joined == pytest.approx(BURST / OTHERS / ROSTER_REACHED_SHARE, rel=0.1)
    assert rig.server.counters["rate limited"] == 1
    rig.now += 1.0
    assert any(isinstance(answer, frames.Heads) for answer in member.send(frames.Follow("#lobby")))


def test_who_has_to_wait_long_is_informed_once_a_second() -> None:
    rig = crowded(FOLLOWERS_CHARGED_MAX)
    member = Member(rig)
    member.enter("mallory")
    member.send(frames.Follow("#lobby"))
    for counter in itertools.count(1):
        sent = member.send(frames.Request(counter, counter, Say("lobby", TEXT, "x")))
        if not any(isinstance(answer, frames.Result) for answer in sent):
            break
    more = [frames.Request(counter + at, counter, Say("lobby", TEXT, "x")) for at in range(1, 20)]
    holds = [answer for answer in member.send(*more) if isinstance(answer, frames.Hold)]
    for _ in range(5):
        rig.now += 0.1
        holds += [answer for answer in member.send(*more[-1:]) if isinstance(answer, frames.Hold)]
    assert len(holds) == 1 and holds[0].wait_ms >= 1_000 * HOLD_REPORTED_S_MIN


def test_a_line_that_waits_is_repeated_in_the_next_session_and_stored_once() -> None:
    rig = crowded()
    mallory = rig.device("mallory", "lobby")
    said = talk(rig, mallory)
    rig.renew(mallory)
    rig.now += 5.0
    rig.handle_timeouts()
    rig.write()
    assert len(rig.texts("#lobby")) == said, "what waited is forgotten with the session"
    counter = rig.ask(mallory, Say("lobby", TEXT, "x"), counter=said + 1)
    rig.write()
    assert isinstance(rig.result(mallory, counter), Stored) and len(rig.texts("#lobby")) == said + 1
