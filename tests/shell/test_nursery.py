"""A program from the nursery is what `python -m udpchat` starts: its streams, its environment, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import nursery
from tests.shell.waiting import LIMIT_S, ROOT, Program, clean_environment

pytestmark = pytest.mark.skipif(not nursery.IS_HERE, reason="there is a nursery on Linux only")


@pytest.mark.parametrize("arguments", [["--version"], ["client", "--nick"], ["server", "--help"], ["server", "--no"]])
def test_it_prints_and_ends_as_a_fresh_interpreter_does(arguments: list[str]) -> None:
    with Program(*arguments) as raised:
        found = (raised.code(), raised.rest_of(raised.out), raised.rest_of(raised.err))
    command = [sys.executable, "-m", "udpchat", *arguments]
    fresh = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean_environment(), check=False)
    lines = [[line for line in text.splitlines() if line] for text in (fresh.stdout, fresh.stderr)]
    assert found == (fresh.returncode, *lines)


def test_it_is_a_process_of_its_own_that_a_signal_ends() -> None:
    with Program("server", "--bind", "127.0.0.1", "--port", "0", "--data", os.devnull) as failing:
        assert failing.code() == 1
        assert failing.process.pid != os.getpid()
    with Program("client", "--nick", "alice", "--server", "127.0.0.1:9", "--timeout", "60") as killed:
        killed.process.kill()
        assert killed.code() == -signal.SIGKILL == killed.process.poll()
        killed.process.kill()  # nothing to what has ended


def test_a_signal_to_one_that_has_ended_and_whose_end_is_not_reported_yet_is_none() -> None:
    with Program("client", "--version") as ended:
        assert ended.code() == 0
        ended.process.poll = lambda: None  # type: ignore[method-assign]
        ended.process.kill()
        del ended.process.poll


def test_it_gets_the_environment_and_no_other_files(tmp_path: Path) -> None:
    chosen = {"UDPCHAT_BIND": "127.0.0.1", "UDPCHAT_PORT": "0", "UDPCHAT_DATA": str(tmp_path)}
    environment = clean_environment() | chosen
    child = nursery.Child(["server"], environment)
    try:
        assert child.stdout.readline().startswith("ready udpchat://127.0.0.1:")
        opened = {os.readlink(link) for link in Path(f"/proc/{child.pid}/fd").iterdir()}
        pipes = {name for name in opened if name.startswith("pipe:")}
        ours = {os.readlink(f"/proc/self/fd/{stream.fileno()}") for stream in (child.stdin, child.stdout, child.stderr)}
        assert pipes == ours
        child.terminate()
        assert child.wait(LIMIT_S) == 0
    finally:
        child.kill()
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()


def test_what_does_not_end_in_time_is_said() -> None:
    with Program("client", "--nick", "alice", "--server", "127.0.0.1:9", "--timeout", "60") as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.process.wait(0.01)
        assert waiting.process.poll() is None
