"""Scenarios S26 to S28 across restarts of both sides, and S07: a long history read beside live chat (SPEC 5.5, 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.sim.disk import Make, Point
from tests.sim.disk_nodes import DiskClientNode, DiskServerNode
from tests.sim.faults import BROADBAND, LAN
from tests.sim.liveness import RECOVERY_S
from tests.sim.measure import percentile
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.chat.ids import room_log
from udpchat.sync.log import Append
from udpchat.sync.replica import Replica
from udpchat.wire.content import Message
from udpchat.wire.frames import encode, parse_entry_untrusted
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX, SEQUENCE_MAX

LOBBY = room_log("lobby")
HISTORY_BYTES = 10_000_000
HISTORY_TEXT_BYTES = 1_000
LIVE_PER_S = 10


def world_with_disks(seed: int) -> tuple[World, DiskServerNode]:
    """A LAN on which everybody has a disk."""
    world = World(Random(seed), LAN, disk=Make())
    assert isinstance(world.server, DiskServerNode)
    return world, world.server


def texts(server: DiskServerNode) -> list[str]:
    """What the lobby's log holds."""
    entries = map(parse_entry_untrusted, server.log.read(LOBBY, 1, server.log.extent(LOBBY).head))
    return [entry.text for entry in entries if isinstance(entry, Message)]


# --- S26: the ack to the author is lost ------------------------------------------------------------------------------


@pytest.mark.parametrize("dies", ["client", "server", "both", "client's power", "server's power"])
@pytest.mark.parametrize("replies", [1, 2, 5, 20])
def test_a_message_whose_answer_is_lost_stands_once_and_is_confirmed_where_it_stands(replies: int, dies: str) -> None:
    """S26: 1 to 20 replies dropped, client or server or both start again between. Once; the same sequence."""
    world, server = world_with_disks(replies)
    alice, bob = world.add_clients(2)
    assert isinstance(alice, DiskClientNode)
    alice.say("before")
    world.settle()
    world.network.drop_next(SERVER, alice.address, range(1, replies + 1))
    alice.say("precious")
    world.run_until(lambda: texts(server) == ["before", "precious"], limit_s=1)
    world.run(0.002)
    assert [said.text for said in alice.core.model.sending] == ["precious"]
    if dies in ("client", "both", "client's power"):
        alice.cuts_power = dies == "client's power"
        alice.kill()
        alice.restart()
    if dies in ("server", "both", "server's power"):
        server.kill(keeps_batch=dies != "server's power")
        server.restart()
    world.settle()
    assert texts(server) == ["before", "precious"]
    assert [event.seq for event in alice.sent() if event.text == "precious"] == [2]
    assert [event.seq for event in bob.messages() if event.text == "precious"] == [2]


def test_a_restarted_client_that_lost_an_answer_it_had_acknowledged_gets_it_again() -> None:
    """S26, found by S29: the server remembered the answer no more, and the client asked for it for ever."""
    world, server = world_with_disks(26)
    alice = world.add_clients(1)[0]
    assert isinstance(alice, DiskClientNode)
    alice.say("one")
    world.run_until(lambda: bool(alice.sent()), limit_s=1)
    asked = alice.store.load()
    alice.say("two")  # and so the server hears that the answer to the first has come
    world.run_until(lambda: len(alice.sent()) == 2, limit_s=1)
    alice.do("tell", "nobody", "three")
    world.run_until(lambda: any(isinstance(event, events.Error) for event in alice.events), limit_s=1)
    alice.say("four")
    world.run_until(lambda: len(alice.sent()) == 3, limit_s=1)
    world.settle()
    alice.make_forget_answers()
    assert asked.instance == alice.store.load().instance and len(alice.store.load().unanswered) >= 4
    alice.restart()
    world.settle()
    assert texts(server) == ["one", "two", "four"]
    assert [event.code for event in alice.events if isinstance(event, events.Error)] == ["no_such_nick", "refused"]


