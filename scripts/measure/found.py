"""How soon a client that knows no server is in, on networks of this machine's kernel; and chat while many search."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from measure.attacker import Adversary, Attacker
from measure.children import Child
from measure.honest import Heard, Honest
from measure.processes import fresh_server
from measure.tables import Table, median, percentile
from tests.lan.network import Machine, network, why_not
from tests.shell.waiting import Program

STARTS, QUICK_STARTS = 50, 2
NETWORKS = {  # what the switch drops, and how soon 95 of 100 clients are to be in
    "clean": ("", 1.0),
    "20 % lost each way": ("meta l4proto udp numgen random mod 100 < 20", 3.0),
}
PEOPLE, LINE_EVERY_S = 10, 1 / 30
TALK_S, QUICK_TALK_S = 10.0, 0.2
SETTLE_S = 0.5  # after the last line
SEARCHERS = Adversary("searchers", "100 clients", members=100, keys=1, hosts=100)
FORGERS = Adversary("forgers", "1,500 hosts", members=1_500, keys=1, hosts=1_500)
SEARCHES = {  # who sends probes, and how many a second: each of a hundred clients sends ten in its first second
    "nobody searches": (None, 0.0),
    "100 clients search at once": (SEARCHERS, 1_000.0),
    "10,000 forged probes a second": (FORGERS, 10_000.0),
}


def measure(*, quick: bool) -> list[Table]:
    """The part `found`."""
    return [_starts(QUICK_STARTS if quick else STARTS), _talk(QUICK_TALK_S if quick else TALK_S)]


def _starts(starts: int) -> Table:
    columns = ("network", "starts", "p50 s", "p95 s", "most s", "goal p95 s")
    table = Table("found: from the start of a client that knows no server until it has entered", columns)
    if reason := why_not():
        table.notes.append(f"Not measured: {reason}.")
        return table
    for name, (dropped, goal_s) in NETWORKS.items():
        with network() as lan, tempfile.TemporaryDirectory(prefix="udpchat-bench-") as folder:
            server = lan.machine("server", "10.77.0.1/24")
            client = lan.machine("client", "10.77.0.9/24")
            with Program("server", "--data", Path(folder) / "server", within=server.namespace) as serving:
                serving.line(where="ready ")
                if dropped:
                    lan.passes_no(dropped)
                taken = [_entered_s(client, Path(folder), f"guest{number}") for number in range(starts)]
        table.add(name, starts, median(taken), percentile(taken, 0.95), max(taken), goal_s)
    table.notes.append("With the start of Python, some 0.2 s; each client has a data folder of its own.")
    return table


def _entered_s(machine: Machine, folder: Path, nick: str) -> float:
    begin_s = time.perf_counter()
    with Program("client", "--nick", nick, "--json", "--data", folder / nick, within=machine.namespace) as client:
        client.line(where='"connected"')
        taken_s = time.perf_counter() - begin_s
        client.end_input()
        client.code()
    return taken_s


def _talk(seconds: float) -> Table:
    columns = ("meanwhile", "probes/s", "lines", "p50 ms", "p95 ms", "p99 ms", "lost")
    table = Table(f"found: lines of {PEOPLE} people, until the last of the others has each", columns)
    for name, (searching, rate) in SEARCHES.items():
        heard, sent_per_s = _talked(searching, rate, seconds)
        shares = [1e3 * percentile(heard.lines_s, share) for share in (0.5, 0.95, 0.99)]
        table.add(name, sent_per_s, len(heard.lines_s), *shares, heard.disconnected)
    table.notes.append("Each row with a server of its own, on two processors that all share.")
    return table


def _talked(searching: Adversary | None, rate: float, seconds: float) -> tuple[Heard, int]:
    """What was heard, and how many probes were sent a second."""
    with fresh_server() as server, Child(Honest, server.address) as people:
        people.call("enter", PEOPLE)
        if searching is None:
            return _heard(people, seconds), 0
        with Child(Attacker, server.address, searching, "probes") as probing:
            probing.call("enter")
            probing.call("attack", rate, seconds + SETTLE_S)
            heard, sent = _heard(people, seconds), probing.call("sent")
            return heard, round(sent.datagrams / sent.wall_s) if sent.wall_s else 0


def _heard(people: Child, seconds: float) -> Heard:
    people.call("begin", LINE_EVERY_S, None)
    time.sleep(seconds)
    people.call("end")
    time.sleep(SETTLE_S)
    heard: Heard = people.call("heard")
    return heard
