"""The virtual network of the simulator: datagrams between addresses, over links that misbehave, in virtual time.

It knows nothing of what it carries. A socket is an address; a `Network` moves what it sends through the links
(`tests.sim.faults`), through partitions and address translation, and hands it out when it is due:

    network.send(now, source, destination, data)
    network.next_timeout()                          # when the next datagram arrives, or None
    for delivery in network.deliver(now): ...       # in due order; what is due together, in the order of sending

Time never runs backwards. Links, partitions, drop lists and counts speak of sockets (the address that `send` is given,
and that a `Delivery` is for); what travels, taps, drop rules and guards see the addresses on the wire.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from tests.sim.faults import LAN, Counts, Direction, Link
from udpchat.wire.limits import HELLO_BYTES
from udpchat.wire.packets import Address as Address

Tap = Callable[[float, Address, Address, bytes], None]
DropRule = Callable[[float, Address, Address, bytes], bool]

AMPLIFICATION_MAX = 3  # bytes to an unproved address for each byte from it: RFC 9000 section 8.1
INJECTOR = Address("injector", 0)  # where counts and partitions place every attacker


@dataclass(frozen=True, slots=True)
class Delivery:
    """A datagram that has arrived: from the address its receiver sees, for the socket `destination`."""

    source: Address
    destination: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class _Mapping:
    """An address on the wire that leads, or until a time led, to a socket behind an address translator."""

    socket: Address
    until: float


class _Route:
    """From one socket to another: its counts, the drop list, and the direction of a link it uses."""

    __slots__ = ("counts", "direction", "doomed", "ends")

    def __init__(self, ends: tuple[Address, Address]) -> None:
        self.ends = ends
        self.counts = Counts()
        self.direction: Direction | None = None  # chosen at the next datagram
        self.doomed: set[int] = set()  # which of its datagrams are lost, as `counts.sent` numbers them


class _Guard:
    """The ledger of one server: bytes from and to every address that is not proved."""

    __slots__ = ("_is_proved", "_received_bytes", "_sent_bytes")

    def __init__(self, is_proved: Callable[[Address], bool]) -> None:
        self._is_proved = is_proved
        self._received_bytes: dict[Address, int] = {}
        self._sent_bytes: dict[Address, int] = {}

    def on_received(self, source: Address, size: int) -> None:
        self._received_bytes[source] = self._received_bytes.get(source, 0) + size

    def on_sent(self, destination: Address, size: int) -> None:
        if self._is_proved(destination):  # should it cease to be proved, it has credit for one Hello that still waits
            if destination in self._received_bytes:
                self._received_bytes[destination] = min(self._received_bytes[destination], HELLO_BYTES)
            self._sent_bytes.pop(destination, None)
            return
        received = self._received_bytes.get(destination, 0)
        sent = self._sent_bytes[destination] = self._sent_bytes.get(destination, 0) + size
        if sent > AMPLIFICATION_MAX * received:
            raise AssertionError(
                f"amplification: {sent} bytes sent to the unproved address {destination}, which sent {received}"
            )


class Network:
    """All links together. Deterministic in its arguments: the same calls with the same `random` do the same."""

    def __init__(self, random: Random, default: Link = LAN) -> None:
        self.taps: list[Tap] = []  # each sees every datagram sent, before any fault; may call `inject`
        self.drop_if: list[DropRule] = []  # a datagram for which one of them is true is lost
        self._random = random
        self._default = default
        self._now = -math.inf
        self._order = 0
        self._in_flight: list[tuple[float, int, _Route, Address, Address, bytes]] = []
        self._routes: dict[tuple[Address, Address], _Route] = {}
        self._pair_links: dict[tuple[Address, Address], Link] = {}
        self._uplinks: dict[Address, Direction] = {}
        self._downlinks: dict[Address, Direction] = {}
        self._cuts: set[tuple[Address, Address]] = set()
        self._mute: set[Address] = set()
        self._deaf: set[Address] = set()
        self._public: dict[Address, Address] = {}
        self._mappings: dict[Address, _Mapping] = {}
        self._guards: dict[Address, _Guard] = {}

    # --- Traffic -----------------------------------------------------------------------------------------------------

    def send(self, now: float, source: Address, destination: Address, data: bytes) -> None:
        """Send from a socket to an address on the wire. Raises AssertionError where a guard finds amplification."""
        self._advance(now)
        route = self._route(source, destination)
        counts = route.counts
        counts.sent += 1
        counts.sent_bytes += len(data)
        if source in self._guards:
            self._guards[source].on_sent(destination, len(data))
        seen_as = self.appears_at(source)
        for tap in self.taps:
            tap(now, seen_as, destination, data)
        if counts.sent in route.doomed or (
            self.drop_if and any(rule(now, seen_as, destination, data) for rule in self.drop_if)
        ):
            counts.lost += 1
        elif self._is_cut(*route.ends):
            counts.cut += 1
        else:
            direction = route.direction or self._choose_direction(route)
            for due, arriving in direction.carry(now, data, counts):
                self._launch(due, route, seen_as, destination, arriving)

    def inject(self, now: float, source: Address, destination: Address, data: bytes, *, delay_s: float = 0.0) -> None:
        """Send as an attacker who claims to be `source`: arrives after exactly `delay_s`, unseen by taps, unharmed.

        Counted, and subject to partitions, as from INJECTOR; credited to `source` in the ledger of a guard.
        """
        self._advance(now)
        route = self._route(INJECTOR, destination)
        route.counts.sent += 1
        route.counts.sent_bytes += len(data)
        self._launch(now + delay_s, route, source, destination, data)

    def next_timeout(self) -> float | None:
        """Return when the next datagram is due, None if none is in flight."""
        return self._in_flight[0][0] if self._in_flight else None

    def deliver(self, now: float) -> list[Delivery]:
        """Return what is due. Partitions hold on arrival too: nothing crosses one while it stands."""
        self._advance(now)
        deliveries: list[Delivery] = []
        while self._in_flight and self._in_flight[0][0] <= now:
            due, _, route, source, destination, data = heappop(self._in_flight)
            mapping = self._mappings.get(destination)
            socket = destination if mapping is None else mapping.socket
            if (mapping is not None and due >= mapping.until) or self._is_cut(route.ends[0], socket):
                route.counts.cut += 1
                continue
            route.counts.delivered += 1
            route.counts.delivered_bytes += len(data)
            if socket in self._guards:
                self._guards[socket].on_received(source, len(data))
            deliveries.append(Delivery(source, socket, data))
        return deliveries

    def count(self, source: Address | None = None, destination: Address | None = None) -> Counts:
        """Return the sums over all routes from and to these sockets; None means any."""
        total = Counts()
        for (from_socket, to_socket), route in self._routes.items():
            if source in (None, from_socket) and destination in (None, to_socket):
                total.add(route.counts)
        return total

    def in_flight(self) -> int:
        """Return how many datagrams have been sent or injected and are not due yet, or not delivered."""
        return len(self._in_flight)

    def guard(self, server: Address, is_proved: Callable[[Address], bool]) -> None:
        """From now on, refuse amplification by this socket: `send` raises AssertionError as it happens.

        While an address is not proved, the bytes sent to it may be at most AMPLIFICATION_MAX times those that arrived
        from it, by whomever they were sent. `is_proved` is asked at each datagram of the server, with its destination.
        """
        self._guards[server] = _Guard(is_proved)

    # --- Faults ------------------------------------------------------------------------------------------------------

    def set_link(self, a: Address, b: Address, link: Link, *, one_way: bool = False) -> None:
        """Give two sockets a link of their own, in both directions or from a to b only."""
        for ends in [(a, b)] if one_way else [(a, b), (b, a)]:
            self._pair_links[ends] = link
            if ends in self._routes:
                self._routes[ends].direction = None

    def set_host_links(self, socket: Address, *, up: Link, down: Link) -> None:
        """Let all that a socket sends share one direction, with its rate and queue, and all that it receives another.

        A link of the pair comes before these, the uplink of the sender before the downlink of the receiver.
        """
        self._uplinks[socket] = Direction(up, self._random)
        self._downlinks[socket] = Direction(down, self._random)
        for ends, route in self._routes.items():
            if socket in ends:
                route.direction = None

    def partition(self, a: Iterable[Address], b: Iterable[Address], *, one_way: bool = False) -> None:
        """Let nothing pass from any socket of a to any of b, nor back unless `one_way`."""
        side_b = list(b)
        for from_a in a:
            for from_b in side_b:
                self._cuts.add((from_a, from_b))
                if not one_way:
                    self._cuts.add((from_b, from_a))

    def blackhole(self, socket: Address, *, sends: bool = True, receives: bool = True) -> None:
        """Swallow all that a socket sends, all that it should receive, or both."""
        if sends:
            self._mute.add(socket)
        if receives:
            self._deaf.add(socket)

    def reconnect(self) -> None:
        """End all partitions and blackholes; the links stay as they are."""
        self._cuts.clear()
        self._mute.clear()
        self._deaf.clear()

    def drop_next(self, source: Address, destination: Address, positions: Iterable[int]) -> None:
        """Lose these of the datagrams that follow from one socket to the other; 1 is the very next."""
        route = self._route(source, destination)
        route.doomed.update(route.counts.sent + position for position in positions)

    def rebind(self, now: float, socket: Address, address: Address, *, old_works_s: float = 0.0) -> None:
        """Let a socket appear at another address from now on, as when its translator (NAT) forgets it.

        What is sent to the new address reaches the socket, in flight or not; what arrives at the old one more than
        `old_works_s` from now leads nowhere. Raises ValueError if another socket appears at the new address.
        """
        self._advance(now)
        holder = self._mappings.get(address)
        if holder is not None and holder.socket != socket and self._public[holder.socket] == address:
            raise ValueError(f"{address} is where {holder.socket} appears")
        self._mappings[self._public.get(socket, socket)] = _Mapping(socket, now + old_works_s)
        self._mappings[address] = _Mapping(socket, math.inf)
        self._public[socket] = address

    def appears_at(self, socket: Address) -> Address:
        """Return the address at which others see what a socket sends."""
        return self._public.get(socket, socket)

    def heal(self, link: Link = LAN) -> None:
        """End every fault, scenario drops included, and make all links this one. Addresses stay, and what is in flight.

        Not ended: taps and guards, which harm nothing.
        """
        self.reconnect()
        self.drop_if.clear()
        self._default = link
        self._pair_links.clear()
        self._uplinks.clear()
        self._downlinks.clear()
        for route in self._routes.values():
            route.direction = None
            route.doomed.clear()

    # --- Within ------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        if now < self._now:
            raise ValueError(f"time runs backwards, from {self._now} to {now}")
        self._now = now

    def _route(self, source: Address, destination: Address) -> _Route:
        mapping = self._mappings.get(destination)
        ends = (source, destination if mapping is None else mapping.socket)
        route = self._routes.get(ends)
        if route is None:
            route = self._routes[ends] = _Route(ends)
        return route

    def _choose_direction(self, route: _Route) -> Direction:
        source, destination = route.ends
        direction = None
        if route.ends not in self._pair_links:
            direction = self._uplinks.get(source) or self._downlinks.get(destination)
        if direction is None:
            direction = Direction(self._pair_links.get(route.ends, self._default), self._random)
        route.direction = direction
        return direction

    def _is_cut(self, source: Address, destination: Address) -> bool:
        return source in self._mute or destination in self._deaf or (source, destination) in self._cuts

    def _launch(self, due: float, route: _Route, source: Address, destination: Address, data: bytes) -> None:
        self._order += 1  # makes ties stable, and spares the heap the comparison of what follows
        heappush(self._in_flight, (due, self._order, route, source, destination, data))
