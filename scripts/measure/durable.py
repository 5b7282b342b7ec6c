"""A long log: written, opened, read, searched, and served."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure.people import Person
from measure.processes import ServerProcess, resident_bytes
from measure.storing import COMMON_WORD, LOG, RARE_WORD, WORDS, fill, measure_writing
from measure.tables import Table, median
from udpchat.chat import events
from udpchat.shell.maintenance import LOG_FILE
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.sync.log import SearchQuery

ENTRIES, QUICK_ENTRIES = 1_000_000, 2_000
REPLICA_ENTRIES, QUICK_REPLICA_ENTRIES = 100_000, 1_000
SCREEN_ENTRIES = 50
REPEATS = 7
HISTORY_S_MAX = 120.0


def measure(*, quick: bool) -> list[Table]:
    """The part `durable`."""
    entries = QUICK_ENTRIES if quick else ENTRIES
    table = Table(f"durable: a log of {entries:,} entries", ("what", "measured", "unit", "goal"))
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        long, empty = Path(folder) / "long", Path(folder) / "empty"
        long.mkdir(mode=0o700)
        taken_s = fill(long / LOG_FILE, entries)
        _measure_store(table, long / LOG_FILE)
        _measure_served(table, long, empty, QUICK_REPLICA_ENTRIES if quick else REPLICA_ENTRIES)
        size = (long / LOG_FILE).stat().st_size
    table.notes.append(
        f"{size / 2**20:,.0f} MiB on disk, written in {taken_s:.0f} s. Searches and a newcomer: medians of {REPEATS}."
    )
    table.notes.append("Served: a real server process and a real client core over loopback, handshake included.")
    return [measure_writing(quick=quick), table]


def _taken_ms(do: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    do()
    return 1e3 * (time.perf_counter() - begin_s)


def _measure_store(table: Table, path: Path) -> None:
    """What the store does, in this process."""

    def open_and_close() -> None:
        SqliteLog(path).close()

    table.add("open and close", median([_taken_ms(open_and_close) for _ in range(REPEATS)]), "ms", None)
    log = SqliteLog(path)
    head = log.extent(LOG).head
    first_ms = _taken_ms(lambda: log.read(LOG, head - SCREEN_ENTRIES + 1, SCREEN_ENTRIES))
    table.add(f"read the newest {SCREEN_ENTRIES}, just opened", first_ms, "ms", 50)
    begin_s = time.perf_counter()
    for first in range(1, head + 1, 64):
        log.read(LOG, first, 64)
    table.add("read all, 64 at a time", head / (time.perf_counter() - begin_s), "entries/s", None)
    searches = {
        "search a rare word": RARE_WORD,
        "search a common word": COMMON_WORD,
        "search two common words": f"{COMMON_WORD} {WORDS[11]}",
    }
    for what, words in searches.items():
        query = SearchQuery(words)
        taken = [_taken_ms(partial(log.search, query)) for _ in range(REPEATS)]
        table.add(what, median(taken), "ms", 100)
    log.close()


def _measure_served(table: Table, long: Path, empty: Path, replica: int) -> None:
    """What a server does with it."""
    with ServerProcess(empty) as server:
        begin = server.ready_s, resident_bytes(server.pid)
    with ServerProcess(long) as server:
        table.add("server ready, nothing stored", begin[0], "s", None)
        table.add("server ready", server.ready_s, "s", 1)
        _add_memory(table, "server memory, nothing stored", begin[1])
        _add_memory(table, "server memory", resident_bytes(server.pid))
        screens = [1e3 * _history_s(server, f"screen{number}", SCREEN_ENTRIES) for number in range(REPEATS)]
        table.add(f"a newcomer's first {SCREEN_ENTRIES}", median(screens), "ms", 50)
        table.add(f"a replica of {replica:,} entries", _history_s(server, "replica", replica), "s", 10)
        _add_memory(table, "server memory after that", resident_bytes(server.pid))


def _add_memory(table: Table, what: str, resident: int | None) -> None:
    table.add(what, None if resident is None else resident / 2**20, "MiB", None)


def _history_s(server: ServerProcess, nick: str, entries: int) -> float:
    """From the first Hello of a newcomer until it has so many messages of the past."""
    loop = asyncio.SelectorEventLoop()
    all_here: asyncio.Future[None] = loop.create_future()
    missing = entries

    def on_message(now: float, message: events.MessageReceived) -> None:
        nonlocal missing
        missing -= 1
        if not missing:
            all_here.set_result(None)

    begin_s = time.perf_counter()
    person = Person(loop, server.address, nick, on_message=on_message, history=entries)
    try:
        loop.run_until_complete(asyncio.wait_for(all_here, HISTORY_S_MAX))
        return time.perf_counter() - begin_s
    finally:
        person.close()
        loop.close()
