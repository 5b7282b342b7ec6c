"""The full screen: a real client on a terminal of its own, how soon a key shows, how it scrolls, how it starts.

A client is measured from outside: keys go in at one end of a pseudo terminal, and what it draws comes out at the other.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure.children import Child
from measure.honest import Honest
from measure.processes import ServerProcess
from measure.storing import LOG, START_MS, Talk
from measure.tables import Table, median, percentile
from measure.terminal import COLUMNS, ROWS, Terminal
from udpchat.chat.ids import LOBBY, client_id_of, message_id
from udpchat.client.stored import EntriesStored, ReplicaReset, RoomsChanged
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import store_path
from udpchat.shell.maintenance import LOG_FILE
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import TEXT, Message
from udpchat.wire.frames import encode
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES

NICK, NEWCOMER = "screen", "newcomer"
ENTRIES, QUICK_ENTRIES = 100_000, 1_000
STARTS, QUICK_STARTS = 5, 1
SCREEN_ENTRIES = 50  # as many as a client shows on entry
KEYS, QUICK_KEYS = 150, 5
PAGES, QUICK_PAGES = 3_000, 5
LINES_PER_S, QUICK_LINES_PER_S = 500, 50
SETTLE_S = 1.0  # after the first paint, and after the talk has begun
KEY_EVERY_S = 0.03
KEYS_A_LINE = 20  # then the line is cleared, so that it stays one row
FRAME_S = 1 / 30
QUIET_S = 0.004  # without output: a frame has been drawn
LAST_WORDS = "the-end-of-what-was-said"
BATCH = 1_000
LETTERS = [*range(0x3B1, 0x3CA), *range(0x430, 0x450), *range(0x561, 0x587), *range(0x10D0, 0x10F1)]  # nobody says them
PAGE_UP, CLEAR_LINE = b"\x1b[5~", b"\x15"


def measure(*, quick: bool) -> list[Table]:
    """The part `screen`."""
    entries = QUICK_ENTRIES if quick else ENTRIES
    table = Table(
        f"screen: {COLUMNS} x {ROWS}, a history of {entries:,} messages", ("what", "measured", "unit", "goal")
    )
    with tempfile.TemporaryDirectory(prefix="udpchat-bench-", ignore_cleanup_errors=True) as folder:
        data, short, server_data = Path(folder) / "long", Path(folder) / "short", Path(folder) / "server"
        generation, history = _fill(server_data, entries)
        with ServerProcess(server_data) as server:
            address = ServerAddress(*server.address)
            _replica(store_path(data, NICK, address), generation, entries, history)
            _replica(store_path(short, NEWCOMER, address), generation, entries, history[-SCREEN_ENTRIES:])
            _measure_starts(table, address, data, quick=quick)
            memory = _memory_after_start(address, short)
            with Terminal(address.url, data, NICK) as terminal:
                terminal.until(LAST_WORDS.encode())
                _measure_scrolling(table, terminal, memory, quick=quick)
            with Terminal(address.url, data, NICK) as terminal, Child(Honest, server.address) as people:
                terminal.until(LAST_WORDS.encode())
                _measure_keys(table, terminal, people, quick=quick)
    table.notes.append("A key and a page: from the key press until the terminal got the last byte that it draws.")
    return [table]


def _fill(folder: Path, entries: int) -> tuple[int, tuple[bytes, ...]]:
    """A server's log with so many messages in the lobby, the last of them LAST_WORDS; its generation, the entries."""
    folder.mkdir(mode=0o700)
    said = Talk().appends(entries - 1)
    author = client_id_of(bytes(KEY_BYTES), bytes(INSTANCE_BYTES))
    last = Message(START_MS + 1_000 * entries, author[:8], "narrator", message_id(author, 1), TEXT, LAST_WORDS)
    said.append(Append(LOG, entries, encode(last), RequestId(author, 1)))
    log = SqliteLog(folder / LOG_FILE, durability=Durability.MEMORY)
    for first in range(0, entries, BATCH):
        log.append(said[first : first + BATCH])
    generation = log.extent(LOG).generation
    log.close()
    return generation, tuple(append.entry for append in said)


