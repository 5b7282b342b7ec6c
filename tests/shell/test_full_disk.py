"""A server whose disk is full: it says so, goes on answering, and carries on when there is room again."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from queue import Empty

import pytest

from tests.shell.test_monitoring import got_meanwhile
from tests.shell.waiting import LIMIT_S, Program, chatting, free_port, run_until
from tests.storage.entries import Disk
from udpchat.shell.options import server_options
from udpchat.shell.server_app import Service
from udpchat.storage import tables

ROOM_BYTES = 2**30
LONG = "x" * 12_000  # more than what is left in the pages that the file has


class Reading:
    """What a client has printed, while the loop of this process runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, program: Program) -> None:
        self._loop = loop
        self._program = program
        self.events: list[dict] = []

    def wait(self, event: str, **fields: str) -> dict:
        """The first event, of all so far and to come, of this kind with these fields (or the starts of them)."""
        run_until(self._loop, lambda: self._find(event, fields))
        found = self._find(event, fields)
        assert found is not None
        return found

    def _find(self, event: str, fields: dict[str, str]) -> dict | None:
        while True:
            try:
                self.events.append(json.loads(self._program.out.get_nowait() or "{}"))
            except Empty:
                break
        wanted = {"event": event, **fields}
        for found in self.events:
            if all(str(found.get(name, "")).startswith(value) for name, value in wanted.items()):
                return found
        return None

    def texts(self, event: str) -> list[str]:
        return [found["text"][:5] for found in self.events if found.get("event") == event]


def wait_until_well(loop: asyncio.AbstractEventLoop, metrics: int) -> None:
    """A page may show what was so a second ago."""
    end = loop.time() + LIMIT_S
    while got_meanwhile(loop, metrics, "/healthz")[0] != 200:
        assert loop.time() < end, "it is well again"


@pytest.mark.timeout(120)
def test_a_full_disk_refuses_authors_keeps_their_words_and_serves_all_else_until_there_is_room(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, port = Disk(), free_port()
    monkeypatch.setattr(tables, "connect", disk.connect)
    metrics = free_port(socket.SOCK_STREAM)
    given = {"bind": "127.0.0.1", "port": str(port), "data": str(tmp_path / "server"), "metrics": str(metrics)}
    options = server_options(given, {})
    service, url = Service(loop, options), f"127.0.0.1:{port}"
    running = loop.create_task(service.run())
    with (
        chatting("alice", url, tmp_path / "alice", "--follow") as typing,
        chatting("bob", url, tmp_path / "bob", "--follow") as other,
    ):
        alice, bob = Reading(loop, typing), Reading(loop, other)
        bob.wait("connected")
        typing.type("first")
        alice.wait("sent", text="first")
        bob.wait("message", text="first")
        disk.limit(1)
        typing.type(f"again{LONG}", "later")
        assert "no room" in alice.wait("error", code="unwritable")["text"]
        status, _, health = got_meanwhile(loop, metrics, "/healthz")
        assert status == 503 and json.loads(health)["reason"] == "there is no room on the disk"
        other.type("/names", "/whois alice", "/history", "/search first")
        bob.wait("names")
        bob.wait("notice", code="whois")
        for _ in ("history", "search"):
            past = bob.wait("past")
            assert [message["text"] for message in past["messages"]] == ["first"]
            bob.events.remove(past)
        assert alice.texts("sent") == ["first"]
        disk.limit(ROOM_BYTES)
        assert "stored again" in alice.wait("notice", code="writable")["text"]
        wait_until_well(loop, metrics)
        alice.wait("sent", text="later")
        bob.wait("message", text="later")
        assert alice.texts("sent") == ["first", "again", "later"]
        assert bob.texts("message")[-2:] == ["again", "later"]
        signal.raise_signal(signal.SIGTERM)
        assert loop.run_until_complete(asyncio.wait_for(running, 10)) == 0
    told = [record.message for record in caplog.records if "stored" in record.message]
    assert len(told) == 2, told
    assert told[0] == "messages are refused, because they cannot be stored: there is no room on the disk"
    assert told[1].startswith("messages are stored again, after ")
