from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.shell.waiting import run_until
from udpchat.shell import endpoint as module
from udpchat.shell.endpoint import (
    READ_BATCH_MAX,
    EndpointError,
    UdpEndpoint,
    address_of,
    open_socket,
    sockaddr_of,
)
from udpchat.wire.limits import DATAGRAM_BYTES_MAX
from udpchat.wire.packets import Address

Batch = list[tuple[bytes, Address]]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="IPv6 is off here")


@pytest.fixture
def endpoint(loop: asyncio.AbstractEventLoop) -> Iterator[UdpEndpoint]:
    made = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    yield made
    made.close()


class FullSocket:
    """A socket whose kernel takes `room` datagrams, and then no more until there is room again."""

    def __init__(self, real: socket.socket, room: int) -> None:
        self._real, self.room, self.sent = real, room, []
        self.sent: list[bytes]
        self.error: OSError | None = None

    def sendto(self, datagram: bytes, sockaddr: Any) -> None:
        if self.error is not None:
            raise self.error
        if self.room == 0:
            raise BlockingIOError
        self.room -= 1
        self.sent.append(datagram)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_what_is_sent_arrives_in_order_with_the_address_of_its_sender(
    loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint
) -> None:
    got: Batch = []
    endpoint.listen(got.extend)
    sender = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    sender.send([(b"%d" % number, endpoint.address) for number in range(20)])
    run_until(loop, lambda: len(got) == 20)
    assert got == [(b"%d" % number, sender.address) for number in range(20)]
    sender.close()


def test_a_wake_up_reads_a_bounded_batch(loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint) -> None:
    batches: list[Batch] = []
    endpoint.send([(b"x", endpoint.address)] * (READ_BATCH_MAX + 10))
    endpoint.listen(batches.append)
    run_until(loop, lambda: sum(map(len, batches)) == READ_BATCH_MAX + 10)
    assert [len(batch) for batch in batches] == [READ_BATCH_MAX, 10]


def test_what_is_too_long_is_seen_to_be_too_long(loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint) -> None:
    got: Batch = []
    endpoint.listen(got.extend)
    endpoint.send([(bytes(9000), endpoint.address), (b"next", endpoint.address)])
    run_until(loop, lambda: (b"next", endpoint.address) in got)
    assert all(datagram == b"next" or len(datagram) == DATAGRAM_BYTES_MAX + 1 for datagram, _ in got)


@needs_ipv6
def test_one_socket_speaks_ipv6_and_ipv4(loop: asyncio.AbstractEventLoop) -> None:
    both = UdpEndpoint(loop, open_socket("::", 0))
    got: Batch = []
    both.listen(lambda batch: (got.extend(batch), both.send(batch))[0])
    echoes: Batch = []
    ends = [UdpEndpoint(loop, open_socket(host, 0)) for host in ("127.0.0.1", "::1")]
    for end in ends:
        end.listen(echoes.extend)
        end.send([(b"hello", (end.address[0], both.address[1]))])
    run_until(loop, lambda: len(echoes) == 2)
    assert {address for _, address in got} == {end.address for end in ends}
    for end in (both, *ends):
        end.close()


def test_ipv4_serves_alone_where_ipv6_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(family: int, *arguments: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported")
        return real(family, *arguments)

    monkeypatch.setattr(module.socket, "socket", without_ipv6)
    with open_socket("::", 0) as opened:
        assert opened.family == socket.AF_INET
        assert opened.getsockname()[0] == "0.0.0.0"


def test_a_port_in_use_is_said_in_one_line_with_what_to_do(endpoint: UdpEndpoint) -> None:
    with pytest.raises(EndpointError, match=r"in use.*--port"):
        open_socket("127.0.0.1", endpoint.address[1])


def test_an_address_of_another_machine_is_said_in_one_line() -> None:
    with pytest.raises(EndpointError, match="not an address of this machine"):
        open_socket("203.0.113.77", 0)


@pytest.mark.parametrize(
    ("sockaddr", "address"),
    [
        (("192.0.2.1", 5), ("192.0.2.1", 5)),
        (("::ffff:192.0.2.1", 5, 0, 0), ("192.0.2.1", 5)),
        (("2001:db8::1", 5, 0, 0), ("2001:db8::1", 5)),
        (("fe80::1%eth7", 5, 0, 3), ("fe80::1%eth7", 5)),
        (("fe80::1", 5, 0, 987_654), ("fe80::1%987654", 5)),
    ],
)
def test_an_address_has_one_form(sockaddr: tuple[Any, ...], address: Address) -> None:
    assert address_of(sockaddr) == address


def test_an_address_goes_back_to_what_the_socket_wants() -> None:
    assert sockaddr_of(("192.0.2.1", 5), socket.AF_INET) == ("192.0.2.1", 5)
    assert sockaddr_of(("192.0.2.1", 5), socket.AF_INET6) == ("::ffff:192.0.2.1", 5, 0, 0)
    assert sockaddr_of(("fe80::1%7", 5), socket.AF_INET6) == ("fe80::1", 5, 0, 7)
    with pytest.raises(OSError):
        sockaddr_of(("fe80::1%nosuchzone", 5), socket.AF_INET6)


def test_what_the_kernel_does_not_take_waits_and_keeps_its_order(
    loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint
) -> None:
    full = FullSocket(endpoint._socket, room=2)
    endpoint._socket = full  # type: ignore[assignment]
    endpoint.send([(b"%d" % number, endpoint.address) for number in range(4)])
    endpoint.send([(b"4", endpoint.address)])
    assert full.sent == [b"0", b"1"]
    full.room = 100
    loop.run_until_complete(asyncio.wait_for(endpoint.drained(), 5))
    assert full.sent == [b"0", b"1", b"2", b"3", b"4"]


def test_the_oldest_of_a_full_queue_are_dropped_and_counted(
    loop: asyncio.AbstractEventLoop, endpoint: UdpEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_QUEUE_MAX", 3)
    full = FullSocket(endpoint._socket, room=0)
    endpoint._socket = full  # type: ignore[assignment]
    for number in range(5):
        endpoint.send([(b"%d" % number, endpoint.address)])
    full.room = 100
    loop.run_until_complete(asyncio.wait_for(endpoint.drained(), 5))
    assert full.sent == [b"2", b"3", b"4"]
    assert endpoint.counters == {"not sent: queue full": 2}


def test_a_failed_send_is_counted_and_logged_once_a_minute(
    endpoint: UdpEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    full = FullSocket(endpoint._socket, room=9)
    endpoint._socket = full  # type: ignore[assignment]
    full.error = OSError(errno.ENETUNREACH, "Network is unreachable")
    with caplog.at_level(logging.WARNING):
        endpoint.send([(b"x", ("192.0.2.1", 9))] * 3)
    full.error = None
    endpoint.send([(b"y", ("192.0.2.1", 9))])
    assert endpoint.counters == {"not sent: ENETUNREACH": 3}
    assert full.sent == [b"y"]
    assert len(caplog.records) == 1


def test_an_address_that_means_nothing_here_is_counted(endpoint: UdpEndpoint) -> None:
    endpoint.send([(b"x", ("fe80::1%nosuchzone", 9)), (b"y", endpoint.address)])
    assert sum(endpoint.counters.values()) == 1


def test_the_buffers_are_as_large_as_the_system_allows() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain, open_socket("127.0.0.1", 0) as opened:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            usual = plain.getsockopt(socket.SOL_SOCKET, option)
            assert opened.getsockopt(socket.SOL_SOCKET, option) >= usual