def _replica(path: Path, generation: int, head: int, kept: tuple[bytes, ...]) -> None:
    """A client's store that holds the latest entries of the lobby."""
    store = SqliteClientStore(path)
    base = head - len(kept)
    store.write([ReplicaReset(LOG, generation, base), RoomsChanged((LOBBY,))])
    for first in range(0, len(kept), BATCH):
        store.write([EntriesStored(LOG, generation, base + first + 1, kept[first : first + BATCH])])
    store.close()


def _measure_starts(table: Table, address: ServerAddress, data: Path, *, quick: bool) -> None:
    """From the start of the process until the last message is on the screen; after one start, which compiles."""
    taken = []
    with Terminal(address.url, data, NICK) as terminal:
        terminal.until(LAST_WORDS.encode())
    for _ in range(QUICK_STARTS if quick else STARTS):
        begin_s = time.perf_counter()
        with Terminal(address.url, data, NICK) as terminal:
            terminal.until(LAST_WORDS.encode())
            taken.append(time.perf_counter() - begin_s)
    table.add("from the start to the last message", median(taken), "s", 0.5)


def _memory_after_start(address: ServerAddress, data: Path) -> int | None:
    """The memory of a client with next to no history."""
    with Terminal(address.url, data, NEWCOMER) as terminal:
        terminal.until(LAST_WORDS.encode())
        terminal.let_draw(SETTLE_S)
        return terminal.resident_bytes


def _measure_scrolling(table: Table, terminal: Terminal, memory: int | None, *, quick: bool) -> None:
    """Page by page into the past: how long each takes, and what the client holds then."""
    terminal.let_draw(SETTLE_S)
    taken = []
    for _ in range(QUICK_PAGES if quick else PAGES):
        terminal.press(PAGE_UP)
        taken.append(terminal.until_quiet(QUIET_S))
    table.add("a page up: median", 1e3 * median(taken), "ms", None)
    table.add("a page up: p95", 1e3 * percentile(taken, 0.95), "ms", 1e3 * FRAME_S)
    table.add("pages within a frame of 1/30 s", sum(each <= FRAME_S for each in taken) / len(taken), "share", None)
    resident = terminal.resident_bytes
    mib = None if resident is None else resident / 2**20
    table.add("memory of the client after that", mib, "MiB", None)
    grown = None if resident is None or memory is None else (resident - memory) / 2**20
    table.add("of this, more than a client without history", grown, "MiB", 150)


def _measure_keys(table: Table, terminal: Terminal, people: Child, *, quick: bool) -> None:
    """How soon a key shows, while others talk into the open room."""
    lines_per_s = QUICK_LINES_PER_S if quick else LINES_PER_S
    people.call("enter", 2)
    for talk, every_s in (("nobody talks", None), (f"{lines_per_s} lines a second", 1 / lines_per_s)):
        if every_s is not None:
            people.call("begin", every_s, None)
        terminal.let_draw(SETTLE_S)
        taken = [1e3 * each for each in _keys(terminal, QUICK_KEYS if quick else KEYS)]
        table.add(f"a key shows, {talk}: median", median(taken), "ms", None)
        table.add(f"a key shows, {talk}: p95", percentile(taken, 0.95), "ms", 50)
    people.call("end")


def _keys(terminal: Terminal, count: int) -> Iterator[float]:
    """The seconds that each of so many keys took to show; no letter twice until the line was cleared."""
    for number in range(count):
        if number % KEYS_A_LINE == 0:
            terminal.press(CLEAR_LINE)
        terminal.let_draw(KEY_EVERY_S)
        letter = chr(LETTERS[number % len(LETTERS)]).encode()
        terminal.press(letter)
        yield terminal.until(letter)
