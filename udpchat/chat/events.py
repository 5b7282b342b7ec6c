"""Events: what a client reports to its user interface, and what a server reports to its operator.

The JSON lines (README) are made from the client's events; ui/json_events.py lists the fields that differ.
"""

from __future__ import annotations

from udpchat.chat.phrase import Phrase
from udpchat.chat.reactions import Reaction
from udpchat.wire.content import ACTION, EDIT, REACTION, REDACTION, TEXT
from udpchat.wire.content import Act as Act
from udpchat.wire.content import Invited as Invited
from udpchat.wire.content import LoginsFailed as LoginsFailed
from udpchat.wire.content import Modes as Modes
from udpchat.wire.fields import Value
from udpchat.wire.requests import DeviceItem as DeviceItem

REMOVED = "removed"  # as the kind of a past message: it stood there, and has no text any more
_KINDS = {TEXT: "text", ACTION: "action", REACTION: "reaction", EDIT: "edit", REDACTION: "redaction"}


def kind_name(kind: int) -> str:
    """The kind of a message's content: `text`, `action`, ..., or `unknown` for kinds of later versions (SPEC 8)."""
    return _KINDS.get(kind, "unknown")


# --- Events of a client ----------


class Connected(Value, frozen=True):
    """The first Welcome arrived, and the server answered for each requested room; `rooms` are those joined.

    `name`: what the server calls itself.
    """

    server: str
    fingerprint: str
    nick: str
    rooms: tuple[str, ...]
    name: str = ""


class Quote(Value, frozen=True):
    """What a reply answers; `nick` and `text` empty: it is not known here. `is_removed`: it has no text any more."""

    id: str
    nick: str
    text: str
    is_removed: bool = False


class MessageReceived(Value, frozen=True):
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


class MessageSent(Value, frozen=True):
    """A message of this client is in the log. `again`: an earlier run with the same input id sent it already.

    `is_passed`: its entry was skipped, as it was removed or cannot be had: it is not what stands in the log now.
    """

    room: str
    seq: int
    id: str
    text: str
    kind: str
    time_ms: int
    again: bool = False
    reply: Quote | None = None
    is_passed: bool = False


class _Told(Value, frozen=True, kw_only=True):
    """What is known of an entry beside its fields: see `AboutMessage`."""

    is_confirmation: bool = False
    is_shown: bool = True
    again: bool = False
    target: Quote | None = None


class AboutMessage(_Told, frozen=True):
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


class Edited(AboutMessage, frozen=True):
    """The author gave a message another text."""

    text: str


class Redacted(AboutMessage, frozen=True):
    """The author removed a message, or somebody else who may do so (`is_by_right`). `reason` may be empty."""

    reason: str
    is_by_right: bool = False


class Reacted(AboutMessage, frozen=True):
    """A user reacted to a message with an emoji; `added` False: took that back."""

    emoji: str
    added: bool


Amendment = Edited | Redacted | Reacted


class MessageRemoved(Value, frozen=True):
    """In the place of a message that was removed before this client had it."""

    room: str
    seq: int
    nick: str
    time_ms: int
    id: str
    author: bytes


class MemberJoined(Value, frozen=True):
    """A user joined a room; also this client, when it joins another room later."""

    room: str
    nick: str


class MemberLeft(Value, frozen=True):
    """A user left a room, also this client; `reason` is a `content.Reason`. KICKED: `by` whom, and maybe `why`."""

    room: str
    nick: str
    reason: str
    by: str = ""
    why: str = ""


class MemberRenamed(Value, frozen=True):
    """A user changed nick."""

    old: str
    nick: str


class MemberAway(Value, frozen=True):
    """Another user is away from a room; `reason` None: is here again."""

    room: str
    nick: str
    reason: str | None


class MemberTyping(Value, frozen=True):
    """A user has begun to type a message to a conversation, or has ended."""

    room: str
    nick: str
    is_typing: bool


