"""Messages as the server stores them, and how fast: `SqliteLog` beside bare SQLite in the same batches."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure.tables import Table, median
from udpchat.chat.ids import client_id_of, message_id, room_log
from udpchat.storage.server_sqlite import SYNCHRONOUS, SqliteLog
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import Message
from udpchat.wire.frames import encode
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES

LOG = room_log("lobby")
AUTHORS = 50
CODAS = ("", "ck", "lt", "nd", "sh")
WORDS = [f"{onset}{vowel}{coda}" for onset in "bcdfglmnprst" for vowel in "aeiou" for coda in CODAS]
WORDS_EACH = 14  # makes about 60 bytes: most of what people say is short
RARE_WORD, RARE_EVERY = "needle", 10_000
COMMON_WORD = WORDS[7]  # in one of 22 messages or so
BATCHES = (1, 8, 64)
MESSAGES_MAX = 4_096  # in a round
BATCHES_MAX = 512
ROUNDS = 3
START_MS = 1_700_000_000_000


class Talk:
    """What is said in the lobby: the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)
        self._authors = [
            (f"peer{number}", client_id_of(bytes(KEY_BYTES - 1) + bytes((number,)), bytes(INSTANCE_BYTES)))
            for number in range(AUTHORS)
        ]
        self._head = 0

    def appends(self, count: int) -> list[Append]:
        """The next so many entries of the log, each from a request."""
        return [self._append() for _ in range(count)]

    def _append(self) -> Append:
        self._head += 1
        nick, author = self._chance.choice(self._authors)
        text = " ".join(self._chance.choices(WORDS, k=WORDS_EACH))
        if self._head % RARE_EVERY == 0:
            text += " " + RARE_WORD
        identity = message_id(author, self._head)
        entry = Message(START_MS + 1_000 * self._head, author[:8], nick, identity, 0, text)
        return Append(LOG, self._head, encode(entry), RequestId(author, self._head))

    def batches(self, total: int, size: int) -> Iterator[list[Append]]:
        """So many entries, in batches."""
        for done in range(0, total, size):
            yield self.appends(min(size, total - done))


def fill(path: Path, entries: int) -> float:
    """A log with so many entries of the lobby; the seconds it took to write them."""
    log = SqliteLog(path, durability=Durability.MEMORY)
    begin_s = time.monotonic()
    for batch in Talk().batches(entries, 1_000):
        log.append(batch)
    log.close()
    return time.monotonic() - begin_s


def _store_rate(folder: Path, durability: Durability, batches: list[list[Append]]) -> float:
    log = SqliteLog(folder / "store.sqlite", durability=durability)
    begin_s = time.perf_counter()
    for batch in batches:
        log.append(batch)
    taken_s = time.perf_counter() - begin_s
    log.close()
    return sum(map(len, batches)) / taken_s


def _bare_rate(folder: Path, durability: Durability, batches: list[list[Append]]) -> float:
    bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
    bare.execute("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
    begin_s = time.perf_counter()
    for batch in batches:
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany("INSERT INTO entries VALUES (?, ?)", [(append.sequence, append.entry) for append in batch])
        bare.execute("COMMIT")
    taken_s = time.perf_counter() - begin_s
    bare.close()
    return sum(map(len, batches)) / taken_s


def measure_writing(*, quick: bool) -> Table:
    """Durable messages a second."""
    table = Table(
        "durable: messages a second into the server's log, by batch",
        ("durability", "batch", "messages/s", "bare SQLite/s", "share of bare", "ms a batch"),
    )
    messages_max, rounds = (64, 1) if quick else (MESSAGES_MAX, ROUNDS)
    for durability in Durability:
        for size in BATCHES:
            total = min(messages_max, BATCHES_MAX * size)
            ours, bare = [], []
            for seed in range(rounds):
                batches = list(Talk(seed).batches(total, size))
                with tempfile.TemporaryDirectory(prefix="udpchat-bench-") as folder:
                    ours.append(_store_rate(Path(folder), durability, batches))
                    bare.append(_bare_rate(Path(folder), durability, batches))
            rate, floor = median(ours), median(bare)
            table.add(durability.value, size, rate, floor, rate / floor, 1e3 * size / rate)
    table.notes.append(
        "With an entry the log writes its dedupe record, its columns for search and the full-text index; bare SQLite,"
        " a row and nothing else."
    )
    table.notes.append(f"Medians of {rounds} rounds, where temporary files are: an fsync is as slow as that is.")
    return table
