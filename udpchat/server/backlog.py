"""What all have asked for and is still to be done: written, sent, and taken in by those who read it (SPEC 6.7).

While that is as much as may be, requests wait, and who has used least is next. Who has no credit left finds room in a
quarter of it, and the more credit the more: many who come at once do not fill it before those who were here.
"""

from __future__ import annotations

from typing import Final

from udpchat.server.commits import Commits
from udpchat.server.credit import CREDIT_US, Balance, Ledger, most_used_us
from udpchat.server.fanout import Fanout
from udpchat.server.pace import Pace
from udpchat.server.quotas import WAIT_S_MIN
from udpchat.session.rate_limit import Rate, TokenBucket
from udpchat.wire.limits import PEERS_BEHIND_MAX, REACH_IN_ALL

KEPT_SHARE: Final = 0.75  # for who has credit


class Backlog:
    """Whether there is room for another request. `pace`: how much that is, and how long turns are."""

    __slots__ = ("_commits", "_fanout", "_ledger", "_reach", "pace")

    def __init__(self, commits: Commits, fanout: Fanout, ledger: Ledger) -> None:
        self.pace = Pace()
        self._commits = commits
        self._fanout = fanout
        self._ledger = ledger
        self._reach = TokenBucket(0.0, Rate(*REACH_IN_ALL))

    def begin_turn(self, now: float, *, strangers_wait: bool = False, waiting: int = 0) -> None:
        """Time has passed, in which others have read; something of so many senders waits."""
        self.pace.begin_turn(now, strangers_wait=strangers_wait, waiting=waiting)
        self._reach.fill(now)

    def reach(self, count: float) -> None:
        """A request reaches so many devices, as `Price.reached` counts them."""
        if self.pace.turns.is_reach_bounded:
            self._reach.left -= count

    @property
    def is_written_late(self) -> bool:
        """Whether so much is to be written that who has no credit waits."""
        return self._commits.pending_bytes >= (1.0 - KEPT_SHARE) * self.pace.turns.write_bytes_max

    def has_room_for(self, balances: tuple[Balance, ...]) -> bool:
        """Whether there is room for a request of a member with these balances."""
        turns = self.pace.turns  # the hot path: mostly there is room for everybody
        if (
            not turns.is_reach_bounded
            and not self._fanout.later
            and self._commits.pending_bytes < (1.0 - KEPT_SHARE) * turns.write_bytes_max
        ):
            return True
        return self.has_room(most_used_us(balances))

    def has_room(self, used_us: float) -> bool:
        """Whether there is room for a request of who has used so much."""
        kept = self._kept(used_us)
        share, turns = 1.0 - kept, self.pace.turns
        return (
            self._commits.pending_bytes < share * turns.write_bytes_max
            and len(self._fanout.later) < share * PEERS_BEHIND_MAX
            and (not turns.is_reach_bounded or self._reach.left > kept * self._reach.rate.burst)
        )

    def room_at(self, used_us: float) -> float | None:
        """When enough is read that there is room for who has used so much; None if there is, or no such bound."""
        if not self.pace.turns.is_reach_bounded:
            return None
        short = self._kept(used_us) * self._reach.rate.burst - self._reach.left
        return self._reach.filled_at + short / self._reach.rate.per_s + WAIT_S_MIN if short >= 0.0 else None

    def _kept(self, used_us: float) -> float:
        """The share that is kept for who has more credit."""
        credit_us = self._ledger.clock_us - used_us
        if credit_us <= 0.0:
            return KEPT_SHARE
        return KEPT_SHARE * (1.0 - credit_us / CREDIT_US) if credit_us < CREDIT_US else 0.0
