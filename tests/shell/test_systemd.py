"""What a manager of services is told: over a real socket, in order."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shell.waiting import run_until
from udpchat.shell.systemd import SystemdNotices

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd and its sockets are not here")


@contextmanager
def manager_at(name: str) -> Iterator[socket.socket]:
    """The socket of a manager; `@name` is one without a file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        made.setblocking(False)
        yield made


def told(listening: socket.socket) -> list[str]:
    """What it was told since the last time."""
    found = []
    while True:
        try:
            found.append(listening.recv(4_096).decode())
        except BlockingIOError:
            return found


def test_it_is_told_of_start_reload_and_end(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    with manager_at(str(tmp_path / "notify")) as listening:
        notices = SystemdNotices(loop, {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        notices.ready("serving")
        before_us = time.monotonic_ns() // 1000
        notices.reloading()
        notices.ready("serving")
        notices.say("12 devices connected")
        notices.stopping()
        first, reloading, *rest = told(listening)
    assert [first, *rest] == [
        "READY=1\nSTATUS=serving", "READY=1\nSTATUS=serving", "STATUS=12 devices connected", "STOPPING=1",
    ]  # fmt: skip
    begun, moment = reloading.split("\n")
    assert begun == "RELOADING=1" and int(moment.removeprefix("MONOTONIC_USEC=")) >= before_us


@pytest.mark.skipif(os.name == "nt" or not Path("/proc").exists(), reason="only Linux has sockets without a file")
def test_a_socket_without_a_file_is_found(loop: asyncio.AbstractEventLoop) -> None:
    name = f"@udpchat-{os.getpid()}"
    with manager_at(name) as listening:
        SystemdNotices(loop, {"NOTIFY_SOCKET": name}).ready("")
        assert told(listening) == ["READY=1\nSTATUS="]


def test_signs_of_life_come_twice_as_often_as_wanted_and_end_with_it(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "40000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    signs: list[str] = []
    with manager_at(environment["NOTIFY_SOCKET"]) as listening:
        notices = SystemdNotices(loop, environment)
        notices.ready("")
        notices.ready("")  # after a reload: no second series
        began = loop.time()
        run_until(loop, lambda: signs.extend(told(listening)) or signs.count("WATCHDOG=1") >= 4)
        assert loop.time() - began >= 3 * 0.02
        notices.stopping()
        told(listening)
        loop.run_until_complete(asyncio.sleep(0.05))  # a timer that was left would be due before
        assert told(listening) == []


@pytest.mark.parametrize(
    "extra", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "10000", "WATCHDOG_PID": "1"}]
)
def test_where_none_is_wanted_of_this_process_there_is_no_sign_of_life(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, extra: dict[str, str]
) -> None:
    with manager_at(str(tmp_path / "notify")) as listening:
        SystemdNotices(loop, {"NOTIFY_SOCKET": str(tmp_path / "notify"), **extra}).ready("")
        loop.run_until_complete(asyncio.sleep(0.03))  # a sign of life would be due before
        assert told(listening) == ["READY=1\nSTATUS="]


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "vsock:2:1234", "@nobody-listens-here"])
def test_a_manager_that_is_not_there_is_no_reason_to_stop(loop: asyncio.AbstractEventLoop, name: str) -> None:
    notices = SystemdNotices(loop, {"NOTIFY_SOCKET": name} if name else {})
    notices.ready("")
    notices.stopping()
