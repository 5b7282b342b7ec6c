"""UDP sockets that are read and written in batches, and never block or fail because of one peer.

IPv6 with IPv4 in it where the system has both; outside this file a host is `1.2.3.4` whatever the socket, and
`fe80::1%eth0` for a link-local peer. Usually there is one socket; several for several addresses (`binding`). What the
kernel does not take now waits in a bounded queue.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from udpchat.shell import pktinfo
from udpchat.shell.addresses import place
from udpchat.wire.limits import PROBE_BYTES_MAX
from udpchat.wire.packets import Address

READ_BATCH_MAX: Final = 1_024  # datagrams in one wake-up: then timers and other files have their turn
SEND_QUEUE_MAX: Final = 16_384  # datagrams: at most 20 MB, and at 1 Gbit/s a sixth of a second
SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
SOCKET_BUFFER_BYTES_MIN: Final = 64 * 1024
ADDRESSES_KNOWN_MAX: Final = 65_536
ROUTES_KEPT_S: Final = 10.0  # much less than the expiry of a peer: so soon a changed address of ours is noticed
FAILURES_LOGGED_EVERY_S: Final = 60.0
SENDS_BEFORE_ASKING: Final = 16  # naming the source costs 0.6 us a send, asking what the system would choose 9 us, once
WILDCARDS: Final = frozenset({"::", "0.0.0.0"})

_MAPPED: Final = "::ffff:"  # RFC 4291 section 2.5.5.2
_NO_IPV6: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}
_READ_BYTES: Final = PROBE_BYTES_MAX + 1  # one more, so that what is too long is seen to be
_logger = logging.getLogger("udpchat.endpoint")

OnDatagrams = Callable[[list[tuple[bytes, Address]]], None]
Route = tuple[Callable[[bytes, tuple[Any, ...]], int], tuple[Any, ...], bool]
"""How to send to an address: a function, the sockaddr for it, and whether it names the local address to send from."""


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
        made.bind(sockaddr_of(Address(host, port), family))
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
    if error.errno == errno.EADDRINUSE:
        return f"UDP port {port} is in use: stop the server that has it, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"may not use {place(host, port)}: choose a port from 1024 on with --port"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"cannot use {place(host, port)}: not an address of this machine; choose one with --bind"
    return f"cannot use {place(host, port)}: {error.strerror or error}"


def join_group(joining: socket.socket, group: str, interface: int) -> None:
    """Have a socket receive what is sent to an IPv6 group on the interface with this number. Raises OSError."""
    membership = socket.inet_pton(socket.AF_INET6, group) + interface.to_bytes(4, sys.byteorder)
    joining.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)


def address_of(sockaddr: Any) -> Address:
    """The address in what the socket calls one."""
    host, port = sockaddr[0], sockaddr[1]
    if host.startswith(_MAPPED) and "." in host:
        return Address(host[len(_MAPPED) :], port)
    if len(sockaddr) == 4 and sockaddr[3] and "%" not in host:
        return Address(f"{host}%{_zone_name(sockaddr[3])}", port)
    return Address(host, port)


def sockaddr_of(address: Address, family: int) -> tuple[Any, ...]:
    """What a socket of this family wants for an address; OSError if its zone is not there."""
    host, port = address[:2]
    if family == socket.AF_INET:
        return host, port
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


class BoundSocket:
    """One socket of an endpoint: what it reads, and how to send from it.

    `names_local` is for a socket bound to one address of several: what it reads carries that address as `local`. A
    socket with packet information names the destination of each datagram, and can send from any address.
    """

    __slots__ = ("_known", "_local", "family", "has_pktinfo", "host", "is_dual", "is_wildcard", "socket")

    def __init__(self, bound: socket.socket, *, names_local: bool) -> None:
        self.socket = bound
        self.family = bound.family
        self.host = address_of(bound.getsockname()).host
        self.is_wildcard = self.host in WILDCARDS
        is_ipv6 = bound.family == socket.AF_INET6
        self.is_dual = is_ipv6 and not bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        self.has_pktinfo = pktinfo.is_requested(bound)
        self._local = self.host if names_local and not self.is_wildcard else ""
        self._known: dict[Any, Address] = {}

    def read(self, counters: Counter[str]) -> list[tuple[bytes, Address]]:
        """What has come, in order, at most READ_BATCH_MAX."""
        recvfrom, recvmsg = self.socket.recvfrom, self.socket.recvmsg if self.has_pktinfo else None
        find = self._known.get
        batch = []
        key: Any
        for _ in range(READ_BATCH_MAX):
            try:
                if recvmsg is None:
                    datagram, key = recvfrom(_READ_BYTES)
                else:
                    datagram, ancillary, _, source = recvmsg(_READ_BYTES, pktinfo.ANCILLARY_BYTES)
                    key = (source, *ancillary)
            except BlockingIOError:
                break
            except OSError as error:  # Windows: a peer's port is closed, or a datagram was too long
                counters[f"not read: {_name_of(error)}"] += 1
                continue
            batch.append((datagram, find(key) or self._learn(key)))
        return batch

    def _learn(self, key: Any) -> Address:
        source, local = key, self._local
        if self.has_pktinfo:
            source, *ancillary = key
            destination = pktinfo.local_sockaddr(ancillary)
            local = address_of(destination).host if destination else ""
            if _is_for_many(local):
                local = ""
        address = address_of(source)._replace(local=local)
        if len(self._known) >= ADDRESSES_KNOWN_MAX:
            self._known.clear()
        self._known[key] = address
        return address

    def reaches(self, host: str) -> bool:
        """Whether this is a socket of the family of `host`."""
        return self.is_dual or (":" in host) == (self.family == socket.AF_INET6)

    def plain_route(self, address: Address) -> Route:
        """How to send to `address` from where the system chooses; OSError for a bad zone."""
        return self.socket.sendto, sockaddr_of(address, self.family), False

    def route_from_local(self, address: Address, on_frequent: Callable[[Address], None]) -> Route:
        """How to send to `address` from its `local`; OSError for a bad zone.

        `on_frequent` is called once it was used SENDS_BEFORE_ASKING times.
        """
        ancillary = pktinfo.ancillary_of(sockaddr_of(Address(address.local, 0), self.family), self.family)
        sendmsg, sends = self.socket.sendmsg, 0

        def send(datagram: bytes, sockaddr: tuple[Any, ...]) -> int:
            nonlocal sends
            sends += 1
            if sends == SENDS_BEFORE_ASKING:
                on_frequent(address)
            return sendmsg((datagram,), ancillary, 0, sockaddr)

        return send, sockaddr_of(address, self.family), True


def chosen_source(address: Address, family: int) -> str:
    """The host that the system would send from to `address`; empty if it knows no way."""
    with suppress(OSError):
        return address_of(pktinfo.source_for(sockaddr_of(address, family), family)).host
    return ""


def _is_for_many(host: str) -> bool:
    """Whether this destination is a multicast group or the broadcast address, from which nothing can be sent."""
    address = ipaddress.ip_address(host.partition("%")[0]) if host else None
    return address is not None and (address.is_multicast or host == "255.255.255.255")


class UdpEndpoint:
    """Takes over sockets of `open_socket`, and answers from where it was written to: `Address.local`.

    Where `local` is empty, or what the system would choose anyway, a datagram costs a bare `sendto`. The system is
    asked for paths that are used often, and again after ROUTES_KEPT_S, for its choice changes with its addresses. A
    local address that is gone is replaced by the system's choice, counted in `replaced_sources`.
    `counters` has what could not be sent or read, and why.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *bound: socket.socket) -> None:
        self._loop = loop
        self._sockets = [BoundSocket(one, names_local=len(bound) > 1) for one in bound]
        self._routes: dict[Address, Route] = {}
        self._routes_end_s = 0.0
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._blocked = self._sockets[0]  # while something is queued: whose kernel buffer is full
        self._drained: asyncio.Future[None] | None = None
        self._on_datagrams: OnDatagrams | None = None
        self._warning = _RareWarning(loop)
        self.counters: Counter[str] = Counter()
        self.replaced_sources = 0

    @property
    def address(self) -> Address:
        """Where it is bound; the first of several."""
        return address_of(self._sockets[0].socket.getsockname())

    @property
    def hosts(self) -> list[str]:
        """To which addresses its sockets are bound."""
        return [one.host for one in self._sockets]

    @property
    def waiting(self) -> int:
        """How many datagrams wait for room in the kernel's buffer."""
        return len(self._queue)

    def add(self, bound: socket.socket) -> None:
        """Take over one more socket, of an address of its own."""
        one = BoundSocket(bound, names_local=True)
        self._sockets.append(one)
        self._routes.clear()
        if self._on_datagrams is not None:
            self._loop.add_reader(bound, self._on_readable, one)

    def remove(self, host: str) -> None:
        """Close the socket of an address that is gone; the last one stays. What waited for it goes another way."""
        gone = next((one for one in self._sockets if one.host == host), None)
        if gone is None or len(self._sockets) == 1:
            return
        self._sockets.remove(gone)
        self._routes.clear()
        self._release(gone)
        if self._blocked is gone:
            self._blocked = self._sockets[0]
            if self._queue:
                self._loop.add_writer(self._blocked.socket, self._on_writable)

    def join(self, group: str, interface: int) -> None:
        """Have the IPv6 wildcard socket, if there is one, receive what is sent to a group on this interface."""
        for one in self._sockets:
            if one.host == "::":
                with suppress(OSError):  # the interface is gone, or has no multicast
                    join_group(one.socket, group, interface)

    # --- In ----------

    def listen(self, on_datagrams: OnDatagrams) -> None:
        """From now on give each batch that has come, in order, at most READ_BATCH_MAX."""
        self._on_datagrams = on_datagrams
        for one in self._sockets:
            self._loop.add_reader(one.socket, self._on_readable, one)

    def stop_listening(self) -> None:
        """Leave what comes in the sockets; sending goes on."""
        self._on_datagrams = None
        for one in self._sockets:
            self._loop.remove_reader(one.socket)

    def _on_readable(self, one: BoundSocket) -> None:
        batch = one.read(self.counters)
        if batch and self._on_datagrams is not None:
            self._on_datagrams(batch)

    # --- Out ----------

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        """Send all, in order; what the kernel does not take now waits for it, the oldest dropped beyond a limit."""
        if self._queue:
            return self._enqueue(transmits)
        now = self._loop.time()
        if now >= self._routes_end_s:
            self._routes.clear()
            self._routes_end_s = now + ROUTES_KEPT_S
        find = self._routes.get
        for position, (datagram, address) in enumerate(transmits):
            try:
                sendto, sockaddr, _ = find(address) or self._learn_route(address)
                sendto(datagram, sockaddr)
            except BlockingIOError:
                self._blocked = self._socket_for(address)
                return self._enqueue(transmits[position:])
            except OSError as error:
                self._on_failure(error, datagram, address)

    def _learn_route(self, address: Address) -> Route:
        one = self._socket_for(address)
        if address.local and one.has_pktinfo:
            with suppress(OSError):  # the interface of a link-local address is gone
                return self._keep_route(address, one.route_from_local(address, self._on_frequent))
        if address.local and one.host != address.local:
            self._note_replaced(address)
        return self._keep_route(address, one.plain_route(address))

    def _on_frequent(self, address: Address) -> None:
        """A path is worth asking whether the system would choose its local address anyway."""
        one = self._socket_for(address)
        if chosen_source(address, one.family) == address.local:
            self._keep_route(address, one.plain_route(address))

    def _keep_route(self, address: Address, route: Route) -> Route:
        if len(self._routes) >= ADDRESSES_KNOWN_MAX:
            self._routes.clear()
        self._routes[address] = route
        return route

    def _socket_for(self, address: Address) -> BoundSocket:
        """The socket of the local address, else a wildcard one, else the one that the system would choose."""
        fitting = [one for one in self._sockets if one.reaches(address.host)]
        if not fitting:
            raise OSError(errno.EAFNOSUPPORT, "no socket of that address family")
        if len(fitting) == 1:
            return fitting[0]
        choices = {one.host: one for one in fitting}
        chosen = choices.get(address.local) or next((one for one in fitting if one.is_wildcard), None)
        return chosen or choices.get(chosen_source(address, fitting[0].family)) or fitting[0]

    def _enqueue(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        if not self._queue:
            self._loop.add_writer(self._blocked.socket, self._on_writable)
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
        self._loop.remove_writer(self._blocked.socket)
        self.send(batch)
        if later:
            if not self._queue:
                self._loop.add_writer(self._blocked.socket, self._on_writable)
            self._queue.extend(later)
        if not self._queue and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _on_failure(self, error: OSError, datagram: bytes, address: Address) -> None:
        """Count it; where our own address was at fault, send from another, and go on doing so for this path."""
        route = self._routes.get(address)
        if route is not None and route[2] and error.errno in pktinfo.SOURCE_GONE:
            self._note_replaced(address)
            try:
                sendto, sockaddr, _ = self._keep_route(address, self._socket_for(address).plain_route(address))
                sendto(datagram, sockaddr)
                return
            except OSError as again:  # also when the buffer is full: a lost datagram is repaired
                error = again
        self.counters[f"not sent: {_name_of(error)}"] += 1
        self._warning.log("could not send to %s: %s", address.host, error.strerror or error)

    def _note_replaced(self, address: Address) -> None:
        self.replaced_sources += 1
        self._warning.log("%s, which %s wrote to, is gone: answered from another address", address.local, address.host)

    async def drained(self) -> None:
        """Return once the queue is empty."""
        if self._queue:
            self._drained = self._loop.create_future()
            await self._drained

    def close(self) -> None:
        """Let go of the sockets; what waits is not sent. Twice is fine."""
        for one in self._sockets:
            self._release(one)

    def _release(self, one: BoundSocket) -> None:
        if one.socket.fileno() >= 0:
            self._loop.remove_reader(one.socket)
            self._loop.remove_writer(one.socket)
            one.socket.close()


class _RareWarning:
    """One line in FAILURES_LOGGED_EVERY_S, with how often there was reason for one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._logged_at = float("-inf")
        self._count = 0

    def log(self, text: str, *arguments: object) -> None:
        """Log it, or count it."""
        self._count += 1
        now = self._loop.time()
        if now >= self._logged_at + FAILURES_LOGGED_EVERY_S:
            _logger.warning(f"{text} (%d since the last such line)", *arguments, self._count)
            self._logged_at, self._count = now, 0


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
