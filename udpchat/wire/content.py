"""What logs hold (SPEC 4.5, 4.6): messages, the entries of rosters, and the records of the server's directory.

A message is an envelope around content of a kind.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from udpchat.wire import limits
from udpchat.wire.fields import (
    AnnouncementText,
    AwayReason,
    Code,
    CodeDigest,
    ContentData,
    Duration,
    Kind,
    LogName,
    MessageId,
    Nick,
    RoleNumber,
    Room,
    SanctionKind,
    Sequence,
    ShortText,
    SubjectKind,
    Text,
    UserId,
    WireStruct,
)
from udpchat.wire.limits import OPTIONAL_TAG_MIN

TEXT, ACTION, REACTION, EDIT, REDACTION = range(5)  # what a Message can be (SPEC 4.5)
BAN, MUTE = range(2)  # what a sanction can be (SPEC 6.11)
ACCOUNT, DEVICE, NETWORK = range(3)  # whom it is on


class Reason(StrEnum):
    """Why a peer left, in `Left` entries and in a `Goodbye` (SPEC 6.2)."""

    QUIT = "quit"  # sent a Goodbye
    TIMED_OUT = "timed out"  # silent for the expiry, or no fresh handshake in time
    PARTED = "parted"  # left this room only
    KICKED = "kicked"  # was removed by an operator
    PROTOCOL_VIOLATION = "protocol violation"  # sent what no correct client sends
    DISPLACED = "displaced"  # another device of the same person took its place
    STOPPING = "stopping"  # of a Goodbye only: the server stops


class Extra(WireStruct, tag=0, frozen=True):
    """What few messages have: the message of the same log that this one is about, by id and sequence (0: not given),
    and data that belongs to its kind.

    `edited_by`: only the server sets it, in the place of a message that was edited: the sequence of the edit.
    """

    refers_to: MessageId | None = None
    data: ContentData = b""
    sequence: Sequence = 0
    edited_by: Sequence = 0


class TopicSet(WireStruct, tag=6, frozen=True):
    """The topic was set: an entry of the roster, and the answer to `GetTopic`. The empty topic removed the former."""

    topic: ShortText
    nick: Nick


class Message(WireStruct, tag=1, frozen=True):
    """An envelope (when, who, to whom, about what) around content: `kind`, `text` and the data of `extra`.

    `id` is the same at the author and everywhere else. Whoever does not know `kind` keeps the message, and shows that
    it is one which this version cannot show, with `text`, which may be empty, in its place (SPEC 8).
    """

    time_ms: int
    author: UserId
    nick: Nick
    id: MessageId
    kind: Kind
    text: Text
    to: Nick | None = None  # in a conversation: the addressee
    extra: Extra | None = None


class Tombstone(WireStruct, tag=2, frozen=True):
    """In the place of a message that was removed; its sequence stays. Of that message: author, nick and id."""

    time_ms: int
    author: UserId | None = None
    nick: Nick | None = None
    id: MessageId | None = None


class Joined(WireStruct, tag=3, frozen=True):
    """Roster: the first device of a person joined the room; `is_back`: it was there before, with another session.

    `role`: the higher of that in the room and that on the server, of `chat.permissions.Role`.
    """

    nick: Nick
    user: UserId
    is_back: bool = False
    role: RoleNumber = 0


class Left(WireStruct, tag=4, frozen=True):
    """Roster: the last device of a person left the room, for this reason; KICKED has who did it, and maybe why."""

    nick: Nick
    user: UserId
    reason: Code
    by: Nick | None = None
    why: ShortText = ""


class Renamed(WireStruct, tag=5, frozen=True):
    """Roster: a member goes by another nick from here on."""

    old: Nick
    nick: Nick
    user: UserId


class ReadMark(WireStruct, tag=7, frozen=True):
    """Inbox: this user has read a log of this generation up to a sequence, on one of their devices."""

    log: LogName
    generation: Sequence
    sequence: Sequence


class AwaySet(WireStruct, tag=8, frozen=True):
    """Roster: all devices of a member in this room are away, for this reason; nil: one is here again."""

    nick: Nick
    user: UserId
    reason: AwayReason | None


class Modes(WireStruct, tag=0, frozen=True):
    """What holds in a room (SPEC 6.11). `slow_s`: between two messages of a member; `kept_s`: how long messages are
    kept, 0: as everywhere on the server."""

    is_moderated: bool = False
    is_invite_only: bool = False
    is_topic_locked: bool = False
    slow_s: Duration = 0
    kept_s: Duration = 0


class RoleSet(WireStruct, tag=129, frozen=True):
    """Roster: a user has another role, of `chat.permissions.Role`."""

    nick: Nick
    user: UserId
    role: RoleNumber
    by: Nick


class ModesSet(WireStruct, tag=130, frozen=True):
    """Roster: these modes hold in the room from here on."""

    modes: Modes
    by: Nick


class SanctionSet(WireStruct, tag=131, frozen=True):
    """Roster: a user or address is banned or muted until a time (0: for good), or not any more (`is_lifted`)."""

    kind: SanctionKind
    subject: ShortText  # a nick, or an address
    by: Nick
    reason: ShortText
    until_ms: int
    is_lifted: bool


class Announced(WireStruct, tag=132, frozen=True):
    """Roster of the server: an announcement to everybody."""

    text: AnnouncementText
    by: Nick


class Invited(WireStruct, tag=133, frozen=True):
    """Inbox: this user may join an invite-only room."""

    room: Room
    by: Nick
    time_ms: int


class LoginsFailed(WireStruct, tag=134, frozen=True):
    """Inbox: so many attempts to log in as this user failed, the first and the last at these times."""

    count: Sequence
    first_ms: int
    last_ms: int


class Act(WireStruct, tag=135, frozen=True):
    """Audit: somebody did something to somebody or something; `detail` has the values of the action (SPEC 6.11)."""

    time_ms: int
    by: Nick
    user: UserId
    action: Code
    room: Annotated[str, Meta(max_length=limits.ROOM_CHARACTERS_MAX)]
    subject: ShortText
    detail: ShortText = ""
    reason: ShortText = ""


class UnknownEntry(WireStruct, tag=OPTIONAL_TAG_MIN, frozen=True):
    """In the place of any entry with an optional tag that this version does not know: kept, and not shown."""


Entry = (
    Message | Tombstone | Joined | Left | Renamed | TopicSet | ReadMark | AwaySet | RoleSet | ModesSet | SanctionSet
    | Announced | Invited | LoginsFailed | Act | UnknownEntry
)  # fmt: skip

# --- Records of the server's directory log, never sent (SPEC 4.6) ----------


class Claim(WireStruct, tag=32, frozen=True):
    """A nick belongs to a key from here on; the empty key: to nobody.

    `used_ms`: when it was used last, as far as it is written. `is_regular`: not only on the day of the first claim.
    """

    nick: Nick
    key: bytes
    used_ms: int = 0
    is_regular: bool = False


class TopicRecord(WireStruct, tag=33, frozen=True):
    """The topic of a room as of here."""

    room: Room
    topic: ShortText
    nick: Nick


class ConversationRecord(WireStruct, tag=34, frozen=True):
    """The log of the direct messages between two keys."""

    log: LogName
    keys: tuple[bytes, bytes]


class Device(WireStruct, tag=0, frozen=True):
    """A key that belongs, or until it was revoked belonged, to an account."""

    key: bytes
    added_ms: int
    revoked_ms: int = 0


class AccountRecord(WireStruct, tag=35, frozen=True):
    """All of an account as of here; one without a record has the one device whose key it is named by.

    `password`: a PHC string, or empty. `role`: on the whole server. `erased_ms`: what was said up to then is removed.
    `set_on`: the device that set the password; empty: unknown.
    """

    account: bytes  # the key of its first device
    devices: tuple[Device, ...]
    password: str = ""
    role: RoleNumber = 0
    is_for_contacts: bool = False  # strangers cannot begin a conversation with it
    erased_ms: int = 0
    set_on: bytes = b""


class RoomRecord(WireStruct, tag=36, frozen=True):
    """All of a room as of here, but for its topic and the roles in it."""

    room: Room
    founder: bytes  # the account that opened it; empty: unknown
    modes: Modes = Modes()


class RoleRecord(WireStruct, tag=37, frozen=True):
    """The role of an account in a room from here on."""

    room: Room
    account: bytes
    role: RoleNumber


class SanctionRecord(WireStruct, tag=38, frozen=True):
    """A ban or mute as of here; `is_lifted`: it does not hold any more. `room` empty: on the whole server.

    `subject`: an account (its key), a device (its fingerprint), or a network in text, as `kind_of_subject` says.
    """

    kind: SanctionKind
    room: Annotated[str, Meta(max_length=limits.ROOM_CHARACTERS_MAX)]
    kind_of_subject: SubjectKind
    subject: bytes
    shown: ShortText  # the nick or address as it was written
    by: Nick
    reason: ShortText
    made_ms: int
    until_ms: int = 0  # 0: for good
    is_lifted: bool = False


class CodeRecord(WireStruct, tag=39, frozen=True):
    """A one-time code, by its digest: adds a device to `account`, or, if that is empty, invites to claim `nick`."""

    digest: CodeDigest
    account: bytes
    nick: Annotated[str, Meta(max_length=limits.NICK_CHARACTERS_MAX)]  # of an invitation; empty: any
    expires_ms: int
    is_used: bool = False


Record = (
    Claim | TopicRecord | ConversationRecord | AccountRecord | RoomRecord | RoleRecord | SanctionRecord | CodeRecord
)
