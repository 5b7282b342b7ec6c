"""The stores in files under a fuzzer: ordinary use, and between two runs rows and bytes of the file that are changed.

Whatever was done to a file, a store is opened, read and written, or it raises `StoreError`; a server and a client that
begin with it do so or raise that as well.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz.cases import Choices
from tests.fuzz.faulty_log import IN_MEMORY
from tests.fuzz.narrow import small_limits
from tests.fuzz.server import NICKS, ROOMS
from tests.fuzz.values import bent, bent_bytes
from udpchat.chat.ids import DIRECTORY_LOG, conversation_log, inbox_log, room_log
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import EntriesStored, Label, ReplicaReset, RequestAdded, RequestDone, RoomsChanged, Write
from udpchat.server.core import ServerCore
from udpchat.session.noise import KeyPair, user_id
from udpchat.shell.client_state import remembered, restore, write_contiguous
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability, StoreError
from udpchat.sync.log import Append, LogUnreadable, RequestId, SearchQuery
from udpchat.wire.content import Claim, ConversationRecord, Extra, Message, ReadMark, Tombstone, TopicRecord
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.packets import Address
from udpchat.wire.requests import Done, Say

TABLES = {
    "logs": ("id", "name", "generation", "base", "head"),
    "entries": ("id", "entry", "checksum", "time_ms"),
    "answers": ("client_id", "counter", "log", "sequence"),
    "run": ("seed", "durability", "boot", "closed"),
    "outbox": ("counter", "body"),
    "identity": ("instance", "next_counter"),
    "labels": ("counter", "id", "line", "digest", "result"),
    "rooms": ("position", "name"),
    "reactions": ("target", "emoji", "author", "row"),
}
HEART = "\u2764\ufe0f"
VALUES = (
    0,
    1,
    -1,
    2,
    2**40,
    2**53,
    2**63 - 1,
    -(2**63),
    "",
    "x",
    "#",
    "#lobby",
    "é" * 200,
    b"",
    b"\xff" * 16,
    b"x" * 20_000,
    1.5,
)
WORDS = ("hi", "hello", "x y", '"', "", "é", "hi " * 30)
SERVER = Address("10.0.0.1", 1)


class StoreTarget:
    """One store, of a server or a client: the first step chooses which."""

    def __init__(self) -> None:
        self._random = Random(3)
        self._stack = ExitStack()
        folder = TemporaryDirectory(prefix="fuzz-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self._folder = Path(self._stack.enter_context(folder))
        self._keys = [KeyPair(self._random.randbytes(32)) for _ in range(3)]
        self._counter = 0
        self._files = 0
        self._is_server: bool | None = None
        self._log: SqliteLog | None = None
        self._store: SqliteClientStore | None = None
        self._noted: set[Hashable] = set()
        self._actions: tuple[Callable[[Choices], None], ...] = (
            self._write, self._write, self._write, self._read, self._read, self._reopen, self._reopen,
        )  # fmt: skip

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._files}.sqlite"

    def step(self, choices: Choices) -> None:
        """Use the store, or damage it."""
        if self._is_server is None:
            self._is_server = choices.chance(50)
            if choices.chance(30):
                self._stack.enter_context(small_limits())
            return self._open()
        try:
            choices.pick(self._actions)(choices)
        except StoreError as error:
            self._noted.add((type(error), str(error)[:20]))

    def _open(self) -> None:
        try:
            if self._is_server:
                self._log = SqliteLog(self._path, durability=Durability.MEMORY)
            else:
                self._store = SqliteClientStore(self._path)
        except StoreError as error:
            self._noted.add((type(error), str(error)[-20:]))
            self._files += 1  # as the person is told: move it away
            self._open()

    def _close(self) -> None:
        for store in (self._log, self._store):
            if store is not None:
                with suppress(StoreError):
                    store.close()
        self._log = self._store = None

    # --- Ordinary use ----------

    def _entry(self, choices: Choices) -> bytes:
        text = choices.pick(("hi", "hello there", "é ü", "x" * 5_000, ""))
        kind = choices.pick((0, 0, 0, 1, 2, 3, 4, 200))
        target = Extra(
            bytes(7) + bytes([choices.below(4)]), choices.pick((b"", b"-")), choices.below(12), choices.below(3)
        )
        message = Message(
            choices.below(2**41), user_id(self._keys[choices.below(2)].public), choices.pick(NICKS),
            bytes(7) + bytes([choices.below(4)]), kind, choices.pick((text, HEART)), None, target if kind > 1 else None,
        )  # fmt: skip
        encoded = encode_message(message)
        return bent(choices, encoded) if choices.chance(15) else encoded

    def _name(self, choices: Choices) -> str:
        one, other, _ = (key.public for key in self._keys)
        return choices.pick((*map(room_log, ROOMS), conversation_log(one, other), inbox_log(one)))

    def _write(self, choices: Choices) -> None:
        for _ in range(choices.pick((1, 3, 20))):
            self._append(choices) if self._log is not None else self._keep(choices)

    def _append(self, choices: Choices) -> None:
        assert self._log is not None
        name, entry = self._name(choices), self._entry(choices)
        if choices.chance(30):
            one, other, _ = (key.public for key in self._keys)
            record = choices.pick((
                Claim(choices.pick(NICKS), one), TopicRecord("lobby", "tea", "ada"),
                ConversationRecord(conversation_log(one, other), (one, other)),
            ))  # fmt: skip
            name, entry = DIRECTORY_LOG, encode(record)
        self._counter += 1
        origin = RequestId(b"client id 123456", self._counter) if choices.chance(50) else None
        self._log.append([Append(name, self._log.extent(name).head + 1, entry, origin)])

    def _keep(self, choices: Choices) -> None:
        assert self._store is not None
        name = self._name(choices)
        extent = self._store.extent(name)
        self._counter += 1
        body = encode(Say("lobby", 0, "hi"))
        label = Label("script", self._counter) if choices.chance(20) else None
        writes: tuple[Write, ...] = (
            RequestAdded(self._store.load().next_counter + self._counter, body, label),
            RequestDone(self._counter, encode(Done())),
            EntriesStored(name, extent.generation or 7, extent.head + 1, (self._entry(choices),)),
            EntriesStored(name, extent.generation or 7, extent.head + 1, (self._entry(choices), encode(Tombstone(3)))),
            EntriesStored(name, extent.generation or 7, extent.head + 1, (encode(ReadMark("#lobby", 7, 3)),)),
            ReplicaReset(name, choices.below(9) + 1, choices.pick((0, 5, extent.head, 2**40 - 3))),
            RoomsChanged(ROOMS[: choices.below(len(ROOMS))]),
        )  # fmt: skip
        write_contiguous(self._store, [choices.pick(writes)])

    def _read(self, choices: Choices) -> None:
        name = self._name(choices)
        query = SearchQuery(
            choices.pick(WORDS), choices.pick((None, "ada")), choices.pick((None, name)), limit=choices.below(9)
        )
        first, count = choices.below(30), choices.pick((1, 3, 500))
        store = self._log if self._log is not None else self._store
        assert store is not None
        extent = store.extent(name)
        found = store.read(name, first, count)
        assert len(found) <= max(extent.head - extent.base, 0)
        store.search(query)
        store.reactions(name, first, min(first + count, extent.head))
        store.since(name, choices.pick((0, 1, 2**40, 2**53)))
        if self._log is not None:
            self._log.answered(b"client id 123456")
            self._log.prune(name, extent.base + choices.below(3))
            self._log.redact(name, extent.head - choices.below(3), encode(Tombstone(1)))

    # --- Damage ----------

    def _damage_row(self, choices: Choices) -> None:
        table = choices.pick([*TABLES])
        column = choices.pick(TABLES[table])
        where = f"rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {choices.below(8)})"
        if table in ("answers", "reactions"):
            where = "1"
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            if choices.chance(25):
                connection.execute(f"DELETE FROM {table} WHERE {where}")
                return
            value = choices.pick(VALUES)
            if choices.chance(30):
                (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone() or (value,)
                value = bent_bytes(choices, value) if isinstance(value, bytes) else value
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))

    def _damage_file(self, choices: Choices) -> None:
        if not self._path.exists():
            return
        data = bytearray(self._path.read_bytes())
        for _ in range(choices.pick((1, 1, 4, 40)) if data else 0):
            data[choices.below(len(data))] ^= 1 << choices.below(8)
        self._path.write_bytes(data[: choices.below(len(data) + 1)] if choices.chance(15) else data)

    def _reopen(self, choices: Choices) -> None:
        self._close()
        damage = choices.pick((self._damage_row, self._damage_row, self._damage_row, self._damage_file, None))
        if damage is not None:
            damage(choices)
        self._open()
        self._begin_run()

    def _begin_run(self) -> None:
        """A server or a client begins with what there is, as the shell does it."""
        if self._log is not None:
            with suppress(LogUnreadable):
                ServerCore(static=self._keys[0], log=self._log, random=os.urandom)
            return
        assert self._store is not None
        saved = remembered(self._store, (), 20)
        profile = Profile(self._keys[0], "ada", saved.rooms or ("lobby",), "den", lambda key: None, 20)
        core = ClientCore(100.0, profile=profile, saved=saved, address=SERVER, random=self._random.randbytes)
        restore(core, self._store)

    def finish(self) -> None:
        """It can be closed."""
        self._close()

    def noted(self) -> set[Hashable]:
        """Which errors there were."""
        return self._noted

    def close(self) -> None:
        """The files are gone."""
        self._close()
        self._stack.close()
