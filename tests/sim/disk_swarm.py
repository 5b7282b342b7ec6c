"""The swarm on disks: all that `tests.sim.swarm` does, and disks that are slow, full, failing, and forget at a crash.

With `fsync` nothing that was shown, or told is sent, may be missing in the end: the promises look for it in the one log
that there is. With `os` a power failure may take the latest; then the logs have other generations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random

from tests.sim.disk import Make, Point
from tests.sim.disk_nodes import DiskClientNode, DiskServerNode
from tests.sim.swarm import Outcome, Swarm
from tests.sim.world import World
from udpchat.storage.store_interfaces import Durability
from udpchat.wire.limits import GROUPS, ORDER, TYPING

FAULTS_MAX = 8
OUTAGE_S_MAX = 10.0
WRITE_S, SYNC_S = 0.000_1, 0.000_5  # of an SSD


def draw_make(random: Random) -> Make:
    """A disk: from an SSD to what hangs on a slow bus."""
    return Make(
        write_s=random.choice((WRITE_S, random.uniform(0.0, 0.02))),
        sync_s=random.choice((SYNC_S, random.uniform(0.0, 0.05))),
        sync_jitter_s=random.choice((0.0, 0.01, 0.2)),
        report_s=random.choice((0.0, 0.000_1, 0.01)),
        durability=random.choice((Durability.FSYNC, Durability.FSYNC, Durability.OS)),
        redraws_all=True,
        unsynced_max=random.randint(1, 40),
    )


def sound(make: Make) -> Make:
    """The same disk without what slows it down."""
    return replace(make, write_s=WRITE_S, sync_s=SYNC_S, sync_jitter_s=0.0, report_s=0.0)


class DiskSwarm(Swarm):
    """One seed."""

    def __init__(
        self,
        seed: int,
        tell: Callable[[str], None] = lambda line: None,
        *,
        is_hostile: bool = False,
        deeds: Sequence[str] = (),
    ) -> None:
        super().__init__(seed, tell, is_hostile=is_hostile, deeds=deeds)
        self.is_calm = False  # its disks fail
        self.make = draw_make(self.random)
        if self.make.durability is not Durability.FSYNC:  # a claim may be lost as well: nobody takes another's nick
            self.plan = replace(self.plan, loses_log=max(self.plan.loses_log, 0.01))
        self.world = World(
            self.random, self.plan.link, disk=self.make, host=self.host, settings=self.settings
        )
        self.world.wishes = {"capabilities": (TYPING, ORDER, GROUPS), "wants_receipts": True}

    @property
    def server(self) -> DiskServerNode:
        """The server with its disk."""
        assert isinstance(self.world.server, DiskServerNode)
        return self.world.server

    def draw_client(self) -> DiskClientNode:
        """One of the clients, running or not."""
        client = self.random.choice(self.world.clients)
        assert isinstance(client, DiskClientNode)
        return client

    def _arrive(self) -> None:
        super()._arrive()
        self.tell(f"{self.make}")
        for _ in range(self.random.randint(1, FAULTS_MAX)):
            fault = self.random.choice((_crash_server, _crash_server, _crash_client, _fail_sync))
            self.later(self.random.uniform(0.0, self.plan.duration_s), partial(fault, self))

    def _liveness(self) -> Outcome:
        server = self.server
        server.crash_at = None
        server.disk.make = sound(self.make)
        if server.disk.is_failing:
            server.kill(keeps_batch=True)
        for client in self.world.clients:
            assert isinstance(client, DiskClientNode)
            client.crash_at = None
            client.disk.make = sound(self.make)
        return super()._liveness()


def _crash_server(swarm: DiskSwarm) -> None:
    server, random = swarm.server, swarm.random
    server.crash_at, server.cuts_power = random.choice(tuple(Point)), random.random() < 0.7
    swarm.tell(f"the server will die {server.crash_at.value}{', with its power' if server.cuts_power else ''}")
    swarm.later(random.uniform(0.1, OUTAGE_S_MAX), partial(_revive, swarm))


def _revive(swarm: DiskSwarm) -> None:
    swarm.server.crash_at = None
    if swarm.server.is_dead:
        swarm.tell("the server starts again")
        swarm.server.restart()


def _crash_client(swarm: DiskSwarm) -> None:
    client, random = swarm.draw_client(), swarm.random
    client.crash_at, client.cuts_power = random.choice(tuple(Point)), random.random() < 0.7
    swarm.tell(f"{client.nick} will die {client.crash_at.value}{', with its power' if client.cuts_power else ''}")
    swarm.later(random.uniform(0.1, OUTAGE_S_MAX), partial(_revive_client, swarm, client))


def _revive_client(swarm: DiskSwarm, client: DiskClientNode) -> None:
    client.crash_at = None
    if client.is_dead:
        swarm.tell(f"{client.nick} starts again")
        client.restart()


def _fail_sync(swarm: DiskSwarm) -> None:
    """Until somebody looks at the disk and starts the server again."""
    swarm.tell("a sync of the server's disk will fail")
    swarm.server.disk.fails_sync = True

    def repair() -> None:
        if not swarm.server.is_dead:
            swarm.tell("the server is started again on its disk")
            swarm.server.restart()

    swarm.later(swarm.random.uniform(1.0, OUTAGE_S_MAX), repair)
