"""Events: what a client reports to its user interface, and what a server reports to its operator.

The JSON lines (README) are made from the client's events; ui/json_events.py lists the fields that differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from udpchat.chat.phrase import Phrase
from udpchat.chat.reactions import Reaction
from udpchat.wire.content import ACTION, EDIT, REACTION, REDACTION, TEXT

REMOVED = "removed"  # as the kind of a past message: it stood there, and has no text any more
_KINDS = {TEXT: "text", ACTION: "action", REACTION: "reaction", EDIT: "edit", REDACTION: "redaction"}


def kind_name(kind: int) -> str:
    """The kind of a message's content: `text`, `action`, ..., or `unknown` for kinds of later versions (SPEC 8)."""
    return _KINDS.get(kind, "unknown")


# --- Events of a client ----------


@dataclass(frozen=True, slots=True)
class Connected:
    """The first Welcome arrived, and the server answered for each requested room; `rooms` are those joined."""

    server: str
    fingerprint: str
    nick: str
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a reply answers; `nick` and `text` empty: it is not known here. `is_removed`: it has no text any more."""

    id: str
    nick: str
    text: str
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message; `room` is `@nick` in a conversation. `history`: it was sent before this client entered.

    `reply`: what it answers. `edited`: the sequence of the edit that `text` is of; 0: it was not edited. `author`: the
    user id. `reactions`: of a message of the past, those that are known. `kind`: of `kind_name`; in a page REMOVED too.
    """

    room: str
    seq: int
    nick: str
    text: str
    kind: str
    time_ms: int
    id: str
    history: bool
    reply: Quote | None = None
    edited: int = 0
    author: bytes = b""
    reactions: tuple[Reaction, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A message of this client is in the log. `again`: an earlier run with the same input id sent it already."""

    room: str
    seq: int
    id: str
    text: str
    kind: str
    time_ms: int
    again: bool = False
    reply: Quote | None = None


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """An entry about an earlier message: `seq` and `id` are those of the message, `own_seq` that of the entry.

    `nick` and `author`: of who did it. `is_confirmation`: this client did, and it is in the log; `again` as of
    `MessageSent`. `is_shown`: it is to be shown to the user, if the message is. `target`: the beginning of the message.
    """

    room: str
    seq: int
    id: str
    nick: str
    own_seq: int
    time_ms: int
    author: bytes
    is_confirmation: bool = field(default=False, kw_only=True)
    is_shown: bool = field(default=True, kw_only=True)
    again: bool = field(default=False, kw_only=True)
    target: Quote | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Edited(AboutMessage):
    """The author gave a message another text."""

    text: str


@dataclass(frozen=True, slots=True)
class Redacted(AboutMessage):
    """The author removed a message. `reason` may be empty."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reacted(AboutMessage):
    """A user reacted to a message with an emoji; `added` False: took that back."""

    emoji: str
    added: bool


Amendment = Edited | Redacted | Reacted


@dataclass(frozen=True, slots=True)
class MessageRemoved:
    """In the place of a message that was removed before this client had it."""

    room: str
    seq: int
    nick: str
    time_ms: int
    id: str
    author: bytes


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A user joined a room; also this client, when it joins another room later."""

    room: str
    nick: str


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A user left a room, also this client; `reason` is a `content.Reason`."""

    room: str
    nick: str
    reason: str


@dataclass(frozen=True, slots=True)
class MemberRenamed:
    """A user changed nick."""

    old: str
    nick: str


@dataclass(frozen=True, slots=True)
class MemberAway:
    """Another user is away from a room; `reason` None: is here again."""

    room: str
    nick: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class MemberTyping:
    """A user has begun to type a message to a conversation, or has ended."""

    room: str
    nick: str
    is_typing: bool


@dataclass(frozen=True, slots=True)
class MessageDelivered:
    """Of the `users` who are now in the room besides this one, at least `have` have a message of this user.

    Reported to clients that want receipts only.
    """

    room: str
    seq: int
    id: str
    have: int
    users: int


@dataclass(frozen=True, slots=True)
class HolderList:
    """Of the other users who are now in the room: the nicks of those who have a message of this user, and of those of
    whom that is not known yet; both sorted. The answer to a request of the user.
    """

    room: str
    seq: int
    id: str
    holders: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadMarked:
    """This user has read a conversation up to `seq`, on another device."""

    room: str
    seq: int


@dataclass(frozen=True, slots=True)
class HistoryReplaced:
    """The server has other messages of a conversation than before: what it has now follows."""

    room: str


@dataclass(frozen=True, slots=True)
class MemberList:
    """The nicks in a room, sorted."""

    room: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomList:
    """The rooms of the server, sorted."""

    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """A room's topic and the nick that set it. `topic` is empty if there is none, `nick` if none was ever set."""

    room: str
    topic: str
    nick: str


@dataclass(frozen=True, slots=True)
class HistoryFound:
    """The result of `/history` or `/search`, in order: from the server, the client's own store, or both.

    `words`: those that were searched for, None for a history.
    """

    messages: tuple[MessageReceived, ...]
    words: str | None = None


@dataclass(frozen=True, slots=True)
class PageFound:
    """The messages of a conversation from the sequence `first` to below `before`, all that there are; in order.

    `first` 1: nothing earlier exists. `first` equal to `before`: they cannot be had at the moment.
    """

    room: str
    first: int
    before: int
    messages: tuple[MessageReceived, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierAmended:
    """Something that is not to be shown by itself was said about an earlier message; a page may hold or quote it."""

    amendment: Amendment


@dataclass(frozen=True, slots=True)
class Notice(Phrase):
    """Information for the user."""


@dataclass(frozen=True, slots=True)
class Error(Phrase):
    """A command or request failed.

    `line`: the line of the input that caused it, from 1. `retry_s`: seconds until a retry may succeed.
    `said`: the text that the user typed and that was not sent, if known.
    """

    line: int | None = None
    retry_s: float | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected(Phrase):
    """The server stopped answering or sent Goodbye. The client keeps trying, and keeps what the user types."""


@dataclass(frozen=True, slots=True)
class Reconnected(Phrase):
    """The server answers again."""


@dataclass(frozen=True, slots=True)
class Rejected(Phrase):
    """Final: this client cannot enter. The code is `nick_taken`, `server_key`, ..."""


ModelChange = (
    MemberAway | MemberTyping | MessageRemoved | EarlierAmended | PageFound | ReadMarked | HistoryReplaced
)  # for those who draw the model; not printed

ClientEvent = (
    Connected | MessageReceived | MessageSent | MessageDelivered | HolderList | Amendment | MemberJoined | MemberLeft
    | MemberRenamed | MemberList | RoomList | TopicChanged | HistoryFound | Notice | Error | Disconnected
    | Reconnected | Rejected | ModelChange
)  # fmt: skip


def notice(key: str, /, **values: object) -> Notice:
    """A notice with these values."""
    return Notice(key, values)


def error(
    key: str, /, *, line: int | None = None, retry_s: float | None = None, said: str = "", **values: object
) -> Error:
    """An error with these values; they cannot have the names of the fields of `Error`."""
    return Error(key, values, line, retry_s, said)


# --- Events of a server ----------


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
    """The server refused a device."""

    host: str
    code: str


@dataclass(frozen=True, slots=True)
class LogUnwritable:
    """The server cannot write its log at the moment."""

    reason: str


@dataclass(frozen=True, slots=True)
class LogWritable:
    """The server can write its log again."""


@dataclass(frozen=True, slots=True)
class LogDamaged:
    """Part of the log cannot be read; reported once for each reason."""

    reason: str


ServerEvent = PeerEntered | PeerLeft | PeerRefused | LogUnwritable | LogWritable | LogDamaged
