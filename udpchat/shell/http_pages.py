"""A few pages over HTTP, for programs that watch the server: read by a thread of their own, so that no client slows it.

Few are answered at once, and not many a second: CONNECTIONS_MAX connections are open, and one more ends the oldest;
each has REQUEST_S_MAX in all; after each that is accepted the thread waits ACCEPT_PAUSE_S; what comes faster waits in
the system's queue, or is refused by it. A connection gets one answer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from threading import Thread
from typing import Final

from udpchat.shell.addresses import place
from udpchat.shell.net.endpoint import EndpointError
from udpchat.wire.fields import Value

CONNECTIONS_MAX: Final = 16
BACKLOG: Final = 16
REQUEST_BYTES_MAX: Final = 8 * 1024  # as most servers of HTTP have it
REQUEST_S_MAX: Final = 5.0  # from the connection to the last byte of the answer
ACCEPT_PAUSE_S: Final = 0.02
FAILURE_PAUSE_S: Final = 1.0  # when no connection can be accepted, as the process has too many files open
END_S_MAX: Final = 0.2  # for the thread, once it is told to end
PLAIN: Final = "text/plain; charset=utf-8"
_HEAD_END: Final = b"\r\n\r\n"


class HttpPage(Value, frozen=True):
    """An answer: its status, and its body of this type."""

    status: HTTPStatus
    content_type: str
    body: bytes


def open_http_socket(host: str, port: int) -> socket.socket:
    """A socket that listens at this numeric address, at any free port if `port` is 0. Raises `EndpointError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    is_for_both = host == "::" and socket.has_dualstack_ipv6()
    try:
        made = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_for_both)
    except OSError as error:
        raise EndpointError(_why_unbound(error, place(host, port))) from error
    made.setblocking(False)
    return made


def _why_unbound(error: OSError, where: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"TCP {where} is in use: choose another port with --metrics"
    if error.errno == errno.EACCES:
        return f"may not use TCP {where}: choose a port from 1024 on with --metrics"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"cannot use TCP {where}: not an address of this machine; choose one with --metrics"
    return f"cannot use TCP {where}: {error.strerror or error}"


class HttpPages:
    """Answers at `listening`, which it takes over, with the page of each path; each is made anew for each request, in
    the loop of the thread.
    """

    def __init__(self, listening: socket.socket, pages: Mapping[str, Callable[[], Awaitable[HttpPage]]]) -> None:
        self._listening = listening
        self._pages = pages
        self._loop = asyncio.SelectorEventLoop()
        self._accepting: asyncio.Task[None] | None = None
        self._open: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._thread = Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more; twice is fine."""
        if self._thread.ident is None:  # it was never started
            self._listening.close()
            return self._loop.close()
        with suppress(RuntimeError):  # it is closed already
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(END_S_MAX)

    # --- In the thread ----------

    def _run(self) -> None:
        self._accepting = self._loop.create_task(self._accept())
        try:
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._accepting)
            for task in self._open:
                task.cancel()
            if self._open:
                self._loop.run_until_complete(asyncio.wait(self._open))
        finally:
            self._listening.close()
            self._loop.close()

    def _end(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(FAILURE_PAUSE_S)
                continue
            if len(self._open) >= CONNECTIONS_MAX:
                next(iter(self._open)).cancel()
            task = self._loop.create_task(self._answer(connection))
            self._open[task] = None
            task.add_done_callback(self._open.pop)
            await asyncio.sleep(ACCEPT_PAUSE_S)

    async def _answer(self, connection: socket.socket) -> None:
        """One request and its answer; a client that is too slow, or gone, gets none."""
        with connection, suppress(OSError, TimeoutError):
            async with asyncio.timeout(REQUEST_S_MAX):
                head = await self._head(connection)
                method, page = await self._page_of(head)
                await self._loop.sock_sendall(connection, _encoded(page, has_body=method != "HEAD"))
                connection.shutdown(socket.SHUT_WR)

    async def _head(self, connection: socket.socket) -> bytes:
        """What was sent up to the blank line, or more than REQUEST_BYTES_MAX without one, or all there is."""
        received = b""
        while _HEAD_END not in received and len(received) <= REQUEST_BYTES_MAX:
            more = await self._loop.sock_recv(connection, REQUEST_BYTES_MAX)
            if not more:
                break
            received += more
        return received

    async def _page_of(self, head: bytes) -> tuple[str, HttpPage]:
        """The method of a request, and the answer."""
        if _HEAD_END not in head:
            is_long = len(head) > REQUEST_BYTES_MAX
            return "", _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_long else HTTPStatus.BAD_REQUEST)
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return "", _plain(HTTPStatus.BAD_REQUEST)
        method, make = words[0], self._pages.get(words[1].partition("?")[0])
        if make is None:
            return method, _plain(HTTPStatus.NOT_FOUND, f"there are {', '.join(self._pages)}\n")
        if method not in ("GET", "HEAD"):
            return method, _plain(HTTPStatus.METHOD_NOT_ALLOWED)
        return method, await make()


def _plain(status: HTTPStatus, text: str = "") -> HttpPage:
    return HttpPage(status, PLAIN, (text or f"{status.phrase}\n").encode())


def _encoded(page: HttpPage, *, has_body: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.content_type}",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(["Allow: GET, HEAD"] if page.status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return "\r\n".join(lines).encode() + _HEAD_END + (page.body if has_body else b"")
