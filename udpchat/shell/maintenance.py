"""What an operator does with a log beside serving it: back up, restore, check, export; and a person with a replica.

Nothing is overwritten unless that was asked for, and what fails leaves no half file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX, room_log
from udpchat.chat.nearest import nearest
from udpchat.chat.phrase import Phrase, Problem
from udpchat.chat.text import json_line
from udpchat.chat.times import iso_time
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.shell import data_folder
from udpchat.shell.addresses import ServerAddress, place
from udpchat.shell.client_state import store_folder, store_path
from udpchat.shell.progress import progress_of
from udpchat.shell.stdio import OutputFailed
from udpchat.storage import backup as storage
from udpchat.storage.backup import Exported
from udpchat.storage.database_file import move

LOG_FILE: Final = "server.sqlite"
ROOMS_NAMED_MAX: Final = 20  # in one line
REPLACE: Final = "replace"
KEEP: Final = "keep"

Draw = Callable[[Exported], str]


class OperationFailed(Problem):
    """It was not done."""


def back_up(data: Path, file: Path, *, force: bool = False) -> Phrase:
    """Copy log and key of the server of this data folder, which may be running. What was done, for people.

    Raises `DataUnusable`, `OperationFailed`, `StoreError`.
    """
    key = data_folder.stored_server_key(data)
    _refuse_existing(file, force=force, source=data / LOG_FILE)
    with progress_of("backing up") as progress:
        if not file.exists():
            storage.backup(data / LOG_FILE, file, progress, key=key)
        else:
            fresh = file.with_name(file.name + ".fresh")
            with _failing(file):
                fresh.unlink(missing_ok=True)
            storage.backup(data / LOG_FILE, fresh, progress, key=key)
            with _failing(file):
                fresh.replace(file)
    if key is None:
        return Phrase("backed_up.no_key", {"file": file, "key_file": data_folder.SERVER_KEY, "data": data})
    return Phrase("backed_up", {"file": file, "key": _fingerprint(key)})


def restore(data: Path, file: Path, *, key: str | None = None) -> Phrase:
    """Put a backup in the place of the log, which is kept beside it, and its key where there is none.

    `key` decides where data folder and backup have different keys: REPLACE or KEEP that of the folder. What was done,
    for people. Raises `DataUnusable`, `OperationFailed`, `StoreError`.
    """
    restored, present = storage.key_in(file), data_folder.stored_server_key(data)
    if restored and present and restored != present and key is None:
        keys = {"restored": _fingerprint(restored), "present": _fingerprint(present)}
        raise OperationFailed("failed.other_key", file=file, data=data, **keys)
    data_folder.open_folder(data)
    with progress_of("restoring") as progress:
        kept = storage.restore(file, data / LOG_FILE, progress=progress)
    with _failing(data):  # what was erased after the backup was made is in it
        (data / data_folder.ERASED_FILE).unlink(missing_ok=True)
    of_key = _restore_key(data, restored, present, keeps_present=key == KEEP)
    return Phrase("restored", {"file": file, "former": kept, "key": of_key})


def _restore_key(data: Path, restored: bytes | None, present: bytes | None, *, keeps_present: bool) -> Phrase:
    """Put the key of a backup in its place, if it has one and is to; what became of it, for people."""
    if restored is None and present is None:
        return Phrase("restored.key_new")
    if restored is None:
        return Phrase("restored.key_stays")
    if restored == present:
        return Phrase("restored.key_same")
    shown = _fingerprint(restored)
    if present is not None and keeps_present:
        return Phrase("restored.key_kept", {"key": _fingerprint(present), "restored": shown})
    return Phrase("restored.key_replaced", {"key": shown, "former": data_folder.put_server_key(data, restored)})


def _fingerprint(secret: bytes) -> str:
    return fingerprint(KeyPair(secret).public)


def check(data: Path) -> list[str]:
    """What is wrong with the log, each with what to do. Raises `StoreUnusable` if it cannot even be opened."""
    with progress_of("checking") as progress:
        return storage.check(data / LOG_FILE, progress)


# --- Export ----------


def replica_of(data: Path, nick: str, server: ServerAddress | None) -> Path:
    """The store of this nick for a server, that used last, or the only one. Raises `OperationFailed`."""
    found = sorted(store_folder(data, nick).glob("*.sqlite"))
    if server is None and len(found) == 1:
        return found[0]
    wanted = server or data_folder.last_server(data)
    if wanted is not None and (path := store_path(data, nick, wanted)) in found:
        return path
    if not found:
        raise OperationFailed("failed.no_store", nick=nick, data=data)
    servers = [_server_of(store) for store in found]
    raise OperationFailed("failed.other_stores", nick=nick, data=data, count=len(servers), servers=servers)


def _server_of(store: Path) -> str:
    """`HOST:PORT` of the server that a store is of."""
    host, _, port = data_folder.name_of_file(store.stem).rpartition("_")
    return place(host, int(port)) if port.isdecimal() else store.stem


def export(
    source: Path, file: Path | None, draw: Draw, *, room: str | None, since_ms: int, force: bool = False
) -> None:
    """Write what was said, log by log, one line of `draw` a message, to a new file or to standard output.

    Raises `OperationFailed`, `OutputFailed`, `StoreError`, and BrokenPipeError once nobody reads.
    """
    log = None if room is None else _log_of(source, room)
    with progress_of("exporting") as progress:
        lines = map(draw, storage.export(source, log=log, since_ms=since_ms, progress=progress))
        if file is None:
            return _write_out(lines, progress.end)
        _refuse_existing(file, force=force, source=source)
        with _failing(file), _replacing(file) as output:
            output.writelines(f"{line}\n" for line in lines)


def _log_of(source: Path, room: str) -> str:
    """The log of a room. Raises `OperationFailed`, which names the rooms that there are, and `StoreError`."""
    with storage.reading(source) as tables:
        rooms = sorted(name.removeprefix(ROOM_PREFIX) for name in tables.places if name.startswith(ROOM_PREFIX))
    if room in rooms:
        return room_log(room)
    if not rooms:
        raise OperationFailed("failed.no_rooms", room=room)
    named, more, near = rooms[:ROOMS_NAMED_MAX], max(len(rooms) - ROOMS_NAMED_MAX, 0), nearest(room, rooms)
    if not near:
        raise OperationFailed("failed.no_room", room=room, rooms=named, more=more)
    raise OperationFailed("failed.room_near", room=room, near=near, rooms=named, more=more)


def json_of(exported: Exported) -> str:
    """A message as an object; `log` tells conversations apart. `reactions` is there if there are any."""
    reactions = [{"emoji": emoji, "nicks": nicks} for emoji, nicks in exported.reactions]
    return json_line(
        {
            "room": room_of(exported),
            "seq": exported.sequence,
            "nick": exported.nick,
            "text": exported.text,
            "kind": exported.kind,
            "time": iso_time(exported.time_ms),
            "log": exported.log,
        }
        | ({"reactions": reactions} if reactions else {})
    )


def room_of(exported: Exported) -> str:
    """The room of a message, or `@` and the nick that it was said to."""
    if exported.log.startswith(CONVERSATION_PREFIX) and exported.to:
        return "@" + exported.to
    return exported.log.removeprefix("#")


def _write_out(lines: Iterable[str], before: Callable[[], None]) -> None:
    output = sys.stdout
    try:
        for line in lines:
            if output.isatty():
                before()
            output.write(f"{line}\n")
        output.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"cannot write to standard output: {error.strerror}") from error


# --- Files ----------


def _refuse_existing(file: Path, *, force: bool, source: Path) -> None:
    with _failing(file):
        companions = [source.with_name(source.name + suffix) for suffix in ("", "-wal", "-shm", ".lock")]
        if any(file.exists() and own.exists() and os.path.samefile(file, own) for own in companions):
            raise OperationFailed("failed.is_log", file=file)
        if file.exists() and not (force and file.is_file()):
            raise OperationFailed("failed.exists", file=file)


@contextmanager
def _replacing(file: Path) -> Iterator[TextIO]:
    """A file that takes the place of `file` once it is whole and on the disk."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as output:
            yield output
        move(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _failing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperationFailed("failed.write", file=file, reason=error.strerror) from error
