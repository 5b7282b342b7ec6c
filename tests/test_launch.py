"""The programs as processes, from their first moment to their last: no traceback, whatever becomes of their streams."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import LIMIT_S, ROOT, free_port, serving, url_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals, /dev/full and a shell are wanted")

PROGRAM = [sys.executable, "-m", "udpchat"]
FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
AT_ONCE = """
import os, signal, sys
number = int(sys.argv.pop(1))
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "udpchat.storage":
            os.kill(os.getpid(), number)
sys.meta_path.insert(0, Finder())
from udpchat.launch import client
client()
"""


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of it, where `udpchat` is ours."""
    script = f'udpchat() {{ "$PYTHON" -m udpchat "$@"; }}\n{command}'
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell starts what runs in its background with SIGINT ignored, and the programs would inherit that."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_are_imported_ends_it_without_a_word(number: int) -> None:
    command = [sys.executable, "-c", AT_ONCE, str(int(number)), "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_server_is_looked_for_ends_it_without_a_word(number: int, tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # the machine is there, and nobody answers
        silent.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        command = [*PROGRAM, "client", "--nick", "a", "--server", server, "--data", str(tmp_path), "--json"]
        with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as it:
            for _ in range(2_000):
                if (tmp_path / "keys").exists():
                    break
                with pytest.raises(subprocess.TimeoutExpired):
                    it.wait(0.01)
            it.send_signal(number)
            out, err = it.communicate(timeout=LIMIT_S)
    assert it.returncode == 128 + number
    assert out == b"" and b"Traceback" not in err and b"report" not in err


@full
def test_a_full_disk_at_standard_output_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        client = f"client --nick alice --server {url_of(server)} --data {tmp_path}/alice"
        shell(f"echo hello | udpchat {client}").check_returncode()
        commands = (
            f"{client} --json < /dev/null", f"{client} --history 9 < /dev/null",
            f"client export --nick alice --data {tmp_path}/alice", f"server export --data {tmp_path}/server",
            f"server check --data {tmp_path}/server", "client --help",
        )  # fmt: skip
        for command in commands:
            done = shell(f"udpchat {command} > /dev/full")
            assert done.returncode == 1, command
            last = done.stderr.splitlines()[-1]
            assert "standard output" in last and "No space left" in last, command
            assert "Traceback" not in done.stderr and "report" not in done.stderr


@full
def test_a_full_disk_at_standard_error_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        client = f"udpchat client --nick alice --server {url_of(server)} --data {tmp_path}/alice --json"
        done = shell(f"printf 'hello\\n/oops\\n' | {client} 2> /dev/full")
        assert done.returncode == 1
        assert '"sent"' in done.stdout and '"unknown_command"' in done.stdout


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        client = f"udpchat client --nick alice --server {url_of(server)} --data {tmp_path}/alice"
        shell(f"seq 3000 | {client}").check_returncode()
        for command in (
            f"{client} --json --history 3000 < /dev/null",
            f"udpchat client export --nick alice --data {tmp_path}/alice",
            f"udpchat server export --data {tmp_path}/server",
        ):
            done = shell(f"{command} | head -1; echo ${{PIPESTATUS[0]}}")
            assert done.stdout.splitlines()[1:] == ["1"], command
            assert "Traceback" not in done.stderr and "Broken" not in done.stderr and "report" not in done.stderr
        done = shell("udpchat server --help | true; echo ${PIPESTATUS[0]}")
        assert done.stderr == ""


def test_closed_streams_are_as_if_nobody_was_there(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        client = f"udpchat client --nick alice --server {url_of(server)} --data {tmp_path}/alice"
        for closed in ("<&-", "<&- >&-", "<&- >&- 2>&-", "</dev/null >&-", "</dev/null 2>&-"):
            done = shell(f"{client} --json {closed}")
            assert done.returncode == 0 and "Traceback" not in done.stderr, closed
        done = shell(f"echo heard | {client} >&- 2>&-; {client} --history 9 < /dev/null 2>&-")
        assert done.stdout == "[lobby] <alice> heard\n"
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        for option, code in (("--help", 0), ("--wrong", 2), (f"check --data {tmp_path}/server", 0)):
            assert shell(f"udpchat server {option} {closed}").returncode == code, (option, closed)


def test_a_server_whose_output_cannot_be_written_serves_and_ends_with_0(tmp_path: Path) -> None:
    for closed in (">&-", "> /dev/full", "<&- >&- 2>&-")[: None if FULL.exists() else 1]:
        port = free_port()
        options = f"--bind 127.0.0.1 --port {port} --data {tmp_path}/server"
        script = f"exec {sys.executable} -m udpchat server {options} {closed}"
        with subprocess.Popen(["bash", "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True) as it:
            try:
                client = f"--nick alice --server 127.0.0.1:{port} --data {tmp_path}/alice"
                done = shell(f"for try in 1 2 3; do udpchat client {client} < /dev/null && exit; done; exit 1")
                it.terminate()
                _, said = it.communicate(timeout=LIMIT_S)
            finally:
                it.kill()
        assert (done.returncode, it.returncode) == (0, 0) and "Traceback" not in said, closed
