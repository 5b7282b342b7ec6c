"""Running a server: its key, log, sockets, driver and signals, from the start to the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from udpchat import __version__
from udpchat.chat import events
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.derivations import Derivation, Derived
from udpchat.server.errands import Errand
from udpchat.server.queries import Query
from udpchat.server.status import status_of
from udpchat.server.usage import usage_of
from udpchat.session.noise import fingerprint
from udpchat.shell import duties
from udpchat.shell.binding import AddressWatch, open_sockets
from udpchat.shell.checkpoints import ThreadCheckpoints
from udpchat.shell.data_folder import open_folder, operator_key, server_key
from udpchat.shell.deriving import ThreadDeriver
from udpchat.shell.disk_space import DiskSpace, GuardedWrite
from udpchat.shell.erasing import Eraser
from udpchat.shell.hearing import Hearing
from udpchat.shell.interfaces import hosts_to_name, is_loopback
from udpchat.shell.logging_setup import change_lines, configure
from udpchat.shell.memory import resident_bytes
from udpchat.shell.net import mdns
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint
from udpchat.shell.opening import open_log
from udpchat.shell.operating.address_file import own_address, remove_address
from udpchat.shell.operator_log import OperatorLog
from udpchat.shell.options import ServerOptions
from udpchat.shell.reader import QueryResult, ThreadReader
from udpchat.shell.ready import say_ready
from udpchat.shell.reloading import Reloaded, Reread, Unreadable, differences, taken_over
from udpchat.shell.retention import Pruner
from udpchat.shell.signals import STOPPING, Signals
from udpchat.shell.snapshot import Snapshot, snapshot_of
from udpchat.shell.supervision import Supervision
from udpchat.shell.write_times import TimedWrite
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.directory_compaction import compact
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreError, StoreFull
from udpchat.sync.log import Append
from udpchat.wire.fields import Value

WRITING_S_MAX: Final = 1.2  # at the end: what is being written
FAREWELL_S_MAX: Final = 0.2  # and what is being sent
GOODBYE_AGAIN_S: Final = 0.05  # a goodbye may be lost; whoever misses both notices the silence

SWITCH_INTERVAL_S: Final = 0.000005
GC_THRESHOLDS: Final = (1_000, 4, 1_000_000)  # objects, young collections, collections of the middle: never a full one

_logger = logging.getLogger("udpchat.server")


def run(options: ServerOptions, reread: Reread | None = None) -> int:
    """Serve until told to stop; the exit code. Raises DataUnusable, EndpointError, LogUnusable or StoreError if it
    cannot start.

    `reread` reads the options again, for a server that is to reload them; None: they hold until the end.
    """
    configure(options.log)
    _tune_interpreter()
    loop = asyncio.SelectorEventLoop()  # on Windows the other loop goes deaf when a client dies (cpython#127057)
    try:
        return loop.run_until_complete(Service(loop, options, reread).run())
    finally:
        loop.close()


def _tune_interpreter() -> None:
    """Let nothing stop the loop for long."""
    # The thread that writes takes the interpreter a dozen times for each batch, and each time waits so long while the
    # loop has work. With the usual 5 ms, that was most of the latency of a line on a busy server.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # A full collection of cycles took 0.2 s with 1,500 peers, and found none: a core makes none (a test shows that).
    gc.set_threshold(*GC_THRESHOLDS)


def settings_of(options: ServerOptions, host: bytes, port: int) -> Settings:
    """What the core has to know of the options; `host`: the key of the operator; `port`: that of the sockets."""
    return Settings(
        name=options.name,
        motd=options.motd,
        heartbeat_s=options.presence.heartbeat_s,
        expiry_s=options.presence.expiry_s,
        kept_s=options.retention.kept_s,
        kept_entries=options.retention.kept_entries,
        is_closed=options.accounts.is_closed,
        nick_kept_s=options.accounts.nick_kept_s,
        port=port,
        is_discoverable=options.is_discoverable,
        host=host,
    )


class _Storage(Value, frozen=True):
    """The log, the threads that use it beside the loop's own, the room for it, and how long writing takes."""

    log: SqliteLog
    writer: ThreadWriter[Append]
    reader: ThreadReader
    eraser: Eraser
    deriver: ThreadDeriver
    checkpoints: ThreadCheckpoints
    space: DiskSpace
    timed: TimedWrite[Append]

    async def idle(self) -> None:
        """Return once neither does."""
        await self.writer.idle()
        await self.reader.idle()
        await self.checkpoints.idle()


