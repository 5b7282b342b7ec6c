"""The simulator's server and clients with a disk under their stores: a core hears of a write later, or never."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.sim.disk import Disk, Make, Point
from tests.sim.network import Address
from tests.sim.nodes import ClientNode, Node, ServerNode
from tests.storage.memory import MemoryClientStore, MemoryLog
from udpchat.client.stored import RequestAdded, RequestDone, Write
from udpchat.server.admission import Settings
from udpchat.session.timers import earliest
from udpchat.shell.writer import Outcome, Unwritten, Written
from udpchat.storage.entry_words import generation_of
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.log import Append, Extent
from udpchat.wire.frames import parse_request_untrusted
from udpchat.wire.limits import REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.packets import Address as PeerAddress


def heads_of(transactions: Sequence[tuple[Append, ...]]) -> dict[str, int]:
    """How far each log reaches after these."""
    return {append.log: append.sequence for transaction in transactions for append in transaction}


def is_at(point: Point | None, disk: Disk[Any], outcome: Outcome | None) -> bool:
    """Whether a write that was not refused has come to this point just now."""
    if point is Point.REPORTED:
        return isinstance(outcome, Written)
    return disk.point is point and outcome is None


class FoundLog(MemoryLog):
    """A log as it is found after a crash: those that went back have other generations than in the `origin`."""

    def __init__(self, origin: MemoryLog, generations: dict[str, int]) -> None:
        super().__init__()
        self._origin, self._generations = origin, generations

    def extent(self, log: str) -> Extent:
        found = super().extent(log)
        return Extent(self._generations.get(log) or self._origin.extent(log).generation, found.base, found.head)


class DiskServerNode(ServerNode):
    """A server whose log is on a disk."""

    def __init__(self, now: float, address: Address, random: Random, settings: Settings, *, make: Make) -> None:
        super().__init__(now, address, random, settings)
        syncs = make.durability is Durability.FSYNC
        self.disk: Disk[Append] = Disk(random, make, needs_sync=lambda batch: syncs)
        self.crash_at: Point | None = None  # the process is killed when a write next gets there
        self.cuts_power = True  # with it: what was not synced is lost
        self.regenerated: list[str] = []  # logs that went back behind what was durable, in order
        self.on_log_lost: Callable[[], None] = lambda: None
        self._origin = self.log  # which names the generations of logs that never went back
        self._generations: dict[str, int] = {}  # of logs that went back

    def wakes_at(self, now: float) -> float | None:
        """When it has something to do."""
        return earliest(super().wakes_at(now), self.disk.next_timeout())

    def act(self, now: float) -> bool:
        """As every node; and what is being written gets on."""
        due = self.disk.next_timeout()
        if due is None or now < due:
            return super().act(now)
        self.disk.is_full, self.disk.slowness_s = self.is_full, self.write_s
        outcome, visible = self.disk.advance(now)
        self._append(visible)
        if isinstance(outcome, Written):
            self.on_persisted(outcome.count)
            self.core.persisted(now, outcome.count)
        elif isinstance(outcome, Unwritten):
            self.core.rejected(now, outcome.reason)
        if is_at(self.crash_at, self.disk, outcome):
            self.kill(keeps_batch=not self.cuts_power)
        return self.is_running

    def drain(self, now: float) -> list[tuple[bytes, PeerAddress]]:
        """Hand over what is to be written, then send."""
        if batch := self.core.drain_writes():
            self.disk.submit(now, batch)
            if self.crash_at is Point.HANDED_OVER:
                self.kill(keeps_batch=not self.cuts_power)
                return []
        return super().drain(now)

    def kill(self, *, keeps_batch: bool = False) -> None:
        """SIGKILL, or without `keeps_batch` a power failure: what was written and not synced is lost, mostly."""
        super().kill()
        self.crash_at = None
        reported = heads_of(self.disk.reported())
        found = self.disk.crash(loses_cache=not keeps_batch)
        heads = heads_of(found)
        back = [name for name, head in reported.items() if heads.get(name, 0) < head]
        for name in reported if back and self.disk.make.redraws_all else back:
            self._generations[name] = generation_of(self._random.randbytes(16), name)
        log = self._found(found)
        if back:
            self.regenerated += back
            self.on_log_lost()
            self.logs.append(log)
        else:
            self.logs[-1] = log  # nothing that anyone saw may be missing
        self.log = log

    def _found(self, transactions: list[tuple[Append, ...]]) -> MemoryLog:
        log = FoundLog(self._origin, dict(self._generations))
        for transaction in transactions:
            log.append(transaction)
        return log

    def restart(self, *, log: MemoryLog | None = None) -> None:
        """A new process on the same disk, or on another that has nothing on it."""
        if not self.is_dead:
            self.kill(keeps_batch=True)
        if log is not None:
            assert not log.logs(), "another disk is an empty one"
            self.disk = Disk(self._random, self.disk.make, needs_sync=self.disk.needs_sync)
            self._origin, self._generations = log, {}
        super().restart(log=log)


class DiskClientNode(ClientNode):
    """A client whose store is on a disk. What only the server said is not synced: the server can say it again."""

    def __init__(self, now: float, address: Address, random: Random, *, make: Make, **arguments: Any) -> None:
        super().__init__(now, address, random, **arguments)
        self.disk: Disk[Write] = Disk(random, make, needs_sync=self._needs_sync)
        self._unsynced_answers = 0
        self.crash_at: Point | None = None  # the process is killed when a request's write next gets there
        self.cuts_power = True
        self.is_full = False
        self._instance = self.store.load().instance
        self._submitted: deque[Write] = deque()

    def wakes_at(self, now: float) -> float | None:
        """When it has something to do."""
        return earliest(super().wakes_at(now), self.disk.next_timeout())

    def act(self, now: float) -> bool:
        """As every node; and what is being written gets on."""
        due = self.disk.next_timeout()
        if due is None or now < due:
            return Node.act(self, now)
        self.disk.is_full = self.is_full
        is_asking = any(isinstance(write, RequestAdded) for write in self.disk.batch)
        outcome, visible = self.disk.advance(now)
        self.store.write(visible)
        if visible:
            answers = sum(isinstance(write, RequestDone) for write in visible)
            self._unsynced_answers = 0 if self._needs_sync(visible) else self._unsynced_answers + answers
        if isinstance(outcome, Written):
            for write in [self._submitted.popleft() for _ in range(outcome.count)]:
                self._note(write)
            self.core.persisted(now, outcome.count)
        elif isinstance(outcome, Unwritten):
            self._submitted.clear()
            self.core.rejected(now, outcome.reason)
        if is_asking and is_at(self.crash_at, self.disk, outcome):
            self.kill()
        return self.is_running

    def _needs_sync(self, batch: Sequence[Write]) -> bool:
        """As in client_sqlite.py."""
        answers = sum(isinstance(write, RequestDone) for write in batch)
        return self._unsynced_answers + answers > REQUESTS_IN_FLIGHT_MAX or any(
            isinstance(w, RequestAdded) for w in batch
        )

    def _note(self, write: Write) -> None:
        if isinstance(write, RequestAdded):
            self.asked[write.counter] = parse_request_untrusted(write.body)

    def drain(self, now: float) -> list[tuple[bytes, PeerAddress]]:
        """Hand over what is to be written, note what is shown, then send. Nothing, once it is dead."""
        if self.is_dead:
            return []
        if batch := self.core.drain_writes():
            self._submitted.extend(batch)
            self.disk.submit(now, batch)
            if self.crash_at is Point.HANDED_OVER and any(isinstance(write, RequestAdded) for write in batch):
                self.kill()
                return []
        return super().drain(now)

    def kill(self) -> None:
        """SIGKILL, or with `cuts_power` a power failure: what was written and not synced is lost, mostly."""
        super().kill()
        self.crash_at = None
        self._submitted.clear()
        self._find(self.disk.crash(loses_cache=self.cuts_power))

    def restart(self) -> None:
        """A new process with the same data folder, as it was found."""
        if not self.is_dead:  # it ended by itself
            self.cuts_power = False
            self.kill()
        super().restart()

    def _find(self, transactions: list[tuple[Write, ...]]) -> None:
        self.store = MemoryClientStore(random=lambda count: self._instance)
        for transaction in transactions:
            self.store.write(transaction)
            for write in transaction:
                self._note(write)
        self._world.promises.on_store_found(self)

    def make_forget_answers(self) -> None:
        """As after a power failure that took all answers, none of them synced: kills it."""
        self.kill()
        kept: list[tuple[Write, ...]] = [
            tuple(write for write in batch if not isinstance(write, RequestDone)) for batch in self.disk.transactions
        ]
        self.disk.transactions[:] = kept
        self._find(kept)

    def pretend(self, instance: bytes, *, next_counter: int) -> None:
        """Have the instance of somebody else, and go on at this counter."""
        self._instance = self.instance = instance
        self.disk.transactions[:] = [(RequestAdded(next_counter - 1, b""), RequestDone(next_counter - 1))]
        self.store = MemoryClientStore(random=lambda count: instance)
        self.store.write(self.disk.transactions[0])
