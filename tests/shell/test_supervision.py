"""What a server reports to those who look at it: in order, and as long as it runs."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import pytest

from tests.shell.test_metrics import TAKEN
from tests.shell.test_systemd import manager_at, told
from tests.shell.waiting import run_until
from udpchat.shell import supervision
from udpchat.shell.addresses import ListenAddress
from udpchat.shell.http_pages import open_http_socket
from udpchat.shell.net.endpoint import EndpointError
from udpchat.shell.supervision import Supervision

posix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd and its sockets are not here")
READY = "READY=1\nSTATUS=3 devices connected, 2 rooms open"


@posix
def test_the_manager_of_services_hears_of_it_in_order(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "EVERY_S", 0.02)
    minutes: list[None] = []
    with manager_at(str(tmp_path / "notify")) as listening:
        made = Supervision(
            loop,
            metrics=None,
            take=lambda: TAKEN,
            on_minute=lambda: minutes.append(None),
            environment={"NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        assert told(listening) == []
        made.start()
        assert (told(listening), len(minutes)) == ([READY], 1)
        run_until(loop, lambda: len(minutes) > 1)
        assert set(told(listening)) == {"STATUS=3 devices connected, 2 rooms open"}
        made.reload(lambda: minutes.clear())
        reloading, ready = told(listening)
        assert reloading.startswith("RELOADING=1\n") and (ready, minutes) == (READY, [])
        made.stop()
        assert told(listening) == ["STOPPING=1"]
        loop.run_until_complete(asyncio.sleep(0.03))  # a timer that was left would be due before
        assert (told(listening), minutes) == ([], [])


@posix
def test_a_reload_that_fails_is_over_too(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    with manager_at(str(tmp_path / "notify")) as listening:
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        taken = TAKEN.changed(trouble="there is no room on the disk")
        made = Supervision(
            loop, metrics=None, take=lambda: taken, on_minute=lambda: None, environment=environment
        )
        with pytest.raises(ZeroDivisionError):
            made.reload(lambda: 1 // 0)
        assert told(listening)[1] == "READY=1\nSTATUS=messages are refused: there is no room on the disk"


def test_where_the_pages_are_is_logged(loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "udpchat")
    made = Supervision(
        loop,
        metrics=ListenAddress("127.0.0.1", 0),
        take=lambda: TAKEN,
        on_minute=lambda: None,
        environment={},
    )
    made.start()
    made.stop()
    made.stop()
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("answering at http://127.0.0.1:") and line.endswith("/healthz")


def test_a_port_that_somebody_has_keeps_it_from_starting(loop: asyncio.AbstractEventLoop) -> None:
    with open_http_socket("127.0.0.1", 0) as other:
        place = ListenAddress("127.0.0.1", other.getsockname()[1])
        with pytest.raises(EndpointError, match="is in use"):
            Supervision(loop, metrics=place, take=lambda: TAKEN, on_minute=lambda: None, environment={})
