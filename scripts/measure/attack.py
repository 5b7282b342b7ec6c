"""What a hostile member costs everybody else: honest chat while each adversary does each kind of attack."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from measure.attack_kinds import KINDS, LOBBY_LOG, MARKET, OLD_NICKS, SEARCHED, old_nick
from measure.attacker import Adversary, Attacker, Sent
from measure.children import Child
from measure.honest import Heard, Honest
from measure.processes import ServerProcess, resident_bytes
from measure.tables import Cell, Table, percentile
from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.shell.maintenance import LOG_FILE
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.log import Append
from udpchat.wire import limits
from udpchat.wire.content import Claim, Message
from udpchat.wire.frames import encode
from udpchat.wire.limits import KEY_BYTES

ADVERSARIES = {
    adversary.name: adversary
    for adversary in (
        Adversary("person", "one person with 8 devices", members=8, keys=1, hosts=1),
        Adversary("host", "64 keys on one host", members=64, keys=64, hosts=1),
        Adversary("sources", "1,500 hosts with a key each", members=1_500, keys=1_500, hosts=1_500),
    )
}

RATE_MAX = 30_000.0  # datagrams a second
P95_TIMES_MAX, P95_MORE_S_MAX = 2.0, 0.005  # of quiet chat
NEWCOMER_S_MAX = 2.0
STOP_S_MAX = 2.0
MIB = 2**20
PEER_BYTES = 16 * 1024  # the goal of the part `memory`
HALF_OPEN_BYTES, EMPTY_ROOM_BYTES = 2 * 1024, 6 * 1024  # as limits.py has them
MEMORY_BYTES_MAX = (
    limits.REQUEST_BYTES_MAX
    + 4 * limits.WAITING_DATAGRAMS_MAX * limits.DATAGRAM_BYTES_MAX
    + limits.HANDSHAKES_MAX * HALF_OPEN_BYTES
    + limits.EMPTY_ROOMS_MAX * EMPTY_ROOM_BYTES
)  # of growth, beside the members
OLD_ROOMS = 1_000
SAMPLE_S = 0.1
UNFINISHED_S_MAX = 2.0  # what was said shortly before the end is waited for, while the attack goes on
MARGIN_S = 15.0  # the attack goes on while the server is told to go, and then ends by itself


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. `is_alike`: quiet and attack differ by the attack alone, also on few processors:
    newcomers come in both, and the adversary has only the processor time that all others leave."""

    people: int
    line_every_s: float
    newcomer_every_s: float
    quiet_s: float
    attack_s: float
    rate: float
    old_messages: int
    is_alike: bool = False


FULL = Scale(10, 1 / 30, 0.4, quiet_s=1.2, attack_s=3.0, rate=RATE_MAX, old_messages=20_000)
QUICK = Scale(3, 0.02, 0.1, quiet_s=0.2, attack_s=0.3, rate=500.0, old_messages=200)
QUICK_ADVERSARIES = (Adversary("person", "one person with 2 devices", members=2, keys=1, hosts=1),)
QUICK_KINDS = ("search", "acks", "handshakes", "pings")


@dataclass(frozen=True, slots=True)
class Budgets:
    """MiB that the limits allow an attack."""

    memory_mib: float
    disk_mib: float


def budgets_of(adversary: Adversary, members: int, seconds: float) -> Budgets:
    """The sums of what limits.py allows so many members, and these keys and hosts, in so many seconds."""
    shares = min(limits.WRITE_KEY_SHARE * adversary.keys, adversary.hosts)
    a_source = limits.WRITE_BYTES_PER_SOURCE_BURST + limits.WRITE_BYTES_PER_SOURCE_PER_S * seconds
    return Budgets((MEMORY_BYTES_MAX + PEER_BYTES * members) / MIB, shares * a_source / MIB)


