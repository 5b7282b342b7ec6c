"""The client's core among others: what a person sees, from the first connection to the last goodbye."""

from __future__ import annotations

from random import Random

import pytest

from tests.client.pair import Wire
from tests.server.rig import device_counts
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.client.compose import LocalError
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState
from udpchat.session.noise import KeyPair
from udpchat.wire.frames import EnterRefused, Heads, encode
from udpchat.wire.limits import TEXT_BYTES_MAX
from udpchat.wire.requests import GetTopic, ListMembers, ListRooms, Rename, SetTopic, Whois


def shown(happened: list[events.ClientEvent]) -> list[events.ClientEvent]:
    """Without remarks."""
    return [event for event in happened if not isinstance(event, events.Notice)]


# --- In ----------


def test_one_is_connected_once_and_before_anything_else_is_shown() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    alice.say("early")
    bob = world.add_client("bob", rooms=("lobby", "den"), history=9)
    world.settle()
    first = shown(bob.events)[0]
    assert isinstance(first, events.Connected) and (first.nick, first.rooms) == ("bob", ("lobby", "den"))
    assert bob.texts() == ["early"] and len(bob.of(events.Connected)) == 1


def test_who_may_not_enter_is_told_once_and_asks_no_more() -> None:
    world = World(Random(2))
    world.add_client("alice")
    world.run(1)
    thief = world.add_client("Alice", address=("thief", 1))
    world.run(10)
    (rejected,) = thief.of(events.Rejected)
    assert rejected == events.Rejected("nick_taken.alike", {"nick": "Alice", "held": "alice"})
    assert thief.core.is_over and thief.core.next_timeout() is None and not thief.of(events.Disconnected)


def test_a_server_whose_key_is_not_approved_learns_nothing_and_it_is_over() -> None:
    world = World(Random(3))
    changed = Phrase("server_key.changed", {"known": "old"})
    profile = Profile(KeyPair(b"a" * 32), "alice", (), "udpchat://server:1", lambda key: changed)
    client = world.add_client("alice")
    client.core = ClientCore(
        world.now, profile=profile, saved=ClientState(bytes(16)), address=SERVER, random=world.random.randbytes
    )
    world.drain(client)
    world.run(5)
    assert client.of(events.Rejected) == [events.Rejected(changed.key, changed.values)]
    assert client.core.is_over and len(world.server.core.chat.registry) == 0


def test_a_room_that_may_not_be_joined_is_an_error_and_the_rest_is_connected() -> None:
    world = World(Random(4))
    alice = world.add_client("alice", rooms=("lobby", "no room"))
    world.run(2)
    (connected,) = alice.of(events.Connected)
    assert isinstance(connected, events.Connected) and connected.rooms == ("lobby",)
    assert [error.code for error in alice.of(events.Error)] == ["bad_room"]  # type: ignore[union-attr]
    alice.say("hello", "lobby")
    world.settle()


# --- Said ----------


