"""The parsers alone: what they take, and what their help looks like."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.documents import on_one_line
from udpchat import parsers
from udpchat.parsers import OPERATIONS

EVERY = {
    "udpchat": lambda: parsers.main_parser("udpchat"),
    "udpchat-server": lambda: parsers.server_parser("udpchat-server"),
    **{f"udpchat-server {name}": partial(parsers.operation_parser, "udpchat-server", name) for name in OPERATIONS},
    "udpchat-client": lambda: parsers.client_parser("udpchat-client"),
    "udpchat-server config": lambda: parsers.config_parser("udpchat-server", of_server=True),
    "udpchat-client config": lambda: parsers.config_parser("udpchat-client", of_server=False),
    "udpchat-client export": lambda: parsers.export_parser("udpchat-client"),
    "udpchat-client outbox": lambda: parsers.outbox_parser("udpchat-client"),
    "udpchat stop": lambda: parsers.background_parser("udpchat", "stop"),
    "udpchat status": lambda: parsers.background_parser("udpchat", "status"),
}


@pytest.mark.parametrize(("program", "make"), EVERY.items(), ids=EVERY)
def test_each_program_explains_itself_under_its_own_name(
    program: str, make: Callable[[], parsers.Parser], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        make().parse_args(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {program} ")


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_help_fits_80_columns_however_wide_the_terminal_is(
    make: Callable[[], parsers.Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("80", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        lines = make().format_help().splitlines()
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
