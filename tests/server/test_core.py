"""The server's core among real clients: batches, restarts, what cannot be stored or read."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import pytest

from tests.attacks.member import Member
from tests.server.rig import Rig, device_counts
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.server.pace import TURN_US
from udpchat.server.registry import Entering
from udpchat.sync.log import LogUnreadable
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Ack, AckedPackets, Follow, Goodbye, Ping, Request
from udpchat.wire.requests import Part, Rename, Say, Search, SetTopic, Tell, Whois

STRANGER = ("stranger", 9)
LINE_US_MAX = 100.0  # of a turn, for a line to few


def test_a_batch_with_one_bad_datagram_is_otherwise_taken() -> None:
    world = World(Random(1))
    alice, bob = world.add_clients(2)
    world.network.inject(world.now, STRANGER, SERVER, b"\xff nonsense")
    world.network.inject(world.now, STRANGER, SERVER, b"")
    alice.say("hello")
    world.settle()
    assert bob.texts() == ["hello"] and world.server.core.counters[Drop.UNKNOWN_KIND] == 1


def test_a_restarted_server_has_everybody_back_and_nobody_sees_them_come() -> None:
    world = World(Random(3))
    clients = world.add_clients(4)
    clients[0].say("before")
    world.settle()
    world.server.kill()
    clients[1].say("meanwhile")
    world.run(3)
    world.server.restart()
    world.settle()
    for client in clients:
        assert client.texts() == ["before", "meanwhile"] and not client.of(events.MemberLeft)
        assert len(client.of(events.Connected)) == 1
    assert device_counts(world.server.core.chat.rooms["lobby"].roster) == {client.nick: 1 for client in clients}


def test_the_operator_is_told_once_that_nothing_can_be_stored() -> None:
    rig = Rig()
    for _ in range(3):
        rig.server.rejected(rig.now, "the disk is full")
    assert rig.server.drain_events() == [events.LogUnwritable("the disk is full")]
    rig.server.persisted(rig.now, 0)
    rig.server.rejected(rig.now, "again")
    assert rig.server.drain_events() == [events.LogWritable(), events.LogUnwritable("again")]


@pytest.mark.usefixtures("short_turns")
def test_a_server_that_finishes_writes_what_is_settled_and_nothing_after_it() -> None:
    """As found: SIGTERM while many spoke left lines that wait to share a write, and the log was closed under them."""
    rig = Rig()
    peers = [rig.device(f"peer{number}") for number in range(20)]
    for peer in peers:
        for counter in range(1, 21):
            peer.window.receive(counter, 1, Say("lobby", 0, f"line {counter}"))
        rig.chat.fanout.to_flush[peer] = None
    rig.server.receive(rig.now, [])
    assert not rig.server.drain_writes() and rig.chat.commits.pending_bytes
    rig.server.finish(rig.now)
    rest = len(rig.server.drain_writes())
    assert rest
    rig.server.persisted(rig.now, rest)
    rig.server.receive(rig.now, [])
    rig.handle_timeouts()
    assert not rig.server.drain_writes() and not rig.chat.commits.pending_bytes


@pytest.mark.usefixtures("short_turns")
def test_an_answer_given_in_a_later_turn_is_sent_in_that_turn() -> None:
    """As found: it was sent with the next packet for that peer, mostly once the client had repeated its request."""
    rig = Rig()
    peers = [rig.device(f"peer{number}") for number in range(30)]
    for peer in peers:
        peer.window.receive(1, 1, Whois("peer1"))
        rig.chat.fanout.to_flush[peer] = None
    rig.server.receive(rig.now, [])
    rig.server.drain_transmits()
    waiting = [peer for peer in peers if rig.result(peer, 1) is None]
    rig.server.handle_timeout(rig.now)
    assert waiting and all(rig.result(peer, 1) is not None for peer in waiting)
    assert {peer.session.path.address for peer in waiting} <= {address for _, address in rig.server.drain_transmits()}


@pytest.mark.usefixtures("short_turns")
def test_the_last_line_of_a_turn_is_written_at_once_if_nobody_else_waits() -> None:
    """As found: its author was held as ready, and for that nobody's lines were written."""
    written = []
    for lines in range(1, 30):
        rig = Rig()
        alice = rig.device("alice")
        rig.settle()
        rig.server.drain_writes()
        for counter in range(1, lines + 1):
            alice.window.receive(counter, 1, Say("lobby", 0, "hello"))
        rig.chat.fanout.to_flush[alice] = None
        rig.server.receive(rig.now, [])
        if not alice.window.held:
            written.append(len(rig.server.drain_writes()))
    assert TURN_US / LINE_US_MAX < len(written) < 29 and written == list(range(1, len(written) + 1))


def test_a_session_that_never_enters_is_not_kept_for_long() -> None:
    rig = Rig()
    peer = rig.stranger()
    rig.chat.fanout.to_flush[peer] = None
    rig.settle()
    due = rig.server.next_timeout()
    assert due is not None and due <= rig.now + 10.0
    rig.stay_awake(due)
    rig.server.handle_timeout(due)
    assert peer not in rig.chat.registry and rig.server.drain_events() == []


def test_a_log_that_cannot_be_read_is_told_of_once_and_hurts_nobody_else() -> None:
    world = World(Random(3))
    (alice,) = world.add_clients(1)
    for number in range(300):
        alice.say(f"m{number}")
    world.settle()
    read = world.server.log.read

    def damaged(log: str, first: int, count: int) -> list[bytes]:
        if log == "#lobby" and first <= 10:
            raise LogUnreadable("block 7 of server.sqlite is damaged")
        return read(log, first, count)

    world.server.log.read = damaged  # type: ignore[method-assign]
    reader = world.add_client("reader", history=300)
    world.run(10)
    alice.say("still here")
    world.run(1)
    told = [event for event in world.server.events if isinstance(event, events.LogDamaged)]
    assert told == [events.LogDamaged("block 7 of server.sqlite is damaged")]
    assert "still here" in alice.texts() and reader.core.is_entered


def cycles_of(act: Callable[[], None]) -> set[str]:
    """The classes of udpchat of which this leaves objects that only the collector of cycles would free."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        act()
        gc.collect()
        kinds = {type(each) for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    return {kind.__qualname__ for kind in kinds if kind.__module__.startswith("udpchat.")}


def test_nothing_that_the_server_lets_go_of_is_a_cycle_as_it_collects_none() -> None:
    rig = Rig()
    rig.device("stays", "lobby")
    numbers = count()

    def visit() -> None:
        """Three come and do a little of everything; one leaves, one is lost, and one breaks the protocol."""
        for ending in (Goodbye(""), Ping(1), Ack(AckedPackets(2**40, 0, 0, 0), [])):
            number = next(numbers)
            nick, member = f"visitor{number}", Member(rig, f"10.1.1.{number}")
            member.enter(nick)
            member.send(Follow("#attic"), Request(1, 1, SetTopic("attic", "tea")), Request(2, 1, Say("attic", 0, "hi")))
            member.send(Request(3, 1, Tell("stays", 0, "psst")), Request(4, 1, Search("hi", None, None, 0)))
            member.send(Request(5, 1, Rename(nick + "b")), Request(6, 1, Part("attic")))
            member.send(Ping(2), ending)
        rig.stay_awake(rig.now + 100.0)
        rig.handle_timeouts()

    visit()
    assert cycles_of(visit) == set() and rig.texts("#attic") == ["hi"] * 6


def test_a_cycle_would_be_found() -> None:
    def make() -> None:
        entering: Any = Entering(0.0)
        entering.rooms["lobby"] = entering

    assert cycles_of(make) == {"Entering"}
