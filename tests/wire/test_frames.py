"""Frames: what is written is read, each limit holds to the last unit, and hostile bytes are only ever BadDatagram."""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.wire.shapes import DOWN, UP, beyond, example, least
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import (
    Ack,
    AckedPackets,
    Cursor,
    Down,
    Entries,
    Goodbye,
    Introduction,
    Ping,
    Pong,
    Request,
    Result,
    Up,
    encode,
    pack,
)
from udpchat.wire.limits import BODY_BYTES_MAX, FRAMES_MAX, PROTOCOL_MINOR, SEQUENCE_MAX
from udpchat.wire.requests import Done, Malformed, Say

Parse = Callable[[bytes], Sequence[Up | Down]]
PARSERS: list[Parse] = [frames.parse_up_untrusted, frames.parse_down_untrusted]
SIDES = [(shape, frames.parse_up_untrusted) for shape in UP] + [(shape, frames.parse_down_untrusted) for shape in DOWN]
HOSTILE_S_MAX = 0.001  # for one body, measured at its best of several


def refusal(parse: Callable[[bytes], object], body: bytes) -> Drop:
    """Why a body is refused."""
    with pytest.raises(BadDatagram) as caught:
        parse(body)
    return caught.value.reason


def tag_of(shape: Any) -> int:
    tag = shape.__struct_config__.tag
    assert isinstance(tag, int)
    return tag


def bent(frame: Any, position: int, value: object) -> bytes:
    """A frame with one of its fields replaced, its tag left in place."""
    fields = [tag_of(type(frame)), *structs.astuple(frame)]
    fields[1 + position] = value
    return encode(fields)


@pytest.mark.parametrize(("shape", "parse"), SIDES, ids=lambda each: getattr(each, "__name__", ""))
@given(data=st.data())
@settings(max_examples=15)
def test_every_frame_is_read_as_it_was_written(shape: type, parse: Parse, data: st.DataObject) -> None:
    written = data.draw(st.lists(example(shape), min_size=1, max_size=3))
    read = parse(pack([encode(frame) for frame in written]))
    assert [encode(frame) for frame in read] == [encode(frame) for frame in written]
    assert {type(frame) for frame in read} == {shape}


@pytest.mark.parametrize(("shape", "parse"), SIDES, ids=lambda each: getattr(each, "__name__", ""))
def test_every_field_is_refused_as_soon_as_it_leaves_its_limits(shape: type, parse: Parse) -> None:
    good = least(shape)
    assert len(parse(pack([encode(good)]))) == 1
    for name, position, value in beyond(shape):
        body = pack([bent(good, position, value)])
        if (shape, name) == (Request, "body"):
            continue  # such a request is answered: see below
        try:
            parse(body)
        except BadDatagram as drop:
            assert drop.reason is Drop.MALFORMED
        else:
            pytest.fail(f"{shape.__name__}.{name} may be {str(value)[:80]}")


@pytest.mark.parametrize(("shape", "parse"), SIDES, ids=lambda each: getattr(each, "__name__", ""))
def test_a_frame_may_be_longer_than_its_shape_and_never_shorter_than_its_fields_without_a_default(
    shape: type, parse: Parse
) -> None:
    value = least(shape)
    fields = [tag_of(shape), *structs.astuple(value)]
    assert parse(pack([encode([*fields, {"later": [1]}, None])])) == [value]
    required = 1 + sum(field.required for field in structs.fields(shape))
    assert parse(pack([encode(fields[:required])])) == [value]
    short = pack([encode(fields[: required - 1])])
    assert refusal(parse, short) is Drop.MALFORMED


@pytest.mark.parametrize("parse", PARSERS, ids=["up", "down"])
def test_a_frame_with_an_optional_tag_is_left_out_and_its_packet_read(parse: Parse) -> None:
    known = Goodbye("quit")
    body = pack([encode([200, {"x": 1}]), encode(known), encode([2**40]), encode(known)])
    assert parse(body) == [known, known]
    assert parse(pack([encode([200])])) == []


@pytest.mark.parametrize("tag", [9, 15, 30, 127, -1, "x", 128.0])
def test_an_unknown_frame_with_any_other_tag_is_malformed(tag: object) -> None:
    for parse in PARSERS:
        assert refusal(parse, pack([encode(Goodbye("quit")), encode([tag, 1])])) is Drop.MALFORMED


@pytest.mark.parametrize("body", [[1, "lobby"], [99, "lobby"], [1, 2, 3, 4], "x", None, {}])
def test_a_request_whose_body_cannot_be_read_is_left_with_its_counter(body: object) -> None:
    requests = parse_up([3, 7, 5, body], [6, 1])
    assert requests == [Request(7, 5, Malformed()), Ping(1)]


