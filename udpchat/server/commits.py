"""Proposals are settled in order, written in batches, and carried out once they are durable (SPEC 7.1).

There are two states: the *durable* one, and over it the *settled* one, which adds the entries being written. A failed
write clears the settled state. A proposal that settles without an entry waits for those before it, because its answer
may depend on them.
"""

from __future__ import annotations

from collections import deque

from udpchat.server.proposals import ActionProposal, Effect, Proposal, Settlement
from udpchat.server.settle import settle
from udpchat.server.state import State
from udpchat.sync.log import Append, LogReader


class Commits:
    """The proposals that are settled but not durable, in order."""

    def __init__(self, reader: LogReader) -> None:
        self.reader = reader
        self.durable = State(reader)
        self.durable.load()
        self.settled = State(reader, under=self.durable)
        self._pending: deque[Settlement] = deque()
        self._undrained: list[Append] = []
        self.pending_bytes = 0  # settled, and not durable yet; read often, changed only here
        self.is_unwritable = False  # whether the last write failed

    def propose(self, proposal: Proposal) -> tuple[Effect, ...]:
        """Settle a proposal. Returns its effects if nothing has to be written before them, else ()."""
        settlement = settle(self.settled, proposal)
        if not settlement.appends and not self._pending:
            return settlement.effects
        for append in settlement.appends:
            self.settled.apply(append.log, append.sequence, append.entry)
        self._pending.append(settlement)
        self.pending_bytes += settlement.size
        self._undrained += settlement.appends
        return ()

    def drain_appends(self) -> list[Append]:
        """The entries to write as one batch; then call `take_durable` or `rejected`."""
        appends, self._undrained = self._undrained, []
        return appends

    def take_durable(self, count: int) -> list[Settlement]:
        """The settlements that are durable because the `count` oldest drained appends are.

        The caller carries out and applies each in order, then calls `rebase`.
        """
        self.is_unwritable = False
        taken = []
        while self._pending and len(self._pending[0].appends) <= count:
            settlement = self._pending.popleft()
            count -= len(settlement.appends)
            self.pending_bytes -= settlement.size
            taken.append(settlement)
        assert not count, "a batch holds whole settlements"
        return taken

    def apply_durable(self, settlement: Settlement) -> None:
        for append in settlement.appends:
            self.durable.apply(append.log, append.sequence, append.entry)

    def rebase(self) -> None:
        """Rebuild the settled state from what is still pending, after `apply_durable`."""
        self.settled.clear()
        for settlement in self._pending:
            for append in settlement.appends:
                self.settled.apply(append.log, append.sequence, append.entry)
        self.durable.unpin_heads({append.log for settlement in self._pending for append in settlement.appends})

    def rejected(self) -> list[Proposal]:
        """A write failed: drop everything pending. Returns the dropped proposals, in order."""
        self.is_unwritable = True
        dropped = [settlement.proposal for settlement in self._pending]
        self._pending.clear()
        self.pending_bytes = 0
        self._undrained.clear()
        self.settled.clear()
        self.durable.unpin_heads(())
        return dropped

    def pending_of(self, client_id: bytes) -> list[int]:
        """The counters of a client's pending requests, in order."""
        proposals = [
            settlement.proposal for settlement in self._pending if settlement.proposal.author.client_id == client_id
        ]
        return [proposal.counter for proposal in proposals if isinstance(proposal, ActionProposal)]
