"""scripts/environment.py: when it makes, installs, and leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.loading import load

environment = load("environment.py")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that set-up runs, in a checkout of its own; making the environment only makes its folder."""
    commands: list[list[str]] = []
    folder = tmp_path / ".venv"
    python = folder / "python"

    def run(command: list[str]) -> None:
        commands.append(command)
        if "venv" in command:
            folder.mkdir(exist_ok=True)
            python.touch()

    for name in ("setup.cfg", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    for name, value in {"ROOT": tmp_path, "FOLDER": folder, "READY": folder / "ready", "PYTHON": python}.items():
        monkeypatch.setattr(environment, name, value)
    monkeypatch.setattr(environment, "_run", run)
    monkeypatch.setattr(environment, "_starts", python.exists)
    return commands


def test_the_first_use_makes_and_installs(ran: list[list[str]], tmp_path: Path) -> None:
    assert environment.prepare() == tmp_path / ".venv/python"
    assert [command[2] for command in ran] == ["venv", "pip"]
    assert ran[1][-1] == str(tmp_path)


def test_the_second_use_does_nothing(ran: list[list[str]]) -> None:
    environment.prepare("test")
    ran.clear()
    environment.prepare("test")
    environment.prepare()  # what [test] installed includes the rest
    assert ran == []


def test_an_extra_is_installed_into_what_is_there(ran: list[list[str]]) -> None:
    environment.prepare()
    ran.clear()
    environment.prepare("test")
    environment.prepare()
    assert [command[-1].endswith("[test]") for command in ran] == [True]


def test_a_changed_setup_cfg_is_installed_again(ran: list[list[str]], tmp_path: Path) -> None:
    environment.prepare("test")
    ran.clear()
    (tmp_path / "setup.cfg").write_text("changed")
    environment.prepare()
    assert [command[2] for command in ran] == ["pip"]


def test_an_environment_whose_python_is_gone_is_made_anew(ran: list[list[str]], tmp_path: Path) -> None:
    environment.prepare()
    (tmp_path / ".venv/python").unlink()
    ran.clear()
    environment.prepare()
    assert [command[2] for command in ran] == ["venv", "pip"]


def test_a_set_up_that_failed_is_not_taken_for_done(ran: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    make = environment._run

    def offline(command: list[str]) -> None:
        if "pip" in command:
            raise SystemExit(1)
        make(command)

    with monkeypatch.context() as patched:
        patched.setattr(environment, "_run", offline)
        with pytest.raises(SystemExit):
            environment.prepare()
    ran.clear()
    environment.prepare()
    assert [command[2] for command in ran] == ["venv", "pip"]


def test_a_failed_command_ends_set_up_with_what_it_said(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        environment._run([environment.sys.executable, "-c", "import sys; sys.exit('no network')"])
    assert ended.value.code == 1
    assert "no network" in capfd.readouterr().err