class MessageDelivered(Value, frozen=True):
    """Of the `users` who are now in the room besides this one, at least `have` have a message of this user.

    Reported to clients that want receipts only.
    """

    room: str
    seq: int
    id: str
    have: int
    users: int


class HolderList(Value, frozen=True):
    """Of the other users who are now in the room: the nicks of those who have a message of this user, and of those of
    whom that is not known yet; both sorted. The answer to a request of the user.
    """

    room: str
    seq: int
    id: str
    holders: tuple[str, ...]
    waiting: tuple[str, ...]


class ReadMarked(Value, frozen=True):
    """This user has read a conversation up to `seq`, on another device."""

    room: str
    seq: int


class HistoryReplaced(Value, frozen=True):
    """The server has other messages of a conversation than before: what it has now follows."""

    room: str


class MemberList(Value, frozen=True):
    """The nicks in a room, sorted."""

    room: str
    members: tuple[str, ...]


class RoomList(Value, frozen=True):
    """The rooms of the server, sorted."""

    rooms: tuple[str, ...]


class TopicChanged(Value, frozen=True):
    """A room's topic and the nick that set it. `topic` is empty if there is none, `nick` if none was ever set."""

    room: str
    topic: str
    nick: str


class HistoryFound(Value, frozen=True):
    """The result of `/history` or `/search`, in order: from the server, the client's own store, or both.

    `words`: those that were searched for, None for a history.
    """

    messages: tuple[MessageReceived, ...]
    words: str | None = None


class PageFound(Value, frozen=True):
    """The messages of a conversation from the sequence `first` to below `before`, all that there are; in order.

    `first` 1: nothing earlier exists. `first` equal to `before`: they cannot be had at the moment.
    """

    room: str
    first: int
    before: int
    messages: tuple[MessageReceived, ...] = ()


class EarlierAmended(Value, frozen=True):
    """Something that is not to be shown by itself was said about an earlier message; a page may hold or quote it."""

    amendment: Amendment


# --- Order: `room` empty is the whole server ----------


class RoleChanged(Value, frozen=True):
    """A user, maybe this one, has another role, of `permissions.role_name`."""

    room: str
    nick: str
    role: str
    by: str


class ModesChanged(Value, frozen=True):
    """These modes hold in a room; `by` empty: they were asked for, nobody changed them now."""

    room: str
    modes: Modes
    by: str


class Banned(Value, frozen=True):
    """A user may not enter or join until a time; 0: for good. `nick`: of the user, or an address or `#fingerprint`."""

    room: str
    nick: str
    by: str
    reason: str
    until_ms: int


class Muted(Value, frozen=True):
    """A user may not say anything until a time; fields as of `Banned`."""

    room: str
    nick: str
    by: str
    reason: str
    until_ms: int


class Unbanned(Value, frozen=True):
    """A ban was lifted, for a reason that may be empty."""

    room: str
    nick: str
    by: str
    reason: str


class Unmuted(Value, frozen=True):
    """A user may speak again; fields as of `Unbanned`."""

    room: str
    nick: str
    by: str
    reason: str


class Announcement(Value, frozen=True):
    """A text to everybody; it may have several lines. `by` empty: what the server says to whoever enters."""

    text: str
    by: str


class Sanctioned(Value, frozen=True):
    """A ban (`banned`) or mute (`muted`) that holds; other fields as of `Banned`. `time_ms`: when it was made."""

    kind: str
    room: str
    nick: str
    by: str
    reason: str
    time_ms: int
    until_ms: int


class SanctionList(Value, frozen=True):
    """The bans and mutes that hold in a room."""

    room: str
    sanctions: tuple[Sanctioned, ...]


class Audited(Value, frozen=True):
    """An act of order: `nick` did `action`, of `permissions.Action`, to `subject`; what does not apply is empty."""

    seq: int
    time_ms: int
    nick: str
    action: str
    room: str
    subject: str
    detail: str
    reason: str


