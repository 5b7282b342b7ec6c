"""A member with a key and an address of its choice against a server's core: it sends any frame, and shows what came."""

from __future__ import annotations

from tests.server.rig import Rig
from udpchat.session.initiator import HandshakeInitiator
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import Introduction, encode, pack, parse_down_untrusted
from udpchat.wire.packets import Address, Data, parse_packet_untrusted

SERVER = Address("10.9.9.9", 47747)


class Member:
    """One device. `session` is None where the server gave it no place, and stays as it was when the server ended it."""

    def __init__(self, rig: Rig, host: str = "10.6.6.6", *, key: KeyPair | None = None, port: int = 1) -> None:
        self._rig = rig
        self.address = Address(host, port)
        self.key = key or KeyPair(rig.random.randbytes(32))
        self.session: Session | None = None
        self.received: list[object] = []
        self.instance = rig.random.randbytes(16)
        self._connect()

    def _connect(self) -> None:
        rig = self._rig
        handshake = HandshakeInitiator(
            rig.now,
            static=self.key,
            index=self.address.port,
            payload=encode(Introduction(self.instance)),
            check_server=lambda key: True,
            address=SERVER,
            random=rig.random.randbytes,
        )
        for _ in range(2):
            self._exchange(handshake.drain_transmits())
            for answer in self._answers:
                handshake.receive(rig.now, parse_packet_untrusted(answer))
        self.session = handshake.session
        self._exchange(handshake.drain_transmits())
        self.take()
        if not self.received:
            self.session = None

    def _exchange(self, datagrams: list[bytes]) -> None:
        server = self._rig.server
        server.receive(self._rig.now, [(datagram, self.address) for datagram in datagrams])
        self._answers = [datagram for datagram, address in server.drain_transmits() if address == self.address]

    def take(self) -> None:
        """Open what the server sent last."""
        for answer in self._answers:
            packet = parse_packet_untrusted(answer)
            if self.session is None or not isinstance(packet, Data):
                continue
            try:
                self.received += parse_down_untrusted(self.session.open_untrusted(self._rig.now, answer, SERVER))
            except BadDatagram:
                continue  # of another member at the same address

    def send(self, *sent: frames.Up) -> list[object]:
        """Send these in one packet, and write what is to be written; what came back."""
        assert self.session is not None
        before = len(self.received)
        self._exchange([self.session.seal(pack([encode(frame) for frame in sent]))])
        self.take()
        server = self._rig.server
        while batch := server.drain_writes():
            self._rig.log.append(batch)
            server.persisted(self._rig.now, len(batch))
        self._rig.read()
        self._answers = [datagram for datagram, address in server.drain_transmits() if address == self.address]
        self.take()
        return self.received[before:]

    def enter(self, nick: str) -> None:
        self.send(frames.Enter(nick, ""))

    @property
    def is_in(self) -> bool:
        """Whether the server knows it as a peer that has entered."""
        return bool(self._rig.chat.registry.entered(self.key.public))

    @property
    def has_place(self) -> bool:
        """Whether the server knows it as a peer."""
        return bool(self._rig.chat.registry.peers_of(self.key.public))
