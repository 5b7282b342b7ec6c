"""A watcher: sees all that is sent in a world, and sends whatever it likes in anybody's name. It stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.sim.network import Address
from tests.sim.world import SERVER, World
from udpchat.chat.phrase import Phrase
from udpchat.session.noise import KeyPair, NoiseResponder
from udpchat.wire.packets import Hello, HelloReply, Kind, Packet, parse_packet_untrusted

CHANGED = Phrase("server_key.changed")


def pinned_world(seed: int) -> World:
    """A world whose clients have pinned the key of its server."""
    world = World(Random(seed))
    world.wishes["check_server"] = lambda key: None if key == world.server.static.public else CHANGED
    return world


class Watcher:
    """Its own key, what it has seen, and what it does about it: `on_up` and `on_down` see each datagram as it is sent.

    What it sends arrives after `delay_s`: at once, before what it has seen; and as if from whom it names.
    """

    def __init__(self, world: World, seed: int = 99, *, delay_s: float = 0.0) -> None:
        self.world = world
        self.delay_s = delay_s
        self.random = Random(seed)
        self.static = KeyPair(self.random.randbytes(32))
        self.seen: list[tuple[Address, Address, bytes]] = []
        self.on_up: list[Callable[[Address, bytes], None]] = []
        self.on_down: list[Callable[[Address, bytes], None]] = []
        world.network.taps.append(self._see)

    def _see(self, now: float, source: Address, destination: Address, data: bytes) -> None:
        self.seen.append((source, destination, data))
        if destination == SERVER:
            for reaction in self.on_up:
                reaction(source, data)
        else:
            for reaction in self.on_down:
                reaction(destination, data)

    def of(self, kind: Kind, *, source: Address | None = None) -> list[bytes]:
        """What was seen of a kind, from there or from anywhere."""
        return [data for sender, _, data in self.seen if data[0] == kind and source in (None, sender)]

    def packets(self, kind: Kind) -> list[Packet]:
        """The same, parsed."""
        return [parse_packet_untrusted(data) for data in self.of(kind)]

    def send_down(self, client: Address, data: bytes) -> None:
        """To a client, as if from the server."""
        self.world.network.inject(self.world.now, SERVER, client, data, delay_s=self.delay_s)

    def send_up(self, client: Address, data: bytes) -> None:
        """To the server, as if from a client."""
        self.world.network.inject(self.world.now, client, SERVER, data, delay_s=self.delay_s)

    def answer_hello(self, client: Address, data: bytes) -> None:
        """To each Hello: a HelloReply under the watcher's own key, which arrives before that of the server."""
        if data[0] != Kind.HELLO:
            return
        hello = parse_packet_untrusted(data)
        assert isinstance(hello, Hello)
        self.send_down(client, reply_to(hello, self.static, KeyPair(self.random.randbytes(32))).encode())


def reply_to(hello: Hello, static: KeyPair, ephemeral: KeyPair, index: int = 77) -> HelloReply:
    """The answer of whoever holds `static` to a Hello."""
    header = HelloReply(hello.sender_index, index, b"").header
    noise = NoiseResponder(
        static=static,
        ephemeral=ephemeral,
        remote_ephemeral=hello.ephemeral,
        remote_payload=hello.cookie,
        payload=header,
    )
    return HelloReply(hello.sender_index, index, noise.message)
