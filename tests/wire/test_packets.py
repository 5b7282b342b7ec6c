"""Packets: every layout byte for byte, and every length that is not theirs."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    DATAGRAM_BYTES_MAX,
    GROUP_HEADER_BYTES,
    HELLO_BYTES,
    PROBE_BYTES_MAX,
    PROBE_BYTES_MIN,
    SERVER_NAME_BYTES_MAX,
)
from udpchat.wire.packets import (
    DATA_BYTES_MIN,
    FINISH_NOISE_BYTES_MIN,
    FINISH_PAYLOAD_BYTES_MAX,
    GROUP_BYTES_MIN,
    NO_COOKIE,
    PROBE_REPLY_BYTES,
    REPLY_NOISE_BYTES_MIN,
    SAME_LENGTH,
    Address,
    Cookie,
    Data,
    Finish,
    Group,
    Hello,
    HelloReply,
    Packet,
    Probe,
    ProbeReply,
    Reset,
    data_index,
    packed_source,
    parse_packet_untrusted,
    unpacked_source,
)

KEY = bytes(range(32))
SOURCE = Address("10.0.0.1", 5)
COOKIE = bytes(range(100, 120))
EXAMPLES: list[Packet] = [
    Hello(1, 0x01020304, KEY),
    Hello(1, 0x01020304, KEY, COOKIE),
    Cookie(1, 0xFFFFFFFF, COOKIE),
    HelloReply(7, 8, bytes(REPLY_NOISE_BYTES_MIN)),
    Finish(9, bytes(FINISH_NOISE_BYTES_MIN)),
    Data(10, 2**64 - 1, b"s" * 16),
    Reset(11),
    Group(12, 2**32 - 1, 2**64 - 1, bytes(GROUP_BYTES_MIN - GROUP_HEADER_BYTES)),
    Probe(9, b"probe id", 3),
    ProbeReply(4, b"probe id", 3, KEY, 47747, 12, 2**40, 200, packed_source(SOURCE), 4, "Büro".encode()),
]


def refusal(data: bytes) -> Drop:
    """The reason why ``data`` is no packet."""
    with pytest.raises(BadDatagram) as caught:
        parse_packet_untrusted(data)
    return caught.value.reason


@pytest.mark.parametrize("packet", EXAMPLES, ids=lambda packet: type(packet).__name__)
def test_what_is_encoded_parses_back(packet: Packet) -> None:
    assert parse_packet_untrusted(packet.encode()) == packet


def test_the_layouts_are_those_of_the_specification() -> None:
    hello = b"\x01\x01" + bytes([1, 2, 3, 4]) + KEY + COOKIE
    assert Hello(1, 0x01020304, KEY, COOKIE).encode() == hello + bytes(HELLO_BYTES - len(hello))
    assert Cookie(3, 5, COOKIE).encode() == b"\x02\x03\0\0\0\x05" + COOKIE
    assert HelloReply(1, 2, b"noise").encode() == b"\x03\0\0\0\x01\0\0\0\x02noise"
    assert Finish(1, b"noise").encode() == b"\x04\0\0\0\x01noise"
    assert Data(1, 2, b"sealed").encode() == b"\x05" + struct.pack(">I", 1) + struct.pack(">Q", 2) + b"sealed"
    assert Reset(1).encode() == b"\x06\0\0\0\x01"
    assert Group(1, 2, 3, b"sealed").encode() == b"\x07" + struct.pack(">IIQ", 1, 2, 3) + b"sealed"
    probe = Probe(9, b"probe id", 3, SAME_LENGTH, size=300).encode()
    assert probe == b"\x08\x09probe id\0\x03\x01" + bytes(287)
    reply = ProbeReply(4, b"probe id", 3, KEY, 1, 2, 3, 4, packed_source(SOURCE), 6, b"den", size=300).encode()
    numbers = struct.pack(">HHQH", 1, 2, 3, 4)
    host = bytes(10) + b"\xff\xff\x0a\0\0\x01"
    fields = b"\x09\x04probe id\0\x03" + KEY + numbers + host + b"\0\x05\0\x06" + b"den"
    assert reply == fields.ljust(300, b"\0")


@pytest.mark.parametrize("packet", EXAMPLES, ids=lambda packet: type(packet).__name__)
def test_one_byte_less_than_the_least_is_truncated(packet: Packet) -> None:
    assert refusal(packet.encode()[:-1]) is Drop.TRUNCATED


@pytest.mark.parametrize("packet", EXAMPLES, ids=lambda packet: type(packet).__name__)
def test_a_datagram_beyond_the_limit_of_its_kind_is_oversize(packet: Packet) -> None:
    fixed = isinstance(packet, Hello | Cookie | Reset)
    bytes_max = PROBE_BYTES_MAX if isinstance(packet, Probe | ProbeReply) else DATAGRAM_BYTES_MAX
    data = packet.encode()
    assert refusal(data + bytes(1) if fixed else data.ljust(bytes_max + 1)) is Drop.OVERSIZE


def test_nothing_and_unknown_kinds_are_refused() -> None:
    assert refusal(b"") is Drop.TRUNCATED
    for kind in (0, 10, 255):
        assert refusal(bytes([kind]) + bytes(100)) is Drop.UNKNOWN_KIND


def test_no_answer_to_a_stranger_is_as_long_as_a_hello() -> None:
    assert len(Cookie(1, 1, NO_COOKIE).encode()) < HELLO_BYTES
    assert len(Reset(1).encode()) < DATA_BYTES_MIN
    assert PROBE_REPLY_BYTES <= PROBE_BYTES_MIN


@pytest.mark.parametrize(
    ("host", "packed"), [("10.0.0.1", "::ffff:10.0.0.1"), ("2001:db8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1")]
)
def test_a_source_is_a_host_without_its_zone_and_a_port(host: str, packed: str) -> None:
    source = packed_source(Address(host, 258))
    assert source == socket.inet_pton(socket.AF_INET6, packed) + b"\1\2"
    assert unpacked_source(source) == Address(host.partition("%")[0], 258)


def test_a_probe_of_a_later_version_with_more_fields_is_read() -> None:
    later = Probe(200, b"probe id", 3).encode()[:13] + b"more fields".ljust(PROBE_BYTES_MIN)
    assert parse_packet_untrusted(later) == Probe(200, b"probe id", 3, size=13 + PROBE_BYTES_MIN)


def test_the_longest_name_of_a_server_is_read_whole() -> None:
    reply = EXAMPLES[-1].changed(name=b"n" * SERVER_NAME_BYTES_MAX)
    assert parse_packet_untrusted(reply.encode()) == reply


def test_the_longest_finish_payload_fills_a_datagram() -> None:
    assert len(Finish(1, bytes(FINISH_NOISE_BYTES_MIN + FINISH_PAYLOAD_BYTES_MAX)).encode()) == DATAGRAM_BYTES_MAX


def test_the_fast_path_reads_the_same_index() -> None:
    datagram = Data(0xDEADBEEF, 77, b"s" * 16).encode()
    assert data_index(datagram) == 0xDEADBEEF
    assert isinstance(data_index(b""), int)


@given(st.binary(max_size=1300))
def test_any_bytes_are_a_packet_or_a_bad_datagram(data: bytes) -> None:
    try:
        packet = parse_packet_untrusted(data)
    except BadDatagram:
        return
    encoded = packet.encode()
    assert len(encoded) == len(data)
    assert parse_packet_untrusted(encoded) == packet
