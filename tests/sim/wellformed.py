"""Any frame at all, within the limits of its fields: drawn from the types, with names and numbers that exist.

So a frame, request or field that is new on the wire is sent by the hostile members of the swarm from that day on. Where
chance alone would hardly ever name a log or a nick that exists, `Known` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, get_args

from msgspec import inspect

from udpchat.wire import frames, requests

UP: tuple[type, ...] = get_args(frames.Up)
REQUESTS: tuple[type, ...] = tuple(kind for kind in get_args(requests.RequestBody) if kind is not requests.Malformed)
KNOWN_SHARE = 0.7
LENGTHS = (0, 1, 2, 5, 30)
LARGE = (400, 2_000, 16_000)
LARGE_SHARE = 0.02
LETTERS = "ab #@%~é世\U0001f600\u202e\x00\n"


@dataclass(slots=True)
class Known:
    """What can be named: values for fields, by the name of the field. A field that is not here gets any value."""

    values: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """Another value for fields of this name; the oldest of many is forgotten."""
        values = self.values.setdefault(name, [])
        if value not in values:
            values.append(value)
            del values[:-64]


def draw(random: Random, shape: type, known: Known) -> Any:
    """A value of a struct."""
    info = _info(shape)
    assert isinstance(info, inspect.StructType)
    return shape(*(_field(random, each.name, each.type, known) for each in info.fields))


@cache
def _info(shape: type) -> inspect.Type:
    return inspect.type_info(shape)


def _field(random: Random, name: str, info: inspect.Type, known: Known) -> Any:
    values = known.values.get(name)
    if values and random.random() < KNOWN_SHARE:
        value = random.choice(values)
        return value + random.choice((0, 0, 0, 1)) if type(value) is int else value
    return _value(random, info, known)


def _value(random: Random, info: inspect.Type, known: Known) -> Any:
    match info:
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.NoneType():
            return None
        case inspect.IntType():
            low, high = int(info.ge or 0), int(info.le if info.le is not None else (info.lt or 2**63) - 1)
            return random.choice((low, high, random.randint(low, min(low + 70, high)), random.randint(low, high)))
        case inspect.StrType():
            return "".join(random.choices(LETTERS, k=_length(random, info)))
        case inspect.BytesType():
            return random.randbytes(_length(random, info))
        case inspect.VarTupleType():
            return tuple(_value(random, info.item_type, known) for _ in range(_length(random, info)))
        case inspect.ListType():
            return [_value(random, info.item_type, known) for _ in range(_length(random, info))]
        case inspect.TupleType():
            return tuple(_value(random, each, known) for each in info.item_types)
        case inspect.UnionType():
            return _value(random, random.choice(info.types), known)
        case inspect.StructType():
            return draw(random, info.cls, known)
    raise AssertionError(f"a type that hostile members cannot draw: {info}")


def _length(random: Random, info: inspect.StrType | inspect.BytesType | inspect.VarTupleType | inspect.ListType) -> int:
    is_text = isinstance(info, inspect.StrType | inspect.BytesType)
    wanted = random.choice(LARGE if is_text and random.random() < LARGE_SHARE else LENGTHS)
    return max(info.min_length or 0, min(wanted, wanted if info.max_length is None else info.max_length))