@dataclass(slots=True)
class Found:
    """What one attack did."""

    members: int
    quiet: Heard
    attacked: Heard
    sent: Sent
    memory_mib: float | None
    disk_mib: float
    stop_s: float
    budgets: Budgets
    is_alive: bool = True  # the server, at the end of it

    def faults(self) -> list[str]:
        """Which of the bounds do not hold."""
        allowed_s = P95_TIMES_MAX * percentile(self.quiet.lines_s, 0.95) + P95_MORE_S_MAX
        holds = {
            "p95": percentile(self.attacked.lines_s, 0.95) <= allowed_s,
            "newcomers": max(self.attacked.newcomers_s, default=0.0) <= NEWCOMER_S_MAX,
            "lost": not self.attacked.disconnected,
            "memory": self.memory_mib is None or self.memory_mib <= self.budgets.memory_mib,
            "disk": self.disk_mib <= self.budgets.disk_mib,
            "stop": self.stop_s <= STOP_S_MAX,
            "died": self.is_alive,
        }
        return [name for name, is_kept in holds.items() if not is_kept]

    def cells(self) -> tuple[Cell, ...]:
        """The row of the table, behind its name."""
        latencies = [
            1e3 * percentile(heard.lines_s, share) for heard in (self.quiet, self.attacked) for share in (0.5, 0.95)
        ]
        return (
            self.members,
            round(self.sent.datagrams / self.sent.wall_s) if self.sent.wall_s else 0,
            *latencies,
            max(self.attacked.newcomers_s, default=None),
            self.attacked.disconnected,
            self.memory_mib,
            self.disk_mib,
            self.stop_s,
            " ".join(self.faults()) or "yes",
        )


# --- A server that has been used ----------


def fill_used(path: Path, messages: int) -> None:
    """The log of a server that has many messages, rooms and nicks."""
    log = SqliteLog(path, durability=Durability.MEMORY)
    appends = list(_used(messages))
    for first in range(0, len(appends), 1_000):
        log.append(appends[first : first + 1_000])
    log.close()