class Service:
    """One running server. Raises DataUnusable, StoreError or EndpointError if it cannot start."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: ServerOptions, reread: Reread | None = None
    ) -> None:
        self._loop = loop
        self._options = options
        self._reread = reread
        with contextlib.ExitStack() as undo:
            folder = open_folder(options.data)
            self._key = server_key(folder)
            log = open_log(folder, options.durability)
            undo.callback(log.close)
            remove_address(folder)  # of a server that was killed
            self._endpoint = UdpEndpoint(loop, *open_sockets(options.bind, options.port))
            undo.callback(self._endpoint.close)
            settings = settings_of(options, operator_key(folder).public, self._endpoint.address.port)
            self._server = ServerCore(static=self._key, log=log, random=os.urandom, settings=settings)
            self._supervision = Supervision(
                loop, metrics=options.metrics, take=self._snapshot, on_minute=self._on_minute
            )
            undo.callback(self._supervision.stop)
            space = DiskSpace(options.data)
            if not space.is_short:
                with contextlib.suppress(StoreFull):
                    compact(log, self._server.chat.commits.durable, int(time.time() * 1000))
            undo.pop_all()
        self._operator_log = OperatorLog(loop.time(), options)
        self._storage = self._storage_of(log, space)
        self._driver: Driver[Append, events.ServerEvent] = Driver(
            loop,
            self._server,
            endpoint=self._endpoint,
            writer=self._storage.writer,
            on_events=self._on_events,
            before=self._set_wall_clock,
        )
        self._pruner = Pruner(
            loop,
            log,
            writer=self._storage.writer,
            retention=options.retention,
            on_pruned=lambda log: self._driver.call(self._server.on_pruned, log),
            kept_s_of=lambda room: self._server.chat.commits.durable.order.modes(room).kept_s,
        )
        self._ended: asyncio.Future[None] = loop.create_future()

    def _storage_of(self, log: SqliteLog, space: DiskSpace) -> _Storage:
        reader = ThreadReader(self._loop, log.queries, on_answered=self._on_answered, on_ready=self._start_queries)
        timed = TimedWrite(GuardedWrite(space, log.append))
        writer = ThreadWriter[Append](self._loop, timed)
        eraser = Eraser(
            self._options.data,
            log,
            writer=writer,
            accounts=self._server.chat.commits.durable.accounts.erased,
            on_removed=lambda log, sequence: self._driver.call(self._server.on_removed, log, sequence),
            on_forgotten=self._operator_log.reopen,
            log_file=self._options.log.file,
        )
        deriver = ThreadDeriver(self._loop, self._server.drain_derivations, self._on_derived)
        return _Storage(log, writer, reader, eraser, deriver, ThreadCheckpoints(self._loop, log), space, timed)

    def _set_wall_clock(self, now: float) -> None:
        self._server.set_wall_clock(time.time() - now)

    def _on_events(self, now: float, happened: Sequence[events.ServerEvent]) -> None:
        """After each drain of the core: report, and start what is to be read."""
        self._operator_log.report_events(now, happened)
        for event in happened:
            if isinstance(event, events.AccountErased):
                self._storage.eraser.add_nicks(event.nicks)
        self._start_queries()
        self._storage.deriver.start()
        self._storage.checkpoints.start()
        for errand in self._server.drain_errands():  # after this drain: what one causes is another
            self._loop.call_soon(self._carry_out, errand)

    def _start_queries(self) -> None:
        for query in self._server.drain_queries() if self._storage.reader.is_ready else ():
            self._storage.reader.submit(query)

    def _on_answered(self, query: Query, result: QueryResult, took_s: float) -> None:
        self._driver.call(self._server.answered, query, result, took_s)

    def _on_derived(self, derivation: Derivation, derived: Derived | None, took_s: float) -> None:
        self._driver.call(self._server.derived, derivation, derived, took_s)

    # --- Running ----------

    async def run(self) -> int:
        """Serve until a signal says to stop; the exit code."""
        signals = Signals(self._loop, self._on_signal, exit_at_once=lambda number: 1)
        watch = AddressWatch(self._loop, self._endpoint, self._options.bind)
        hearing = Hearing(self._loop, self._endpoint, self._driver.receive)
        leave_mdns = self._announce()
        try:
            signals.take(*STOPPING)
            if hasattr(signal, "SIGHUP"):
                signals.take(signal.SIGHUP)
            self._loop.set_exception_handler(self._on_exception)
            self._operator_log.report_start()
            self._driver.start()
            self._endpoint.listen(self._driver.receive)
            watch.start()
            hearing.start()
            self._pruner.start()
            self._storage.eraser.start()  # what an earlier run has left
            say_ready(self._options, self._endpoint, fingerprint(self._key.public))
            self._supervision.start()
            try:
                await self._ended
            except Exception as error:
                _logger.error("internal error, stopping: %s: %s", type(error).__name__, error, exc_info=error)
                with contextlib.suppress(Exception):  # what is broken may be in the way
                    await self._stop()
                return 1
            return 0 if await self._stop() else 1
        finally:
            leave_mdns()
            hearing.close()
            watch.close()
            signals.close()

    def _announce(self) -> Callable[[], None]:
        """Announce this server by mDNS, if others reach it; until the function returned is called."""
        options = self._options
        hosts = [host for host in hosts_to_name(options.bind) if options.is_discoverable and not is_loopback(host)]
        return mdns.announce(options.name, hosts, self._endpoint.address.port, fingerprint(self._key.public))

    def _on_signal(self, number: int) -> None:
        name = signal.Signals(number).name
        if number in STOPPING:
            return self._end(name)
        self._operator_log.reopen()
        self._reload(name)
        space = self._storage.space
        space.measure()
        self._operator_log.report_usage(usage_of(self._server.chat), space.free_bytes)

    def _end(self, cause: str) -> None:
        if not self._ended.done():
            host, peers = self._server.settings.host, self._server.chat.registry
            clients = sum(peer.nick is not None and peer.key != host for peer in peers)
            self._operator_log.report_stopping(cause, clients)
            self._ended.set_result(None)

    def _snapshot(self) -> Snapshot:
        space, trouble = self._storage.space, self._operator_log.trouble
        space.measure()
        return snapshot_of(
            self._server,
            self._endpoint,
            uptime_s=self._operator_log.uptime_s(self._loop.time()),
            trouble=trouble or space.shortage,
            writes=self._storage.timed.times,
            disk_free_bytes=space.free_bytes,
        )

    # --- Operators ----------

    def _carry_out(self, errand: Errand) -> None:
        able = duties.Duties(self._status, self._reload, self._end, self._storage.eraser.start)
        duties.carry_out(able, errand, lambda report: self._driver.call(self._server.reported, errand, report))

    def _status(self) -> dict[str, duties.Reported]:
        endpoint, taken = self._endpoint, self._snapshot()
        free_bytes = taken.disk_free_bytes
        return {
            "version": __version__,
            "name": self._options.name,
            "server": own_address(endpoint.hosts, endpoint.address.port, "").url,
            "fingerprint": fingerprint(self._key.public),
            "process": os.getpid(),
            "uptime_s": int(taken.uptime_s),
            "memory_bytes": resident_bytes(),
            **({"free_bytes": int(free_bytes)} if free_bytes < float("inf") else {}),
            "probes": self._server.probes_answered,
            **status_of(self._server.chat, taken.drops),
        }

    def _reload(self, cause: str) -> Reloaded:
        """Read the config again, and take over what can change while the server runs."""
        return self._supervision.reload(lambda: self._take_over(cause))

    def _take_over(self, cause: str) -> Reloaded:
        if self._reread is None:
            return Reloaded()
        try:
            chosen = self._reread()
        except Unreadable as error:
            done = Reloaded(problem=str(error))
        else:
            done = differences(self._options, chosen)
            self._options = options = taken_over(self._options, chosen)
            change_lines(options.log)
            former = self._server.settings
            self._server.chat.change_settings(settings_of(options, former.host, former.port))
            self._pruner.keep(options.retention)
        self._operator_log.report_reloaded(cause, done)
        return done

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A callback raised, which is our fault: stop, because the state may be wrong; a restart reads the log."""
        error = context.get("exception")
        if not self._ended.done():
            found = error if isinstance(error, Exception) else RuntimeError(str(context.get("message")))
            self._ended.set_exception(found)

    async def _stop(self) -> bool:
        """Write what is settled, send Goodbyes, make all durable. False if that took too long."""
        self._endpoint.stop_listening()
        self._supervision.stop()
        remove_address(self._options.data)
        self._pruner.close()
        self._storage.eraser.close()
        self._storage.reader.close()
        self._storage.deriver.close()
        self._storage.checkpoints.close()
        self._driver.call(self._server.finish)
        is_durable = await _within(WRITING_S_MAX, self._storage.idle())
        for pause_s in (GOODBYE_AGAIN_S, 0.0):
            self._driver.call(self._server.stop)
            await asyncio.sleep(pause_s)
        self._driver.end()
        await _within(FAREWELL_S_MAX, self._endpoint.drained())
        self._endpoint.close()
        self._storage.writer.close()
        self._report_drops()
        self._operator_log.close()
        if not is_durable:
            _logger.error("the disk did not take everything in time; nothing that was confirmed is lost")
            return False
        try:
            self._storage.log.close()
        except StoreError as error:
            _logger.error("the log could not be closed: %s", error)
            return False
        self._operator_log.report_stopped(self._loop.time())
        return True

    def _on_minute(self) -> None:
        self._server.chat.set_disk_room(self._storage.space.room_bytes)
        self._report_drops()

    def _report_drops(self) -> None:
        self._operator_log.report_drops(self._server.counters + self._endpoint.counters)


async def _within(limit_s: float, awaited: Awaitable[None]) -> bool:
    """Whether it was finished in time."""
    try:
        await asyncio.wait_for(awaited, limit_s)
    except TimeoutError:
        return False
    return True
