"""Frames: the typed values in the body of a packet (SPEC 4), and the bytes of all that stands in them.

Decoding yields values within their bounds or raises `BadDatagram(MALFORMED)`. Frames travel as a msgpack array of
arrays, each led by its tag. What stands in them: requests.py and content.py.
"""

from __future__ import annotations

from typing import Annotated, TypeVar, get_args

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.msgpack import Decoder

from udpchat.wire import limits
from udpchat.wire.content import Entry, Message, Record, UnknownEntry
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import (
    AnnouncementText,
    Code,
    Counter,
    Detail,
    LogName,
    Nick,
    RoleNumber,
    Secret,
    Sequence,
    ShortText,
    UserId,
    WireStruct,
)
from udpchat.wire.requests import Malformed, RequestBody, ResultBody

T = TypeVar("T")

Generation = Annotated[int, Meta(ge=0, le=limits.SEQUENCE_MAX)]
PacketCounter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Bits64 = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=0, le=3_600_000)]
GroupNumber = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Key = Annotated[bytes, Meta(min_length=limits.KEY_BYTES, max_length=limits.KEY_BYTES)]
Token = Annotated[bytes, Meta(min_length=limits.PATH_TOKEN_BYTES, max_length=limits.PATH_TOKEN_BYTES)]
FragmentData = Annotated[bytes, Meta(min_length=1, max_length=limits.FRAGMENT_BYTES)]
FragmentIndex = Annotated[int, Meta(ge=0, lt=limits.FRAGMENTS_MAX)]
FragmentCount = Annotated[int, Meta(ge=2, le=limits.FRAGMENTS_MAX)]
FragmentCheck = Annotated[int, Meta(ge=0, le=2**32 - 1)]

MinorVersion = Annotated[int, Meta(ge=0, le=65_535)]
Capabilities = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=limits.CAPABILITY_MAX)], ...], Meta(max_length=limits.CAPABILITIES_MAX)
]

# --- Frames, up (SPEC 4.1) ----------


class Introduction(WireStruct, tag=0, frozen=True):
    """The payload of Finish: whose request counter this session continues, and what the client understands (SPEC 8)."""

    instance: Annotated[bytes, Meta(min_length=limits.INSTANCE_BYTES, max_length=limits.INSTANCE_BYTES)]
    minor: MinorVersion = 0
    capabilities: Capabilities = ()


class Proof(WireStruct, tag=0, frozen=True):
    """What shows that this device may use an account: its password, or a one-time code (SPEC 6.10).

    `number`: from 1, another for each secret that this run of the client tries; the refusal of it names it.
    """

    is_code: bool
    secret: Secret
    number: Sequence = 0

    def __repr__(self) -> str:
        return f"Proof(is_code={self.is_code}, number={self.number})"  # the secret is in no log and no exception


class Enter(WireStruct, tag=1, frozen=True):
    """Request to enter under a nick; repeated until answered by `Welcome` or `EnterRefused`. `agent`: the program.

    `renamed_by`: the counter of the latest Rename that this process of the client knows to be done; 0: of none.
    `proof`: of a device that the account does not have yet.
    """

    nick: Nick
    agent: Annotated[str, Meta(max_length=64)]
    renamed_by: Sequence = 0
    proof: Proof | None = None


class Follow(WireStruct, tag=2, frozen=True):
    """Request to join the room with this log; repeated until answered by `Heads` or `FollowRefused`.

    `is_back`: this client was in the room before, in another session of the same run.
    """

    log: LogName
    is_back: bool = False


class Request(WireStruct, tag=3, frozen=True):
    """A request to be carried out once. Those below `first_open` are answered, and the server may forget them."""

    counter: Counter
    first_open: Counter
    body: RequestBody


class RequestFragment(WireStruct, tag=4, frozen=True):
    """One fragment of the body of a request that does not fit a datagram (SPEC 4.7)."""

    counter: Counter
    first_open: Counter
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData


class Cursor(WireStruct, tag=0, frozen=True):
    """What a replica holds of one log: all up to `sequence`, and the inclusive `ranges` above it."""

    log: LogName
    generation: Generation
    sequence: Sequence
    ranges: Annotated[list[tuple[Sequence, Sequence]], Meta(max_length=limits.ACK_RANGES_MAX)]


