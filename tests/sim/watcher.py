"""A watcher on the path: sees every datagram between honest clients and the server, and sends under any address.

It holds nothing back and opens nothing; what it sends may overtake what it copies. Its deeds are drawn like those of
hostile members. Nothing of it may cost a client its session, or its connection, for longer than it lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from tests.sim.network import Address
from udpchat.session.noise import KeyPair, NoiseResponder
from udpchat.wire.limits import COOKIE_BYTES, KEY_BYTES, PROTOCOL_VERSION
from udpchat.wire.packets import (
    DATA_HEADER,
    NO_COOKIE,
    Cookie,
    Data,
    Finish,
    Hello,
    HelloReply,
    Packet,
    Reset,
    parse_packet_untrusted,
)

if TYPE_CHECKING:
    from tests.sim.world import World

SEEN_MAX = 128
RELAY = Address("relay", 1)
ACTS_SHARE = 0.3  # of the datagrams that it sees


class Watcher:
    """Acts on what it sees as it sees it. `deeds`: which of `WATCHER_DEEDS` it does."""

    def __init__(self, world: World, random: Random, deeds: Sequence[str]) -> None:
        self.world, self.random = world, random
        self.static = KeyPair(random.randbytes(KEY_BYTES))
        self.seen: deque[tuple[Address, Address, bytes]] = deque(maxlen=SEEN_MAX)
        self.steps: deque[tuple[Address, Address, bytes]] = deque(maxlen=SEEN_MAX)  # of handshakes
        self.relayed: Address | None = None  # the client whose packets it sends as its own
        self._deeds = [WATCHER_DEEDS[name] for name in deeds]
        world.network.taps.append(self._on_datagram)

    def leave(self) -> None:
        """See and send nothing any more."""
        self.world.network.taps.remove(self._on_datagram)

    def inject(self, source: Address, destination: Address, data: bytes, *, delay_s: float = 0.0) -> None:
        """Send under any address."""
        self.world.network.inject(self.world.now, source, destination, data, delay_s=delay_s)

    def _on_datagram(self, now: float, source: Address, destination: Address, data: bytes) -> None:
        server = self.world.server.address
        if source == server and destination == RELAY and self.relayed is not None:
            self.inject(server, self.relayed, data)
            return
        client = destination if source == server else source
        if client not in {self.world.network.appears_at(each.address) for each in self.world.clients}:
            return
        packet = parse_packet_untrusted(data)
        (self.seen if isinstance(packet, Data) else self.steps).append((source, destination, data))
        if self.random.random() < ACTS_SHARE:
            self.random.choice(self._deeds)(self, source, destination, packet)


WatcherDeed = Callable[[Watcher, Address, Address, Packet], None]


def _replay(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """What was sent before, now; from where it came, or from another client's address."""
    for earlier in (watcher.seen, watcher.steps):
        if earlier:
            from_, to, data = watcher.random.choice(earlier)
            elsewhere, _, _ = watcher.random.choice(earlier)
            watcher.inject(watcher.random.choice((from_, elsewhere)), to, data, delay_s=watcher.random.random() * 0.1)


def _reset(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """The server does not know this session, it claims."""
    server = watcher.world.server.address
    if destination == server and isinstance(packet, Data):
        watcher.inject(server, source, Reset(packet.index).encode())


def _reply(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """To a Hello, before the server, under a key of its own."""
    if isinstance(packet, Hello):
        index = watcher.random.getrandbits(32)
        header = HelloReply(packet.sender_index, index, b"").header
        responder = NoiseResponder(
            static=watcher.static,
            ephemeral=KeyPair(watcher.random.randbytes(KEY_BYTES)),
            remote_ephemeral=packet.ephemeral,
            remote_payload=packet.cookie,
            payload=header,
        )
        watcher.inject(destination, source, header + responder.message)


def _cookie(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """To a Hello, before the server: a cookie that is none, or that the server speaks another version."""
    if isinstance(packet, Hello):
        forged = watcher.random.choice((
            Cookie(PROTOCOL_VERSION, packet.sender_index, watcher.random.randbytes(COOKIE_BYTES)),
            Cookie(PROTOCOL_VERSION + 1, packet.sender_index, NO_COOKIE),
        ))
        watcher.inject(destination, source, forged.encode())


def _garble(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """The same session, or handshake, and a counter to come, under a seal that is none."""
    if isinstance(packet, Data):
        data = DATA_HEADER.pack(5, packet.index, packet.counter + watcher.random.randrange(1_000))
        watcher.inject(source, destination, data + watcher.random.randbytes(60))
    elif isinstance(packet, Finish):
        watcher.inject(source, destination, Finish(packet.receiver_index, watcher.random.randbytes(100)).encode())


def _relay(watcher: Watcher, source: Address, destination: Address, packet: Packet) -> None:
    """A copy from its own address, which arrives before the original; what comes back there, it passes on."""
    if isinstance(packet, Data) and destination == watcher.world.server.address:
        watcher.relayed = source
        watcher.inject(RELAY, destination, packet.encode())


WATCHER_DEEDS: dict[str, WatcherDeed] = {
    "replays": _replay,
    "forges resets": _reset,
    "forges replies": _reply,
    "forges cookies": _cookie,
    "garbles": _garble,
    "relays": _relay,
}
