"""A hostile member: to the server a client in session terms, and for the rest whatever an attack makes of it.

It makes real handshakes and enters, reads what it needs to go on (answers, heads, the counters of packets), and seals
any body that it is given. It keeps none of a client's manners: it acknowledges nothing, and repeats nothing by itself.
"""

from __future__ import annotations

import os
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from udpchat.chat.ids import message_id
from udpchat.session.initiator import HandshakeInitiator
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.sync.packing import FRAME_BYTES_MAX
from udpchat.wire import frames, packets, requests
from udpchat.wire.content import Extra
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, encode_request, pack
from udpchat.wire.limits import FRAMES_MAX, INSTANCE_BYTES, KEY_BYTES, PROTOCOL_VERSION, REQUESTS_IN_FLIGHT_MAX

ENTER_EVERY_S = 0.25
ANSWERED_S_MAX = 0.1  # what has no answer by then is given up, and the counters behind it are used
REQUEST_BYTES = 12  # of a Request around its body, at most, for counters below 2^32
STORED_MAX = 256
AGENT = "bench"


class Member:
    """One device. `state` is what a kind of attack remembers of it; `is_in`: it has entered, and follows `rooms`.

    `first`: what names the first of its messages that was stored in this session. `stored`: the latest ones, in order.
    """

    def __init__(self, number: int, server: packets.Address, *, key: bytes, nick: str, rooms: tuple[str, ...]) -> None:
        self.number, self.nick, self.rooms = number, nick, rooms
        self.state: dict[str, Any] = {}
        self.chance = random.Random(number)
        self.heads: dict[str, frames.Head] = {}
        self.largest = -1  # of the counters of the server's packets
        self.session: Session | None = None
        self.cookie = packets.NO_COOKIE
        self.ephemeral = os.urandom(KEY_BYTES)  # of Hellos that nothing follows: any 32 bytes are a key
        self.answers = 0
        self.first: Extra | None = None
        self.stored: deque[Extra] = deque(maxlen=STORED_MAX)
        self._instance = b""
        self._server = server
        self._static = KeyPair(key)
        self._handshake: HandshakeInitiator | None = None
        self._is_welcome = False
        self._due_s = 0.0
        self._requests = Requests()

    @property
    def is_in(self) -> bool:
        """Whether it is where it wants to be."""
        return self._is_welcome and all("#" + room in self.heads for room in self.rooms)

    @property
    def is_connecting(self) -> bool:
        """Whether a handshake is under way."""
        return self._handshake is not None and self.session is None

    def connect(self, now: float) -> None:
        """Begin a session as a new device of its key, whatever was before."""
        self.session, self.largest, self._is_welcome, self._due_s = None, -1, False, now
        self.heads, self._requests = {}, Requests()
        self.first = None
        self.stored.clear()
        self._instance = os.urandom(INSTANCE_BYTES)
        self._handshake = HandshakeInitiator(
            now,
            static=self._static,
            index=int.from_bytes(os.urandom(4), "big"),
            payload=frames.encode_introduction(self._instance),
            check_server=lambda key: True,
            address=self._server,
            random=os.urandom,
        )

    def change_key(self) -> None:
        """Be another person from the next `connect` on."""
        self._static = KeyPair(os.urandom(KEY_BYTES))

    # --- In ----------

    def receive(self, now: float, datagram: bytes) -> None:
        """A datagram from the server; what cannot be read is ignored."""
        try:
            if datagram[:1] == packets.DATA_KIND:
                self._receive_data(now, datagram)
            else:
                self._receive_packet(now, packets.parse_packet_untrusted(datagram))
        except BadDatagram:
            return

    def _receive_packet(self, now: float, packet: packets.Packet) -> None:
        if self._handshake is None:
            if isinstance(packet, packets.Cookie):
                self.cookie = packet.cookie
            return
        self._handshake.receive(now, packet)
        self.session = self._handshake.session

    def _receive_data(self, now: float, datagram: bytes) -> None:
        session = self.session
        if session is None or packets.data_index(datagram) != session.index:
            return
        body = session.open_untrusted(now, datagram, self._server)
        self.largest = session.largest_received
        if self._handshake is not None:
            self._handshake.confirm()
        for frame in frames.parse_down_untrusted(body):
            match frame:
                case frames.Result() | frames.ResultFragment():
                    self.answers += 1
                    self._requests.on_answer(frame.counter)
                    if isinstance(frame, frames.Result) and isinstance(frame.body, requests.Stored):
                        self._on_stored(frame.counter, frame.body.sequence)
                case frames.Heads():
                    self.heads.update((head.log, head) for head in frame.heads)
                case frames.Welcome():
                    self._is_welcome = True
                case frames.Goodbye():
                    self.connect(now)

    def _on_stored(self, counter: int, sequence: int) -> None:
        self.stored.append(Extra(message_id(self._instance, counter), b"", sequence))
        self.first = self.first or self.stored[-1]

    # --- Out ----------

    def handshake_datagrams(self, now: float) -> list[bytes]:
        """What its handshake has to send now, and in a session what makes it enter."""
        if self._handshake is None:
            return []
        due = self._handshake.next_timeout()
        if due is not None and now >= due:
            self._handshake.handle_timeout(now)
        datagrams = self._handshake.drain_transmits()
        if self.session is not None and not self.is_in and now >= self._due_s:
            self._due_s = now + ENTER_EVERY_S
            wanted = [frames.Enter(self.nick, AGENT), *(frames.Follow("#" + room) for room in self.rooms)]
            datagrams.append(self.seal(pack([encode(frame) for frame in wanted])))
        return datagrams

    def seal(self, body: bytes) -> bytes:
        """A datagram of its session."""
        assert self.session is not None
        return self.session.seal(body)

    def hello(self) -> bytes:
        """A Hello with the cookie that it has; each has another index, so that with a cookie each is a handshake."""
        index = self.chance.getrandbits(32)
        return packets.Hello(PROTOCOL_VERSION, index, self.ephemeral, self.cookie).encode()

    def ask(self, now: float, bodies: Callable[[], bytes]) -> bytes | None:
        """The body of a packet with as many next requests as fit and may be under way; None if none may."""
        return self._requests.next(now, bodies)

    def flood(self, now: float, body: bytes) -> bytes:
        """The body of a packet that is full of the same request, whether those before are answered or not."""
        return self._requests.flood(now, body)

    def counters(self, now: float) -> range:
        """The counters of the next window, to be used as one likes; empty until those before are answered."""
        return self._requests.take(now, REQUESTS_IN_FLIGHT_MAX)


