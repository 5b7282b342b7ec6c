"""Names of logs and ids of messages: the server and all clients use the same ones (SPEC 4.5)."""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import Final

LOBBY = "lobby"  # the room of who names none: it always has a place
DIRECTORY_LOG = "!directory"
AUDIT_LOG = "!audit"  # acts of order
SERVER_ROSTER = "%"  # what concerns everybody on the server
ROOM_PREFIX = "#"
ROSTER_PREFIX = "%"
CONVERSATION_PREFIX = "@"
INBOX_PREFIX = "~"
SAID_PREFIXES = (ROOM_PREFIX, CONVERSATION_PREFIX)  # of the logs that hold messages
PRIVATE_PREFIXES = (CONVERSATION_PREFIX, INBOX_PREFIX)  # of the logs that come without being asked for
MESSAGE_ID_BYTES = 8
_MESSAGE_ID: Final = blake2s(digest_size=MESSAGE_ID_BYTES, person=b"message")  # to be copied: in half of the time
_CONVERSATION: Final = re.compile(f"{CONVERSATION_PREFIX}[0-9a-f]{{20}}")


def message_id(instance: bytes, counter: int) -> bytes:
    """The id of the message that a request creates. The client knows it before sending, and each retry keeps it."""
    digest = _MESSAGE_ID.copy()
    digest.update(instance + counter.to_bytes(8, "big"))
    return digest.digest()


def client_id_of(key: bytes, instance: bytes) -> bytes:
    """The owner of a request counter. It includes the key, so no other key can use this counter (scenario S28)."""
    return blake2s(key + instance, digest_size=16, person=b"author").digest()


def room_log(room: str) -> str:
    """The log of a room's messages."""
    return ROOM_PREFIX + room


def roster_log(room: str) -> str:
    """The log of a room's joins and leaves."""
    return ROSTER_PREFIX + room


def conversation_log(one: bytes, other: bytes) -> str:
    """The log of the conversation of two keys; their order does not matter."""
    digest = blake2s(b"".join(sorted((one, other))), digest_size=10, person=b"talk").hexdigest()
    return CONVERSATION_PREFIX + digest


def is_conversation(log: str) -> bool:
    """Whether this can be the log of a conversation: `@` and 20 hex digits."""
    return _CONVERSATION.fullmatch(log) is not None


def inbox_log(key: bytes) -> str:
    """The log of what concerns the owner of this key alone, on all their devices: how far they have read."""
    return INBOX_PREFIX + blake2s(key, digest_size=10, person=b"inbox").hexdigest()
