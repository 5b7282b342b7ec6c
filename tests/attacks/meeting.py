"""A real client core, its store, and a hostile server on a wire without faults: what the server does to the client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.attacks.hostile_server import Guest, HostileServer
from tests.storage.memory import MemoryClientStore
from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.session.noise import KeyPair
from udpchat.shell.client_state import remembered, restore, write_contiguous
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import ClientStore
from udpchat.wire import frames, requests
from udpchat.wire.frames import Down
from udpchat.wire.packets import Address

CLIENT, SERVER = Address("10.0.1.1", 1), Address("10.0.0.1", 1)
STEP_S = 0.01


class Meeting:
    """Alice, who starts with what her store at `path` holds (None: in memory), and a server that she should not trust.

    `heard` counts the frames that the server received, by kind; `bytes_heard` their datagrams; `requested` has the
    requests among them.
    """

    def __init__(self, seed: int = 1, *, path: Path | None = None, ends: bool = False, answers: bool = False) -> None:
        self.random = Random(seed)
        self.now = 1_000.0
        self.server = HostileServer(self.random, ends=ends, answers=answers)
        self.static = KeyPair(self.random.randbytes(32))
        self._path = path
        self._open: Callable[[], ClientStore] = lambda: SqliteClientStore(path)
        memory = MemoryClientStore(random=self.random.randbytes)
        if path is None:
            self._open = lambda: memory
        self.store: ClientStore
        self.core: ClientCore
        self.happened: list[events.ClientEvent] = []
        self.heard: Counter[str] = Counter()
        self.bytes_heard = 0
        self.requested: dict[int, requests.RequestBody] = {}  # by counter, as far as they fit a datagram
        self.is_disk_slow = False  # nothing is written

    def start(
        self, *, nick: str = "alice", rooms: tuple[str, ...] = ("lobby",), history: int = 20, **wishes: Any
    ) -> None:
        """A run of the client, with what the one before has stored, as `shell` starts it."""
        self.store = self._open()
        saved = remembered(self.store, rooms, history)
        profile = Profile(self.static, nick, rooms, "server", lambda key: None, history, shown_max=history, **wishes)
        self.core = ClientCore(self.now, profile=profile, saved=saved, address=SERVER, random=self.random.randbytes)
        restore(self.core, self.store)
        self.happened = []
        self.run()

    def stop(self) -> None:
        """As SIGKILL does."""
        self.store.close()

    @property
    def guest(self) -> Guest:
        """The client in its latest session."""
        guest = self.server.latest()
        assert guest is not None
        return guest

    def send(self, *told: Down) -> None:
        """The server sends these, and the client receives them now."""
        self.server.send(self.guest, *told)
        self.exchange()

    def enter(self, *logs: str) -> None:
        """The server lets the client in, as an honest one would, and tells the heads of these logs."""
        liar = self.guest.liar
        self.send(liar.welcome(), liar.heads("#lobby", "%lobby", *logs))

    def exchange(self) -> None:
        """Everything that is under way arrives, and what it causes, a few times."""
        for _ in range(4):
            self._write()
            self.happened += self.core.drain_events()
            up = [(datagram, CLIENT) for datagram, _ in self.core.drain_transmits()]
            self.bytes_heard += sum(len(datagram) for datagram, _ in up)
            self.server.receive(self.now, up)
            for guest in self.server.guests.values():
                self.heard.update(type(frame).__name__ for frame in guest.heard)
                self.requested |= {
                    frame.counter: frame.body for frame in guest.heard if isinstance(frame, frames.Request)
                }
                guest.heard.clear()
            down = [(datagram, SERVER) for datagram, _ in self.server.drain_transmits()]
            if down:
                self.core.receive(self.now, down)
        self._write()
        self.happened += self.core.drain_events()

    def _write(self) -> None:
        while not self.is_disk_slow and (writes := self.core.drain_writes()):
            write_contiguous(self.store, writes)
            self.core.persisted(self.now, len(writes))

    def run(self, seconds: float = 0.1, *, packets: int = 0) -> None:
        """Let time pass; in each step of it the server sends so many packets of lies."""
        end = self.now + seconds
        while self.now < end:
            self.server.lie(self.now, packets=packets)
            self.exchange()
            self.now += STEP_S
            due = self.core.next_timeout()
            if due is not None and due <= self.now:
                self.core.handle_timeout(self.now)
        self.exchange()

    def of(self, kind: type) -> list:
        """The events of one kind."""
        return [event for event in self.happened if isinstance(event, kind)]

    def keys(self, kind: type) -> list[str]:
        """The keys of the events of one kind that are phrases."""
        return [event.key for event in self.of(kind)]