class AuditList(Value, frozen=True):
    """The latest acts of order, in order."""

    acts: tuple[Audited, ...]


# --- The account ----------


class PasswordNeeded(Value, frozen=True):
    """The nick belongs to an account that this device is not of: the core waits for `prove` or `give_up`.

    `is_wrong`: another try, after a wrong one; `tries`: how many are left.
    """

    nick: str
    is_wrong: bool
    tries: int


class CodeMade(Value, frozen=True):
    """A one-time code that is valid now, and that nobody can show again. `purpose`: `link`, `reset` or `invite`.

    `nick`: whom it is for; of a link, this user. Empty: an invitation for any nick. `valid_s`: for how long.
    """

    code: str
    purpose: str
    nick: str
    valid_s: int


class DeviceList(Value, frozen=True):
    """The devices of a user's account."""

    nick: str
    devices: tuple[DeviceItem, ...]


class RoomRole(Value, frozen=True):
    """A role in a room."""

    room: str
    role: str


class Whoami(Value, frozen=True):
    """This user's account: nicks, the fingerprint of this device, roles on the server and in rooms, how many devices.

    `accept`: who may begin to talk with them in private, `strangers` or `contacts`.
    """

    nicks: tuple[str, ...]
    fingerprint: str
    role: str
    roles: tuple[RoomRole, ...]
    devices: int
    has_password: bool
    accept: str


# --- Phrases ----------


class Notice(Phrase, frozen=True):
    """Information for the user."""


class Error(Phrase, frozen=True):
    """A command or request failed.

    `line`: the line of the input that caused it, from 1. `retry_s`: seconds until a retry may succeed.
    `said`: the text that the user typed and that was not sent, if known.
    """

    line: int | None = None
    retry_s: float | None = None
    said: str = ""


class Disconnected(Phrase, frozen=True):
    """The server stopped answering or sent Goodbye. The client keeps trying, and keeps what the user types."""


class Reconnected(Phrase, frozen=True):
    """The server answers again."""


class Rejected(Phrase, frozen=True):
    """Final: this client cannot enter. The code is `nick_taken`, `server_key`, ..."""


ModelChange = (
    MemberAway | MemberTyping | MessageRemoved | EarlierAmended | PageFound | ReadMarked | HistoryReplaced
    | PasswordNeeded
)  # for those who draw the model; not printed
OrderChange = RoleChanged | ModesChanged | Invited | Banned | Muted | Unbanned | Unmuted | Announcement
AccountAnswer = SanctionList | AuditList | LoginsFailed | CodeMade | DeviceList | Whoami

ClientEvent = (
    Connected | MessageReceived | MessageSent | MessageDelivered | HolderList | Amendment | MemberJoined | MemberLeft
    | MemberRenamed | MemberList | RoomList | TopicChanged | HistoryFound | Notice | Error | Disconnected
    | Reconnected | Rejected | OrderChange | AccountAnswer | ModelChange
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


class PeerEntered(Value, frozen=True):
    """A device entered."""

    nick: str
    host: str


class PeerLeft(Value, frozen=True):
    """A device left or was lost."""

    nick: str
    reason: str


class PeerRefused(Value, frozen=True):
    """The server refused a device; `nick`: the one that it asked for, unless it was none."""

    host: str
    code: str
    nick: str = ""


class LogUnwritable(Value, frozen=True):
    """The server cannot write its log at the moment."""

    reason: str


class LogWritable(Value, frozen=True):
    """The server can write its log again."""


class LogDamaged(Value, frozen=True):
    """Part of the log cannot be read; reported once for each reason."""

    reason: str


class AccountErased(Value, frozen=True):
    """An account was removed, and all that is stored of who went by these nicks is to be."""

    nicks: tuple[str, ...]


ServerEvent = PeerEntered | PeerLeft | PeerRefused | LogUnwritable | LogWritable | LogDamaged | AccountErased | Act
