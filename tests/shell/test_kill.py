"""Nothing that was confirmed is lost, doubled or out of order, however often server and client are killed.

Real processes on a line that loses 5 % of all datagrams each way; what they share at the end is compared with the log.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from queue import Empty
from random import Random

import pytest

from tests.shell.waiting import LIMIT_S, Program, chatting, free_port
from udpchat.shell.addresses import parse_server
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.wire.content import Message
from udpchat.wire.frames import parse_entry_untrusted

KILLS = 50
APART_S = 0.3  # at most, between two kills: one of the server, one of a client
LINE_EVERY_S = 0.03

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot fork")


class Reborn(Program):
    """A program that is started again whenever it is killed."""

    def __init__(self, *arguments: str | Path) -> None:
        super().__init__(*arguments, module="tests.shell.reborn")
        self.lines: list[str] = []  # that were looked at

    def pid(self) -> int:
        """The child that began last, once it has begun; all lines before are passed over."""
        found = None
        while found is None:
            found = re.fullmatch(r"pid ([0-9]+)", self.next_line())
        return int(found[1])

    def __exit__(self, *reason: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its child too
        super().__exit__(*reason)

    def next_line(self) -> str:
        try:
            line = self.out.get(timeout=LIMIT_S)
        except Empty:
            raise AssertionError(f"no line within {LIMIT_S} s after {self.lines[-5:]}") from None
        assert line or self.process.poll() is None, f"it was not started again: {self.rest_of(self.err)[-20:]}"
        self.lines.append(line)
        return line


@contextmanager
def relayed(port: int) -> Iterator[int]:
    """A port of this machine from which a bad line leads to that one."""
    arguments = ("--listen", "0", "--to", f"127.0.0.1:{port}", "--loss", "5%", "--seed", "1")
    with Program(*arguments, script="lossy") as relay:
        yield int(relay.line(where="ready ").rsplit(":", 1)[1])


class Talker:
    """Types numbered lines at a steady pace until told to stop."""

    def __init__(self, program: Program, nick: str) -> None:
        self.typed: list[str] = []
        self._program = program
        self._nick = nick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._type, daemon=True)
        self._thread.start()

    def _type(self) -> None:
        for number in count():
            if self._stopped.wait(LINE_EVERY_S):
                return
            self.typed.append(f"{self._nick} {number}")
            self._program.type(self.typed[-1])

    def stop(self) -> None:
        """And end the input."""
        self._stopped.set()
        self._thread.join(LIMIT_S)
        self._program.end_input()


def events_of(lines: list[str]) -> list[dict]:
    """What was printed; a line that a kill has cut is no line."""
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [event for event in found if isinstance(event, dict)]


def shown_of(events: list[dict], kind: str) -> list[tuple[int, str]]:
    return [(event["seq"], event["text"]) for event in events if event["event"] == kind]


def logged(data: Path) -> dict[int, Message]:
    """All that the room's log holds, by sequence."""
    with closing(SqliteLog(data / "server.sqlite")) as log:
        extent = log.extent("#lobby")
        entries = log.read("#lobby", 1, extent.head)
    assert extent.base == 0
    found = {sequence: parse_entry_untrusted(entry) for sequence, entry in enumerate(entries, 1)}
    assert all(isinstance(entry, Message) for entry in found.values())
    return found  # type: ignore[return-value]


@pytest.mark.timeout(180)
def test_whatever_is_killed_nothing_confirmed_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    port = free_port()
    random = Random(29)
    data = tmp_path / "server"
    with Reborn("server", "--bind", "127.0.0.1", "--port", str(port), "--data", data) as server, relayed(port) as line:
        server_pid = server.pid()
        fingerprint = parse_server(server.line(where="ready ").removeprefix("ready ")).fingerprint
        url = f"udpchat://127.0.0.1:{line}#{fingerprint}"
        options = ("--nick", "carol", "--server", url, "--data", tmp_path / "carol", "--json", "--timeout", "150")
        with (
            chatting("alice", url, tmp_path / "alice") as alice,
            chatting("bob", url, tmp_path / "bob") as bob,
            Reborn("client", *options) as carol,
        ):
            carol_pid = carol.pid()
            talkers = {name: Talker(one, name) for name, one in (("alice", alice), ("bob", bob), ("carol", carol))}
            alice.line(where='"sent"')
            pause = threading.Event()
            for _ in range(KILLS):
                pause.wait(random.uniform(0, APART_S))
                os.kill(server_pid, signal.SIGKILL)
                server_pid = server.pid()
                pause.wait(random.uniform(0, APART_S))
                os.kill(carol_pid, signal.SIGKILL)
                carol_pid = carol.pid()
            for talker in talkers.values():
                talker.stop()
            assert [one.code(60) for one in (alice, bob, carol)] == [0, 0, 0]
            printed = {
                "alice": alice.rest_of(alice.out),
                "bob": bob.rest_of(bob.out),
                "carol": carol.lines + carol.rest_of(carol.out),
            }
        with chatting("dave", url, tmp_path / "dave", "--history", "10000") as dave:
            dave.end_input()
            assert dave.code() == 0
            history = shown_of(events_of(dave.rest_of(dave.out)), "message")
        os.kill(server_pid, signal.SIGTERM)
        assert server.code() == 0
    log = logged(data)
    assert history == [(at, entry.text) for at, entry in log.items()]
    check(log, {name: events_of(lines) for name, lines in printed.items()}, talkers)


def check(log: dict[int, Message], events: dict[str, list[dict]], talkers: dict[str, Talker]) -> None:
    """Each once, in the order of its author, where it was said to be, and every outbox has arrived."""
    texts = [entry.text for entry in log.values()]
    assert len(set(texts)) == len(texts)
    for name, talker in talkers.items():
        own = [entry.text for entry in log.values() if entry.nick == name]
        numbers = [int(text.split()[1]) for text in own]
        assert numbers == sorted(numbers)
        if name != "carol":  # who was never killed has lost nothing that was typed
            assert own == talker.typed
        for sequence, text in shown_of(events[name], "sent") + shown_of(events[name], "message"):
            assert log[sequence].text == text
    for name in ("alice", "bob"):
        sequences = [event["seq"] for event in events[name] if event["event"] in ("message", "sent")]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    left = [text for event in events["carol"] if event["event"] == "outbox" for text in event["texts"]]
    assert left and set(left) <= set(texts)
