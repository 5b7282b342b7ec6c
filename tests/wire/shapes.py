"""Values of any frame or body within its limits, and values just beyond one of them, drawn from the types themselves.

So a shape that is new on the wire is tested from the day it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from hypothesis import strategies as st
from msgspec import Raw, inspect

from udpchat.wire import content, frames, requests
from udpchat.wire.limits import FRAGMENT_BYTES

LENGTH_MAX = 4  # of what is drawn, where more is allowed: most is learned from little
INTEGER_MAX = 2**64 - 1  # the largest that msgpack can say

UP: tuple[type, ...] = get_args(frames.Up)
DOWN: tuple[type, ...] = get_args(frames.Down)
REQUESTS: tuple[type, ...] = get_args(requests.RequestBody)
RESULTS: tuple[type, ...] = get_args(requests.ResultBody)
ENTRIES: tuple[type, ...] = get_args(content.Entry)
RECORDS: tuple[type, ...] = get_args(content.Record)


def example(shape: type) -> st.SearchStrategy[Any]:
    """Values of a struct, all fields within their limits."""
    return _strategy(inspect.type_info(shape))


def _strategy(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.IntType():
            return st.integers(*_extent(info))
        case inspect.StrType():
            return st.text(min_size=info.min_length or 0, max_size=min(info.max_length or LENGTH_MAX, LENGTH_MAX))
        case inspect.BytesType():
            longest = FRAGMENT_BYTES if info.max_length is None else info.max_length
            shortest = info.min_length or 0
            return st.binary(min_size=shortest, max_size=max(shortest, min(longest, LENGTH_MAX)))
        case inspect.VarTupleType():
            return st.lists(_strategy(info.item_type), max_size=LENGTH_MAX).map(tuple)
        case inspect.ListType():
            longest = min(info.max_length or LENGTH_MAX, LENGTH_MAX)
            return st.lists(_strategy(info.item_type), min_size=info.min_length or 0, max_size=longest)
        case inspect.TupleType():
            return st.tuples(*map(_strategy, info.item_types))
        case inspect.UnionType():
            return st.one_of(*map(_strategy, info.types))
        case inspect.StructType():
            return st.builds(info.cls, *(_strategy(field.type) for field in info.fields))
        case inspect.RawType():
            return st.sampled_from(ENTRIES).flatmap(example).map(lambda entry: Raw(frames.encode(entry)))
    raise AssertionError(f"a type that no test knows: {info}")


def _extent(info: inspect.IntType) -> tuple[int, int]:
    low = info.ge if info.ge is not None else -(2**63) if info.gt is None else info.gt + 1
    high = info.le if info.le is not None else INTEGER_MAX if info.lt is None else info.lt - 1
    return int(low), int(high)


def beyond(shape: type) -> Iterator[tuple[str, int, Any]]:
    """(name, position, value) for each way to leave the limits of one field, by as little as possible."""
    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    for position, field in enumerate(info.fields):
        for value in _beyond(field.type):
            yield field.name, position, value


def _beyond(info: inspect.Type) -> Iterator[Any]:
    match info:
        case inspect.BoolType():
            yield 5
        case inspect.IntType():
            low, high = _extent(info)
            yield low - 1 if low > -(2**63) else "no number"
            if high < INTEGER_MAX:
                yield high + 1
        case inspect.StrType() | inspect.BytesType():
            unit: Any = "x" if isinstance(info, inspect.StrType) else b"x"
            yield 5
            if info.min_length:
                yield unit * (info.min_length - 1)
            if info.max_length is not None:
                yield unit * (info.max_length + 1)
        case inspect.ListType() | inspect.VarTupleType():
            yield "no list"
            if info.max_length is not None:
                yield [_least(info.item_type)] * (info.max_length + 1)
            for value in _beyond(info.item_type):
                yield [value]
        case inspect.TupleType():
            yield [0] * (len(info.item_types) + 1)
        case inspect.UnionType():
            plain = [each for each in info.types if not isinstance(each, inspect.NoneType | inspect.StructType)]
            for each in plain if len(plain) < 2 else ():
                yield from _beyond(each)
            if len(plain) != 1:
                yield 5.5
        case inspect.RawType():
            return  # anything that is msgpack; whoever opens it looks at it
        case _:
            yield None


def _least(info: inspect.Type) -> Any:
    """Some value within the limits of a type."""
    match info:
        case inspect.IntType():
            return max(_extent(info)[0], 0)
        case inspect.StrType():
            return "x" * (info.min_length or 0)
        case inspect.BytesType():
            return b"x" * (info.min_length or 0)
        case inspect.ListType():
            return [_least(info.item_type)] * (info.min_length or 0)
        case inspect.VarTupleType():
            return ()
        case inspect.TupleType():
            return tuple(map(_least, info.item_types))
        case inspect.StructType():
            return least(info.cls)
        case inspect.UnionType():
            return None if info.includes_none else _least(info.types[0])
        case inspect.BoolType():
            return False
    return Raw(b"\x00")


def least(shape: type) -> Any:
    """The smallest value of a struct."""
    info = inspect.type_info(shape)
    assert isinstance(info, inspect.StructType)
    return shape(*(_least(field.type) for field in info.fields))
