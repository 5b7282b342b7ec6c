"""A server and clients on a wire without faults, each with a store in memory; time stands still unless it is passed."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.server.rig import derived
from tests.sim import audit
from tests.storage.memory import MemoryClientStore, MemoryLog
from udpchat.chat import events
from udpchat.chat.names import HOST_NICK
from udpchat.client.core import ClientCore
from udpchat.client.login import Login
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState
from udpchat.server import history
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.session.noise import KeyPair
from udpchat.wire.limits import ORDER
from udpchat.wire.packets import Address

SERVER = Address("10.0.0.1", 1)
HOST = KeyPair(bytes(range(32)))
WALL_OFFSET_S = 1_700_000_000.0


class Person:
    """A client, its key and its store, over several runs."""

    def __init__(self, nick: str, address: Address, random: Random) -> None:
        self.nick = nick
        self.address = address
        self.static = KeyPair(random.randbytes(32))
        self.store = MemoryClientStore(random=random.randbytes)
        self.core: ClientCore
        self.events: list[events.ClientEvent] = []
        self.is_cut = False  # nothing arrives here
        self.loss = 0.0  # the share of what is sent here that does not arrive

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def codes(self) -> list[str]:
        """The codes of what was refused to this run."""
        return [event.code for event in self.events if isinstance(event, events.Error | events.Rejected)]

    def texts(self) -> list[str]:
        """What this run has shown of others."""
        return [message.text for message in self.of(events.MessageReceived)]


class Wire:
    """`start` a person, let things `settle`; `is_cut`: nothing arrives."""

    def __init__(self, seed: int = 3) -> None:
        audit.begin()
        self.random = Random(seed)
        self.now = 100.0
        self.is_cut = False
        self.log = MemoryLog(random=self.random.randbytes)
        static, settings = KeyPair(self.random.randbytes(32)), Settings(host=HOST.public)
        self.server = ServerCore(static=static, log=self.log, random=self.random.randbytes, settings=settings)
        self.people: list[Person] = []
        self.queried: list[type] = []  # what was read from the log

    def person(self, nick: str, *rooms: str, **wishes: Any) -> Person:
        """Somebody new, who has come in; `wishes`: fields of their profile."""
        person = Person(nick, Address(f"10.0.1.{len(self.people)}", 1), self.random)
        self.people.append(person)
        self.start(person, *(rooms or ("lobby",)), **wishes)
        return person

    def host(self) -> Person:
        """Who has the key in the data folder of the server."""
        host = Person(HOST_NICK, Address("10.0.2.1", 1), self.random)
        host.static = HOST
        self.people.append(host)
        self.start(host, capabilities=(ORDER,))
        return host

    def start(self, person: Person, *rooms: str, history: int = 0, is_recent: bool = False, is_returning: bool = False,
              saved: ClientState | None = None, login: Login | None = None, **wishes: Any) -> None:  # fmt: skip
        """A run with what this person has stored, or `saved`; `is_recent`: the client gets what it is to show first."""
        saved = saved or person.store.load()
        if is_recent:
            saved = saved.changed(recent={log: person.store.last(log, history) for log in person.store.logs()})
        rooms = rooms or ("lobby",)
        profile = Profile(
            person.static, person.nick, rooms, "server", lambda key: None, history, is_returning=is_returning, **wishes
        )
        person.events = []
        person.core = ClientCore(
            self.now, profile=profile, saved=saved, address=SERVER, random=self.random.randbytes, login=login
        )
        self.settle()

    def leave(self, person: Person) -> None:
        person.core.quit(self.now)
        self.settle()

    def settle(self, seconds: float = 1.0) -> None:
        """Let everything happen, and so much time pass."""
        end = self.now + seconds
        while self.now < end:
            while self._exchange():
                pass
            self.now += 0.01
            for core in (self.server, *(person.core for person in self.people)):
                due = core.next_timeout()
                if due is not None and due <= self.now:
                    core.handle_timeout(self.now)

    def _exchange(self) -> bool:
        self.server.set_wall_clock(WALL_OFFSET_S)
        while batch := self.server.drain_writes():
            self.log.append(batch)
            self.server.persisted(self.now, len(batch))
        while queries := self.server.drain_queries():
            for query in queries:
                self.queried.append(type(query.read))
                self.server.answered(self.now, query, history.read(self.log, query.read), 0.0)
        while derivations := self.server.drain_derivations():
            for derivation in derivations:
                self.server.derived(self.now, derivation, derived(derivation), 0.0)
        sent = self.server.drain_transmits()
        up = []
        for person in self.people:
            while writes := person.core.drain_writes():
                person.store.write(writes)
                person.core.persisted(self.now, len(writes))
            up += [(datagram, person.address) for datagram, _ in person.core.drain_transmits()]
            person.events += person.core.drain_events()
        if self.is_cut:
            return False
        for person in self.people:
            down = [(datagram, SERVER) for datagram, address in sent if address == person.address]
            down = [each for each in down if not person.loss or self.random.random() >= person.loss]
            if down and not person.is_cut:
                person.core.receive(self.now, down)
        if up:
            self.server.receive(self.now, up)
        return bool(sent or up)
