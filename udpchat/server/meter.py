"""What the work of this turn costs, and the balances that it is charged to (SPEC 6.7).

The price of each piece of work counts at once for the length of the turn; the balances are charged with one sum for
each peer, once the work of a turn has gathered, or while members wait.
"""

from __future__ import annotations

from typing import Final

from udpchat.server.credit import PACKET_US, Ledger
from udpchat.server.pace import TURN_US
from udpchat.server.registry import Peer
from udpchat.session.rate_limit import source_of

SHARED_BY: Final = 8.0  # under load, so many entries share a packet and a write: what is done later takes so much less
STRANGERS_SHARE: Final = 0.25  # of the work, while both they and members wait


class Meter:
    """The work of a turn, in microseconds: for members, and for strangers, whose balances are separate.

    Packets that prove no key are charged to balances of their own: whoever forges their source harms no member.
    `members`, `strangers`: the two ledgers, of keys and of sources.
    """

    __slots__ = (
        "_members_us",
        "_strangers_us",
        "_turn_us",
        "_uncharged",
        "_unsettled_us",
        "left_us",
        "members",
        "strangers",
    )

    def __init__(self, members: Ledger) -> None:
        self.members = members
        self.strangers = Ledger()
        self.left_us = self._turn_us = TURN_US  # left of this turn: none, and it is over; read often: no method
        self._members_us = self._strangers_us = 0.0  # for each, while both wait
        self._uncharged: dict[Peer, float] = {}  # the work for each since the balances were charged
        self._unsettled_us = 0.0  # of the turns since then

    def begin_turn(self, now: float, turn_us: float, *, members_wait: bool, strangers_wait: bool) -> None:
        """A turn of so much work begins."""
        self._unsettled_us += self._turn_us - self.left_us
        self.left_us = self._turn_us = turn_us
        if self._unsettled_us >= TURN_US or members_wait:
            self.settle()
        self.members.run(now, is_work_waiting=members_wait)
        self.strangers.run(now, is_work_waiting=strangers_wait)
        if not (members_wait and strangers_wait):
            self._members_us = self._strangers_us = 0.0

    def settle(self) -> None:
        """Charge the balances with all work so far: with one sum for each peer, as it is less to do."""
        for peer, price_us in self._uncharged.items():
            self.members.charge(price_us, *peer.payer.balances)
        self._uncharged.clear()
        self._unsettled_us = 0.0

    @property
    def is_strangers_turn(self) -> bool:
        """Whether strangers had less than their share, if both wait."""
        return self._strangers_us < STRANGERS_SHARE * (self._strangers_us + self._members_us)

    def charge_peer(self, peer: Peer, price_us: float, later_us: float = 0.0) -> None:
        """Work for a peer: in this turn, and later.

        What is done later fills the turn too: or a turn would take on more than can be sent before the next.
        """
        self.left_us -= price_us + later_us / SHARED_BY
        self._members_us += price_us
        self._uncharged[peer] = self._uncharged.get(peer, 0.0) + price_us + later_us

    def charge_waited(self, peer: Peer, host: str, price_us: float) -> None:
        """Work for a packet of a peer that waited with those of strangers: it is part of their share of the turns."""
        self.charge_stranger(host, price_us)
        self._uncharged[peer] = self._uncharged.get(peer, 0.0) + price_us

    def charge_packets(self, peer: Peer, count: int, live: int = 0) -> None:
        """So many packets go to a peer at once: history, or answers to much. So many of them are paid for by who said
        what they carry, and only fill the turn."""
        self.charge_peer(peer, PACKET_US * (count - live))
        self.left_us -= PACKET_US * live

    def charge_stranger(self, host: str, price_us: float) -> None:
        """Work for a packet that proves no key."""
        self.left_us -= price_us
        self._strangers_us += price_us
        self.strangers.charge(price_us, self.strangers.open(source_of(host)))
