"""Frames: the typed values inside a sealed packet (SPEC 4), and the bytes of everything that travels in them.

Decoding yields values within their bounds or raises `BadDatagram(MALFORMED)`. Frames travel as a msgpack array of
arrays, each led by its tag. With bodies.py the only module that knows msgspec.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from udpchat.wire.bodies import (
    Code,
    Counter,
    Entry,
    LogName,
    Nick,
    Record,
    RequestBody,
    ResultBody,
    Sequence,
    ShortText,
    UserId,
    WireStruct,
)
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    ACK_LOGS_MAX,
    ACK_RANGES_MAX,
    ENTRIES_MAX,
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    FRAMES_MAX,
    INSTANCE_BYTES,
    LOG_NAME_BYTES_MAX,
    PATH_TOKEN_BYTES,
    SEQUENCE_MAX,
)

Generation = Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]
Largest = Annotated[int, Meta(ge=-1, le=2**63 - 1)]  # -1: none yet
Bits64 = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=0, le=3_600_000)]
Token = Annotated[bytes, Meta(min_length=PATH_TOKEN_BYTES, max_length=PATH_TOKEN_BYTES)]
FragmentData = Annotated[bytes, Meta(min_length=1, max_length=FRAGMENT_BYTES)]
FragmentIndex = Annotated[int, Meta(ge=0, lt=FRAGMENTS_MAX)]
FragmentCount = Annotated[int, Meta(ge=2, le=FRAGMENTS_MAX)]

# --- Frames, up (SPEC 4.1) ----------


class Introduction(WireStruct, tag=0, frozen=True):
    """The payload of Finish: which instance of the client's request counter speaks in this session."""

    instance: Annotated[bytes, Meta(min_length=INSTANCE_BYTES, max_length=INSTANCE_BYTES)]


class Enter(WireStruct, tag=1, frozen=True):
    """I am `nick`. Repeated until answered by `Welcome` or `Refused`."""

    nick: Nick
    agent: Annotated[str, Meta(max_length=64)]


class Follow(WireStruct, tag=2, frozen=True):
    """Send me this log from where my next `Ack` says. Repeated until answered by `Heads` or `Refused`."""

    log: LogName


class Request(WireStruct, tag=3, frozen=True):
    """A request; all those below `first_open` have been answered and may be forgotten."""

    counter: Counter
    first_open: Counter
    body: RequestBody


class RequestFragment(WireStruct, tag=4, frozen=True):
    """One part of a request that does not fit a datagram."""

    counter: Counter
    first_open: Counter
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData


class Cursor(WireStruct, tag=0, frozen=True):
    """What a replica holds: all up to `sequence`, and the inclusive `ranges` beyond it."""

    log: LogName
    generation: Generation
    sequence: Sequence
    ranges: Annotated[list[tuple[Sequence, Sequence]], Meta(max_length=ACK_RANGES_MAX)]


class Ack(WireStruct, tag=5, frozen=True):
    """Packets processed (`largest`, and bit i for `largest - 1 - i`), for timing; cursors, for truth.

    `delay_us` since `largest` came; `late_ms`: how long after its successor a packet has lately come (reordering).
    """

    largest: Largest
    received: Bits64
    delay_us: Annotated[int, Meta(ge=0, le=10_000_000)]
    reordering_ms: Annotated[int, Meta(ge=0, le=1_000)]
    cursors: Annotated[list[Cursor], Meta(max_length=ACK_LOGS_MAX)]


class Ping(WireStruct, tag=6, frozen=True):
    """Are you there? Answered by the `Pong` of the same number."""

    number: Sequence


class PathReply(WireStruct, tag=7, frozen=True):
    """The token of a `PathCheck`, from the address it was sent to."""

    token: Token


class Goodbye(WireStruct, tag=8, frozen=True):
    """Up or down: this session ends here, and why."""

    reason: ShortText


Up = Enter | Follow | Request | RequestFragment | Ack | Ping | PathReply | Goodbye

# --- Frames, down (SPEC 4.2) ----------


class Welcome(WireStruct, tag=16, frozen=True):
    """You have entered, as `nick`; what the server expects of you."""

    nick: Nick
    user: UserId
    server_name: ShortText
    heartbeat_ms: Milliseconds
    expiry_ms: Milliseconds
    kept_s: Sequence = 0  # how long messages are kept; 0: for good
    kept_entries: Sequence = 0  # how many of each room; 0: all


class Refused(WireStruct, tag=17, frozen=True):
    """You may not enter (`log` is empty) or follow this log: why, for programs and for people."""

    log: Annotated[str, Meta(max_length=LOG_NAME_BYTES_MAX)]
    code: Code
    text: ShortText


