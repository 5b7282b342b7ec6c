"""A client of the fuzzed server: real handshakes and seals, and frames of any kind in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from udpchat.session.initiator import HandshakeInitiator, HandshakePhase
from udpchat.session.noise import KeyPair
from udpchat.session.session import Session
from udpchat.wire import frames
from udpchat.wire.errors import BadDatagram
from udpchat.wire.frames import encode, encode_introduction, pack, parse_down_untrusted, parse_entry_untrusted
from udpchat.wire.limits import BODY_BYTES_MAX, FRAMES_MAX, REQUESTS_IN_FLIGHT_MAX
from udpchat.wire.packets import DATA_KIND, Address, Cookie, HelloReply, data_index, parse_packet_untrusted

SERVER = Address("10.0.0.1", 1)
OLD_SESSIONS_MAX = 3


@dataclass(slots=True)
class Followed:
    """What a device has heard of a log."""

    generation: int
    head: int = 0
    held: int = 0


@dataclass
class Device:
    """One device of one person, at an address, with its sessions and what it has heard."""

    static: KeyPair
    instance: bytes
    address: Address
    random: Callable[[int], bytes]
    session: Session | None = None
    old: deque[Session] = field(default_factory=lambda: deque(maxlen=OLD_SESSIONS_MAX))
    handshake: HandshakeInitiator | None = None
    counter: int = 0
    asked: dict[int, bytes] = field(default_factory=dict)  # by counter: requests without a result
    logs: dict[str, Followed] = field(default_factory=dict)
    tokens: deque[bytes] = field(default_factory=lambda: deque(maxlen=4))
    heard: int = 0

    # --- Sessions ----------

    def connect(self, now: float, capabilities: tuple[int, ...] = (1,)) -> None:
        """Begin a handshake; `drain` has what is to be sent."""
        self.handshake = HandshakeInitiator(
            now,
            static=self.static,
            index=int.from_bytes(self.random(4), "big"),
            payload=encode_introduction(self.instance, capabilities),
            check_server=lambda key: True,
            address=SERVER,
            random=self.random,
        )

    def drain(self) -> list[bytes]:
        """What the handshake wants to be sent."""
        return self.handshake.drain_transmits() if self.handshake else []

    @property
    def sessions(self) -> list[Session]:
        """The sessions, the latest first."""
        return ([self.session] if self.session else []) + list(self.old)[::-1]

    def seal(self, session: Session, encoded: list[bytes]) -> list[bytes]:
        """Frames in as few datagrams as hold them; those that no datagram holds are left out."""
        datagrams: list[bytes] = []
        held: list[bytes] = []
        for frame in [frame for frame in encoded if len(frame) + 3 <= BODY_BYTES_MAX]:
            if held and (len(held) == FRAMES_MAX or sum(map(len, held)) + len(frame) + 3 > BODY_BYTES_MAX):
                datagrams.append(session.seal(pack(held)))
                held = []
            held.append(frame)
        return datagrams + ([session.seal(pack(held))] if held else [])

    # --- Requests ----------

    def ask(self, body: bytes) -> int:
        """A new request; its counter."""
        self.counter += 1
        self.asked[self.counter] = body
        return self.counter

    def requests(self) -> list[bytes]:
        """The open requests of the window, as frames."""
        first_open = min(self.asked, default=self.counter + 1)
        found = []
        for counter in [each for each in self.asked if each < first_open + REQUESTS_IN_FLIGHT_MAX]:
            body = self.asked[counter]
            if len(body) + 32 <= BODY_BYTES_MAX:
                found.append(frames.encode_request(counter, first_open, body))
                continue
            parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
            found += [
                encode(frames.RequestFragment(counter, first_open, index, len(parts), part))
                for index, part in enumerate(parts)
            ]
        return found

    def ack(self, session: Session) -> bytes:
        """An honest Ack."""
        largest = session.largest_received
        packets = frames.AckedPackets(largest, (1 << min(largest, 64)) - 1, 1000, 0) if largest >= 0 else None
        cursors = [frames.Cursor(log, known.generation, known.held, []) for log, known in self.logs.items()]
        return encode(frames.Ack(packets, cursors[:8]))

    # --- What the server sends ----------

    def hear(self, now: float, datagram: bytes) -> None:
        """A datagram from the server. BadDatagram, or another error, if it is nothing that a server may send."""
        if datagram[:1] == DATA_KIND:
            return self._hear_data(now, datagram)
        packet = parse_packet_untrusted(datagram)
        handshake = self.handshake
        is_answer = isinstance(packet, Cookie | HelloReply) and handshake is not None
        if is_answer and handshake is not None and handshake.phase is HandshakePhase.HELLO:
            with suppress(BadDatagram):  # an answer to a Hello of an earlier handshake, which was replayed
                handshake.receive(now, packet)

    def _hear_data(self, now: float, datagram: bytes) -> None:
        index = data_index(datagram)
        made = self.handshake.session if self.handshake else None
        session = next((known for known in (made, *self.sessions) if known and known.index == index), None)
        if session is None:
            return
        body = session.open_untrusted(now, datagram, session.path.address)
        self.heard += 1
        if session is made and self.handshake is not None:
            self.handshake.confirm()
            self.handshake = None
            if self.session is not None:
                self.old.append(self.session)
            self.session = made
        for frame in parse_down_untrusted(body):
            self._learn(frame)

    def _learn(self, frame: frames.Down) -> None:
        match frame:
            case frames.Heads(_, heads):
                for head in heads:
                    known = self.logs.setdefault(head.log, Followed(head.generation))
                    known.generation, known.head = head.generation, head.head
                    known.held = max(known.held, head.base)
            case frames.Entries(log, generation, first, _, entries):
                for entry in entries:
                    parse_entry_untrusted(bytes(entry))
                known = self.logs.setdefault(log, Followed(generation))
                if first <= known.held + 1:
                    known.held = max(known.held, first + len(entries) - 1)
            case frames.EntryFragment(log, generation, sequence):
                known = self.logs.setdefault(log, Followed(generation))
                if sequence == known.held + 1:
                    known.held = sequence
            case frames.Result(counter) | frames.ResultFragment(counter):
                self.asked.pop(counter, None)
            case frames.PathCheck(token):
                self.tokens.append(token)
            case frames.Goodbye() if self.session is not None:
                self.old.append(self.session)
                self.session = None
