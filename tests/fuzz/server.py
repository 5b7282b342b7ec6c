"""The server's core under a fuzzer: devices with real sessions, an address for each, a store that fails, and time.

After each step: no exception, no datagram longer than DATAGRAM_BYTES_MAX, to who has proved no address at most three
times what came from there, nothing that a client cannot open and read, every table within its limit, no timer that is
due again and again. At the end, when everybody has gone, the core holds nothing that a fresh one does not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from random import Random

from tests.fuzz.cases import Choices
from tests.fuzz.device import Device
from tests.fuzz.faulty_log import FaultyLog, InFile, InMemory, Stores
from tests.fuzz.growth import check_not_grown
from tests.fuzz.narrow import SMALL, small_limits
from tests.fuzz.values import TEXTS, Maker, bent_bytes, near, one_of
from tests.server.rig import derived
from tests.sim import audit
from tests.wire.shapes import REQUESTS, UP
from udpchat.chat.ids import conversation_log, inbox_log, message_id
from udpchat.chat.names import HOST_NICK
from udpchat.chat.permissions import Role
from udpchat.server import history
from udpchat.server.accounts import digest_of
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.queries import Query
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.session.session import Session
from udpchat.storage.store_interfaces import StoreError
from udpchat.sync.exactly_once import ANSWERS_RECALLED_MAX
from udpchat.sync.log import Append, LogUnreadable
from udpchat.wire import limits
from udpchat.wire.content import Message, Tombstone
from udpchat.wire.frames import Enter, Follow, PathReply, Ping, encode, encode_message, encode_request
from udpchat.wire.packets import Address, Kind, Probe
from udpchat.wire.requests import Malformed, Rename, Report, ReportItem, ResultBody, Say, Tell

WALL_OFFSET_S = 1_700_000_000.0
NICKS = ("ada", "bob", "Ada", "аda", "carol", "admin", "b\u200bob", "дима", "x" * 32, "dave", HOST_NICK)
ROOMS = ("lobby", "tea", "Tea", "a", "b", "c", "cafe\u0301", "#lobby", "", "x" * 32)
KEYS = 4
DEVICES = 6
RECORDED_MAX = 48
TIMER_STEP_S = 0.0005  # as the driver has it: between two timeouts there is time for the socket
IDLE_TIMEOUTS_MAX = 64  # in a row, each as soon as it may be, in which nothing is done
STEP_S = 0.001
FORGOTTEN_AFTER_S = 400.0  # nothing that a peer left is older
LEFT_PLACES_MAX = 200  # counters of drops, reasons of damage, heads of logs
PACE_S = 2.0

SECRETS = ("ABCDEFGHJKMNPQRS", "correct horse battery", "x" * 256, "é" * 8)
NETWORKS = ("10.0.0.11", "10.0.0.0/24", "10.0.0.0/33", "::/0", "fe80::1%eth0", "#", "")
HEART = "\u2764\ufe0f"


class ServerTarget:
    """One server, and who does to it what the steps say. The first step chooses its store and its limits."""

    def __init__(self) -> None:
        audit.begin()
        self._random = Random(1)
        self._stack = ExitStack()
        self._now = 1_000.0
        self._static = KeyPair(self._random.randbytes(32))
        self._keys = [KeyPair(self._random.randbytes(32)) for _ in range(KEYS)]
        self._devices = [self._new_device(number) for number in range(DEVICES)]
        self._core: ServerCore | None = None
        self._stores: Stores
        self._log: FaultyLog
        self._collected: list[Append] = []
        self._write: Callable[[], None] = self._write_all
        self._recorded: deque[tuple[bytes, Address]] = deque(maxlen=RECORDED_MAX)
        self._received: Counter[Address] = Counter()
        self._sent: Counter[Address] = Counter()
        self._noted: set[Hashable] = set()
        self._is_small = False
        self._drops = 0
        self._queries: list[Query] = []
        self._holds_queries = False
        self._maker = self._new_maker()
        self._actions: tuple[Callable[[Choices], None], ...] = (
            self._frames, self._frames, self._frames, self._frames, self._frames, self._ask, self._ask, self._ask,
            self._ask, self._wrong_request, self._repeat, self._come_in, self._come_in, self._ack, self._ack,
            self._connect, self._connect, self._replay, self._replay, self._noise, self._move, self._move, self._pass,
            self._pass, self._pass, self._jump, self._disk, self._disk, self._restart, self._prune,
        )  # fmt: skip

    def _new_device(self, number: int) -> Device:
        key = self._keys[(0, 1, 2, 3, 0, 0)[number]]
        address = Address(f"10.0.0.{10 + number % 4}", 1000 + number)
        return Device(key, self._random.randbytes(16), address, self._random.randbytes)

    def _new_maker(self) -> Maker:
        publics = [key.public for key in self._keys]
        logs = [
            *("#" + room for room in ROOMS),
            "%lobby",
            "%tea",
            "!directory",
            "~",
            "@",
            "lobby",
            *map(inbox_log, publics),
        ]
        logs += [conversation_log(one, other) for one in publics for other in publics]
        prints = [fingerprint(public) for public in publics]
        message = Message(1, b"12345678", "ada", b"12345678", 0, "hi")
        pools = {
            "nick": one_of(*NICKS), "room": one_of(*ROOMS), "log": one_of(*logs), "after": one_of("", *NICKS, *ROOMS),
            "sequence": near(self._numbers), "generation": self._generation, "counter": near(self._counters),
            "first_open": near(self._counters), "before": near(self._numbers), "largest": near(self._sent_counters),
            "number": one_of(0, 1, 2**53), "token": self._token, "ranges": self._ranges,
            "raw": one_of(encode_message(message), b"\xc0"), "refers_to": self._id,
            "id": lambda choices: self._id(choices) or b"12345678",
            "kind": one_of(0, 0, 1, 2, 2, 3, 3, 4, 200), "text": one_of(*TEXTS, HEART, HEART),
            "data": one_of(b"", b"", b"-", b"x" * 100),
            "edited_by": near(self._numbers),
            "role": one_of(*Role, 15), "purpose": one_of(0, 1, 2), "for_s": one_of(0, 0, 1, 60),
            "skip": one_of(0, 0, 7),
            "subject": one_of(*NICKS, *("#" + name for name in prints), *NETWORKS), "fingerprint": one_of(*prints, "a"),
            "secret": one_of(*SECRETS), "password": one_of("", *SECRETS), "digest": one_of(*map(digest_of, SECRETS)),
            "words": one_of("hi", "hello all", 'text:"', "a AND b", "NEAR(a b)", "* ^ -", "", "x" * 200, "é ß İ"),
        }  # fmt: skip
        return Maker(pools)

    # --- What the world knows ----------

    def _numbers(self) -> list[int]:
        return [known.head for device in self._devices for known in device.logs.values()]

    def _generation(self, choices: Choices) -> int:
        known = sorted({known.generation for device in self._devices for known in device.logs.values()})
        return choices.pick([*known, 0, 1, 2**53])

    def _id(self, choices: Choices) -> bytes | None:
        """Of a message that a device may have sent; or of none."""
        device = choices.pick(self._devices)
        return choices.pick((message_id(device.instance, max(device.counter - choices.below(4), 1)), b"12345678", None))

    def _counters(self) -> list[int]:
        return [device.counter for device in self._devices]

    def _sent_counters(self) -> list[int]:
        return [session.largest_received for device in self._devices for session in device.sessions]

    def _token(self, choices: Choices) -> bytes:
        return choices.pick([token for device in self._devices for token in device.tokens] or [bytes(8)])

    def _ranges(self, choices: Choices) -> list[tuple[int, int]]:
        low = max(choices.pick(self._numbers() or [0]) - choices.below(6), 0)
        ranges = []
        for _ in range(choices.pick((0, 1, 1, 2, 32))):
            low += choices.pick((1, 2, 0, 2**40, 2**53))
            high = low + choices.pick((0, 1, 3, 2**52, -1))
            ranges.append((low, high))
            low = high + 1
        return ranges

    # --- The server ----------

    @property
    def core(self) -> ServerCore:
        """The core of this run of the server."""
        assert self._core is not None
        return self._core

    def _begin(self, choices: Choices) -> None:
        self._is_small = choices.chance(50)
        if self._is_small:
            self._stack.enter_context(small_limits())
        self._stores = InFile() if choices.chance(15) else InMemory(self._random.randbytes)
        self._stack.callback(self._stores.close)
        self._log = FaultyLog(self._stores.open())
        self._core = self._new_core()
        for device in self._devices[: choices.below(4) + 1]:
            self._handshake(device)
            self._up(device, [encode(Enter(NICKS[self._devices.index(device)], "fuzz")), encode(Follow("#lobby"))])

    def _new_core(self) -> ServerCore:
        core = ServerCore(
            static=self._static,
            log=self._log,
            random=self._random.randbytes,
            settings=Settings("den", kept_entries=20, host=self._keys[-1].public),
        )
        core.set_wall_clock(WALL_OFFSET_S)
        return core

    def step(self, choices: Choices) -> None:
        """One thing happens."""
        if self._core is None:
            return self._begin(choices)
        choices.pick(self._actions)(choices)
        self._run_until(self._now + STEP_S)
        self._check_tables()

    # --- What may happen ----------

    def _device(self, choices: Choices) -> Device:
        entered = [device for device in self._devices if device.session is not None]
        return choices.pick(self._devices if choices.chance(15) or not entered else entered)

    def _frames(self, choices: Choices) -> None:
        device = self._device(choices)
        session = self._session(choices, device)
        count = choices.pick((1, 1, 2, 3, 8, 64))
        encoded = [self._maker.encoded(choices, choices.pick(UP)) for _ in range(count)]
        if session is not None:
            self._send(device.seal(session, encoded), self._source(choices, device))

    def _session(self, choices: Choices, device: Device) -> Session | None:
        sessions = device.sessions
        return None if not sessions else choices.pick(sessions) if choices.chance(15) else sessions[0]

    def _source(self, choices: Choices, device: Device) -> Address:
        if choices.chance(88):
            return device.address
        return choices.pick([other.address for other in self._devices] + [Address("10.9.9.9", choices.below(4))])

    def _ask(self, choices: Choices) -> None:
        device = self._device(choices)
        if choices.chance(30):
            bodies = [encode(self._say(choices)) for _ in range(choices.pick((1, 2, 5, 40)))]
        else:
            bodies = [self._maker.encoded(choices, choices.pick(REQUESTS))]
        for body in bodies:
            device.ask(body if len(body) <= 18_000 else encode(Malformed()))
        self._up(device, device.requests())

    def _say(self, choices: Choices) -> Say | Tell | Rename:
        text = choices.pick(("hi", "hello all of you", "x" * 900, "y" * 5_000, "é" * 8_000))
        match choices.below(4):
            case 0:
                return Tell(choices.pick(NICKS), 0, text)
            case 1:
                return Rename(choices.pick(NICKS))
        return Say(choices.pick(ROOMS[:3]), 0, text)

    def _repeat(self, choices: Choices) -> None:
        device = self._device(choices)
        if device.session is not None:
            self._send(device.seal(device.session, device.requests()), device.address)

    def _wrong_request(self, choices: Choices) -> None:
        device = self._device(choices)
        body = self._maker.encoded(choices, choices.pick(REQUESTS))
        counter, first = near(self._counters)(choices), near(self._counters)(choices)
        if len(body) < limits.BODY_BYTES_MAX:
            self._up(device, [encode_request(counter, first, body)])

    def _come_in(self, choices: Choices) -> None:
        device = self._device(choices)
        nick = choices.pick(NICKS)
        rooms = [choices.pick(ROOMS) for _ in range(choices.below(4))]
        if device.session is None:
            self._handshake(device)
        followed = [encode(Follow("#" + room, choices.chance(20))) for room in rooms]
        self._up(device, [encode(Enter(nick, "fuzz", choices.below(3))), *followed])

    def _ack(self, choices: Choices) -> None:
        for device in self._devices if choices.chance(50) else [self._device(choices)]:
            if device.session is not None:
                self._up(device, [device.ack(device.session)])

    def _connect(self, choices: Choices) -> None:
        device = choices.pick(self._devices)
        if choices.chance(30):
            device.instance = self._random.randbytes(16)
            device.counter, device.asked = 0, {}
        self._handshake(device, rounds=choices.pick((3, 3, 3, 2, 1)), bent=choices if choices.chance(20) else None)

    def _handshake(self, device: Device, *, rounds: int = 3, bent: Choices | None = None) -> None:
        device.connect(self._now)
        for _ in range(rounds):
            for datagram in device.drain():
                if bent is not None and bent.chance(40):
                    self._deliver([(bent_bytes(bent, datagram), device.address)])
                self._deliver([(datagram, device.address)])

    def _replay(self, choices: Choices) -> None:
        for _ in range(choices.pick((1, 1, 3, 12)) if self._recorded else 0):
            datagram, address = choices.pick(self._recorded)
            if choices.chance(30):
                address = choices.pick([other.address for other in self._devices] + [Address("10.8.8.8", 8)])
            self._deliver([(bent_bytes(choices, datagram) if choices.chance(40) else datagram, address)])

    def _noise(self, choices: Choices) -> None:
        kind = bytes((choices.pick([*map(int, Kind), choices.below(256)]),))
        if choices.chance(20):
            probe = Probe(choices.below(256), choices.data(8), choices.below(2**16), choices.below(256))
            probe = probe.changed(size=choices.pick((limits.PROBE_BYTES_MIN, limits.PROBE_BYTES_MAX)))
            return self._deliver([(probe.encode(), Address("10.7.7.7", choices.below(3)))])
        length = choices.pick((0, 4, 12, 25, 28, 63, 199, 1199, 1200, 1471, 2999))
        self._deliver([(kind + choices.data(length), Address("10.7.7.7", choices.below(3)))])

    def _move(self, choices: Choices) -> None:
        device = self._device(choices)
        device.address = Address(f"10.1.0.{choices.below(4)}", 2000 + choices.below(4))
        if device.session is not None:
            self._up(device, [encode(Ping(7))])
            if choices.chance(70) and device.session is not None:
                self._up(device, [encode(PathReply(token)) for token in list(device.tokens)[-1:]])

    def _pass(self, choices: Choices) -> None:
        seconds = choices.pick((0.001, 0.01, 0.05, 0.3, 1.0, 5.0, 11.0, 29.0, 45.0, 130.0))
        is_alive = choices.chance(50)
        end = self._now + seconds
        while self._now < end:
            self._run_until(min(self._now + PACE_S, end))
            for device in self._devices if is_alive else ():
                if device.session is not None:
                    self._up(device, [encode(Ping(0)), device.ack(device.session)])

    def _jump(self, choices: Choices) -> None:
        self._now += choices.pick((3.0, 31.0, 0.5, 3_601.0, 86_400.0, 1e7))

    def _disk(self, choices: Choices) -> None:
        match choices.below(6):
            case 0:
                self._write = self._hold
            case 3:
                self._holds_queries = True
            case 1:
                self._log.is_full = not self._log.is_full
            case 2:
                self._log.is_unreadable = not self._log.is_unreadable
            case _:
                self._mend_disk()

    def _mend_disk(self) -> None:
        self._log.is_full = self._log.is_unreadable = False
        self._write = self._write_all
        self._holds_queries = False
        self._after()

    def _hold(self) -> None:
        """What is to be written waits."""

    def _restart(self, choices: Choices) -> None:
        """A new process: what was not written is lost, or was written with nobody told."""
        self._log.is_unreadable = False
        if choices.chance(50) and not self._log.is_full:
            self._log.append(self._collected)
        self._collected, self._queries = [], []
        if choices.chance(50):
            self.core.stop(self._now)
            self._after()
        self._core = None
        self._log = FaultyLog(self._stores.open())
        self._core = self._new_core()

    def _prune(self, choices: Choices) -> None:
        names = self._log.logs()
        if not names or self._collected:
            return
        name = choices.pick(names)
        extent = self._log.extent(name)
        if name.startswith("!"):
            return  # the server never prunes its directory
        if choices.chance(30):
            tombstone = encode(Tombstone(0))
            self._log.redact(name, extent.base + 1 + choices.below(extent.head - extent.base + 1), tombstone)
        else:
            self._log.prune(name, extent.base + choices.below(extent.head - extent.base + 2))
            self.core.on_pruned(self._now, name)
            self._after()

    # --- In and out ----------

    def _up(self, device: Device, encoded: list[bytes]) -> None:
        if device.session is not None:
            self._send(device.seal(device.session, encoded), device.address)

    def _send(self, datagrams: list[bytes], address: Address) -> None:
        self._deliver([(datagram, address) for datagram in datagrams])

    def _deliver(self, batch: list[tuple[bytes, Address]]) -> None:
        for datagram, address in batch:
            self._received[address] += len(datagram)
        self._recorded.extend(batch)
        before = self._proved()
        self.core.receive(self._now, batch)
        self._after(before)

    def _proved(self) -> set[Address]:
        return {peer.session.path.address for peer in self.core.chat.registry}

    def _after(self, proved: set[Address] | None = None) -> bool:
        """Drain the core; what it sends is checked, and heard by who is there. Whether it did anything."""
        core = self.core
        self._collected += core.drain_writes()
        self._write()
        self._queries += core.drain_queries()
        while self._queries and not self._holds_queries:
            query = self._queries.pop(0)
            core.answered(self._now, query, self._answer(query), 0.01)
            self._queries += core.drain_queries()
        for errand in core.drain_errands():
            core.reported(self._now, errand, Report([ReportItem("peers", len(core.chat.registry))]))
        while derivations := core.drain_derivations() if not self._holds_queries else []:
            for derivation in derivations:
                core.derived(self._now, derivation, derived(derivation), 0.025)
        self._collected += core.drain_writes()
        self._write()
        happened = core.drain_events()
        self._noted.update(type(event).__name__ for event in happened)
        proved = self._proved() | (proved or set())
        transmits = core.drain_transmits()
        for datagram, address in transmits:
            is_for_probe = datagram[0] == Kind.PROBE_REPLY
            bytes_max = limits.PROBE_BYTES_MAX if is_for_probe else limits.DATAGRAM_BYTES_MAX
            assert len(datagram) <= bytes_max, f"a datagram of {len(datagram)} bytes"
            if address not in proved:
                self._sent[address] += len(datagram)
                allowed = limits.AMPLIFICATION_MAX * self._received[address]
                assert self._sent[address] <= allowed, f"{address} gets more than {limits.AMPLIFICATION_MAX} times"
            for device in self._devices:
                if device.address == address:
                    device.hear(self._now, datagram)
        drops = core.counters.total()
        is_idle = not transmits and not happened and drops == self._drops
        self._drops = drops
        return not is_idle

    def _answer(self, query: Query) -> ResultBody | LogUnreadable:
        try:
            return history.read(self._log, query.read)
        except LogUnreadable as error:
            return error

    def _write_all(self) -> None:
        while self._collected:
            batch, self._collected = self._collected, []
            try:
                self._log.append(batch)
            except StoreError as error:
                self.core.drain_writes()  # submitted meanwhile: it fails with the rest
                self.core.rejected(self._now, str(error))
            else:
                self.core.persisted(self._now, len(batch))
            self._collected += self.core.drain_writes()

    def _run_until(self, end: float) -> None:
        idle, earliest = 0, self._now
        while (due := self.core.next_timeout()) is not None and max(due, earliest) <= end:
            is_late = due < earliest
            self._now = max(self._now, due, earliest)
            earliest = self._now + TIMER_STEP_S
            before = self._proved()
            self.core.handle_timeout(self._now)
            is_busy = self._after(before)
            idle = 0 if is_busy or not is_late else idle + 1
            assert idle <= IDLE_TIMEOUTS_MAX, f"always due, with nothing to do: {due} at {self._now}"
        self._now = max(self._now, end)

    # --- What must hold ----------

    def _limit(self, name: str) -> float:
        return float(SMALL[name] if self._is_small and name in SMALL else getattr(limits, name))

    def _check_tables(self) -> None:
        core, rooms = self.core, self._limit("ROOMS_PER_PEER_MAX")
        assert core.handshakes <= self._limit("HANDSHAKES_MAX")
        assert len(core.chat.registry) <= self._limit("PEERS_MAX")
        assert len(core.chat.rooms) <= self._limit("EMPTY_ROOMS_MAX") + self._limit("STORED_ROOMS_MAX")
        assert not core.chat.fanout.to_flush, "peers are left to be flushed"
        for peer in core.chat.registry:
            assert len(peer.window) <= ANSWERS_RECALLED_MAX, f"{len(peer.window)} requests are held"
            assert len(peer.rooms if peer.entering is None else peer.entering.rooms) <= rooms
            assert len(core.chat.registry.peers_of(peer.key)) <= self._limit("PEERS_PER_KEY_MAX")
            conversations = self._limit("CONVERSATIONS_PER_KEY_MAX")
            assert len(peer.downlink.subscriptions) <= 2 * (rooms + conversations) + 2
            for subscription in peer.downlink.subscriptions.values():
                runs = max(map(len, (subscription.acked, subscription.scheduled, subscription.backlog)))
                assert runs <= 600, f"{subscription.stream.log} has {runs} ranges"
        for stream in core.chat.rooms.streams():
            followers = list(core.chat.fanout.followers(stream))
            assert len(followers) == stream.followers > 0, f"{stream.log} is sent to nobody"
            assert all(peer in core.chat.registry for peer in followers), f"{stream.log} is sent to who has left"

    def finish(self) -> None:
        """Everybody goes without a word; then nothing of them is left."""
        if self._core is None:
            return
        self._mend_disk()
        self._devices.clear()
        end = self._now + FORGOTTEN_AFTER_S
        while self._now < end:
            self._run_until(self._now + PACE_S)
        assert len(self.core.chat.registry) == 0, "who is silent is still here"
        assert self.core.handshakes == 0
        check_not_grown(self.core, self._new_core(), places=LEFT_PLACES_MAX)

    def noted(self) -> set[Hashable]:
        """The reasons of drops, and the events."""
        return self._noted | (set(self._core.counters) if self._core else set())

    def close(self) -> None:
        """The store is closed, and limits are as they were."""
        self._stack.close()
        audit.end()
