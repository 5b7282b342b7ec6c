"""What the streams of rooms and conversations keep in memory is bounded in all, whoever talks with whom (SPEC 6.9).

As found, each stream kept up to 512 KB of entries and frames as long as somebody followed it, and a conversation is
followed as long as one of the two is connected: 24 keys that told each other something took 138 MB.
"""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.sizes import size_of
from udpchat.server import rooms
from udpchat.wire.requests import Part, SetAway, Tell

BUDGET = 1_000_000
SLACK = 1.5  # what is not counted: the streams themselves


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(rooms, "STREAM_BYTES_MAX", BUDGET)
    return Rig()


def bytes_of_streams(rig: Rig) -> int:
    """The memory of all streams and rosters, without the log that they read."""
    kept = [list(rig.chat.rooms.streams()), [room.roster for room in rig.chat.rooms]]
    return size_of([kept, rig.log]) - size_of(rig.log)


@pytest.mark.parametrize("text", ["x", "x" * 4_000])
def test_conversations_share_one_budget(rig: Rig, text: str) -> None:
    people = [rig.device(f"bad{number}") for number in range(12)]
    for _ in range(20 if len(text) > 1 else 60):
        for person in people:
            for other in people:
                if other is not person:
                    rig.ask(person, Tell(other.nick or "", 0, text))
            rig.write()
    assert len(list(rig.chat.rooms.streams())) == 12 * 11 // 2
    assert bytes_of_streams(rig) < SLACK * BUDGET


def test_what_was_forgotten_is_read_again(rig: Rig) -> None:
    alice, bob = rig.device("alice"), rig.device("bob")
    for number in range(30):
        rig.ask(alice, Tell("bob", 0, f"{number} " + "x" * 3_000))
        rig.write()
    (stream,) = rig.chat.rooms.streams()
    others = [rig.device(f"bad{number}") for number in range(8)]
    for other in others:
        for _ in range(60):
            rig.ask(other, Tell("carol" if other is others[0] else "bad0", 0, "x" * 4_000))
            rig.write()
    first = stream.frames(1, 30)
    assert first[0].first == 1 and first[-1].last == 30 and bob.downlink.subscriptions


def test_a_roster_that_changes_all_the_time_takes_of_the_same_budget(rig: Rig) -> None:
    people = [rig.device(f"bad{number}", *(f"room{number}x{room}" for room in range(20))) for number in range(3)]
    for turn in range(100):
        for person in people:
            rig.ask(person, SetAway(f"{turn} " + "x" * 150))
        rig.now += 2.0
        for room in rig.chat.rooms:
            room.roster.flush(rig.now, rig.chat.fanout)
        rig.settle()
    assert bytes_of_streams(rig) < SLACK * BUDGET


def test_a_stream_that_nobody_follows_is_gone(rig: Rig) -> None:
    alice, bob = rig.device("alice", "den"), rig.device("bob")
    rig.ask(alice, Tell("bob", 0, "hello"))
    rig.write()
    rig.ask(alice, Part("den"))
    rig.leave(alice)
    rig.leave(bob)
    rig.now += 1.0
    rig.server.handle_timeout(rig.now)  # the last change of a closed room is due
    assert not list(rig.chat.rooms.streams()) and not len(rig.chat.rooms) and bytes_of_streams(rig) < 10_000
    assert rig.chat.rooms.memory.total == 0
