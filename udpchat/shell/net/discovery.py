"""Looks for servers on every link of this machine at once: sends what a `Search` wants sent, and gives it the answers.

From each IPv4 address a broadcast goes out, on each interface with IPv6 a multicast; single hosts are asked besides.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Final

from udpchat.client.server_search import FoundServer, Search, Way
from udpchat.shell.interfaces import NetworkLink, links
from udpchat.shell.net import mdns
from udpchat.shell.net.endpoint import address_of, sockaddr_of
from udpchat.wire.errors import BadDatagram
from udpchat.wire.limits import DEFAULT_PORT, DISCOVERY_GROUP, PROBE_BYTES_MAX
from udpchat.wire.packets import Address

SEARCH_S: Final = 3.0  # without any answer
SETTLING_S: Final = 0.2  # after the first answer: so long others may follow
LOOPBACKS: Final = ("127.0.0.1", "::1")
LIMITED_BROADCAST: Final = "255.255.255.255"
SUGGESTED_MAX: Final = 32  # addresses that mDNS may name
READ_MAX: Final = 64  # answers in one wake-up


async def look(
    port: int,
    *,
    last: Sequence[Address] = (),
    wanted: str = "",
    limit_s: float = SEARCH_S,
    settling_s: float = SETTLING_S,
    on_found: Callable[[list[FoundServer]], object] = lambda found: None,
    find_links: Callable[[], list[NetworkLink]] = links,
) -> list[FoundServer]:
    """The servers that answer at this port, in the order of their first answers; `on_found` gets those so far.

    `last`: the addresses of the server used last, and `wanted` its fingerprint, if it is known.
    """
    loop = asyncio.get_running_loop()
    search = Search(loop.time(), random=os.urandom, limit_s=limit_s, settling_s=settling_s, wanted=wanted)
    discovery = Discovery(loop, search, lambda: on_found(search.found))
    try:
        discovery.open(port, find_links(), last)
        await discovery.over()
    finally:
        discovery.close()
    return search.found


def look_now(port: int, *, limit_s: float, settling_s: float) -> list[FoundServer]:
    """The same, where no loop runs. The usual loop of Windows cannot wait for these sockets."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(look(port, limit_s=limit_s, settling_s=settling_s))


class Discovery:
    """The sockets of a search, and where each way leads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, search: Search, on_found: Callable[[], object]) -> None:
        self._loop = loop
        self._search = search
        self._on_found = on_found
        self._at_end = ExitStack()
        self._goals: dict[Way, list[tuple[socket.socket, Address]]] = {way: [] for way in Way}
        self._asking: dict[int, socket.socket] = {}  # by family, for single hosts
        self._is_changed = asyncio.Event()
        self._port = DEFAULT_PORT

    def open(self, port: int, on: Sequence[NetworkLink], last: Sequence[Address]) -> None:
        """Make the sockets; what the system does not let us use is left out."""
        self._port = port
        for address in last:
            self._add_host(Way.USED_LAST, address)
        for host in LOOPBACKS:
            self._add_host(Way.THIS_MACHINE, Address(host, port))
        for link in on:
            with suppress(OSError):
                self._add_link(link, port)
        self._at_end.callback(mdns.browse(lambda found: self._loop.call_soon_threadsafe(self._on_suggested, found)))

    def close(self) -> None:
        """Let go of everything."""
        self._at_end.close()

    async def over(self) -> None:
        """Return when the search is over."""
        search = self._search
        while not search.is_over(now := self._loop.time()):
            for datagram, way in search.drain_transmits(now):
                for asking, address in self._goals[way]:
                    with suppress(OSError):  # no route there, or the buffer is full: another way or round may do
                        asking.sendto(datagram, sockaddr_of(address, asking.family))
            self._is_changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(search.next_timeout()):
                    await self._is_changed.wait()

    def _add_link(self, link: NetworkLink, port: int) -> None:
        for local in link.hosts:
            if local.address.version == 4 and not local.address.is_loopback:
                asking = self._socket(socket.AF_INET, local.host)
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                for host in (LIMITED_BROADCAST, *link.changed(hosts=(local,)).broadcasts):
                    self._goals[Way.BROADCAST].append((asking, Address(host, port)))
        if link.has_ipv6 and not all(local.address.is_loopback for local in link.hosts):
            asking = self._socket(socket.AF_INET6, "::")
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, link.index)
            self._goals[Way.MULTICAST].append((asking, Address(f"{DISCOVERY_GROUP}%{link.index}", port)))

    def _add_host(self, way: Way, address: Address) -> None:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with suppress(OSError):  # no IPv6 here
            if family not in self._asking:
                self._asking[family] = self._socket(family, "::" if family == socket.AF_INET6 else "")
            self._goals[way].append((self._asking[family], address))

    def _on_suggested(self, address: Address) -> None:
        """mDNS names a server there. Who looks at another port than the usual one wants that."""
        goals = self._goals[Way.MDNS]
        if self._port not in (DEFAULT_PORT, address.port):
            return
        if len(goals) < SUGGESTED_MAX and all(address != known for _, known in goals):
            self._add_host(Way.MDNS, address)
            self._search.on_way(Way.MDNS)
            self._is_changed.set()

    def _socket(self, family: socket.AddressFamily, host: str) -> socket.socket:
        made = socket.socket(family, socket.SOCK_DGRAM)
        self._at_end.callback(made.close)
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, 0))
        self._loop.add_reader(made, self._on_readable, made)
        self._at_end.callback(self._loop.remove_reader, made)
        return made

    def _on_readable(self, asking: socket.socket) -> None:
        for _ in range(READ_MAX):
            try:
                datagram, sockaddr = asking.recvfrom(PROBE_BYTES_MAX + 1)
            except OSError:  # nothing is left, or nobody listens at a host that was asked
                break
            with suppress(BadDatagram):
                self._search.receive(self._loop.time(), datagram, address_of(sockaddr))
                self._on_found()
        self._is_changed.set()
