"""scripts/test: honest about each stage."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.scripts.loading import SCRIPTS, load

script = load("test")
PYTHON = Path(sys.executable)


def test_a_stage_that_passes_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert script.run(PYTHON, "quiet", [["json.tool", "--help"]])
    assert capsys.readouterr().out.startswith("quiet  ok     in ")


def test_a_stage_fails_if_any_command_does_and_shows_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    missing = "no_such_module_anywhere"
    assert not script.run(PYTHON, "broken", [[missing], ["json.tool", "--help"]])
    said = capsys.readouterr().out
    assert missing in said
    assert said.splitlines()[-1].startswith("broken FAILED")


def test_every_script_is_linted_and_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCRIPTS.parent)
    stages = script.stages()
    for path in SCRIPTS.iterdir():
        if path.is_file() and not path.suffix:
            name = f"scripts/{path.name}"
            assert any(name in Path(argument).as_posix() for argument in stages["ruff"][0])
            assert any(name == Path(command[-1]).as_posix() for command in stages["mypy"])
