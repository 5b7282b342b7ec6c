"""Values of the wire for fuzzers: any frame, drawn from its type; mostly what the world knows, at times out of bounds.

`Pools` are the names, keys and numbers of the world, by the name of the field. Fields are found in the types, so
that what is new on the wire is fuzzed from the day it is there; a field that no pool knows gets edges of its type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, inspect

from tests.fuzz.cases import Choices
from udpchat.wire.frames import encode

EDGES = (
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    63,
    64,
    255,
    1000,
    65_535,
    2**31,
    2**32 - 1,
    2**40,
    2**52,
    2**53 - 1,
    2**53,
    2**63 - 1,
)
TEXTS = (
    "", " ", "hi", "hello all of you", "a" * 33, "é" * 32, "\x00", "\x1b[31m", "\u202eabc", "ｌobby", "😀" * 32, "\n",
    "a\nb", '"', "' OR 1", '" AND "', "NEAR(", "*", "text:", "-", "#", "@", "%", "~", "!directory", "ﷺ" * 40, "\ud7ff",
    "x" * 400, "x" * 1001, "x" * 16384, "İ", "ß", "/etc/passwd", "..", "CON", "a/b", "\u0301" * 20, "admin",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, -(2**63), 2**64 - 1, 1.5, float("nan"), "", "x", "x" * 20_000, b"", b"\xff" * 8, b"x" * 1001, [],
    {}, [[]], {"a": 1}, {1: None}, [None] * 70, [0] * 600, msgspec.msgpack.Ext(1, b"x"),
)  # fmt: skip

Pools = dict[str, Callable[[Choices], Any]]


class Maker:
    """Makes values of types, from `pools` by the name of the field where the choices say so."""

    def __init__(self, pools: Pools) -> None:
        self.pools = pools

    def of(self, choices: Choices, shape: type) -> Any:
        """A value of a struct, all fields within the limits of their types, or nearly."""
        return self._value(choices, _info(shape), "", 0)

    def encoded(self, choices: Choices, shape: type) -> bytes:
        """The same as bytes; in one of eight cases with something in it replaced by what does not belong there."""
        whole = encode(self.of(choices, shape))
        return bent(choices, whole) if choices.chance(12) else whole

    def _value(self, choices: Choices, info: inspect.Type, name: str, depth: int) -> Any:
        pool = self.pools.get(name)
        if pool is not None and not choices.chance(20):
            return pool(choices)
        match info:
            case inspect.BoolType():
                return choices.chance(50)
            case inspect.NoneType():
                return None
            case inspect.IntType():
                return _integer(choices, info)
            case inspect.StrType():
                return choices.pick(TEXTS)[: info.max_length].ljust(info.min_length or 0, "x")
            case inspect.BytesType():
                return _bytes(choices, info)
            case inspect.VarTupleType() | inspect.ListType():
                items = [self._value(choices, info.item_type, name, depth + 1) for _ in range(_count(choices, info))]
                return items if isinstance(info, inspect.ListType) else tuple(items)
            case inspect.TupleType():
                return tuple(self._value(choices, item, name, depth + 1) for item in info.item_types)
            case inspect.UnionType():
                return self._value(choices, choices.pick(info.types), name, depth + 1)
            case inspect.StructType():
                return info.cls(*(self._value(choices, each.type, each.name, depth + 1) for each in info.fields))
            case inspect.RawType():
                return Raw(self.pools["raw"](choices))
        raise AssertionError(f"a type that no fuzzer knows: {info}")


@cache
def _info(shape: type) -> inspect.Type:
    return inspect.type_info(shape)


def _integer(choices: Choices, info: inspect.IntType) -> int:
    low = int(info.ge if info.ge is not None else 0 if info.gt is None else info.gt + 1)
    high = int(info.le if info.le is not None else 2**64 - 1 if info.lt is None else info.lt - 1)
    return min(max(choices.pick((low, low + 1, high, high - 1, *EDGES)), low), high)


def _bytes(choices: Choices, info: inspect.BytesType) -> bytes:
    longest = 1000 if info.max_length is None else info.max_length
    length = choices.pick((info.min_length or 0, 1, 8, 32, min(longest, 1000), longest))
    return choices.data(1) * min(max(length, info.min_length or 0), longest)


def _count(choices: Choices, info: inspect.ListType | inspect.VarTupleType) -> int:
    longest = 32 if info.max_length is None else info.max_length
    return min(max(choices.pick((1, 0, 2, 3, 5, min(longest, 33))), info.min_length or 0), longest)


# --- What does not belong there ----------


def bent(choices: Choices, encoded: bytes) -> bytes:
    """A msgpack value with one part of it replaced, left out, repeated or cut."""
    if choices.chance(25):
        return bent_bytes(choices, encoded)
    try:
        value = msgspec.msgpack.decode(encoded)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return bent_bytes(choices, encoded)
    return encode(_bent_value(choices, value, 0))


def _bent_value(choices: Choices, value: Any, depth: int) -> Any:
    if not isinstance(value, list) or not value or depth > 6 or choices.chance(15):
        return choices.pick(ODD)
    at = choices.below(len(value))
    match choices.below(8):
        case 0:
            return value[:at]
        case 1:
            return [*value, choices.pick(ODD)]
        case 2:
            return [*value[:at], value[at], *value[at:]]
        case _:
            return [*value[:at], _bent_value(choices, value[at], depth + 1), *value[at + 1 :]]


def bent_bytes(choices: Choices, data: bytes) -> bytes:
    """Some bytes, cut off, lengthened, with bits flipped, or with the head of these and the tail of others."""
    at = choices.below(len(data) + 1)
    match choices.below(6):
        case 0:
            return data[:at]
        case 1:
            return data + choices.data(1 + choices.below(64))
        case 2:
            return data[:at] + choices.data(4) + data[at + 4 :]
        case 3:
            return data[:at] + choices.data(max(len(data) - at, 1))
        case 4:
            return data[at:]
    changed = bytearray(data)
    for _ in range(1 + choices.below(4) if changed else 0):
        changed[choices.below(len(changed))] ^= 1 << choices.below(8)
    return bytes(changed)


def one_of(*items: Any) -> Callable[[Choices], Any]:
    """A pool of fixed values."""
    return lambda choices: choices.pick(items)


def near(numbers: Callable[[], Sequence[int]]) -> Callable[[Choices], int]:
    """A pool of numbers that the world knows, and of those beside them."""

    def pick(choices: Choices) -> int:
        known = numbers() or [0]
        return max(choices.pick(known) + choices.pick((0, 1, -1, 2, 5, 100)), 0)

    return pick
