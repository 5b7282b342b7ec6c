from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from tests.shell.net.test_endpoint import has_ipv6
from udpchat.shell import pktinfo
from udpchat.shell.net.endpoint import open_socket

pytestmark = pytest.mark.skipif(not pktinfo.IS_AVAILABLE, reason="packet information is used on Linux only")
LOCALS = ["127.0.0.1", "127.0.0.2", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6"))]


@pytest.fixture(params=["0.0.0.0", "::"])
def bound(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with open_socket(request.param, 0) as opened:
        opened.settimeout(5)
        yield opened


def mapped(host: str, family: int) -> str:
    return f"::ffff:{host}" if family == socket.AF_INET6 and ":" not in host else host


def test_it_is_off_until_it_is_requested(bound: socket.socket) -> None:
    assert not pktinfo.is_requested(bound)
    pktinfo.request(bound)
    assert pktinfo.is_requested(bound)


@pytest.mark.parametrize("host", LOCALS)
def test_the_destination_is_reported_and_can_be_the_source_of_the_answer(bound: socket.socket, host: str) -> None:
    if ":" in host and bound.family == socket.AF_INET:
        return
    pktinfo.request(bound)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(5)
        peer.sendto(b"ping", (host, bound.getsockname()[1]))
        _, ancillary, flags, source = bound.recvmsg(100, pktinfo.ANCILLARY_BYTES)
        local = pktinfo.local_sockaddr(ancillary)
        assert not flags & socket.MSG_CTRUNC
        assert local is not None and local[:2] == (mapped(host, bound.family), 0)
        bound.sendmsg([b"pong"], pktinfo.ancillary_of(local, bound.family), 0, source)
        assert peer.recvfrom(100) == (b"pong", peer_view(host, bound))


def peer_view(host: str, bound: socket.socket) -> tuple[object, ...]:
    port = bound.getsockname()[1]
    return (host, port, 0, 0) if ":" in host else (host, port)


def test_what_the_kernel_did_not_report_is_none() -> None:
    assert pktinfo.local_sockaddr([]) is None
    assert pktinfo.local_sockaddr([(socket.SOL_SOCKET, 1, bytes(20))]) is None
    assert pktinfo.local_sockaddr([(socket.IPPROTO_IPV6, 50, bytes(3))]) is None


def test_a_link_local_destination_keeps_its_interface_and_others_leave_that_to_the_route() -> None:
    for host, zone in (("fe80::7", 3), ("fd00::7", 0)):
        data = socket.inet_pton(socket.AF_INET6, host) + (3).to_bytes(4, sys.byteorder)
        assert pktinfo.local_sockaddr([(socket.IPPROTO_IPV6, 50, data)]) == (host, 0, 0, zone)
        [(_, _, sent)] = pktinfo.ancillary_of((host, 0, 0, zone), socket.AF_INET6)
        assert sent == data[:16] + zone.to_bytes(4, sys.byteorder)


def test_the_source_that_the_system_would_choose() -> None:
    assert pktinfo.source_for(("127.0.0.5", 9), socket.AF_INET)[0] == "127.0.0.1"
    with pytest.raises(OSError):
        pktinfo.source_for(("255.255.255.255", 9), socket.AF_INET)
