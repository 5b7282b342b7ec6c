"""An operator's dialogue with a server that does not run: its core and the operator's client in this process.

A pipe takes the place of the network, and a clock that moves to what is due next the place of waiting. The log is
opened as a server opens it, so none can start meanwhile.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Final, Generic, TypeVar

from udpchat.chat.events import AccountErased
from udpchat.client.operator_dialogues import Dialogue
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.errands import Errand
from udpchat.session.noise import KeyPair
from udpchat.session.timers import earliest
from udpchat.shell.duties import report_of
from udpchat.shell.erasing import erase_at_once
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.operating.address_file import remove_address
from udpchat.shell.operating.operator_client import OperatorClient, OperatorKeys
from udpchat.shell.progress import progress_of
from udpchat.shell.reader import read
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.wire.packets import Address
from udpchat.wire.requests import ERASURE, Failed, Report

T = TypeVar("T")
SERVER: Final = Address("127.0.0.1", 1)
OPERATOR: Final = Address("127.0.0.1", 2)
BEGAN_S: Final = 1_000.0
STEP_S: Final = 0.001
STEPS_MAX: Final = 10_000_000  # of a pipe that gets nowhere, which would be our fault


def hold(folder: Path, server: KeyPair, operator: KeyPair, dialogue: Dialogue[T]) -> T:
    """What the dialogue returns. Raises what it raises, and `StoreError`; `StoreInUse` before anything is asked."""
    with progress_of("upgrading the log") as progress:
        log = SqliteLog(folder / LOG_FILE, progress=progress)
    with closing(log):
        remove_address(folder)  # of a server that was killed
        return Pipe(folder, log, server, operator, dialogue).run()


class Pipe(Generic[T]):
    """Server and operator, and a clock of their own. It runs until the dialogue is over."""

    def __init__(
        self, folder: Path, log: SqliteLog, server: KeyPair, operator: KeyPair, dialogue: Dialogue[T]
    ) -> None:
        self._now = BEGAN_S
        self._folder = folder
        self._nicks: tuple[str, ...] = ()  # of accounts that were erased
        self._log = log
        settings = Settings(host=operator.public)
        self._server = ServerCore(static=server, log=log, random=os.urandom, settings=settings)
        self._client = OperatorClient(self._now, OperatorKeys(operator, server.public), SERVER, dialogue)

    def run(self) -> T:
        """What the dialogue returns. Raises what it raises, and `StoreError`."""
        for _ in range(STEPS_MAX):
            if self._client.is_done:
                return self._client.outcome()
            if not self._exchange():
                self._wait()
        raise AssertionError("the server and its operator got nowhere")

    def _exchange(self) -> bool:
        """Let both do what they can now; False if nothing moved."""
        server, core, now = self._server, self._client.core, self._now
        server.set_wall_clock(time.time() - now)
        up = [(datagram, OPERATOR) for datagram, _ in core.drain_transmits()]
        down = [(datagram, SERVER) for datagram, _ in server.drain_transmits()]
        if up:
            server.receive(now, up)
        if down:
            core.receive(now, down)
        return any((up, down, self._serve(now), self._write(now)))

    def _serve(self, now: float) -> bool:
        """What the server asks of the program around it."""
        server = self._server
        appends, queries, errands = server.drain_writes(), server.drain_queries(), server.drain_errands()
        if appends:
            self._log.append(appends)
            server.persisted(now, len(appends))
        for query in queries:
            self._log.queries.begin()
            server.answered(now, query, read(self._log.queries, query), 0.0)
        for errand in errands:
            server.reported(now, errand, self._carry_out(errand))
        for event in server.drain_events():
            if isinstance(event, AccountErased):
                self._nicks += event.nicks
        for derivation in server.drain_derivations():  # nobody enters with a password here
            server.derived(now, derivation, None, 0.0)
        return bool(appends or queries or errands)

    def _carry_out(self, errand: Errand) -> Report | Failed:
        """Erase; all else is for a program that runs."""
        if errand.kind != ERASURE:
            return Failed("malformed")
        accounts = self._server.chat.commits.durable.accounts.erased()
        return report_of(erase_at_once(self._folder, self._log, accounts, self._nicks))

    def _write(self, now: float) -> bool:
        """The operator keeps nothing: what is to be written counts as written."""
        core = self._client.core
        writes = core.drain_writes()
        if writes:
            core.persisted(now, len(writes))
        happened = core.drain_events()
        self._client.on_events(now, happened)
        return bool(writes or happened)

    def _wait(self) -> None:
        """Until something is due."""
        server, core = self._server, self._client.core
        due = earliest(server.next_timeout(), core.next_timeout())
        assert due is not None, "a client always waits for something"
        self._now = max(self._now + STEP_S, due)
        for each in (server, core):
            each.handle_timeout(self._now)