class Result(WireStruct, tag=18, frozen=True):
    """The result of the request of that counter."""

    counter: Counter
    body: ResultBody


class Entries(WireStruct, tag=19, frozen=True):
    """Entries `first`, `first + 1`, ... of a log; acknowledge within `ack_ms`."""

    log: LogName
    generation: Generation
    first: Counter
    ack_delay_ms: Milliseconds
    entries: Annotated[list[Raw], Meta(min_length=1, max_length=ENTRIES_MAX)]


class EntryFragment(WireStruct, tag=20, frozen=True):
    """One part of an entry that does not fit a datagram."""

    log: LogName
    generation: Generation
    sequence: Counter
    ack_delay_ms: Milliseconds
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData


class Head(WireStruct, tag=0, frozen=True):
    """A log as it stands: entries `base + 1` to `head` exist; the head was `entered` when you began to follow it."""

    log: LogName
    generation: Generation
    base: Sequence
    head: Sequence
    entered: Sequence


class Heads(WireStruct, tag=21, frozen=True):
    """How far logs reach; whoever holds less acknowledges what it has, and is sent the rest."""

    ack_delay_ms: Milliseconds
    heads: Annotated[list[Head], Meta(min_length=1, max_length=ACK_LOGS_MAX)]


class Pong(WireStruct, tag=22, frozen=True):
    """The answer to `Ping`."""

    number: Sequence


class PathCheck(WireStruct, tag=23, frozen=True):
    """Prove that you hear at this address: answer with the token."""

    token: Token


class ResultFragment(WireStruct, tag=24, frozen=True):
    """One part of the body of a `Result` that does not fit a datagram."""

    counter: Counter
    index: FragmentIndex
    count: FragmentCount
    data: FragmentData


Down = Welcome | Refused | Result | Entries | EntryFragment | Heads | Pong | PathCheck | Goodbye | ResultFragment

# --- Bytes ----------

_encoder = msgspec.msgpack.Encoder()
UpFrames = Annotated[list[Up], Meta(min_length=1, max_length=FRAMES_MAX)]
DownFrames = Annotated[list[Down], Meta(min_length=1, max_length=FRAMES_MAX)]
_up: msgspec.msgpack.Decoder[list[Up]] = msgspec.msgpack.Decoder(UpFrames)
_down: msgspec.msgpack.Decoder[list[Down]] = msgspec.msgpack.Decoder(DownFrames)
_introduction: msgspec.msgpack.Decoder[Introduction] = msgspec.msgpack.Decoder(Introduction)
_request: msgspec.msgpack.Decoder[RequestBody] = msgspec.msgpack.Decoder(RequestBody)
_result: msgspec.msgpack.Decoder[ResultBody] = msgspec.msgpack.Decoder(ResultBody)
_entry: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)
_record: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_failures = (msgspec.DecodeError, ValueError, RecursionError)  # ValueError: text that is not UTF-8

encode = _encoder.encode


def raw(encoded: bytes) -> Raw:
    """Bytes of `encode`, to be placed into a frame as they are."""
    return Raw(encoded)


def encode_request(counter: int, first_open: int, body: bytes) -> bytes:
    """A `Request` frame around a body that is encoded already."""
    return encode((3, counter, first_open, Raw(body)))


def encode_result(counter: int, body: bytes) -> bytes:
    """A `Result` frame around a body that is encoded already."""
    return encode((18, counter, Raw(body)))


def pack(frames: list[bytes]) -> bytes:
    """The body of a packet: 1 to FRAMES_MAX encoded frames as one msgpack array."""
    count = len(frames)
    assert 0 < count <= FRAMES_MAX
    header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return header + b"".join(frames)


def parse_up_untrusted(body: bytes) -> list[Up]:
    """The frames of a packet that a client sent."""
    try:
        return _up.decode(body)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_down_untrusted(body: bytes) -> list[Down]:
    """The frames of a packet that the server sent."""
    try:
        return _down.decode(body)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_introduction_untrusted(payload: bytes) -> Introduction:
    """The payload of a Finish."""
    try:
        return _introduction.decode(payload)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_request_untrusted(body: bytes) -> RequestBody:
    """A request put together from its parts."""
    try:
        return _request.decode(body)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_result_untrusted(body: bytes) -> ResultBody:
    """A result put together from its parts."""
    try:
        return _result.decode(body)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_entry_untrusted(entry: bytes) -> Entry:
    """An entry of a log as it travels and as it is stored."""
    try:
        return _entry.decode(entry)
    except _failures as error:
        raise BadDatagram(Drop.MALFORMED) from error


def parse_record(entry: bytes) -> Record:
    """A record of our own directory log; damage is an error of the store, not of a peer."""
    return _record.decode(entry)
