"""The main job, on two screens: two people in tmux, a real server, and a relay that ruins the network both ways."""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.shell.waiting import ROOT, Program, clean_environment, serving, wait_for

TMUX = shutil.which("tmux")
COLUMNS, ROWS = 120, 50
LINES = 12  # of each: both screens show all of them at once
LIMIT_S = 30.0
FAULTS = ("--loss", "0.1", "--duplicate", "0.1", "--reorder", "0.2", "--reorder-ms", "40", "--corrupt", "0.02")

pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")


class Tmux:
    """A tmux of its own, with a window for each client; a context manager."""

    def __init__(self) -> None:
        self._socket = f"udpchat-{secrets.token_hex(8)}"
        self._has_session = False

    def _run(self, *arguments: str) -> str:
        assert TMUX is not None
        command = [TMUX, "-f", "/dev/null", "-L", self._socket, *arguments]
        environment = {**clean_environment(), "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def open(self, nick: str, server: str, data: Path) -> None:
        """A client on a screen; the window stays when it has ended, and then shows its exit code."""
        words = [sys.executable, "-m", "udpchat", "client", "--nick", nick, "--server", server, "--data", str(data)]
        command = f"cd {shlex.quote(str(ROOT))}; {shlex.join(words)}; echo ended with $?; read wait"
        size = () if self._has_session else ("-s", "chat", "-x", str(COLUMNS), "-y", str(ROWS))
        self._run("new-window" if self._has_session else "new-session", "-d", *size, "-n", nick, command)
        self._has_session = True

    def type(self, nick: str, *keys: str) -> None:
        """A line and Enter, or keys by their names in tmux."""
        for key in keys:
            self._run("send-keys", "-t", f"chat:{nick}", key)

    def enter(self, nick: str, line: str) -> None:
        """A line, and the Enter key."""
        self._run("send-keys", "-t", f"chat:{nick}", "-l", line)
        self.type(nick, "Enter")

    def screen(self, nick: str) -> str:
        """What the window shows."""
        return self._run("capture-pane", "-p", "-t", f"chat:{nick}")

    def wait_for(self, nick: str, shown: str) -> None:
        """Wait until the window shows this."""
        self.wait_until(nick, lambda screen: shown in screen)

    def wait_until(self, nick: str, holds: Callable[[str], bool]) -> None:
        """Wait until this holds of what the window shows; AssertionError with it if that takes too long."""
        try:
            wait_for(lambda: holds(self.screen(nick)), LIMIT_S, f"what {nick} should see")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.screen(nick)}") from None

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_: object) -> None:
        if self._has_session:
            self._run("kill-server")


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    with Tmux() as made:
        yield made


@pytest.fixture
def relayed(tmp_path: Path) -> Iterator[str]:
    """The address of a relay in front of a server."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(tmp_path / "server"))
        address = server.line(where="ready ").split()[1].removeprefix("udpchat://").partition("#")[0]
        lossy = Program("--listen", "0", "--to", address, *FAULTS, "--seed", "1", script="lossy")
        stack.enter_context(lossy)
        yield lossy.line(where="ready ").split()[1]


def lines_on(screen: str) -> list[str]:
    """The numbered lines that people said, from the top."""
    return re.findall(r"\b(?:alice|bob) says line \d+\b", screen)


@pytest.mark.timeout(180)
def test_two_people_on_a_ruined_network_see_everything_once_in_one_order(
    tmux: Tmux, relayed: str, tmp_path: Path
) -> None:
    people = ("alice", "bob")
    for nick in people:
        tmux.open(nick, relayed, tmp_path / nick)
    for nick in people:
        tmux.wait_for(nick, "2 here")
    for number in range(LINES):
        for nick in people:
            tmux.enter(nick, f"{nick} says line {number}")
    for nick in people:
        tmux.wait_until(nick, lambda screen: len(lines_on(screen)) >= 2 * LINES)
    seen = [lines_on(tmux.screen(nick)) for nick in people]
    assert seen[0] == seen[1], "one order"
    for nick in people:
        own = [line for line in seen[0] if line.startswith(nick)]
        assert own == [f"{nick} says line {number}" for number in range(LINES)], "each once, in the order of its author"
    for nick in people:
        tmux.enter(nick, "/quit")
        tmux.wait_for(nick, "ended with 0")
