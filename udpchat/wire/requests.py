"""What a client asks to be carried out exactly once, and what it is answered (SPEC 4.3, 4.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from udpchat.wire.content import Extra, TopicSet
from udpchat.wire.fields import (
    AwayReason,
    Code,
    Counter,
    Detail,
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
from udpchat.wire.limits import NICK_CHARACTERS_MAX, NOTICED_PEERS_MAX, PAST_ENTRIES_MAX, ROOM_CHARACTERS_MAX

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
    """Claim a nick and go by it."""

    nick: Nick


class SetTopic(WireStruct, tag=5, frozen=True):
    """Set a room's topic; the empty topic removes it."""

    room: Room
    topic: ShortText


class SetAway(WireStruct, tag=6, frozen=True):
    """Set this device away, for a reason; without a reason: it is back."""

    reason: AwayReason | None


class Whois(WireStruct, tag=7, frozen=True):
    """Request the description of a person, answered by `Person`."""

    nick: Nick


class ListMembers(WireStruct, tag=8, frozen=True):
    """Request the members of a room, a `MemberPage` at a time: those behind `after`."""

    room: Room
    after: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)]


class ListRooms(WireStruct, tag=9, frozen=True):
    """Request the names of rooms, a `Page` at a time: those behind `after`."""

    after: Annotated[str, Meta(max_length=ROOM_CHARACTERS_MAX)]


class GetTopic(WireStruct, tag=10, frozen=True):
    """Request a room's topic; answered by `TopicSet`, or by `Done` if nobody ever set one."""

    room: Room


class GetHistory(WireStruct, tag=11, frozen=True):
    """Request the latest `count` entries of a log: if bounded, only those below a sequence, or before a time in ms."""

    log: LogName
    before: Counter | None
    before_ms: Sequence | None
    count: Annotated[int, Meta(ge=1, le=PAST_ENTRIES_MAX)]


class Search(WireStruct, tag=12, frozen=True):
    """Request the latest messages with all of these words: since a time, and if given, of a nick and in a log."""

    words: Annotated[str, Meta(max_length=200)]
    nick: Nick | None
    log: LogName | None
    since_ms: Sequence


class MarkRead(WireStruct, tag=13, frozen=True):
    """The user has read a log up to here: append a `ReadMark` to their inbox, for their other devices."""

    log: LogName
    generation: Sequence
    sequence: Sequence


class ListHolders(WireStruct, tag=14, frozen=True):
    """Request who has an own message, the one with this id at this sequence of a log; answered by `Holders`."""

    log: LogName
    sequence: Counter
    id: MessageId


RequestBody = (
    Malformed | Say | Tell | Part | Rename | SetTopic | SetAway | Whois | ListMembers | ListRooms | GetTopic
    | GetHistory | Search | MarkRead | ListHolders
)  # fmt: skip

# --- Results: the answer to a request, the same for every repetition (SPEC 4.4) ----------


class Here(WireStruct, tag=0, frozen=True):
    """A device of the person has entered, and is not away."""


class Away(WireStruct, tag=1, frozen=True):
    """All devices of the person that have entered are away; one of them for this reason."""

    reason: AwayReason


class Absent(WireStruct, tag=2, frozen=True):
    """No device of the person has entered."""


Presence = Here | Away | Absent


class Stored(WireStruct, tag=1, frozen=True):
    """The message is in the log, durably. Of a `Tell`: the presence of its addressee."""

    log: LogName
    sequence: Sequence
    presence: Presence = Here()


class Done(WireStruct, tag=2, frozen=True):
    """Carried out; there is nothing to report."""


class Failed(WireStruct, tag=3, frozen=True):
    """Not carried out, and never will be: a code, and the values that it has (SPEC 4.9)."""

    code: Code
    detail: Detail = ()


class Person(WireStruct, tag=4, frozen=True):
    """The person who owns a nick: fingerprint of the key, presence, idle time, rooms."""

    nick: Nick
    fingerprint: ShortText
    presence: Presence
    idle_s: Sequence
    rooms: list[Room]


class Page(WireStruct, tag=5, frozen=True):
    """One page of rooms, in order; `more` if there are others behind the last."""

    items: list[Room]
    more: bool


class LogEntry(WireStruct, tag=0, frozen=True):
    """An entry (its bytes) with its log and sequence."""

    log: LogName
    sequence: Counter
    entry: bytes


class EntryList(WireStruct, tag=7, frozen=True):
    """Entries found in logs, in order; of a GetHistory, with the present `reactions` to them that fit."""

    items: Annotated[list[LogEntry], Meta(max_length=PAST_ENTRIES_MAX)]
    reactions: Annotated[tuple[LogEntry, ...], Meta(max_length=PAST_ENTRIES_MAX)] = ()


class Member(WireStruct, tag=0, frozen=True):
    """A member of a room; `away`: the reason, if all their devices there are away."""

    nick: Nick
    user: UserId
    away: AwayReason | None


class MemberPage(WireStruct, tag=8, frozen=True):
    """One page of the members of a room, by nick, as of an entry of its roster; `more` if there are others."""

    as_of: Sequence
    items: list[Member]
    more: bool


Nicks = Annotated[list[Nick], Meta(max_length=NOTICED_PEERS_MAX)]


class Holders(WireStruct, tag=9, frozen=True):
    """Of the other users that follow a log: those who have a message, and those of whom that is not known yet."""

    holders: Nicks
    waiting: Nicks


ResultBody = Stored | Done | Failed | Person | Page | TopicSet | EntryList | MemberPage | Holders
