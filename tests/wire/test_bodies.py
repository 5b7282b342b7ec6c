"""What frames carry: every shape is read as it was written, every limit holds, and no tag means two things."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("idle_s", [-1, SEQUENCE_MAX + 1])
def test_a_person_is_idle_for_a_time_that_there_is(idle_s: int) -> None:
    assert refusal(parse_result, encode(bodies.Person("ada", "print", bodies.HERE, idle_s, "", []))) is Drop.MALFORMED


def test_the_time_of_an_entry_is_any_integer_that_travels_and_its_readers_bound_it() -> None:
    for time_ms in (-(2**63), 2**64 - 1):
        assert frames.parse_entry_untrusted(encode(bodies.Tombstone(time_ms))) == bodies.Tombstone(time_ms)
