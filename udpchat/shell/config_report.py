"""The settings of a program as its `config` command shows them: with their origin, or as a file with all defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from udpchat.chat.phrase import Phrase
from udpchat.shell.config_file import at
from udpchat.shell.data_folder import LAST_NICK, LAST_SERVER, last_nick, last_server
from udpchat.shell.options import HISTORY_ON_SCREEN, KEYS, Choices, Chosen, KeyTable, Precedence, Setting

SHOWN_WITHOUT_DEFAULT: Final = {"history": HISTORY_ON_SCREEN, "count": 100, "timeout": 60}  # in the example
NOTHING: Final = "-"


def with_used_last(found: Choices) -> Choices:
    """With the nick and the server used last in the place of those that nobody chose; `found` has no faults."""
    data: Path = found.values["data"]
    server = last_server(data)
    used = {"nick": (last_nick(data), LAST_NICK), "server": (server.url if server else "", LAST_SERVER)}
    chosen = {
        name: Chosen(text, Precedence.USED_LAST, str(data / file))
        for name, (text, file) in used.items()
        if text and found.chosen[name].source is Precedence.DEFAULT
    }
    return found.changed(chosen={**found.chosen, **chosen})


def rows(found: Choices) -> list[tuple[str, str, Phrase]]:
    """Name, value and origin of each setting; `found` has no faults."""
    return [(name, _text(_value(found, name)), _origin(chosen)) for name, chosen in found.chosen.items()]


def as_object(found: Choices) -> dict[str, dict[str, Any]]:
    """The same for programs; `place` is the flag, the variable or the file, `line` that of the config file."""
    return {
        name: {
            "value": _value(found, name),
            "source": chosen.source.name.lower(),
            "place": chosen.place or None,
            "line": chosen.line,
        }
        for name, chosen in found.chosen.items()
    }


def example(settings: Mapping[str, Setting], explained: Mapping[str, str], table: KeyTable | None = None) -> list[str]:
    """The lines of a file that sets everything to its default, below what is `explained`."""
    lines: list[str] = []
    for name, (default, _) in settings.items():
        assignment = f"{name} = {_toml(SHOWN_WITHOUT_DEFAULT[name] if default is None else default)}"
        lines += ["", f"# {explained[name]}", f"# {assignment}" if default is None else assignment]
    if table is not None:
        lines += ["", f"# {table.explained[KEYS]}", f"[{KEYS}]"]
        for name, (default, _) in table.settings.items():
            lines.append(f"# {name.removeprefix(f'{KEYS}.')} = {_toml(default)}  # {table.explained[name]}")
    return lines


def _origin(chosen: Chosen) -> Phrase:
    match chosen.source:
        case Precedence.DEFAULT:
            return Phrase("origin.default")
        case Precedence.USED_LAST:
            return Phrase("origin.used_last")
        case Precedence.FILE:
            return at(Path(chosen.place), chosen.line)
        case _:
            return Phrase("origin.named", {"place": chosen.place})


def _value(found: Choices, name: str) -> Any:
    """The value as JSON has it; what is no number, switch or list is as it was written."""
    chosen, value = found.chosen[name], found.values[name]
    if chosen.source is Precedence.USED_LAST or not isinstance(value, bool | int | float | tuple | None):
        return str(chosen.written)
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return text or NOTHING


def _toml(value: Any) -> str:
    """A value of a setting in TOML, whose text is that of JSON."""
    return json.dumps(value if isinstance(value, bool | int | float | list) else str(value), ensure_ascii=False)
