"""Tells systemd, or another manager of services, how this process is: the protocol of `Type=notify` (sd_notify(3)).

Each message is a datagram with lines `NAME=value` to the socket that NOTIFY_SOCKET names. Without that variable
nothing is sent. What cannot be sent is not: a manager that does not listen is no reason to stop.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

WATCHDOG_SHARE: Final = 0.5  # of the time that systemd waits: so often it hears of us, as sd_watchdog_enabled(3) says


class SystemdNotices:
    """What systemd is told; `environment` says where it listens, and how often it wants a sign of life.

    The sign comes from `loop`: a loop that hangs gives none, and the process is started anew.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, environment: Mapping[str, str]) -> None:
        self._loop = loop
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(environment) if self._address else 0.0
        self._timer: asyncio.TimerHandle | None = None

    def ready(self, status: str) -> None:
        """It serves, also once more after a reload; `status` is one line for `systemctl status`."""
        self._send("READY=1", f"STATUS={status}")
        if self._watchdog_s and self._timer is None:
            self._sign_of_life()

    def say(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def reloading(self) -> None:
        """It takes over settings; `ready` follows."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It stops."""
        if self._timer is not None:
            self._timer.cancel()
        self._send("STOPPING=1")

    def _sign_of_life(self) -> None:
        self._send("WATCHDOG=1")
        self._timer = self._loop.call_later(self._watchdog_s, self._sign_of_life)

    def _send(self, *lines: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        name = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address  # @: no file, Linux only
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
            made.setblocking(False)
            made.sendto("\n".join(lines).encode(), name)


def _watchdog_s(environment: Mapping[str, str]) -> float:
    """How long to wait between two signs of life; 0 if none is wanted of this process."""
    wanted, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or process not in ("", str(os.getpid())):
        return 0.0
    return int(wanted) / 1e6 * WATCHDOG_SHARE
