"""The program that is run when a message calls: what it gets, that one runs at a time, and that none stays."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from udpchat.chat.phrase import Phrase
from udpchat.shell import notify_command
from udpchat.shell.notify_command import NotifyCommand

LIMIT_S = 10.0
TELLS = """
import os, sys
names = sorted(name for name in os.environ if name.startswith("UDPCHAT_TEST"))
with open(sys.argv[1], "a", encoding="utf-8") as file:
    print([os.environ[name] for name in names], sys.stdin.read(), file=file)
print("nowhere")
print("nowhere", file=sys.stderr)
"""
STAYS = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1] + ".new", "w") as file:
    print(os.getpid(), child.pid, file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="what a killed program has started lives on there")


def words(program: str, path: Path) -> list[str]:
    return [sys.executable, "-c", program, str(path)]


async def until_idle() -> None:
    watching = asyncio.all_tasks() - {asyncio.current_task()}
    if watching:
        _, late = await asyncio.wait(watching, timeout=LIMIT_S)
        assert not late


async def until_there(path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not path.exists():
            await asyncio.sleep(0.01)


def is_gone(process: int) -> bool:
    """Whether this process has ended; where /proc tells, also if nobody has asked yet with which code."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except OSError:
        return False


def until_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not all(map(is_gone, processes)):
        assert time.monotonic() < deadline, processes
        time.sleep(0.01)


def test_the_program_gets_the_variables_no_input_and_no_shell(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told; $(x)"

    async def run() -> None:
        command = NotifyCommand(words(TELLS, told), lambda phrase: None)
        command.run({"UDPCHAT_TEST_A": "$(x) `y` \u6f22", "UDPCHAT_TEST_B": ""})
        await until_idle()

    asyncio.run(run())
    assert told.read_text(encoding="utf-8") == "['$(x) `y` \u6f22', ''] \n"
    assert "nowhere" not in "".join(capfd.readouterr())


def test_what_the_environment_cannot_hold_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_command.sys, "getfilesystemencoding", lambda: "ascii")

    async def run() -> None:
        NotifyCommand(words(TELLS, tmp_path / "told"), lambda phrase: None).run({"UDPCHAT_TEST_A": "\u6f22!"})
        await until_idle()

    asyncio.run(run())
    assert (tmp_path / "told").read_text() == "['?!'] \n"


@posix
def test_one_runs_at_a_time_and_is_killed_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_command, "RUNNING_S_MAX", 1.0)
    first = tmp_path / "first"

    async def run() -> None:
        command = NotifyCommand(words(STAYS, first), lambda phrase: None)
        command.run({})
        await until_there(first)
        first.rename(tmp_path / "seen")
        command.run({})
        await until_idle()

    asyncio.run(run())
    until_gone([*map(int, (tmp_path / "seen").read_text().split())])
    assert not first.exists(), "the second one was not run"


@posix
def test_none_outlives_the_client(tmp_path: Path) -> None:
    there = tmp_path / "there"

    async def run() -> None:
        NotifyCommand(words(STAYS, there), lambda phrase: None).run({})
        await until_there(there)

    asyncio.run(run())  # which ends all tasks, as the client does
    until_gone([*map(int, there.read_text().split())])


def test_a_program_that_cannot_be_started_is_said_once(tmp_path: Path) -> None:
    reported: list[Phrase] = []

    async def run() -> None:
        command = NotifyCommand([str(tmp_path / "gone\x1b"), "x"], reported.append)
        command.run({})
        command.run({})

    asyncio.run(run())
    assert [phrase.key for phrase in reported] == ["notify_command.failed"]
    assert str(reported[0].values["program"]).isprintable()
