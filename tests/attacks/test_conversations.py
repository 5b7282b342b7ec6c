"""One host cannot take all conversations that others may begin with a person (SPEC 6.9).

As found, 256 keys of one host wrote a word each, and nobody else could ever write to that person for the first time.
"""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server.registry import Peer
from udpchat.wire.content import Extra
from udpchat.wire.limits import BEGUN_WITH_ONE_A_DAY, CONVERSATIONS_PER_KEY_MAX
from udpchat.wire.requests import Failed, ResultBody, Stored, Tell

HOSTILE = "10.6.6.6"


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.leave(rig.device("bob"))
    return rig


def comes(rig: Rig, number: int, host: str = HOSTILE) -> Peer:
    """A person with a key and a nick of their own."""
    peer = rig.stranger(key=number.to_bytes(32, "big"), host=host)
    rig.enter(peer, f"guest{number}")
    rig.write()
    return peer


def tell(rig: Rig, peer: Peer) -> ResultBody | None:
    counter = rig.ask(peer, Tell("bob", 0, "a word"))
    rig.write()
    return rig.result(peer, counter)


def begun(rig: Rig, numbers: range, host: str = HOSTILE) -> int:
    """How many of so many people could write to bob."""
    count = 0
    for number in numbers:
        peer = comes(rig, number, host)
        count += isinstance(tell(rig, peer), Stored)
        rig.leave(peer)
    return count


def test_one_host_begins_a_share_of_the_conversations_with_a_person_and_others_find_a_place(rig: Rig) -> None:
    at_once = begun(rig, range(1, 300))
    assert 80 <= at_once <= CONVERSATIONS_PER_KEY_MAX / 2
    assert begun(rig, range(300, 340), "10.0.0.1") == 40
    rig.now += 86_400.0
    assert begun(rig, range(400, 500)) <= BEGUN_WITH_ONE_A_DAY
    assert begun(rig, range(500, 501), "10.0.0.2") == 1


def test_who_is_refused_takes_no_place_of_others_behind_the_same_address(rig: Rig) -> None:
    assert begun(rig, range(1, 300)) < 100
    refused = comes(rig, 1_000)
    assert [tell(rig, refused) for _ in range(300)] == [Failed("too_fast")] * 300
    rig.now += 86_400.0
    assert begun(rig, range(1_001, 1_006)) == 5


def test_what_begins_no_conversation_takes_no_place_of_others_behind_the_same_address(rig: Rig) -> None:
    """A first message about an earlier one is refused, as there is none: one key could send as many as it likes."""
    hostile, reply = comes(rig, 1_000), Tell("bob", 0, "as you said", Extra(bytes(8), b"", 1))
    counters = [rig.ask(hostile, reply) for _ in range(CONVERSATIONS_PER_KEY_MAX)]
    assert rig.result(hostile, counters[-1]) == Failed("no_such_message")
    assert begun(rig, range(1, 6)) == 5


def test_a_conversation_that_was_begun_goes_on_however_many_there_are(rig: Rig) -> None:
    first = comes(rig, 1_000)
    assert isinstance(tell(rig, first), Stored)
    begun(rig, range(1, 300))
    assert isinstance(tell(rig, first), Stored)
