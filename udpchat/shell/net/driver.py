"""The driver: the one loop that gives a core its inputs, and carries out what it drains.

One mutation (a batch of datagrams is one), then drain: writes to the writer, datagrams to the endpoint, events to
whoever listens, and one timer armed. Server and client have the same verbs, so this drives either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from udpchat.shell.net.endpoint import Endpoint
from udpchat.shell.writer import Writer, Written
from udpchat.wire.packets import Address

TIMER_STEP_S: Final = 0.0005  # a core that is always due must not starve the socket
TIMER_SLACK_S: Final = 0.0002  # the loop's own timers are good for a millisecond

W = TypeVar("W")
W_co = TypeVar("W_co", covariant=True)
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Core(Protocol[W_co, E_co]):
    """The interface of server and client. `now` is in seconds, monotonic."""

    def receive(self, now: float, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """Datagrams have arrived; and time has passed."""

    def handle_timeout(self, now: float) -> None:
        """Time has passed."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None: never."""

    def drain_writes(self) -> Sequence[W_co]:
        """Writes, as one batch; then call `persisted` or `rejected`."""

    def persisted(self, now: float, count: int) -> None:
        """The `count` oldest drained writes are durable."""

    def rejected(self, now: float, reason: str) -> None:
        """No drained write that is not durable was written."""

    def drain_transmits(self) -> list[tuple[bytes, Address]]:
        """Datagrams to be sent."""

    def drain_events(self) -> Sequence[E_co]:
        """Events, in order."""


class Driver(Generic[W, E]):
    """Drives `core`. `before` is called with the time ahead of every mutation; `on_events` with the time and what
    happened after every drain, also if that is nothing.

    `on_events` may call the core's verbs, or `call`: what they cause is drained before anything else happens.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        core: Core[W, E],
        *,
        endpoint: Endpoint,
        writer: Writer[W],
        on_events: Callable[[float, Sequence[E]], None],
        before: Callable[[float], None] = lambda now: None,
    ) -> None:
        self._loop = loop
        self._core = core
        self._endpoint = endpoint
        self._writer = writer
        self._on_events = on_events
        self._before = before
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")
        self._is_draining = False
        self._is_ended = False
        writer.on_outcome(self._on_outcome)

    # --- Mutations ----------

    def receive(self, datagrams: list[tuple[bytes, Address]]) -> None:
        """A batch from the endpoint. The core does what is due too, so a timer that the loop is about to run with it is
        armed anew: what else comes waits for one turn of the core, not for two."""
        now = self._loop.time()
        self._before(now)
        self._core.receive(now, datagrams)
        if self._armed_for <= now:
            self._disarm()
        self._drain(now)

    def call(self, verb: Callable[..., Any], *arguments: Any) -> None:
        """`verb(now, *arguments)`, a verb of the core or something that calls them; raises what it raises."""
        now = self._loop.time()
        self._before(now)
        try:
            verb(now, *arguments)
        finally:
            self._drain(now)

    def start(self) -> None:
        """Drain the core for the first time."""
        self._drain(self._loop.time())

    def end(self) -> None:
        """Stop driving; the core is not changed any more."""
        self._is_ended = True
        self._disarm()

    def _on_outcome(self) -> None:
        self._drain(self._loop.time())

    def _on_timer(self) -> None:
        self._disarm()
        now = self._loop.time()
        due = self._core.next_timeout()
        if due is None:
            return
        if due > now:  # it has moved since
            return self._arm(due)
        self._before(now)
        self._core.handle_timeout(now)
        self._drain(now, no_sooner=now + TIMER_STEP_S)

    # --- Draining ----------

    def _drain(self, now: float, *, no_sooner: float = 0.0) -> None:
        if self._is_draining or self._is_ended:
            return
        self._is_draining = True
        is_told = False
        try:
            while True:
                self._drain_writes(now)
                transmits = self._core.drain_transmits()
                if transmits:
                    self._endpoint.send(transmits)
                happened = self._core.drain_events()
                if is_told and not happened:
                    break
                self._on_events(now, happened)
                is_told = True
        finally:
            self._is_draining = False
        due = self._core.next_timeout()
        # A timer that is too early costs one look when it fires; to move it for each packet would cost more.
        if due is not None and due < self._armed_for - TIMER_SLACK_S and not self._is_ended:
            self._arm(max(due, no_sooner))

    def _drain_writes(self, now: float) -> None:
        core, writer = self._core, self._writer
        while True:
            writes = core.drain_writes()
            if writes:
                writer.submit(writes)
            outcome = writer.take_outcome()
            if outcome is None:
                return
            if isinstance(outcome, Written):
                core.persisted(now, outcome.count)
            else:
                core.rejected(now, outcome.reason)

    def _arm(self, due: float) -> None:
        self._disarm()
        self._armed_for = due
        self._timer = self._loop.call_at(due, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed_for = None, float("inf")
