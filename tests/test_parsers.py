"""The parsers alone: what they take, and what their help looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import on_one_line
from tests.scripts.loading import load
from udpchat import parsers
from udpchat.parsers import OPERATIONS
from udpchat.shell.options import CLIENT_SETTINGS, SERVER_SETTINGS, client_choices
from udpchat.ui.tui.keys import ACTIONS

EVERY = load("share").every_parser()


@pytest.mark.parametrize(("program", "parser"), EVERY.items(), ids=EVERY)
def test_each_program_explains_itself_under_its_own_name(
    program: str, parser: parsers.Parser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {program} ")


@pytest.mark.parametrize("parser", EVERY.values(), ids=EVERY)
def test_help_fits_80_columns_however_wide_the_terminal_is(
    parser: parsers.Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("80", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        lines = parser.format_help().splitlines()
        assert max(map(len, lines)) <= parsers.COLUMNS_MAX
        assert any(len(line) > 60 for line in lines)


def test_a_folder_with_a_percent_sign_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers.options, "data_folder", lambda: Path("/a%b %(prog)s"))
    assert "/a%b %(prog)s" in on_one_line(parsers.export_parser("udpchat-client").format_help())


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_on_the_log_has_its_folder(name: str) -> None:
    needed = [] if name in ("check", "export") else ["file"]
    given = parsers.operation_parser("udpchat-server", name).parse_args(["--data", "there", *needed])
    assert given.data == "there"


def test_every_command_of_every_program_has_a_parser() -> None:
    for program, parser in EVERY.items():
        assert {f"{program} {command}" for command in parser.commands} <= set(EVERY)


def test_every_option_is_a_setting_but_those_that_are_meant_once() -> None:
    once = {"-h", "help", "version", "config", "id", "discard", "link", "yes"}
    for program, settings in (("udpchat-client", CLIENT_SETTINGS), ("udpchat-server", SERVER_SETTINGS)):
        assert set(EVERY[program].explained) - once == set(settings)
    assert set(EVERY["udpchat"].explained) - once == {*CLIENT_SETTINGS, "host"}


def test_the_keys_of_a_file_are_those_of_the_actions(tmp_path: Path) -> None:
    config = tmp_path / "client.toml"
    config.write_text('[keys]\nreply = "f10"\nsuspend = []\n')
    found = client_choices({}, {}, default_config=config, needs_nick=False, table=parsers.key_table()).shown.keys
    assert (found["reply"], found["suspend"], found["edit"]) == (("F10",), (), ("Alt+E", "F5"))
    assert {*found} == {action.name for action in ACTIONS}
