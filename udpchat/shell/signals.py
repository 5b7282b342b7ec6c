"""Signals, handled alike on every system: the handler wakes the loop, and the loop acts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

from udpchat.chat.exit_codes import ExitCode

STOPPING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)  # SIGBREAK: Windows


def exit_code_of(number: int) -> ExitCode:
    """The exit code after a signal: 128 plus its number; SIGBREAK counts as SIGINT."""
    return ExitCode(128 + number) if 128 + number in list(ExitCode) else ExitCode.INTERRUPTED


class Signals:
    """Calls `on_signal(number)` in the loop for each signal taken. Made in the main thread, and closed there.

    The second of the STOPPING signals calls `before_exit` and ends the process at once with `exit_at_once(number)`, so
    that a program that hangs can be ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_signal: Callable[[int], None],
        *,
        exit_at_once: Callable[[int], int] = exit_code_of,
        before_exit: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._on_signal = on_signal
        self._exit_at_once = exit_at_once
        self._before_exit = before_exit
        self._is_stopping = False
        self._former: dict[int, Any] = {}
        self._inside, self._outside = socket.socketpair()
        for end in (self._inside, self._outside):
            end.setblocking(False)
        loop.add_reader(self._inside, self._on_woken)
        # A selector that waits notices a signal by this byte only, on Windows at least.
        self._former_wakeup = signal.set_wakeup_fd(self._outside.fileno(), warn_on_full_buffer=False)

    def take(self, *numbers: int) -> None:
        """Handle these signals from now on."""
        for number in numbers:
            former = signal.signal(number, self._note)
            self._former.setdefault(number, former)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in STOPPING:
            if self._is_stopping:
                self._before_exit()
                os._exit(self._exit_at_once(number))
            self._is_stopping = True
        self._loop.call_soon_threadsafe(self._on_signal, number)

    def _on_woken(self) -> None:
        with suppress(OSError):
            while self._inside.recv(4096):
                pass

    def close(self) -> None:
        """Restore the former handlers."""
        signal.set_wakeup_fd(self._former_wakeup)
        for number, former in self._former.items():
            signal.signal(number, former)
        self._loop.remove_reader(self._inside)
        self._inside.close()
        self._outside.close()
