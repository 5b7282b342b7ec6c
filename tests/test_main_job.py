"""The main job, on real input: a server and eight client processes through a relay that ruins the network both ways."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
LIMIT_S = 20.0  # from the first line typed to the last line printed everywhere
PEERS, LINES = 8, 40


class Program:
    """A process of ours, its output in files, so that no pipe fills up."""

    def __init__(self, folder: Path, name: str, *command: str, typed: str | None = None) -> None:
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=out, stderr=err, text=True)
        if typed is not None:
            self.type(typed)

    def type(self, text: str) -> None:
        """What a person types, up to and with line breaks."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def lines(self) -> list[str]:
        """Whole lines printed so far."""
        return self.out.read_text(encoding="utf-8").rpartition("\n")[0].split("\n")

    def events(self, *kinds: str) -> list[dict[str, object]]:
        """JSON events printed so far, of these kinds."""
        happened = [json.loads(line) for line in self.lines() if line]
        return [event for event in happened if event["event"] in kinds]

    def end(self) -> None:
        """Gone, however it is."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def wait_for(condition: Callable[[], T], limit_s: float, what: str) -> T:
    """What `condition` yields as soon as it is true."""
    end = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        time.sleep(0.02)  # between looks at a condition, within a bound
    return result


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in reversed(programs):
        program.end()


def ready(program: Program) -> str:
    """The address on the line that says that a program serves."""
    line = wait_for(lambda: [line for line in program.lines() if line.startswith("ready ")], 20, "ready")[0]
    return str(line.split()[1])


def serve(started: list[Program], folder: Path, *options: str) -> str:
    """A server on any free port; its address."""
    command = (sys.executable, "-m", "udpchat", "server", "--bind", "127.0.0.1", "--port", "0")
    started.append(Program(folder, "server", *command, "--data", str(folder / "server"), *options))
    return ready(started[-1])


def join(started: list[Program], folder: Path, nick: str, server: str, *options: str) -> Program:
    """A client in JSON mode that stays."""
    command = (sys.executable, "-m", "udpchat", "client", "--nick", nick, "--server", server, "--json", "--follow")
    started.append(Program(folder, nick, *command, "--data", str(folder / nick), *options))
    return started[-1]


@pytest.mark.timeout(120)
def test_eight_people_on_a_ruined_network_read_everything_once_in_one_order(
    started: list[Program], tmp_path: Path
) -> None:
    address = serve(started, tmp_path).removeprefix("udpchat://").partition("#")[0]
    faults = ("--loss", "0.2", "--duplicate", "0.1", "--reorder", "0.25", "--reorder-ms", "40", "--corrupt", "0.03")
    relay = (sys.executable, "scripts/lossy", "--listen", "0", "--to", address, *faults, "--seed", "1")
    started.append(Program(tmp_path, "lossy", *relay))
    lossy = started[-1]
    through = ready(lossy)
    people = [join(started, tmp_path, f"person{number}", through) for number in range(PEERS)]
    wait_for(lambda: all(person.events("connected") for person in people), 60, "all are in")

    begun = time.monotonic()
    for number, person in enumerate(people):
        person.type("".join(f"line {line} of person{number}\n" for line in range(LINES)))
    wait_for(lambda: all(len(p.events("message", "sent")) >= PEERS * LINES for p in people), 60, "all lines everywhere")
    took_s = time.monotonic() - begun

    seen = [[(event["seq"], event["text"]) for event in person.events("message", "sent")] for person in people]
    assert [seq for seq, _ in seen[0]] == list(range(1, PEERS * LINES + 1))
    assert all(one == seen[0] for one in seen)
    for number, person in enumerate(people):
        own = [f"line {line} of person{number}" for line in range(LINES)]
        assert [event["text"] for event in person.events("sent")] == own
        assert [text for _, text in seen[0] if str(text).endswith(f"of person{number}")] == own
    assert took_s <= LIMIT_S
    lossy.process.send_signal(signal.SIGTERM)
    lossy.process.wait(timeout=10)
    assert "lost=" in lossy.out.read_text(), "the relay tells what it did"


@pytest.mark.timeout(60)
def test_who_is_killed_is_announced_as_timed_out_and_who_quits_at_once(started: list[Program], tmp_path: Path) -> None:
    expiry_s = 3.0
    address = serve(started, tmp_path, "--heartbeat", "1", "--expiry", str(expiry_s))
    watcher = join(started, tmp_path, "watcher", address)
    wait_for(lambda: watcher.events("connected"), 20, "the watcher is in")
    quitter, killed = (join(started, tmp_path, nick, address) for nick in ("quitter", "killed"))
    wait_for(lambda: len(watcher.events("joined")) == 2 and killed.events("connected"), 20, "all are in")

    quitter.type("/quit\n")
    begun = time.monotonic()
    wait_for(lambda: watcher.events("left"), 10, "the quit")
    assert time.monotonic() - begun <= 1.0 and watcher.events("left")[0]["reason"] == "quit"
    assert quitter.process.wait(timeout=10) == 0

    killed.process.kill()
    begun = time.monotonic()
    wait_for(lambda: len(watcher.events("left")) == 2, 20, "the expiry")
    assert time.monotonic() - begun <= expiry_s + 1.0
    assert watcher.events("left")[1] == {"event": "left", "room": "lobby", "nick": "killed", "reason": "timed out"}

    command = (sys.executable, "-m", "udpchat", "client", "--nick", "killed", "--server", address, "--json")
    other = Program(tmp_path, "thief", *command, "--data", str(tmp_path / "elsewhere"))
    started.append(other)
    assert other.process.wait(timeout=20) == 4, "the nick stays with its key"
