from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from typing import NoReturn

import pytest

from tests.shell.waiting import free_port
from tests.worded import worded
from udpchat.session.noise import KeyPair
from udpchat.session.responder import HandshakeResponder
from udpchat.shell.net import reach
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.net.reach import Answer, NoSuchHost, find_server, resolve
from udpchat.wire.limits import HELLO_RESEND_S
from udpchat.wire.packets import NO_COOKIE, Address, Cookie, Hello, parse_packet_untrusted


class Door:
    """Answers Hellos at 127.0.0.1, after it has ignored some."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, version: int | None = None, ignores: int = 0, forges: bool = False
    ) -> None:
        """`forges`: a watcher answers each Hello first, and says that the server is of another version."""
        self.endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
        self._handshakes = HandshakeResponder(
            static=KeyPair(bytes(32)), random=os.urandom, is_index_free=lambda index: True
        )
        self._version = version
        self._forges = forges
        self.ignores = ignores
        self.hellos = 0
        self.endpoint.listen(self._on_datagrams)

    def _on_datagrams(self, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        for datagram, address in datagrams:
            hello = parse_packet_untrusted(datagram)
            if not isinstance(hello, Hello):  # the client goes on; this does not
                continue
            self.hellos += 1
            if self.hellos <= self.ignores:
                continue
            if self._version is not None:
                answer = Cookie(self._version, hello.sender_index, NO_COOKIE).encode()
            else:
                answer = self._handshakes.receive_hello(0.0, address, hello)
            junk = Cookie(1, hello.sender_index ^ 1, bytes(20)).encode()
            forged = Cookie(9, hello.sender_index, NO_COOKIE).encode() if self._forges else b"junk"
            self.endpoint.send([(forged, address), (junk, address), (answer, address)])


@pytest.fixture
def closed_port() -> Address:
    return Address("127.0.0.1", free_port())


def ask(
    loop: asyncio.AbstractEventLoop, *addresses: Address, limit_s: float = 10.0, refused_limit_s: float = 0.05
) -> tuple[Answer, Address | None]:
    return loop.run_until_complete(find_server(addresses, limit_s=limit_s, refused_limit_s=refused_limit_s))


def test_a_server_answers(loop: asyncio.AbstractEventLoop) -> None:
    door = Door(loop)
    assert ask(loop, door.endpoint.address) == (Answer.SERVES, door.endpoint.address)
    assert door.hellos == 1
    door.endpoint.close()


def test_a_lost_hello_is_sent_again(loop: asyncio.AbstractEventLoop) -> None:
    door = Door(loop, ignores=1)
    assert ask(loop, door.endpoint.address) == (Answer.SERVES, door.endpoint.address)
    assert door.hellos == 2
    door.endpoint.close()


def test_the_address_that_answers_is_taken(loop: asyncio.AbstractEventLoop, closed_port: Address) -> None:
    door, silent = Door(loop), Door(loop, ignores=1_000)
    addresses = (closed_port, silent.endpoint.address, door.endpoint.address)
    assert ask(loop, *addresses) == (Answer.SERVES, door.endpoint.address)
    door.endpoint.close()
    silent.endpoint.close()


def test_a_server_is_found_though_somebody_answers_first_that_it_is_of_another_version(
    loop: asyncio.AbstractEventLoop,
) -> None:
    door = Door(loop, forges=True)
    assert ask(loop, door.endpoint.address) == (Answer.SERVES, door.endpoint.address)
    door.endpoint.close()


def test_another_version_is_told_from_silence(loop: asyncio.AbstractEventLoop) -> None:
    door = Door(loop, version=9)
    assert ask(loop, door.endpoint.address) == (Answer.OTHER_VERSION, None)
    door.endpoint.close()


def test_silence_ends_with_the_time(loop: asyncio.AbstractEventLoop) -> None:
    silent = Door(loop, ignores=1_000)
    assert ask(loop, silent.endpoint.address, limit_s=0.05) == (Answer.SILENCE, None)
    silent.endpoint.close()


@pytest.mark.skipif(os.name == "nt", reason="whether Windows reports a refusal like this was not tried")
def test_a_machine_that_refuses_is_believed_soon(loop: asyncio.AbstractEventLoop, closed_port: Address) -> None:
    assert ask(loop, closed_port) == (Answer.REFUSED, None)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.ENETUNREACH, Answer.NO_ROUTE),
        (errno.EHOSTUNREACH, Answer.NO_HOST),
        (errno.EHOSTDOWN, Answer.NO_HOST),
        (errno.EPERM, Answer.FORBIDDEN),
        (errno.EACCES, Answer.FORBIDDEN),
        (errno.ENOBUFS, Answer.SILENCE),
    ],
)
@pytest.mark.parametrize("fails_at_once", [True, False])
def test_what_the_system_reports_is_told_apart(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, number: int, answer: Answer, fails_at_once: bool
) -> None:
    """The same whether the system knows it when the socket is connected or only when it sends."""

    def fail(*_: object) -> NoReturn:
        raise OSError(number, "reported")

    if fails_at_once:
        monkeypatch.setattr(reach.socket, "socket", type("Unconnectable", (socket.socket,), {"connect": fail}))
    else:
        monkeypatch.setattr(loop, "sock_sendall", fail)
    assert ask(loop, ("127.0.0.1", 5), limit_s=0.05) == (answer, None)


def test_a_host_that_the_network_reports_missing_only_later_is_not_taken_for_silent(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a LAN that is known once nobody has answered to ARP for three seconds."""
    silent, sent, send = Door(loop, ignores=1_000), [0], loop.sock_sendall

    async def late(asking: socket.socket, datagram: bytes) -> None:
        sent[0] += 1
        if sent[0] == 2:
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        await send(asking, datagram)

    monkeypatch.setattr(loop, "sock_sendall", late)
    assert ask(loop, silent.endpoint.address, limit_s=4 * HELLO_RESEND_S) == (Answer.NO_HOST, None)
    assert sent[0] >= 3
    silent.endpoint.close()


