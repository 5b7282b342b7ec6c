"""A server with several addresses, over real networks: it answers from the one that was written to, and names them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lan.network import Machine, network, why_not
from tests.shell.waiting import Program, free_port, run_until, url_of
from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState, Write
from udpchat.server.core import ServerCore
from udpchat.session.noise import KeyPair
from udpchat.shell import server_app
from udpchat.shell.addresses import parse_server, place
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.options import server_options
from udpchat.shell.server_app import Service
from udpchat.shell.writer import DirectWriter
from udpchat.wire.packets import Address

needs_namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not())
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without asking")

IPV4 = ("10.77.0.1", "10.77.0.2")
IPV6 = ("fd00:77::1", "fd00:77::2")
MODULES = ["udpchat", "tests.shell.one_socket_each"]
MODES = ["one socket for all", "one socket for each address"]


class Net(NamedTuple):
    """Two machines."""

    server: Machine
    client: Machine


@pytest.fixture
def net() -> Iterator[Net]:
    """One of them has two addresses of each family."""
    addresses = [*(f"{host}/24" for host in IPV4), *(f"{host}/64" for host in IPV6)]
    with network() as lan:
        yield Net(lan.machine("server", *addresses), lan.machine("client", "10.77.0.9/24", "fd00:77::9/64"))


def gets_in(host: str, port: int, data: Path, within: str = "") -> bool:
    """Whether a client is let in at this address of the server and has a message confirmed."""
    options = ["--server", place(host, port), "--data", str(data), "--json", "--timeout", "15"]
    with Program("client", "--nick", "alice", *options, within=within) as client:
        client.type("hello")
        client.end_input()
        return client.code() == 0


@needs_namespaces
@pytest.mark.parametrize("module", MODULES, ids=MODES)
def test_a_client_on_another_machine_gets_in_at_each_address_of_the_server(
    net: Net, tmp_path: Path, module: str
) -> None:
    arguments = ("server", "--port", "0", "--data", str(tmp_path / "server"))
    with Program(*arguments, module=module, within=net.server.namespace) as server:
        port = parse_server(url_of(server)).port
        for host in (*IPV4, *IPV6):
            assert gets_in(host, port, tmp_path / "client", net.client.namespace), host


@needs_namespaces
def test_a_client_gets_in_at_a_link_local_address(net: Net, tmp_path: Path) -> None:
    net.server.ip("address", "add", "fe80::77/64", "dev", "eth0", "nodad")
    net.client.ip("address", "add", "fe80::79/64", "dev", "eth0", "nodad")
    with Program("server", "--port", "0", "--data", str(tmp_path / "server"), within=net.server.namespace) as server:
        port = parse_server(url_of(server)).port
        assert gets_in("fe80::77%eth0", port, tmp_path / "client", net.client.namespace)


@needs_linux
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_a_client_on_the_same_machine_gets_in_at_any_loopback_address(host: str, tmp_path: Path) -> None:
    with Program("server", "--port", "0", "--data", str(tmp_path / "server")) as server:
        assert gets_in(host, parse_server(url_of(server)).port, tmp_path / "client")


@needs_namespaces
def test_a_server_bound_to_two_addresses_serves_both(net: Net, tmp_path: Path) -> None:
    arguments = ["server", "--bind", IPV4[0], "--bind", IPV6[1], "--port", "0", "--data", str(tmp_path / "server")]
    with Program(*arguments, within=net.server.namespace) as server:
        url = parse_server(url_of(server))
        assert url.host == IPV4[0]
        for host in (IPV4[0], IPV6[1]):
            assert gets_in(host, url.port, tmp_path / "client", net.client.namespace), host


@needs_namespaces
@pytest.mark.parametrize("module", MODULES, ids=MODES)
def test_on_a_lan_without_a_gateway_ready_names_an_address_of_the_lan_and_the_log_all_of_them(
    net: Net, tmp_path: Path, module: str
) -> None:
    arguments = ("server", "--port", "0", "--data", str(tmp_path))
    with Program(*arguments, module=module, within=net.server.namespace) as server:
        url = parse_server(url_of(server))
        assert url.host == IPV4[0]
        line = server.line(of=server.err, where="others reach it at")
        for host in (*IPV4, *IPV6):
            assert f"udpchat://{place(host, url.port)}#{url.fingerprint}" in line
        assert "127.0.0.1" not in line and "fe80" not in line


@needs_namespaces
def test_an_interface_that_is_down_is_not_named(net: Net, tmp_path: Path) -> None:
    net.server.ip("link", "set", "eth0", "down")
    with Program("server", "--port", "0", "--data", str(tmp_path), within=net.server.namespace) as server:
        assert parse_server(url_of(server)).host == "127.0.0.1"
        server.line(of=server.err, where="only this machine reaches it")


@needs_namespaces
def test_an_address_that_is_taken_away_ends_no_session_if_it_comes_back(net: Net, tmp_path: Path) -> None:
    """A lease ends and is renewed: meanwhile the server answers from another address, and its sends do not fail."""
    with Program("server", "--port", "0", "--data", str(tmp_path / "server"), within=net.server.namespace) as server:
        port = parse_server(url_of(server)).port
        options = ["--json", "--data", str(tmp_path / "clients"), "--follow", "--server"]
        of_alice, of_bob = (["--nick", nick, *options] for nick in ("alice", "bob"))
        with (
            Program("client", *of_alice, place(IPV4[1], port), within=net.client.namespace) as alice,
            Program("client", *of_bob, place(IPV4[0], port), within=net.client.namespace) as bob,
        ):
            for client in (alice, bob):
                client.line(where='"connected"')
            net.server.ip("address", "del", f"{IPV4[1]}/24", "dev", "eth0")
            bob.type("alice, are you there?")
            server.line(of=server.err, where=f"{IPV4[1]}, which 10.77.0.9 wrote to, is gone: answered from another")
            alice.line(where="are you there?")
            net.server.ip("address", "add", f"{IPV4[1]}/24", "dev", "eth0")
            alice.type("still here")
            bob.line(where="still here")
            for client in (alice, bob):
                client.end_input()
                client.process.terminate()
                assert not [line for line in client.rest_of(client.out) if "disconnected" in line]


@needs_namespaces
def test_where_each_address_has_a_socket_an_address_that_comes_later_is_served(net: Net, tmp_path: Path) -> None:
    arguments = ("server", "--port", "0", "--data", str(tmp_path / "server"))
    with Program(*arguments, module="tests.shell.one_socket_each", within=net.server.namespace) as server:
        port = parse_server(url_of(server)).port
        net.server.ip("address", "add", "10.77.0.3/24", "dev", "eth0")
        net.server.ip("address", "del", f"{IPV4[1]}/24", "dev", "eth0")
        server.line(of=server.err, where=f"{IPV4[1]} is no longer an address of this machine")
        server.line(of=server.err, where="serving at 10.77.0.3 as well")
        assert gets_in("10.77.0.3", port, tmp_path / "client", net.client.namespace)


class Elsewhere:
    """The endpoint of a client that writes to another address of the server than its core believes."""

    def __init__(self, endpoint: UdpEndpoint, host: str) -> None:
        self._endpoint, self.host = endpoint, host

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        self._endpoint.send([(datagram, address._replace(host=self.host)) for datagram, address in transmits])


@needs_linux
def test_a_session_goes_on_when_the_client_writes_to_another_address_of_the_server(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores: list[ServerCore] = []

    class Seen(ServerCore):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            cores.append(self)

    monkeypatch.setattr(server_app, "ServerCore", Seen)
    port = free_port()
    service = Service(loop, server_options({"port": str(port), "data": str(tmp_path), "heartbeat": "0.2"}, {}))
    running = loop.create_task(service.run())
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    way = Elsewhere(endpoint, "127.0.0.1")
    profile = Profile(KeyPair(os.urandom(32)), "alice", ("lobby",), "server", lambda key: None)
    to = Address(way.host, port)
    client = ClientCore(loop.time(), profile=profile, saved=ClientState(os.urandom(16)), address=to, random=os.urandom)
    happened: list[events.ClientEvent] = []
    writer: DirectWriter[Write] = DirectWriter(lambda batch: None)
    driver: Driver[Write, events.ClientEvent] = Driver(
        loop, client, endpoint=way, writer=writer, on_events=lambda now, new: happened.extend(new)
    )
    endpoint.listen(driver.receive)
    driver.start()
    run_until(loop, lambda: any(isinstance(event, events.Connected) for event in happened))
    [registry] = [core.chat.registry for core in cores]
    [peer] = registry
    session = peer.session
    assert session.path.address == endpoint.address._replace(local="127.0.0.1")
    for host in ("127.0.0.2", "127.0.0.3", "127.0.0.1"):
        way.host = host
        driver.call(client.say, "lobby", f"by way of {host}")
        run_until(loop, lambda: not client.model.sending)
        run_until(loop, lambda host=host: session.path.address.local == host)  # type: ignore[misc]
    assert list(registry) == [peer] and peer.session is session
    assert not [event for event in happened if isinstance(event, events.Disconnected)]
    driver.end()
    endpoint.close()
    signal.raise_signal(signal.SIGTERM)
    assert loop.run_until_complete(running) == 0


@needs_namespaces
def test_with_nothing_but_link_local_addresses_the_log_explains_the_zone(tmp_path: Path) -> None:
    with (
        network() as lan,
        Program(
            "server", "--port", "0", "--data", str(tmp_path), within=lan.machine("one", "fe80::77/64").namespace
        ) as server,
    ):
        assert parse_server(url_of(server)).host.startswith("fe80:")
        server.line(of=server.err, where="what follows the % is the interface")
