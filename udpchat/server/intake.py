"""Which datagram is served next: as they come while there is time, then whoever has used least first (SPEC 6.7).

The work of one turn is bounded (`Pace`); what is left waits for the next, so that the socket, the timers and the log
have their turns between. Data of members goes before what strangers send, which keep a share of the time. A datagram
for which there is no room is dropped: of a sender who has others waiting, first; then of who has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import inf

from udpchat.server.backlog import Backlog
from udpchat.server.credit import NEW_CREDIT_US, Ledger, most_used_us
from udpchat.server.fair_queue import FairQueue
from udpchat.server.meter import Meter
from udpchat.server.registry import Peer, Registry
from udpchat.session.rate_limit import source_of
from udpchat.session.session import Session
from udpchat.wire.errors import Drop
from udpchat.wire.limits import WAITING_DATAGRAMS_MAX, WAITING_DATAGRAMS_PER_FLOW_MAX, WAITING_SENDERS_MAX
from udpchat.wire.packets import Address

Datagram = tuple[bytes, Address]


class Intake:
    """What waits to be served, of members and of strangers."""

    __slots__ = (
        "_began_at", "_counters", "_is_closed", "_members", "_meter", "_ready", "_ready_peers",
        "_registry", "_strangers", "_turns", "backlog", "proposers",
    )  # fmt: skip

    def __init__(self, meter: Meter, registry: Registry, backlog: Backlog, counters: Counter[str]) -> None:
        """`meter`: of the work of a turn; `backlog`: while it has no room, requests wait; `counters`: of drops."""
        self._meter = meter
        self.backlog = backlog
        self._registry = registry
        self._counters = counters
        self._members = _datagrams(meter.members)
        self._ready: FairQueue[Peer] = FairQueue(meter.members)  # with requests
        self._ready_peers: set[Peer] = set()
        self._strangers = _datagrams(meter.strangers)
        self._began_at = 0.0
        self._is_closed = False
        self._turns = 0  # since something was written
        self.proposers: dict[Peer, None] = {}  # whose requests are settled and have to be written; added to by the core

    def __len__(self) -> int:
        """How many datagrams wait, and peers with requests that are ready."""
        return self._members.size + self._ready.size + self._strangers.size

    @property
    def _may_carry_out(self) -> bool:
        """Whether requests of peers wait, and may be carried out."""
        return self._ready.size > 0 and self.backlog.has_room(self._ready.least_us())

    @property
    def _is_member_waiting(self) -> bool:
        """Whether something of members waits that may be served."""
        return self._members.size > 0 or self._may_carry_out

    @property
    def _may_serve(self) -> bool:
        return self._strangers.size > 0 or self._is_member_waiting

    def begin_turn(self, now: float) -> None:
        """A turn begins."""
        strangers_wait = self._strangers.size > 0
        waiting = max(self._members.senders, self._ready.senders)
        self.backlog.begin_turn(now, strangers_wait=strangers_wait, waiting=waiting)
        turn_us = self.backlog.pace.turns.turn_us
        self._meter.begin_turn(now, turn_us, members_wait=self._is_member_waiting, strangers_wait=strangers_wait)
        self._began_at = now
        self._turns += 1

    def next_timeout(self, *, is_more_to_do: bool = False) -> float | None:
        """When the next turn may begin; None if nothing waits, and nothing else is to be done."""
        if is_more_to_do or self._may_serve:
            return self._began_at
        return self.backlog.room_at(self._ready.least_us()) if self._ready.size else None

    def close(self) -> None:
        """Serve nothing more. What waits is not answered, so its senders repeat it to the next server."""
        self._is_closed = True
        self._members, self._strangers = _datagrams(self._meter.members), _datagrams(self._meter.strangers)
        self._ready = FairQueue(self._meter.members)

    def serve(self, datagrams: Iterable[Datagram]) -> Iterator[Datagram | Peer]:
        """These and what waits, as far as the turn allows; the others wait, or are counted as OVER_SHARE."""
        if self._is_closed:
            return
        is_waiting = self._may_serve
        meter = self._meter
        for datagram in datagrams:
            if not is_waiting and meter.left_us > 0.0:
                yield datagram
                continue
            is_waiting = True
            self._hold(datagram)
        while meter.left_us > 0.0 and self._may_serve:
            for taken in self._take():
                yield taken
                if meter.left_us <= 0.0:
                    return

    def hold_ready(self, peer: Peer) -> None:
        """Requests of a peer are ready: they wait for a turn, and for room among what is written."""
        if peer not in self._ready_peers:
            self._ready_peers.add(peer)
            self._ready.add(peer.payer.balances, peer)

    def line_up(self, peers: list[Peer]) -> list[Peer]:
        """Requests of these peers may be ready: the same peers if no member waits; else none, and they wait too."""
        if self._is_closed:
            return []
        if not self._is_member_waiting:
            return peers
        for peer in peers:
            self.hold_ready(peer)
        return []

    def may_write(self) -> bool:
        """Whether to write now what is settled.

        Not while members wait whose requests may share the write, but at the latest after as many turns as `Pace` has,
        or when so much is settled that some have to wait for it; and at once if something is of a member who has used
        clearly less than all who wait: it does not wait for their turns, which are short from then on if that member
        has much credit, as among members who all use much one is always behind.
        """
        if self._is_member_waiting:
            least_us = max(min(map(_used_us, self.proposers), default=inf), self._meter.members.floor_us)
            if self._waiting_us() > least_us + NEW_CREDIT_US:
                if self._meter.members.has_much_credit(least_us):
                    self.backlog.pace.on_little_used(self._began_at)
            elif self._turns < self.backlog.pace.turns.write_turns and not self.backlog.is_written_late:
                return False
        self._turns = 0
        self.proposers.clear()
        return True

    @staticmethod
    def is_members(peer: Peer, session: Session, address: Address) -> bool:
        """Whether what names a session waits with what members send. Else it waits with strangers: it comes from
        elsewhere, so that anybody may have sent it, or from who has yet to enter, and has less credit than any member.
        """
        return address == session.path.address and peer.nick is not None

    def _hold(self, datagram: Datagram) -> None:
        data, address = datagram
        found = self._registry.find_named(data)
        if found is not None and self.is_members(*found, address):
            is_held = self._members.add(found[0].payer.balances, datagram)
        else:
            source = self._meter.strangers.open(source_of(address[0]))
            is_held = self._strangers.add((source,), datagram)
        if not is_held:
            self._counters[Drop.OVER_SHARE] += 1

    def _take(self) -> Iterable[Datagram | Peer]:
        """What is next; something must wait that may be served.

        That is all of one member, as members are charged between turns; but one datagram while strangers wait too.
        """
        members, ready = self._members, self._ready
        if self._strangers.size and (not self._is_member_waiting or self._meter.is_strangers_turn):
            return (self._strangers.take(),)
        if self._may_carry_out and (not members.size or ready.least_us() <= members.least_us()):
            peer = ready.take()
            self._ready_peers.discard(peer)
            return (peer,)
        return (members.take(),) if self._strangers.size else members.take_run()

    def _waiting_us(self) -> float:
        """How much everyone has used at least of whom something waits; there must be one."""
        queues = (self._members, self._ready) if self._may_carry_out else (self._members,)
        return min(queue.least_us() for queue in queues if queue.size)


def _used_us(peer: Peer) -> float:
    return most_used_us(peer.payer.balances)


def _datagrams(ledger: Ledger) -> FairQueue[Datagram]:
    """What waits of the senders with balances in this ledger."""
    return FairQueue(
        ledger,
        of_sender_max=WAITING_DATAGRAMS_PER_FLOW_MAX,
        size_max=WAITING_DATAGRAMS_MAX,
        senders_max=WAITING_SENDERS_MAX,
    )
