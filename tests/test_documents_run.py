"""The sessions that README shows, run: what it says is printed is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import documents
from tests.documents import README, ROOT, CommandLine
from tests.shell.waiting import LIMIT_S, Program, chatting, clean_environment, serving, url_of, wait_for
from udpchat.parsers import OPERATOR_COMMANDS
from udpchat.shell.addresses import parse_server

SHOWN = documents.command_lines(README, {"scripts/chat"})
MODULES = {"udpchat-server": "server", "udpchat-client": "client"}
ON_THE_LOG = {"backup", "restore", "export", "check"}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the sessions are those of a POSIX shell")


def shown_by(program: str, *arguments: str) -> CommandLine:
    """The first command line of README that runs this, with these arguments among others."""
    return next(one for one in SHOWN if one.program == program and set(arguments) <= set(one.arguments))


def test_a_server_says_that_it_is_ready_as_shown(tmp_path: Path) -> None:
    (shown,) = shown_by("udpchat-server").shown
    with serving(tmp_path) as server:
        printed = server.line(where="ready ")
    as_shown, as_printed = (parse_server(line.removeprefix("ready ")) for line in (shown, printed))
    assert shown.startswith("ready ") and len(as_shown.fingerprint) == len(as_printed.fingerprint) > 0
    assert printed == f"ready {as_printed.url}#{as_printed.fingerprint}"
    assert shown == f"ready {as_shown.url}#{as_shown.fingerprint}"


def test_a_chat_looks_as_shown(tmp_path: Path) -> None:
    session = shown_by("scripts/chat", "bob")
    shown = [re.sub(r"^\d\d:\d\d ", "", line) for line in session.shown]
    with serving(tmp_path / "server") as server:
        url = url_of(server).partition("#")[0]
        arguments = ("--follow", "--server", url, "--data")
        with Program("client", *session.arguments, *arguments, tmp_path / "bob") as bob:
            connected = bob.line(of=bob.err, where="-- connected")
            with Program("client", "--nick", "alice", *arguments, tmp_path / "alice") as alice:
                bob.line(where="joined")
                for line in shown:
                    nick, text = typed(line)
                    if nick == "alice":
                        alice.type(text)
                        bob.line(where=line)
                    elif nick == "bob":
                        bob.type(text)
                        alice.line(where=f"<bob> {text}")
                alice.type("/quit")
                assert alice.code() == 0
            bob.line(where="left")
            bob.type("/quit")
            assert bob.code() == 0
            printed = [connected, *bob.printed, *bob.rest_of(bob.err)]
    for line in shown:
        if line.startswith(("-- ", "[")) and typed(line)[0] != "bob":
            expected = line.replace("udpchat://127.0.0.1:47747", url)
            assert any(one.startswith(expected) for one in printed), expected


def typed(line: str) -> tuple[str, str]:
    """Who typed what, for a line of the session of bob: a screen and a pipe show differently what he did himself."""
    if said := re.fullmatch(r"\[\w+\] <(\w+)> (.*)", line):
        return said[1], said[2]
    if done := re.fullmatch(r"\[\w+\] \* (\w+) (.*)", line):
        return done[1], f"/me {done[2]}"
    is_printed = line.startswith(("-- ", " ")) or re.match(r"\S+> ", line)
    return ("", "") if is_printed else ("bob", line)


class Shell:
    """Runs command lines of README, with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        here = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self.environment = {**clean_environment(), **here}

    def start(self, shown: CommandLine, *, server: str, typed: str = "") -> subprocess.Popen[str]:
        """Begin it; `server` in the place of the address shown."""
        arguments = [server if re.fullmatch(r"[\d.]+", word) and "." in word else word for word in shown.arguments]
        command = [sys.executable, "-m", "udpchat", MODULES[shown.program], *arguments]
        started = subprocess.Popen(
            command,
            cwd=self.home,
            env=self.environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert started.stdin
        started.stdin.write(typed)
        started.stdin.close()
        started.stdin = None
        return started

    def run(self, shown: CommandLine, *, server: str = "", typed: str = "") -> str:
        """Its standard output; AssertionError unless it ends with 0."""
        with self.start(shown, server=server, typed=typed) as started:
            out, err = started.communicate(timeout=LIMIT_S)
        assert started.returncode == 0, f"{shown.line}: {err}"
        return str(out)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    """A server whose data is where the commands of the shell look for it."""
    data = tmp_path / "udpchat"
    with serving(data) as running:
        yield running


def test_settings_are_shown_as_shown(shell: Shell) -> None:
    """With the file of README in the config folder, and the paths of this test in the place of those shown."""
    folder, data = shell.home / "udpchat", shell.home / "chat"
    folder.mkdir()
    config = folder / "client.toml"
    config.write_text(documents.settings_files(README)[0])
    shell.environment["UDPCHAT_DATA"] = str(data)
    del shell.environment["UDPCHAT_CONFIG"]
    shown = shown_by("udpchat-client", "config", "--room")
    printed = [line.split() for line in shell.run(shown).splitlines()]
    places = {"/home/alice/.config/udpchat/client.toml,": f"{config},", "/home/alice/chat": str(data)}
    as_shown = [[places.get(word, word) for word in line.split()] for line in shown.shown]
    assert len(as_shown) == 5 and printed[: len(as_shown)] == as_shown
    assert json.loads(shell.run(shown_by("udpchat-client", "config", "--json")))["nick"]["value"] == "alice"


def test_an_example_of_a_config_file_is_right_as_shown(shell: Shell) -> None:
    (shell.home / "server.toml").write_text(shell.run(shown_by("udpchat-server", "--example")), encoding="utf-8")
    shown = shown_by("udpchat-server", "--check")
    assert shell.run(shown).splitlines() == list(shown.shown)


@pytest.mark.timeout(180)
def test_what_scripts_and_operators_are_shown_does_what_is_said(shell: Shell, server: Program) -> None:
    url = url_of(server)
    text = shown_by("echo").arguments[0]
    for nick in ("logger", "waiter"):  # so that they know the server
        with chatting(nick, url, shell.home / "udpchat") as first:
            first.end_input()
            assert first.code() == 0
    logger, waiter = (shell.start(shown_by("udpchat-client", nick), server=url) for nick in ("logger", "waiter"))
    with logger, waiter, chatting("watcher", url, shell.home / "watcher", "--follow") as watcher:
        wait_for(lambda: are_in(watcher, {"logger", "waiter"}), LIMIT_S, "logger and waiter are in")
        shell.run(shown_by("udpchat-client", "ci"), server=url, typed=f"{text}\n")
        assert text in waiter.communicate(timeout=LIMIT_S)[0]
        assert waiter.returncode == 0
        assert logger.stdout
        while (event := json.loads(logger.stdout.readline()))["event"] != "message":
            pass
        assert event["text"] == text
        logger.terminate()
    operate(shell, server, text)


@pytest.mark.timeout(180)
def test_the_commands_of_the_operator_do_what_is_said(shell: Shell, server: Program) -> None:
    url = url_of(server)
    for nick in ("alice", "bob"):
        with chatting(nick, url, shell.home / nick) as client:
            client.type(f"{nick} is here")
            client.end_input()
            assert client.code() == 0
    (shell.home / "server.toml").touch()
    lines = [one for one in SHOWN if one.program == "udpchat-server" and one.arguments[:1]]
    lines = [one for one in lines if one.arguments[0] in OPERATOR_COMMANDS]
    assert {one.arguments[0] for one in lines} == set(OPERATOR_COMMANDS)
    for shown in lines:
        if shown.arguments[0] == "doctor":
            continue  # this server is bound to the loopback, which the doctor reports: see tests/lan
        if shown.arguments[0] == "kick":
            with chatting("bob", url, shell.home / "bob", "--follow") as bob:
                bob.line(where='"connected"')
                shell.run(shown)
                bob.line(where="kicked")
        else:
            printed = shell.run(shown)
            assert (shown.arguments[0] in ("status", "bans", "audit", "invite", "account")) == bool(printed), shown.line
    assert server.code() == 0


def are_in(watcher: Program, nicks: set[str]) -> bool:
    """Whether these were in the lobby when the watcher was last told; asks again."""
    told = watcher.events("names")
    watcher.type("/names")
    return bool(told) and nicks <= set(told[-1]["members"])  # type: ignore[call-overload]


def operate(shell: Shell, server: Program, text: str) -> None:
    """The lines that work on the log: with the server, or as their comment says, without."""
    lines = [one for one in SHOWN if one.program in MODULES and one.arguments[:1] and one.arguments[0] in ON_THE_LOG]
    assert {one.arguments[0] for one in lines} == ON_THE_LOG
    running = [one for one in lines if one.comment == "while it runs"]
    for shown in running:
        shell.run(shown)
    server.process.terminate()
    assert server.code() == 0
    for shown in lines:
        if shown not in running:
            arguments = tuple("logger" if word == "alice" else word for word in shown.arguments)  # who was there
            printed = shell.run(replace(shown, arguments=arguments))
            assert text in printed or shown.arguments[0] != "export", shown.line


def as_lines(shown: str) -> re.Pattern[str]:
    """A line that is shown, at whatever time it is printed."""
    return re.compile(
        re.sub(r"\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\d", r"\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d", re.escape(shown))
    )


@pytest.mark.timeout(180)
def test_order_is_kept_as_shown(shell: Shell, server: Program) -> None:
    url, section = url_of(server), documents.section(README, "Keeping order")
    (session,) = (block for block in documents.sessions(section) if block[0].startswith("class> "))
    with Program("client", "--nick", "bob", "--server", url, "--data", shell.home / "bob", "--follow") as bob:
        bob.line(of=bob.err, where="-- connected")
        with Program("client", "--nick", "alice", "--server", url, "--data", shell.home / "alice", "--follow") as alice:
            alice.line(of=alice.err, where="-- connected")
            bob.line(where="alice joined")
            shell.run(shown_by("udpchat-server", "role"))
            alice.line(where="made alice an owner of this server")
            for person in (alice, bob):
                person.type("/join class")
                person.line(where=" joined class")
            for line in session:
                if line.startswith("class> "):
                    alice.type(line.removeprefix("class> "))
                    continue
                pattern = as_lines(line)
                while not pattern.fullmatch(alice.line()):
                    pass
                if "let bob in again" in line:
                    bob.type("/join class")
                    bob.line(where="bob joined")


@pytest.mark.timeout(180)
def test_another_device_logs_in_as_shown(shell: Shell, server: Program) -> None:
    url = url_of(server)
    password, login = (one for one in SHOWN if one.program == "udpchat-client" and "--password-file" in one.arguments)
    (shell.home / "secret.txt").write_text("correct horse battery\n", encoding="utf-8")
    with chatting("alice", url, shell.home / "udpchat") as first:
        first.end_input()
        assert first.code() == 0
    with shell.start(password, server=url) as started:
        told = started.communicate(timeout=LIMIT_S)[1]
    assert started.returncode == 0 and set(password.shown) <= set(told.splitlines())
    other = replace(login, arguments=(*login.arguments, "--data", str(shell.home / "other")))
    shell.run(other, server=url, typed="hi\n")
    with chatting("alice", url, shell.home / "udpchat") as known:
        known.type("/link")
        code = json.loads(known.line(where='"event": "code"'))["code"]
        linked = shown_by("udpchat-client", "--link")
        words = [code if word == linked.arguments[-1] else word for word in linked.arguments]
        with_code = replace(linked, arguments=(*words, "--data", str(shell.home / "third")))
        shell.run(with_code, server=url, typed="hi\n")
        known.type("/devices")
        devices = json.loads(known.line(where='"event": "devices"'))["devices"]
        assert len(devices) == 3
