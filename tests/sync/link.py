"""A tiny virtual link between a downlink and the replicas it feeds: one clock, one random seed, nothing else.

It loses, repeats, delays and reorders, has a rate and a queue, and checks at every step that all keeps its bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from tests.sync.memory import MemoryReader
from udpchat.session.timers import earliest
from udpchat.sync.downlink import Downlink
from udpchat.sync.log_stream import LogStream
from udpchat.sync.replica import FRAGMENTED_ENTRIES_MAX
from udpchat.sync.subscription import HELD_RUNS_MAX
from udpchat.sync.uplink import Uplink
from udpchat.wire.frames import (
    Ack,
    Down,
    Entries,
    EntryFragment,
    Heads,
    pack,
    parse_down_untrusted,
    parse_up_untrusted,
)
from udpchat.wire.limits import (
    BODY_BYTES_MAX,
    DATA_HEADER_BYTES,
    FRAGMENTS_MAX,
    REPLICA_HELD_MAX,
    SEAL_BYTES,
)
from udpchat.wire.packets import Address

HERE, ELSEWHERE = Address("192.0.2.1", 1), Address("192.0.2.2", 1)

AROUND_BYTES = DATA_HEADER_BYTES + SEAL_BYTES
ROUNDS_MAX = 1_000  # at one moment: more is a loop that makes no progress


@dataclass
class Way:
    """One direction: chances of loss and repetition, delay and its jitter, rate (0: endless) and queue."""

    loss: float = 0.0
    repeat: float = 0.0
    delay_s: float = 0.001
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    queue_bytes: int = 64_000
    is_open: bool = True
    bytes_sent: int = 0
    packets_sent: int = 0
    queue_s_max: float = 0.0
    free_at: float = 0.0
    lost: range = range(0)  # of the datagrams, counted from 1, these are lost beside what `loss` takes

    def arrivals(self, now: float, size: int, random: Random) -> list[float]:
        """When a datagram of that size arrives: never, once or twice."""
        self.packets_sent += 1
        self.bytes_sent += size
        leaves = now
        if self.bytes_per_s:
            waits_s = max(self.free_at - now, 0.0)
            if waits_s * self.bytes_per_s + size > self.queue_bytes:
                return []
            self.queue_s_max = max(self.queue_s_max, waits_s)
            leaves = self.free_at = now + waits_s + size / self.bytes_per_s
        if not self.is_open or random.random() < self.loss or self.packets_sent in self.lost:
            return []
        copies = 2 if random.random() < self.repeat else 1
        return [leaves + self.delay_s + random.random() * self.jitter_s for _ in range(copies)]


@dataclass
class Link:
    """A server's downlink and a client's replicas, and what came out of them, by log."""

    random: Random
    down: Way = field(default_factory=Way)
    up: Way = field(default_factory=Way)

    def __post_init__(self) -> None:
        self.now = 100.0
        self.reader = MemoryReader()
        self.streams: dict[str, LogStream] = {}
        self.downlink = Downlink(HERE)
        self.uplink = Uplink(self.random.randbytes)
        self.starts: dict[str, int] = {}
        self.received: dict[str, list[tuple[int, bytes]]] = {}
        self.arrived_at: dict[tuple[str, int], float] = {}
        self.session = 0
        self.sent = 0  # packets of this session
        self._seen: set[int] = set()
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    # --- What the server does ----------

    def write(self, log: str, entries: list[bytes]) -> None:
        """Before anyone follows: what is in the log already."""
        self.reader.append(log, entries)

    def stream(self, log: str) -> LogStream:
        if log not in self.streams:
            self.streams[log] = LogStream(log, self.reader)
        return self.streams[log]

    def say(self, log: str, *entries: bytes) -> None:
        """Live: durable, then fanned out."""
        stream = self.stream(log)
        self.reader.append(log, list(entries))
        if frames := stream.extend(self.now, list(entries)):
            self.downlink.publish(log, frames)
        self._drain()

    def replace(self, log: str, sequence: int, entry: bytes) -> None:
        """An entry is another from now on, though this peer is not told so."""
        self.reader.replace(log, sequence, entry)
        self.stream(log).forget()

    def follow(self, log: str, start: int = 0) -> None:
        """The peer follows a log, of which it holds all up to `start`."""
        self.starts[log] = start
        self.downlink.follow(self.now, self.stream(log))
        self._drain()

    def new_session(self) -> None:
        """A fresh handshake: new counters, and nothing is known of what was under way."""
        self.session += 1
        self.sent = 0
        self._seen = set()
        self.downlink.reset(self.now)
        self.uplink.on_session(self.now)

    def change_path(self, address: Address = ELSEWHERE) -> None:
        """The peer is at another address: the ways are others."""
        self.downlink.change_path(address)
        self._drain()

    def _drain(self) -> None:
        for packet in self.downlink.drain_packets(self.now):
            assert len(packet.body) <= BODY_BYTES_MAX
            size = len(packet.body) + AROUND_BYTES
            counter, session, body = self.sent, self.session, packet.body
            self.sent += 1
            self.downlink.on_sent(self.now, counter, size, packet.spans)
            for when in self.down.arrivals(self.now, size, self.random):
                self.at(when, lambda c=counter, s=session, b=body: self._receive(s, c, b))  # type: ignore[misc]

    # --- What the client does ----------

    def _receive(self, session: int, counter: int, body: bytes) -> None:
        if session != self.session or counter in self._seen:
            return  # as the replay window has it
        self._seen.add(counter)
        taken = [self._take(frame) for frame in parse_down_untrusted(body)]
        if all(taken):
            self.uplink.on_packet(self.now, counter)
        for received in self.uplink.drain_received():
            for sequence, entry in enumerate(received.entries, received.first):
                self.received[received.log].append((sequence, entry))
                self.arrived_at[received.log, sequence] = self.now

    def _take(self, frame: Down) -> bool:
        match frame:
            case Heads(_, heads):
                for head in heads:
                    if not self.uplink.receive_head(head):
                        self.uplink.open(head.log, generation=head.generation, sequence=self.starts[head.log])
                        self.received[head.log] = []
                        self.uplink.receive_head(head)
                self.uplink.on_heads(self.now, 0.0)
            case Entries() | EntryFragment():
                return self.uplink.receive_entries(self.now, frame)
        return True

    def _acknowledge(self) -> None:
        (ack,) = self.uplink.drain_acks(self.now, is_sending=False)
        body = pack([ack])
        assert len(body) <= BODY_BYTES_MAX
        session = self.session
        for when in self.up.arrivals(self.now, len(body) + AROUND_BYTES, self.random):
            self.at(when, lambda: self._receive_ack(session, body))

    def _receive_ack(self, session: int, body: bytes) -> None:
        [ack] = parse_up_untrusted(body)
        if session == self.session:
            assert isinstance(ack, Ack)
            self.downlink.receive_ack(self.now, ack, packets_sent=self.sent)

    # --- Time ----------

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Have something happen at that time."""
        heappush(self._events, (when, next(self._order), what))

    def _next(self) -> float | None:
        arrival = self._events[0][0] if self._events else None
        return earliest(self.downlink.next_timeout(self.now), self.uplink.next_timeout(), arrival)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, at most so much."""
        end, rounds = self.now + seconds, 0
        while not until():
            due = self._next()
            if due is None or due > end:
                self.now = end
                return
            rounds = rounds + 1 if due <= self.now else 0
            assert rounds < ROUNDS_MAX, "time stands still"
            self.now = max(self.now, due)
            self._step()

    def _step(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            heappop(self._events)[2]()
        due = self.uplink.next_timeout()
        if due is not None and due <= self.now:
            self._acknowledge()
        self.downlink.handle_timeout(self.now)
        self._drain()
        self.check()

    # --- What must hold ----------

    def check(self) -> None:
        """Order, and bounds."""
        for replica in self.uplink:
            assert replica.held <= REPLICA_HELD_MAX + FRAGMENTED_ENTRIES_MAX * FRAGMENTS_MAX // 2
            received = self.received[replica.log]
            assert not received or received[-1][0] == replica.sequence
        for subscription in self.downlink.subscriptions.values():
            assert all(
                len(runs) <= 2 * HELD_RUNS_MAX
                for runs in (subscription.acked, subscription.scheduled, subscription.backlog)
            )

    def sequence(self, log: str) -> int:
        """How far the replica of a log has come."""
        replica = self.uplink.get(log)
        assert replica is not None
        return replica.sequence

    def is_complete(self, log: str) -> bool:
        """Whether the replica is at the head of its log."""
        replica = self.uplink.get(log)
        return replica is not None and replica.sequence == self.stream(log).head

    def check_complete(self, log: str) -> None:
        """All from the start is there, once, in order, and what it was in the log."""
        assert self.is_complete(log), (self.uplink.get(log), self.stream(log).head)
        start, head = self.starts[log], self.stream(log).head
        expected = self.reader.read(log, start + 1, head - start)
        assert self.received[log] == list(enumerate(expected, start + 1))
