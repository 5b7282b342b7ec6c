"""What one nick has in the data folder: its key, its stores, and how a core is stored there and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from udpchat.chat import events
from udpchat.chat.ids import CONVERSATION_PREFIX, INBOX_PREFIX, ROOM_PREFIX, room_log
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.client.model import ITEMS_MAX, Phase
from udpchat.client.shown_on_entry import looked_through
from udpchat.client.stored import ClientState, EntriesStored, ReplicaReset, RequestAdded, Write
from udpchat.shell import data_folder
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import DataUnusable
from udpchat.shell.file_modes import exposed
from udpchat.shell.progress import progress_of
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.lock import StoreLock
from udpchat.storage.store_interfaces import ClientStore, StoreError, StoreUnusable
from udpchat.wire.limits import CONVERSATIONS_FOLLOWED_MAX, INBOX_ENTRIES_MAX, MODEL_BYTES_MAX, ROOMS_PER_PEER_MAX
from udpchat.wire.requests import LogEntry

NICK_REFUSALS: Final = frozenset({"nick_taken", "bad_nick"})
NICKS_LOOKED_AT: Final = 8  # messages of a conversation: the person is recognised by each nick that stands in them


def store_folder(data: Path, nick: str) -> Path:
    """Where a nick keeps its stores, one for each server."""
    return data / "clients" / data_folder.nick_file(nick)


def store_path(data: Path, nick: str, server: ServerAddress) -> Path:
    """The store of a nick for a server: that of this host and port, or of another at which it had the same key."""
    folder = store_folder(data, nick)
    places = [server.name]
    with suppress(DataUnusable):  # reported when the key is checked
        known = data_folder.KnownServers(data)
        wanted = server.fingerprint or known.fingerprint(server.name)
        places += [each.place for each in known.all() if each.fingerprint == wanted]
    paths = [folder / f"{data_folder.file_name(_file_of(place))}.sqlite" for place in places]
    return next((path for path in paths if path.exists()), paths[0])


def _file_of(place: str) -> str:
    """`HOST_PORT` for `HOST:PORT`, an IPv6 address without its brackets."""
    host, _, port = place.rpartition(":")
    return f"{host.strip('[]')}_{port}"


class ClientFolder:
    """The data folder as one nick uses it. `report` prints one line for the person.

    `key` is the key of the nick, made at first use. Raises `DataUnusable`.
    """

    def __init__(self, folder: Path, nick: str, *, report: Callable[[Phrase], object]) -> None:
        self._folder = data_folder.open_folder(folder)
        self._nick = nick
        self._report = report
        self.key = data_folder.key_of_nick(self._folder, nick)
        key_path = data_folder.nick_key_path(self._folder, nick)
        for line in exposed(self._folder, key_path.parent, key_path):
            report(Phrase("warning", {"text": line}))

    @property
    def stores(self) -> Path:
        """The folder of the stores of this nick, one store for each server."""
        return store_folder(self._folder, self._nick)

    def open_store(self, server: ServerAddress) -> SqliteClientStore | None:
        """The store for this server; None if another process uses it. Raises `DataUnusable`, `StoreError`."""
        path = store_path(self._folder, self._nick, server)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataUnusable("data_unusable.store", path=path.parent, reason=error.strerror) from error
        try:
            with progress_of("upgrading the store") as progress:
                store = SqliteClientStore(path, progress=progress)
        except StoreUnusable:
            if not _is_held(path):
                raise
            return None
        report_set_aside(store, path, self._report)
        return store

    def watch_store(self, store: ClientStore) -> Callable[[Sequence[events.ClientEvent]], None]:
        """A function that gets events, and reports once if the store had to forget entries to keep its bounds."""
        is_reported = False

        def watch(_: Sequence[events.ClientEvent]) -> None:
            nonlocal is_reported
            if store.has_forgotten and not is_reported:
                is_reported = True
                self._report(Phrase("store.full"))

        return watch

    def watch_server(
        self, server: ServerAddress, *, is_used_last: bool = True
    ) -> Callable[[Sequence[events.ClientEvent]], None]:
        """A function that gets events, and remembers this server once it is connected: its name, and, unless it only
        stands in for another, that it was the one used last.
        """

        def watch(happened: Sequence[events.ClientEvent]) -> None:
            for event in happened:
                if isinstance(event, events.Connected):
                    if is_used_last:
                        data_folder.remember_server(self._folder, server.name)
                    with suppress(DataUnusable):  # its key is pinned, or it was reported that it cannot be
                        data_folder.KnownServers(self._folder).pin(server.name, event.fingerprint, event.name)

        return watch

    def watch_nick_used_last(self, core: ClientCore) -> Callable[[Sequence[events.ClientEvent]], None]:
        """A function that gets events, and remembers the nick of a person: the one let in with, and each changed to.

        A nick that the server does not let in is forgotten, so that the person is asked again.
        """
        last = ""

        def watch(happened: Sequence[events.ClientEvent]) -> None:
            nonlocal last
            if any(isinstance(event, events.Rejected) and event.code in NICK_REFUSALS for event in happened):
                if data_folder.last_nick(self._folder) == self._nick:
                    data_folder.remember_nick(self._folder, "")
            elif core.model.connection.phase is Phase.ONLINE and last != (core.model.claimed_nick or self._nick):
                last = core.model.claimed_nick or self._nick
                data_folder.remember_nick(self._folder, last)

        return watch

    def watch_nick(self, core: ClientCore) -> Callable[[Sequence[events.ClientEvent]], None]:
        """A function that gets events, and keeps the key for each nick that the user changes to.

        Not for whatever nick the server lets the client go by: it could make as many key files as it likes.
        """
        last = ""

        def watch(happened: Sequence[events.ClientEvent]) -> None:
            nonlocal last
            if core.model.claimed_nick == last:
                return
            last = core.model.claimed_nick
            try:
                data_folder.keep_key(self._folder, old=self._nick, new=last)
            except DataUnusable as error:
                self._report(Phrase("key_not_kept", {"nick": last, "reason": error.phrase}))

        return watch


def report_set_aside(store: SqliteClientStore, path: Path, report: Callable[[Phrase], object]) -> None:
    """One line for the person if rows of the store could not be read."""
    if store.set_aside:
        parts = [Phrase(f"store.row_{table}", {"count": count}) for table, count in store.set_aside.items()]
        report(Phrase("store.set_aside", {"path": path, "parts": parts}))


def _is_held(path: Path) -> bool:
    """Whether another process holds the lock of this store."""
    try:
        StoreLock(path).release()
    except StoreUnusable:
        return True
    return False


def remembered(
    store: ClientStore,
    rooms: Sequence[str],
    count: int,
    *,
    label_id: str = "",
    report: Callable[[Phrase], object] = lambda _: None,
) -> ClientState:
    """The content of the store, with the inbox and the last entries of these rooms and of others to be joined, with the
    last `count` messages of each.

    `rooms` empty: the rooms of the last run. `label_id`: the results for the lines of this input are loaded too. A log
    that cannot be read is reported and left out: the server has it. Raises `StoreError` if the rest cannot be read.
    """
    saved = store.load(label_id)
    wanted = {ROOM_PREFIX + room for room in rooms or saved.rooms}
    logs = sorted((log for log in store.logs() if log.startswith(ROOM_PREFIX)), key=lambda log: log not in wanted)
    counts = dict.fromkeys(logs[:ROOMS_PER_PEER_MAX], looked_through(count)) if count else {}
    counts |= dict.fromkeys((log for log in store.logs() if log.startswith(INBOX_PREFIX)), INBOX_ENTRIES_MAX)
    recent = {}
    for log, wanted_entries in counts.items():
        with _reported(report):
            recent[log] = store.last(log, wanted_entries)
    return saved.changed(recent=recent)


@contextmanager
def _reported(report: Callable[[Phrase], object]) -> Iterator[None]:
    """What cannot be read is one line for the person, and nothing more."""
    try:
        yield
    except StoreError as error:
        report(Phrase("store.unreadable", {"reason": error}))


def restore(client: ClientCore, store: ClientStore, *, report: Callable[[Phrase], object] = lambda _: None) -> None:
    """Give the core what is stored and unread, and the last messages of each conversation, which name the other user.

    A log that cannot be read is reported and left out. Behind MODEL_BYTES_MAX, only names are read of the other logs.
    """
    left = MODEL_BYTES_MAX
    conversations = [log for log in store.logs() if log.startswith(CONVERSATION_PREFIX)]
    for log in (*map(room_log, client.model.rooms), *conversations[:CONVERSATIONS_FOLLOWED_MAX]):
        extent = store.extent(log)
        unread = extent.head - (client.timeline.marks.get(log, extent.generation) or 0)
        with _reported(report):
            count = min(max(unread, NICKS_LOOKED_AT), ITEMS_MAX) if left > 0 else NICKS_LOOKED_AT
            stored = store.last(log, count)
            left -= sum(len(entry) for _, entry in stored)
            client.restore(LogEntry(log, *item) for item in stored)


def write_contiguous(store: ClientStore, batch: Sequence[Write]) -> None:
    """Write all but entries behind a hole that a failed write left in a replica: the next run asks for them.

    Raises `StoreError` only if a request could not be written.
    """
    try:
        store.write(_continuing(store, batch))
    except StoreError:
        if any(isinstance(item, RequestAdded) for item in batch):
            raise


def _continuing(store: ClientStore, batch: Sequence[Write]) -> list[Write]:
    heads: dict[str, tuple[int, int]] = {}
    kept: list[Write] = []
    for item in batch:
        if isinstance(item, ReplicaReset):
            heads[item.log] = item.generation, item.sequence
        elif isinstance(item, EntriesStored):
            extent = store.extent(item.log)
            is_new = (extent.generation, extent.head) == (0, 0)
            known = (item.generation, 0) if is_new else (extent.generation, extent.head)
            if heads.get(item.log, known) != (item.generation, item.first - 1):
                continue
            heads[item.log] = item.generation, item.first + len(item.entries) - 1
        kept.append(item)
    return kept
