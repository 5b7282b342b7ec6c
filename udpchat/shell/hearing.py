"""Hears what is sent to everybody on a link, which is how clients look for servers (SPEC 2.1).

The IPv6 wildcard socket of an endpoint joins the multicast group on each interface, and any wildcard socket hears IPv4
broadcasts. Sockets bound to single addresses hear neither: beside them there is one for each way on which a broadcast
may come, and what it hears is answered from an address that the server was told to serve at, on the same interface.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from udpchat.shell.binding import ADDRESSES_LOOK_S
from udpchat.shell.interfaces import NetworkLink, links, source_host
from udpchat.shell.net.endpoint import READ_BATCH_MAX, OnDatagrams, UdpEndpoint, address_of, join_group
from udpchat.wire.limits import DISCOVERY_GROUP, PROBE_BYTES_MAX
from udpchat.wire.packets import Address, Kind

LIMITED_BROADCAST: Final = "255.255.255.255"
PROBE: Final = bytes([Kind.PROBE])
ASKERS_KNOWN_MAX: Final = 4_096

_logger = logging.getLogger("udpchat.endpoint")
Place = tuple[str, int]  # what is bound: a broadcast address or the group, and the number of the interface, 0: any


class Hearing:
    """What is sent to everybody goes to `on_datagrams`; looks every ADDRESSES_LOOK_S which interfaces there are."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        endpoint: UdpEndpoint,
        on_datagrams: OnDatagrams,
        *,
        find_links: Callable[[], list[NetworkLink]] = links,
    ) -> None:
        self._loop = loop
        self._endpoint = endpoint
        self._on_datagrams = on_datagrams
        self._find_links = find_links
        self._links: list[NetworkLink] = []
        self._joined: set[int] = set()
        self._sockets: dict[Place, socket.socket] = {}
        self._answered_from: dict[str, str] = {}  # for hosts that asked: our address; empty: none that serves
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Hear from now on."""
        self._look()

    def close(self) -> None:
        """Hear no more."""
        if self._timer is not None:
            self._timer.cancel()
        for place in list(self._sockets):
            self._release(place)

    def _look(self) -> None:
        self._links = self._find_links()
        self._answered_from.clear()
        present = {link.index for link in self._links if link.has_ipv6}
        for index in present - self._joined:
            self._endpoint.join(DISCOVERY_GROUP, index)
        self._joined = present
        wanted = set(self._places(self._endpoint.hosts))
        for place in set(self._sockets) - wanted:
            self._release(place)
        for place in wanted - set(self._sockets):
            self._open(place)
        self._timer = self._loop.call_later(ADDRESSES_LOOK_S, self._look)

    def _places(self, served: Sequence[str]) -> Iterable[Place]:
        """Where to hear beside the sockets of the endpoint, which are bound to `served`."""
        for link in self._links:
            hosts = {local.host for local in link.hosts if not local.address.is_loopback} & set(served)
            if any(":" not in host for host in hosts):
                yield from ((broadcast, 0) for broadcast in (LIMITED_BROADCAST, *link.broadcasts))
            if any(":" in host for host in hosts):
                yield DISCOVERY_GROUP, link.index

    def _open(self, place: Place) -> None:
        host, interface = place
        family, port = socket.AF_INET6 if ":" in host else socket.AF_INET, self._endpoint.address.port
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # servers at other addresses hear there too
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                made.bind((host, port, 0, interface))
                join_group(made, host, interface)
            else:
                made.bind((host, port))
        except OSError as error:  # Windows binds to no broadcast address, and hears broadcasts without
            made.close()
            _logger.debug("searches sent to %s are not heard: %s", host, error)
            return
        self._sockets[place] = made
        self._loop.add_reader(made, self._on_readable, made)

    def _release(self, place: Place) -> None:
        gone = self._sockets.pop(place)
        self._loop.remove_reader(gone)
        gone.close()

    def _on_readable(self, heard: socket.socket) -> None:
        batch: list[tuple[bytes, Address]] = []
        for _ in range(READ_BATCH_MAX):
            try:
                datagram, sockaddr = heard.recvfrom(PROBE_BYTES_MAX + 1)
            except OSError:  # nothing is left
                break
            address = address_of(sockaddr)
            if datagram[:1] == PROBE and (local := self._local_for(address.host)):
                batch.append((datagram, address._replace(local=local)))
        if batch:
            self._on_datagrams(batch)

    def _local_for(self, host: str) -> str:
        """Our address at which to answer a host: one that is served, on the interface that leads there; or empty."""
        if host not in self._answered_from:
            if len(self._answered_from) >= ASKERS_KNOWN_MAX:
                self._answered_from.clear()
            self._answered_from[host] = self._find_local(host)
        return self._answered_from[host]

    def _find_local(self, host: str) -> str:
        source, served = source_host(host), set(self._endpoint.hosts)
        if source in served:
            return source
        for link in self._links:
            hosts = [local.host for local in link.hosts]
            if source in hosts:
                return next((each for each in hosts if each in served and (":" in each) == (":" in host)), "")
        return ""
