"""Row 8 against real programs: a relay that forges a Reset and a HelloReply ends no session of a pinned client."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from select import select

import pytest

from tests.attacks.watcher import reply_to
from tests.shell.waiting import chatting, serving, url_of, wait_for
from udpchat.session.noise import KeyPair, fingerprint
from udpchat.wire.packets import Hello, Kind, Reset, data_index, parse_packet_untrusted

SERVER_HOST = "127.0.0.1"


class Relay:
    """Between a client and a server, on a thread of its own. While it `forges`, it answers each Hello first."""

    def __init__(self, server: tuple[str, int], fingerprint_of_server: str) -> None:
        self.fingerprint_of_server = fingerprint_of_server
        self.forges = False
        self.forged = 0
        self.static = KeyPair(os.urandom(32))
        self._down = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # to the client
        self._down.bind((SERVER_HOST, 0))
        self._up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._up.connect(server)
        self._client: tuple[str, int] | None = None
        self._index = 0  # of the server's session
        self._is_open = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._down.getsockname()
        return f"{host}:{port}"

    def _run(self) -> None:
        while self._is_open:
            for ready in select([self._down, self._up], [], [], 0.1)[0]:
                if ready is self._up:
                    datagram = self._up.recv(2048)
                    if self._client is not None:
                        self._down.sendto(datagram, self._client)
                    continue
                datagram, self._client = self._down.recvfrom(2048)
                if datagram[0] == Kind.DATA:
                    self._index = data_index(datagram)
                if self.forges and datagram[0] == Kind.HELLO:
                    hello = parse_packet_untrusted(datagram)
                    assert isinstance(hello, Hello)
                    forged = reply_to(hello, self.static, KeyPair(os.urandom(32)))
                    self._down.sendto(forged.encode(), self._client)
                    self.forged += 1
                self._up.send(datagram)

    def reset(self) -> int:
        """Report to the client, in the server's name, that its session is not known; how many replies were forged.

        One Reset may begin no handshake: the client may read a packet of the server with it, or wait after some others.
        """
        assert self._client is not None
        self._down.sendto(Reset(self._index).encode(), self._client)
        return self.forged

    def close(self) -> None:
        self._is_open = False
        self._thread.join(10)
        self._down.close()
        self._up.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with ExitStack() as stack:
        server = stack.enter_context(serving(tmp_path / "server"))
        address, _, fingerprint_of_server = url_of(server).removeprefix("udpchat://").partition("#")
        host, _, port = address.rpartition(":")
        made = Relay((host, int(port)), fingerprint_of_server)
        stack.callback(made.close)
        yield made


@pytest.mark.timeout(120)
def test_a_forged_reset_and_a_forged_reply_end_no_session_of_a_client_that_has_pinned_its_server(
    relay: Relay, tmp_path: Path
) -> None:
    with chatting("alice", relay.address, tmp_path / "alice") as first:  # pins the server's key
        wait_for(lambda: first.events("connected"), 20, "in for the first time")
        first.end_input()
        assert first.code() == 0
    relay.forges = True
    with chatting("alice", relay.address, tmp_path / "alice", "--follow") as alice:
        wait_for(lambda: alice.events("connected"), 20, "in though another key answers first")
        pending = relay.forged
        assert pending > 0
        wait_for(lambda: relay.reset() > pending, 20, "a handshake beside the session")
        alice.type("still here")
        wait_for(lambda: alice.events("sent"), 20, "the line is confirmed")
        assert alice.process.poll() is None and not alice.events("error", "disconnected")


@pytest.mark.timeout(120)
def test_at_first_contact_two_servers_are_refused_and_both_are_named(relay: Relay, tmp_path: Path) -> None:
    relay.forges = True
    with chatting("alice", relay.address, tmp_path / "alice") as alice:
        assert alice.code() == 4
        (error,) = alice.events("error")
        assert error["code"] == "server_key" and "#FINGERPRINT" in str(error["text"])
        assert fingerprint(relay.static.public) in str(error["text"])
        assert relay.fingerprint_of_server and relay.fingerprint_of_server in str(error["text"])
        assert not (tmp_path / "alice" / "known_servers").exists()
