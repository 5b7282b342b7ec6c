"""scripts/test: honest about each stage."""

from __future__ import annotations

import subprocess
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


def test_the_random_stage_says_how_to_run_the_same_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(SCRIPTS.parent)
    modules = script.stages(7)["random"]
    assert not script.run(PYTHON, "random", [["no_such_module_anywhere", *modules[0][1:]]])
    replay = "replay: scripts/test --hypothesis-profile=random --hypothesis-seed=7"
    assert replay in capsys.readouterr().out.splitlines()


def test_the_last_stage_ends_with_what_pytest_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCRIPTS.parent)
    assert list(script.stages())[-1] == "tests"
    assert script.SUMMARY.findall("...\n2369 passed in 61.12s (0:01:01)\n") == ["2369 passed in 61.12s (0:01:01)"]
    assert script.SUMMARY.findall("=== 1 failed, 3 passed in 0.5s ===") == ["1 failed, 3 passed in 0.5s ==="]


def test_the_random_slice_is_what_has_something_to_vary_and_another_for_each_seed() -> None:
    def collected(*arguments: str) -> list[str]:
        paths = ("tests/wire/test_packets.py", "tests/sim/test_swarm_fresh.py")
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *paths]
        done = subprocess.run([*command, *arguments], cwd=SCRIPTS.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return [line for line in done.stdout.splitlines() if "::" in line]

    always, fresh = collected(), collected(*script.random_arguments(7))
    assert any("test_swarm_fresh" in name for name in fresh) and not any("test_swarm_fresh" in name for name in always)
    assert any("tests/wire/test_packets" in name for name in fresh)
    assert {name for name in fresh if "test_swarm_fresh" not in name} < set(always)
