"""One UDP socket that reads and writes in batches, and never blocks or fails because of one peer.

IPv6 with IPv4 in it where the system has both; outside this file an address is `(host, port)`: `1.2.3.4` whatever the
socket, and `fe80::1%eth0` for a link-local peer. What the kernel does not take now waits in a bounded queue.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from udpchat.wire.limits import DATAGRAM_BYTES_MAX
from udpchat.wire.packets import Address

READ_BATCH_MAX: Final = 256  # datagrams in one wake-up: then timers and other files have their turn
SEND_QUEUE_MAX: Final = 16_384  # datagrams: at most 20 MB, and at 1 Gbit/s a sixth of a second
SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
SOCKET_BUFFER_BYTES_MIN: Final = 64 * 1024
ADDRESSES_KNOWN_MAX: Final = 65_536
FAILURES_LOGGED_EVERY_S: Final = 60.0

_MAPPED: Final = "::ffff:"  # RFC 4291 section 2.5.5.2
_NO_IPV6: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}
_READ_BYTES: Final = DATAGRAM_BYTES_MAX + 1  # one more, so that what is too long is seen to be
_logger = logging.getLogger("udpchat.endpoint")

OnDatagrams = Callable[[list[tuple[bytes, Address]]], None]


class EndpointError(Exception):
    """The socket cannot be had; one line that says what and what to do."""


class Endpoint(Protocol):
    """Where a driver sends to."""

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        """Send all, in order, as far as the network takes them; never raises."""


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket. `host` is numeric; `::` takes IPv4 too, and is IPv4 alone where IPv6 is off.

    Raises `EndpointError`.
    """
    if host == "::":
        try:
            return _bound(socket.AF_INET6, host, port)
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise EndpointError(_why_unbound(error, host, port)) from error
            host = "0.0.0.0"
    try:
        return _bound(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)
    except OSError as error:
        raise EndpointError(_why_unbound(error, host, port)) from error


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        if sys.platform == "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            _enlarge(made, option)
        made.setblocking(False)
        made.bind(sockaddr_of((host, port), family))
    except BaseException:
        made.close()
        raise
    return made


def _enlarge(made: socket.socket, option: int) -> None:
    """As large as the system allows: Linux takes any number and cuts it, others refuse what is too much."""
    size = SOCKET_BUFFER_BYTES
    while size >= SOCKET_BUFFER_BYTES_MIN and made.getsockopt(socket.SOL_SOCKET, option) < size:
        with suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, option, size)
            return
        size //= 2


def _why_unbound(error: OSError, host: str, port: int) -> str:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"UDP port {port} is in use: stop the server that has it, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"may not use {place}: choose a port from 1024 on with --port"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"cannot use {place}: not an address of this machine; choose one with --bind"
    return f"cannot use {place}: {error.strerror or error}"


def address_of(sockaddr: Any) -> Address:
    """The address in what the socket calls one."""
    host, port = sockaddr[0], sockaddr[1]
    if host.startswith(_MAPPED) and "." in host:
        return host[len(_MAPPED) :], port
    if len(sockaddr) == 4 and sockaddr[3] and "%" not in host:
        return f"{host}%{_zone_name(sockaddr[3])}", port
    return host, port


def sockaddr_of(address: Address, family: int) -> tuple[Any, ...]:
    """What a socket of this family wants for an address; OSError if its zone is not there."""
    host, port = address
    if family == socket.AF_INET:
        return address
    if ":" not in host:
        return _MAPPED + host, port, 0, 0
    host, _, zone = host.partition("%")
    return host, port, 0, _zone_index(zone) if zone else 0


def _zone_name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)


def _zone_index(zone: str) -> int:
    return int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)


class UdpEndpoint:
    """Takes over a socket of `open_socket`. `counters` says what could not be sent or read, and why."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bound: socket.socket) -> None:
        self._loop = loop
        self._socket = bound
        self._family = bound.family
        self._addresses: dict[Any, Address] = {}
        self._sockaddrs: dict[Address, tuple[Any, ...]] = {}
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._on_datagrams: OnDatagrams = lambda datagrams: None
        self._logged_at = float("-inf")
        self._failures = 0
        self.counters: Counter[str] = Counter()

    @property
    def address(self) -> Address:
        """Where it is bound."""
        return address_of(self._socket.getsockname())

    # --- In ----------

    def listen(self, on_datagrams: OnDatagrams) -> None:
        """From now on give each batch that has come, in order, at most READ_BATCH_MAX."""
        self._on_datagrams = on_datagrams
        self._loop.add_reader(self._socket, self._on_readable)

    def stop_listening(self) -> None:
        """Leave what comes in the socket; sending goes on."""
        self._loop.remove_reader(self._socket)

    def _on_readable(self) -> None:
        recvfrom = self._socket.recvfrom
        find = self._addresses.get
        batch = []
        for _ in range(READ_BATCH_MAX):
            try:
                datagram, source = recvfrom(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError as error:  # Windows: a peer's port is closed, or a datagram was too long
                self.counters[f"not read: {_name_of(error)}"] += 1
                continue
            batch.append((datagram, find(source) or self._learn(source)))
        if batch:
            self._on_datagrams(batch)

    def _learn(self, source: Any) -> Address:
        address = address_of(source)
        if len(self._addresses) >= ADDRESSES_KNOWN_MAX:
            self._addresses.clear()
        self._addresses[source] = address
        return address

    # --- Out ----------

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        """Send all, in order; what the kernel does not take now waits for it, the oldest dropped beyond a limit."""
        if self._queue:
            return self._enqueue(transmits)
        sendto = self._socket.sendto
        find = self._sockaddrs.get
        for position, (datagram, address) in enumerate(transmits):
            try:
                sendto(datagram, find(address) or self._sockaddr_of(address))
            except BlockingIOError:
                return self._enqueue(transmits[position:])
            except OSError as error:
                self._on_failure(error, address)

    def _sockaddr_of(self, address: Address) -> tuple[Any, ...]:
        sockaddr = sockaddr_of(address, self._family)
        if len(self._sockaddrs) >= ADDRESSES_KNOWN_MAX:
            self._sockaddrs.clear()
        self._sockaddrs[address] = sockaddr
        return sockaddr

    def _enqueue(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        if not self._queue:
            self._loop.add_writer(self._socket, self._on_writable)
        self._queue.extend(transmits)
        surplus = len(self._queue) - SEND_QUEUE_MAX
        if surplus > 0:
            self.counters["not sent: queue full"] += surplus
            for _ in range(surplus):
                self._queue.popleft()

    def _on_writable(self) -> None:
        """One batch of the queue, from its front."""
        queue, waiting = self._queue, min(len(self._queue), READ_BATCH_MAX)
        batch = [queue.popleft() for _ in range(waiting)]
        later, self._queue = queue, deque()
        self._loop.remove_writer(self._socket)
        self.send(batch)
        if later:
            if not self._queue:
                self._loop.add_writer(self._socket, self._on_writable)
            self._queue.extend(later)
        if not self._queue and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _on_failure(self, error: OSError, address: Address) -> None:
        self.counters[f"not sent: {_name_of(error)}"] += 1
        self._failures += 1
        now = self._loop.time()
        if now >= self._logged_at + FAILURES_LOGGED_EVERY_S:
            _logger.warning("could not send to %s: %s (%d so far)", address[0], error.strerror or error, self._failures)
            self._logged_at, self._failures = now, 0

    async def drained(self) -> None:
        """Return once the queue is empty."""
        if self._queue:
            self._drained = self._loop.create_future()
            await self._drained

    def close(self) -> None:
        """Let go of the socket; what waits is not sent. Twice is fine."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
