"""Which sockets a server binds, so that it can answer from the address that was written to.

Where the kernel names the destination of a datagram (`pktinfo`), a wildcard address takes one socket. Elsewhere it
takes one for each address of this machine, and `AddressWatch` follows the addresses as they come and go.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from udpchat.shell import pktinfo
from udpchat.shell.interfaces import local_hosts
from udpchat.shell.net.endpoint import WILDCARDS, EndpointError, UdpEndpoint, open_socket

SOCKETS_MAX: Final = 64  # addresses of one machine that are served where each needs a socket
PORT_TRIES_MAX: Final = 20  # for a free port that is free at each address
ADDRESSES_LOOK_S: Final = 5.0

_logger = logging.getLogger("udpchat.endpoint")


def covered(hosts: Sequence[str]) -> list[str]:
    """Those of `hosts` that a wildcard address among them serves anyway: `::` all others, `0.0.0.0` other IPv4."""

    def is_covered(host: str) -> bool:
        return host != "::" and ("::" in hosts or ("0.0.0.0" in hosts and ":" not in host and host != "0.0.0.0"))

    return [host for host in hosts if is_covered(host)]


def open_sockets(
    hosts: Sequence[str], port: int, *, has_pktinfo: bool = pktinfo.IS_AVAILABLE
) -> list[socket.socket]:
    """Bound sockets for these addresses, all at one port, a free one if `port` is 0. Raises `EndpointError`."""
    covered_hosts = set(covered(hosts))
    named = [host for host in dict.fromkeys(hosts) if host not in covered_hosts]
    wanted = list(named)
    if not has_pktinfo:
        behind = [hosts_behind(host) if host in WILDCARDS else [host] for host in named]
        wanted = list(dict.fromkeys(host for expanded in behind for host in expanded))
    for _ in range(PORT_TRIES_MAX - 1):
        try:
            return _open_all(wanted, port, named=named)
        except EndpointError as error:
            if port or not _is_in_use(error):
                raise  # else the free port of the first address is taken at another one
    return _open_all(wanted, port, named=named)


def _open_all(hosts: Sequence[str], port: int, *, named: Sequence[str]) -> list[socket.socket]:
    """All sockets or none; without those that cannot be used now and were not `named` by the operator."""
    with ExitStack() as undo:
        opened: list[socket.socket] = []
        for host in hosts:
            try:
                bound = open_socket(host, opened[0].getsockname()[1] if opened else port)
            except EndpointError as error:
                if host in named or _is_in_use(error):
                    raise
                continue  # an IPv6 address that is still being checked for duplicates, for one
            undo.callback(bound.close)
            opened.append(bound)
            if host in WILDCARDS:
                pktinfo.request(bound)
        if not opened:
            raise EndpointError("this machine has no address to serve at; name one with --bind")
        undo.pop_all()
        return opened


def hosts_behind(wildcard: str) -> list[str]:
    """The addresses of this machine that `::` or `0.0.0.0` stands for, at most SOCKETS_MAX."""
    hosts = [local.host for local in local_hosts()]
    return [host for host in hosts if wildcard == "::" or ":" not in host][:SOCKETS_MAX]


def _is_in_use(error: EndpointError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE


class AddressWatch:
    """Keeps an endpoint with one socket for each address at the addresses that this machine has now.

    Looks every ADDRESSES_LOOK_S; does nothing where wildcard sockets serve every address by themselves.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        endpoint: UdpEndpoint,
        hosts: Sequence[str],
        *,
        find_hosts: Callable[[str], list[str]] = hosts_behind,
    ) -> None:
        self._loop = loop
        self._endpoint = endpoint
        self._wildcards = WILDCARDS & set(hosts)
        self._named = set(hosts) - WILDCARDS
        self._find_hosts = find_hosts
        self._unusable: set[str] = set()  # logged once
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now and then from now on."""
        if self._wildcards and not WILDCARDS & set(self._endpoint.hosts):
            self._timer = self._loop.call_later(ADDRESSES_LOOK_S, self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        wanted = self._named.union(*(self._find_hosts(wildcard) for wildcard in self._wildcards))
        served = set(self._endpoint.hosts)
        for host in sorted(served - wanted):
            self._endpoint.remove(host)
            _logger.info("%s is no longer an address of this machine", host)
        for host in sorted(wanted - served):
            self._serve(host)
        self._timer = self._loop.call_later(ADDRESSES_LOOK_S, self._look)

    def _serve(self, host: str) -> None:
        try:
            bound = open_socket(host, self._endpoint.address.port)
        except EndpointError as error:  # a fresh IPv6 address is not usable for a second or two: next time
            if host not in self._unusable:
                self._unusable.add(host)
                _logger.info("not serving at %s yet: %s", host, error)
            return
        self._unusable.discard(host)
        self._endpoint.add(bound)
        _logger.info("serving at %s as well", host)
