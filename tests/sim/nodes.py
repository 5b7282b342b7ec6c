"""The nodes of the simulator: a server and clients, each a real core with a store; to be paused, killed, restarted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tests.server.rig import derived
from tests.sim.network import Address
from tests.storage.memory import MemoryClientStore, MemoryLog
from udpchat.chat import events
from udpchat.chat.ids import inbox_log, room_log
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.client.login import Login
from udpchat.client.profile import Profile
from udpchat.client.stored import RequestAdded
from udpchat.server import history
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.derivations import Derivation
from udpchat.server.queries import Query
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.session.timers import earliest
from udpchat.storage.store_interfaces import StoreError, StoreFull
from udpchat.sync.log import Append, LogReader
from udpchat.wire import requests
from udpchat.wire.frames import pack, parse_request_untrusted
from udpchat.wire.limits import GROUPS
from udpchat.wire.packets import Address as PeerAddress
from udpchat.wire.requests import RequestBody

if TYPE_CHECKING:
    from tests.sim.world import World

Core = TypeVar("Core", ServerCore, ClientCore)

WALL_OFFSET_S = 1_700_000_000.0
DERIVATION_S = 0.025  # that a password takes
QUESTIONS: dict[str, Callable[..., requests.RequestBody]] = {
    "rename": requests.Rename,
    "set_topic": requests.SetTopic,
    "ask_topic": requests.GetTopic,
    "set_away": requests.SetAway,
    "whois": requests.Whois,
    "names": lambda room: requests.ListMembers(room, ""),
    "list_rooms": lambda: requests.ListRooms(""),
}


class Node(Generic[Core]):
    """A core with an inbox, that runs or does not.

    When the core is due next is asked once after each change of it. Whoever takes `core` may change it, so taking it
    forgets the answer; whoever only looks takes `view`.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.is_running = True
        self.is_dead = False  # was killed, and not started again
        self._inbox: list[tuple[bytes, PeerAddress]] = []
        self._core: Core
        self._due: float | None = None  # what `_core.next_timeout()` returns, while it is known
        self.is_due_known = False  # so that nothing is asked again

    @property
    def core(self) -> Core:
        """The core, to be looked at or changed."""
        self.is_due_known = False
        return self._core

    @core.setter
    def core(self, core: Core) -> None:
        self.is_due_known = False
        self._core = core

    @property
    def view(self) -> Core:
        """The core, to be looked at only."""
        return self._core

    def forget_timeout(self) -> None:
        """The core may have changed through a reference that somebody kept."""
        self.is_due_known = False

    def check_timeout(self) -> None:
        """AssertionError if the core changed when it is due behind this node's back."""
        if self.is_due_known:
            due = self._core.next_timeout()
            assert due == self._due, f"{self.address} is due at {due}, and {self._due} was remembered"

    def _next_timeout(self) -> float | None:
        if not self.is_due_known:
            self._due, self.is_due_known = self._core.next_timeout(), True
        return self._due

    def take(self, datagrams: list[tuple[bytes, PeerAddress]]) -> None:
        """Datagrams arrive, also while it is paused; a kernel buffer holds so many."""
        self._inbox = (self._inbox + datagrams)[:4096]

    def wakes_at(self, now: float) -> float | None:
        """When it has something to do."""
        return now if self._inbox else self._next_timeout()

    def act(self, now: float) -> bool:
        """Receive what came, do what is due."""
        acted = False
        if self._inbox:
            inbox, self._inbox = self._inbox, []
            self.core.receive(now, inbox)
            acted = True
        due = self._next_timeout()
        if due is not None and now >= due:
            self.core.handle_timeout(now)
            acted = True
        return acted

    def pause(self) -> None:
        """As SIGSTOP does."""
        self.is_running = False

    def resume(self) -> None:
        """As SIGCONT does; nothing to the dead."""
        self.is_running = not self.is_dead


