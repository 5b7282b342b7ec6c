"""A client's Connector and a server's Acceptor over a link of their own: virtual time, chosen losses, no sockets."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from udpchat.session.initiator import HandshakeInitiator, HandshakePhase
from udpchat.session.noise import KeyPair
from udpchat.session.responder import AcceptedHandshake, HandshakeResponder
from udpchat.session.session import Session
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.packets import Address, Data, Finish, Hello, parse_packet_untrusted

CLIENT: Address = ("10.0.0.1", 5000)
SERVER: Address = ("10.0.0.9", 47747)
STATIC = KeyPair(b"\x07" * 32)
CLIENT_STATIC = KeyPair(b"\x09" * 32)

Fault = Callable[[bytes], bytes | None]  # what becomes of a datagram on the way; None: lost


def nothing_happens(datagram: bytes) -> bytes | None:
    """The clean link."""
    return datagram


def drop_number(number: int) -> Fault:
    """Lose the datagram of this number in its direction, counted from 1."""
    count = 0

    def fault(datagram: bytes) -> bytes | None:
        nonlocal count
        count += 1
        return None if count == number else datagram

    return fault


def bursts(random: Random, share: float, *, corrupt: bool) -> Fault:
    """Lose or corrupt this share, in bursts of up to three."""
    left = 0

    def fault(datagram: bytes) -> bytes | None:
        nonlocal left
        if not left and random.random() < share / 2:  # a burst is two on average
            left = random.randint(1, 3)
        if not left:
            return datagram
        left -= 1
        if not corrupt:
            return None
        wrong = bytearray(datagram)
        for _ in range(random.randint(1, 3)):
            wrong[random.randrange(len(wrong))] ^= 1 << random.randrange(8)
        return bytes(wrong)

    return fault


@dataclass
class Link:
    """One client and one server, ``delay_s`` apart. ``up`` and ``down`` are the faults of each direction."""

    up: Fault = nothing_happens
    down: Fault = nothing_happens
    delay_s: float = 0.015
    seed: int = 1
    now: float = 100.0
    bytes_up: int = 0
    bytes_down: int = 0
    hellos: int = 0
    drops: list[Drop] = field(default_factory=list)
    accepted: list[AcceptedHandshake] = field(default_factory=list)
    server_heard: list[bytes] = field(default_factory=list)
    client_heard: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.seed).randbytes
        self._due: list[tuple[float, int, bool, bytes]] = []
        self._sequence = 0
        self._sessions: dict[int, Session] = {}
        self.acceptor = HandshakeResponder(
            static=STATIC, random=random, is_index_free=lambda n: n not in self._sessions
        )
        self.connector = HandshakeInitiator(
            self.now,
            static=CLIENT_STATIC,
            index=1234,
            payload=b"join",
            check_server=lambda key: key == STATIC.public,
            address=SERVER,
            random=random,
        )

    def run(self, until_s: float = 60.0) -> None:
        """Jump from event to event until the client is confirmed or ``until_s`` have gone by."""
        end = self.now + until_s
        self._drain()
        while self.connector.phase is not HandshakePhase.CONFIRMED and self.now < end:
            timer = self.connector.next_timeout()
            times = [time for time in (timer, self._due[0][0] if self._due else None) if time is not None]
            if not times:
                return
            self.now = max(self.now, min(times))
            if self._due and self._due[0][0] <= self.now:
                _, _, is_up, datagram = heapq.heappop(self._due)
                self._deliver(is_up, datagram)
            else:
                self.connector.handle_timeout(self.now)
            self.acceptor.handle_timeout(self.now)
            self._drain()

    def send(self, datagram: bytes, *, is_up: bool) -> None:
        """Put a datagram on the link."""
        if is_up:
            self.bytes_up += len(datagram)
            self.hellos += datagram[0] == 1
        else:
            self.bytes_down += len(datagram)
        left = (self.up if is_up else self.down)(datagram)
        if left is not None:
            self._sequence += 1
            heapq.heappush(self._due, (self.now + self.delay_s, self._sequence, is_up, left))

    def _drain(self) -> None:
        for datagram in self.connector.drain_transmits():
            self.send(datagram, is_up=True)

    def _deliver(self, is_up: bool, datagram: bytes) -> None:
        try:
            self._receive_up(datagram) if is_up else self._receive_down(datagram)
        except BadDatagram as fault:
            self.drops.append(fault.reason)

    def _receive_up(self, datagram: bytes) -> None:
        packet = parse_packet_untrusted(datagram)
        if isinstance(packet, Hello):
            self.send(self.acceptor.receive_hello(self.now, CLIENT, packet), is_up=False)
        elif isinstance(packet, Finish):
            accepted = self.acceptor.receive_finish(self.now, CLIENT, packet)
            if not any(accepted is other for other in self.accepted):
                self.accepted.append(accepted)
                self._sessions[accepted.session.index] = accepted.session
            self.send(accepted.session.seal(b"welcome"), is_up=False)
        elif isinstance(packet, Data) and packet.index in self._sessions:
            session = self._sessions[packet.index]
            self.server_heard.append(session.open_untrusted(self.now, datagram, CLIENT))
        else:
            raise BadDatagram(Drop.UNKNOWN_SESSION)

    def _receive_down(self, datagram: bytes) -> None:
        packet = parse_packet_untrusted(datagram)
        session = self.connector.session
        if isinstance(packet, Data) and session is not None and packet.index == session.index:
            self.client_heard.append(session.open_untrusted(self.now, datagram, SERVER))
            self.connector.confirm()
        else:
            self.connector.receive(self.now, packet)
