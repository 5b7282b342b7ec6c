"""What frames carry (SPEC 4.3 to 4.6): requests, results, the entries of logs, and the records of the server's own log.

With frames.py the only module that knows msgspec. Every bound on a field stands in its type.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from udpchat.wire.limits import (
    AWAY_BYTES_MAX,
    LOG_NAME_BYTES_MAX,
    NICK_CHARACTERS_MAX,
    OPTIONAL_TAG_MIN,
    PAST_ENTRIES_MAX,
    ROOM_CHARACTERS_MAX,
    SEQUENCE_MAX,
    TEXT_BYTES_MAX,
    TOPIC_BYTES_MAX,
)

Nick = Annotated[str, Meta(min_length=1, max_length=NICK_CHARACTERS_MAX)]
Room = Annotated[str, Meta(min_length=1, max_length=ROOM_CHARACTERS_MAX)]
LogName = Annotated[str, Meta(min_length=1, max_length=LOG_NAME_BYTES_MAX)]
Text = Annotated[str, Meta(max_length=TEXT_BYTES_MAX)]
ShortText = Annotated[str, Meta(max_length=TOPIC_BYTES_MAX)]
Code = Annotated[str, Meta(max_length=32)]
Sequence = Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]
Counter = Annotated[int, Meta(ge=1, le=SEQUENCE_MAX)]
UserId = Annotated[bytes, Meta(min_length=8, max_length=8)]
MessageId = Annotated[bytes, Meta(min_length=8, max_length=8)]
MessageReference = Annotated[bytes, Meta(max_length=8)]  # a MessageId, or empty
Kind = Annotated[int, Meta(ge=0, le=255)]  # TEXT, ACTION, or one that this version does not know
ContentData = Annotated[bytes, Meta(max_length=TEXT_BYTES_MAX)]
Presence = Annotated[int, Meta(ge=0, le=2)]  # HERE, AWAY or ABSENT

TEXT, ACTION = 0, 1
HERE, AWAY, ABSENT = 0, 1, 2  # of a person: away if all devices are, absent if there is none


class Reason(StrEnum):
    """Why somebody left, in `Left` entries and in a `Goodbye` (SPEC 6.2); a server that stops says so in words."""

    QUIT = "quit"  # said goodbye
    TIMED_OUT = "timed out"  # silent for the expiry, or no fresh handshake in time
    PARTED = "parted"  # left this room only
    KICKED = "kicked"  # was removed by somebody who may
    PROTOCOL_VIOLATION = "protocol violation"  # sent what no correct client sends
    DISPLACED = "displaced"  # another device of the same person took its place


class WireStruct(Struct, array_like=True, frozen=True, gc=False):
    """An array led by its tag. At its end, fields that have a default may be missing; more fields than these are
    ignored, so that later versions can add some (SPEC 8)."""


class Extra(WireStruct, tag=0, frozen=True):
    """What few messages have: the id of the message that this one is about, and data that belongs to its kind."""

    refers_to: MessageReference = b""
    data: ContentData = b""


# --- Requests: what a client asks to be carried out exactly once (SPEC 4.3) ----------


class Malformed(WireStruct, tag=0, frozen=True):
    """In the place of a body that cannot be read, in a frame that can: answered by `Failed`. Never sent."""


class Say(WireStruct, tag=1, frozen=True):
    """Append a message to a room's log. From `kind` on: as in `Message`."""

    room: Room
    kind: Kind
    text: Text
    extra: Extra | None = None


class Tell(WireStruct, tag=2, frozen=True):
    """Append a message to the log of the conversation with a person. From `kind` on: as in `Message`."""

    nick: Nick
    kind: Kind
    text: Text
    extra: Extra | None = None


class Part(WireStruct, tag=3, frozen=True):
    """Leave a room."""

    room: Room


class Rename(WireStruct, tag=4, frozen=True):
    """Claim a nick and be known by it."""

    nick: Nick


class SetTopic(WireStruct, tag=5, frozen=True):
    """Set a room's topic; the empty topic removes it."""

    room: Room
    topic: ShortText


class SetAway(WireStruct, tag=6, frozen=True):
    """Be away with a reason; the empty reason is being back."""

    reason: Annotated[str, Meta(max_length=AWAY_BYTES_MAX)]


class Whois(WireStruct, tag=7, frozen=True):
    """Ask about a person."""

    nick: Nick


class ListMembers(WireStruct, tag=8, frozen=True):
    """Ask who is in a room; answered in pages, this one from behind `after`."""

    room: Room
    after: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)]


