"""From proposals to what is durable: settled in order, written in batches, carried out once written (SPEC 7.1).

Two states: the *durable* one, and over it what is *settled* and being written. A failed write drops the upper one, and
all is as the store has it. What settles without an entry waits for what was proposed before it: its answer may rest on
that.
"""

from __future__ import annotations

from collections import deque

from udpchat.server.settle import Effect, Proposal, Settlement, settle
from udpchat.server.state import State
from udpchat.sync.log import Append, LogReader


class Commits:
    """The proposals that are under way, in order."""

    def __init__(self, reader: LogReader) -> None:
        self.durable = State(reader)
        self.durable.load()
        self._settled = State(reader, under=self.durable)
        self._pending: deque[Settlement] = deque()
        self._undrained: list[Append] = []
        self.unwritable = ""  # why the log takes no entries at the moment, if it does not

    def propose(self, proposal: Proposal) -> tuple[Effect, ...]:
        """Settle a proposal; the effects that can be carried out at once, for nothing is to be written."""
        settlement = settle(self._settled, proposal)
        if not settlement.appends and not self._pending:
            return settlement.effects
        for append in settlement.appends:
            self.durable.pin_head(append.log)
        self._apply(settlement)
        self._pending.append(settlement)
        self._undrained += settlement.appends
        return ()

    def _apply(self, settlement: Settlement) -> None:
        for append in settlement.appends:
            self._settled.apply(append.log, append.sequence, append.entry)

    def drain_appends(self) -> list[Append]:
        """What is to be written as one batch, to be answered by `persisted` or `rejected`."""
        appends, self._undrained = self._undrained, []
        return appends

    def take_durable(self, count: int) -> list[Settlement]:
        """What is durable with the `count` oldest appends that were drained.

        The caller carries out and applies one after the other, then calls `rebase`.
        """
        self.unwritable = ""
        taken = []
        while self._pending and len(self._pending[0].appends) <= count:
            settlement = self._pending.popleft()
            count -= len(settlement.appends)
            taken.append(settlement)
        assert not count, "a batch holds whole settlements"
        return taken

    def apply_durable(self, settlement: Settlement) -> None:
        """Its entries are part of the durable state from here on."""
        for append in settlement.appends:
            self.durable.apply(append.log, append.sequence, append.entry)

    def rebase(self) -> None:
        """What was taken is applied: only what is still being written lies over the durable state."""
        self._settled.clear()
        for settlement in self._pending:
            self._apply(settlement)
        self.durable.unpin_heads({append.log for settlement in self._pending for append in settlement.appends})

    def rejected(self, reason: str) -> list[Proposal]:
        """Nothing that is under way was written: the proposals that are dropped, in order."""
        self.unwritable = reason
        dropped = [settlement.proposal for settlement in self._pending]
        self._pending.clear()
        self._undrained.clear()
        self._settled.clear()
        self.durable.unpin_heads(())
        return dropped

    def pending_of(self, client_id: bytes) -> list[int]:
        """The counters of the requests of a client that are under way, in order."""
        proposals = [settlement.proposal for settlement in self._pending]
        return [
            proposal.counter for proposal in proposals if proposal.author.client_id == client_id and proposal.counter
        ]
