"""Who is gone: told in time, with the reason, and without giving anybody's nick away (SPEC 6.1)."""

from __future__ import annotations

from random import Random

import pytest

from tests.sim.faults import LAN, WIFI, Link
from tests.sim.nodes import ClientNode
from tests.sim.world import World
from udpchat.chat import events
from udpchat.wire.limits import EXPIRY_S


def left(client: ClientNode) -> list[tuple[str, str]]:
    """Who this client saw leave, and why."""
    return [(event.nick, event.reason) for event in client.events if isinstance(event, events.MemberLeft)]


def rejected(client: ClientNode) -> list[str]:
    """The codes with which this client was turned away."""
    return [event.code for event in client.events if isinstance(event, events.Rejected)]


@pytest.mark.parametrize("link", [LAN, WIFI], ids=["LAN", "Wi-Fi"])
@pytest.mark.parametrize("seed", range(3))
def test_who_is_killed_is_announced_as_timed_out_within_a_second_of_the_expiry(link: Link, seed: int) -> None:
    world = World(Random(seed), link)
    alice, bob, carol = world.add_clients(3)
    world.run(3 + seed)
    alice.say("my last words")
    world.run(0.5)
    alice.kill()
    world.run(EXPIRY_S - 1)
    assert left(bob) == []
    world.run_until(lambda: bool(left(bob) and left(carol)), limit_s=2)
    assert left(bob) == left(carol) == [(alice.nick, "timed out")]


@pytest.mark.parametrize("link", [LAN, WIFI], ids=["LAN", "Wi-Fi"])
@pytest.mark.parametrize("seed", range(3))
def test_who_quits_is_announced_within_a_second(link: Link, seed: int) -> None:
    world = World(Random(seed), link)
    alice, bob = world.add_clients(2)
    world.run(3)
    alice.do("quit")
    world.run_until(lambda: left(bob) == [(alice.nick, "quit")] and alice.core.is_over, limit_s=1)


def test_a_client_that_is_alone_with_a_dead_server_still_ends() -> None:
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.server.kill()
    alice.do("quit")
    world.run_until(lambda: alice.core.is_over, limit_s=0.5)


@pytest.mark.parametrize("ends", ["kill", "quit"])
def test_a_nick_stays_with_its_key(ends: str) -> None:
    """Nobody gets the nick of who was timed out or has left; its owner does, as if nothing had been."""
    world = World(Random(1))
    alice = world.add_client("alice")
    world.run(1)
    if ends == "kill":
        alice.kill()
        world.run(EXPIRY_S + 2)
    else:
        alice.do("quit")
        world.run(2)
    thief = world.add_client("alice", address=("thief", 1))
    world.run(2)
    assert rejected(thief) == ["nick_taken"]
    assert thief.core.is_over
    alice.restart()
    world.run(2)
    assert alice.is_in
    assert alice.core.model.nick == "alice"


@pytest.mark.parametrize("lookalike", ["\u0430lice", "Alice", "ALICE", "a\u200dlice", "al\u0131ce", "\uff41lice"])
def test_a_nick_that_looks_like_another_is_refused(lookalike: str) -> None:
    """S43: Cyrillic, other case, invisible joiners, fullwidth."""
    world = World(Random(1))
    alice = world.add_client("alice")
    world.run(1)
    mallory = world.add_client(lookalike, address=("mallory", 1))
    world.run(2)
    assert rejected(mallory) in (["nick_taken"], ["bad_nick"])
    assert not mallory.core.is_entered
    assert alice.core.is_entered


def test_two_devices_of_one_key_share_a_nick_and_are_one_person_to_the_others() -> None:
    world = World(Random(1))
    bob = world.add_client("bob")
    phone = world.add_client("alice", address=("phone", 1))
    world.run(1)
    laptop = world.add_client("alice", address=("laptop", 1), static=phone.static)
    world.run(1)
    assert [event.nick for event in bob.events if isinstance(event, events.MemberJoined)] == ["alice"]
    phone.say("from the phone")
    laptop.say("from the laptop")
    bob.tell("alice", "hello, both of you")
    world.settle()
    assert bob.texts() == phone.texts() == laptop.texts()
    assert phone.texts("@bob") == laptop.texts("@bob") == ["hello, both of you"]
    phone.kill()
    world.run(EXPIRY_S + 2)
    assert left(bob) == []
    laptop.do("quit")
    world.run(1)
    assert left(bob) == [("alice", "quit")]


def test_a_new_nick_is_told_once_and_the_old_one_stays_with_its_key() -> None:
    world = World(Random(1))
    alice = world.add_client("alice", rooms=("lobby", "garden"))
    bob = world.add_client("bob", rooms=("lobby", "garden"))
    world.run(1)
    alice.do("rename", "alicia")
    world.run(1)
    assert alice.core.model.nick == "alicia"
    assert [event for event in bob.events if isinstance(event, events.MemberRenamed)] == [
        events.MemberRenamed("alice", "alicia")
    ]
    alice.say("it is still me")
    world.settle()
    assert bob.messages()[-1].nick == "alicia"
    bob.do("rename", "alice")
    world.run(1)
    assert [event.code for event in bob.events if isinstance(event, events.Error)] == ["nick_taken"]
    assert bob.core.model.nick == "bob"
