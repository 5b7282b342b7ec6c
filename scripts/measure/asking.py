"""How many messages a second the server confirms: each speaker alone in a room, so that it is requests that count."""

from __future__ import annotations

from measure.children import Child
from measure.processes import cpu_s, fresh_server
from measure.swarm import Swarm
from measure.tables import Table, median, percentile
from measure.tally import Relayed

SPEAKERS = {1: 1_500, 8: 800, 64: 150}  # and how many messages each says in a round: within its allowance
QUICK_SPEAKERS = {1: 20, 2: 20}
ROUNDS = 3
DURABILITIES = ("fsync", "memory")
REST_S = 0.5


def _measure_one(table: Table, durability: str, speakers: int, messages: int, rounds: int) -> None:
    rates, used, taken = [], [], []
    with fresh_server(durability=durability) as server, Child(Swarm, server.address) as swarm:
        swarm.call("enter", [f"room{number}" for number in range(speakers)])
        for _ in range(rounds):
            swarm.call("rest", REST_S)
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
    for durability in DURABILITIES:
        for speakers, messages in (QUICK_SPEAKERS if quick else SPEAKERS).items():
            _measure_one(table, durability, speakers, messages, 1 if quick else ROUNDS)
    table.notes.append("Each speaker keeps 32 requests under way, in a room of its own. One peer may ask 2,000 times a second.")
    return [table]
