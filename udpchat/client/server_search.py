"""Looks for servers: Probes on all ways at once, and the servers that answer, each by its key (SPEC 2.1). Pure.

The number of a Probe says on which way and in which round it was sent. Nothing in an answer is authentic: a server that
was found is only a suggestion, and the handshake shows whether it has that key.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from udpchat.chat.text import printable
from udpchat.session.noise import fingerprint
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    FOUND_ADDRESSES_MAX,
    FOUND_SERVERS_MAX,
    PROBE_ID_BYTES,
    PROTOCOL_VERSION,
    SEARCH_ROUNDS_S,
)
from udpchat.wire.packets import Address, Probe, ProbeReply, parse_packet_untrusted

WAYS_MAX: Final = 8  # a number of a Probe is a round and a way


class Way(IntEnum):
    """How Probes are sent, or who said where to."""

    USED_LAST = 0  # to the address of the server used last
    THIS_MACHINE = 1
    BROADCAST = 2
    MULTICAST = 3
    MDNS = 4  # to an address that was announced there


class FoundServer(Value, frozen=True):
    """A server that has answered, or somebody who says so.

    `name` is printable; `addresses` are those it answered from, `ways` those on which it was asked.
    `is_disputed`: another key was claimed for one of the addresses.
    """

    fingerprint: str
    name: str
    people: int
    version: int
    addresses: tuple[Address, ...]
    ways: tuple[Way, ...]
    is_disputed: bool = False

    @property
    def is_of_this_version(self) -> bool:
        return self.version == PROTOCOL_VERSION

    @property
    def address(self) -> Address:
        """The best of its addresses: that of this machine, else IPv4, else one that is not link-local."""
        return min(self.addresses, key=_rank)


class Search:
    """One search. It is over `limit_s` after its begin, or `settling_s` after the first answer; if the server with the
    fingerprint `wanted` is looked for, after its first answer, or at once when it has answered where it was used last.
    """

    def __init__(
        self,
        now: float,
        *,
        random: Callable[[int], bytes],
        limit_s: float,
        settling_s: float,
        wanted: str = "",
    ) -> None:
        self._probe_id = random(PROBE_ID_BYTES)
        self._began_at = now
        self._ends_at = now + limit_s
        self._settling_s = settling_s
        self._wanted = wanted
        self._round = 0
        self._late_ways: list[Way] = []  # to be asked at once
        self._found: dict[str, FoundServer] = {}

    @property
    def found(self) -> list[FoundServer]:
        """The servers that have answered, in the order of their first answers."""
        claims = [address for server in self._found.values() for address in server.addresses]
        return [
            server.changed(is_disputed=any(claims.count(address) > 1 for address in server.addresses))
            for server in self._found.values()
        ]

    def is_over(self, now: float) -> bool:
        """Whether nothing more is waited for."""
        return now >= self._ends_at

    def on_way(self, way: Way) -> None:
        """There is a new address to ask on this way."""
        self._late_ways.append(way)

    def receive(self, now: float, datagram: bytes, address: Address) -> None:
        """An answer, maybe. Raises BadDatagram."""
        reply = parse_packet_untrusted(datagram)
        if not isinstance(reply, ProbeReply) or reply.probe_id != self._probe_id:
            raise BadDatagram(Drop.UNEXPECTED)
        try:
            way = Way(reply.number % WAYS_MAX)
        except ValueError:
            raise BadDatagram(Drop.UNEXPECTED) from None
        shown = fingerprint(reply.key)
        known = self._found.get(shown)
        if known is None and len(self._found) >= FOUND_SERVERS_MAX and shown != self._wanted:
            raise BadDatagram(Drop.TABLE_FULL)
        addresses = known.addresses if known is not None else ()
        if address not in addresses:
            addresses = (*addresses, address)[:FOUND_ADDRESSES_MAX]
        ways = known.ways if known is not None else ()
        self._found[shown] = FoundServer(
            shown,
            printable(reply.name.decode("utf-8", "replace")),
            reply.people,
            reply.version,
            addresses,
            ways if way in ways else (*ways, way),
        )
        if not self._wanted or shown == self._wanted:
            self._ends_at = min(self._ends_at, now + self._settling_s)
        if shown == self._wanted and way is Way.USED_LAST:
            self._ends_at = now

    def next_timeout(self) -> float:
        """When the next Probes are due, or the search is over."""
        if self._round < len(SEARCH_ROUNDS_S):
            return min(self._ends_at, self._began_at + SEARCH_ROUNDS_S[self._round])
        return self._ends_at

    def drain_transmits(self, now: float) -> list[tuple[bytes, Way]]:
        """The Probes that are due, and to whom."""
        ways: list[Way] = []
        if self._round < len(SEARCH_ROUNDS_S) and now >= self._began_at + SEARCH_ROUNDS_S[self._round]:
            self._round += 1
            ways = list(Way)
        ways += [way for way in self._late_ways if way not in ways]
        self._late_ways.clear()
        return [(Probe(PROTOCOL_VERSION, self._probe_id, self._round * WAYS_MAX + way).encode(), way) for way in ways]


def _rank(address: Address) -> int:
    """What is in front is used rather."""
    if address.host in ("127.0.0.1", "::1"):
        return 0
    return 1 if ":" not in address.host else 3 if "%" in address.host else 2
