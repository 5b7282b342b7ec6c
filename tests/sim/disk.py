"""A disk that takes its time, fills up, fails, and forgets at a crash what it was not made to sync; in virtual time.

    disk.submit(now, batch)         # one batch is on its way, the next collects: as `udpchat.shell.writer` does it
    disk.next_timeout()             # when the batch gets to its next point
    disk.advance(now)               # its outcome, once it is there
    disk.crash(loses_cache=True)    # power is cut; these transactions are what the next start finds

A batch is a transaction, which is found whole or not at all: so a torn write is one that was lost, and what is left
ends with the last whole one. `Point` names the moments between which a crash makes a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Generic, TypeVar

from udpchat.shell.writer import Outcome, Unwritten, Written
from udpchat.storage.store_interfaces import Durability

W = TypeVar("W")


class Point(Enum):
    """How far a write has come."""

    HANDED_OVER = "before the write"
    WRITTEN = "after the write, before the sync"
    SYNCED = "after the sync, before the core hears of it"
    REPORTED = "after the core heard of it, before its datagrams leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """What kind of disk it is. Times in seconds, shares 0 to 1."""

    write_s: float = 0.000_2
    sync_s: float = 0.002
    sync_jitter_s: float = 0.008  # uniform from 0, added to each sync
    report_s: float = 0.000_1  # from the writer's thread to the loop
    durability: Durability = Durability.FSYNC
    redraws_all: bool = False  # once a log has lost its tail, all get new generations: sqlite.py cannot tell which did
    unsynced_max: int = 16  # transactions, where nobody asks for a sync: then the system writes back by itself
    cache_loss_min: float = 0.8  # VOPR's: how likely each unsynced transaction is lost, drawn for each crash
    cache_loss_max: float = 1.0


class Disk(Generic[W]):
    """Transactions of `W`, and which of them are on the platter. The store that they make up is its owner's."""

    def __init__(self, random: Random, make: Make, *, needs_sync: Callable[[Sequence[W]], bool]) -> None:
        self.make = make
        self.slowness_s = 0.0  # on top of each write
        self.is_full = False  # no write is taken
        self.fails_sync = False  # the next sync fails; after that nothing is taken until the next start
        self.point = Point.REPORTED
        self.transactions: list[tuple[W, ...]] = []  # written, oldest first
        self._random = random
        self.needs_sync = needs_sync
        self._synced = 0  # how many of them are on the platter
        self._reported = 0  # how many of them the core was told of
        self._failed = ""
        self._doubtful: tuple[W, ...] = ()  # of a sync that failed: nobody knows whether it is there
        self.batch: tuple[W, ...] = ()  # on its way
        self._collected: list[W] = []
        self._due = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether a sync has failed or will."""
        return self.fails_sync or bool(self._failed)

    def submit(self, now: float, batch: Sequence[W]) -> None:
        """Have these written behind all others."""
        self._collected.extend(batch)
        if not self.batch:
            self._start(now)

    def _start(self, now: float) -> None:
        self.batch, self._collected = tuple(self._collected), []
        self.point = Point.HANDED_OVER if self.batch else Point.REPORTED
        self._due = now + self.make.write_s + self.slowness_s

    def next_timeout(self) -> float | None:
        """When `advance` is due."""
        return self._due if self.batch else None

    def advance(self, now: float) -> tuple[Outcome | None, tuple[W, ...]]:
        """The batch gets to its next point: what its core is told now, and what has become visible to readers."""
        if self.point is Point.HANDED_OVER:
            if self.is_full or self._failed:
                return self._fail(self._failed or "the disk is full"), ()
            self.point = Point.WRITTEN
            if self.needs_sync(self.batch):
                self._due = now + self.make.sync_s + self._random.uniform(0.0, self.make.sync_jitter_s)
            return None, ()
        if self.point is Point.WRITTEN:
            return self._commit(now)
        self.point = Point.REPORTED
        self._reported += 1
        outcome = Written(len(self.batch))
        self.batch = ()
        if self._collected:
            self._start(now)
        return outcome, ()

    def _commit(self, now: float) -> tuple[Outcome | None, tuple[W, ...]]:
        is_syncing = self.needs_sync(self.batch)
        if is_syncing and self.fails_sync:
            self._failed = "the disk failed"
            self._doubtful = self.batch
            return self._fail(self._failed), ()
        self.point = Point.SYNCED
        self._due = now + self.make.report_s
        self.transactions.append(self.batch)
        if is_syncing or len(self.transactions) - self._synced > self.make.unsynced_max:
            self._synced = len(self.transactions)
        return None, self.batch

    def _fail(self, reason: str) -> Outcome:
        """What collected meanwhile builds on what was not written: it is not written either."""
        self.batch, self._collected = (), []
        self.point = Point.REPORTED
        return Unwritten(reason)

    def reported(self) -> list[tuple[W, ...]]:
        """The transactions that the core was told are durable as configured."""
        return self.transactions[: self._reported]

    def crash(self, *, loses_cache: bool) -> list[tuple[W, ...]]:
        """The process is killed, or everything loses its power: the transactions that are found afterwards."""
        tail = self.transactions[self._synced :]
        if self.point is Point.WRITTEN:
            tail.append(self.batch)
        if self._doubtful:
            tail.append(self._doubtful)
        loss = self._random.uniform(self.make.cache_loss_min, self.make.cache_loss_max) if loses_cache else 0.0
        kept = self.transactions[: self._synced]
        for transaction in tail:
            if self._random.random() < loss:
                break  # and all behind it: a log is read up to its first hole
            kept.append(transaction)
        self.transactions = kept
        self._synced = self._reported = len(kept)
        self.batch, self._collected, self._doubtful = (), [], ()
        self._failed, self.fails_sync = "", False
        self.point = Point.REPORTED
        return kept
