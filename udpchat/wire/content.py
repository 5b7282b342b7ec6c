"""What logs hold (SPEC 4.5, 4.6): messages, the entries of rosters, and the records of the server's directory.

A message is an envelope around content of a kind.
"""

from __future__ import annotations

from enum import StrEnum

from udpchat.wire.fields import (
    AwayReason,
    Code,
    ContentData,
    Kind,
    LogName,
    MessageId,
    Nick,
    Room,
    Sequence,
    ShortText,
    Text,
    UserId,
    WireStruct,
)
from udpchat.wire.limits import OPTIONAL_TAG_MIN

TEXT, ACTION, REACTION, EDIT, REDACTION = range(5)  # what a Message can be (SPEC 4.5)


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
    """Roster: the first device of a person joined the room; `is_back`: it was there before, with another session."""

    nick: Nick
    user: UserId
    is_back: bool = False


class Left(WireStruct, tag=4, frozen=True):
    """Roster: the last device of a person left the room, for this reason."""

    nick: Nick
    user: UserId
    reason: Code


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


class UnknownEntry(WireStruct, tag=OPTIONAL_TAG_MIN, frozen=True):
    """In the place of any entry with an optional tag that this version does not know: kept, and not shown."""


Entry = Message | Tombstone | Joined | Left | Renamed | TopicSet | ReadMark | AwaySet | UnknownEntry

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


Record = Claim | TopicRecord | ConversationRecord