@pytest.mark.parametrize("size", [1, 1_100, 1_200, 5_000, TEXT_BYTES_MAX])
def test_texts_of_any_length_arrive_whole_in_both_directions(size: int) -> None:
    world = World(Random(5))
    alice, bob = world.add_clients(2)
    alice.say("a" * size)
    bob.tell(alice.nick, "\u00e4" * (size // 2) or "x")
    world.settle()
    assert bob.texts() == ["a" * size] and len(alice.texts("@" + bob.nick)) == 1


def test_what_cannot_be_sent_is_refused_here() -> None:
    world = World(Random(6))
    (alice,) = world.add_clients(1)
    world.run(1)
    for text in ("", "\n", "a" * (TEXT_BYTES_MAX + 1), "\u00e4" * (TEXT_BYTES_MAX // 2 + 1), "\ud800"):
        with pytest.raises(LocalError):
            alice.core.say(world.now, "lobby", text)
    assert alice.core.model.sending == [] and alice.core.is_idle


def test_what_is_typed_before_the_connection_is_sent_when_it_is_there() -> None:
    world = World(Random(7))
    world.server.pause()
    alice = world.add_client("alice")
    alice.say("one")
    alice.say("two")
    assert [said.text for said in alice.core.model.sending] == ["one", "two"] and not alice.core.is_idle
    world.run(10)
    world.server.resume()
    world.settle()
    assert [event.text for event in alice.sent()] == ["one", "two"]


# --- Joined, parted, renamed ----------


def test_a_room_joined_parted_and_joined_again_through_a_restart_shows_everything_once() -> None:
    world = World(Random(8))
    alice, bob = world.add_clients(2)
    bob.do("join", "den")
    alice.do("join", "den")
    world.settle()
    bob.say("one", "den")
    world.settle()
    alice.do("part", "den")
    world.settle()
    assert (
        alice.of(events.MemberLeft)[-1] == events.MemberLeft("den", alice.nick, "parted")
        and "den" not in alice.core.model.rooms
    )
    bob.say("two", "den")
    world.settle()
    world.server.kill()
    alice.do("join", "den")
    world.server.restart()
    world.settle()
    bob.say("three", "den")
    world.settle()
    assert alice.texts("den") == ["one", "two", "three"]
    assert (
        len([event for event in alice.of(events.MemberJoined) if event == events.MemberJoined("den", alice.nick)]) == 2
    )


def test_who_parts_and_joins_in_one_breath_is_in() -> None:
    world = World(Random(9))
    alice, bob = world.add_clients(2)
    for _ in range(3):
        alice.do("part", "lobby")
        alice.do("join", "lobby")
    world.settle()
    world.run(3)
    assert device_counts(world.server.core.chat.rooms["lobby"].roster) == {alice.nick: 1, bob.nick: 1}
    bob.say("here?")
    world.settle()
    assert alice.texts() == ["here?"]


def test_the_rooms_one_is_in_are_kept_for_the_next_run_in_their_order() -> None:
    wire = Wire()
    alice = wire.person("alice", "lobby", "den")
    assert alice.store.load().rooms == ("lobby", "den")
    alice.core.join(wire.now, "attic")
    wire.settle()
    alice.core.part(wire.now, "lobby")
    wire.settle()
    wire.leave(alice)
    assert alice.store.load().rooms == ("den", "attic")


def test_a_room_that_was_not_entered_is_not_kept() -> None:
    wire = Wire()
    wire.is_cut = True
    alice = wire.person("alice", "lobby", "no room")
    assert alice.store.load().rooms == ()
    wire.is_cut = False
    wire.settle(5)
    assert alice.store.load().rooms == ("lobby",)


def test_a_room_of_the_run_before_that_is_refused_now_is_a_notice_and_no_error() -> None:
    wire = Wire()
    alice = wire.person("alice", "lobby")
    wire.leave(alice)
    wire.start(alice, "lobby", "no room", is_returning=True)
    (connected,) = alice.of(events.Connected)
    assert connected.rooms == ("lobby",) and not alice.of(events.Error)
    assert [notice.key for notice in alice.of(events.Notice) if notice.code == "bad_room"] == ["bad_room.not_rejoined"]
    alice.core.join(wire.now, "no room")  # a person asks for it now
    wire.settle()
    assert [error.code for error in alice.of(events.Error)] == ["bad_room"]


def test_one_parts_only_from_where_one_is() -> None:
    world = World(Random(10))
    (alice,) = world.add_clients(1)
    with pytest.raises(LocalError):
        alice.core.part(world.now, "den")


def test_a_new_nick_outlives_a_restart_of_the_server() -> None:
    world = World(Random(11))
    alice, bob = world.add_clients(2)
    alice.core.ask(world.now, Rename("carol"))
    world.drain(alice)
    world.run(2)
    assert alice.core.model.nick == "carol" and bob.of(events.MemberRenamed) == [
        events.MemberRenamed(alice.nick, "carol")
    ]
    world.server.kill()
    world.server.restart()
    world.run(12)  # a server that was away for a moment is missed with the next heartbeat
    assert alice.core.model.nick == "carol"
    assert device_counts(world.server.core.chat.rooms["lobby"].roster) == {"carol": 1, bob.nick: 1}


def test_a_refused_rename_changes_nothing() -> None:
    world = World(Random(12))
    alice, bob = world.add_clients(2)
    alice.core.ask(world.now, Rename(bob.nick))
    world.drain(alice)
    world.run(1)
    (error,) = alice.of(events.Error)
    assert isinstance(error, events.Error) and error.code == "nick_taken" and alice.core.model.nick == alice.nick


# --- Asked ----------


def test_questions_are_answered_by_events() -> None:
    world = World(Random(13))
    clients = world.add_clients(60, prefix="somebody-with-a-long-name-")
    alice = clients[0]
    world.run(3)
    for request in (
        SetTopic("lobby", "tea"),
        GetTopic("lobby"),
        ListMembers("lobby", ""),
        ListRooms(""),
        Whois(clients[1].nick),
    ):
        alice.core.ask(world.now, request)
        world.drain(alice)
    world.run(3)
    assert alice.of(events.MemberList) == [events.MemberList("lobby", tuple(sorted(client.nick for client in clients)))]
    assert alice.of(events.RoomList) == [events.RoomList(("lobby",))]
    assert events.TopicChanged("lobby", "tea", alice.nick) in alice.events and alice.core.is_idle


def test_ignoring_is_by_person_and_ends_when_it_is_taken_back() -> None:
    world = World(Random(14))
    alice, bob = world.add_clients(2)
    assert (
        alice.core.timeline.people.ignore("PEER1")
        and not alice.core.timeline.people.ignore(bob.nick)
        and alice.core.timeline.people.ignored() == [bob.nick]
    )
    bob.core.ask(world.now, Rename("robert"))
    world.drain(bob)
    world.run(1)
    bob.say("unheard")
    world.settle()
    assert alice.core.timeline.people.unignore(bob.nick) and not alice.core.timeline.people.unignore(bob.nick)
    bob.say("heard")
    world.settle()
    assert alice.texts() == ["heard"]


# --- Runs ----------


def test_a_second_run_goes_on_where_the_first_stopped() -> None:
    world = World(Random(15))
    alice, bob = world.add_clients(2)
    bob.say("one")
    world.settle()
    alice.kill()
    bob.say("two")
    world.run(1)
    alice.restart()
    world.settle()
    bob.say("three")
    world.settle()
    assert [(event.text, event.history) for event in alice.messages()] == [
        ("one", False), ("two", True), ("three", False)
    ]  # fmt: skip


def test_what_the_first_run_could_not_send_the_second_does_under_the_same_id() -> None:
    world = World(Random(16))
    alice, bob = world.add_clients(2)
    world.server.pause()
    alice.say("kept")
    world.run(0.1)
    alice.kill()
    world.server.resume()
    world.run(1)
    alice.restart()
    world.settle()
    assert bob.texts() == ["kept"] and [event.text for event in alice.sent()] == ["kept"]


# --- Out ----------


def test_a_goodbye_is_answered_and_told_at_once() -> None:
    world = World(Random(17))
    alice, bob = world.add_clients(2)
    alice.do("quit")
    took = world.run_until(lambda: alice.core.is_over, limit_s=1)
    world.run(1)
    assert took < 0.1 and events.MemberLeft("lobby", alice.nick, "quit") in bob.events


@pytest.mark.parametrize("lost", range(1, 5))
def test_who_quits_does_not_come_back_for_a_moment_when_the_answer_is_lost(lost: int) -> None:
    world = World(Random(18))
    alice, bob = world.add_clients(2)
    world.run(5)
    before = len(bob.events)
    world.network.drop_next(SERVER, alice.address, range(lost))
    alice.do("quit")
    world.run(5)
    assert alice.core.is_over and bob.events[before:] == [events.MemberLeft("lobby", alice.nick, "quit")]


def test_one_can_leave_a_server_that_does_not_answer() -> None:
    for gone_s in (0.0, 3.0, 60.0):
        world = World(Random(19))
        (alice,) = world.add_clients(1)
        world.server.kill()
        alice.say("hello?")
        world.run(gone_s)
        alice.do("quit")
        world.run(2)
        assert alice.core.is_over and [said.text for said in alice.core.model.sending] == ["hello?"]


def test_one_can_leave_a_server_that_has_said_goodbye() -> None:
    world = World(Random(20))
    (alice,) = world.add_clients(1)
    world.server.core.stop(world.now)
    world.drain(world.server)
    world.server.kill()
    world.run(1)
    alice.do("quit")
    world.run(2)
    assert alice.core.is_over


def test_one_can_leave_before_one_is_in() -> None:
    world = World(Random(21))
    world.server.pause()
    alice = world.add_client("alice")
    alice.do("quit")
    assert alice.core.is_over


def test_what_comes_after_the_end_changes_nothing() -> None:
    world = World(Random(22))
    alice = world.add_client("alice")
    world.run(1)
    peer = next(iter(world.server.core.chat.registry))
    peer.downlink.send(encode(EnterRefused("nick_taken", ("alice",))))
    world.server.core.chat.fanout.to_flush[peer] = None
    world.server.core.receive(world.now, [])
    world.drain(world.server)
    world.run(1)
    count = len(alice.events)
    assert alice.events[-1] == events.Rejected("nick_taken", {"nick": "alice"})
    peer.downlink.send(encode(Heads(0, [subscription.head() for subscription in peer.downlink.subscriptions.values()])))
    world.server.core.stop(world.now)
    world.drain(world.server)
    world.run(5)
    assert len(alice.events) == count and alice.core.is_over


def test_a_restart_of_the_server_is_seen_as_lost_and_back_and_nobody_seems_to_come() -> None:
    world = World(Random(4))
    clients = world.add_clients(4)
    world.run(5)
    before = [len(client.of(events.MemberJoined)) for client in clients]
    world.server.kill()
    world.run(20)
    world.server.restart()
    world.settle()
    world.run(5)
    assert [len(client.of(events.MemberJoined)) for client in clients] == before
    assert all(len(client.of(events.Reconnected)) == 1 for client in clients)
    world.add_client("newcomer")
    world.settle()
    assert [len(client.of(events.MemberJoined)) for client in clients[:4]] == [count + 1 for count in before]
