from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.shell.waiting import run_until
from udpchat.shell import pktinfo
from udpchat.shell.net import endpoint as module
from udpchat.shell.net.endpoint import (
    READ_BATCH_MAX,
    ROUTES_KEPT_S,
    SENDS_BEFORE_ASKING,
    BoundSocket,
    EndpointError,
    UdpEndpoint,
    address_of,
    open_socket,
    sockaddr_of,
)
from udpchat.wire.limits import PROBE_BYTES_MAX
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
    assert all(datagram == b"next" or len(datagram) == PROBE_BYTES_MAX + 1 for datagram, _ in got)


@needs_ipv6
def test_one_socket_speaks_ipv6_and_ipv4(loop: asyncio.AbstractEventLoop) -> None:
    both = UdpEndpoint(loop, open_socket("::", 0))
    got: Batch = []
    both.listen(lambda batch: (got.extend(batch), both.send(batch))[0])
    echoes: Batch = []
    ends = [UdpEndpoint(loop, open_socket(host, 0)) for host in ("127.0.0.1", "::1")]
    for end in ends:
        end.listen(echoes.extend)
        end.send([(b"hello", Address(end.address.host, both.address.port))])
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
        open_socket("127.0.0.1", endpoint.address.port)


def test_an_address_of_another_machine_is_said_in_one_line() -> None:
    with pytest.raises(EndpointError, match="not an address of this machine"):
        open_socket("203.0.113.77", 0)


@pytest.mark.parametrize(
    ("sockaddr", "host"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
        (("fe80::1%eth7", 5, 0, 3), "fe80::1%eth7"),
        (("fe80::1", 5, 0, 987_654), "fe80::1%987654"),
    ],
)
def test_an_address_has_one_form(sockaddr: tuple[Any, ...], host: str) -> None:
    assert address_of(sockaddr) == Address(host, 5)


def test_an_address_goes_back_to_what_the_socket_wants() -> None:
    assert sockaddr_of(Address("192.0.2.1", 5), socket.AF_INET) == ("192.0.2.1", 5)
    assert sockaddr_of(Address("192.0.2.1", 5), socket.AF_INET6) == ("::ffff:192.0.2.1", 5, 0, 0)
    assert sockaddr_of(Address("fe80::1%7", 5), socket.AF_INET6) == ("fe80::1", 5, 0, 7)
    with pytest.raises(OSError):
        sockaddr_of(Address("fe80::1%nosuchzone", 5), socket.AF_INET6)


@pytest.fixture
def full() -> FullSocket:
    return FullSocket(open_socket("127.0.0.1", 0), room=9)


@pytest.fixture
def filling(loop: asyncio.AbstractEventLoop, full: FullSocket) -> Iterator[UdpEndpoint]:
    """An endpoint that sends by `full`."""
    made = UdpEndpoint(loop, full)  # type: ignore[arg-type]
    yield made
    made.close()


def test_what_the_kernel_does_not_take_waits_and_keeps_its_order(
    loop: asyncio.AbstractEventLoop, filling: UdpEndpoint, full: FullSocket
) -> None:
    full.room = 2
    filling.send([(b"%d" % number, filling.address) for number in range(4)])
    filling.send([(b"4", filling.address)])
    assert full.sent == [b"0", b"1"]
    full.room = 100
    loop.run_until_complete(asyncio.wait_for(filling.drained(), 5))
    assert full.sent == [b"0", b"1", b"2", b"3", b"4"]