class ListRooms(WireStruct, tag=9, frozen=True):
    """Ask which rooms there are; answered in pages, this one from behind `after`."""

    after: Annotated[str, Meta(max_length=ROOM_CHARACTERS_MAX)]


class GetTopic(WireStruct, tag=10, frozen=True):
    """Ask for a room's topic; answered by `TopicSet`."""

    room: Room


class GetHistory(WireStruct, tag=11, frozen=True):
    """Ask for the `count` entries of a log before a sequence and a time; 0: before none."""

    log: LogName
    before: Sequence
    before_ms: Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]
    count: Annotated[int, Meta(ge=1, le=PAST_ENTRIES_MAX)]


class Search(WireStruct, tag=12, frozen=True):
    """Ask for the latest messages with all of these words; any may be empty, `since_ms` 0."""

    words: Annotated[str, Meta(max_length=200)]
    nick: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)]
    log: Annotated[str, Meta(max_length=LOG_NAME_BYTES_MAX)]
    since_ms: Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]


RequestBody = (
    Malformed | Say | Tell | Part | Rename | SetTopic | SetAway | Whois | ListMembers | ListRooms | GetTopic
    | GetHistory | Search
)  # fmt: skip

# --- Results: the answer to a request, the same for every repetition (SPEC 4.4) ----------


class Stored(WireStruct, tag=1, frozen=True):
    """The message stands in the log, durably. Of a `Tell`: the presence of its addressee, and if AWAY, their reason."""

    log: LogName
    sequence: Sequence
    presence: Presence = HERE
    away: ShortText = ""


class Done(WireStruct, tag=2, frozen=True):
    """Carried out; nothing more to say."""


class Failed(WireStruct, tag=3, frozen=True):
    """Not carried out, and never will be: why, for programs and for people."""

    code: Code
    text: ShortText


class Person(WireStruct, tag=4, frozen=True):
    """What there is to know of a nick: its key's fingerprint, whether here, idle for how long, if AWAY why, where."""

    nick: Nick
    fingerprint: ShortText
    presence: Presence
    idle_s: Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]
    away: ShortText
    rooms: list[Room]


class Page(WireStruct, tag=5, frozen=True):
    """One page of names or rooms, in order; `more` if there are others behind the last."""

    items: list[str]
    more: bool


class TopicSet(WireStruct, tag=6, frozen=True):
    """Somebody set the topic: an entry of the roster, and the answer to `TopicOf`; the nick is empty if nobody did."""

    topic: ShortText
    nick: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)]


class LogEntry(WireStruct, tag=0, frozen=True):
    """An entry and where it stands."""

    log: LogName
    sequence: Counter
    entry: bytes


class EntryList(WireStruct, tag=7, frozen=True):
    """Entries of the past, in order."""

    items: Annotated[list[LogEntry], Meta(max_length=PAST_ENTRIES_MAX)]


ResultBody = Stored | Done | Failed | Person | Page | TopicSet | EntryList

# --- Entries of logs (SPEC 4.5) ----------


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
    to: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)] = ""
    extra: Extra | None = None


class Tombstone(WireStruct, tag=2, frozen=True):
    """A message that was removed; its number stays."""

    time_ms: int


class Joined(WireStruct, tag=3, frozen=True):
    """Roster: a person came into the room."""

    nick: Nick
    user: UserId


class Left(WireStruct, tag=4, frozen=True):
    """Roster: a person is no longer in the room, and why."""

    nick: Nick
    user: UserId
    reason: Code


class Renamed(WireStruct, tag=5, frozen=True):
    """Roster: a person is known by another nick from here on."""

    old: Nick
    nick: Nick
    user: UserId


class UnknownEntry(WireStruct, tag=OPTIONAL_TAG_MIN, frozen=True):
    """In the place of any entry with an optional tag that this version does not know: kept, and not shown."""


Entry = Message | Tombstone | Joined | Left | Renamed | TopicSet | UnknownEntry

# --- Records of the server's directory log, never sent (SPEC 4.6) ----------


class Claim(WireStruct, tag=32, frozen=True):
    """A nick belongs to a key from here on."""

    nick: Nick
    key: bytes


class TopicRecord(WireStruct, tag=33, frozen=True):
    """The topic of a room as of here."""

    room: Room
    topic: ShortText
    nick: Nick


class Conversation(WireStruct, tag=34, frozen=True):
    """The log of what two keys tell each other."""

    log: LogName
    keys: tuple[bytes, bytes]


Record = Claim | TopicRecord | Conversation
