"""The six packets: what the first byte of a datagram says, and the fixed fields behind it (SPEC 1).

All integers are big-endian. An *index* is the 32-bit name that its receiver chose for a handshake or session. ::

    Hello       1  version u8  sender_index u32  ephemeral 32  cookie 20  zeros up to 1,200 bytes
    Cookie      2  version u8  receiver_index u32  cookie 20
    HelloReply  3  receiver_index u32  sender_index u32  Noise message 2
    Finish      4  receiver_index u32  Noise message 3
    Data        5  index u32  counter u64  sealed frames
    Reset       6  receiver_index u32

Kind 7 is reserved. The first six bytes of a Hello, and a Cookie, keep their layout in every version.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.limits import COOKIE_BYTES, DATA_HEADER_BYTES, DATAGRAM_BYTES_MAX, HELLO_BYTES, KEY_BYTES, SEAL_BYTES


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
REPLY_NOISE_BYTES_MIN = KEY_BYTES + (KEY_BYTES + SEAL_BYTES) + SEAL_BYTES  # e, s, payload
FINISH_NOISE_BYTES_MIN = (KEY_BYTES + SEAL_BYTES) + SEAL_BYTES  # s, payload

_HELLO = struct.Struct(f">BBI{KEY_BYTES}s{COOKIE_BYTES}s")
_COOKIE = struct.Struct(f">BBI{COOKIE_BYTES}s")
_REPLY = struct.Struct(">BII")
_INDEX = struct.Struct(">BI")

FINISH_PAYLOAD_BYTES_MAX = DATAGRAM_BYTES_MAX - _INDEX.size - FINISH_NOISE_BYTES_MIN


class Kind(IntEnum):
    """The first byte."""

    HELLO = 1
    COOKIE = 2
    HELLO_REPLY = 3
    FINISH = 4
    DATA = 5
    RESET = 6


DATA_KIND = bytes([Kind.DATA])
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


class Reset(Value, frozen=True):
    """There is no such session. Not authenticated: it only makes the receiver test the session or begin a handshake."""

    receiver_index: int

    def encode(self) -> bytes:
        """5 bytes, fewer than any Data it answers."""
        return _INDEX.pack(Kind.RESET, self.receiver_index)


Packet = Hello | Cookie | HelloReply | Finish | Data | Reset


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


def _parse_reset(data: bytes) -> Reset:
    return Reset(*_INDEX.unpack(data)[1:])


_RULES: dict[int, tuple[int, int, Callable[[bytes], Packet]]] = {
    Kind.HELLO: (HELLO_BYTES, HELLO_BYTES, _parse_hello),
    Kind.COOKIE: (_COOKIE.size, _COOKIE.size, _parse_cookie),
    Kind.HELLO_REPLY: (_REPLY.size + REPLY_NOISE_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_reply),
    Kind.FINISH: (_INDEX.size + FINISH_NOISE_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_finish),
    Kind.DATA: (DATA_BYTES_MIN, DATAGRAM_BYTES_MAX, _parse_data),
    Kind.RESET: (_INDEX.size, _INDEX.size, _parse_reset),
}
