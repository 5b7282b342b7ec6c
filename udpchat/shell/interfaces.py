"""The addresses of this machine, and which of them to name to others. Nothing here sends anything."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

import ifaddr

from udpchat.shell.net.endpoint import address_of, chosen_source
from udpchat.wire.fields import Value
from udpchat.wire.packets import Address

LINKS_MAX: Final = 64
FAR_AWAY: Final = ("203.0.113.1", "2001:db8::1")  # for documentation (RFC 5737, RFC 3849): only the default route


class LocalHost(Value, frozen=True):
    """One address of an interface; a link-local one has its zone, as `fe80::1%eth0`."""

    host: str
    prefix_bits: int

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """Without the zone."""
        return ipaddress.ip_address(self.host.partition("%")[0])


class NetworkLink(Value, frozen=True):
    """An interface with its addresses; `index` is the system's number of it."""

    index: int
    hosts: tuple[LocalHost, ...]

    @property
    def broadcasts(self) -> list[str]:
        """The broadcast address of each IPv4 network on it that has neighbours."""
        networks = [
            ipaddress.IPv4Network(f"{local.host}/{local.prefix_bits}", strict=False)
            for local in self.hosts
            if local.address.version == 4 and local.prefix_bits < 31 and not local.address.is_loopback
        ]
        return [str(network.broadcast_address) for network in dict.fromkeys(networks)]

    @property
    def has_ipv6(self) -> bool:
        """Whether it has an IPv6 address."""
        return any(local.address.version == 6 for local in self.hosts)


def links() -> list[NetworkLink]:
    """The interfaces of this machine that have an address, at most LINKS_MAX; none if the system does not list them."""
    found: list[NetworkLink] = []
    try:
        for adapter in ifaddr.get_adapters():
            hosts = []
            for ip in adapter.ips:
                sockaddr = (ip.ip, 0) if isinstance(ip.ip, str) else (ip.ip[0], 0, 0, ip.ip[2])
                hosts.append(LocalHost(address_of(sockaddr).host, ip.network_prefix))
            if hosts and adapter.index is not None:
                found.append(NetworkLink(adapter.index, tuple(dict.fromkeys(hosts))))
    except OSError:
        return []
    return found[:LINKS_MAX]


def local_hosts() -> list[LocalHost]:
    """All addresses of this machine, interface by interface; the loopback ones if the system does not list them."""
    found = [local for link in links() for local in link.hosts]
    return list(dict.fromkeys(found)) or [LocalHost("127.0.0.1", 8), LocalHost("::1", 128)]


def source_host(peer: str) -> str:
    """Our address that the system would send from to this host; empty if it knows no way."""
    return chosen_source(Address(peer, 0), socket.AF_INET6 if ":" in peer else socket.AF_INET)


def reachable_hosts() -> list[str]:
    """Addresses of this machine at which others reach it, best first; link-local ones only if there are no others.

    First that of the default route, then private IPv4, other IPv4, IPv6. Interfaces that are down do not count.
    """
    defaults = {source_host(peer) for peer in FAR_AWAY}
    known = local_hosts()
    ours = {local.address for local in known}
    found = [local for local in known if not local.address.is_loopback and _is_up(local, ours)]
    found.sort(key=lambda local: _rank(local, defaults))  # stable: what ranks alike keeps the system's order
    return [local.host for local in found if not local.address.is_link_local] or [local.host for local in found]


def hosts_to_name(bound: Iterable[str]) -> list[str]:
    """Where others reach a server that is bound to these addresses, best first. Without any: where this machine does.

    Never empty; `127.0.0.1` or `::1` at the worst.
    """
    asked = list(bound)
    everywhere = reachable_hosts() if {"::", "0.0.0.0"} & set(asked) else []
    if "::" not in asked:
        everywhere = [host for host in everywhere if ":" not in host]
    named = [host for host in asked if host not in ("::", "0.0.0.0")]
    known = {local.host: local for local in local_hosts()}
    own = sorted(named, key=lambda host: _rank(known.get(host) or LocalHost(host, 0), {source_host(FAR_AWAY[0])}))
    others = [host for host in dict.fromkeys([*everywhere, *own]) if not is_loopback(host)]
    return others or named or ["127.0.0.1"]


def is_loopback(host: str) -> bool:
    """Whether only this machine itself reaches it there."""
    return LocalHost(host, 0).address.is_loopback


def _is_up(local: LocalHost, ours: Collection[object]) -> bool:
    """Whether the system would reach a neighbour in the network of this address from an address in that network.

    A neighbour is an address that is not one of `ours`, for those are reached without the interface.
    """
    if local.prefix_bits >= local.address.max_prefixlen - 1:
        return True  # a tunnel: no neighbours
    host, _, zone = local.host.partition("%")
    network = ipaddress.ip_network(f"{host}/{local.prefix_bits}", strict=False)
    neighbour = next((other for other in islice(network.hosts(), len(ours) + 1) if other not in ours), None)
    if neighbour is None:
        return True  # all of a small network is this machine
    source = source_host(f"{neighbour}%{zone}" if zone else str(neighbour))
    return bool(source) and LocalHost(source, 0).address in network


def _rank(local: LocalHost, defaults: set[str]) -> int:
    address = local.address
    is_default = local.host in defaults
    if address.is_loopback:
        return 8
    if address.is_link_local:
        return 6 if address.version == 4 else 7
    if address.version == 4:
        return 0 if is_default else 1 if address.is_private else 2
    return 3 if is_default else 4
