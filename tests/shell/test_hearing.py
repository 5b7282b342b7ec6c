"""What is sent to everybody on a link is heard on each interface, also where the server has single addresses only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lan.network import Machine, network, why_not
from tests.shell.net.test_endpoint import needs_ipv6
from tests.shell.waiting import ROOT, Program, run_until, url_of, wait_for
from udpchat.shell import hearing, pktinfo
from udpchat.shell.hearing import Hearing
from udpchat.shell.interfaces import LocalHost, NetworkLink
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.wire.limits import DISCOVERY_GROUP, PROTOCOL_VERSION
from udpchat.wire.packets import Probe, Reset

needs_namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not())
PORT = 47_747
LINK_LOCAL = "fe80::77%eth0"


class Lan(NamedTuple):
    """A server with an address of each family, and a client; no gateway."""

    server: Machine
    client: Machine


@pytest.fixture
def net() -> Iterator[Lan]:
    with network() as made:
        yield Lan(
            made.machine("server", "10.77.0.1/24", "fe80::77/64"), made.machine("client", "10.77.0.9/24", "fe80::99/64")
        )


def found_from(net: Lan) -> list[str]:
    """What a client in its namespace finds: addresses and ways."""
    command = ["ip", "netns", "exec", net.client.namespace, sys.executable, "-m", "tests.shell.prober", str(PORT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.splitlines()


@contextlib.contextmanager
def served(net: Lan, data: Path, *options: str) -> Iterator[Program]:
    with Program("server", "--name", "den", "--data", data, *options, within=net.server.namespace) as server:
        url_of(server)
        yield server


@needs_namespaces
@pytest.mark.parametrize(
    ("bind", "found"),
    [
        ((), f"den 10.77.0.1,{LINK_LOCAL} BROADCAST,MULTICAST"),
        (("--bind", "0.0.0.0"), "den 10.77.0.1 BROADCAST"),
        (("--bind", "10.77.0.1"), "den 10.77.0.1 BROADCAST"),
        (("--bind", LINK_LOCAL), f"den {LINK_LOCAL} MULTICAST"),
        (("--bind", "10.77.0.1", "--bind", LINK_LOCAL), f"den 10.77.0.1,{LINK_LOCAL} BROADCAST,MULTICAST"),
    ],
    ids=["everywhere", "IPv4", "one IPv4", "one IPv6", "one of each"],
)
def test_a_search_on_the_link_is_answered_from_where_the_server_serves(
    net: Lan, tmp_path: Path, bind: tuple[str, ...], found: str
) -> None:
    with served(net, tmp_path, *bind):
        assert found_from(net) == [found]


@needs_namespaces
@pytest.mark.parametrize("options", [("--bind", "127.0.0.1"), ("--discoverable", "no")])
def test_a_server_that_does_not_serve_there_or_is_not_to_be_found_is_silent(
    net: Lan, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with served(net, tmp_path, *options):
        assert found_from(net) == []


@needs_namespaces
def test_a_search_on_an_interface_that_came_later_is_answered_too(net: Lan, tmp_path: Path) -> None:
    net.server.readdress()
    with served(net, tmp_path):
        net.server.readdress("fe80::77/64")
        wait_for(lambda: found_from(net) == [f"den {LINK_LOCAL} MULTICAST"], 10.0, "the interface is heard")


# --- Without a network ----------


@needs_ipv6
def test_a_wildcard_socket_joins_the_group_on_each_interface_once(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[int] = []
    found = [NetworkLink(1, (LocalHost("::1", 128),)), NetworkLink(7, (LocalHost("10.0.0.1", 24),))]
    monkeypatch.setattr(hearing, "ADDRESSES_LOOK_S", 0.01)
    monkeypatch.setattr(UdpEndpoint, "join", lambda self, group, index: joined.append(index))
    endpoint = UdpEndpoint(loop, open_socket("::", 0))
    heard = Hearing(loop, endpoint, lambda batch: None, find_links=lambda: found)
    heard.start()
    found.append(NetworkLink(8, (LocalHost("fe80::1%eth1", 64),)))
    run_until(loop, lambda: 8 in joined)
    assert joined == [1, 8]
    heard.close()
    endpoint.close()


@pytest.mark.skipif(not pktinfo.IS_AVAILABLE, reason="only Linux lets anybody bind to a broadcast address")
def test_beside_single_addresses_only_probes_are_heard_and_where_nothing_is_served_nothing(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "LIMITED_BROADCAST", "127.255.255.255")  # which this machine hears itself say
    monkeypatch.setattr(LocalHost, "address", property(lambda local: FakeAddress()))
    monkeypatch.setattr(NetworkLink, "broadcasts", property(lambda link: []))
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    batches: list[tuple[bytes, object]] = []
    served = "127.0.0.1"
    heard = Hearing(loop, endpoint, batches.extend, find_links=lambda: [NetworkLink(1, (LocalHost(served, 8),))])
    heard.start()
    probe = Probe(PROTOCOL_VERSION, b"probe id", 1).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asking.bind(("127.0.0.1", 0))
        for datagram in (Reset(1).encode(), probe):
            asking.sendto(datagram, ("127.255.255.255", endpoint.address.port))
        run_until(loop, lambda: batches)
        assert batches == [(probe, (*asking.getsockname(), served))]
    heard.close()
    endpoint.close()


class FakeAddress:
    """One that others could reach."""

    version, is_loopback = 4, False


def test_the_group_is_link_local_and_one_that_nobody_else_is_assigned() -> None:
    assert DISCOVERY_GROUP.startswith("ff12:")
