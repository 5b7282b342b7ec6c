"""Scenarios S29 and S30: crashes at every point of a write, power failures, disks that are full or fail (SPEC 7).

With `fsync` nothing that anyone was shown, or was told is sent, may be lost by any of it; with `os` a power failure may
take the latest, and then the generation says so.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.sim.disk import Make, Point
from tests.sim.disk_nodes import DiskClientNode, DiskServerNode, heads_of
from tests.sim.faults import LAN, WIFI, Link
from tests.sim.nodes import ClientNode
from tests.sim.world import World
from udpchat.chat import events
from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX, room_log
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.log import Extent
from udpchat.ui.phrases import text_of
from udpchat.wire.content import Message
from udpchat.wire.frames import parse_entry_untrusted

FSYNC, OS = Make(), Make(durability=Durability.OS)
RETRY_S_MAX = 2.5  # after this a client has asked again what could not be written


class Crowd:
    """Three people who talk, to all and to one another, on disks of one make."""

    def __init__(self, seed: int, make: Make, link: Link = LAN) -> None:
        self.world = World(Random(seed), link, disk=make)
        self.clients = self.world.add_clients(3)
        assert isinstance(self.world.server, DiskServerNode)
        self.server = self.world.server
        self.spoken = 0

    def talk(self, count: int, *, interval_s: float = 0.004) -> None:
        """By turns; every fourth is for the neighbour alone. Who is dead is silent."""
        for _ in range(count):
            self.spoken += 1
            speaker, neighbour = (self.clients[(self.spoken + at) % 3] for at in range(2))
            if speaker.is_running:
                if self.spoken % 4:
                    speaker.say(f"word {self.spoken}")
                else:
                    speaker.tell(neighbour.core.model.nick, f"whisper {self.spoken}")
            self.world.run(interval_s)

    def crash_server(self, point: Point, *, cuts_power: bool) -> None:
        """Let it die in the midst of the talk, at that point of a write, and start again a little later."""
        self.server.crash_at, self.server.cuts_power = point, cuts_power
        while not self.server.is_dead:
            self.talk(1)
        self.talk(5)
        self.server.restart()

    def texts(self) -> list[str]:
        """What the lobby's log holds."""
        log = self.server.log
        entries = map(parse_entry_untrusted, log.read(room_log("lobby"), 1, log.extent(room_log("lobby")).head))
        return [entry.text for entry in entries if isinstance(entry, Message)]

    def extents(self) -> dict[str, Extent]:
        """Of everything that clients follow."""
        prefixes = (ROOM_PREFIX, CONVERSATION_PREFIX)
        return {log: self.server.log.extent(log) for log in self.server.log.logs() if log.startswith(prefixes)}


def shown(crowd: Crowd) -> set[tuple[int, str, str]]:
    """(sequence, id, text) of all that anyone was shown, or told is sent, in whichever room."""
    kinds = (events.MessageReceived, events.MessageSent)
    return {(e.seq, e.id, e.text) for client in crowd.clients for e in client.events if isinstance(e, kinds)}


def stored(crowd: Crowd) -> set[tuple[int, str, str]]:
    """The same of all that the server's log holds."""
    held = set()
    for log, extent in crowd.extents().items():
        for sequence, encoded in enumerate(crowd.server.log.read(log, 1, extent.head), 1):
            entry = parse_entry_untrusted(encoded)
            if isinstance(entry, Message):
                held.add((sequence, entry.id.hex(), entry.text))
    return held


def notices(client: ClientNode, code: str) -> list[str]:
    """What was noted under this code."""
    return [text_of(event) for event in client.events if isinstance(event, events.Notice) and event.code == code]


def errors(client: ClientNode, code: str) -> int:
    """How often this error was told."""
    return sum(isinstance(event, events.Error) and event.code == code for event in client.events)


# --- S29: crashes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", [LAN, WIFI], ids=["lan", "wifi"])
@pytest.mark.parametrize("cuts_power", [True, False], ids=["power", "kill"])
@pytest.mark.parametrize("point", Point)
def test_a_server_may_die_at_any_point_of_a_write_and_nothing_shown_is_lost(
    point: Point, cuts_power: bool, link: Link
) -> None:
    """S29: each write point, 80-100 % of what is not synced lost, three times in a row; the generation stays."""
    for seed in range(3):
        crowd = Crowd(seed, FSYNC, link)
        crowd.talk(12)
        before = crowd.extents()
        for _ in range(3):
            crowd.crash_server(point, cuts_power=cuts_power)
            assert shown(crowd) <= stored(crowd)
        crowd.world.settle()
        assert shown(crowd) <= stored(crowd)
        assert not crowd.server.regenerated
        after = crowd.extents()
        assert all(after[log].generation == extent.generation for log, extent in before.items())
        assert not any(notices(client, "generation") for client in crowd.clients)