def test_a_zone_that_is_not_there_is_no_route(loop: asyncio.AbstractEventLoop) -> None:
    assert ask(loop, ("fe80::1%nosuchzone", 5), limit_s=0.05) == (Answer.NO_ROUTE, None)


@pytest.mark.skipif(os.name == "nt", reason="whether Windows reports a refusal like this was not tried")
def test_of_several_addresses_the_answer_that_says_most_counts(
    loop: asyncio.AbstractEventLoop, closed_port: Address
) -> None:
    silent = Door(loop, ignores=1_000)
    addresses = (("fe80::1%nosuchzone", 5), silent.endpoint.address, closed_port)
    assert ask(loop, *addresses, limit_s=0.05) == (Answer.REFUSED, None)
    assert ask(loop, *addresses[:2], limit_s=0.05) == (Answer.SILENCE, None)
    silent.endpoint.close()


def test_a_way_that_opens_meanwhile_is_taken(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    door, refusals = Door(loop), [OSError(errno.ENETUNREACH, "no Wi-Fi yet")]

    class ConnectableLater(socket.socket):
        def connect(self, address: object) -> None:
            if refusals:
                raise refusals.pop()
            super().connect(address)  # type: ignore[arg-type]

    monkeypatch.setattr(reach.socket, "socket", ConnectableLater)
    assert ask(loop, door.endpoint.address) == (Answer.SERVES, door.endpoint.address)
    door.endpoint.close()


def test_a_numeric_host_resolves_to_itself(loop: asyncio.AbstractEventLoop) -> None:
    assert loop.run_until_complete(resolve("127.0.0.1", 5)) == [Address("127.0.0.1", 5)]


def test_a_host_that_is_not_there_is_said_in_one_line(loop: asyncio.AbstractEventLoop) -> None:
    with worded(NoSuchHost, match=r"cannot find the host no\.such\.host\.invalid"):
        loop.run_until_complete(resolve("no.such.host.invalid", 5))
    with pytest.raises(NoSuchHost):
        loop.run_until_complete(resolve("x" * 80, 5))
