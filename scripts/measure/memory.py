"""What an idle peer costs the server in memory."""

from __future__ import annotations

from measure.children import Child
from measure.processes import allow_files, fresh_server, resident_bytes
from measure.swarm import Swarm
from measure.tables import Table

PEERS = (1_000, 5_000)
QUICK_PEERS = (20, 40)
FIRST_PEERS = 10  # before the first look: what the server makes once is not theirs
REST_S = 5.0
GOAL_KIB = 16


def measure(*, quick: bool) -> list[Table]:
    """The part `memory`."""
    steps = QUICK_PEERS if quick else PEERS
    allow_files(2 * max(steps) + 100)
    table = Table(
        "memory: of the server, resident",
        ("peers", "server MiB", "KiB each", "entered in s"),
    )
    with fresh_server() as server, Child(Swarm, server.address) as swarm:
        swarm.call("enter", ["lobby"] * FIRST_PEERS)
        swarm.call("rest", REST_S / 20 if quick else REST_S)
        before = resident_bytes(server.pid)
        count, entered_s = FIRST_PEERS, 0.0
        for peers in steps:
            entered_s += swarm.call("enter", ["lobby"] * (peers - count))
            count = peers
            swarm.call("rest", REST_S / 20 if quick else REST_S)
            after = resident_bytes(server.pid)
            if before is None or after is None:
                table.add(peers, None, None, entered_s)
            else:
                table.add(peers, after / 2**20, (after - before) / 2**10 / (peers - FIRST_PEERS), entered_s)
    table.notes.append(
        f"Idle peers in one room; growth since the first {FIRST_PEERS}, by VmRSS (Linux). The goal at 5,000 is"
        f" {GOAL_KIB} KiB each."
    )
    return [table]