class AckedPackets(WireStruct, tag=0, frozen=True):
    """The packets processed: `largest`, and bit i of `received` for `largest - 1 - i`.

    `delay_us`: time since `largest` came. `reordering_ms`: how long after its successor a packet came, at most, in the
    last minute.
    """

    largest: PacketCounter
    received: Bits64
    delay_us: Annotated[int, Meta(ge=0, le=10_000_000)]
    reordering_ms: Annotated[int, Meta(ge=0, le=1_000)]


class Ack(WireStruct, tag=5, frozen=True):
    """The packets processed in this session, if there are any, and what is held of logs.

    The packets serve to measure and to find losses; the cursors decide what is sent again.
    """

    packets: AckedPackets | None
    cursors: Annotated[list[Cursor], Meta(max_length=limits.ACK_LOGS_MAX)]


class Ping(WireStruct, tag=6, frozen=True):
    """Answered by the `Pong` of the same number."""

    number: Sequence


class PathReply(WireStruct, tag=7, frozen=True):
    """Returns the token of a `PathCheck`, from the address that it was sent to."""

    token: Token


class Goodbye(WireStruct, tag=8, frozen=True):
    """Up or down: this session ends, for this reason."""

    reason: ShortText


class Typing(WireStruct, tag=128, frozen=True):
    """The user is typing a message to this room or conversation. It may be lost: another one follows after 3 s."""

    log: LogName


class GetReceipt(WireStruct, tag=129, frozen=True):
    """Request how many users have the entries of a log up to a sequence; answered by `Receipt`. It may be lost."""

    log: LogName
    sequence: Counter


class GroupReady(WireStruct, tag=130, frozen=True):
    """This client has the key of a `GroupKey`, and opens packets of that group and epoch from here on."""

    group: GroupNumber
    epoch: GroupNumber


Up = Enter | Follow | Request | RequestFragment | Ack | Ping | PathReply | Goodbye | Typing | GetReceipt | GroupReady

# --- Frames, down (SPEC 4.2) ----------


class Standing(WireStruct, tag=0, frozen=True):
    """The account of a device, by the key of its first one (empty: this one), and its role on the server."""

    account: Annotated[bytes, Meta(max_length=limits.KEY_BYTES)] = b""
    role: RoleNumber = 0


class Welcome(WireStruct, tag=16, frozen=True):
    """The client has entered as `nick`; the times that the server expects, and how long it keeps messages.

    `latest_counter`: the highest counter of a request of this instance that the server knows; 0: none.
    """

    nick: Nick
    user: UserId
    server_name: ShortText
    heartbeat_ms: Milliseconds
    expiry_ms: Milliseconds
    kept_s: Counter | None = None  # how long messages are kept; nil: for good
    kept_entries: Counter | None = None  # how many of each room; nil: all
    minor: MinorVersion = 0
    capabilities: Capabilities = ()  # what the server understands
    latest_counter: Sequence = 0
    standing: Standing = Standing()
    motd: AnnouncementText | None = None  # what the operator has to say to whoever enters


class EnterRefused(WireStruct, tag=17, frozen=True):
    """The client may not enter: a code, and the values that it has (SPEC 4.9).

    `number`: that of the proof of the Enter that is refused; 0: it had none.
    """

    code: Code
    detail: Detail = ()
    number: Sequence = 0


class Result(WireStruct, tag=18, frozen=True):
    """The result of the request of that counter."""

    counter: Counter
    body: ResultBody


class Entries(WireStruct, tag=19, frozen=True):
    """Entries `first`, `first + 1`, ... of a log, to be acknowledged within `ack_delay_ms`."""

    log: LogName
    generation: Generation
    first: Counter
    ack_delay_ms: Milliseconds
    entries: Annotated[list[Raw], Meta(min_length=1, max_length=limits.ENTRIES_MAX)]


class EntryFragment(WireStruct, tag=20, frozen=True):
    """One fragment of an entry that does not fit a datagram (SPEC 4.7).

    `check`: CRC-32 of the whole. An edit gives an entry other bytes, whose fragments must not be joined with those of
    the former ones.
    """

    log: LogName
    generation: Generation
    sequence: Counter
    ack_delay_ms: Milliseconds
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData
    check: FragmentCheck = 0


