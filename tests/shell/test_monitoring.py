"""The pages of a server: they say what its loop says, and that it does not answer if it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.shell.test_http_pages import get
from tests.shell.test_metrics import TAKEN
from tests.shell.waiting import run_until
from udpchat.shell import monitoring
from udpchat.shell.http_pages import open_http_socket
from udpchat.shell.monitoring import Monitoring
from udpchat.shell.snapshot import Snapshot


def got_meanwhile(loop: asyncio.AbstractEventLoop, port: int, path: str) -> tuple[int, str, bytes]:
    """A page, asked for by another thread while the loop runs."""
    with ThreadPoolExecutor(1) as others:
        asked: Future[tuple[int, str, bytes]] = others.submit(get, port, path)
        run_until(loop, asked.done)
        return asked.result()


class Watched:
    """A server that is watched, and how often a snapshot was taken of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = TAKEN
        self.taken = 0
        listening = open_http_socket("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        self.pages = Monitoring(loop, listening, self.take)
        self.pages.start()

    def take(self) -> Snapshot:
        self.taken += 1
        if self.now is None:
            raise ValueError("a bug")
        return self.now

    def get(self, path: str) -> tuple[int, str, bytes]:
        return got_meanwhile(self.loop, self.port, path)

    def health(self) -> tuple[int, dict[str, Any]]:
        status, kind, body = self.get("/healthz")
        assert kind == "application/json" and body.endswith(b"}\n")
        return status, json.loads(body)


@pytest.fixture
def watched(loop: asyncio.AbstractEventLoop) -> Iterator[Watched]:
    made = Watched(loop)
    yield made
    made.pages.close()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(monitoring, "KEPT_S", 0.0)


def test_a_server_that_can_write_is_well(watched: Watched) -> None:
    status, found = watched.health()
    assert status == 200 and found["ok"] is True and found["reason"] == ""
    assert (found["uptime_s"], found["peers"], found["rooms"]) == (61.5, 3, 2)


def test_a_server_that_cannot_write_says_why_and_its_numbers_go_on(watched: Watched) -> None:
    watched.now = TAKEN.changed(trouble="there is no room on the disk")
    status, found = watched.health()
    assert (status, found["ok"], found["reason"]) == (503, False, "there is no room on the disk")
    status, kind, body = watched.get("/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b"\nudpchat_writable 0.0\n" in body


def test_however_many_ask_one_snapshot_a_second_is_taken(watched: Watched, fresh: Callable[[], None]) -> None:
    for _ in range(3):
        watched.get("/metrics")
        watched.health()
    assert watched.taken == 1
    fresh()
    watched.health()
    assert watched.taken == 2


def test_a_server_that_hangs_is_not_well(
    loop: asyncio.AbstractEventLoop, watched: Watched, monkeypatch: pytest.MonkeyPatch, fresh: Callable[[], None]
) -> None:
    """Its loop is that of this test, which does not run meanwhile. It is asked once, however many want to know."""
    monkeypatch.setattr(monitoring, "ANSWER_S_MAX", 0.1)
    for _ in range(3):
        status, _, body = get(watched.port, "/healthz")
        found = json.loads(body)
        assert (status, found["ok"], found["reason"]) == (503, False, "the server has not answered for 0.1 s")
    assert get(watched.port, "/metrics")[0] == 503
    fresh()
    monkeypatch.setattr(monitoring, "ANSWER_S_MAX", 5.0)
    assert watched.health()[0] == 200
    assert watched.taken <= 2  # for the four that got no answer, and for the last


def test_a_server_that_has_stopped_is_not_well(loop: asyncio.AbstractEventLoop, watched: Watched) -> None:
    loop.close()
    status, _, body = get(watched.port, "/healthz")
    assert (status, json.loads(body)["reason"]) == (503, "the server has stopped")


def test_a_bug_in_the_numbers_is_a_page_less_and_no_end(watched: Watched) -> None:
    watched.now = None  # type: ignore[assignment]
    assert watched.get("/metrics") == (503, "text/plain; charset=utf-8", b"internal error: ValueError: a bug\n")
