"""The main job, on real input: a server and eight client processes through a relay that ruins the network both ways."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.shell.waiting import Program, chatting, serving, wait_for

LIMIT_S = 20.0  # from the first line typed to the last line printed everywhere
PEERS, LINES = 8, 40


@pytest.fixture
def started() -> Iterator[list[Program]]:
    """Programs, ended with the test, the last one first."""
    programs: list[Program] = []
    with ExitStack() as stack:
        yield programs
        for program in programs:
            stack.enter_context(program)


def ready(program: Program) -> str:
    """The address on the line that says that a program serves."""
    return program.line(where="ready ").split()[1]


def serve(started: list[Program], folder: Path, *options: str) -> str:
    """A server on any free port; its address."""
    started.append(serving(folder / "server", *options))
    return ready(started[-1])


def join(started: list[Program], folder: Path, nick: str, server: str, *options: str) -> Program:
    """A client in JSON mode that stays."""
    started.append(chatting(nick, server, folder / nick, "--follow", *options))
    return started[-1]


@pytest.mark.timeout(120)
def test_eight_people_on_a_ruined_network_read_everything_once_in_one_order(
    started: list[Program], tmp_path: Path
) -> None:
    address = serve(started, tmp_path).removeprefix("udpchat://").partition("#")[0]
    faults = ("--loss", "0.2", "--duplicate", "0.1", "--reorder", "0.25", "--reorder-ms", "40", "--corrupt", "0.03")
    lossy = Program("--listen", "0", "--to", address, *faults, "--seed", "1", script="lossy")
    started.append(lossy)
    through = ready(lossy)
    people = [join(started, tmp_path, f"person{number}", through) for number in range(PEERS)]
    wait_for(lambda: all(person.events("connected") for person in people), 60, "all are in")

    begun = time.monotonic()
    for number, person in enumerate(people):
        person.type(*(f"line {line} of person{number}" for line in range(LINES)))
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
    assert any("lost=" in line for line in lossy.rest_of(lossy.out)), "the relay tells what it did"


@pytest.mark.timeout(120)
def test_who_is_killed_is_announced_as_timed_out_and_who_quits_at_once(started: list[Program], tmp_path: Path) -> None:
    expiry_s = 3.0
    address = serve(started, tmp_path, "--heartbeat", "1", "--expiry", str(expiry_s))
    watcher = join(started, tmp_path, "watcher", address)
    wait_for(lambda: watcher.events("connected"), 20, "the watcher is in")
    quitter, killed = (join(started, tmp_path, nick, address) for nick in ("quitter", "killed"))
    wait_for(lambda: len(watcher.events("joined")) == 2 and killed.events("connected"), 20, "all are in")

    quitter.type("/quit")
    begun = time.monotonic()
    wait_for(lambda: watcher.events("left"), 10, "the quit")
    assert time.monotonic() - begun <= 1.0 and watcher.events("left")[0]["reason"] == "quit"
    assert quitter.process.wait(timeout=10) == 0

    killed.process.kill()
    begun = time.monotonic()
    wait_for(lambda: len(watcher.events("left")) == 2, 20, "the expiry")
    assert time.monotonic() - begun <= expiry_s + 1.0
    assert watcher.events("left")[1] == {"event": "left", "room": "lobby", "nick": "killed", "reason": "timed out"}

    other = chatting("killed", address, tmp_path / "elsewhere")
    started.append(other)
    assert other.process.wait(timeout=20) == 4, "the nick stays with its key"
