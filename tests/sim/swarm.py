"""The swarm (scenario S44): one seed is one random world in which everything goes wrong at once, and must come right.

A safety phase, in which people chat while the network, the processes and the disk fail, with the promises checked at
every step; then the faults stop, and a liveness phase: all must be well again within the limits of
`tests.sim.liveness`, agree, and fall silent.
The ranges are those of TigerBeetle's VOPR (src/vopr.zig): loss to 30 %, repetition to 50 %, partitions symmetric or
not, pauses, crashes that lose what was not durable. A failing seed does the same again, while the code is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from random import Random

from tests.sim import deeds
from tests.sim.faults import LAN, Link
from tests.sim.hostile_members import HostileMembers
from tests.sim.liveness import RECOVERY_S, Liveness
from tests.sim.order_deeds import Host, keep_order
from tests.sim.world import World
from udpchat.server.admission import Settings
from udpchat.session.noise import KeyPair
from udpchat.wire.limits import EXPIRY_S, GROUP_PEERS_MIN, GROUPS, KEY_BYTES, ORDER, TYPING
from udpchat.wire.packets import Address

QUIETING_S = 5.0  # for the last probes and announcements
SILENCE_S = 20.0
DATAGRAMS_PER_CLIENT_MAX = 14  # in SILENCE_S: two or three heartbeats with their answers and acks
NICKS = ("ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
CALM_SHARE = 0.5  # of the worlds with hostile members: nothing but these goes wrong there
ORDER_MAX = 60  # as often as people talk
ROOMS = ("lobby", "garden", "kitchen")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one seed is about; rates are events a second, shares 0 to 1."""

    clients: int
    rooms: int
    duration_s: float
    link: Link
    actions_per_s: float
    faults_per_s: float
    write_s_max: float
    loses_log: float  # how often a restart of the server finds an empty log
    order: int  # how often somebody keeps order, by the weights of `tests.sim.deeds`


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed that passed came to."""

    virtual_s: float
    settled_s: float
    recovered_s: float  # the longest that any client took that could notice before its next heartbeat
    steps: int
    requests: int


def draw_link(random: Random) -> Link:
    """A link with every fault of the network in some share, often none."""

    def upto(most: float) -> float:
        return random.choice((0.0, random.uniform(0.0, most), most * random.random() ** 3))

    rate = random.choice((None, None, random.uniform(64e3, 2e6)))
    return Link(
        delay_s=random.choice((0.0002, random.uniform(0.0, 0.03), random.uniform(0.03, 0.1))),
        jitter_s=upto(0.03),
        loss=upto(0.3),
        loss_burst_max=random.choice((1, 1, 3)),
        corrupt=upto(0.1),
        duplicate=upto(0.5),
        duplicate_delay_s_max=upto(2.0),
        reorder=upto(0.3),
        reorder_delay_s_max=random.uniform(0.0, 0.1),
        rate_bytes_per_s=rate,
        queue_packets=None if rate is None else random.randint(10, 100),
    )


def draw_plan(random: Random) -> Plan:
    """The plan of a world."""
    return Plan(
        clients=random.randint(2, len(NICKS)),
        rooms=random.randint(1, len(ROOMS)),
        duration_s=random.uniform(5.0, 40.0),
        link=draw_link(random),
        actions_per_s=random.uniform(1.0, 6.0),
        faults_per_s=random.choice((0.0, 0.1, 0.3, 0.6)),
        write_s_max=random.choice((0.0, 0.0, 0.005, 0.1)),
        loses_log=random.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.3)),
        order=random.choice((0, 5, 10, ORDER_MAX)),
    )

GROUPS_FROM = (2, 3, GROUP_PEERS_MIN)  # so many followers of a log: most swarms are too small for the usual number


class Swarm:
    """One seed. `tell` gets a line for each thing that happens."""

    def __init__(
        self,
        seed: int,
        tell: Callable[[str], None] = lambda line: None,
        *,
        is_hostile: bool = False,
        deeds: Sequence[str] = (),
    ) -> None:
        """`is_hostile`: with hostile members, who do what chance chooses, or these `deeds`."""
        self.random = Random(seed)
        self.plan = draw_plan(self.random)
        self.host = KeyPair(Random(f"host {seed}").randbytes(KEY_BYTES))
        hostile_random = Random(f"hostile {seed}")
        self.hostile = HostileMembers(self, hostile_random, deeds) if is_hostile else None
        self.is_calm = is_hostile and hostile_random.random() < CALM_SHARE
        if self.is_calm:
            self.plan = replace(self.plan, link=LAN, faults_per_s=0.0, write_s_max=0.0, loses_log=0.0)
        self.settings = Settings(group_peers_min=Random(f"groups {seed}").choice(GROUPS_FROM))
        self.world = World(self.random, self.plan.link, host=self.host, settings=self.settings)
        self.world.wishes = {"capabilities": (TYPING, ORDER, GROUPS), "wants_receipts": True}
        self.texts = 0  # said so far
        self.addresses = 0  # moved to so far
        self._tell = tell
        self._begin = self.world.now
        self._end = self._begin + self.plan.duration_s
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self._cuts: dict[int, Callable[[], None]] = {}  # partitions and blackholes that stand

    def run(self) -> Outcome:
        """Both phases. Raises AssertionError where a promise is broken, and whatever a core raises."""
        self.tell(f"{self.plan}")
        self._arrive()
        self._safety()
        return self._liveness()

    def tell(self, line: str) -> None:
        """Something happens now."""
        self._tell(f"{self.world.now - self._begin:9.3f}  {line}")

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do something then, unless the faults have stopped."""
        self._planned += 1
        heappush(self._later, (self.world.now + delay_s, self._planned, act))

    def cut(self, duration_s: float, apply: Callable[[], None]) -> None:
        """Let a partition or a blackhole stand for a while."""
        self._planned += 1
        number = self._planned
        self._cuts[number] = apply
        apply()

        def end() -> None:
            del self._cuts[number]
            self.world.network.reconnect()
            for other in self._cuts.values():
                other()

        self.later(duration_s, end)

    @property
    def rooms(self) -> tuple[str, ...]:
        """All there are."""
        return ROOMS[: self.plan.rooms]

    def draw_link(self) -> Link:
        """Another link."""
        return draw_link(self.random)

    # --- The phases ----------

    def _arrive(self) -> None:
        """The clients: some start later, some are a second device of the one before."""
        random, world = self.random, self.world
        for number, nick in enumerate(NICKS[: self.plan.clients]):
            former = world.clients[-1] if number > 1 and random.random() < 0.15 else None
            client = world.add_client(
                former.nick if former else nick,
                address=Address(nick, 1),
                rooms=tuple(random.sample(self.rooms, random.randint(1, self.plan.rooms))),
                history=random.choice((0, 0, 5, 1000)),
                static=former.static if former else None,
            )
            if random.random() < 0.3:
                client.kill()
                self.later(random.uniform(0.0, self.plan.duration_s / 2), client.restart)
        self.appointer = Host(world, Random(random.random()), self.host, NICKS[0])
        world.strangers.append(self.appointer)
        if self.hostile is not None:
            self.hostile.arrive()

    def _safety(self) -> None:
        """People chat, and all goes wrong."""
        plan, world, random = self.plan, self.world, self.random
        rate = plan.actions_per_s + plan.faults_per_s
        while world.now < self._end:
            moment = min(world.now + random.expovariate(rate), self._end)
            while self._later and self._later[0][0] <= moment:
                due, _, act = heappop(self._later)
                world.run(max(due - world.now, 0.0))
                act()
            world.run(max(moment - world.now, 0.0))
            actions = {**deeds.ACTIONS, keep_order: plan.order}
            deeds.do_something(self, deeds.FAULTS if random.random() * rate < plan.faults_per_s else actions)

    def _is_well(self) -> bool:
        """Settled, with a server that knows it: who has nothing to say notices a new one at the next heartbeat."""
        return self.world.is_settled() and self.world.promises.is_presence_right()

    def _liveness(self) -> Outcome:
        """All must settle, agree, and fall silent."""
        world, server = self.world, self.world.server
        self.tell("the faults stop")
        server.write_s, server.is_full = 0.0, False
        if server.is_dead:
            server.restart()
        server.resume()
        for client in world.clients:
            if client.is_dead or client.is_leaving or client.core.is_over:
                client.restart()
            client.resume()
        world.network.heal()
        self.appointer.leave()
        world.drain(self.appointer)
        if self.hostile is None:
            world.strangers.clear()
        has_watcher = self.hostile is not None and self.hostile.has_watcher
        stopped, liveness = world.now, Liveness(world, has_watcher=has_watcher)
        for client, reason in liveness.unnoticed.items():
            if reason is not None:
                self.tell(f"{client.nick} cannot notice before its next heartbeat that {reason.value}")
        recoveries = liveness.run()
        if self.hostile is not None:
            self.hostile.leave()
            self.tell("the hostile members have left")
            stopped, liveness = world.now, Liveness(world)
        world.run_until(self._is_well, limit_s=max(stopped + liveness.limit_s - world.now, 0.0))
        settled_s = world.now - stopped
        world.settle(limit_s=0.0)
        if self.hostile is not None:
            self.hostile.check(is_calm=self.is_calm)
            world.run(EXPIRY_S + QUIETING_S)
            self.hostile.check_gone()
            world.settle(limit_s=RECOVERY_S)
        recovered_s = max((one.took_s for one in recoveries if one.reason is None), default=0.0)
        self.tell(f"settled after {settled_s:.3f} s, and {recovered_s:.3f} s without those who could not notice")
        world.run(QUIETING_S)
        before = world.network.count().sent
        world.run(SILENCE_S)
        babble = world.network.count().sent - before
        allowed = DATAGRAMS_PER_CLIENT_MAX * len(world.clients)
        assert babble <= allowed, f"{babble} datagrams in {SILENCE_S} s of silence"
        world.promises.check()
        world.promises.check_complete()
        self.tell(f"silent, with {babble} datagrams in {SILENCE_S} s")
        requests = sum(len(client.asked) for client in world.clients)
        return Outcome(world.now - self._begin, settled_s, recovered_s, world.steps, requests)
