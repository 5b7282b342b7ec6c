"""What a client asks to be carried out exactly once, and what it is answered (SPEC 4.3, 4.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from udpchat.wire import limits
from udpchat.wire.content import Extra, Modes, TopicSet
from udpchat.wire.fields import (
    AnnouncementText,
    AwayReason,
    Code,
    CodeDigest,
    Counter,
    Detail,
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


# --- Accounts (SPEC 6.10) ----------


class SetPassword(WireStruct, tag=15, frozen=True):
    """Set or change the password of the own account; the empty one removes it."""

    password: Annotated[str, Meta(max_length=limits.SECRET_CHARACTERS_MAX)]

    def __repr__(self) -> str:
        return "SetPassword()"  # a password is in no log and no exception


class AddCode(WireStruct, tag=16, frozen=True):
    """Make a one-time code valid, of which the server learns the digest only. `purpose`:

    LINK: for another device of one's own; RESET: for a device of the person with this nick, whose present devices and
    password are valid no more; INVITE: to claim a nick, or any, where accounts are closed.
    """

    digest: CodeDigest
    purpose: Annotated[int, Meta(ge=0, le=2)]
    nick: Nick | None = None


class ListDevices(WireStruct, tag=17, frozen=True):
    """Request the devices of an account, one's own if no nick is given; answered by `DeviceList`."""

    nick: Nick | None = None


class RevokeDevice(WireStruct, tag=18, frozen=True):
    """Let a device of the own account, named by the beginning of its fingerprint, never enter again."""

    fingerprint: Annotated[str, Meta(min_length=1, max_length=32)]


class AcceptFrom(WireStruct, tag=19, frozen=True):
    """Let only who one has talked with begin to talk in private (`is_for_contacts`), or everybody."""

    is_for_contacts: bool


class GetSelf(WireStruct, tag=20, frozen=True):
    """Request what the server knows of the own account; answered by `Self`."""


# --- Order (SPEC 6.11): `room` nil is the whole server ----------


class SetRole(WireStruct, tag=21, frozen=True):
    """Give a person a role, of `chat.permissions.Role`; MEMBER takes it away."""

    room: Room | None
    nick: Nick
    role: RoleNumber


class SetModes(WireStruct, tag=22, frozen=True):
    """Change modes of a room; nil: as it is."""

    room: Room
    is_moderated: bool | None = None
    is_invite_only: bool | None = None
    is_topic_locked: bool | None = None
    slow_s: Duration | None = None
    kept_s: Duration | None = None


class Invite(WireStruct, tag=23, frozen=True):
    """Let a person join an invite-only room, and tell them."""

    room: Room
    nick: Nick


class Kick(WireStruct, tag=24, frozen=True):
    """Remove a person from a room, or end their sessions."""

    room: Room | None
    nick: Nick
    reason: ShortText = ""


class Sanction(WireStruct, tag=25, frozen=True):
    """Ban or mute. `subject`: a nick; a fingerprint after `#`; an address or a network (`10.0.0.0/24`).

    `for_s` 0: for good.
    """

    room: Room | None
    kind: SanctionKind
    subject: ShortText
    for_s: Duration = 0
    reason: ShortText = ""


class Lift(WireStruct, tag=26, frozen=True):
    """Lift a ban or mute."""

    room: Room | None
    kind: SanctionKind
    subject: ShortText


class ListSanctions(WireStruct, tag=27, frozen=True):
    """Request the bans and mutes that hold, behind the first `skip`; answered by a `SanctionPage`."""

    room: Room | None
    skip: Sequence = 0


class Announce(WireStruct, tag=28, frozen=True):
    """Send a text to everybody who is here."""

    text: AnnouncementText


# --- Operating (SPEC 6.12) ----------


class ListPeers(WireStruct, tag=29, frozen=True):
    """Request the connected devices, behind the first `skip`; answered by a `PeerPage`."""

    skip: Sequence = 0


class ListAccounts(WireStruct, tag=30, frozen=True):
    """Request the nicks that are owned, those behind `after`, each with what its account has; an `AccountPage`."""

    after: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)] = ""


class RemoveAccount(WireStruct, tag=31, frozen=True):
    """Give the nicks of a person back, revoke their devices; `erases`: and remove all that they said."""

    nick: Nick
    erases: bool = False


class Operate(WireStruct, tag=32, frozen=True):
    """Request something of the program that runs the server, of `Errand`; answered by a `Report`."""

    errand: Annotated[int, Meta(ge=0, le=15)]


