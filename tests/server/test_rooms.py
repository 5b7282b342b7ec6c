"""Rooms: opened and closed by their members, followed by their subscribers, and bounded."""

from __future__ import annotations

from tests.server.rig import Rig, device_counts
from udpchat.wire.content import Reason
from udpchat.wire.limits import ROOMS_MAX
from udpchat.wire.requests import GetHistory, Say


def test_a_room_without_members_is_forgotten_and_what_was_said_in_it_is_not() -> None:
    rig = Rig()
    alice = rig.device("alice", "den")
    generation = rig.chat.rooms["den"].roster.stream.generation
    rig.ask(alice, Say("den", 0, "hello"))
    rig.write()
    rig.chat.rooms.part(rig.now, alice, "den", Reason.PARTED)
    assert "den" not in rig.chat.rooms and rig.chat.rooms.names() == ["den"] and not alice.downlink.subscriptions
    room = rig.chat.rooms.open("den")
    assert room is not None and room.stream.head == 1 and room.roster.stream.generation != generation


def test_there_are_so_many_rooms_at_once() -> None:
    rig = Rig()
    for number in range(ROOMS_MAX):
        assert rig.chat.rooms.open(f"room{number}") is not None
    assert rig.chat.rooms.open("more") is None and rig.chat.rooms.open("room7") is not None


def test_joining_and_parting_twice_is_joining_and_parting_once() -> None:
    rig = Rig()
    watcher, alice = rig.device("watcher", "den"), rig.device("alice", "den")
    room = rig.chat.rooms["den"]
    rig.chat.rooms.join(rig.now, alice, room)
    assert device_counts(room.roster) == {"watcher": 1, "alice": 1}
    for _ in range(2):
        rig.chat.rooms.part(rig.now, alice, "den", Reason.PARTED)
    assert device_counts(room.roster) == {"watcher": 1} and set(watcher.downlink.subscriptions) == {"#den", "%den"}


def test_who_has_not_got_what_is_no_longer_kept_is_told_where_the_log_begins() -> None:
    rig = Rig()
    alice = rig.device("alice", "lobby")
    for number in range(8):
        rig.ask(alice, Say("lobby", 0, str(number)))
    rig.write()
    alice.downlink.subscriptions["#lobby"].is_known = True
    rig.settle()
    rig.log.prune("#lobby", 5)
    rig.chat.rooms.on_pruned("#lobby")
    rig.chat.rooms.on_pruned("#nobody uses this one")
    stream = rig.chat.rooms["lobby"].stream
    assert (stream.base, stream.head) == (5, 8) and alice in rig.chat.fanout.to_flush
    alice.downlink.subscriptions["#lobby"].sequence = 8
    rig.settle()
    rig.chat.rooms.on_pruned("#lobby")
    assert not rig.chat.fanout.to_flush
    assert rig.sequences(alice, GetHistory("#lobby", None, None, 99)) == [6, 7, 8]