class Head(WireStruct, tag=0, frozen=True):
    """One log: entries `base + 1` to `head` can be had; `entered` was its head when the client began to follow."""

    log: LogName
    generation: Generation
    base: Sequence
    head: Sequence
    entered: Sequence


class Heads(WireStruct, tag=21, frozen=True):
    """How far logs reach. A client that holds less sends an Ack with what it holds, and is sent the rest."""

    ack_delay_ms: Milliseconds
    heads: Annotated[list[Head], Meta(min_length=1, max_length=limits.ACK_LOGS_MAX)]


class Pong(WireStruct, tag=22, frozen=True):
    """The answer to a `Ping`; 0 without one: the answer to a Finish."""

    number: Sequence


class PathCheck(WireStruct, tag=23, frozen=True):
    """Asks for proof that the client receives at this address: the token in a `PathReply`."""

    token: Token


class FollowRefused(WireStruct, tag=25, frozen=True):
    """The client may not follow this log. `code` and `detail` as in `EnterRefused`."""

    log: LogName
    code: Code
    detail: Detail = ()


class Unwritable(WireStruct, tag=26, frozen=True):
    """The server cannot store anything at the moment, for this reason: repeat the requests later (SPEC 7.2)."""

    reason: ShortText


class ResultFragment(WireStruct, tag=24, frozen=True):
    """One fragment of the body of a `Result` that does not fit a datagram (SPEC 4.7)."""

    counter: Counter
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData


class UserTyping(WireStruct, tag=144, frozen=True):
    """Another user is typing a message to this room or conversation. Sent to who named the capability TYPING."""

    log: LogName
    nick: Nick


class Receipt(WireStruct, tag=145, frozen=True):
    """Of the `users` besides the receiver that follow a log, `have` hold all entries up to a sequence."""

    log: LogName
    sequence: Counter
    have: Sequence
    users: Sequence


class Hold(WireStruct, tag=146, frozen=True):
    """Requests of this client wait, in their order, as its person has reached too many others: all that are under way
    will take about so long (SPEC 6.7). It need not repeat them before."""

    wait_ms: Milliseconds


class GroupKey(WireStruct, tag=147, frozen=True):
    """New entries of a log may come in packets of this group and epoch: sealed under `key`, signed under `signer`.

    Repeated until answered by `GroupReady`. Sent to who named the capability GROUPS.
    """

    log: LogName
    group: GroupNumber
    epoch: GroupNumber
    key: Key
    signer: Key

    def __repr__(self) -> str:
        return f"GroupKey(log={self.log!r}, group={self.group}, epoch={self.epoch})"  # the key is in no log


Down = (
    Welcome | EnterRefused | Result | Entries | EntryFragment | Heads | Pong | PathCheck | Goodbye | ResultFragment
    | FollowRefused | Unwritable | UserTyping | Receipt | Hold | GroupKey
)  # fmt: skip

# --- Bytes ----------


class _Tagged(Struct, array_like=True, frozen=True):
    """Any frame or entry, of which only the tag is read."""

    tag: int


class _RequestHeader(WireStruct, tag=3, frozen=True):
    """A `Request` whose body is not read."""

    counter: Counter
    first_open: Counter
    body: Raw


_encoder = msgspec.msgpack.Encoder()
_frame_count = Meta(min_length=1, max_length=limits.FRAMES_MAX)
_up: Decoder[list[Up]] = Decoder(Annotated[list[Up], _frame_count])
_down: Decoder[list[Down]] = Decoder(Annotated[list[Down], _frame_count])
_entry: Decoder[Entry] = Decoder(Entry)
_UP_TAGS, _DOWN_TAGS = (frozenset(struct.__struct_config__.tag for struct in get_args(union)) for union in (Up, Down))
_raw_frames: Decoder[list[Raw]] = Decoder(Annotated[list[Raw], _frame_count])
_up_frame: Decoder[Up] = Decoder(Up)
_down_frame: Decoder[Down] = Decoder(Down)
_tagged: Decoder[_Tagged] = Decoder(_Tagged)
_request_header: Decoder[_RequestHeader] = Decoder(_RequestHeader)
_introduction: Decoder[Introduction] = Decoder(Introduction)
_request: Decoder[RequestBody] = Decoder(RequestBody)
_result: Decoder[ResultBody] = Decoder(ResultBody)
_record: Decoder[Record] = Decoder(Record)
_failures = (msgspec.DecodeError, ValueError, RecursionError)  # ValueError: text that is not UTF-8

