"""Looks at everything that can keep this machine from chatting with a server, for `client/diagnosis` to judge.

It needs no rights but those of a person: it sends Probes every way at once, begins a handshake, and reads what the
system tells everybody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import islice
from typing import Final

from udpchat.client.diagnosis import (
    CONTAINERS,
    FRAGMENTS,
    LAN,
    LINK_LOCAL,
    TO_ALL,
    TUNNEL,
    UNICAST,
    Contact,
    Interface,
    Observed,
    Own,
)
from udpchat.client.probe_runs import Heard, Run
from udpchat.client.server_search import FoundServer
from udpchat.session.noise import fingerprint
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.interfaces import NetworkLink, links, source_host
from udpchat.shell.net import discovery, machine
from udpchat.shell.net.probing import Pace, Prober, Way
from udpchat.shell.net.reach import Answer, NoServer, find_server, meet, resolve
from udpchat.wire.limits import DATAGRAM_BYTES_MAX, DEFAULT_PORT, PROBE_BYTES_MAX, PROBES_PER_SOURCE_PER_S
from udpchat.wire.packets import Address

SEARCH_S: Final = 2.4  # all rounds of a search, and their answers
FIRST: Final = Pace(count=8, every_s=0.15, tail_s=0.5)
EVERY_ONE: Final = Pace(count=50, every_s=1.0 / PROBES_PER_SOURCE_PER_S, tail_s=0.6)  # as often as the server answers
A_SIZE: Final = Pace(count=6, every_s=0.15, tail_s=0.4)
SIZES: Final = (512, 800, 1000, DATAGRAM_BYTES_MAX, 1280, 1400, PROBE_BYTES_MAX)
ANSWER_S_MAX: Final = 3.0
REFUSED_S_MAX: Final = 0.5
KEY_S_MAX: Final = 8.0  # at 20 % loss each way one handshake in a thousand takes longer
SWEPT_MAX: Final = 256  # addresses of a network that are tried, if the server does not answer: is anybody there?
SWEEP_S: Final = 1.0
DISCARD_PORT: Final = 9  # RFC 863
_TUNNELS: Final = re.compile(r"(tun|tap|utun|wg|ppp|ipsec|zt|tailscale|nordlynx|vpn)", re.IGNORECASE)
_CONTAINERS: Final = re.compile(
    r"(docker|br-|veth|virbr|vmnet|vboxnet|cni|podman|lxc|lxd|vethernet|bridge1)", re.IGNORECASE
)

Known = Callable[[ServerAddress], str]  # the fingerprint that a server must have; empty: it is not known


def examine(server: ServerAddress | None, *, known: Known, timeout_s: float, follows: bool = False) -> Observed:
    """What is to be seen within `timeout_s` of the path to a server; None: the first one that is found.

    `follows`: if it is found at another address by its key, that is looked at.
    """
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(_examine(server, known, timeout_s, follows))
    finally:
        loop.close()  # and does not wait for a name server


async def _examine(server: ServerAddress | None, known: Known, timeout_s: float, follows: bool) -> Observed:
    with closing(Prober(asyncio.get_running_loop())) as prober:
        seen = _Examination(prober, server, known, follows=follows)
        before = machine.counters()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await seen.look()
        return seen.observed(before, machine.counters())


class _Examination:
    """What has been seen so far."""

    def __init__(self, prober: Prober, server: ServerAddress | None, known: Known, *, follows: bool) -> None:
        self._prober = prober
        self._server = server
        self._known = known
        self._follows = follows
        self._links = [link for link in links() if not all(local.address.is_loopback for local in link.hosts)]
        self._addresses: list[Address] = []
        self._answer: Answer | None = None
        self._key = b""
        self._runs: dict[str, Run] = {}
        self._sizes: dict[int, Run] = {}
        self._found: tuple[FoundServer, ...] = ()

    async def look(self) -> None:
        """Look at everything."""
        searching = asyncio.ensure_future(self._search())
        try:
            if self._server is None:
                await searching
                self._server = ServerAddress(*self._found[0].address[:2]) if self._found else None
            if self._server is not None:
                with suppress(NoServer):
                    self._addresses = await resolve(self._server.host, self._server.port)
            await self._look_at_server()
            await searching
        finally:
            searching.cancel()
            await asyncio.gather(searching, return_exceptions=True)
        if not self._is_heard() and self._has_moved():
            await self._look_at_server()
        if not self._is_heard():
            await self._sweep()

    async def _look_at_server(self) -> None:
        if self._addresses:
            reaching = asyncio.ensure_future(self._reach())
            if len(self._addresses) > 1:
                await reaching  # then the one that answers is the first
            await asyncio.gather(reaching, self._measure(), self._measure_sizes())

    def _has_moved(self) -> bool:
        """Whether the server used last was found at another address, by its key: then that is looked at."""
        wanted = self._known(self._server) if self._server is not None and self._follows else ""
        at = next((server.address for server in self._found if server.fingerprint == wanted), None)
        if at is not None:
            self._server, self._addresses = ServerAddress(at.host, at.port, wanted), [at]
        return at is not None

    async def _search(self) -> None:
        """Ask all servers of all networks, at their usual port and at that of the one that is meant."""
        ports = {DEFAULT_PORT, self._server.port if self._server else DEFAULT_PORT}
        looks = (discovery.look(port, limit_s=SEARCH_S, settling_s=SEARCH_S) for port in ports)
        self._found = tuple(server for found in await asyncio.gather(*looks) for server in found)

    # --- The server that is meant ----------

    async def _reach(self) -> None:
        """Begin a handshake with all its addresses, and look at its key."""
        self._answer, found = await find_server(self._addresses, limit_s=ANSWER_S_MAX, refused_limit_s=REFUSED_S_MAX)
        if found is not None:
            self._addresses.sort(key=lambda address: address != found)
        if found is not None or (self._answer is Answer.SILENCE and self._is_wide()):  # much may be lost
            self._key = await meet(self._addresses[0], limit_s=KEY_S_MAX) or b""
            self._answer = Answer.SERVES if self._key else self._answer

    def _is_wide(self) -> bool:
        """Whether a probe as long as the datagrams of a handshake was answered."""
        long = [run for size, run in self._sizes.items() if size >= DATAGRAM_BYTES_MAX]
        return any(run.heard for run in (*long, self._runs.get(FRAGMENTS, Run())))

    async def _measure(self) -> None:
        """See how many probes are lost, and overtake each other."""
        await self._run(UNICAST, self._prober.to(self._addresses[0]), EVERY_ONE)

    async def _measure_sizes(self) -> None:
        """See how long datagrams may be, once any is answered; and whether the server has IPv6."""
        address = self._addresses[0]
        first = await self._prober.run(self._prober.to(address), FIRST, is_enough=bool, keep=lambda run: None)
        if not first.heard:
            return
        fixed = self._prober.to(address, divides=False)

        async def try_size(size: int) -> None:
            await self._prober.run(
                fixed, A_SIZE, size=size, is_enough=bool, keep=lambda run: self._sizes.update({size: run})
            )

        await asyncio.gather(
            self._run(FRAGMENTS, self._prober.to(address), A_SIZE, bool, size=DATAGRAM_BYTES_MAX),
            self._run(LINK_LOCAL, self._to_link_local(address), A_SIZE, bool),
            self._run(TO_ALL, self._to_all(address), A_SIZE),
            *map(try_size, SIZES),
        )

    def _to_all(self, address: Address) -> list[Way]:
        """The broadcast of the network of this machine that the server is in, and the way to it; none without one."""
        around = [
            host
            for link, name in self._named()
            if _interface(link, name).holds(address.host)
            for host in link.broadcasts
        ]
        to_all = [way for host in around[:1] for way in self._prober.to(Address(host, address.port))]
        return [*to_all, *self._prober.to(address)] if to_all else []

    def _to_link_local(self, address: Address) -> list[Way]:
        """The way to the link-local address that the server's machine probably has."""
        hardware = (machine.neighbours() or {}).get(address.host, "")
        holders = [name for link, name in self._named() if hardware and _interface(link, name).holds(address.host)]
        return [
            way
            for name in holders
            for way in self._prober.to(Address(machine.link_local_of(hardware, name), address.port))
        ]

    async def _run(
        self,
        name: str,
        ways: Sequence[Way],
        pace: Pace,
        is_enough: Callable[[Sequence[Heard]], object] = lambda heard: False,
        **options: int,
    ) -> None:
        def keep(run: Run) -> None:
            self._runs[name] = run

        await self._prober.run(ways, pace, is_enough=is_enough, keep=keep, **options)

    # --- The machine ----------

    def _is_heard(self) -> bool:
        return self._answer is Answer.SERVES or bool(self._runs.get(UNICAST, Run()).heard)

    async def _sweep(self) -> None:
        """Have the system look for all neighbours in small networks, where it tells who answers."""
        if machine.neighbours() is None:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sweeping:
            sweeping.setblocking(False)
            for link, _ in self._named():
                for local in link.hosts:
                    network = ipaddress.ip_network(f"{local.host.partition('%')[0]}/{local.prefix_bits}", strict=False)
                    if network.version == 4 and network.num_addresses <= SWEPT_MAX:
                        for host in islice(network.hosts(), SWEPT_MAX):
                            with suppress(OSError):
                                sweeping.sendto(b"", (str(host), DISCARD_PORT))
            await asyncio.sleep(SWEEP_S)

    def _named(self) -> list[tuple[NetworkLink, str]]:
        """The interfaces with their names, which they may lose at any time."""
        found = []
        for link in self._links:
            with suppress(OSError):
                found.append((link, socket.if_indextoname(link.index)))
        return found

    # --- The result ----------

    def observed(self, before: machine.Counters | None, after: machine.Counters | None) -> Observed:
        """All of it; `before` and `after` were counted around it."""
        place = self._addresses[0] if self._addresses else None
        neighbours = machine.neighbours()
        own = Own(
            interfaces=tuple(_interface(link, name) for link, name in self._named()),
            source=source_host(place.host) if place else "",
            neighbours=None if neighbours is None else set(neighbours),
            gateways=machine.gateways(),
            firewalled=after.firewalled - before.firewalled if before and after else None,
            overruns=after.overruns - before.overruns if before and after else None,
            buffer_bytes=self._prober.buffer_bytes,
            firewall=machine.firewall(),
        )
        return Observed(
            own=own,
            server=self._server.name if self._server else "",
            place=place,
            contact=self._contact(),
            runs=self._runs,
            sizes=self._sizes,
            found=self._found,
        )

    def _contact(self) -> Contact | None:
        if self._server is None or self._answer is None:
            return None
        shown = fingerprint(self._key) if self._key else ""
        return Contact(self._answer.name.lower(), shown, self._known(self._server))


def _interface(link: NetworkLink, name: str) -> Interface:
    kind = TUNNEL if _TUNNELS.match(name) else CONTAINERS if _CONTAINERS.match(name) else LAN
    return Interface(name, tuple(f"{local.host}/{local.prefix_bits}" for local in link.hosts), kind)
