"""What the core asks of the program around it, beside writing: long reads, passwords, errands of operators (SPEC 6.8).

Each is drained as a value, carried out off the loop, and answered in a later mutation.
"""

from __future__ import annotations

from udpchat.server.chat import Chat
from udpchat.server.derivations import Derivation, Derived
from udpchat.server.errands import Errand, act_of
from udpchat.server.queries import Query
from udpchat.sync.log import LogUnreadable
from udpchat.wire.requests import ResultBody


class OffLoop:
    """The part of a core that gives this away and takes the results; `_flush` sends what they cause."""

    chat: Chat

    def _flush(self, now: float) -> None:
        raise NotImplementedError

    def drain_queries(self) -> list[Query]:
        """The long read to carry out next, by `history.read` and off the loop; then call `answered`. One at a time."""
        return self.chat.drain_queries()

    def answered(self, now: float, query: Query, result: ResultBody | LogUnreadable, took_s: float) -> None:
        """A drained query has this result, or what it reads is damaged."""
        self.chat.answered(now, query, result, took_s)
        self._flush(now)

    def drain_errands(self) -> list[Errand]:
        """What operators ask of the program; then call `reported` for each, in any order."""
        return self.chat.queries.errands.drain()

    def reported(self, now: float, errand: Errand, result: ResultBody) -> None:
        """A drained errand is done, or was begun: the answer to who asked. An act is recorded, if it can be written."""
        chat = self.chat
        peer = chat.queries.errands.on_done(chat.registry, errand, result)
        if peer is not None:
            chat.fanout.to_flush[peer] = None
        act = act_of(errand, result, chat.clock.time_ms(now))
        if act is not None and not chat.commits.is_unwritable:
            chat.propose(now, act)
        self._flush(now)

    def drain_derivations(self) -> list[Derivation]:
        """The password to verify or hash next, off the loop; then call `derived`. One at a time."""
        return self.chat.entrance.logins.drain()

    def derived(self, now: float, derivation: Derivation, derived: Derived | None, took_s: float) -> None:
        """A drained derivation has this result; None: this machine cannot compute it."""
        peer = self.chat.entrance.derived(now, derivation, derived, took_s)
        if peer is not None:
            self.chat.fanout.to_flush[peer] = None
        self._flush(now)
