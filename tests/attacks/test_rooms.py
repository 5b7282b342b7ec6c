"""Rooms cannot be used up by one person or one host, nor made a burden to whoever lists them (SPEC 6.9).

As found, 16 keys of one host took all places of rooms, the lobby with them; one client made 2,122 logs a second, each
kept for ever; and each page of the list sorted all rooms.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig
from tests.work import steps_of
from udpchat.server import request_handlers, state
from udpchat.server.registry import Peer
from udpchat.sync.log import Append
from udpchat.wire import limits
from udpchat.wire.frames import Follow, FollowRefused, parse_down_untrusted
from udpchat.wire.limits import EMPTY_ROOMS_PER_KEY_MAX, STORED_ROOMS_A_DAY
from udpchat.wire.requests import Failed, ListRooms, Page, Say, Stored

HOSTILE = "10.6.6.6"
NOTICED = 2.0


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A server of twenty rooms in which nothing was said, of which each source has three."""
    monkeypatch.setattr(limits, "EMPTY_ROOMS_MAX", 20)
    monkeypatch.setattr(limits, "EMPTY_ROOMS_PER_SOURCE", 3)
    return Rig()


def hostile_members(rig: Rig, count: int, host: str = HOSTILE) -> list[Member]:
    members = [Member(rig, host, port=number + 1) for number in range(count)]
    for number, member in enumerate(members):
        member.enter(f"bad{number} {host}".replace(" ", "").replace(".", "x"))
    return members


def open_rooms(members: list[Member], count: int) -> None:
    for number, member in enumerate(members):
        for room in range(count):
            member.send(Follow(f"#room{number}x{room}x{member.address.host.replace('.', 'x')}"))


def result_of(rig: Rig, peer: Peer, room: str) -> object:
    counter = rig.ask(peer, Say(room, 0, "x"))
    rig.write()
    return rig.result(peer, counter)


def test_one_host_opens_half_of_the_rooms_and_others_theirs(rig: Rig) -> None:
    open_rooms(hostile_members(rig, 4), 8)
    assert len(rig.chat.rooms) == 10
    alice = rig.device("alice", "lobby", "den")
    assert alice.rooms == {"lobby", "den"}


def test_the_lobby_and_rooms_with_something_said_always_have_a_place(rig: Rig) -> None:
    alice = rig.device("alice", "tea")
    result_of(rig, alice, "tea")
    rig.leave(alice)
    for host in range(8):
        open_rooms(hostile_members(rig, 1, f"10.6.6.{host}"), 3)
    assert len(rig.chat.rooms) == 20
    back = rig.device("alice", "lobby", "tea", key=alice.key)
    assert back.rooms == {"lobby", "tea"}


def test_a_room_that_was_borrowed_is_closed_for_who_has_a_share_left(rig: Rig) -> None:
    greedy = hostile_members(rig, 1)[0]
    open_rooms([greedy], 10)
    for host, count in enumerate((3, 3, 3, 1)):
        open_rooms(hostile_members(rig, 1, f"10.0.1.{host}"), count)
    assert len(rig.chat.rooms) == 20
    (peer,) = rig.chat.registry.peers_of(greedy.key.public)
    alice = rig.device("alice")
    rig.follow(alice, "#den")
    refused = [
        (frame.log, frame.code)
        for packet in peer.downlink.drain_packets(rig.now)
        for frame in parse_down_untrusted(packet.body)
        if isinstance(frame, FollowRefused)
    ]
    assert alice.rooms == {"den"} and len(rig.chat.rooms) == 20 and len(peer.rooms) == 9
    assert refused == [("#room0x0x10x6x6x6", "too_many_rooms")]


def test_a_person_opens_so_many_rooms_and_joins_those_of_others() -> None:
    rig = Rig()
    devices = [rig.device("alice", key=b"a" * 32) for _ in range(3)]
    for number, device in enumerate(devices):
        for room in range(EMPTY_ROOMS_PER_KEY_MAX):
            rig.follow(device, f"#room{number}x{room}")
    assert len(rig.chat.rooms) == EMPTY_ROOMS_PER_KEY_MAX
    rig.device("bob", "den")
    rig.follow(devices[1], "#den")
    assert devices[1].rooms == {"den"}


def test_a_room_gives_its_place_back_once_something_is_said_in_it_or_it_is_closed(rig: Rig) -> None:
    alice = rig.device("alice", *(f"room{number}" for number in range(3)))
    for room in range(3):
        result_of(rig, alice, f"room{room}")
    assert rig.chat.quotas.empty_rooms.total == 0
    bob = rig.device("bob", "den")
    assert rig.chat.quotas.empty_rooms.total == 1
    rig.leave(bob)
    assert rig.chat.quotas.empty_rooms.total == 0


def test_a_person_makes_so_many_logs_at_once_and_speaks_on_in_those_that_are_there() -> None:
    rig = Rig()
    alice = rig.device("alice")
    (at_once, _), _ = STORED_ROOMS_A_DAY
    results = [result_of(rig, alice, f"room{number}") for number in range(at_once + 20)]
    assert [type(result) for result in results] == [Stored] * at_once + [Failed] * 20
    assert results[-1] == Failed("too_fast") and len(rig.log.logs()) == at_once + 1
    assert isinstance(result_of(rig, alice, "room7"), Stored)
    rig.leave(alice)
    rig.now += 86_400.0
    assert isinstance(result_of(rig, rig.device("alice", key=alice.key), "more"), Stored)


def test_there_are_so_many_rooms_on_the_disk_and_then_those_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(state.LOGS_MAX, "#", 2)
    rig = Rig()
    alice = rig.device("alice")
    assert isinstance(result_of(rig, alice, "one"), Stored) and isinstance(result_of(rig, alice, "two"), Stored)
    assert result_of(rig, alice, "three") == Failed("too_many_rooms")
    assert isinstance(result_of(rig, alice, "two"), Stored)
    restarted = Rig(rig.log)
    alice = restarted.device("alice", key=alice.key)
    assert result_of(restarted, alice, "three") == Failed("too_many_rooms")
    assert isinstance(result_of(restarted, alice, "one"), Stored)


def test_all_logs_that_may_be_made_can_be_numbered() -> None:
    assert sum(state.LOGS_MAX.values()) + 1 < 2**23 - 1


def test_a_page_of_rooms_costs_no_more_when_there_are_thousands() -> None:
    work = []
    for rooms in (300, 20_000):
        rig = Rig()
        rig.log.append([Append(f"#room{number:05}", 1, b"\x92\x02\x00", None) for number in range(rooms)])
        rig = Rig(rig.log)
        context = request_handlers.RequestContext(rig.now, rig.chat, rig.device("alice"))
        asked = partial(request_handlers.HANDLERS[ListRooms].handle, context, ListRooms("room00009"))
        work.append(steps_of(asked))
        page = asked()
        assert isinstance(page, Page) and page.items[0] == "room00010" and page.more
    assert work[1] <= NOTICED * work[0]