LINK, RESET, INVITE = range(3)  # of AddCode
STATUS, RELOAD, STOP, ERASURE = range(4)  # of Operate; ERASURE is answered once all that is to be erased is


RequestBody = (
    Malformed | Say | Tell | Part | Rename | SetTopic | SetAway | Whois | ListMembers | ListRooms | GetTopic
    | GetHistory | Search | MarkRead | ListHolders | SetPassword | AddCode | ListDevices | RevokeDevice | AcceptFrom
    | GetSelf | SetRole | SetModes | Invite | Kick | Sanction | Lift | ListSanctions | Announce | ListPeers
    | ListAccounts | RemoveAccount | Operate
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
    """A member of a room; `away`: the reason, if all their devices there are away. `role`: the higher of that in the
    room and that on the server."""

    nick: Nick
    user: UserId
    away: AwayReason | None
    role: RoleNumber = 0


class MemberPage(WireStruct, tag=8, frozen=True):
    """One page of the members of a room, by nick, as of an entry of its roster; `more` if there are others.

    `modes`: those of the room, `role`: that of who asks, as in `Member`; both as of the same entry.
    """

    as_of: Sequence
    items: list[Member]
    more: bool
    modes: Modes = Modes()
    role: RoleNumber = 0


Nicks = Annotated[list[Nick], Meta(max_length=NOTICED_PEERS_MAX)]


class Holders(WireStruct, tag=9, frozen=True):
    """Of the other users that follow a log: those who have a message, and those of whom that is not known yet."""

    holders: Nicks
    waiting: Nicks


class DeviceItem(WireStruct, tag=0, frozen=True):
    """A device of an account: its fingerprint, when it was added and revoked (0: not), and whether it is here now."""

    fingerprint: ShortText
    added_ms: int
    revoked_ms: int
    is_here: bool
    is_own: bool = False


class DeviceList(WireStruct, tag=10, frozen=True):
    """The devices of an account."""

    nick: Nick
    items: list[DeviceItem]


class SanctionItem(WireStruct, tag=0, frozen=True):
    """A ban or mute that holds; `room` empty: on the whole server."""

    room: Annotated[str, Meta(max_length=ROOM_CHARACTERS_MAX)]
    kind: SanctionKind
    subject: ShortText
    by: Nick
    reason: ShortText
    made_ms: int
    until_ms: int


class SanctionPage(WireStruct, tag=11, frozen=True):
    """One page of bans and mutes; `more` if there are others behind the last."""

    items: list[SanctionItem]
    more: bool


class RoleItem(WireStruct, tag=0, frozen=True):
    """A role in a room."""

    room: Room
    role: RoleNumber


class Self(WireStruct, tag=12, frozen=True):
    """The own account: its nicks, the fingerprint of this device, its roles on the server and in rooms."""

    nicks: list[Nick]
    fingerprint: ShortText
    role: RoleNumber
    roles: list[RoleItem]
    devices: Sequence
    has_password: bool
    is_for_contacts: bool


class PeerItem(WireStruct, tag=0, frozen=True):
    """A connected device: nick (empty: it has not entered), address, how long here, silent, and round trip in us."""

    nick: Annotated[str, Meta(max_length=NICK_CHARACTERS_MAX)]
    address: ShortText
    here_s: Sequence
    silent_s: Sequence
    round_trip_us: Sequence
    rooms: Sequence


class PeerPage(WireStruct, tag=13, frozen=True):
    """One page of connected devices; `more` if there are others."""

    items: list[PeerItem]
    more: bool


class AccountItem(WireStruct, tag=0, frozen=True):
    """A nick and its account: when it was used last, the role, devices that are valid, whether it has a password."""

    nick: Nick
    fingerprint: ShortText
    used_ms: int
    role: RoleNumber
    devices: Sequence
    has_password: bool


class AccountPage(WireStruct, tag=14, frozen=True):
    """One page of accounts, by nick; `more` if there are others."""

    items: list[AccountItem]
    more: bool


class ReportItem(WireStruct, tag=0, frozen=True):
    """A name, and its value: a number, a text, or a list of texts."""

    name: ShortText
    value: int | ShortText | tuple[ShortText, ...]


class Report(WireStruct, tag=15, frozen=True):
    """What the program that runs the server answers, in the order in which it is to be read (SPEC 6.12)."""

    items: Annotated[list[ReportItem], Meta(max_length=256)]


ResultBody = (
    Stored | Done | Failed | Person | Page | TopicSet | EntryList | MemberPage | Holders | DeviceList | SanctionPage
    | Self | PeerPage | AccountPage | Report
)  # fmt: skip
