"""The pages `/metrics` and `/healthz`: whoever watches a server asks its loop for a snapshot, at most once a second.

That the loop answers is part of what `/healthz` says: a server that hangs is not well.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any, Final

from udpchat import __version__
from udpchat.chat.text import json_line
from udpchat.shell.http_pages import PLAIN, HttpPage, HttpPages
from udpchat.shell.memory import resident_bytes
from udpchat.shell.metrics import CONTENT_TYPE, prometheus_text
from udpchat.shell.snapshot import Snapshot

KEPT_S: Final = 1.0  # a snapshot is shown so long, however many ask
ANSWER_S_MAX: Final = 2.0  # for the loop of the server
JSON: Final = "application/json"


class NoAnswer(Exception):
    """The server gives no snapshot; one line that says why."""


class Monitoring(HttpPages):
    """Serves the pages at `listening` from a thread. `take` is called in `loop`, which is that of the server."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, take: Callable[[], Snapshot]
    ) -> None:
        super().__init__(listening, {"/metrics": self._metrics, "/healthz": self._health})
        self._server_loop = loop
        self._take = take
        self._latest: Future[Snapshot] | None = None
        self._asked_at = 0.0

    # --- In the thread of the pages ----------

    async def _metrics(self) -> HttpPage:
        try:
            snapshot = await self._snapshot()
        except NoAnswer as error:
            return HttpPage(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, f"{error}\n".encode())
        return HttpPage(HTTPStatus.OK, CONTENT_TYPE, prometheus_text(snapshot, memory_bytes=resident_bytes()))

    async def _health(self) -> HttpPage:
        found: dict[str, Any] = {"version": __version__}
        try:
            snapshot = await self._snapshot()
            reason = snapshot.trouble
            found |= {"uptime_s": round(snapshot.uptime_s, 1), "peers": snapshot.peers, "rooms": snapshot.rooms}
        except NoAnswer as error:
            reason = str(error)
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        return HttpPage(status, JSON, f"{json_line({'ok': not reason, 'reason': reason, **found})}\n".encode())

    async def _snapshot(self) -> Snapshot:
        """The one that was asked for last if that is not too old, else a new one. Raises `NoAnswer`."""
        latest = self._latest
        if latest is None or (latest.done() and time.monotonic() > self._asked_at + KEPT_S):
            latest = self._latest = Future()
            self._asked_at = time.monotonic()
            try:
                self._server_loop.call_soon_threadsafe(self._give, latest, self._asked_at)
            except RuntimeError:
                latest.set_exception(NoAnswer("the server has stopped"))
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await asyncio.shield(asyncio.wrap_future(latest))  # others wait for the same one
        except TimeoutError:
            raise NoAnswer(f"the server has not answered for {ANSWER_S_MAX:g} s") from None

    # --- In the loop of the server ----------

    def _give(self, asked: Future[Snapshot], asked_at: float) -> None:
        try:
            asked.set_result(self._take().changed(delay_s=time.monotonic() - asked_at))
        except Exception as error:  # a page less must not end a chat
            asked.set_exception(NoAnswer(f"internal error: {type(error).__name__}: {error}"))
