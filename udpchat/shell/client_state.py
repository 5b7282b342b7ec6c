"""What a client that comes back knows at once: the last messages of its rooms, and which conversation is with whom."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from udpchat.chat.ids import CONVERSATION_PREFIX, ROOM_PREFIX
from udpchat.client.core import ClientCore
from udpchat.client.stored import ClientState
from udpchat.shell.data_folder import file_name, nick_file
from udpchat.storage.protocol import ClientStore, StoreError
from udpchat.wire.limits import CONVERSATIONS_PER_KEY_MAX, ROOMS_PER_PEER_MAX

NICKS_LOOKED_AT: Final = 8  # messages of a conversation: whoever changed the nick is known by each of these


def store_folder(data: Path, nick: str) -> Path:
    """Where a nick keeps its stores, one for each server."""
    return data / "clients" / nick_file(nick)


def store_path(data: Path, nick: str, server: tuple[str, int]) -> Path:
    """The store of a nick for the server at this host and port."""
    return store_folder(data, nick) / f"{file_name(f'{server[0]}_{server[1]}')}.sqlite"


def remembered(store: ClientStore, rooms: Sequence[str], count: int, *, label_id: str = "") -> ClientState:
    """What the store holds, with the last `count` messages of these rooms and of others that may be joined.

    Of no rooms: of those that the run before was in. And with what became of the lines of the input `label_id`, if
    there is one. What cannot be read is left out: the server has it too. Raises `StoreError` if not even the rest can.
    """
    saved = store.load(label_id)
    logs = [log for log in store.logs() if log.startswith(ROOM_PREFIX)] if count else []
    wanted = {ROOM_PREFIX + room for room in rooms or saved.rooms}
    logs.sort(key=lambda log: log not in wanted)
    recent = {}
    for log in logs[:ROOMS_PER_PEER_MAX]:
        with suppress(StoreError):
            recent[log] = store.last(log, count)
    return replace(saved, recent=recent)


def recognize_conversations(client: ClientCore, store: ClientStore) -> None:
    """Let the client know whom the conversations in its store are with, as far as it can be read."""
    logs = [log for log in store.logs() if log.startswith(CONVERSATION_PREFIX)]
    for log in logs[: 2 * CONVERSATIONS_PER_KEY_MAX]:
        with suppress(StoreError):
            client.recall([(log, *item) for item in store.last(log, NICKS_LOOKED_AT)])