class ServerNode(Node[ServerCore]):
    """The server and its log. A batch of appends is durable, or refused, `write_s` after it was handed over."""

    def __init__(self, now: float, address: Address, random: Random, settings: Settings) -> None:
        super().__init__(address)
        self._random = random
        self._settings = settings
        self.static = KeyPair(random.randbytes(32))
        self.log = MemoryLog(random=random.randbytes)
        self.logs = [self.log]  # all that there have been
        self.write_s = 0.0
        self.is_full = False  # every write fails
        self._batch: list[Append] = []  # under way
        self._written_at = 0.0
        self.read_s = 0.0  # how long a query takes
        self._query: tuple[float, Query] | None = None  # when it is answered, and which
        self._derivation: tuple[float, Derivation] | None = None  # likewise
        self._proved: set[Address] = set()
        self._proved_now: set[Address] = set()
        self.events: list[events.ServerEvent] = []
        self.on_append: Callable[[Sequence[Append]], None] = lambda batch: None  # these are on the disk
        self.on_persisted: Callable[[int], None] = lambda count: None  # the core is about to learn that
        self.on_restart: Callable[[LogReader], None] = lambda log: None  # a new process reads this log
        self.core = self._new_core()

    def _new_core(self) -> ServerCore:
        core = ServerCore(static=self.static, log=self.log, random=self._random.randbytes, settings=self._settings)
        core.set_wall_clock(WALL_OFFSET_S)
        return core

    def wall_ms(self, now: float) -> int:
        """The time by the clock that its core goes by, in milliseconds since 1970."""
        return int((now + self._core.chat.clock.offset_s) * 1000)

    def is_proved(self, address: Address) -> bool:
        """Whether the server has, or had a moment ago, proof that who is at this address hears it."""
        return address in self._proved

    def wakes_at(self, now: float) -> float | None:
        """When it has something to do."""
        due = super().wakes_at(now)
        answered_at = None if self._query is None else self._query[0]
        derived_at = None if self._derivation is None else self._derivation[0]
        return earliest(due, self._written_at if self._batch else None, answered_at, derived_at)

    def act(self, now: float) -> bool:
        """As every node, and what was being written is written."""
        if self._batch and now >= self._written_at:
            self._end_write(now)
            return True
        if self._query is not None and now >= self._query[0]:
            self._end_query(now)
            return True
        if self._derivation is not None and now >= self._derivation[0]:
            (_, derivation), self._derivation = self._derivation, None
            self.core.derived(now, derivation, derived(derivation), DERIVATION_S)
            return True
        return super().act(now)

    @property
    def handshakes(self) -> int:
        """How many it holds, half open or just finished."""
        return self._core.handshakes

    def drain(self, now: float) -> list[tuple[bytes, PeerAddress]]:
        """Do what operators ask of the program, write, then send."""
        for errand in self.core.drain_errands():
            self.core.reported(now, errand, requests.Report([]))
        while not self._batch and (batch := self.core.drain_writes()):
            self._batch, self._written_at = batch, now + self.write_s
            if not self.write_s:
                self._end_write(now)
        for query in self.core.drain_queries() if self._query is None else ():
            self._query = now + self.read_s, query
        for derivation in self.core.drain_derivations() if self._derivation is None else ():
            self._derivation = now + DERIVATION_S, derivation
        self.events += self.core.drain_events()
        addresses = {peer.session.path.address for peer in self.core.chat.registry}
        self._proved, self._proved_now = addresses | self._proved_now, addresses
        return self.core.drain_transmits()

    def _end_write(self, now: float) -> None:
        batch, self._batch = self._batch, []
        try:
            if self.is_full:
                raise StoreFull("the disk is full")
            self._append(batch)
        except StoreError as error:
            self.core.rejected(now, str(error))
        else:
            self.on_persisted(len(batch))
            self.core.persisted(now, len(batch))

    def _append(self, batch: Sequence[Append]) -> None:
        self.log.append(batch)
        self.on_append(batch)

    def _end_query(self, now: float) -> None:
        assert self._query is not None
        (_, query), self._query = self._query, None
        self.core.answered(now, query, history.read(self.log, query.read), self.read_s)

    def kill(self, *, keeps_batch: bool = False) -> None:
        """As SIGKILL does: only the log remains, with or without the batch that was being written."""
        if keeps_batch and not self.is_full:
            self._append(self._batch)
        self._batch, self._query, self._derivation = [], None, None
        self.is_running, self.is_dead = False, True
        self._inbox.clear()

    def restart(self, *, log: MemoryLog | None = None) -> None:
        """A new process on the same address, with the same log or another."""
        if log is not None:
            self.log = log
            self.logs.append(log)
        self.on_restart(self.log)
        self.core, self._query, self._derivation = self._new_core(), None, None
        self._inbox.clear()
        self.is_running, self.is_dead = True, False

    def mark(self) -> dict[str, int]:
        """How far all logs reach now, those of rosters too."""
        rosters = {room.roster.stream.log: room.roster.head for room in self.view.chat.rooms}
        return rosters | {log: self.log.extent(log).head for log in self.log.logs()}

    def describe(self) -> str:
        """For a failure's message."""
        logs = {log: self.log.extent(log).head for log in self.log.logs()}
        return f"server: {len(self._core.chat.registry)} peers, {logs}, {dict(self._core.counters)}"


