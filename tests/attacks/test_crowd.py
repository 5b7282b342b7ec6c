"""Many members, each within its share, do not keep out those who were here before them (SPEC 6.7).

As found, 1,500 sources wrote some 4,000 lines a second into a room of ten: ten clients could not read as much, and a
line of one of them was read by all after 2 s, half of them later.
"""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server.backlog import KEPT_SHARE
from udpchat.server.registry import Peer
from udpchat.wire.content import TEXT
from udpchat.wire.limits import REACH_IN_ALL
from udpchat.wire.requests import Say, Stored

READERS = 10
CROWD, LINES = 100, 8
BURST, PER_S = REACH_IN_ALL
AT_ONCE = (1.0 - KEPT_SHARE) * BURST / (READERS - 1)


@pytest.fixture
def rig(short_turns: None) -> Rig:
    return Rig()


def room_of_readers(rig: Rig) -> list[Peer]:
    """Ten people who have been in the lobby for a while."""
    readers = [rig.device(f"person{number}", "lobby") for number in range(READERS)]
    rig.stay_awake(rig.now + 10.0)
    return readers


def flood(rig: Rig) -> list[tuple[Peer, int]]:
    """Everybody in a crowd from as many hosts, which comes now, says as much."""
    crowd = [rig.device(f"guest{number}") for number in range(CROWD)]
    return [(peer, rig.ask(peer, Say("lobby", TEXT, f"{line}"))) for line in range(LINES) for peer in crowd]


def settle(rig: Rig) -> None:
    """All that may be done now is done, and written."""
    done = -1
    while done < (done := len(rig.texts("#lobby"))):
        rig.handle_timeouts()
        rig.write()


def test_a_crowd_that_comes_says_no_more_than_can_be_read_and_the_rest_waits(rig: Rig) -> None:
    room_of_readers(rig)
    asked = flood(rig)
    settle(rig)
    assert len(rig.texts("#lobby")) == pytest.approx(AT_ONCE, rel=0.2) and AT_ONCE < CROWD * LINES / 3
    began = rig.now
    while (due := rig.server.next_timeout()) is not None and len(rig.texts("#lobby")) < len(asked):
        rig.now = max(due, rig.now)
        settle(rig)
    assert rig.now - began == pytest.approx((len(asked) - AT_ONCE) * READERS / PER_S, rel=0.2)
    results = [rig.result(peer, counter) for peer, counter in asked]
    stored = [result.sequence for result in results if isinstance(result, Stored)]
    assert len(stored) == len(asked), "nothing is refused"
    assert stored[::CROWD] == sorted(stored[::CROWD]), "the lines of one stay in order"


def test_who_was_here_before_does_not_wait(rig: Rig) -> None:
    readers = room_of_readers(rig)
    flood(rig)
    settle(rig)
    for peer in readers * 3:
        counter = rig.ask(peer, Say("lobby", TEXT, "hello"))
        settle(rig)
        assert isinstance(rig.result(peer, counter), Stored)


def test_who_comes_meanwhile_enters_at_once(rig: Rig) -> None:
    room_of_readers(rig)
    flood(rig)
    settle(rig)
    newcomer = rig.device("newcomer", "lobby")
    settle(rig)
    assert newcomer.rooms == {"lobby"}
