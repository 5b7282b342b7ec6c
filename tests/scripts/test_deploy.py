"""What is in scripts/deploy fits the programs, and a server runs as it says."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.scripts import confined
from tests.shell.test_supervised_server import metrics_port_of
from tests.shell.waiting import LIMIT_S, Program, chatting, serving, url_of
from udpchat import parsers
from udpchat.wire.limits import DEFAULT_PORT

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "scripts" / "deploy"
UNIT = DEPLOY / "udpchat-server.service"
SYSUSERS = DEPLOY / "udpchat-server.sysusers"
CONTAINERFILE = DEPLOY / "Containerfile"
INSTALLED = "/opt/udpchat/bin/udpchat-server"
EXPOSURE_MAX = 20  # of 100: what systemd-analyze finds open; most units have 90


def settings(section: str) -> dict[str, list[str]]:
    """The values of each name in a section of the unit, in order."""
    found: dict[str, list[str]] = {}
    inside = ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line.strip("[]")
        elif inside == section and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def instructions() -> list[tuple[str, str]]:
    """The name and the rest of each instruction of the Containerfile."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines() if line]


def instruction(name: str) -> str:
    """The rest of the last instruction of this name."""
    return [rest for found, rest in instructions() if found == name][-1]


def server_options() -> set[str]:
    return {f"--{name}" for name in parsers.server_parser("udpchat-server").explained}


# --- systemd ----------


def test_the_unit_starts_a_server_with_options_that_there_are() -> None:
    (start,) = settings("Service")["ExecStart"]
    program, *words = shlex.split(start)
    given = parsers.server_parser("udpchat-server").parse_args(words)
    assert program == INSTALLED and {word for word in words if word.startswith("--")} <= server_options()
    (state,), (config,) = settings("Service")["StateDirectory"], settings("Service")["ConfigurationDirectory"]
    assert given.data == f"/var/lib/{state}" and Path(given.config).parent == Path(f"/etc/{config}")
    (manual,) = settings("Unit")["Documentation"]
    assert manual == "man:udpchat-server(1)" and (ROOT / "share" / "man" / "man1" / "udpchat-server.1").exists()


def test_the_user_of_the_unit_is_the_one_that_is_made() -> None:
    made = [line for line in SYSUSERS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    (user,) = settings("Service")["User"]
    assert [shlex.split(line)[:3] for line in made] == [["u", user, "-"]]
    assert settings("Service")["Group"] == [user] and shlex.split(made[0])[4] == f"/var/lib/{user}"


def test_the_unit_waits_for_the_server_and_watches_it() -> None:
    service = settings("Service")
    assert service["Type"] == ["notify"] and int(service["WatchdogSec"][0]) > 0
    assert service["ExecReload"] == ["kill -HUP $MAINPID"]
    assert service["RestartPreventExitStatus"] == ["2"]  # usage
    assert "AF_UNIX" in service["RestrictAddressFamilies"][0].split()  # or nothing could be told
    assert not {"ProcSubset", "PrivateUsers"} & set(service)  # the boot id, and who has the messages open


@pytest.fixture
def unit_here(tmp_path: Path) -> Path:
    """The unit with a program that is here, for systemd looks for it."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(INSTALLED, sys.executable), encoding="utf-8")
    return copy


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here to look at the unit")
    command = ["systemd-analyze", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_systemd_finds_nothing_wrong_with_the_unit(unit_here: Path) -> None:
    done = analyze("verify", "--man=no", unit_here)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_finds_little_that_the_unit_leaves_open(unit_here: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit_here)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def log_in_with_password(url: str, home: Path) -> None:
    """A second device of alice; to check her password takes memory and threads."""
    (home / "password").write_text("correct horse battery\n", encoding="utf-8")
    given = ("--password-file", str(home / "password"))
    words = ("client", "password", "--nick", "alice", "--server", url, "--data", str(home / "alice"))
    setting, logging_in = partial(Program, *words, *given), partial(chatting, "alice", url, home / "second", *given)
    for begin in (setting, logging_in):  # one after the other
        with begin() as program:
            program.end_input()
            assert program.code() == 0, program.rest_of(program.err)


def test_a_server_serves_searches_reloads_and_stops_with_no_more_than_the_unit_allows(tmp_path: Path) -> None:
    if reason := confined.why_not():
        pytest.skip(reason)
    words = ["server", "--bind", "127.0.0.1", "--port", "0", "--data", tmp_path / "server", "--metrics", "0"]
    with Program(UNIT, sys.executable, "-m", "udpchat", *words, module="tests.scripts.confined") as server:
        url, port = url_of(server), metrics_port_of(server)
        log_in_with_password(url, tmp_path)
        with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
            alice.type("hello")
            alice.line(where='"sent"')
            alice.type("/search hello")
            alice.line(where='"past"')
            subprocess.run(health_check(port), check=True, timeout=LIMIT_S)
            server.process.send_signal(signal.SIGHUP)
            server.line(of=server.err, where="log files reopened")
            server.process.terminate()
            assert server.code() == 0
    faults = [line for line in server.rest_of(server.err) if " error " in line or " warning " in line]
    assert not [line for line in faults if "unknown session" not in line], "a last ack may cross the goodbye"


# --- The container ----------


def health_check(port: int) -> list[str]:
    """The command of the container that says whether the server is well, for a server with its pages at this port."""
    _, _, command = instruction("HEALTHCHECK").partition("CMD ")
    program, *words = json.loads(command)
    assert program == "python"
    return [sys.executable, *(word.replace("9747", str(port)) for word in words)]


def test_the_container_runs_a_server_as_a_user_of_its_own_with_one_volume() -> None:
    program, *words = json.loads(instruction("ENTRYPOINT"))
    assert program == "udpchat-server" and {word for word in words if word.startswith("--")} <= server_options()
    user, volume = instruction("USER"), instruction("VOLUME")
    assert user not in ("", "root", "0") and f"useradd --system --uid 10001 --home-dir {volume} " in instruction("RUN")
    assert [name for name, _ in instructions()].count("VOLUME") == 1
    assert f"UDPCHAT_DATA={volume}" in instruction("ENV").split()
    assert instruction("EXPOSE") == f"{DEFAULT_PORT}/udp"


def test_the_container_has_what_it_installs_and_says_which_network_it_needs() -> None:
    (install,) = (rest for name, rest in instructions() if name == "RUN" and "pip" in rest)
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extra = re.findall(r"/checkout\[(\w+)\]", install)
    assert extra and set(extra) <= set(config["options.extras_require"])
    starts = config["options.entry_points"]["console_scripts"]
    assert json.loads(instruction("ENTRYPOINT"))[0] in starts
    comment = CONTAINERFILE.read_text(encoding="utf-8").partition("\nFROM")[0]
    assert "--network host" in comment and "broadcast" in comment


def test_the_health_check_of_the_container_is_right(tmp_path: Path) -> None:
    with serving(tmp_path, "--metrics", "0") as server:
        url_of(server)
        command = health_check(metrics_port_of(server))
        assert subprocess.run(command, timeout=LIMIT_S, check=False).returncode == 0
        server.process.terminate()
        server.process.wait(LIMIT_S)
        assert subprocess.run(command, stderr=subprocess.DEVNULL, timeout=LIMIT_S, check=False).returncode == 1
