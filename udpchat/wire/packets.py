"""The nine packets: what the first byte of a datagram says, and the fixed fields behind it (SPEC 1).

All integers are big-endian. An *index* is the 32-bit name that its receiver chose for a handshake or session. ::

    Hello       1  version u8  sender_index u32  ephemeral 32  cookie 20  zeros up to 1,200 bytes
    Cookie      2  version u8  receiver_index u32  cookie 20
    HelloReply  3  receiver_index u32  sender_index u32  Noise message 2
    Finish      4  receiver_index u32  Noise message 3
    Data        5  index u32  counter u64  sealed frames
    Reset       6  receiver_index u32
    Group       7  group u32  epoch u32  counter u64  sealed frames and signature
    Probe       8  version u8  probe_id 8  number u16  flags u8  zeros up to 200 bytes or more
    ProbeReply  9  version u8  probe_id 8  number u16  key 32  port u16  people u16  time_ms u64  received_bytes u16
                   source 18  count u16  name 48  zeros

The first six bytes of a Hello, and a Cookie, a Probe and a ProbeReply, keep their layout in every version.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    COOKIE_BYTES,
    DATA_HEADER_BYTES,
    DATAGRAM_BYTES_MAX,
    GROUP_HEADER_BYTES,
    HELLO_BYTES,
    KEY_BYTES,
    PROBE_BYTES_MAX,
    PROBE_BYTES_MIN,
    PROBE_ID_BYTES,
    SEAL_BYTES,
    SERVER_NAME_BYTES_MAX,
    SIGNATURE_BYTES,
)


class Address(NamedTuple):
    """One path to a peer: its numeric host and its port, and our own address at the other end.

    A path is identified by both ends (RFC 9000, section 9): an answer leaves from the address that was written to, and
    a peer that writes to another address of ours has changed its path. The cores compare addresses and never look
    inside, but for `host`. `local` is empty where the system chooses it: at clients, and on a server with one address.
    """

    host: str
    port: int
    local: str = ""


NO_COOKIE = bytes(COOKIE_BYTES)
"""In a Hello: none yet. In a Cookie: the server speaks another version."""

DATA_HEADER = struct.Struct(">BIQ")
"""Kind, receiver's index, counter: the clear part of Data and the associated data of its seal."""

DATA_BYTES_MIN = DATA_HEADER_BYTES + SEAL_BYTES

GROUP_HEADER = struct.Struct(">BIIQ")
"""Kind, group, epoch, counter: the clear part of a group packet and the associated data of its seal."""

GROUP_BYTES_MIN = GROUP_HEADER_BYTES + SIGNATURE_BYTES + SEAL_BYTES
REPLY_NOISE_BYTES_MIN = KEY_BYTES + (KEY_BYTES + SEAL_BYTES) + SEAL_BYTES  # e, s, payload
FINISH_NOISE_BYTES_MIN = (KEY_BYTES + SEAL_BYTES) + SEAL_BYTES  # s, payload

_HELLO = struct.Struct(f">BBI{KEY_BYTES}s{COOKIE_BYTES}s")
_COOKIE = struct.Struct(f">BBI{COOKIE_BYTES}s")
_REPLY = struct.Struct(">BII")
_INDEX = struct.Struct(">BI")
SOURCE_BYTES = 16 + 2  # host and port
_PROBE = struct.Struct(f">BB{PROBE_ID_BYTES}sHB")
_PROBE_REPLY = struct.Struct(f">BB{PROBE_ID_BYTES}sH{KEY_BYTES}sHHQH{SOURCE_BYTES}sH{SERVER_NAME_BYTES_MAX}s")

PROBE_REPLY_BYTES = _PROBE_REPLY.size
SAME_LENGTH = 1  # flag of a Probe: the answer is to be as long as the Probe

FINISH_PAYLOAD_BYTES_MAX = DATAGRAM_BYTES_MAX - _INDEX.size - FINISH_NOISE_BYTES_MIN


class Kind(IntEnum):
    """The first byte."""

    HELLO = 1
    COOKIE = 2
    HELLO_REPLY = 3
    FINISH = 4
    DATA = 5
    RESET = 6
    GROUP = 7
    PROBE = 8
    PROBE_REPLY = 9


DATA_KIND = bytes([Kind.DATA])
GROUP_KIND = bytes([Kind.GROUP])
DATA_NAME_BYTES = 5