@pytest.mark.parametrize("cuts_power", [True, False], ids=["power", "kill"])
@pytest.mark.parametrize("point", Point)
def test_a_client_may_die_at_any_point_of_a_write_and_its_outbox_arrives_once(point: Point, cuts_power: bool) -> None:
    """S29 of clients: what is in the outbox at the next start arrives once, in order; what is not was never sent.

    Answers and entries are not synced: after a power failure they are asked for again, and must be had again.
    """
    for seed in range(3):
        crowd = Crowd(seed, FSYNC, WIFI)
        crowd.talk(12)
        for victim in crowd.clients:
            assert isinstance(victim, DiskClientNode)
            victim.crash_at, victim.cuts_power = point, cuts_power
            crowd.talk(6)
            assert victim.is_dead
            kept = [text for _, text in victim.store.load().unanswered]
            assert kept or point is Point.HANDED_OVER or (point is Point.WRITTEN and cuts_power)
            victim.restart()
        crowd.world.settle()
        assert len(set(crowd.texts())) == len(crowd.texts())
        assert shown(crowd) <= stored(crowd)


@pytest.mark.parametrize("seed", range(8))
def test_the_generation_changes_if_and_only_if_the_head_went_back(seed: int) -> None:
    """S29 without fsync: power failures truncate the tail; logs that lost what was durable as configured say so."""
    crowd = Crowd(seed, OS)
    random = Random(seed)
    for _ in range(5):
        crowd.talk(10)
        sleeper = random.choice(crowd.clients)
        sleeper.kill()
        crowd.talk(3)
        before, reported = crowd.extents(), heads_of(crowd.server.disk.reported())
        crowd.server.kill(keeps_batch=random.random() < 0.3)
        after = crowd.extents()
        for log, extent in before.items():  # what is on the disk, and was not reported yet, nobody has seen
            went_back = after.get(log, Extent(0, 0, 0)).head < reported.get(log, 0)
            changed = crowd.server.log.extent(log).generation != extent.generation
            assert changed == went_back, f"{log}: from {extent} to {crowd.server.log.extent(log)}"
        crowd.server.restart()
        sleeper.restart()
        crowd.talk(3)
        crowd.world.settle()
    crowd.talk(10)
    crowd.world.settle()


@pytest.mark.parametrize("seed", range(3))
def test_who_held_the_lost_tail_is_told_so_live_or_on_the_next_start(seed: int) -> None:
    """S29: Notice "generation", once, to those who run when the tail is lost and to those who come back later."""
    crowd = Crowd(seed, OS)
    crowd.talk(20)
    crowd.world.settle()
    sleeper = crowd.clients[0]
    sleeper.kill()
    crowd.server.kill()
    assert room_log("lobby") in crowd.server.regenerated
    crowd.server.restart()
    crowd.world.run_until(lambda: all(client.is_settled() for client in crowd.clients[1:]), limit_s=30)
    sleeper.restart()
    crowd.world.settle()
    for client in crowd.clients:
        told = [text for text in notices(client, "generation") if " of lobby than before" in text]
        assert len(told) == 1, client.nick