encode = _encoder.encode


def raw(encoded: bytes) -> Raw:
    """Bytes of `encode`, to be placed into a frame as they are."""
    return Raw(encoded)


def encode_introduction(instance: bytes, capabilities: tuple[int, ...] = ()) -> bytes:
    """The payload of this version's Finish, of a client with these capabilities (SPEC 8)."""
    return encode(Introduction(instance, limits.PROTOCOL_MINOR, capabilities))


def encode_message(message: Message) -> bytes:
    """An entry, without `to` and `extra` at its end if they are None, as in most messages."""
    said = (1, message.time_ms, message.author, message.nick, message.id, message.kind, message.text)
    if message.extra is not None:
        return encode((*said, message.to, message.extra))
    return encode(said if message.to is None else (*said, message.to))


def encode_request(counter: int, first_open: int, body: bytes) -> bytes:
    """A `Request` frame around a body that is encoded already."""
    return encode((3, counter, first_open, Raw(body)))


def encode_result(counter: int, body: bytes) -> bytes:
    """A `Result` frame around a body that is encoded already."""
    return encode((18, counter, Raw(body)))


def pack(frames: list[bytes]) -> bytes:
    """The body of a packet: 1 to FRAMES_MAX encoded frames as one msgpack array."""
    count = len(frames)
    assert 0 < count <= limits.FRAMES_MAX
    header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return header + b"".join(frames)


def parse_up_untrusted(body: bytes) -> list[Up]:
    """The frames of a packet that a client sent; those with an optional tag that we do not know are left out.

    A request whose body cannot be read has the body `Malformed`, so that it can be answered.
    """
    try:
        return _up.decode(body)
    except _failures:
        return [_parse_up_frame(tag, frame) for tag, frame in _known_frames(body, _UP_TAGS)]


def parse_down_untrusted(body: bytes) -> list[Down]:
    """The frames of a packet that the server sent; those with an optional tag that we do not know are left out."""
    try:
        return _down.decode(body)
    except _failures:
        return [_decode(_down_frame, frame) for _, frame in _known_frames(body, _DOWN_TAGS)]


def parse_introduction_untrusted(payload: bytes) -> Introduction:
    """The payload of a Finish."""
    return _decode(_introduction, payload)


def parse_request_untrusted(body: bytes) -> RequestBody:
    """A request put together from its fragments."""
    return _decode(_request, body)


def parse_result_untrusted(body: bytes) -> ResultBody:
    """A result put together from its fragments."""
    return _decode(_result, body)


def parse_entry_untrusted(entry: bytes) -> Entry:
    """An entry of a log as it travels and as it is stored."""
    try:
        return _entry.decode(entry)
    except _failures:
        if _tag_of(entry) >= limits.OPTIONAL_TAG_MIN:
            return UnknownEntry()
        raise BadDatagram(Drop.MALFORMED) from None


def parse_record(entry: bytes) -> Record:
    """A record of our own directory log; damage is an error of the store, not of a peer."""
    return _record.decode(entry)


def _decode(decoder: Decoder[T], data: bytes | Raw) -> T:
    """What the decoder reads, or BadDatagram(MALFORMED). Packets and entries are read without this step: it takes a
    sixth of the time that reading a request takes."""
    try:
        return decoder.decode(data)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def _tag_of(data: bytes | Raw) -> int:
    return _decode(_tagged, data).tag


def _known_frames(body: bytes, known: frozenset[int]) -> list[tuple[int, Raw]]:
    """(tag, frame) of all frames of a packet but those with an optional tag that is not `known`."""
    tagged = [(_tag_of(frame), frame) for frame in _decode(_raw_frames, body)]
    return [(tag, frame) for tag, frame in tagged if tag < limits.OPTIONAL_TAG_MIN or tag in known]


def _parse_up_frame(tag: int, frame: Raw) -> Up:
    try:
        return _up_frame.decode(frame)
    except _failures:
        if tag != 3:
            raise BadDatagram(Drop.MALFORMED) from None
    header = _decode(_request_header, frame)
    return Request(header.counter, header.first_open, Malformed())