class Requests:
    """The counters of its requests: as many under way as the server holds, the next when those are answered."""

    def __init__(self) -> None:
        self._next = 1
        self._answered = 0
        self._asked_s = float("-inf")

    def on_answer(self, counter: int) -> None:
        """All up to this one are answered, or will be."""
        self._answered = max(self._answered, min(counter, self._next - 1))

    @property
    def first_open(self) -> int:
        """The first without an answer."""
        return self._answered + 1

    def take(self, now: float, count: int) -> range:
        """The next counters, at most so many."""
        if now - self._asked_s > ANSWERED_S_MAX:
            self._answered = self._next - 1
        taken = range(self._next, min(self._next + count, self.first_open + REQUESTS_IN_FLIGHT_MAX))
        if taken:
            self._next, self._asked_s = taken.stop, now
        return taken

    def next(self, now: float, bodies: Callable[[], bytes]) -> bytes | None:
        """The body of a packet that is full of requests, as far as they may be under way."""
        encoded: list[bytes] = []
        size = 0
        while len(encoded) < FRAMES_MAX:
            body = bodies()
            if size + len(body) + REQUEST_BYTES > FRAME_BYTES_MAX:
                break
            taken = self.take(now, 1)
            if not taken:
                break
            encoded.append(encode_request(taken.start, self.first_open, body))
            size += len(encoded[-1])
        return pack(encoded) if encoded else None

    def flood(self, now: float, body: bytes) -> bytes:
        """The same request under the next counters; as if all before this packet were answered."""
        count = min(REQUESTS_IN_FLIGHT_MAX, FRAME_BYTES_MAX // (len(body) + REQUEST_BYTES))
        first, self._next, self._asked_s = self._next, self._next + count, now
        self._answered = self._next - 1
        return pack([encode_request(counter, first, body) for counter in range(first, self._next)])


def full(frame: bytes) -> bytes:
    """The body of a packet with as many of this frame as fit."""
    return pack([frame] * min(FRAMES_MAX, FRAME_BYTES_MAX // len(frame)))


def filled(frames_given: Iterable[bytes]) -> bytes:
    """The body of a packet with the first of these frames, as many as fit."""
    chosen: list[bytes] = []
    size = 0
    for frame in frames_given:
        if len(chosen) == FRAMES_MAX or size + len(frame) > FRAME_BYTES_MAX:
            break
        chosen.append(frame)
        size += len(frame)
    return pack(chosen)