# --- S30: a disk that is full ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_while_the_disk_is_full_authors_are_told_and_reading_goes_on_and_then_everything_flows(seed: int) -> None:
    """S30: full disk. Refused, not lost: kept in the outboxes, and written once, in order, when there is room again."""
    crowd = Crowd(seed, FSYNC, WIFI)
    alice, bob, carol = crowd.clients
    crowd.talk(12)
    crowd.world.settle()
    written = crowd.texts()
    crowd.server.is_full = True
    for number in range(5):
        alice.say(f"alice {number}")
        bob.say(f"bob {number}")
    crowd.world.run(1)
    assert [errors(client, "unwritable") for client in crowd.clients] == [1, 1, 0]
    assert len(alice.core.model.sending) == len(bob.core.model.sending) == 5

    device = crowd.world.add_client("peer2", address=("tablet", 1), history=100, static=carol.static)
    crowd.world.run_until(lambda: len(device.texts()) == len(written), limit_s=2)
    carol.do("whois", "peer0")
    carol.do("set_away", "lunch")
    carol.do("names", "lobby")
    crowd.world.run_until(lambda: not carol.core.model.sending and carol.core.is_idle, limit_s=2)
    assert len(notices(carol, "whois")) == 1
    device.do("quit")
    crowd.world.run(1)
    device.kill()
    carol.do("part", "lobby")
    crowd.world.run_until(lambda: any(isinstance(event, events.MemberLeft) for event in bob.events), limit_s=2)
    assert crowd.texts() == written

    crowd.server.is_full = False
    crowd.world.run_until(lambda: not alice.core.model.sending and not bob.core.model.sending, limit_s=RETRY_S_MAX)
    crowd.world.settle()
    new = crowd.texts()[len(written) :]
    for nick in ("alice", "bob"):
        assert [text for text in new if text.startswith(nick)] == [f"{nick} {number}" for number in range(5)]
    assert len(new) == 10


def test_a_stranger_who_comes_while_the_disk_is_full_is_let_in_when_there_is_room() -> None:
    """S30: a new nick must be written down first; its owner waits, and need not start again."""
    crowd = Crowd(30, FSYNC)
    crowd.server.is_full = True
    dora = crowd.world.add_client("dora")
    crowd.world.run(10)
    assert not dora.is_in and not dora.core.is_over
    crowd.server.is_full = False
    crowd.world.run_until(lambda: dora.is_in, limit_s=RETRY_S_MAX)
    crowd.world.settle()


@pytest.mark.parametrize("seed", range(3))
def test_what_authors_kept_while_the_disk_was_full_survives_their_restart(seed: int) -> None:
    """S30: full disk at the server, and clients die meanwhile: their outboxes are on their own disks."""
    crowd = Crowd(seed, FSYNC)
    crowd.server.is_full = True
    alice = crowd.clients[0]
    for number in range(3):
        alice.say(f"kept {number}")
    crowd.world.run(1)
    alice.kill()
    crowd.world.run(1)
    alice.restart()
    crowd.world.run(3)
    crowd.server.is_full = False
    crowd.world.settle()
    assert crowd.texts() == [f"kept {number}" for number in range(3)]


# --- S30: a disk that fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts_power", [True, False], ids=["power", "kill"])
@pytest.mark.parametrize("seed", range(3))
def test_after_a_failed_sync_nothing_is_written_until_the_next_start_and_nothing_is_lost(
    seed: int, cuts_power: bool
) -> None:
    """S30: fsync error. Writes are refused from there on, reading goes on; a restart heals, whatever it finds."""
    crowd = Crowd(seed, FSYNC, WIFI)
    crowd.talk(12)
    crowd.world.settle()
    written = crowd.texts()
    crowd.server.disk.fails_sync = True
    alice, bob, carol = crowd.clients
    for number in range(4):
        alice.say(f"doubtful {number}")
        crowd.world.run(0.004)
    crowd.world.run(5)
    assert crowd.texts() == written
    assert errors(alice, "unwritable") == 1
    carol.do("whois", "peer1")
    crowd.world.run_until(lambda: bool(notices(carol, "whois")), limit_s=2)
    bob.say("later")
    crowd.world.run(1)
    assert errors(bob, "unwritable") == 1
    crowd.server.kill(keeps_batch=not cuts_power)
    crowd.server.restart()
    crowd.world.settle()
    assert sorted(crowd.texts()[len(written) :]) == [*(f"doubtful {number}" for number in range(4)), "later"]
    assert not crowd.server.regenerated and shown(crowd) <= stored(crowd)


def test_a_client_whose_disk_is_full_says_so_and_goes_on() -> None:
    """S30 at a client: it is sent all the same, and the person knows that it would not survive a restart."""
    crowd = Crowd(30, FSYNC)
    alice = crowd.clients[0]
    assert isinstance(alice, DiskClientNode)
    alice.is_full = True
    alice.say("one")
    alice.say("two")
    crowd.world.run(1)
    assert errors(alice, "unwritable_here") == 1 and crowd.texts() == ["one", "two"]
    alice.is_full = False
    alice.say("three")
    crowd.world.run(1)
    alice.kill()
    alice.restart()
    crowd.world.run_until(alice.is_settled, limit_s=5)
    assert crowd.texts() == ["one", "two", "three"]