class ClientNode(Node[ClientCore]):
    """A person at a device."""

    def __init__(
        self,
        now: float,
        address: Address,
        random: Random,
        *,
        nick: str,
        rooms: tuple[str, ...],
        history: int,
        server: Address,
        world: World,
        static: KeyPair | None = None,
    ) -> None:
        super().__init__(address)
        self._random = random
        self._world = world
        self._server = server
        self.nick = nick
        self.rooms = rooms  # of its next run
        self._history = history
        self.static = static or KeyPair(random.randbytes(32))
        self.proof = world.proof
        self.store = MemoryClientStore(random=random.randbytes)
        self.instance = self.store.load().instance
        self.events: list[events.ClientEvent] = []
        self.times: list[float] = []  # when each of the events happened
        self.said: list[str] = []
        self.asked: dict[int, RequestBody] = {}  # by counter: all that was ever written down to be asked
        self.runs = 0
        self.is_leaving = False  # was told to quit, in this run
        self.core = self._new_core(now)

    def _new_core(self, now: float) -> ClientCore:
        self.runs += 1
        self.is_leaving = False
        wishes: dict[str, Any] = {"check_server": self._check_server, "history": self._history}
        wishes |= {"capabilities": (GROUPS,)} | self._world.wishes
        profile = Profile(self.static, self.nick, self.rooms, "udpchat://server:1", **wishes)
        return ClientCore(
            now,
            profile=profile,
            saved=self.store.load(),
            address=self._server,
            random=self._random.randbytes,
            round_trip_s=self._world.round_trip_s,
            login=Login(self.proof),
        )

    def _check_server(self, key: bytes) -> Phrase | None:
        """It has pinned the server's key."""
        return None if key == self._world.server.static.public else Phrase("server_key.changed")

    @property
    def is_in(self) -> bool:
        """Whether it has entered, and all its rooms."""
        return self._core.is_entered and any(isinstance(event, events.Connected) for event in self.events)

    @property
    def session(self) -> Session:
        """Its session with the server, to be looked at, grown old or spoken in."""
        assert self.core.session is not None, f"{self.nick} has no session"
        return self.core.session

    def inject(self, *frames: bytes) -> None:
        """Send frames of the test's own making, in one packet of its session."""
        self._world.network.send(self._world.now, self.address, self._server, self.session.seal(pack([*frames])))

    # --- What the person does ----------

    def say(self, text: str, room: str = "lobby") -> None:
        """Say something."""
        self.said.append(text)
        self.core.say(self._world.now, room, text)
        self._world.drain(self)

    def tell(self, nick: str, text: str) -> None:
        """Tell a person something."""
        self.core.tell(self._world.now, nick, text)
        self._world.drain(self)

    def do(self, verb: str, *arguments: Any) -> None:
        """Any other verb of the client."""
        self.is_leaving = self.is_leaving or verb == "quit"
        if verb in QUESTIONS:
            self.core.ask(self._world.now, QUESTIONS[verb](*arguments))
        else:
            getattr(self.core, verb)(self._world.now, *arguments)
        self._world.drain(self)

    def kill(self) -> None:
        """As SIGKILL does: only what was written remains."""
        self.is_running, self.is_dead = False, True
        self._inbox.clear()

    def restart(self) -> None:
        """A new process with the same data folder."""
        self.core = self._new_core(self._world.now)
        self._inbox.clear()
        self.is_running, self.is_dead = True, False
        self._world.drain(self)

    # --- What it has seen ----------

    def drain(self, now: float) -> list[tuple[bytes, PeerAddress]]:
        """Write, note, then send."""
        while batch := self.core.drain_writes():
            self.store.write(batch)
            for write in batch:
                if isinstance(write, RequestAdded):
                    self.asked[write.counter] = parse_request_untrusted(write.body)
            self.core.persisted(now, len(batch))
        self.events += self.core.drain_events()
        self.times += [now] * (len(self.events) - len(self.times))
        return self.core.drain_transmits()

    def messages(self, room: str = "lobby") -> list[events.MessageReceived]:
        """Messages of others that were shown."""
        return [event for event in self.events if isinstance(event, events.MessageReceived) and event.room == room]

    def sent(self, room: str = "lobby") -> list[events.MessageSent]:
        """Its own messages that were confirmed."""
        return [event for event in self.events if isinstance(event, events.MessageSent) and event.room == room]

    def texts(self, room: str = "lobby") -> list[str]:
        """All that was shown in a room, its own and others', in the order shown."""
        shown = (events.MessageReceived, events.MessageSent)
        return [event.text for event in self.events if isinstance(event, shown) and event.room == room]

    def of(self, kind: type[events.ClientEvent]) -> list[events.ClientEvent]:
        """Events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def is_settled(self, mark: Mapping[str, int] | None = None) -> bool:
        """Whether it is in, with nothing unconfirmed, and holds all that the server's logs for it do.

        With a `mark`, as `ServerNode.mark` gives it: all that they held when it was made.
        """
        if not self._core.is_entered or not self._core.is_idle:
            return False
        server = self._world.server
        for log in [
            *map(room_log, self._core.model.rooms),
            *server.view.chat.commits.durable.conversations(self.static.public),
            inbox_log(self.static.public),
        ]:
            extent = server.log.extent(log)
            head = extent.head if mark is None else min(extent.head, mark.get(log, 0))
            held = self.store.extent(log)
            if head and (held.generation != extent.generation or held.head < head):
                return False
        rooms = server.view.chat.rooms
        for roster in [rooms[room].roster for room in self._core.model.rooms if room in rooms]:
            head = roster.head if mark is None else min(roster.head, mark.get(roster.stream.log, 0))
            replica = self._core.timeline.uplink.get(roster.stream.log)
            if replica is None or replica.generation != roster.stream.generation or replica.sequence < head:
                return False
        return True

    def describe(self) -> str:
        """For a failure's message."""
        held = {log: self.store.extent(log).head for log in self.store.logs()}
        state = "in" if self._core.is_entered else "not in"
        return (
            f"{self.nick}: {state}, {held}, unconfirmed {len(self._core.model.sending)}, rooms {self._core.model.rooms}"
        )