def test_a_request_whose_header_cannot_be_read_is_malformed() -> None:
    for frame in ([3, 0, 1, [2]], [3, 1], [3], [3, 1, "x", [8, ""]]):
        assert refusal(frames.parse_up_untrusted, pack([encode(frame)])) is Drop.MALFORMED


def parse_up(*encoded: object) -> Sequence[Up]:
    """Frames that no shape here has."""
    return frames.parse_up_untrusted(pack([encode(frame) for frame in encoded]))


def test_no_tag_is_used_twice_and_none_means_both_up_and_down() -> None:
    up, down = ({tag_of(shape) for shape in shapes} for shapes in (UP, DOWN))
    assert len(up) == len(UP) and len(down) == len(DOWN)
    assert up & down == {8}  # Goodbye goes both ways


def test_the_bytes_are_those_of_the_specification() -> None:
    assert pack([encode(Ping(7))]) == b"\x91\x92\x06\x07"
    assert pack([encode(Pong(7))]) == b"\x91\x92\x16\x07"
    said = encode(Say("lobby", 0, "hi"))
    assert said == b"\x95\x01\xa5lobby\x00\xa2hi\xc0"
    assert encode(Request(1, 1, Say("lobby", 0, "hi"))) == b"\x94\x03\x01\x01" + said
    assert encode(Ack(AckedPackets(5, 1, 0, 0), [Cursor("#a", 9, 4, [(6, 7)])])) == (
        b"\x93\x05\x95\x00\x05\x01\x00\x00\x91\x95\x00\xa2#a\x09\x04\x91\x92\x06\x07"
    )
    entry = b"\x92\x02\x00"
    assert encode(Entries("#a", 9, 3, 25, [frames.raw(entry)])) == b"\x96\x13\xa2#a\x09\x03\x19\x91" + entry


def test_a_body_encoded_beforehand_is_placed_as_it_is() -> None:
    say = Say("lobby", 0, "hi")
    assert frames.encode_request(3, 2, encode(say)) == encode(Request(3, 2, say))
    assert encode(Result(3, Done())) == b"\x93\x12\x03\x91\x02"


@pytest.mark.parametrize("count", [1, 15, 16, FRAMES_MAX])
def test_a_packet_holds_up_to_frames_max_frames(count: int) -> None:
    body = pack([encode(Ping(number)) for number in range(count)])
    assert frames.parse_up_untrusted(body) == [Ping(number) for number in range(count)]


def test_a_packet_of_no_frames_or_of_too_many_is_refused() -> None:
    many = b"\xdc" + (FRAMES_MAX + 1).to_bytes(2, "big") + encode(Ping(0)) * (FRAMES_MAX + 1)
    for body in (b"", b"\x90", many, encode(Ping(0)), b"\xc0"):
        assert refusal(frames.parse_up_untrusted, body) is Drop.MALFORMED


def test_bytes_behind_the_frames_are_refused() -> None:
    assert refusal(frames.parse_up_untrusted, pack([encode(Ping(0))]) + b"\x00") is Drop.MALFORMED


def test_frames_of_the_other_direction_are_refused() -> None:
    assert refusal(frames.parse_up_untrusted, pack([encode(Pong(0))])) is Drop.MALFORMED
    assert refusal(frames.parse_down_untrusted, pack([encode(Ping(0))])) is Drop.MALFORMED


def test_an_introduction_names_what_its_client_understands_and_an_early_one_nothing() -> None:
    early = frames.parse_introduction_untrusted(encode([0, bytes(16)]))
    assert early == Introduction(bytes(16), 0, ())
    later = frames.parse_introduction_untrusted(encode([0, bytes(16), 3, [1, 65_535], "more"]))
    assert later == Introduction(bytes(16), 3, (1, 65_535))
    assert frames.parse_introduction_untrusted(frames.encode_introduction(bytes(16))).minor == PROTOCOL_MINOR
    for bad in ([-1], [65_536], ["x"], [0] * 65):
        assert refusal(frames.parse_introduction_untrusted, encode([0, bytes(16), 0, bad])) is Drop.MALFORMED


def test_an_introduction_is_sixteen_bytes_of_instance() -> None:
    assert frames.parse_introduction_untrusted(encode(Introduction(bytes(16)))) == Introduction(bytes(16))
    for length in (0, 15, 17):
        assert refusal(frames.parse_introduction_untrusted, encode(Introduction(bytes(length)))) is Drop.MALFORMED


