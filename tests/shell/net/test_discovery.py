"""A search with real sockets: on this machine, where the server was used last, and at what is announced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from udpchat.client.server_search import FoundServer, Way
from udpchat.session.noise import fingerprint
from udpchat.shell.net import discovery, mdns
from udpchat.shell.net.discovery import look
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.wire.errors import BadDatagram
from udpchat.wire.packets import Address, Probe, ProbeReply, parse_packet_untrusted

KEY = bytes(range(32))


@pytest.fixture
def nothing_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "browse", lambda on_found: lambda: None)


class Answerer:
    """Answers Probes at an address of this machine; `silent` the first of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str = "127.0.0.1", *, key: bytes = KEY, silent: int = 0):
        self.endpoint = UdpEndpoint(loop, open_socket(host, 0))
        self.port = self.endpoint.address.port
        self.key = key
        self.silent = silent
        self.endpoint.listen(self.answer)

    def answer(self, batch: list[tuple[bytes, Address]]) -> None:
        for datagram, address in batch:
            try:
                probe = parse_packet_untrusted(datagram)
            except BadDatagram:
                continue
            if isinstance(probe, Probe):
                self.silent -= 1
                if self.silent < 0:
                    self.endpoint.send([(self.reply(probe), address)])

    def reply(self, probe: Probe) -> bytes:
        return ProbeReply(
            4, probe.probe_id, probe.number, self.key, self.port, 1, 0, probe.size, bytes(18), 1, b"den"
        ).encode()


@pytest.fixture
def den(loop: asyncio.AbstractEventLoop, nothing_announced: None) -> Iterator[Answerer]:
    made = Answerer(loop)
    yield made
    made.endpoint.close()


def run(loop: asyncio.AbstractEventLoop, port: int, **options: object) -> list[FoundServer]:
    return loop.run_until_complete(look(port, find_links=list, **options))  # type: ignore[arg-type]


def test_a_server_of_this_machine_is_found(loop: asyncio.AbstractEventLoop, den: Answerer) -> None:
    [found] = run(loop, den.port)
    assert (found.name, found.fingerprint, found.ways) == ("den", fingerprint(KEY), (Way.THIS_MACHINE,))
    assert found.address == Address("127.0.0.1", den.port)


def test_a_probe_that_is_lost_is_sent_again(loop: asyncio.AbstractEventLoop, den: Answerer) -> None:
    den.silent = 2
    assert [found.name for found in run(loop, den.port)] == ["den"]


def test_where_it_was_used_last_it_is_found_without_waiting_for_others(
    loop: asyncio.AbstractEventLoop, den: Answerer
) -> None:
    began = loop.time()
    [found] = run(
        loop, den.port, last=[Address("127.0.0.1", den.port)], wanted=fingerprint(KEY), settling_s=20.0, limit_s=30.0
    )
    assert Way.USED_LAST in found.ways and loop.time() - began < 10.0


def test_a_server_at_another_port_is_found_if_it_is_announced(
    loop: asyncio.AbstractEventLoop, den: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def browse(on_found: Callable[[Address], object]) -> Callable[[], None]:
        on_found(Address("127.0.0.1", den.port))
        on_found(Address("127.0.0.1", den.port))
        on_found(Address("no address", 0))
        return lambda: None

    monkeypatch.setattr(mdns, "browse", browse)
    assert run(loop, 1, limit_s=0.2) == [], "another port than the usual one was asked for"
    monkeypatch.setattr(discovery, "DEFAULT_PORT", 1)
    [found] = run(loop, 1)
    assert found.ways == (Way.MDNS,)


def test_where_nobody_answers_it_ends_with_nothing(
    loop: asyncio.AbstractEventLoop, nothing_announced: None
) -> None:
    assert run(loop, 1, limit_s=0.2) == []


def test_no_socket_is_left_open(loop: asyncio.AbstractEventLoop, den: Answerer) -> None:
    for _ in range(3):
        run(loop, den.port, settling_s=0.0)
    assert discovery.LOOPBACKS  # filterwarnings makes a socket that is left an error
