"""The adversary: members in a process of their own, on one processor where the system allows it, with a socket each.

It sends to loopback only, no more datagrams a second than it was told, and ends by itself: each attack after its time,
the process after LIFE_S_MAX.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from measure.attack_kinds import KINDS, OUTSIDE, Kind, Place, rooms_of
from measure.attack_member import Member
from measure.processes import allow_files
from measure.swarm import DATAGRAM_BYTES, HAS_MANY_HOSTS
from udpchat.wire.limits import KEY_BYTES
from udpchat.wire.packets import Address

LIFE_S_MAX = 120.0  # of the process, whatever happens to who started it
ENTERING_MAX = 64  # at once
ENTER_S_MAX = 12.0  # then the attack begins with those that are in
SLICE_S = 0.01  # of an attack, between looks at the parent
BURST_S = 0.02  # what was not sent in time is sent later only up to so much
SENT_BETWEEN_READS = 64  # datagrams
READ_MAX = 16  # datagrams of one socket, before the others have their turn
READY_MAX = 32  # sockets read between two times of sending
FILES_BESIDE = 100  # of the process, beside a socket for each member
EXIT_OVERDUE = 3
LEAST_URGENT = 19  # of the system's priorities


@dataclass(frozen=True, slots=True)
class Adversary:
    """So many members; `keys`: how many different ones they have; `hosts`: how many addresses they speak from."""

    name: str
    what: str
    members: int
    keys: int
    hosts: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What an attack has sent so far: datagrams, the seconds it took, and the processor time."""

    datagrams: int
    wall_s: float
    used_s: float


def hostile_host(number: int) -> str:
    """An address of its own, apart from those of honest peers, where all of 127.0.0.0/8 is this machine."""
    return f"127.66.{number // 250}.{number % 250 + 1}" if HAS_MANY_HOSTS else "127.0.0.1"


class Seat:
    """A member and its socket."""

    __slots__ = ("member", "socket")

    def __init__(self, number: int, server: Address, adversary: Adversary, kind: Kind, key: bytes) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((hostile_host(number % adversary.hosts), 0))
        self.socket.connect(server[:2])
        nick = f"guest{number % adversary.keys}"
        self.member = Member(number, server, key=key, nick=nick, rooms=rooms_of(kind.place, number, nick))
        self.member.state["has_keys"] = adversary.keys > 1

    def send(self, datagram: bytes) -> bool:
        """Whether the system took it."""
        try:
            self.socket.send(datagram)
        except OSError:  # its buffer is full, or the server is gone
            return False
        return True

    def read(self, now: float) -> None:
        """Take in what has come."""
        try:
            for _ in range(READ_MAX):
                self.member.receive(now, self.socket.recv(DATAGRAM_BYTES))
        except OSError:
            return


class Attacker:
    """One adversary and one kind of attack; see `children`."""

    def __init__(self, server: Address, adversary: Adversary, kind: str, is_yielding: bool = False) -> None:
        """`is_yielding`: other processes go first, as if it had a machine of its own."""
        watchdog = threading.Timer(LIFE_S_MAX, os._exit, (EXIT_OVERDUE,))
        watchdog.daemon = True
        watchdog.start()
        if is_yielding and hasattr(os, "nice"):
            os.nice(LEAST_URGENT)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        members = min(adversary.members, allow_files(adversary.members + FILES_BESIDE) - FILES_BESIDE)
        self._kind = KINDS[kind]
        if self._kind.place is Place.ELSEWHERE:
            server = self._open_sink()
        self._selector = selectors.DefaultSelector()
        keys = [os.urandom(KEY_BYTES) for _ in range(adversary.keys)]
        self._seats = [
            Seat(number, server, adversary, self._kind, keys[number % adversary.keys])
            for number in range(members)
        ]
        for seat in self._seats:
            self._selector.register(seat.socket, selectors.EVENT_READ, seat)
        self._order = cycle(self._seats)
        self._senders = cycle(self._seats[1:] + self._seats[:1])
        self._sending: Iterator[None] | None = None
        self._sent = Sent(0, 0.0, 0.0)

    def _open_sink(self) -> Address:
        """A socket that nobody reads, and where it is."""
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind((hostile_host(0), 0))
        return Address(*self._sink.getsockname())

    # --- What a parent calls ----------

    def enter(self) -> int:
        """Have the members enter, as far as the server lets them; how many are in."""
        if self._kind.place in OUTSIDE:
            return 0
        waiting, entering = list(reversed(self._seats)), list[Seat]()
        end_s = time.monotonic() + ENTER_S_MAX
        while (waiting or entering) and (now := time.monotonic()) < end_s:
            while waiting and len(entering) < ENTERING_MAX:
                entering.append(waiting.pop())
                entering[-1].member.connect(now)
            self._greet(now, entering)
            self._read(0.005)
            entering = [seat for seat in entering if not seat.member.is_in]
        return sum(seat.member.is_in for seat in self._seats)

    def attack(self, rate: float, seconds: float) -> None:
        """Begin to send so many datagrams a second, for so long at most."""
        self._sending = self._attack(rate, time.monotonic() + seconds)

    def sent(self) -> Sent:
        """What was sent since `attack`."""
        return self._sent

    def turn(self, wait_s: float) -> None:
        """Send for a while, or read what has come."""
        if self._sending is None:
            self._read(wait_s)
        elif next(self._sending, self) is self:
            self._sending = None

    # --- The loop ----------

    def _attack(self, rate: float, end_s: float) -> Iterator[None]:
        """A slice of the attack each time."""
        begin_s = paid_s = now = time.monotonic()
        used_s, sent = time.process_time(), 0
        while now < end_s:
            paid_s = max(paid_s, now - BURST_S)
            due = int(rate * (now - paid_s))
            paid_s += due / rate
            slice_end_s = now + SLICE_S
            while due > 0 and now < slice_end_s:
                taken = self._send(now, min(due, SENT_BETWEEN_READS))
                if self._kind.listens:
                    self._read(0.0)
                if not taken:
                    break
                due, sent, now = due - taken, sent + taken, time.monotonic()
            self._sent = Sent(sent, now - begin_s, time.process_time() - used_s)
            yield
            self._read(0.001) if self._kind.listens else time.sleep(0.001)
            now = time.monotonic()

    def _send(self, now: float, count: int) -> int:
        """Have the members send so many datagrams by turns; fewer if they have nothing to send."""
        sent, idle = 0, 0
        datagram_of, is_outside = self._kind.datagram, self._kind.place in OUTSIDE
        while sent < count and idle < len(self._seats):
            seat = next(self._order)
            if not is_outside and not seat.member.is_in:
                self._greet(now, [seat])
                idle += 1
                continue
            datagram = datagram_of(seat.member, now)
            if datagram is None:
                idle += 1
                continue
            sent += (next(self._senders) if self._kind.wanders else seat).send(datagram)
            idle = 0
        return sent

    def _greet(self, now: float, seats: list[Seat]) -> None:
        for seat in seats:
            for datagram in seat.member.handshake_datagrams(now):
                seat.send(datagram)

    def _read(self, wait_s: float) -> None:
        now = time.monotonic()
        for key, _ in self._selector.select(wait_s)[:READY_MAX]:
            key.data.read(now)