@given(body=st.binary(max_size=BODY_BYTES_MAX))
@settings(max_examples=300)
def test_random_bytes_are_frames_or_a_bad_datagram(body: bytes) -> None:
    for parse in (*PARSERS, frames.parse_introduction_untrusted, frames.parse_request_untrusted):
        with_reason(parse, body)
    with_reason(frames.parse_entry_untrusted, body)


def with_reason(parse: Callable[[bytes], Any], body: bytes) -> None:
    """Parse; nothing but a BadDatagram for being malformed may come of it."""
    try:
        parse(body)
    except BadDatagram as drop:
        assert drop.reason is Drop.MALFORMED


@given(data=st.data(), side=st.sampled_from(SIDES))
@settings(max_examples=300)
def test_bent_packets_are_frames_or_a_bad_datagram(data: st.DataObject, side: tuple[type, Parse]) -> None:
    shape, parse = side
    body = bytearray(pack([encode(data.draw(example(shape)))]))
    places = st.integers(0, len(body) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        body[place] = value
    with_reason(parse, bytes(body))
    with_reason(parse, bytes(body[: data.draw(places)]))


HUGE_ARRAY = b"\xdd\xff\xff\xff\xff"
HOSTILE = {
    "a huge array of frames": HUGE_ARRAY,
    "a frame that is a huge array": b"\x91" + HUGE_ARRAY,
    "huge cursors": b"\x91\x96\x05\x00\x00\x00\x00" + HUGE_ARRAY,
    "huge ranges": b"\x91\x96\x05\x00\x00\x00\x00\x91\x95\x00\xa1a\x00\x00" + HUGE_ARRAY,
    "huge entries": b"\x91\x96\x13\xa1a\x00\x01\x00" + HUGE_ARRAY,
    "one huge entry": b"\x91\x96\x13\xa1a\x00\x01\x00\x91" + HUGE_ARRAY,
    "rooms without end": b"\x91\x93\x12\x01\x97\x04\xa1a\xa1a\xc3\x00\xa0" + HUGE_ARRAY,
    "a huge text": b"\x91\x93\x08\xdb\xff\xff\xff\xff",
    "huge bytes": b"\x91\x92\x07\xc6\xff\xff\xff\xff",
    "text that is none": b"\x91\x92\x02\xa2\xff\xfe",
    "half of a surrogate pair": b"\x91\x92\x02\xa3\xed\xa0\x80",
    "arrays in arrays": b"\x91" * (BODY_BYTES_MAX - 1) + b"\xc0",
    "an entry of arrays in arrays": b"\x91\x96\x13\xa1a\x00\x01\x00\x91" + b"\x91" * 1_100 + b"\xc0",
    "an extension": b"\x91\xc7\x04\x05abcd",
    "a float for a number": b"\x91\x92\x06\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    "a negative number": b"\x91\x92\x06\xff",
    "a number beyond all": b"\x91\x92\x06\xcf" + b"\xff" * 8,
    "a tag that is nobody's": b"\x91\x92\x7f\x00",
    "a tag of text": b"\x91\x92\xa1x\x00",
    "a map for an array": b"\x81\x00\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_in_little_time(name: str) -> None:
    body = HOSTILE[name]
    best_s = float("inf")
    for _ in range(5):
        begun = process_time()
        for parse in PARSERS:
            assert refusal(parse, body) is Drop.MALFORMED
        best_s = min(best_s, process_time() - begun)
    assert best_s < HOSTILE_S_MAX


def test_an_entry_that_is_no_entry_is_found_out_when_it_is_read_itself() -> None:
    for inside in (b"\xc0", b"\x81\x00" * 550 + b"\xc0", b"\xc7\x01\x05x"):
        [frame] = frames.parse_down_untrusted(b"\x91\x96\x13\xa1a\x00\x01\x00\x91" + inside)
        assert isinstance(frame, Entries)
        assert refusal(frames.parse_entry_untrusted, bytes(frame.entries[0])) is Drop.MALFORMED


def test_the_costliest_ack_is_read_in_little_time() -> None:
    cursor = Cursor("#a", 1, 0, [(SEQUENCE_MAX - 1, SEQUENCE_MAX)] * 32)
    body = pack([encode(Ack(AckedPackets(0, 2**64 - 1, 0, 0), [cursor]))])
    best_s = float("inf")
    for _ in range(5):
        begun = process_time()
        assert len(frames.parse_up_untrusted(body)) == 1
        best_s = min(best_s, process_time() - begun)
    assert best_s < HOSTILE_S_MAX
