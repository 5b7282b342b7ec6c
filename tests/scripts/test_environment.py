"""scripts/environment.py: when it makes, installs, and leaves alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.loading import load

environment = load("environment.py")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that set-up runs, in a checkout of its own; making the environment only makes its folder."""
    commands: list[list[str]] = []
    folder = tmp_path / ".venv"
    python = folder / "python"

    def run(step: str, command: list[str]) -> None:
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
    monkeypatch.setattr(environment, "_is_activated", lambda: False)
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

    def offline(step: str, command: list[str]) -> None:
        if "pip" in command:
            raise SystemExit(1)
        make(step, command)

    with monkeypatch.context() as patched:
        patched.setattr(environment, "_run", offline)
        with pytest.raises(SystemExit):
            environment.prepare()
    ran.clear()
    environment.prepare()
    assert [command[2] for command in ran] == ["venv", "pip"]


def python(program: str) -> list[str]:
    return [environment.sys.executable, "-c", program]


def test_a_failed_command_ends_set_up_with_what_it_said(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        environment._run("trying", python("import sys; print('one\\n\\ntwo'); sys.exit('three')"))
    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith(": trying ...") and said[1:4] == ["one", "two", "three"] and "set-up failed" in said[4]


@pytest.mark.parametrize(
    "complaint",
    [
        "WARNING: Retrying after connection broken by 'NewConnectionError(...)'",
        "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
        "ERROR: Could not find a version that satisfies the requirement msgspec (from versions: none)",
    ],
)
def test_where_there_is_no_network_that_is_one_line_and_the_last_of_pip(capsys: Capture, complaint: str) -> None:
    program = f"import sys; print('noise\\n' * 50 + {complaint!r}); sys.exit('ERROR: nothing found\\nnote: not of pip')"
    with pytest.raises(SystemExit) as ended:
        environment._run("installing", python(program))
    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and "this needs a network once" in said[1] and said[2] == "ERROR: nothing found"


def test_a_step_that_takes_long_reports_that_it_goes_on(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "REPORTED_EVERY_S", 0.05)
    environment._run("installing", python("import sys, time; time.sleep(0.5)"))
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith("installing ...") and len(said) >= 2 and said[1].endswith("installing: 0 s so far ...")


def test_ctrl_c_ends_a_script_without_a_traceback_and_the_step_that_it_was_in(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int | None] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def communicate(self, input: object = None, timeout: float | None = None) -> Any:
            raise KeyboardInterrupt

        def __exit__(self, *details: Any) -> None:
            super().__exit__(*details)
            ended.append(self.returncode)

    monkeypatch.setattr(environment.subprocess, "Popen", Interrupted)
    with pytest.raises(SystemExit) as left:
        environment.run(lambda: environment._run("installing", python("import time; time.sleep(60)")))
    assert left.value.code == 130 and ended and ended[0]
    assert capsys.readouterr().err.splitlines()[-1].endswith(": interrupted")


@pytest.mark.parametrize(("result", "code"), [(0, 0), (5, 5), (None, 0)])
def test_a_script_exits_with_the_code_of_its_main(result: int | None, code: int) -> None:
    with pytest.raises(SystemExit) as left:
        environment.run(lambda: result)
    assert left.value.code == code


def test_what_is_installed_is_known_at_once(ran: list[list[str]], tmp_path: Path) -> None:
    assert not environment.is_set_up()
    environment.prepare()
    assert environment.is_set_up()
    (tmp_path / "setup.cfg").write_text("changed")
    assert not environment.is_set_up()


def test_a_second_set_up_at_the_same_time_waits_and_says_so(
    ran: list[list[str]], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, False, True]
    monkeypatch.setattr(environment, "LOCK_POLL_S", 0.0)
    monkeypatch.setattr(environment, "WAITING_REPORTED_S", 0.0)
    monkeypatch.setattr(environment, "_lock_file", lambda file: answers.pop(0))
    environment.prepare()
    assert capsys.readouterr().err.count("another set-up of this checkout is under way") == 1 and answers == []


def test_one_process_at_a_time_has_the_lock(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "a+b") as one, open(tmp_path / "lock", "a+b") as two:
        assert environment._lock_file(one) and not environment._lock_file(two)
    with open(tmp_path / "lock", "a+b") as three:
        assert environment._lock_file(three)
