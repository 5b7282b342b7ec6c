"""Many light peers in one process, each with a socket of its own, driven by one selector; see `children`."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial

from measure.peer import Peer
from measure.tally import STALL_S_MAX, TEXT_BYTES, Relayed, Tally, run
from udpchat.server.credit import FOLLOWERS_CHARGED_MAX
from udpchat.sync.timer_heap import TimerHeap
from udpchat.wire.limits import (
    HANDSHAKES_PER_HOST_BURST,
    HANDSHAKES_PER_HOST_PER_S,
    REACH_OF_KEY,
    REQUESTS_IN_FLIGHT_MAX,
)
from udpchat.wire.packets import Address

ENTERING_MAX = 128  # at once: more would only ask twice
DATAGRAM_BYTES = 2048
BATCH_MAX = 32  # datagrams of one socket before the others have their turn
TURN_SEATS_MAX = 1_024  # whose timers are handled before the sockets have their turn
HOSTS_PER_NET = 250
HAS_MANY_HOSTS = sys.platform == "linux"  # there, all of 127.0.0.0/8 is this machine


def source_host(number: int) -> str:
    """The address that a peer speaks from: one of its own where it can be, for a server takes only so many handshakes
    a second from one address.
    """
    if not HAS_MANY_HOSTS:
        return "127.0.0.1"
    net, host = divmod(number, HOSTS_PER_NET)
    return f"127.{1 + net // HOSTS_PER_NET}.{net % HOSTS_PER_NET}.{host + 1}"


class Seat:
    """A peer and its socket."""

    __slots__ = ("peer", "socket")

    def __init__(self, number: int, server: Address, room: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((source_host(number), 0))
        self.peer = Peer(time.monotonic(), server, nick=f"peer{number}", room=room)


class Swarm:
    """The peers of one server."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._selector = selectors.DefaultSelector()
        self._deadlines: TimerHeap[Seat] = TimerHeap()
        self._seats: list[Seat] = []
        self._heard_s = time.monotonic()
        self._datagrams = 0
        self._bytes = 0

    # --- What a parent calls ----------

    def enter(self, rooms: Sequence[str]) -> float:
        """One more peer for each of these, in that room; the seconds until all of them are in."""
        begin_s = time.monotonic()
        waiting, entering = list(reversed(rooms)), [seat for seat in self._seats if not seat.peer.is_entered]
        while waiting or entering:
            while waiting and len(entering) < ENTERING_MAX and self._may_start(begin_s):
                entering.append(self._seat(waiting.pop()))
            self.turn(0.02)
            entering = [seat for seat in entering if not seat.peer.is_entered]
            if time.monotonic() - self._heard_s > STALL_S_MAX:
                raise RuntimeError(f"{len(entering) + len(waiting)} peers were not let in")
        return time.monotonic() - begin_s

    def _may_start(self, begin_s: float) -> bool:
        since_s = float("inf") if HAS_MANY_HOSTS else time.monotonic() - begin_s
        return len(self._seats) < HANDSHAKES_PER_HOST_BURST + 0.9 * HANDSHAKES_PER_HOST_PER_S * since_s

    def rest(self, rest_s: float) -> None:
        """Go on for a while: acks, announcements and heartbeats have their time."""
        end_s = time.monotonic() + rest_s
        while time.monotonic() < end_s:
            self.turn(0.02)

    def relay(self, messages: int, in_flight: int) -> tuple[Relayed, float]:
        """Have messages said in the one room that all are in, by as few peers as may; the mean bytes of a datagram.

        Nobody says so much that they have to wait (SPEC 6.7, Reach).
        """
        reach = messages * min(len(self._seats), FOLLOWERS_CHARGED_MAX)
        in_flight_each, reach_each = REQUESTS_IN_FLIGHT_MAX // 2, REACH_OF_KEY[0] // 4
        speakers = self._seats[: max(-(-in_flight // in_flight_each), -(-reach // reach_each))]
        tally = Tally(len(self._seats))
        first = max(seat.peer.sequence for seat in self._seats) + 1
        for seat in self._seats:
            seat.peer.on_message = lambda sequence: tally.on_message(time.monotonic(), sequence - first)
        self._datagrams = self._bytes = 0

        def say(number: int, text: str) -> None:
            seat = speakers[number % len(speakers)]
            seat.peer.say(time.monotonic(), text)
            self._send(seat)

        relayed = run(tally, messages=messages, in_flight=in_flight, say=say, turn=self.turn)
        return relayed, self._bytes / max(self._datagrams, 1)

    def ask(self, messages: int) -> Relayed:
        """Have every peer say so many, as many at once as it may, and return when all are confirmed."""
        tally = Tally(1)
        left = {seat: messages for seat in self._seats}
        begun: dict[Seat, list[int]] = {seat: [] for seat in self._seats}

        def more(seat: Seat) -> None:
            while left[seat] and seat.peer.unanswered < REQUESTS_IN_FLIGHT_MAX:
                left[seat] -= 1
                begun[seat].append(tally.begun)
                tally.begin(time.monotonic())
                seat.peer.say(time.monotonic(), "x" * TEXT_BYTES)
            self._send(seat)

        def on_result(seat: Seat) -> None:
            tally.on_message(time.monotonic(), begun[seat].pop(0))

        for seat in self._seats:
            seat.peer.on_result = partial(on_result, seat)
        begin_s = time.monotonic()
        while tally.done < messages * len(self._seats):
            for seat in self._seats:
                more(seat)
            self.turn(0.1)
            if time.monotonic() - self._heard_s > STALL_S_MAX:
                raise RuntimeError(f"stalled: {tally.done} requests are answered")
        return Relayed(time.monotonic() - begin_s, tally.taken_s)

    # --- The loop ----------

    def turn(self, wait_s: float) -> None:
        """Receive what has come, do what is due, send."""
        due = self._deadlines.next_timeout()
        if due is not None:
            wait_s = min(wait_s, max(due - time.monotonic(), 0.0))
        for key, _ in self._selector.select(wait_s):
            self._receive(key.data)
        now = time.monotonic()
        for seat in self._deadlines.take_due(now, TURN_SEATS_MAX):
            due = seat.peer.next_timeout()
            if due is not None and due <= now:
                seat.peer.handle_timeout(now)
            self._send(seat)

    def _seat(self, room: str) -> Seat:
        seat = Seat(len(self._seats), self._server, room)
        self._seats.append(seat)
        self._selector.register(seat.socket, selectors.EVENT_READ, seat)
        self._send(seat)
        return seat

    def _receive(self, seat: Seat) -> None:
        datagrams: list[bytes] = []
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while len(datagrams) < BATCH_MAX:
                datagrams.append(seat.socket.recv(DATAGRAM_BYTES))
        if datagrams:
            self._heard_s = time.monotonic()
            sizes = [len(datagram) for datagram in datagrams if len(datagram) > TEXT_BYTES]  # those that carry a text
            self._datagrams += len(sizes)
            self._bytes += sum(sizes)
            seat.peer.receive(self._heard_s, datagrams)
            self._send(seat)

    def _send(self, seat: Seat) -> None:
        for datagram, address in seat.peer.drain_transmits():
            with contextlib.suppress(OSError):  # a full buffer is a loss like any other
                seat.socket.sendto(datagram, address[:2])
        self._deadlines.arm(seat, seat.peer.next_timeout())
