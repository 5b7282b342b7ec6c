"""Config files: TOML, with the line of each key, so that what is wrong can be named where it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from udpchat.chat.nearest import nearest
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import printable
from udpchat.wire.fields import Value

CONFIG_BYTES_MAX: Final = 1024 * 1024
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")  # in what tomllib says


class ConfigFile(Value, frozen=True):
    """What a file sets, as `nick` or, in a table, `keys.send`, and on which line, from 1. `faults`: what is wrong."""

    values: dict[str, Any]
    lines: dict[str, int]
    faults: tuple[Phrase, ...] = ()


def read_config(path: Path, known: Collection[str], tables: Mapping[str, Collection[str]] | None = None) -> ConfigFile:
    """The file at this path; a fault is that it cannot be read or is not TOML, or a key that is none of `known`.

    `tables`: the tables that it may have, and what is known in each, as `keys.send`; nothing: another program reads it.
    """
    tables = tables or {}
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES_MAX)
    except OSError as error:
        return ConfigFile({}, {}, (Phrase("config.unreadable", {"path": path, "reason": error.strerror}),))
    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return ConfigFile({}, {}, (_not_toml(path, data.count(b"\n", 0, error.start) + 1, str(error)),))
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else len(text.splitlines())
        return ConfigFile({}, {}, (_not_toml(path, line, _PLACE.sub("", str(error))),))
    lines = lines_of_keys(text)
    faults = [_fault(path, lines.get(name), name, value, known, tables) for name, value in found.items()]
    for table, names in tables.items():
        inside = {f"{table}.{name}": value for name, value in _items(found.get(table)) if names}
        faults += [_fault(path, lines.get(name), name, value, names, ()) for name, value in inside.items()]
        found |= inside
    return ConfigFile(found, lines, tuple(fault for fault in faults if fault is not None))


def lines_of_keys(text: str) -> dict[str, int]:
    """The line, from 1, on which each key, as `send` or `keys.send`, is set in a TOML text: tomllib tells none.

    A statement is the shortest run of lines that is TOML by itself.
    """
    found: dict[str, int] = {}
    statement, begin, table = "", 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        with suppress(tomllib.TOMLDecodeError):
            held, is_head = tomllib.loads(statement), statement.lstrip().startswith("[")
            table = "" if is_head else table
            names = [f"{table}{name}" for name in held]
            names += [f"{table}{name}.{inner}" for name, value in held.items() for inner, _ in _items(value)]
            table = f"{names[-1]}." if is_head else table
            found = {**dict.fromkeys(names, begin), **found}
            statement, begin = "", number + 1
    return found


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """What a table holds; nothing, if it is none."""
    yield from value.items() if isinstance(value, dict) else ()


def at(path: Path, line: int | None) -> Phrase:
    """The place of a setting, as a part of a sentence."""
    return Phrase("config.at", {"path": path, "line": line})


def _not_toml(path: Path, line: int, reason: str) -> Phrase:
    return Phrase("config.not_toml", {"at": at(path, line), "reason": printable(reason)})


def _fault(
    path: Path, line: int | None, name: str, value: Any, known: Collection[str], tables: Collection[str]
) -> Phrase | None:
    """What is wrong with this key, whatever its value."""
    place, shown = at(path, line), printable(name)
    if name in tables and isinstance(value, dict):
        return None
    if name in tables:
        return Phrase("config.no_table", {"at": place, "name": shown})
    if isinstance(value, dict):
        return Phrase("config.table", {"at": place, "name": shown, "tables": ", ".join(sorted(tables))})
    if name in known:
        return None
    near = nearest(name, known)
    if near:
        return Phrase("config.near", {"at": place, "name": shown, "near": near})
    return Phrase("config.unknown", {"at": place, "name": shown, "known": sorted(known)})
