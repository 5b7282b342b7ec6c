"""scripts/environment.py: when it makes, installs, and leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from tests.scripts.loading import load

environment = load("environment.py")
UNTIL = """
import pathlib, sys, time
end = time.monotonic() + 20
while not pathlib.Path({path!r}).exists():
    if time.monotonic() > end:
        sys.exit("nothing was reported")
    time.sleep(0.01)
"""
Capture = pytest.CaptureFixture[str]


class Step(subprocess.Popen):  # type: ignore[type-arg]
    """A command of set-up: noted, and one of `programs` run in its place; making the environment makes its folder."""

    ran: ClassVar[list[list[str]]] = []
    programs: ClassVar[dict[str, str]] = {}

    def __init__(self, command: list[str], **options: Any) -> None:
        step = command[2]  # python -m venv, python -m pip, or python -c: whether it starts
        if step in ("venv", "pip"):
            self.ran.append(command)
        if step == "venv":
            environment.FOLDER.mkdir(exist_ok=True)
            environment.PYTHON.touch()
        super().__init__([sys.executable, "-c", self.programs.get(step, "")], **{**options, "cwd": None})


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that set-up runs, in a checkout of its own."""
    folder = tmp_path / ".venv"
    for name in ("setup.cfg", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    paths = {"ROOT": tmp_path, "FOLDER": folder, "READY": folder / "ready", "PYTHON": folder / "python"}
    for name, value in paths.items():
        monkeypatch.setattr(environment, name, value)
    monkeypatch.setattr(Step, "ran", [])
    monkeypatch.setattr(Step, "programs", {})
    monkeypatch.setattr(environment.subprocess, "Popen", Step)
    monkeypatch.setattr(environment.sys, "prefix", sys.base_prefix)  # no environment is activated
    return Step.ran


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


def test_a_set_up_that_failed_is_not_taken_for_done(ran: list[list[str]]) -> None:
    Step.programs["pip"] = "raise SystemExit(1)"
    with pytest.raises(SystemExit):
        environment.prepare()
    Step.programs.clear()
    ran.clear()
    environment.prepare()
    assert [command[2] for command in ran] == ["venv", "pip"]


def said_by_pip(capsys: Capture) -> list[str]:
    """What the person read from the step on in which pip runs."""
    lines = capsys.readouterr().err.splitlines()
    (start,) = [
        at for at, line in enumerate(lines) if "installing" in line and line.endswith("...") and "far" not in line
    ]
    return lines[start:]


@pytest.mark.usefixtures("ran")
def test_a_failed_command_ends_set_up_with_what_it_said(capsys: Capture) -> None:
    Step.programs["pip"] = "import sys; print('one\\n\\ntwo'); sys.exit('three')"
    with pytest.raises(SystemExit) as ended:
        environment.prepare()
    assert ended.value.code == 1
    said = said_by_pip(capsys)
    assert said[1:4] == ["one", "two", "three"] and "set-up failed" in said[4]


@pytest.mark.parametrize(
    "complaint",
    [
        "WARNING: Retrying after connection broken by 'NewConnectionError(...)'",
        "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
        "ERROR: Could not find a version that satisfies the requirement msgspec (from versions: none)",
    ],
)
@pytest.mark.usefixtures("ran")
def test_where_there_is_no_network_that_is_one_line_and_the_last_of_pip(capsys: Capture, complaint: str) -> None:
    Step.programs["pip"] = (
        f"import sys; print('noise\\n' * 50 + {complaint!r}); sys.exit('ERROR: nothing found\\nnote: not of pip')"
    )
    with pytest.raises(SystemExit) as ended:
        environment.prepare()
    assert ended.value.code == 1
    said = said_by_pip(capsys)
    assert len(said) == 3 and "this needs a network once" in said[1] and said[2] == "ERROR: nothing found"


@pytest.mark.usefixtures("ran")
def test_a_step_that_takes_long_reports_that_it_goes_on(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reported, say = tmp_path / "reported", environment.say

    def say_and_note(line: str) -> None:
        say(line)
        if line.endswith("so far ..."):
            reported.touch()

    monkeypatch.setattr(environment, "REPORTED_EVERY_S", 0.05)
    monkeypatch.setattr(environment, "say", say_and_note)
    Step.programs["pip"] = UNTIL.format(path=str(reported))  # it takes as long as the report does, 20 s at most
    environment.prepare()
    said = said_by_pip(capsys)
    assert len(said) >= 2 and said[1].endswith(" s so far ...")


@pytest.mark.usefixtures("ran")
def test_ctrl_c_ends_a_script_without_a_traceback_and_the_step_that_it_was_in(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int | None] = []

    class Interrupted(Step):
        def communicate(self, input: object = None, timeout: float | None = None) -> Any:
            raise KeyboardInterrupt

        def __exit__(self, *details: Any) -> None:
            super().__exit__(*details)
            ended.append(self.returncode)

    Step.programs["venv"] = "import time; time.sleep(60)"
    monkeypatch.setattr(environment.subprocess, "Popen", Interrupted)
    with pytest.raises(SystemExit) as left:
        environment.run(environment.prepare)
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


@pytest.mark.skipif(os.name == "nt", reason="the test locks with fcntl, which Windows does not have")
def test_a_second_set_up_at_the_same_time_waits_and_says_so(
    ran: list[list[str]], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(environment, "WAITING_REPORTED_S", 0.0)
    waits: list[float] = []
    with open(tmp_path / ".venv.lock", "a+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def wait(seconds: float) -> None:
            assert not ran
            waits.append(seconds)
            if len(waits) == 2:
                fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr(environment, "time", SimpleNamespace(monotonic=time.monotonic, sleep=wait))
        environment.prepare()
    assert capsys.readouterr().err.count("another set-up of this checkout is under way") == 1
    assert waits == [environment.LOCK_POLL_S] * 2 and ran
