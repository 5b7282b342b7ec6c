"""The parsers alone: what they take, and what their help looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from udpchat import parsers

EVERY = {
    "udpchat": lambda: parsers.main_parser("udpchat"),
    "udpchat-server": lambda: parsers.server_parser("udpchat-server"),
    "udpchat-client": lambda: parsers.client_parser("udpchat-client"),
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


@pytest.mark.parametrize("name", parsers.OPERATIONS)
def test_each_operation_on_the_log_has_its_folder(name: str) -> None:
    needed = [] if name in ("check", "export") else ["file"]
    given = parsers.operation_parser("udpchat-server", name).parse_args(["--data", "there", *needed])
    assert given.data == "there"
