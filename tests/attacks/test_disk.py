"""Nobody fills the disk, and no host fills it for the others (SPEC 6.9).

As found, one client wrote 35 MB/s and set 1,898 topics a second, each kept for ever in the directory.
"""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from udpchat.server.registry import Peer
from udpchat.wire import limits
from udpchat.wire.limits import STORED_ROOMS_A_DAY, TOPICS_A_DAY, WRITE_ENTRY_BYTES, WRITE_KEY_SHARE
from udpchat.wire.requests import Done, Failed, Part, Say, SetTopic, Stored

HOSTILE = "10.6.6.6"
TEXT = "x" * (1_000 - WRITE_ENTRY_BYTES)  # a kilobyte in all


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A server that takes 100 kB at once and 1 kB/s of a source, and a quarter of that of a key."""
    monkeypatch.setattr(limits, "WRITE_BYTES_PER_SOURCE_BURST", 100_000)
    monkeypatch.setattr(limits, "WRITE_BYTES_PER_SOURCE_PER_S", 1_000)
    return Rig()


def written(rig: Rig, peer: Peer, count: int) -> int:
    """How many of so many messages, a kilobyte each, are taken."""
    counters = []
    for _ in range(count):
        counters.append(rig.ask(peer, Say("lobby", 0, TEXT)))
        rig.write()
    results = [rig.result(peer, counter) for counter in counters[-30:]]
    assert all(result == Failed("too_fast") or isinstance(result, Stored) for result in results)
    return rig.log.extent("#lobby").head


def test_one_person_writes_so_much_at_once_and_so_much_a_second(rig: Rig) -> None:
    mallory = rig.device("mallory")
    assert written(rig, mallory, 60) == 100 * WRITE_KEY_SHARE
    rig.now += 20
    assert written(rig, mallory, 60) == 125 * WRITE_KEY_SHARE - 1.25


def test_the_people_of_one_host_share_and_others_write_on(rig: Rig) -> None:
    before = 0
    for number in range(8):
        peer = rig.stranger(host=HOSTILE)
        rig.enter(peer, f"bad{number}")
        rig.write()
        before = written(rig, peer, 40)
    assert before == 100
    assert written(rig, rig.device("alice"), 5) == 105


def test_the_less_room_there_is_the_less_may_be_written(rig: Rig) -> None:
    rig.chat.set_disk_room(16 * 40_000)
    assert written(rig, rig.device("mallory"), 60) == 40 * WRITE_KEY_SHARE


def test_what_could_not_be_written_is_not_charged_again_and_again(rig: Rig) -> None:
    alice = rig.device("alice")
    for _ in range(100):
        rig.ask(alice, Say("lobby", 0, TEXT), counter=1)
        rig.refuse()
    rig.ask(alice, Say("lobby", 0, TEXT), counter=1)
    rig.write()
    assert isinstance(rig.result(alice, 1), Stored)


def test_a_person_sets_so_many_topics_at_once_and_one_a_minute() -> None:
    rig = Rig()
    mallory = rig.device("mallory", "den")
    (at_once, _), _ = TOPICS_A_DAY
    results = []
    for number in range(at_once + 5):
        counter = rig.ask(mallory, SetTopic("den", f"{number}"))
        rig.write()
        results.append(rig.result(mallory, counter))
    assert results == [Done()] * (1 + at_once) + [Failed("too_fast")] * 4, "the first is a new room with a topic"
    assert rig.log.extent("!directory").head == 4 + at_once, "with who founded the room, and operates it"


def test_rooms_that_are_given_a_topic_are_as_few_as_those_in_which_something_is_said() -> None:
    """As found: 14,400 a day by one source, for ever; after five days no other room could have a topic."""
    rig = Rig()
    (at_once, _), _ = STORED_ROOMS_A_DAY
    mallory = rig.device("mallory")
    refused = 0
    for number in range(at_once + 5):
        rig.follow(mallory, f"#den{number}")
        counter = rig.ask(mallory, SetTopic(f"den{number}", "mine"))
        rig.write()
        refused += rig.result(mallory, counter) == Failed("too_fast")
        rig.ask(mallory, Part(f"den{number}"))
    assert refused == 5


def test_a_bot_that_sends_five_hundred_messages_a_second_is_not_refused() -> None:
    rig = Rig()
    bot = rig.device("bot")
    rig.chat.set_disk_room(20e9)
    for _ in range(400):
        for _ in range(25):
            rig.ask(bot, Say("lobby", 0, "x" * 100))
        rig.write()
        rig.now += 0.05
    assert rig.log.extent("#lobby").head == 10_000
