from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence

import pytest

from tests.shell.net.test_endpoint import needs_ipv6
from tests.shell.waiting import run_until
from udpchat.shell import binding, pktinfo
from udpchat.shell.binding import AddressWatch, covered, hosts_behind, open_sockets
from udpchat.shell.net.endpoint import EndpointError, UdpEndpoint, open_socket
from udpchat.wire.packets import Address


@contextlib.contextmanager
def opened(hosts: Sequence[str], port: int = 0, **options: bool) -> Iterator[list[socket.socket]]:
    sockets = open_sockets(hosts, port, **options)
    try:
        yield sockets
    finally:
        for one in sockets:
            one.close()


def places(sockets: Sequence[socket.socket]) -> list[str]:
    """Where they are bound, once it is sure that all have one port."""
    assert len({one.getsockname()[1] for one in sockets}) == 1
    return [one.getsockname()[0] for one in sockets]


@pytest.mark.parametrize(
    ("hosts", "surplus"),
    [
        (["::"], []),
        (["127.0.0.1", "127.0.0.2"], []),
        (["127.0.0.1", "::", "fd00::1", "0.0.0.0"], ["127.0.0.1", "fd00::1", "0.0.0.0"]),
        (["0.0.0.0", "127.0.0.1", "::1"], ["127.0.0.1"]),
    ],
)
def test_a_wildcard_address_covers_others(hosts: list[str], surplus: list[str]) -> None:
    assert covered(hosts) == surplus


@needs_ipv6
def test_each_address_has_a_socket_and_all_have_one_port() -> None:
    with opened(["127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"]) as sockets:
        assert places(sockets) == ["127.0.0.1", "::1", "127.0.0.2"]


@needs_ipv6
def test_an_address_that_a_wildcard_covers_has_no_socket_of_its_own() -> None:
    with opened(["127.0.0.1", "::"], has_pktinfo=True) as sockets:
        assert places(sockets) == ["::"] and pktinfo.is_requested(sockets[0])


@needs_ipv6
def test_a_wildcard_of_one_family_goes_with_an_address_of_the_other() -> None:
    with opened(["0.0.0.0", "::1"], has_pktinfo=True) as sockets:
        assert places(sockets) == ["0.0.0.0", "::1"]
        assert [pktinfo.is_requested(one) for one in sockets] == [True, False]


def test_without_packet_information_a_wildcard_is_a_socket_for_each_address() -> None:
    with opened(["0.0.0.0"], has_pktinfo=False) as sockets:
        assert places(sockets) == hosts_behind("0.0.0.0") and "127.0.0.1" in places(sockets)
        assert not any(pktinfo.is_requested(one) for one in sockets)


def test_an_address_that_cannot_be_used_now_is_left_out_unless_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "hosts_behind", lambda wildcard: ["203.0.113.77", "127.0.0.1"])
    with opened(["0.0.0.0"], has_pktinfo=False) as sockets:
        assert places(sockets) == ["127.0.0.1"]
    with pytest.raises(EndpointError, match=r"203\.0\.113\.77.*not an address of this machine"):
        open_sockets(["127.0.0.1", "203.0.113.77"], 0)


def test_a_machine_without_any_address_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "hosts_behind", lambda wildcard: [])
    with pytest.raises(EndpointError, match="no address to serve at"):
        open_sockets(["::"], 0, has_pktinfo=False)


@pytest.mark.parametrize("has_pktinfo", [True, False])
def test_a_port_in_use_at_one_of_the_addresses_is_said(has_pktinfo: bool) -> None:
    with open_socket("127.0.0.1", 0) as taken, pytest.raises(EndpointError, match=r"in use.*--port"):
        open_sockets(["0.0.0.0"], taken.getsockname()[1], has_pktinfo=has_pktinfo)


def test_any_free_port_is_one_that_is_free_at_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = []

    def open_beside(host: str, port: int) -> socket.socket:
        """The first two ports that are free at 127.0.0.1 are taken at 127.0.0.2 meanwhile."""
        if host == "127.0.0.2" and len(ports) < 2:
            ports.append(port)
            with open_socket(host, port):
                return open_socket(host, port)
        return open_socket(host, port)

    monkeypatch.setattr(binding, "open_socket", open_beside)
    with opened(["127.0.0.1", "127.0.0.2"]) as sockets:
        assert places(sockets) == ["127.0.0.1", "127.0.0.2"]
    assert len(ports) == 2


@pytest.fixture
def hosts() -> list[str]:
    """The addresses that the machine has now."""
    return ["127.0.0.1", "127.0.0.2"]


@pytest.fixture
def endpoint(
    loop: asyncio.AbstractEventLoop, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[UdpEndpoint]:
    monkeypatch.setattr(binding, "ADDRESSES_LOOK_S", 0.001)
    monkeypatch.setattr(binding, "hosts_behind", lambda wildcard: list(hosts))
    made = UdpEndpoint(loop, *open_sockets(["0.0.0.0"], 0, has_pktinfo=False))
    yield made
    made.close()


def test_addresses_that_come_and_go_are_followed(
    loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint, hosts: list[str]
) -> None:
    watch = AddressWatch(loop, endpoint, ["0.0.0.0"], find_hosts=lambda wildcard: list(hosts))
    got: list[tuple[bytes, Address]] = []
    endpoint.listen(got.extend)
    watch.start()
    hosts[:] = ["127.0.0.2", "127.0.0.3", "203.0.113.77"]  # the last is not usable yet
    run_until(loop, lambda: endpoint.hosts == ["127.0.0.2", "127.0.0.3"])
    sender = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    sender.send([(b"hello", Address("127.0.0.3", endpoint.address.port))])
    run_until(loop, lambda: got)
    assert got == [(b"hello", sender.address._replace(local="127.0.0.3"))]
    hosts.clear()
    run_until(loop, lambda: len(endpoint.hosts) == 1)  # the last one stays
    watch.close()
    sender.close()


def test_where_a_wildcard_socket_serves_all_there_is_nothing_to_watch(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = UdpEndpoint(loop, open_socket("0.0.0.0", 0))
    monkeypatch.setattr(loop, "call_later", lambda *_: pytest.fail("it looks for addresses"))
    watch = AddressWatch(loop, endpoint, ["0.0.0.0"])
    watch.start()
    watch.close()
    endpoint.close()
