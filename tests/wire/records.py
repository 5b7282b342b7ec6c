"""The records of the protocol, made from the types that decode them: `python -m tests.wire.records` prints the page.

One line a record, after CDDL (RFC 8610): an array led by its tag; a field that a sender may leave out is marked `?`.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Raw, Struct

from udpchat.wire import content, frames, requests

NAMES = {str: "tstr", bytes: "bstr", int: "int", bool: "bool", type(None): "nil", Raw: "entry"}
GROUPS: tuple[tuple[str, Any], ...] = (
    ("payload of Finish", frames.Introduction),
    ("frames, up", frames.Up),
    ("frames, down", frames.Down),
    ("inside frames", frames.Proof | frames.AckedPackets | frames.Cursor | frames.Standing | frames.Head),
    ("requests", requests.RequestBody),
    ("results", requests.ResultBody),
    ("inside requests, entries and records", content.Extra | content.Modes | content.Device),
    (
        "inside results",
        requests.LogEntry | requests.Member | requests.DeviceItem | requests.SanctionItem | requests.RoleItem
        | requests.PeerItem | requests.AccountItem | requests.ReportItem,
    ),
    ("presence", requests.Presence),
    ("entries", content.Entry),
    ("records of the directory", content.Record),
)
NAMED = {
    requests.RequestBody: "request",
    requests.ResultBody: "result",
    content.Entry: "entry",
    requests.Presence: "presence",
}
LINE_CHARACTERS_MAX = 120


def records() -> Iterator[str]:
    """The lines of the page."""
    seen: set[type] = set()
    for title, union in GROUPS:
        yield f"; {title}"
        structs = get_args(union) or (union,)
        if union in NAMED:
            yield from wrapped(f"{NAMED[union]} = {' / '.join(struct.__name__ for struct in structs)}")
        for struct in structs:
            if struct not in seen:
                seen.add(struct)
                yield from wrapped(record_of(struct))


def wrapped(line: str) -> list[str]:
    """A line in as many as it takes, broken between fields."""
    lines = [""]
    for part in re.split(r"(?<=,) (?=[?a-z])|(?<=/) ", line):
        if len(lines[-1]) + 1 + len(part) > LINE_CHARACTERS_MAX:
            lines.append("   ")
        lines[-1] += f" {part}" if lines[-1] else part
    return lines


def record_of(struct: type[Struct]) -> str:
    """One record: `Say = [1, room: tstr .size 1..32, ...]`."""
    hints = get_type_hints(struct, include_extras=True)
    fields = [str(struct.__struct_config__.tag)]
    for field in msgspec.structs.fields(struct):
        mark = "" if field.required else "? "
        fields.append(f"{mark}{field.name}: {type_of(hints[field.name])}")
    return f"{struct.__name__} = [{', '.join(fields)}]"


def type_of(hint: Any) -> str:
    """The type of a field, with its bounds: `.size` counts characters of text and bytes of `bstr`."""
    meta: Meta | None = None
    if get_origin(hint) is Annotated:
        hint, *metas = get_args(hint)
        meta = next((found for found in metas if isinstance(found, Meta)), None)
        if get_origin(hint) is Annotated:
            return type_of(hint)
    if get_origin(hint) in (Union, types.UnionType):
        members = get_args(hint)
        return NAMED.get(hint, " / ".join(map(type_of, members)))
    if get_origin(hint) is list or Ellipsis in get_args(hint):
        item = get_args(hint)[0]
        low, high = (meta.min_length or 0, meta.max_length) if meta else (0, None)
        return f"[{low}*{'' if high is None else high} {type_of(item)}]"
    if get_origin(hint) is tuple:
        return f"[{', '.join(map(type_of, get_args(hint)))}]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "tstr"
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint.__name__
    bounds = bounds_of(hint, meta)
    return bounds if bounds and hint is int else NAMES[hint] + bounds


def bounds_of(kind: type, meta: Meta | None) -> str:
    """` .size 1..32`, or `0..512` of a number, if there are bounds."""
    if meta is None:
        return ""
    if kind is int:
        high = meta.le if meta.le is not None else meta.lt - 1 if meta.lt is not None else None
        return f"{meta.ge}..{power_of(2**64 - 1 if high is None else high)}"
    low = meta.min_length or 0
    return f" .size {low}" if low == meta.max_length else f" .size {low}..{meta.max_length}"


def power_of(number: int) -> str:
    """Large bounds as people write them."""
    return {2**53: "2^53", 2**63 - 1: "2^63-1", 2**64 - 1: "2^64-1"}.get(number, str(number))


if __name__ == "__main__":
    print("\n".join(records()))
