"""What frames carry: every shape is read as it was written, every limit holds, and no tag means two things."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.wire.shapes import ENTRIES, RECORDS, REQUESTS, RESULTS, beyond, example, least
from tests.wire.test_frames import bent, refusal, tag_of
from udpchat.wire import bodies, frames
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Result, encode, pack
from udpchat.wire.limits import SEQUENCE_MAX


def parse_result(body: bytes) -> Any:
    """The body of a Result, read in its frame."""
    [result] = frames.parse_down_untrusted(pack([encode((18, 1, frames.raw(body)))]))
    assert isinstance(result, Result)
    return result.body


FAMILIES: list[tuple[tuple[type, ...], Callable[[bytes], Any]]] = [
    (REQUESTS, frames.parse_request_untrusted),
    (RESULTS, parse_result),
    (ENTRIES, frames.parse_entry_untrusted),
    (RECORDS, frames.parse_record),
]
EVERY = [(shape, parse) for shapes, parse in FAMILIES for shape in shapes]
UNTRUSTED = [(shape, parse) for shape, parse in EVERY if shape not in RECORDS]


@pytest.mark.parametrize(("shape", "parse"), EVERY, ids=lambda each: getattr(each, "__name__", ""))
@given(data=st.data())
@settings(max_examples=15)
def test_every_shape_is_read_as_it_was_written(shape: type, parse: Callable[[bytes], Any], data: st.DataObject) -> None:
    written = data.draw(example(shape))
    read = parse(encode(written))
    assert read == written
    assert type(read) is shape


@pytest.mark.parametrize(("shape", "parse"), UNTRUSTED, ids=lambda each: getattr(each, "__name__", ""))
def test_every_field_is_refused_as_soon_as_it_leaves_its_limits(shape: type, parse: Callable[[bytes], Any]) -> None:
    good = least(shape)
    assert parse(encode(good)) == good
    for name, position, value in beyond(shape):
        body = bent(good, position, value)
        assert refusal(parse, body) is Drop.MALFORMED, f"{shape.__name__}.{name} may be {str(value)[:80]}"


@pytest.mark.parametrize("shapes", [REQUESTS, RESULTS, ENTRIES, RECORDS], ids=["request", "result", "entry", "record"])
def test_no_tag_is_used_twice(shapes: tuple[Any, ...]) -> None:
    assert len({tag_of(shape) for shape in shapes}) == len(shapes)


def test_no_record_of_the_directory_passes_for_an_entry() -> None:
    for shape in RECORDS:
        assert refusal(frames.parse_entry_untrusted, encode(least(shape))) is Drop.MALFORMED


def test_a_message_to_nobody_and_a_result_of_what_was_told_to_nobody_or_one_who_is_here_may_leave_it_out() -> None:
    said = bodies.Message(1, bytes(8), "ada", bytes(8), bodies.TEXT, "hi")
    assert frames.parse_entry_untrusted(encode([1, 1, bytes(8), "ada", bytes(8), 0, "hi"])) == said
    assert parse_result(encode([1, "#a", 1])) == bodies.Stored("#a", 1)


@pytest.mark.parametrize(("shape", "parse"), UNTRUSTED, ids=lambda each: getattr(each, "__name__", ""))
def test_more_fields_than_a_body_has_are_ignored(shape: type, parse: Callable[[bytes], Any]) -> None:
    value = least(shape)
    assert parse(encode([tag_of(shape), *structs.astuple(value), {"later": [1]}])) == value


@pytest.mark.parametrize("kind", [2, 127, 128, 255])
def test_a_message_of_an_unknown_kind_is_read_with_its_text_and_what_it_refers_to(kind: int) -> None:
    extra = [0, bytes(8), b"data", "more"]
    entry = frames.parse_entry_untrusted(encode([1, 5, bytes(8), "ada", bytes(8), kind, "", "", extra]))
    expected = bodies.Extra(bytes(8), b"data")
    assert entry == bodies.Message(5, bytes(8), "ada", bytes(8), kind, "", "", expected)
    say = frames.parse_request_untrusted(encode([1, "lobby", kind, "", extra]))
    assert say == bodies.Say("lobby", kind, "", expected)


@pytest.mark.parametrize("tag", [128, 129, 2**40])
def test_an_entry_with_an_optional_tag_is_one_that_is_not_shown(tag: int) -> None:
    assert frames.parse_entry_untrusted(encode([tag, {"x": 1}])) == bodies.UnknownEntry()


@pytest.mark.parametrize("tag", [0, 7, 127])
def test_an_entry_with_any_other_unknown_tag_is_malformed(tag: int) -> None:
    assert refusal(frames.parse_entry_untrusted, encode([tag, 1])) is Drop.MALFORMED


@pytest.mark.parametrize("to", ["", "bob"])
@pytest.mark.parametrize("extra", [None, bodies.Extra(bytes(8))])
def test_a_message_is_written_without_its_empty_fields(to: str, extra: bodies.Extra | None) -> None:
    message = bodies.Message(1, bytes(8), "ada", bytes(8), 200, "", to, extra)
    written = frames.encode_message(message)
    assert frames.parse_entry_untrusted(written) == message
    assert written[0] == 0x90 + (9 if extra else 8 if to else 7)


@pytest.mark.parametrize("idle_s", [-1, SEQUENCE_MAX + 1])
def test_a_person_is_idle_for_a_time_that_there_is(idle_s: int) -> None:
    assert refusal(parse_result, encode(bodies.Person("ada", "print", bodies.HERE, idle_s, "", []))) is Drop.MALFORMED


def test_the_time_of_an_entry_is_any_integer_that_travels_and_its_readers_bound_it() -> None:
    for time_ms in (-(2**63), 2**64 - 1):
        assert frames.parse_entry_untrusted(encode(bodies.Tombstone(time_ms))) == bodies.Tombstone(time_ms)
