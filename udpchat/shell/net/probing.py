"""Sends Probes (SPEC 2.1) from sockets of its own, and keeps the replies of each run."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from udpchat.client.probe_runs import Heard, Run
from udpchat.shell.net.endpoint import READ_BATCH_MAX, address_of, sockaddr_of
from udpchat.wire.errors import BadDatagram
from udpchat.wire.fields import Value
from udpchat.wire.limits import PROBE_BYTES_MAX, PROBE_BYTES_MIN, PROBE_ID_BYTES, PROTOCOL_VERSION
from udpchat.wire.packets import SAME_LENGTH, Address, Probe, ProbeReply, parse_packet_untrusted

HEARD_MAX: Final = 1_024  # replies of one run: somebody may repeat them
POLL_S: Final = 0.01
_DONT_FRAGMENT: Final = {  # level, option, value: datagrams are not divided, whatever is known of the path
    ("linux", socket.AF_INET): (socket.IPPROTO_IP, 10, 3),  # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE
    ("linux", socket.AF_INET6): (socket.IPPROTO_IPV6, 23, 3),
    ("darwin", socket.AF_INET): (socket.IPPROTO_IP, 28, 1),  # IP_DONTFRAG
    ("win32", socket.AF_INET): (socket.IPPROTO_IP, 14, 1),  # IP_DONTFRAGMENT
}

Way = tuple[socket.socket, tuple[Any, ...]]
"""A socket, and the sockaddr to send to."""


class Pace(Value, frozen=True):
    """At most `count` probes, one every `every_s`; then replies are awaited for `tail_s`."""

    count: int
    every_s: float
    tail_s: float


class Prober:
    """Has sockets and runs in `loop`; close it at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sockets: list[socket.socket] = []
        self._runs: dict[bytes, tuple[dict[int, float], list[Heard]]] = {}
        self._wall_s = time.time() - loop.time()

    def close(self) -> None:
        """Close all sockets."""
        for opened in self._sockets:
            self._loop.remove_reader(opened)
            opened.close()

    @property
    def buffer_bytes(self) -> int:
        """How large the receive buffers are; 0 without any socket."""
        return min((each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for each in self._sockets), default=0)

    def to(self, address: Address, *, divides: bool = True) -> list[Way]:
        """The way to a host, or to all hosts of a broadcast address, if there is one; `divides`: the system may send a
        datagram in fragments."""
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        option = None if divides else _DONT_FRAGMENT.get((sys.platform, family))
        with suppress(OSError):
            opened = self._open(family)
            if family == socket.AF_INET:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if option is not None:
                opened.setsockopt(*option)
            return [(opened, sockaddr_of(address, family))]
        return []

    async def run(
        self,
        ways: Sequence[Way],
        pace: Pace,
        *,
        size: int = PROBE_BYTES_MIN,
        is_enough: Callable[[Sequence[Heard]], object] = lambda heard: False,
        keep: Callable[[Run], object],
    ) -> Run:
        """Send probes of `size` bytes each way, until `is_enough` of the replies holds or `pace` has been kept.

        `keep` gets the run as it is at the end, also if that is a cancellation.
        """
        probe_id = os.urandom(PROBE_ID_BYTES)
        sent, heard = self._runs[probe_id] = {}, []
        try:
            for _ in range(pace.count if ways else 0):
                for opened, target in ways:
                    probe = Probe(PROTOCOL_VERSION, probe_id, len(sent), SAME_LENGTH, size)
                    sent[probe.number] = self._loop.time()
                    with suppress(OSError):  # too long for an interface, or refused by a firewall: it is lost
                        opened.sendto(probe.encode(), target)
                await self._sleep(pace.every_s, lambda: is_enough(heard))
                if is_enough(heard):
                    break
            await self._sleep(pace.tail_s, lambda: is_enough(heard) or len(heard) >= len(sent))
        finally:
            result = Run(dict(sent), tuple(heard), self._wall_s)
            keep(result)
        return result

    async def _sleep(self, limit_s: float, is_over: Callable[[], object]) -> None:
        """Wait until it is over, at most so long."""
        end = self._loop.time() + limit_s
        while not is_over() and (left_s := end - self._loop.time()) > 0.0:
            await asyncio.sleep(min(left_s, POLL_S))

    def _open(self, family: socket.AddressFamily) -> socket.socket:
        """Raises OSError."""
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.bind(("", 0))
        except OSError:
            opened.close()
            raise
        self._sockets.append(opened)
        self._loop.add_reader(opened, self._read, opened)
        return opened

    def _read(self, opened: socket.socket) -> None:
        for _ in range(READ_BATCH_MAX):
            try:
                datagram, source = opened.recvfrom(PROBE_BYTES_MAX + 1)
            except BlockingIOError:
                return
            except OSError:  # Windows: an earlier datagram was refused
                continue
            with suppress(BadDatagram):
                packet = parse_packet_untrusted(datagram)
                sent, heard = self._runs.get(getattr(packet, "probe_id", b""), ({}, []))
                if isinstance(packet, ProbeReply) and packet.number in sent and len(heard) < HEARD_MAX:
                    heard.append(Heard(self._loop.time(), address_of(source), packet))