class Hello(Value, frozen=True):
    """First handshake message. As long as any answer to it, which prevents amplification (RFC 9000, 8.1)."""

    version: int
    sender_index: int
    ephemeral: bytes
    cookie: bytes = NO_COOKIE

    def encode(self) -> bytes:
        """HELLO_BYTES, zeros at the end."""
        assert len(self.ephemeral) == KEY_BYTES and len(self.cookie) == COOKIE_BYTES
        fields = _HELLO.pack(Kind.HELLO, self.version, self.sender_index, self.ephemeral, self.cookie)
        return fields.ljust(HELLO_BYTES, b"\0")


class Cookie(Value, frozen=True):
    """The stateless answer: repeat the Hello with this cookie. Zeros: the server only speaks ``version``."""

    version: int
    receiver_index: int
    cookie: bytes

    def encode(self) -> bytes:
        """26 bytes."""
        assert len(self.cookie) == COOKIE_BYTES
        return _COOKIE.pack(Kind.COOKIE, self.version, self.receiver_index, self.cookie)


class HelloReply(Value, frozen=True):
    """Noise message 2. Its sealed payload repeats ``header``, which makes the indexes authentic."""

    receiver_index: int
    sender_index: int
    noise: bytes

    @property
    def header(self) -> bytes:
        """Kind and both indexes as they stand on the wire."""
        return _REPLY.pack(Kind.HELLO_REPLY, self.receiver_index, self.sender_index)

    def encode(self) -> bytes:
        return self.header + self.noise


class Finish(Value, frozen=True):
    """Noise message 3: the client's key and its first payload."""

    receiver_index: int
    noise: bytes

    def encode(self) -> bytes:
        """At most DATAGRAM_BYTES_MAX for a payload of FINISH_PAYLOAD_BYTES_MAX."""
        return _INDEX.pack(Kind.FINISH, self.receiver_index) + self.noise


class Data(Value, frozen=True):
    """Sealed frames of a session. The hot path reads datagrams with ``DATA_HEADER`` and builds none of these."""

    index: int
    counter: int
    sealed: bytes

    def encode(self) -> bytes:
        return DATA_HEADER.pack(Kind.DATA, self.index, self.counter) + self.sealed


class Group(Value, frozen=True):
    """Frames for all members of a group, sealed once. The hot path reads with ``GROUP_HEADER`` and builds none."""

    group: int
    epoch: int
    counter: int
    sealed: bytes

    def encode(self) -> bytes:
        return GROUP_HEADER.pack(Kind.GROUP, self.group, self.epoch, self.counter) + self.sealed


class Reset(Value, frozen=True):
    """There is no such session. Not authenticated: it only makes the receiver test the session or begin a handshake."""

    receiver_index: int

    def encode(self) -> bytes:
        """5 bytes, fewer than any Data it answers."""
        return _INDEX.pack(Kind.RESET, self.receiver_index)


class Probe(Value, frozen=True):
    """Which server is there? Answered by a server of any version (SPEC 2.1). `size`: of the datagram, in bytes."""

    version: int
    probe_id: bytes
    number: int
    flags: int = 0
    size: int = PROBE_BYTES_MIN

    def encode(self) -> bytes:
        """`size` bytes, zeros at the end."""
        assert len(self.probe_id) == PROBE_ID_BYTES and PROBE_BYTES_MIN <= self.size <= PROBE_BYTES_MAX
        fields = _PROBE.pack(Kind.PROBE, self.version, self.probe_id, self.number, self.flags)
        return fields.ljust(self.size, b"\0")


class ProbeReply(Value, frozen=True):
    """A server of this version, key and port is here. Nothing in it is authentic. `size`: of the datagram, in bytes.

    `received_bytes` of the Probe arrived, from `source` (`packed_source`); `count` with this probe_id have arrived by
    now, 0: not known. `name`: UTF-8, zeros at its end removed.
    """

    version: int
    probe_id: bytes
    number: int
    key: bytes
    port: int
    people: int
    time_ms: int
    received_bytes: int
    source: bytes
    count: int
    name: bytes
    size: int = PROBE_REPLY_BYTES

    def encode(self) -> bytes:
        """`size` bytes, zeros at the end."""
        assert len(self.name) <= SERVER_NAME_BYTES_MAX and PROBE_REPLY_BYTES <= self.size <= PROBE_BYTES_MAX
        fields = _PROBE_REPLY.pack(
            Kind.PROBE_REPLY, self.version, self.probe_id, self.number, self.key, self.port, self.people, self.time_ms,
            self.received_bytes, self.source, self.count, self.name,
        )  # fmt: skip
        return fields.ljust(self.size, b"\0")


