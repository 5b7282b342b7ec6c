"""A hostile member: a device with a real session that sends whatever its deeds (`tests.sim.hostile_deeds`) make of it.

It makes true handshakes and seals true packets: anybody with a key and a nick can do as much. What it does is drawn
from a table of deeds, in bursts. It reads what it is sent as far as that serves its lies, and keeps no promise. Nothing
is promised to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from tests.sim.network import Address
from tests.sim.wellformed import Known
from udpchat.chat.ids import ROOM_PREFIX, client_id_of
from udpchat.session.initiator import HandshakeInitiator
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.session.timers import earliest
from udpchat.sync.fragments import split
from udpchat.sync.packing import FRAME_BYTES_MAX, packed
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Up, encode, encode_introduction, encode_request, parse_down_untrusted
from udpchat.wire.limits import FRAGMENTS_MAX, INSTANCE_BYTES, ORDER, REQUESTS_IN_FLIGHT_MAX, TYPING
from udpchat.wire.packets import DATA_HEADER, DATA_KIND, Cookie, HelloReply, Reset, parse_packet_untrusted
from udpchat.wire.requests import RequestBody

if TYPE_CHECKING:
    from tests.sim.world import World

ENTER_EVERY_S = 0.5
RETURN_AFTER_S = 1.0  # when the server has ended its session

Deed = Callable[["HostileNode"], None]


class HostileNode:
    """One device at one address. `deeds` are done by turns of chance, about `interval_s` apart."""

    def __init__(
        self,
        world: World,
        address: Address,
        random: Random,
        *,
        nick: str,
        rooms: Sequence[str],
        deeds: Sequence[Deed],
        interval_s: float,
        static: KeyPair | None = None,
    ) -> None:
        self.world, self.address, self.random, self.nick = world, address, random, nick
        self.is_running = True
        self.deeds, self._interval_s = deeds, interval_s
        self.static = static or KeyPair(random.randbytes(32))
        self.known = Known({"log": [ROOM_PREFIX + room for room in rooms], "room": list(rooms)})
        self.session: Session | None = None
        self.heads: dict[str, frames.Head] = {}
        self.largest = -1  # of the packets that the server sent in this session
        self.sent: list[bytes] = []  # the latest datagrams, also of sessions before
        self.cookies: list[Cookie] = []  # for Hellos that no handshake of its own has sent
        self.hellos: dict[int, bytes] = {}  # those Hellos: index -> ephemeral key
        self.is_in = False
        self._inbox: list[tuple[bytes, Address]] = []
        self._transmits: list[bytes] = []
        self._burst_at = world.now + random.random()
        self._enter_at = 0.0
        self.connect()

    def connect(self, *, static: KeyPair | None = None) -> None:
        """Begin a handshake, as another process; with another key it is another person."""
        self.static = static or self.static
        self.world.foreign.add(self.static.public)
        self.instance = self.random.randbytes(INSTANCE_BYTES)
        self.counter, self._open = 0, set[int]()
        self.session, self.is_in, self.largest = None, False, -1
        self._handshake: HandshakeInitiator | None = HandshakeInitiator(
            self.world.now,
            static=self.static,
            index=self.random.getrandbits(32),
            payload=encode_introduction(self.instance, (TYPING, ORDER)),
            check_server=lambda key: True,
            address=self.world.server.address,
            random=self.random.randbytes,
        )

    # --- As every node ----------

    def take(self, datagrams: list[tuple[bytes, Address]]) -> None:
        """Datagrams arrive."""
        self._inbox += datagrams

    def forget_timeout(self) -> None:
        """It remembers none."""

    def check_timeout(self) -> None:
        """It remembers none."""

    def wakes_at(self, now: float) -> float | None:
        """When it has something to do."""
        if self._inbox:
            return now
        return earliest(self._burst_at, None if self._handshake is None else self._handshake.next_timeout())

    def act(self, now: float) -> bool:
        """Read what came, go on with the handshake, do a deed."""
        inbox, self._inbox = self._inbox, []
        for datagram, _ in inbox:
            try:
                self._receive(now, datagram)
            except BadDatagram:
                continue
        if self._handshake is not None:
            self._handshake.handle_timeout(now)
            self._transmits += self._handshake.drain_transmits()
        if now >= self._burst_at:
            self._burst_at = now + self.random.expovariate(1 / self._interval_s)
            if self.session is not None:
                self._enter(now)
                self.random.choice(self.deeds)(self)
            elif self._handshake is None:
                self.connect()
        return True

    def drain(self, now: float) -> list[tuple[bytes, Address]]:
        """What it sends from its address."""
        transmits, self._transmits = self._transmits, []
        self.sent = [*self.sent, *transmits][-64:]
        return [(datagram, self.world.server.address) for datagram in transmits]

    def _enter(self, now: float) -> None:
        if not self.is_in and now >= self._enter_at:
            self._enter_at = now + ENTER_EVERY_S
            self.send(frames.Enter(self.nick, "hostile"), *map(frames.Follow, self.known.values["log"][:8]))

    # --- In ----------

    def _receive(self, now: float, datagram: bytes) -> None:
        if datagram[:1] != DATA_KIND:
            packet = parse_packet_untrusted(datagram)
            if isinstance(packet, Reset) and self.session is not None and packet.receiver_index == self.peer_index:
                self._end(now)
            elif isinstance(packet, Cookie | HelloReply):
                self._shake_hands(now, packet)
            return
        if self.session is None:
            return
        body = self.session.open_untrusted(now, datagram, self.session.path.address)
        if self._handshake is not None:
            self._handshake.confirm()
            self._handshake = None
        self.largest = max(self.largest, DATA_HEADER.unpack_from(datagram)[2])
        for frame in parse_down_untrusted(body):
            self._hear(now, frame)

    def _shake_hands(self, now: float, packet: Cookie | HelloReply) -> None:
        try:
            if self._handshake is None:
                raise BadDatagram(Drop.UNEXPECTED)
            self._handshake.receive(now, packet)
            self.session = self._handshake.session
        except BadDatagram:
            if isinstance(packet, Cookie):
                self.cookies = [*self.cookies, packet][-64:]

    def _hear(self, now: float, frame: frames.Down) -> None:
        match frame:
            case frames.Welcome():
                self.is_in = True
            case frames.Goodbye():
                self._end(now)
            case frames.PathCheck(token):
                self.send(frames.PathReply(token))
            case frames.Result(counter):
                self._open.discard(counter)
            case frames.Heads(_, heads):
                for head in heads:
                    self.heads[head.log] = head
                    for name, value in (("log", head.log), ("generation", head.generation), ("sequence", head.head)):
                        self.known.add(name, value)

    def _end(self, now: float) -> None:
        """The server has ended the session."""
        self.session = self._handshake = None
        self._burst_at = now + RETURN_AFTER_S

    # --- Out ----------

    @property
    def peer_index(self) -> int:
        """The server's name for its session."""
        assert self.session is not None
        return self.session.peer_index

    def seal(self, *told: bytes) -> list[bytes]:
        """Encoded frames as datagrams; none without a session."""
        session = self.session
        return [session.seal(body) for body, _ in packed((frame, None) for frame in told)] if session else []

    def send(self, *told: Up) -> None:
        """Send frames, as many in a packet as fit; those that fit none are left out."""
        encoded = map(encode, told)
        self._transmits += self.seal(*(frame for frame in encoded if len(frame) <= FRAME_BYTES_MAX))

    def send_raw(self, datagram: bytes) -> None:
        """Send a datagram of any kind."""
        self._transmits.append(datagram)

    def send_from(self, source: Address, datagrams: Sequence[bytes]) -> None:
        """Send from another address than its own."""
        for datagram in datagrams:
            self.world.network.send(self.world.now, source, self.world.server.address, datagram)

    def ask(self, *bodies: RequestBody) -> None:
        """Send requests in the order of their counters, as far as the window goes; none is repeated."""
        encoded: list[bytes] = []
        for body in bodies:
            first_open = min(self._open, default=self.counter + 1)
            if self.counter + 1 >= first_open + REQUESTS_IN_FLIGHT_MAX:
                if self.random.random() < 0.9:
                    break
                self._open.clear()  # it does not wait for what it has asked
                first_open = self.counter + 1
            self.counter += 1
            self._open.add(self.counter)
            self.world.asked[client_id_of(self.static.public, self.instance), self.counter] = body
            encoded += request_frames(self.counter, first_open, body)
        self._transmits += self.seal(*encoded)


def request_frames(counter: int, first_open: int, body: RequestBody) -> list[bytes]:
    """A request as frames, in fragments if it is large; none if it is larger than any request may be."""
    data = encode(body)
    frame = encode_request(counter, first_open, data)
    if len(frame) <= FRAME_BYTES_MAX:
        return [frame]
    if len(data) > FRAGMENTS_MAX * 1000:
        return []
    fragments = split(data)
    return [
        encode(frames.RequestFragment(counter, first_open, index, len(fragments), part))
        for index, part in enumerate(fragments)
    ]