def test_who_was_told_that_a_message_is_stored_misses_it_before_the_next_heartbeat() -> None:
    """The result came and the entry did not; then the server is restarted, and sends nothing by itself."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.run(1)
    world.network.drop_if.append(lambda now, source, destination, data: source == SERVER and len(data) > 60)
    alice.say("is this stored? " * 4)
    world.run_until(lambda: not alice.store.unanswered(), limit_s=1)
    world.run(0.5)
    assert alice.core.model.sending
    world.server.kill()
    world.server.restart()
    world.settle(limit_s=RECOVERY_S)
    assert not alice.core.model.sending


def test_who_starts_again_while_a_rename_is_being_written_is_welcomed_under_the_new_nick() -> None:
    """Else the new process, which knows nothing of the request, would go by the former nick for good."""
    world = World(Random(1))
    (alice,) = world.add_clients(1)
    world.run(1)
    world.server.write_s = 0.5
    alice.do("rename", "alicia")
    world.run(0.1)
    alice.kill()
    alice.restart()
    world.run(2)
    assert alice.core.model.nick == "alicia"
    assert world.promises.is_presence_right()


@pytest.mark.parametrize("point", [Point.SYNCED, Point.REPORTED])
def test_a_new_nick_that_was_written_but_not_told_is_the_nick_after_the_restart(point: Point) -> None:
    """S26 of a rename, found by the swarm: the log answered "done", and the server went on with the former nick."""
    world, server = world_with_disks(26)
    alice, _ = world.add_clients(2)
    world.settle()
    server.crash_at = point
    alice.do("rename", "alicia")
    world.run_until(lambda: server.is_dead, limit_s=1)
    server.restart()
    world.settle()
    world.run_until(world.promises.is_presence_right, limit_s=12)  # whoever is silent notices at the next heartbeat
    assert alice.core.model.nick == "alicia" and set(server.core.chat.rooms["lobby"].roster.members) == {
        "alicia",
        "peer1",
    }


# --- S27: an author's requests out of order --------------------------------------------------------------------------


@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("cuts_power", [True, False], ids=["power", "kill"])
def test_requests_that_come_in_reverse_are_carried_out_in_order_though_the_server_dies_midway(
    point: Point, cuts_power: bool
) -> None:
    """S27: 1 to 32 reversed, and a crash of the server between. The log is in the author's order, each once."""
    world, server = world_with_disks(27)
    alice, bob = world.add_clients(2)
    world.settle()
    held: list[tuple[Address, Address, bytes]] = []

    def hold(now: float, source: Address, destination: Address, data: bytes) -> bool:
        if source == alice.address:
            held.append((source, destination, data))
        return source == alice.address

    world.network.drop_if.append(hold)
    wanted = [f"number {number}" for number in range(1, REQUESTS_IN_FLIGHT_MAX + 1)]
    for text in wanted:
        alice.say(text)
        world.run(0.012)  # more than its disk takes: each travels by itself the first time
    world.network.drop_if.remove(hold)
    server.crash_at, server.cuts_power = point, cuts_power
    for number, datagram in enumerate(reversed(held)):
        world.network.inject(world.now, *datagram, delay_s=number * 0.000_1)
    world.run_until(lambda: server.is_dead, limit_s=5)
    server.restart()
    world.settle()
    assert texts(server) == wanted
    assert bob.texts() == wanted


# --- S28: a counter that is another's --------------------------------------------------------------------------------


def test_who_takes_the_instance_of_another_does_not_get_its_counter_whatever_starts_again() -> None:
    """S28: another key with the victim's instance and a counter far ahead. The victim's next message is appended."""
    world, server = world_with_disks(28)
    alice, _ = world.add_clients(2)
    alice.say("first")
    world.settle()
    mallory = world.add_client("mallory")
    assert isinstance(mallory, DiskClientNode)
    mallory.kill()
    mallory.pretend(alice.store.load().instance, next_counter=SEQUENCE_MAX - 10)
    mallory.restart()
    world.run_until(lambda: mallory.is_in, limit_s=5)
    mallory.say("mine")
    world.run(1)
    for victim in (alice, server):
        alice.say(f"after the counter, before {victim.address[0]} starts again")
        world.run(1)
        victim.kill()
        victim.restart()
        world.run(1)
        mallory.say("mine again")
    alice.say("last")
    world.run_until(lambda: not alice.core.model.sending and alice.is_settled(), limit_s=20)
    mine = [text for text in texts(server) if "mine" not in text]
    between = [f"after the counter, before {name} starts again" for name in ("peer0", "server")]
    assert mine == ["first", *between, "last"]
    assert {event.text for event in alice.sent()} == set(mine)
    assert not any("mine" in event.text for event in alice.sent())