def test_the_oldest_of_a_full_queue_are_dropped_and_counted(
    loop: asyncio.AbstractEventLoop, filling: UdpEndpoint, full: FullSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_QUEUE_MAX", 3)
    full.room = 0
    for number in range(5):
        filling.send([(b"%d" % number, filling.address)])
    full.room = 100
    loop.run_until_complete(asyncio.wait_for(filling.drained(), 5))
    assert full.sent == [b"2", b"3", b"4"]
    assert filling.counters == {"not sent: queue full": 2}


def test_a_failed_send_is_counted_and_logged_once_a_minute(
    filling: UdpEndpoint, full: FullSocket, caplog: pytest.LogCaptureFixture
) -> None:
    full.error = OSError(errno.ENETUNREACH, "Network is unreachable")
    with caplog.at_level(logging.WARNING):
        filling.send([(b"x", Address("192.0.2.1", 9))] * 3)
    full.error = None
    filling.send([(b"y", Address("192.0.2.1", 9))])
    assert filling.counters == {"not sent: ENETUNREACH": 3}
    assert full.sent == [b"y"]
    assert len(caplog.records) == 1


def test_an_address_that_means_nothing_here_is_counted(loop: asyncio.AbstractEventLoop) -> None:
    both = UdpEndpoint(loop, open_socket("::", 0))
    both.send([(b"x", Address("fe80::1%nosuchzone", 9)), (b"y", Address("127.0.0.1", both.address.port))])
    assert sum(both.counters.values()) == 1
    both.close()


def test_the_buffers_are_as_large_as_the_system_allows() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain, open_socket("127.0.0.1", 0) as opened:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            usual = plain.getsockopt(socket.SOL_SOCKET, option)
            assert opened.getsockopt(socket.SOL_SOCKET, option) >= usual


# --- Several addresses ----------

needs_pktinfo = pytest.mark.skipif(not pktinfo.IS_AVAILABLE, reason="packet information is used on Linux only")


class Peer:
    """A plain UDP client at 127.0.0.1, that sends to one address of an endpoint and looks where the answer is from."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)

    @property
    def address(self) -> Address:
        return Address(*self.socket.getsockname())

    def send(self, host: str, port: int) -> None:
        self.socket.sendto(b"ping", (host, port))

    def heard_from(self) -> str:
        """The host from which the next datagram came."""
        return str(self.socket.recvfrom(100)[1][0])


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.socket.close()


class CountingSocket:
    """A socket that counts how it was sent from."""

    def __init__(self, real: socket.socket) -> None:
        self._real, self.calls = real, []
        self.calls: list[str]

    def sendto(self, *arguments: Any) -> int:
        self.calls.append("sendto")
        return self._real.sendto(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        self.calls.append("sendmsg")
        return self._real.sendmsg(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture(params=["::", "0.0.0.0"])
def everywhere(request: pytest.FixtureRequest) -> Iterator[CountingSocket]:
    """A socket for all addresses, with packet information."""
    with open_socket(request.param, 0) as bound:
        pktinfo.request(bound)
        yield CountingSocket(bound)


@needs_pktinfo
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"], ids=["the usual", "another"])
def test_it_answers_from_the_address_that_was_written_to(
    loop: asyncio.AbstractEventLoop, peer: Peer, everywhere: CountingSocket, host: str
) -> None:
    endpoint = UdpEndpoint(loop, everywhere)  # type: ignore[arg-type]
    got: Batch = []
    endpoint.listen(lambda batch: (got.extend(batch), endpoint.send(batch))[0])
    peer.send(host, endpoint.address.port)
    run_until(loop, lambda: got)
    assert got == [(b"ping", peer.address._replace(local=host))]
    assert peer.heard_from() == host and everywhere.calls == ["sendmsg"]
    endpoint.close()


@needs_pktinfo
@pytest.mark.parametrize(("host", "call"), [("127.0.0.1", "sendto"), ("127.0.0.2", "sendmsg")])
def test_what_goes_often_to_one_peer_goes_plainly_if_the_system_would_choose_the_same_address(
    loop: asyncio.AbstractEventLoop, peer: Peer, everywhere: CountingSocket, host: str, call: str
) -> None:
    endpoint = UdpEndpoint(loop, everywhere)  # type: ignore[arg-type]
    endpoint.send([(b"x", peer.address._replace(local=host))] * (SENDS_BEFORE_ASKING + 3))
    assert everywhere.calls == ["sendmsg"] * SENDS_BEFORE_ASKING + [call] * 3
    assert {peer.heard_from() for _ in everywhere.calls} == {host}
    endpoint.close()


@needs_pktinfo
def test_an_address_of_ours_that_is_gone_is_replaced_and_counted(
    loop: asyncio.AbstractEventLoop, peer: Peer, everywhere: CountingSocket, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = UdpEndpoint(loop, everywhere)  # type: ignore[arg-type]
    gone = peer.address._replace(local="203.0.113.77")
    endpoint.send([(b"one", gone), (b"two", gone)])
    assert peer.heard_from() == peer.heard_from() == "127.0.0.1"
    assert everywhere.calls == ["sendmsg", "sendto", "sendto"]  # it is tried once
    assert endpoint.replaced_sources == 1 and not endpoint.counters
    assert [record.getMessage() for record in caplog.records] == [
        "203.0.113.77, which 127.0.0.1 wrote to, is gone: answered from another address (1 since the last such line)"
    ]
    endpoint.close()


@needs_pktinfo
def test_a_link_local_address_whose_interface_is_gone_is_replaced(loop: asyncio.AbstractEventLoop, peer: Peer) -> None:
    with open_socket("::", 0) as bound:
        pktinfo.request(bound)
        endpoint = UdpEndpoint(loop, bound)
        endpoint.send([(b"x", peer.address._replace(local="fe80::1%nosuchzone"))])
        assert peer.heard_from() == "127.0.0.1"
        assert endpoint.replaced_sources == 1 and not endpoint.counters
        endpoint.close()


@needs_pktinfo
def test_what_the_system_chooses_is_asked_again_after_a_while(
    loop: asyncio.AbstractEventLoop, peer: Peer, everywhere: CountingSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = UdpEndpoint(loop, everywhere)  # type: ignore[arg-type]
    path, now = peer.address._replace(local="127.0.0.2"), [loop.time()]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    with monkeypatch.context() as patch:
        patch.setattr(pktinfo, "source_for", lambda sockaddr, family: ("127.0.0.2", 0))
        endpoint.send([(b"1", path)] * SENDS_BEFORE_ASKING)
    everywhere.calls.clear()
    endpoint.send([(b"2", path)])
    now[0] += ROUTES_KEPT_S
    endpoint.send([(b"3", path)])
    assert everywhere.calls == ["sendto", "sendmsg"]
    endpoint.close()


@needs_pktinfo
def test_a_group_is_nothing_to_answer_from(peer: Peer) -> None:
    group = socket.inet_aton("224.0.0.1")
    come = [(b"hello", [(socket.IPPROTO_IP, 8, bytes(4) + group + group)], 0, peer.address[:2])]

    class ToAGroup(FullSocket):
        """A socket that has one datagram, which was sent to a multicast group."""

        def recvmsg(self, *sizes: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]:
            if not come:
                raise BlockingIOError
            return come.pop()

    with open_socket("0.0.0.0", 0) as bound:
        pktinfo.request(bound)
        one = BoundSocket(ToAGroup(bound, room=0), names_local=False)  # type: ignore[arg-type]
        assert one.read(Counter()) == [(b"hello", peer.address)]


@pytest.fixture
def several(loop: asyncio.AbstractEventLoop) -> Iterator[UdpEndpoint]:
    """An endpoint with a socket for each of two addresses, at one port."""
    first = open_socket("127.0.0.1", 0)
    made = UdpEndpoint(loop, first, open_socket("127.0.0.2", first.getsockname()[1]))
    yield made
    made.close()


def test_each_of_several_sockets_names_its_address_and_answers_from_it(
    loop: asyncio.AbstractEventLoop, several: UdpEndpoint, peer: Peer
) -> None:
    got: Batch = []
    several.listen(lambda batch: (got.extend(batch), several.send(batch))[0])
    for count, host in enumerate(several.hosts, 1):
        peer.send(host, several.address.port)
        run_until(loop, lambda count=count: len(got) == count)  # type: ignore[misc]
        assert got[-1] == (b"ping", peer.address._replace(local=host))
        assert peer.heard_from() == host


def test_what_was_to_leave_from_a_socket_that_is_gone_leaves_from_the_one_that_the_system_chooses(
    several: UdpEndpoint, peer: Peer
) -> None:
    path = peer.address._replace(local="127.0.0.2")
    several.send([(b"1", path)])
    several.remove("127.0.0.2")
    several.send([(b"2", path)] * 2)
    assert [peer.heard_from() for _ in range(3)] == ["127.0.0.2", "127.0.0.1", "127.0.0.1"]
    assert several.replaced_sources == 1


def test_what_waits_for_a_socket_that_is_removed_goes_another_way(loop: asyncio.AbstractEventLoop, peer: Peer) -> None:
    first = open_socket("127.0.0.1", 0)
    full = FullSocket(open_socket("127.0.0.2", first.getsockname()[1]), room=0)
    several = UdpEndpoint(loop, first, full)  # type: ignore[arg-type]
    several.send([(b"1", peer.address._replace(local="127.0.0.2")), (b"2", peer.address)])
    several.remove("127.0.0.2")
    loop.run_until_complete(asyncio.wait_for(several.drained(), 5))
    assert [peer.heard_from() for _ in range(2)] == ["127.0.0.1"] * 2
    several.close()


def test_a_socket_that_is_added_is_read_if_the_others_are(
    loop: asyncio.AbstractEventLoop, several: UdpEndpoint, peer: Peer
) -> None:
    got: Batch = []
    several.listen(got.extend)
    several.add(open_socket("127.0.0.3", several.address.port))
    peer.send("127.0.0.3", several.address.port)
    run_until(loop, lambda: got)
    assert got == [(b"ping", peer.address._replace(local="127.0.0.3"))]
    several.remove("nowhere")
    assert len(several.hosts) == 3


@needs_ipv6
def test_no_socket_of_a_family_is_a_counted_failure(several: UdpEndpoint) -> None:
    several.send([(b"x", Address("::1", 9, "::1"))])
    assert several.counters == {"not sent: EAFNOSUPPORT": 1}
