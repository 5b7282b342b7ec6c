"""Records of all kinds: read as written, within bounds, longer than expected; and no tag means two things."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.wire.shapes import ENTRIES, RECORDS, REQUESTS, RESULTS, beyond, example, least
from tests.wire.test_frames import bent, refusal, tag_of
from udpchat.wire import frames
from udpchat.wire.content import UnknownEntry
from udpchat.wire.errors import Drop
from udpchat.wire.frames import Result, encode, pack
from udpchat.wire.limits import OPTIONAL_TAG_MIN


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
        told = f"{shape.__name__}.{name} may be {str(value)[:80]}"
        if shape in ENTRIES and tag_of(shape) >= OPTIONAL_TAG_MIN:
            assert parse(body) == UnknownEntry(), told
        else:
            assert refusal(parse, body) is Drop.MALFORMED, told


@pytest.mark.parametrize("shapes", [REQUESTS, RESULTS, ENTRIES, RECORDS], ids=["request", "result", "entry", "record"])
def test_no_tag_is_used_twice(shapes: tuple[Any, ...]) -> None:
    assert len({tag_of(shape) for shape in shapes}) == len(shapes)


@pytest.mark.parametrize(("shape", "parse"), UNTRUSTED, ids=lambda each: getattr(each, "__name__", ""))
def test_more_fields_than_a_body_has_are_ignored(shape: type, parse: Callable[[bytes], Any]) -> None:
    value = least(shape)
    assert parse(encode([tag_of(shape), *structs.astuple(value), {"later": [1]}])) == value