def test_who_takes_instance_and_next_counter_of_another_confirms_nothing_to_them() -> None:
    """S28: the same counter, so the same message id: the author's key tells them apart."""
    world, server = world_with_disks(28)
    alice, _ = world.add_clients(2)
    mallory = world.add_client("mallory")
    assert isinstance(mallory, DiskClientNode)
    world.settle()
    mallory.kill()
    saved = alice.store.load()
    mallory.pretend(saved.instance, next_counter=saved.next_counter)
    mallory.restart()
    world.run_until(lambda: mallory.is_in, limit_s=5)
    world.network.blackhole(alice.address)
    alice.say("hers")
    mallory.say("stolen")
    world.run(1)
    world.network.reconnect()
    world.run_until(lambda: not alice.core.model.sending, limit_s=10)
    assert sorted(texts(server)) == ["hers", "stolen"]
    assert [event.text for event in alice.sent()] == ["hers"]
    assert [event.nick for event in alice.messages() if event.text == "stolen"] == ["mallory"]


# --- S07: a long history beside live chat ----------------------------------------------------------------------------


def preload(server: DiskServerNode, size: int) -> int:
    """A history of so many bytes, on the disk before the server starts; how many entries that is."""
    text = "x" * (HISTORY_TEXT_BYTES - 8)
    entries = [
        encode(Message(1, bytes(8), "before", number.to_bytes(8, "big"), 0, f"{number:08}{text}"))
        for number in range(1, size // HISTORY_TEXT_BYTES + 1)
    ]
    server.log.append([Append(LOBBY, number, entry, None) for number, entry in enumerate(entries, 1)])
    return len(entries)


@contextmanager
def arrivals(world: World) -> Iterator[dict[tuple[int, int], float]]:
    """When each entry of the lobby first came to each replica: (id of the replica, sequence) -> time."""
    taken: dict[tuple[int, int], float] = {}
    before = Replica.on_entries

    def on_entries(self: Replica, first: int, entries: list[bytes]) -> bool:
        if self.log == LOBBY:
            for sequence in range(first, first + len(entries)):
                taken.setdefault((id(self), sequence), world.now)
        return before(self, first, entries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replica, "on_entries", on_entries)
        yield taken


def live_delays_s(newcomer: ClientNode, spoken: dict[int, float], taken: dict[tuple[int, int], float]) -> list[float]:
    """How late what was said was taken in by the newcomer, ascending."""
    replica = newcomer.core.timeline.uplink.get(LOBBY)
    return sorted(taken[id(replica), sequence] - when for sequence, when in spoken.items())


def test_live_chat_outranks_a_long_history_that_is_being_read() -> None:
    """S07: B, 10 MB of history, live chat at 10/s. Live p99 <= 100 ms while history flows; complete."""
    world = World(Random(7), BROADBAND, disk=Make())
    assert isinstance(world.server, DiskServerNode)
    count = preload(world.server, HISTORY_BYTES)
    speaker, listener = world.add_clients(2)
    world.run(1)
    with arrivals(world) as taken:
        newcomer = world.add_client("newcomer", history=count)
        world.run_until(lambda: newcomer.is_in, limit_s=5)
        spoken: dict[int, float] = {}
        while not newcomer.core.is_idle or not spoken:
            spoken[count + len(spoken) + 1] = world.now
            speaker.say(f"live {len(spoken)}")
            world.run(1 / LIVE_PER_S)
            assert len(spoken) < 60 * LIVE_PER_S, "the history does not arrive"
        world.settle(link=BROADBAND)
        delays_s = live_delays_s(newcomer, spoken, taken)
    assert len(delays_s) >= 5 * LIVE_PER_S, "there was no time in which both flowed"
    assert percentile(delays_s, 0.99) <= 0.1
    assert len(newcomer.texts()) == count + len(spoken) and len(listener.texts()) == len(spoken)
