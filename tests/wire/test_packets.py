"""Packets: every layout byte for byte, and every length that is not theirs."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, HELLO_BYTES
from udpchat.wire.packets import (
    DATA_BYTES_MIN,
    FINISH_NOISE_BYTES_MIN,
    FINISH_PAYLOAD_BYTES_MAX,
    NO_COOKIE,
    REPLY_NOISE_BYTES_MIN,
    Cookie,
    Data,
    Finish,
    Hello,
    HelloReply,
    Packet,
    Reset,
    data_index,
    parse_packet_untrusted,
)

KEY = bytes(range(32))
COOKIE = bytes(range(100, 120))
EXAMPLES: list[Packet] = [
    Hello(1, 0x01020304, KEY),
    Hello(1, 0x01020304, KEY, COOKIE),
    Cookie(1, 0xFFFFFFFF, COOKIE),
    HelloReply(7, 8, bytes(REPLY_NOISE_BYTES_MIN)),
    Finish(9, bytes(FINISH_NOISE_BYTES_MIN)),
    Data(10, 2**64 - 1, b"s" * 16),
    Reset(11),
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


@pytest.mark.parametrize("packet", EXAMPLES, ids=lambda packet: type(packet).__name__)
def test_one_byte_less_than_the_least_is_truncated(packet: Packet) -> None:
    assert refusal(packet.encode()[:-1]) is Drop.TRUNCATED


@pytest.mark.parametrize("packet", EXAMPLES, ids=lambda packet: type(packet).__name__)
def test_a_datagram_beyond_the_limit_of_its_kind_is_oversize(packet: Packet) -> None:
    fixed = isinstance(packet, Hello | Cookie | Reset)
    data = packet.encode()
    assert refusal(data + bytes(1) if fixed else data.ljust(DATAGRAM_BYTES_MAX + 1)) is Drop.OVERSIZE


def test_nothing_and_unknown_kinds_are_refused() -> None:
    assert refusal(b"") is Drop.TRUNCATED
    for kind in (0, 7, 255):
        assert refusal(bytes([kind]) + bytes(100)) is Drop.UNKNOWN_KIND


def test_no_answer_to_a_stranger_is_as_long_as_a_hello() -> None:
    assert len(Cookie(1, 1, NO_COOKIE).encode()) < HELLO_BYTES
    assert len(Reset(1).encode()) < DATA_BYTES_MIN


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
