"""Values for fuzzers: most can be read, some cannot, and every shape of the wire can be made."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from tests.fuzz import values
from tests.fuzz.cases import Choices
from tests.fuzz.values import Maker, one_of
from tests.wire.shapes import DOWN, ENTRIES, REQUESTS, RESULTS, UP
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, pack

MAKER = Maker({"raw": one_of(b"\xc0"), "room": one_of("lobby")})


@pytest.mark.parametrize("shape", [*UP, *DOWN, *REQUESTS, *RESULTS, *ENTRIES], ids=lambda shape: shape.__name__)
def test_every_shape_can_be_made_and_most_of_what_is_made_can_be_read(shape: type) -> None:
    random = Random(1)
    made = [MAKER.of(Choices(random.randbytes(20)), shape) for _ in range(40)]
    assert {type(value) for value in made} == {shape}
    read = 0
    for value in made:
        try:
            msgspec.msgpack.decode(encode(value), type=shape)
        except msgspec.ValidationError:
            continue
        read += 1
    assert read >= 20


def test_a_pool_gives_the_values_of_its_field_in_most_cases() -> None:
    random = Random(2)
    rooms = [MAKER.of(Choices(random.randbytes(20)), REQUESTS[1]).room for _ in range(100)]
    assert 60 < rooms.count("lobby") < 100


def test_bent_values_are_bytes_that_parsers_mostly_refuse() -> None:
    random, refused = Random(3), 0
    whole = encode(frames.Ping(7))
    for _ in range(200):
        bent = values.bent(Choices(random.randbytes(20)), whole)
        assert isinstance(bent, bytes)
        try:
            frames.parse_up_untrusted(pack([bent]))
        except BadDatagram:
            refused += 1
    assert 100 < refused < 200
