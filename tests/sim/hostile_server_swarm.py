"""A world whose server lies in every frame: real client cores, a network with faults, and no promise to rely on.

One seed is some clients of one hostile server (`tests.attacks.hostile_server`), at any rate of lies. The clients talk,
ask, are killed and start again with what their stores hold. What must hold: nothing is raised, time goes on, what a
client sends and what it holds is bounded, and its store opens again, with every client that starts from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.attacks.hostile_server import HostileServer
from tests.sim import audit
from tests.sim.network import Network
from tests.sim.swarm import ROOMS, Outcome, draw_link
from tests.sim.world import STEPS_AT_ONCE_MAX, Stuck
from tests.sizes import size_of
from tests.storage.memory import MemoryClientStore
from udpchat.chat.ids import AUDIT_LOG
from udpchat.client.compose import LocalError
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair
from udpchat.session.timers import earliest
from udpchat.shell.client_state import remembered, restore, write_contiguous
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import ClientStore
from udpchat.wire import requests
from udpchat.wire.limits import KEY_BYTES, ORDER, TYPING
from udpchat.wire.packets import DATA_KIND, Address

SERVER = Address("server", 1)
NICKS = ("alice", "bob", "carol")
ACTIONS_PER_S = 5.0
DISK_SHARE = 0.2  # of the worlds: their stores are files
SENDS_PER_S_MAX = 40.0  # Data of one client, beside one for each datagram that it receives
HANDSHAKES_PER_S_MAX = 10.0  # Hellos and Finishes of one client, and as many at each start
CORE_BYTES_MAX = 8_000_000
STARTS_AGAIN_S = 1.0


class LiedTo:
    """A client: a process that starts again with the store of the one before."""

    def __init__(self, random: Random, nick: str, path: Path | None) -> None:
        self.address = Address(nick, 1)
        self._random, self._nick = random, nick
        self._static = KeyPair(random.randbytes(KEY_BYTES))
        memory = MemoryClientStore(random=random.randbytes)
        self._open: Callable[[], ClientStore] = (lambda: memory) if path is None else (lambda: SqliteClientStore(path))
        self.store: ClientStore
        self.core: ClientCore
        self.requests = self.runs = 0

    def start(self, now: float) -> None:
        """A new process, as `shell` starts it."""
        self.runs += 1
        self.store = self._open()
        profile = Profile(
            self._static, self._nick, ROOMS, "server", lambda key: None, 20, shown_max=20, capabilities=(TYPING, ORDER),
            wants_receipts=True,
        )  # fmt: skip
        saved = remembered(self.store, ROOMS, 20)
        self.core = ClientCore(now, profile=profile, saved=saved, address=SERVER, random=self._random.randbytes)
        restore(self.core, self.store)

    def kill(self) -> None:
        """As SIGKILL does."""
        self.store.close()

    def act(self, now: float) -> None:
        """Something that a person does."""
        core, random = self.core, self._random
        asks = (requests.ListRooms(""), requests.ListMembers("lobby", ""), requests.GetHistory("#lobby", None, None, 9),
                requests.GetTopic("lobby"), requests.Whois("bob"), requests.SetAway("x"),
                requests.ListHolders("#lobby", 1, bytes(8)), requests.GetSelf(), requests.ListDevices(),
                requests.ListSanctions("lobby"), requests.SetModes("lobby", is_moderated=True), requests.ListPeers(),
                requests.Kick("lobby", "bob"), requests.GetHistory(AUDIT_LOG, None, None, 9))  # fmt: skip
        deeds: tuple[Callable[[], object], ...] = (
            lambda: core.say(now, random.choice(ROOMS), "hello " * random.choice((1, 1, 400))),
            lambda: core.tell(now, random.choice(NICKS), "psst"),
            lambda: core.ask(now, random.choice(asks)),
            lambda: core.ask(now, requests.Rename(f"{self._nick}{random.randrange(9)}")),
            lambda: core.join(now, random.choice(("attic", *ROOMS))),
            lambda: core.part(now, random.choice(ROOMS)),
            lambda: core.mark_read(now, "lobby"),
            lambda: core.notify_typing(now, "lobby"),
        )
        try:
            random.choice(deeds)()
        except LocalError:
            return
        self.requests += 1

    def drain(self, now: float) -> list[tuple[bytes, Address]]:
        """Write, look at what happened, and send."""
        while writes := self.core.drain_writes():
            write_contiguous(self.store, writes)
            self.core.persisted(now, len(writes))
        self.core.drain_events()
        return self.core.drain_transmits()


class HostileServerSwarm:
    """One seed. `tell` gets a line for each thing that happens."""

    def __init__(self, seed: int, tell: Callable[[str], None] = lambda line: None) -> None:
        audit.begin()
        self.random = Random(f"hostile server {seed}")
        self._tell = tell
        self._begin = self.now = 1_000.0
        random = self.random
        self._server = HostileServer(random, ends=random.random() < 0.5, answers=random.random() < 0.7)
        self._network = Network(random, draw_link(random))
        self._duration_s = random.uniform(3.0, 10.0)
        self._lie_every_s = random.choice((0.05, 0.2, 0.5))
        self._packets_max = random.choice((1, 3, 8))
        self._clients: list[LiedTo] = []
        self._later: dict[LiedTo, float] = {}  # when who was killed or has ended starts again
        self._sent: Counter[tuple[Address, bool]] = Counter()  # by address, and whether it is Data
        self._network.taps.append(lambda now, source, to, data: self._sent.update([(source, data[:1] == DATA_KIND)]))
        self.steps = 0

    def run(self) -> Outcome:
        """Raises AssertionError where a bound is broken, and whatever a core or a store raises."""
        random = self.random
        self._note(f"lies every {self._lie_every_s} s, up to {self._packets_max} packets to each")
        with ExitStack() as stack:
            on_disk = random.random() < DISK_SHARE
            folder = Path(stack.enter_context(TemporaryDirectory())) if on_disk else None
            for nick in NICKS[: random.randint(1, len(NICKS))]:
                client = LiedTo(random, nick, folder and folder / nick)
                self._clients.append(client)
                client.start(self.now)
                stack.callback(client.kill)
            self._live()
            for client in self._clients:
                self._check(client)
            for client in self._clients:
                client.kill()
                client.start(self.now)
        asked = sum(client.requests for client in self._clients)
        return Outcome(self.now - self._begin, 0.0, 0.0, self.steps, asked)

    def _note(self, line: str) -> None:
        self._tell(f"{self.now - self._begin:9.3f}  {line}")

    def _live(self) -> None:
        end, lies_at, acts_at, at_once = self.now + self._duration_s, self.now, self.now, 0
        while self.now < end:
            self._exchange()
            running = [client for client in self._clients if client not in self._later]
            if self.now >= lies_at:
                lies_at = self.now + self.random.expovariate(1 / self._lie_every_s)
                self._server.lie(self.now, packets=self.random.randint(1, self._packets_max))
            if self.now >= acts_at:
                acts_at = self.now + self.random.expovariate(ACTIONS_PER_S)
                self._act(running)
            for client in running:
                if (due := client.core.next_timeout()) is not None and due <= self.now:
                    client.core.handle_timeout(self.now)
            self._exchange()
            timeouts = [client.core.next_timeout() for client in self._clients if client not in self._later]
            now = max(self.now, earliest(lies_at, acts_at, end, self._network.next_timeout(), *timeouts) or end)
            at_once = at_once + 1 if now == self.now else 0
            if at_once > STEPS_AT_ONCE_MAX:
                raise Stuck(f"time stands still at {now:.6f}: somebody is always due")
            self.now = now
            self.steps += 1

    def _act(self, running: list[LiedTo]) -> None:
        for client in [client for client, at in self._later.items() if self.now >= at]:
            del self._later[client]
            client.start(self.now)
            self._note(f"{client.address.host} starts for the {client.runs}. time")
        for client in running:
            if client.core.is_over or self.random.random() < 0.01:
                self._note(f"{client.address.host} {'is over' if client.core.is_over else 'is killed'}")
                client.kill()
                self._later[client] = self.now + STARTS_AGAIN_S
            else:
                client.act(self.now)

    def _exchange(self) -> None:
        """Send what all want sent, and deliver what is due."""
        for client in self._clients:
            if client not in self._later:
                for datagram, destination in client.drain(self.now):
                    self._network.send(self.now, client.address, destination, datagram)
        for datagram, destination in self._server.drain_transmits():
            self._network.send(self.now, SERVER, destination, datagram)
        for delivery in self._network.deliver(self.now):
            if delivery.destination == SERVER:
                self._server.receive(self.now, [(delivery.data, delivery.source)])
            for client in self._clients:
                if delivery.destination == client.address and client not in self._later:
                    client.core.receive(self.now, [(delivery.data, delivery.source)])

    def _check(self, client: LiedTo) -> None:
        name, lasted_s = client.address.host, self.now - self._begin
        data, others = self._sent[client.address, True], self._sent[client.address, False]
        received = self._network.count(SERVER, client.address).delivered
        size = size_of(client.core)
        self._note(f"{name} sent {data} and {others} in {lasted_s:.1f} s, for {received}, and holds {size} bytes")
        assert data <= received + SENDS_PER_S_MAX * lasted_s, f"{name} has sent {data} datagrams for {received}"
        assert others <= HANDSHAKES_PER_S_MAX * (lasted_s + client.runs), f"{name} has sent {others} of handshakes"
        assert size <= CORE_BYTES_MAX, f"{name} holds {size} bytes"
