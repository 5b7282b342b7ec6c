"""How many messages a second the server confirms: each speaker alone in a room, so that it is requests that count."""

from __future__ import annotations

from measure.children import Child
from measure.processes import cpu_s, fresh_server
from measure.swarm import Swarm
from measure.tables import Table, median, percentile
from measure.tally import Relayed
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX

SPEAKERS = {1: 1_500, 8: 800, 64: 150}  # and how many messages each says in a round: within its allowance
QUICK_SPEAKERS = {1: 20, 2: 20}
ROUNDS = 3
DURABILITIES = ("fsync", "memory")
REST_S, QUICK_REST_S = 0.5, 0.1


def _measure_one(table: Table, durability: str, *, speakers: int, messages: int, rounds: int, rest_s: float) -> None:
    rates, used, taken = [], [], []
    with fresh_server(durability=durability) as server, Child(Swarm, server.address) as swarm:
        swarm.call("enter", [f"room{number}" for number in range(speakers)])
        for _ in range(rounds):
            swarm.call("rest", rest_s)
            begin_s = cpu_s(server.pid)
            asked: Relayed = swarm.call("ask", messages)
            end_s = cpu_s(server.pid)
            rates.append(messages * speakers / asked.wall_s)
            taken += asked.taken_s
            if begin_s is not None and end_s is not None:
                used.append((end_s - begin_s) / messages / speakers)
    latencies = [1e3 * percentile(taken, share) for share in (0.5, 0.99)]
    table.add(speakers, durability, median(rates), 1e6 * median(used) if used else None, *latencies)


def measure(*, quick: bool) -> list[Table]:
    """The part `requests`."""
    table = Table(
        "requests: messages confirmed to their authors",
        ("speakers", "durability", "confirmed/s", "server CPU us each", "p50 ms", "p99 ms"),
    )
    speaking, rounds, rest_s = (QUICK_SPEAKERS, 1, QUICK_REST_S) if quick else (SPEAKERS, ROUNDS, REST_S)
    for durability in DURABILITIES:
        for speakers, messages in speaking.items():
            _measure_one(table, durability, speakers=speakers, messages=messages, rounds=rounds, rest_s=rest_s)
    table.notes.append(
        f"Each speaker keeps {REQUESTS_IN_FLIGHT_MAX} requests under way, in a room of its own."
    )
    return [table]
