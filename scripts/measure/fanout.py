"""What a delivered message costs the server, beside a bare `sendto` loop and a threaded TCP relay."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass

from measure.children import Child
from measure.floor import Floor
from measure.processes import allow_files, cpu_s, fresh_server
from measure.swarm import Swarm
from measure.tables import Table, median, percentile
from measure.tally import TEXT_BYTES, Relayed
from measure.tcp import TcpClients, ThreadedRelay

IN_FLIGHT = (1, 64)
ROUNDS = 5
REST_S, QUICK_REST_S = 1.6, 0.1  # acks of a room of a thousand take up to 1.5 s, announcements a second
ENTERED_RESTS = 3  # presence is told in batches
FILES_EACH = 3  # for each peer, with room to spare
FLOOR_DATAGRAMS = 20_000


@dataclass(frozen=True, slots=True)
class Scale:
    """A number of peers, and how many messages a round has: one at a time, and 64 in flight."""

    peers: int
    messages: tuple[int, int]


SCALES = (Scale(10, (300, 2_000)), Scale(100, (150, 800)), Scale(1_000, (40, 192)))
QUICK_SCALES = (Scale(5, (5, 70)),)


class Bench:
    """Everybody who is compared, with so many peers each."""

    def __init__(self, stack: ExitStack, peers: int, rest_s: float) -> None:
        self._peers, self._rest_s = peers, rest_s
        self._server = stack.enter_context(fresh_server())
        self._swarm = stack.enter_context(Child(Swarm, self._server.address))
        self._swarm.call("enter", ["lobby"] * peers)
        self._swarm.call("rest", ENTERED_RESTS * rest_s)
        self._relay = stack.enter_context(Child(ThreadedRelay))
        self._clients = stack.enter_context(Child(TcpClients, self._relay.call("address"), peers))
        self._floor = stack.enter_context(Floor(peers))
        self._size = 0
        self._used: dict[tuple[str, int], list[float]] = defaultdict(list)
        self._taken: dict[int, list[float]] = defaultdict(list)
        self._rates: dict[int, list[float]] = defaultdict(list)

    def round(self, messages: int, in_flight: int) -> None:
        """Measure each once, one after the other."""
        begin_s = cpu_s(self._server.pid)
        relayed, size = self._swarm.call("relay", messages, in_flight)
        self._swarm.call("rest", self._rest_s)  # what follows, acks and announcements, is part of the price
        self._note("udpchat", in_flight, begin_s, cpu_s(self._server.pid), messages)
        self._taken[in_flight] += relayed.taken_s
        self._rates[in_flight].append(messages * self._peers / relayed.wall_s)
        self._size = self._size or round(size)
        begin_s = cpu_s(self._relay.pid)
        self._tcp(messages, in_flight)
        self._note("tcp", in_flight, begin_s, cpu_s(self._relay.pid), messages)
        rounds = max(min(messages, FLOOR_DATAGRAMS // self._peers), 1)
        self._used["sendto", in_flight].append(self._floor.sendto(self._size, rounds=rounds, in_flight=in_flight))
        batched = self._floor.sendmmsg(self._size, rounds=rounds, in_flight=in_flight)
        if batched is not None:
            self._used["sendmmsg", in_flight].append(batched)

    def _tcp(self, messages: int, in_flight: int) -> Relayed:
        relayed: Relayed = self._clients.call("relay", messages, in_flight)
        return relayed

    def _note(self, who: str, in_flight: int, begin_s: float | None, end_s: float | None, messages: int) -> None:
        if begin_s is not None and end_s is not None:
            self._used[who, in_flight].append((end_s - begin_s) / messages / self._peers)

    def row(self, in_flight: int) -> tuple[int | float | None, ...]:
        """Medians of the rounds, in microseconds, and what they say of each other."""
        used = {who: 1e6 * median(self._used[who, in_flight]) for who in ("udpchat", "sendto", "sendmmsg", "tcp")}
        shown = {who: value if value == value else None for who, value in used.items()}
        ratios = [used["udpchat"] / used[who] for who in ("sendto", "tcp")]
        taken = [1e3 * percentile(self._taken[in_flight], share) for share in (0.5, 0.99)]
        costs = [shown[who] for who in ("udpchat", "sendto", "sendmmsg", "tcp")]
        shares = [ratio if ratio == ratio else None for ratio in ratios]
        return (self._peers, in_flight, *costs, *shares, median(self._rates[in_flight]), *taken)

    @property
    def datagram_bytes(self) -> int:
        """What a datagram that carries one message had on average."""
        return self._size


def measure(*, quick: bool) -> list[Table]:
    """The part `fanout`."""
    scales, rounds = (QUICK_SCALES, 1) if quick else (SCALES, ROUNDS)
    allow_files(FILES_EACH * max(scale.peers for scale in scales) + 100)
    table = Table(
        "fanout: microseconds of server CPU for each delivered message",
        (
            "peers", "in flight", "udpchat", "sendto", "sendmmsg", "TCP", "x sendto", "x TCP", "deliveries/s",
            "p50 ms", "p99 ms",
        ),
    )  # fmt: skip
    sizes: list[int] = []
    for scale in scales:
        with ExitStack() as stack:
            bench = Bench(stack, scale.peers, QUICK_REST_S if quick else REST_S)
            for _ in range(rounds):
                for messages, in_flight in zip(scale.messages, IN_FLIGHT, strict=True):
                    bench.round(messages, in_flight)
            for in_flight in IN_FLIGHT:
                table.add(*bench.row(in_flight))
            sizes.append(bench.datagram_bytes)
    table.notes.append(
        f"Texts of {TEXT_BYTES} bytes to all peers of one room, the speaker included; medians of {rounds} rounds,"
        " everybody by turns. udpchat: exactly once, in order, sealed, durable by fsync; acks and all else included."
    )
    table.notes.append(
        f"sendto, sendmmsg: the bare floor, one datagram of {max(sizes)} bytes for each delivery, nothing repaired."
        " TCP: a threaded relay in Python; it and udpchat coalesce what is under way at once."
        " p50, p99: until the last peer has a message of udpchat."
    )
    return [table]
