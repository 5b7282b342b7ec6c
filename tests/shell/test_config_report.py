"""How the settings of a program are shown: values as they were written or as numbers, lists and switches."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from udpchat.shell.config_report import as_object, example, rows, with_used_last
from udpchat.shell.data_folder import remember_nick, remember_server
from udpchat.shell.options import CLIENT_SETTINGS, SERVER_SETTINGS, choices
from udpchat.ui.phrases import text_of


def shown(settings: Any, flags: dict[str, Any], environment: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (value, text_of(origin)) for name, value, origin in rows(choices(settings, flags, environment))}


def test_a_value_is_shown_as_a_person_would_write_it() -> None:
    found = shown(SERVER_SETTINGS, {"retention": "30d,10000"}, {"UDPCHAT_BIND": "::1, 127.0.0.1"})
    assert found["retention"] == ("30d,10000", "--retention")
    assert found["bind"] == ("::1, 127.0.0.1", "UDPCHAT_BIND")
    assert found["durability"] == ("fsync", "default") and found["name"] == ("-", "default")


def test_a_program_gets_numbers_and_switches_wherever_they_were_chosen() -> None:
    found = as_object(choices(CLIENT_SETTINGS, {"history": "7", "follow": True}, {"UDPCHAT_TIMEOUT": "2.5"}))
    assert [found[name]["value"] for name in ("history", "follow", "timeout", "count")] == [7, True, 2.5, None]


def test_what_was_used_last_stands_for_what_nobody_chose(tmp_path: Path) -> None:
    remember_nick(tmp_path, "alice")
    remember_server(tmp_path, "10.0.0.5:5")
    flags = {"data": str(tmp_path)}
    found = as_object(with_used_last(choices(CLIENT_SETTINGS, flags, {"UDPCHAT_NICK": "bob"})))
    assert found["nick"]["value"] == "bob"
    place = str(tmp_path / "last_server")
    expected = {"value": "udpchat://10.0.0.5:5", "source": "used_last", "place": place, "line": None}
    assert found["server"] == expected


def test_an_example_is_toml_whatever_a_folder_is_called() -> None:
    folder = Path('/a "b" \\ c/\u00fc')
    lines = example({"data": (folder, str), "count": (None, int)}, {"data": "where", "count": "how many"})
    assert lines[:4] == ["", "# where", lines[2], ""] and lines[-1].startswith("# count = ")
    assert tomllib.loads("\n".join(lines)) == {"data": str(folder)}
