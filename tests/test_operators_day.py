"""The day of an operator, as README has it: every command of that page is run, in its order.

In the place of what needs root or another machine are stand-ins: the folders are below one of this test, `sudo` runs
the rest of its words, `python3 -m venv` and `pip` put this checkout there, and `systemctl` starts what the unit says.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import documents
from tests.documents import README, ROOT
from tests.shell.waiting import LIMIT_S, chatting, clean_environment

STARTS_WITH = ("python3 -m venv", "sed -i", "op role", "install -d")  # the first line of each block
STAND_INS = {
    "sudo": 'shift 2; exec "$@"',  # -u USER
    "systemd-sysusers": 'grep -q "^u udpchat " "$MACHINE"/etc/sysusers.d/udpchat-server.conf',
    "systemctl": 'cd "$CHECKOUT" && exec "$PYTHON" -m tests.systemctl "$@"',
    "install": 'exec "$INSTALL" $(echo "$@" | sed "s/-[og] udpchat//g")',
    "python3": '[ "$1 $2" = "-m venv" ] && mkdir -p "$3/bin" && cp "$STAND_INS/pip" "$3/bin/pip"',
    "pip": 'printf \'#!/bin/sh\\nexec "$PYTHON" -m udpchat server "$@"\\n\' > "${0%/*}/udpchat-server"\n'
    'chmod 700 "${0%/*}/udpchat-server"',
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the page is about a Linux with systemd")


class Machine:
    """A machine with nothing on it, on which the commands of root are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "root"
        for name in ("root", "stand-ins", "etc/sysusers.d", "etc/systemd/system", "var/lib"):
            (folder / name).mkdir(parents=True)
        for name, text in STAND_INS.items():
            path = folder / "stand-ins" / name
            path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            path.chmod(0o700)
        (self.home / "scripts").symlink_to(ROOT / "scripts")
        self._functions = ""
        path = f"{folder / 'stand-ins'}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**clean_environment(), "PATH": path, "MACHINE": str(folder), "CHECKOUT": str(ROOT)}
        self._environment |= {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "UDPCHAT_BIND": "127.0.0.1"}
        self._environment |= {"STAND_INS": str(folder / "stand-ins"), "INSTALL": str(shutil.which("install"))}
        self._environment["UDPCHAT_PORT"] = "0"

    def run(self, line: str) -> str:
        """What a line printed; AssertionError unless it ended with 0."""
        line = re.sub(r"(?<![\w.])/(?=opt/|etc/|var/)", f"{self.folder}/", line)
        if line.startswith("op() {"):
            self._functions = line
            return ""
        done = subprocess.run(
            ["bash", "-euc", f"{self._functions}\n{line}"],
            cwd=self.home, env=self._environment, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}{self.log()}"
        return done.stdout

    def log(self) -> str:
        """What its service printed."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def url(self) -> str:
        """Where its service serves."""
        return re.findall(r"^ready (\S+)$", self.log(), re.MULTILINE)[-1]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    """The one that the server is on, and the one that it moves to; what runs there is stopped."""
    made = [Machine(tmp_path / name) for name in ("here", "there")]
    yield made
    for machine in made:
        if (machine.folder / "number").exists():
            number = int((machine.folder / "number").read_text())
            words = Path(f"/proc/{number}/cmdline")
            if words.exists() and str(machine.folder).encode() in words.read_bytes():
                os.kill(number, 9)


def blocks() -> list[list[str]]:
    """What root types, block by block."""
    found = documents.sessions(documents.section(README, "Running it for others"))
    typed = [[line.removeprefix("# ") for line in block if line.startswith("# ")] for block in found]
    assert [block[0].startswith(start) for block, start in zip(typed, STARTS_WITH, strict=True)] == [True] * 4
    return typed


def enter(url: str, nick: str, data: Path, *lines: str, code: str = "") -> list[str]:
    """The texts of all messages that a client was shown, which typed these lines and left."""
    given = ("--link", code) if code else ()
    with chatting(nick, url, data, "--history", "100", *given) as client:
        client.type(*lines)
        client.end_input()
        assert client.code() == 0, client.rest_of(client.err)
        return [str(event["text"]) for event in client.events("message")]


def test_what_is_installed_for_the_page_is_an_extra() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    (extra,) = re.findall(r"pip install '\.\[(\w+)\]'", "\n".join(blocks()[0]))
    assert extra in config["options.extras_require"]


@pytest.mark.timeout(400)
def test_the_day_of_an_operator_goes_as_it_is_written(machines: list[Machine], tmp_path: Path) -> None:
    here, there = machines
    install, invite, order, move = blocks()
    for line in install:
        here.run(line)
    url = here.url()
    printed = [here.run(line) for line in invite]
    invited = dict(line.split() for line in (here.home / "invitations").read_text().splitlines())
    assert len(invited) == 10
    enter(url, "alice", tmp_path / "alice", "welcome", code=printed[2].strip())
    with chatting("mallory", url, tmp_path / "mallory") as mallory:
        mallory.end_input()
        assert mallory.code() == 4, "who was not invited does not get in"
    for nick in ("carol", "dave"):
        enter(url, nick, tmp_path / nick, f"I am {nick}", code=invited[nick])
    enter(url, "bob", tmp_path / "bob", code=invited["bob"])
    keep_order(here, order, url, tmp_path)
    assert enter(url, "carol", tmp_path / "carol") == ["welcome", "I am carol"], "what dave said is erased"
    move_on(here, there, [line for line in install if "systemctl start" not in line], move)
    assert enter(there.url(), "bob", tmp_path / "bob", "here again") == ["welcome", "I am carol"]
    (audited,) = [json.loads(line) for line in there.run("op audit --json").splitlines() if '"erase"' in line]
    assert audited["subject"] == "dave"
    there.run("systemctl stop udpchat-server")


def keep_order(machine: Machine, lines: list[str], url: str, home: Path) -> None:
    """What the operator does in a day, with bob in the room until he is kicked."""
    with ExitStack() as running:
        bob = running.enter_context(chatting("bob", url, home / "bob", "--follow"))
        bob.line(where='"connected"')
        shown = {line: machine.run(line) for line in lines}
        assert "bob" in shown["op who"] and "bob" in shown["op bans"]
        assert all(word in shown["op audit --since 1d"] for word in ("kick bob", "ban bob", "mute carol", "erase"))
        said = [event["text"] for event in bob.events("announcement")]
        assert said == ["The room closes at six"]


def move_on(here: Machine, there: Machine, install: list[str], move: list[str]) -> None:
    """From one machine to the other, with the backup of the day."""
    here.run("systemctl stop udpchat-server")
    for line in install:
        there.run(line)
    shutil.copy(here.folder / "var/lib/udpchat/chat.backup", there.home / "chat.backup")
    for line in move:
        there.run(line)
    assert there.url().partition("#")[2] == here.url().partition("#")[2], "it has the same key"
