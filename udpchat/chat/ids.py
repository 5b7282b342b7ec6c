"""Names of logs and identities of messages: the same at the author, the server and everyone else (SPEC 4.5)."""

from __future__ import annotations

from hashlib import blake2s

DIRECTORY_LOG = "!directory"
ROOM_PREFIX = "#"
ROSTER_PREFIX = "%"
CONVERSATION_PREFIX = "@"
MESSAGE_ID_BYTES = 8


def message_id(instance: bytes, counter: int) -> bytes:
    """The id of the message that a request asks for: known to its author before it is sent, and kept by every retry."""
    return blake2s(instance + counter.to_bytes(8, "big"), digest_size=MESSAGE_ID_BYTES, person=b"message").digest()


def client_id_of(key: bytes, instance: bytes) -> bytes:
    """Whose request counter it is: no other key can continue the counter of an instance (protocol scenario S28)."""
    return blake2s(key + instance, digest_size=16, person=b"author").digest()


def room_log(room: str) -> str:
    """The log of what is said in a room."""
    return ROOM_PREFIX + room


def roster_log(room: str) -> str:
    """The log of who comes to and leaves a room."""
    return ROSTER_PREFIX + room


def conversation_log(one: bytes, other: bytes) -> str:
    """The log of what two keys tell each other: the same whichever asks."""
    digest = blake2s(b"".join(sorted((one, other))), digest_size=10, person=b"talk").hexdigest()
    return CONVERSATION_PREFIX + digest


def shown_log(log: str, nick: str = "") -> str:
    """What people call a log: `lobby`, `your conversation with bob` if its `nick` is known, never its name or code."""
    if log.startswith(CONVERSATION_PREFIX):
        return f"your conversation with {nick}" if nick else "a conversation"
    if log == DIRECTORY_LOG:
        return "the list of nicks and topics"
    return log.removeprefix(ROOM_PREFIX).removeprefix(ROSTER_PREFIX)