def _used(messages: int) -> Iterator[Append]:
    chance, ids = random.Random(0), count()

    def message(text: str) -> bytes:
        number = next(ids)
        return encode(Message(1_700_000_000_000 + number, bytes(8), "old0", number.to_bytes(8, "big"), 0, text))

    for log, length in ((LOBBY_LOG, messages), ("#" + MARKET, messages // 4)):
        for number in range(length):
            missing = {four + chance.randrange(4) for four in range(0, len(SEARCHED), 4)}
            text = " ".join(word for at, word in enumerate(SEARCHED) if at not in missing)
            yield Append(log, number + 1, message(text), None)
    for number in range(min(OLD_ROOMS, messages)):
        yield Append(f"#old{number}", 1, message("first"), None)
    for number in range(min(OLD_NICKS, messages)):
        claim = Claim(old_nick(number), number.to_bytes(KEY_BYTES, "big"))
        yield Append(DIRECTORY_LOG, number + 1, encode(claim), None)


# --- One attack ----------


def run_attack(used: Path, adversary: Adversary, kind: str, scale: Scale) -> Found:
    """Quiet chat, then the same under attack, with a server and everybody else new."""
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        shutil.copy(used, data / LOG_FILE)
        with (
            ServerProcess(data) as server,
            Child(Honest, server.address) as honest,
            Child(Attacker, server.address, adversary, kind, scale.is_alike) as attacker,
        ):
            return _Measured(data, server, honest, attacker).run(adversary, scale)


class _Measured:
    """The processes of one attack."""

    def __init__(self, data: Path, server: ServerProcess, honest: Child, attacker: Child) -> None:
        self._data, self._server, self._honest, self._attacker = data, server, honest, attacker

    def run(self, adversary: Adversary, scale: Scale) -> Found:
        """Quiet, then the attack, then SIGTERM while it goes on."""
        self._honest.call("enter", scale.people)
        self._honest.call("begin", scale.line_every_s, scale.newcomer_every_s if scale.is_alike else None)
        time.sleep(scale.quiet_s)
        quiet = self._end()
        memory, disk = resident_bytes(self._server.pid), self._disk_bytes()
        members: int = self._attacker.call("enter")
        self._honest.call("begin", scale.line_every_s, scale.newcomer_every_s)
        begin_s = time.monotonic()
        self._attacker.call("attack", scale.rate, scale.attack_s + UNFINISHED_S_MAX + MARGIN_S)
        most = self._watch(scale.attack_s)
        sent: Sent = self._attacker.call("sent")
        attacked = self._end()
        budgets = budgets_of(adversary, members, time.monotonic() - begin_s)
        disk_mib = max((self._disk_bytes() - disk) / MIB, 0.0)
        memory_mib = None if memory is None else max(most - memory, 0) / MIB
        is_alive = self._server.is_running
        return Found(
            members, quiet, attacked, sent, memory_mib, disk_mib, self._server.stop(), budgets, is_alive=is_alive
        )

    def _end(self) -> Heard:
        """Have everybody be silent, and wait for what is under way."""
        self._honest.call("end")
        end_s = time.monotonic() + UNFINISHED_S_MAX
        heard: Heard = self._honest.call("heard")
        while heard.unfinished and time.monotonic() < end_s:
            time.sleep(SAMPLE_S)
            heard = self._honest.call("heard")
        return heard

    def _watch(self, seconds: float) -> int:
        """The most memory of the server in so many seconds."""
        end_s, most = time.monotonic() + seconds, 0
        while time.monotonic() < end_s:
            most = max(most, resident_bytes(self._server.pid) or 0)
            time.sleep(SAMPLE_S)
        return most

    def _disk_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._data.iterdir() if path.is_file())


# --- The part ----------


def selected(only: Sequence[str], *, quick: bool) -> list[tuple[Adversary, str]]:
    """The attacks wanted; `only` names adversaries and kinds. Raises ValueError for another name."""
    unknown = sorted(set(only) - {*ADVERSARIES, *KINDS})
    if unknown:
        raise ValueError(f"no such attack: {', '.join(unknown)} (there are {', '.join((*ADVERSARIES, *KINDS))})")
    adversaries = QUICK_ADVERSARIES if quick else tuple(ADVERSARIES.values())
    chosen = [adversary for adversary in adversaries if adversary.name in only]
    kinds = [kind for kind in KINDS if kind in only]
    every = QUICK_KINDS if quick else tuple(KINDS)
    return [(adversary, kind) for adversary in chosen or adversaries for kind in kinds or every]


COLUMNS = (
    "adversary: attack", "in", "sent/s", "quiet p50 ms", "quiet p95 ms", "p50 ms", "p95 ms", "newcomer s", "lost",
    "memory MiB", "disk MiB", "SIGTERM s", "holds",
)  # fmt: skip


def measure(*, quick: bool, only: Sequence[str] = ()) -> list[Table]:
    """The part `attack`."""
    scale = QUICK if quick else FULL
    table = Table("attack: honest chat while one adversary does one thing, and nobody else does anything", COLUMNS)
    used_s, wall_s = 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        used = Path(folder) / LOG_FILE
        fill_used(used, scale.old_messages)
        for adversary, kind in selected(only, quick=quick):
            print(f"  {adversary.name}: {kind}", file=sys.stderr, flush=True)  # it takes ten minutes in all
            found = run_attack(used, adversary, kind, scale)
            table.add(f"{adversary.name}: {kind}", *found.cells())
            used_s, wall_s = used_s + found.sent.used_s, wall_s + found.sent.wall_s
    table.notes += _notes(scale, used_s / wall_s if wall_s else 0.0)
    return [table]


def _notes(scale: Scale, share: float) -> list[str]:
    adversaries = ", ".join(f"{adversary.name}: {adversary.what}" for adversary in ADVERSARIES.values())
    return [
        f"{adversaries}. Each sends up to {scale.rate:,.0f} datagrams a second, from a process pinned to one processor"
        f" where the system allows it, of which it used {share:.0%}. in: members that the server let in.",
        f"Honest: {scale.people} people who say {1 / scale.line_every_s:.0f} lines a second, until the last of the"
        f" others has each; newcomer: the worst of one every {scale.newcomer_every_s:.1f} s, from Hello to room; lost:"
        f" links lost. What is not done {UNFINISHED_S_MAX:.0f} s after the end counts with the time until then.",
        f"holds: p95 at most {P95_TIMES_MAX:.0f} times quiet and {1e3 * P95_MORE_S_MAX:.0f} ms, newcomers and SIGTERM"
        f" (during the attack) within {NEWCOMER_S_MAX:.0f} s, no link lost, memory and disk within the sums of the"
        " budgets that limits.py names; else what does not hold.",
        "Attacks: " + ", ".join(f"{name} ({kind.what})" for name, kind in KINDS.items()) + ".",
    ]
