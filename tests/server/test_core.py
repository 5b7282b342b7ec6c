"""The server's core among real clients: batches, restarts, what cannot be stored or read."""

from __future__ import annotations

from random import Random

from tests.server.rig import Rig, device_counts
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.sync.log import LogUnreadable
from udpchat.wire.errors import Drop

STRANGER = ("stranger", 9)


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