Packet = Hello | Cookie | HelloReply | Finish | Data | Reset | Group | Probe | ProbeReply


def parse_packet_untrusted(data: bytes) -> Packet:
    """The packet in a datagram; raises BadDatagram TRUNCATED, OVERSIZE or UNKNOWN_KIND."""
    if not data:
        raise BadDatagram(Drop.TRUNCATED)
    rule = _RULES.get(data[0])
    if rule is None:
        raise BadDatagram(Drop.UNKNOWN_KIND)
    bytes_min, bytes_max, parse = rule
    if len(data) < bytes_min:
        raise BadDatagram(Drop.TRUNCATED)
    if len(data) > bytes_max:
        raise BadDatagram(Drop.OVERSIZE)
    return parse(data)


def data_name(index: int) -> bytes:
    """The first DATA_NAME_BYTES of every Data datagram to this index."""
    return DATA_KIND + index.to_bytes(DATA_NAME_BYTES - 1, "big")


def data_index(datagram: bytes) -> int:
    """The receiver's index in a Data datagram. Checks nothing and never raises: opening refuses what is too short."""
    return int.from_bytes(datagram[1:5], "big")


def packed_source(address: Address) -> bytes:
    """The 16 bytes of a host, without its zone, IPv4 as `::ffff:a.b.c.d`; and two of the port."""
    host = ipaddress.ip_address(address.host.partition("%")[0])
    mapped = host if host.version == 6 else ipaddress.IPv6Address(f"::ffff:{host}")
    return mapped.packed + address.port.to_bytes(2, "big")


def unpacked_source(packed: bytes) -> Address:
    """The address in 18 bytes."""
    host = ipaddress.IPv6Address(packed[:-2])
    return Address(str(host.ipv4_mapped or host), int.from_bytes(packed[-2:], "big"))


def _parse_hello(data: bytes) -> Hello:
    return Hello(*_HELLO.unpack_from(data)[1:])


def _parse_cookie(data: bytes) -> Cookie:
    return Cookie(*_COOKIE.unpack(data)[1:])


def _parse_reply(data: bytes) -> HelloReply:
    _, receiver_index, sender_index = _REPLY.unpack_from(data)
    return HelloReply(receiver_index, sender_index, data[_REPLY.size :])


def _parse_finish(data: bytes) -> Finish:
    _, receiver_index = _INDEX.unpack_from(data)
    return Finish(receiver_index, data[_INDEX.size :])


def _parse_data(data: bytes) -> Data:
    _, index, counter = DATA_HEADER.unpack_from(data)
    return Data(index, counter, data[DATA_HEADER_BYTES:])


def _parse_group(data: bytes) -> Group:
    _, group, epoch, counter = GROUP_HEADER.unpack_from(data)
    return Group(group, epoch, counter, data[GROUP_HEADER_BYTES:])


def _parse_reset(data: bytes) -> Reset:
    return Reset(*_INDEX.unpack(data)[1:])


def _parse_probe(data: bytes) -> Probe:
    return Probe(*_PROBE.unpack_from(data)[1:]).changed(size=len(data))


def _parse_probe_reply(data: bytes) -> ProbeReply:
    reply = ProbeReply(*_PROBE_REPLY.unpack_from(data)[1:])
    return reply.changed(name=reply.name.rstrip(b"\0"), size=len(data))


_RULES: dict[int, tuple[int, int, Callable[[bytes], Packet]]] = {
    Kind.HELLO: (HELLO_BYTES, HELLO_BYTES, _parse_hello),
    Kind.COOKIE: (_COOKIE.size, _COOKIE.size, _parse_cookie),
    Kind.HELLO_REPLY: (_REPLY.size + REPLY_NOISE_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_reply),
    Kind.FINISH: (_INDEX.size + FINISH_NOISE_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_finish),
    Kind.DATA: (DATA_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_data),
    Kind.GROUP: (GROUP_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_group),
    Kind.RESET: (_INDEX.size, _INDEX.size, _parse_reset),
    Kind.PROBE: (PROBE_BYTES_MIN, PROBE_BYTES_MAX, _parse_probe),
    Kind.PROBE_REPLY: (PROBE_REPLY_BYTES, PROBE_BYTES_MAX, _parse_probe_reply),
}
