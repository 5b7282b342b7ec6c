"""What happens, as values: what a client tells its user interface, and what a server tells its operator.

The client's events are those of the JSON lines (README), one class each, with the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.wire.content import ACTION, TEXT


def kind_name(kind: int) -> str:
    """The kind of a message's content: `text`, `action`, or `unknown` for those of later versions (SPEC 8)."""
    return {TEXT: "text", ACTION: "action"}.get(kind, "unknown")


# --- A client's ----------


@dataclass(frozen=True, slots=True)
class Connected:
    """Entered for the first time, and in all the rooms asked for that could be joined."""

    server: str
    fingerprint: str
    nick: str
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody said something; `room` is `@nick` in a conversation, `history` if it was sent before we entered."""

    room: str
    seq: int
    nick: str
    text: str
    kind: str  # as `kind_name` has it
    time_ms: int
    id: str
    history: bool


@dataclass(frozen=True, slots=True)
class MessageSent:
    """What this client said stands in the log. `again`: an earlier run reported it, under the same id of the input."""

    room: str
    seq: int
    id: str
    text: str
    kind: str
    time_ms: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody came into a room."""

    room: str
    nick: str


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody left a room; `reason` is one of `content.Reason`."""

    room: str
    nick: str
    reason: str


@dataclass(frozen=True, slots=True)
class MemberRenamed:
    """Somebody goes by another nick."""

    old: str
    nick: str


@dataclass(frozen=True, slots=True)
class MemberList:
    """Who is in a room, in order."""

    room: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomList:
    """The rooms of the server, in order."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """A room's topic, and who set it; both empty if there is none."""

    room: str
    topic: str
    nick: str


@dataclass(frozen=True, slots=True)
class HistoryFound:
    """Messages of the past that were asked for, from the server: in order, of one room or of several."""

    messages: tuple[MessageReceived, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know; `code` for programs."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Error:
    """Something asked was not done; `code` for programs.

    `line`: the line of the input that asked for it, from 1. `retry_s`: when it may be possible, in seconds.
    `said`: what the person wrote that is not sent, if known.
    """

    code: str
    text: str
    line: int | None = None
    retry_s: float | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The session or the server was lost; the client goes on trying, and keeps what is typed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The server is back, or reached again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The end: this client may not enter. `code` is `nick_taken`, `server_key`, ..., `text` says what to do."""

    code: str
    text: str


ClientEvent = (
    Connected | MessageReceived | MessageSent | MemberJoined | MemberLeft | MemberRenamed | MemberList | RoomList
    | TopicChanged | HistoryFound | Notice | Error | Disconnected | Reconnected | Rejected
)  # fmt: skip

# --- A server's ----------


@dataclass(frozen=True, slots=True)
class PeerEntered:
    """A device entered."""

    nick: str
    host: str


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """A device left or was lost."""

    nick: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A device may not enter."""

    host: str
    code: str


@dataclass(frozen=True, slots=True)
class LogUnwritable:
    """Nothing can be stored at the moment."""

    reason: str


@dataclass(frozen=True, slots=True)
class LogWritable:
    """What was refused before can be stored again."""


@dataclass(frozen=True, slots=True)
class LogDamaged:
    """Part of what is stored cannot be read."""

    reason: str


ServerEvent = PeerEntered | PeerLeft | PeerRefused | LogUnwritable | LogWritable | LogDamaged
