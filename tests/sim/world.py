"""The world of the simulator: the real server and client cores on the virtual network, under one virtual clock.

    world = World(Random(seed), LAN)
    alice = world.add_client("alice")
    world.run_until(lambda: alice.is_in, limit_s=5)
    alice.say("hello")
    world.settle()                                  # faults stop; every live replica must equal the server's log
    world.check()                                   # the promises (SPEC 0), also checked at every step

Pauses, crashes and restarts of either side are the world's; what the network does is `tests.sim.network`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from tests.sim import audit
from tests.sim.disk import Make
from tests.sim.disk_nodes import DiskClientNode, DiskServerNode
from tests.sim.faults import LAN, Link
from tests.sim.hostile import HostileNode
from tests.sim.network import Address, Network
from tests.sim.nodes import ClientNode, ServerNode
from tests.sim.order_watch import OrderWatch
from tests.sim.promises import Promises
from udpchat.chat.ids import client_id_of
from udpchat.server.admission import Settings
from udpchat.session.noise import KeyPair
from udpchat.session.timers import earliest
from udpchat.wire.frames import Proof
from udpchat.wire.requests import RequestBody

SERVER = Address("server", 1)
CHECK_EVERY_STEPS = 64
STEPS_AT_ONCE_MAX = 2_000  # at one moment: more is a core that is due again as soon as it has done what was due


class Stuck(AssertionError):
    """Something that had to happen did not, within its limit of virtual time."""


class World:
    """Everything, and the clock."""

    def __init__(
        self,
        random: Random,
        link: Link = LAN,
        *,
        settings: Settings | None = None,
        chance: Random | None = None,
        disk: Make | None = None,
        host: KeyPair | None = None,
    ) -> None:
        """`chance` decides what the network does, if not `random`: so much less for hypothesis to choose and shrink.

        With a `disk` every node has one of that make under its store; without, what is written is durable at once.
        `host`: who is that of the server.
        """
        audit.begin()
        self.random = random
        self.now = 1000.0
        self.network = Network(chance or random, link)
        self._make = disk
        settings = settings or Settings()
        self.server = self._new_server(settings if host is None else settings.changed(host=host.public))
        self.network.guard(SERVER, self.server.is_proved)
        self.clients: list[ClientNode] = []
        self.strangers: list[HostileNode] = []  # hostile members, to whom nothing is promised
        self.foreign: set[bytes] = set()  # their keys
        self.asked: dict[tuple[bytes, int], RequestBody] = {}  # of hostile members: by client id and counter
        self.promises = Promises(self.server, self.clients, self.foreign)
        self.order = OrderWatch(self, b"" if host is None else host.public)
        audit.on_sealed, audit.on_group_sealed = self.order.on_sealed, self.order.on_group_sealed
        self.server.on_append, self.server.on_persisted = self.order.on_append, self.order.on_persisted
        self.server.on_restart = self.order.restart
        self.steps = 0
        self.wishes: dict[str, Any] = {}  # further fields of the profiles of clients
        self.round_trip_s: float | None = None  # to the server, as clients that are added have measured it
        self.proof: Proof | None = None  # of clients that are added: what they show if their nick is another device's
        self._idle_steps = 0  # since time last went on

    def _new_server(self, settings: Settings) -> ServerNode:
        if self._make is None:
            return ServerNode(self.now, SERVER, self.random, settings)
        server = DiskServerNode(self.now, SERVER, self.random, settings, make=self._make)
        server.on_log_lost = lambda: self.promises.on_log_lost()
        return server

    # --- Who is there ----------

    @property
    def nodes(self) -> list[ClientNode | ServerNode]:
        """The server and all clients, running or not."""
        return [self.server, *self.clients]

    @property
    def _actors(self) -> list[ClientNode | ServerNode | HostileNode]:
        return [*self.nodes, *self.strangers]

    def add_client(
        self,
        nick: str,
        *,
        address: Address | None = None,
        rooms: tuple[str, ...] = ("lobby",),
        history: int = 0,
        static: KeyPair | None = None,
    ) -> ClientNode:
        """A client that begins to connect now; with the key of another it is that person's second device."""
        address = Address(*address) if address else Address(nick, 1)
        new_node = ClientNode if self._make is None else partial(DiskClientNode, make=self._make)
        client = new_node(
            self.now,
            address,
            self.random,
            nick=nick,
            rooms=rooms,
            history=history,
            server=SERVER,
            world=self,
            static=static,
        )
        self.clients.append(client)
        self.drain(client)
        return client

    def add_clients(self, count: int, prefix: str = "peer") -> list[ClientNode]:
        """Clients that have all entered, on whatever network there is."""
        clients = [self.add_client(f"{prefix}{number}") for number in range(count)]
        self.run_until(lambda: all(client.is_in for client in clients), limit_s=60)
        return clients

    def request_of(self, client_id: bytes, counter: int) -> RequestBody | None:
        """What a device has asked, if that is known."""
        for client in self.clients:
            if client_id_of(client.static.public, client.instance) == client_id:
                return client.asked.get(counter)
        return self.asked.get((client_id, counter))

    # --- Time ----------

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        end = self.now + duration_s
        self._forget_timeouts()
        while self._step(end):
            pass
        self.now = end

    def run_until(self, condition: Callable[[], bool], *, limit_s: float) -> float:
        """Let time pass until something is so; how long it took. `Stuck` if it is not so within the limit."""
        start = self.now
        self._forget_timeouts()
        while not condition():
            if not self._step(start + limit_s):
                if condition():
                    break
                raise Stuck(f"not within {limit_s} s; at {self.now:.3f}\n{self.describe()}")
        return self.now - start

    def _step(self, end: float) -> bool:
        """To the next thing that happens; False if none does before `end`."""
        nodes = self._actors
        wakes = (node.wakes_at(self.now) for node in nodes if node.is_running)
        due = earliest(self.network.next_timeout(), *wakes)
        if due is None or due > end:
            self.now = max(self.now, end)
            return False
        self._idle_steps = 0 if due > self.now else self._idle_steps + 1
        if self._idle_steps > STEPS_AT_ONCE_MAX:
            raise Stuck(f"time stands still at {self.now:.6f}: somebody is always due\n{self.describe()}")
        self.now = max(self.now, due)
        inboxes: dict[Address, list[tuple[bytes, Address]]] = {}
        for delivery in self.network.deliver(self.now):
            inboxes.setdefault(delivery.destination, []).append((delivery.data, delivery.source))
        for node in nodes:
            if node.address in inboxes:
                node.take(inboxes[node.address])
            wakes_at = node.wakes_at(self.now) if node.is_running else None
            if wakes_at is not None and wakes_at <= self.now and node.act(self.now):
                self.drain(node)
        self.steps += 1
        if self.steps % CHECK_EVERY_STEPS == 0:
            for node in nodes:
                node.check_timeout()
            self.promises.check()
        return True

    def _forget_timeouts(self) -> None:
        """Between two runs anybody may have changed anything."""
        for node in self._actors:
            node.forget_timeout()

    def drain(self, node: ClientNode | ServerNode | HostileNode) -> None:
        """Send what a core wants sent, and look at what it shows."""
        for datagram, destination in node.drain(self.now):
            self.network.send(self.now, node.address, destination, datagram)
        if isinstance(node, ClientNode):
            self.promises.check_client(node)

    # --- Ends ----------

    def is_settled(self) -> bool:
        """Whether every client that runs is in, has nothing unconfirmed, and holds all that the server's logs do."""
        return all(client.is_settled() for client in self.clients if client.is_running)

    def settle(self, *, limit_s: float = 60.0, link: Link = LAN) -> float:
        """Faults stop; how long it took until all was well. Then the promises are checked once more."""
        self.network.heal(link)
        took = self.run_until(self.is_settled, limit_s=limit_s)
        self.promises.check()
        self.promises.check_complete()
        return took

    def check(self) -> None:
        """The promises, now."""
        self.promises.check()

    def describe(self) -> str:
        """Who stands where, for a failure's message."""
        return "\n".join([self.server.describe(), *(client.describe() for client in self.clients)])
