"""A server's core with its log and no network: devices come in and ask, and the test writes, or refuses to."""

from __future__ import annotations

from random import Random

from tests.sim import audit
from tests.storage.memory import MemoryLog
from udpchat.server import history
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.derivations import Derivation, Derived
from udpchat.server.expiry import PAUSE_S
from udpchat.server.queries import Query
from udpchat.server.registry import Peer
from udpchat.server.roster import Roster
from udpchat.session.noise import KeyPair, Keys
from udpchat.session.path import Path
from udpchat.session.session import Session
from udpchat.wire.content import Entry, Message, Reason
from udpchat.wire.frames import (
    Down,
    Entries,
    Introduction,
    Proof,
    parse_down_untrusted,
    parse_entry_untrusted,
    parse_result_untrusted,
)
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.packets import Address
from udpchat.wire.requests import EntryList, GetHistory, LogEntry, RequestBody, ResultBody, Search


class HeardSession(Session):
    """Keeps the frames that it seals."""

    __slots__ = ("frames",)

    def seal(self, body: bytes) -> bytes:
        self.frames = [*getattr(self, "frames", ()), *parse_down_untrusted(body)]
        return super().seal(body)


class Rig:
    """`device` enters, `ask` asks, `write` makes durable what was asked and `refuse` does not."""

    def __init__(self, log: MemoryLog | None = None, settings: Settings | None = None) -> None:
        audit.begin()
        self.random = Random(2)
        self.now = 100.0
        self.log = log or MemoryLog(random=self.random.randbytes)
        self.server = ServerCore(
            static=KeyPair(self.random.randbytes(32)), log=self.log, random=self.random.randbytes, settings=settings
        )
        self.chat = self.server.chat
        self.told = self.chat.happened
        self.holds_queries = False  # whether the test takes and answers them
        self._counters: dict[bytes, int] = {}
        self._index = 0

    def stranger(
        self,
        *,
        key: bytes | None = None,
        instance: bytes | None = None,
        host: str | None = None,
        capabilities: tuple[int, ...] = (),
    ) -> Peer:
        """A device that has a session and has not entered."""
        key, instance = key or self.random.randbytes(32), instance or self.random.randbytes(16)
        peer = self.chat.recalled_peer(self.now, self._session(key, host), Introduction(instance, 0, capabilities))
        self.chat.registry.add(peer)
        return peer

    def renew(self, peer: Peer) -> None:
        """A device makes a fresh session, from where it was."""
        session = self._session(peer.key, peer.session.path.address[0])
        self.chat.renew_peer(self.now, peer, session, Introduction(peer.author.instance))

    def _session(self, key: bytes, host: str | None) -> Session:
        self._index += 1
        keys = Keys(send=self.random.randbytes(32), receive=self.random.randbytes(32), handshake_hash=bytes(32))
        return HeardSession(
            self.now,
            index=self._index,
            peer_index=self._index,
            remote_static=key,
            keys=keys,
            path=Path(Address(host or f"10.0.0.{self._index}", 1)),
        )

    def frames(self, peer: Peer) -> list[Down]:
        """What was sent to a device since this was asked last."""
        session = peer.session
        assert isinstance(session, HeardSession)
        frames, session.frames = getattr(session, "frames", []), []
        return frames

    def enter(self, peer: Peer, nick: str, proof: Proof | None = None) -> None:
        """A device asks to enter."""
        self.chat.entrance.enter(self.now, peer, nick, proof)

    def derive(self, took_s: float = 0.0) -> list[Derivation]:
        """All passwords that wait are verified or hashed; which."""
        done = []
        while derivations := self.server.drain_derivations():
            for derivation in derivations:
                self.chat.entrance.derived(self.now, derivation, derived(derivation), took_s)
                done.append(derivation)
        return done

    def log_in(self, peer: Peer, nick: str, secret: str, *, is_code: bool = False) -> None:
        """A device asks to enter with a password or a code, and is in, or refused."""
        self.enter(peer, nick, Proof(is_code, secret, 1))
        self.derive()
        self.write_down()

    def follow(self, peer: Peer, log: str) -> None:
        """A device asks to be in a room."""
        self.chat.admission.follow(self.now, peer, log)

    def device(
        self, nick: str, *rooms: str, key: bytes | None = None, instance: bytes | None = None
    ) -> Peer:
        """A device that is in, and in these rooms."""
        peer = self.stranger(key=key, instance=instance)
        self.enter(peer, nick)
        self.write()
        for room in rooms:
            self.follow(peer, "#" + room)
        self.settle()
        return peer

    def settle(self) -> None:
        """Let the server do what it can."""
        self.server.receive(self.now, [])
        self.read()
        self.server.drain_transmits()

    def read(self) -> None:
        """What is to be read from the log is read, unless `holds_queries`."""
        for query in () if self.holds_queries else iter(self.next_query, None):
            self.answer(query)

    def next_query(self) -> Query | None:
        """The query that is to be carried out now."""
        return next(iter(self.server.drain_queries()), None)

    def answer(self, query: Query, took_s: float = 0.0) -> None:
        """A query is carried out."""
        self.server.answered(self.now, query, history.read(self.log, query.read), took_s)

    def stay_awake(self, until: float) -> None:
        """Time passes, and the server runs all the while: who is silent was not just not heard."""
        while self.now < until:
            self.now = min(self.now + PAUSE_S, until)
            self.server.receive(self.now, [])

    def handle_timeouts(self) -> None:
        """Do what is due now, in as many turns as that takes."""
        while (due := self.server.next_timeout()) is not None and due <= self.now:
            self.server.handle_timeout(self.now)

    def ask(self, peer: Peer, request: RequestBody, *, counter: int | None = None) -> int:
        """Ask, under the next counter of this device or one given; the counter."""
        if counter is None:
            counter = self._counters[peer.author.client_id] = self._counters.get(peer.author.client_id, 0) + 1
        first_open = max(counter - REQUESTS_IN_FLIGHT_MAX + 1, 1)
        peer.window.receive(counter, first_open, request)
        self.chat.fanout.to_flush[peer] = None
        self.settle()
        return counter

    def result(self, peer: Peer, counter: int) -> ResultBody | None:
        """What was answered."""
        answer = peer.window.answer_of(counter)
        return None if answer is None else parse_result_untrusted(answer)

    def found(self, peer: Peer, request: GetHistory | Search) -> list[LogEntry]:
        """What a device finds in the log."""
        result = self.result(peer, self.ask(peer, request))
        assert isinstance(result, EntryList), result
        return result.items

    def past(self, peer: Peer, request: GetHistory) -> EntryList:
        """The whole answer, with reactions."""
        result = self.result(peer, self.ask(peer, request))
        assert isinstance(result, EntryList), result
        return result

    def sequences(self, peer: Peer, request: GetHistory | Search) -> list[int]:
        """Which entries a device finds in the log."""
        return [item.sequence for item in self.found(peer, request)]

    def write(self) -> None:
        """All that is to be written, is."""
        while batch := self.server.drain_writes():
            self.log.append(batch)
            self.server.persisted(self.now, len(batch))
            self.server.receive(self.now, [])  # what waited for room goes on
            self.read()
        self.server.drain_transmits()

    def write_down(self) -> None:
        """As `write`; what it causes to be sent is still to be sent."""
        while batch := self.server.drain_writes():
            self.log.append(batch)
            self.chat.persisted(self.now, len(batch))

    def refuse(self) -> None:
        """Nothing that is to be written, is."""
        self.server.drain_writes()
        self.server.rejected(self.now, "the disk is full")
        self.server.drain_transmits()

    def leave(self, peer: Peer, reason: Reason = Reason.QUIT) -> None:
        """A device is gone."""
        self.chat.rooms.remove(self.now, peer, reason)
        self.settle()

    def texts(self, log: str) -> list[str]:
        """What stands in a log."""
        extent = self.log.extent(log)
        entries = map(parse_entry_untrusted, self.log.read(log, extent.base + 1, extent.head))
        return [entry.text for entry in entries if isinstance(entry, Message)]

    def entry(self, log: str, sequence: int) -> Entry:
        """What stands at one place of a log."""
        (entry,) = self.log.read(log, sequence, 1)
        return parse_entry_untrusted(entry)

    def roster(self, room: str) -> list[Entry]:
        """What the roster of a room has told, after its batch."""
        roster = self.chat.rooms[room].roster
        roster.flush(self.now, self.chat.fanout)
        return published(roster)


def derived(derivation: Derivation) -> Derived:
    """As Argon2id, but at once, and readable."""
    phc = f"hash of {derivation.password}"
    return Derived(is_right=derivation.phc == phc) if derivation.phc else Derived(phc=phc)


def published(roster: Roster) -> list[Entry]:
    """What a roster has published, as long as it is kept."""
    told: list[Entry] = []
    while len(told) < roster.stream.head:
        for encoded in roster.stream.frames(len(told) + 1, roster.stream.head):
            for frame in parse_down_untrusted(encoded.body):
                assert isinstance(frame, Entries)
                told += [parse_entry_untrusted(bytes(entry)) for entry in frame.entries]
    return told


def device_counts(roster: Roster) -> dict[str, int]:
    """How many devices each member has in the room."""
    return {nick: attendance.devices for nick, attendance in roster.members.items()}
