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
from collections.abc import Awaitable, Sequence
from typing import Final

from udpchat.chat import events
from udpchat.server.admission import Settings
from udpchat.server.core import ServerCore
from udpchat.server.queries import Query
from udpchat.server.usage import usage_of
from udpchat.session.noise import fingerprint
from udpchat.shell.addresses import SCHEME, place
from udpchat.shell.binding import AddressWatch, covered, open_sockets
from udpchat.shell.data_folder import open_folder, server_key
from udpchat.shell.disk_space import DiskSpace, GuardedWrite
from udpchat.shell.interfaces import hosts_to_name, is_loopback
from udpchat.shell.logs import configure
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint
from udpchat.shell.operations import LOG_FILE
from udpchat.shell.operator_log import OperatorLog
from udpchat.shell.options import ServerOptions
from udpchat.shell.progress import progress_of
from udpchat.shell.reader import QueryResult, ThreadReader
from udpchat.shell.retention import Pruner
from udpchat.shell.signals import STOPPING, Signals
from udpchat.shell.snapshot import Snapshot, snapshot_of
from udpchat.shell.stdio import OutputFailed, abandon_output, writing_to
from udpchat.shell.supervision import Supervision
from udpchat.shell.write_times import TimedWrite
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.directory import compact
from udpchat.storage.protocol import StoreError, StoreFull
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.sync.log import Append
from udpchat.wire.fields import Value

WRITING_S_MAX: Final = 1.2  # at the end: what is being written
FAREWELL_S_MAX: Final = 0.2  # and what is being sent
GOODBYE_AGAIN_S: Final = 0.05  # a goodbye may be lost; whoever misses both notices the silence

SWITCH_INTERVAL_S: Final = 0.0001
GC_THRESHOLDS: Final = (5_000, 4, 1_000_000)  # objects, young collections, collections of the middle: never a full one

_logger = logging.getLogger("udpchat.server")


def run(options: ServerOptions) -> int:
    """Serve until told to stop; the exit code. Raises DataUnusable, EndpointError, LogUnusable or StoreError if it
    cannot start.
    """
    configure(options.log)
    _tune_interpreter()
    loop = asyncio.SelectorEventLoop()  # on Windows the other loop goes deaf when a client dies (cpython#127057)
    try:
        return loop.run_until_complete(Service(loop, options).run())
    finally:
        loop.close()


def _tune_interpreter() -> None:
    """Let nothing stop the loop for long."""
    # The thread that writes takes the interpreter a dozen times for each batch, and each time waits so long while the
    # loop has work. With the usual 5 ms, that was most of the latency of a line on a busy server.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # A full collection of cycles took 0.2 s with 1,500 peers, and found none: a core makes none (a test shows that).
    gc.set_threshold(*GC_THRESHOLDS)


class _LogThreads(Value, frozen=True):
    """The threads that use the log beside the loop's own, how long writing takes, and the room that there is for it."""

    writer: ThreadWriter[Append]
    reader: ThreadReader
    space: DiskSpace
    timed: TimedWrite[Append]

    async def idle(self) -> None:
        """Return once neither does."""
        await self.writer.idle()
        await self.reader.idle()


class Service:
    """One running server. Raises DataUnusable, StoreError or EndpointError if it cannot start."""

    def __init__(self, loop: asyncio.AbstractEventLoop, options: ServerOptions) -> None:
        self._loop = loop
        self._options = options
        with contextlib.ExitStack() as undo:
            folder = open_folder(options.data)
            key = server_key(folder)
            with progress_of("upgrading the log") as progress:
                self._log = SqliteLog(folder / LOG_FILE, durability=options.durability, progress=progress)
            undo.callback(self._log.close)
            self._endpoint = UdpEndpoint(loop, *open_sockets(options.bind, options.port))
            undo.callback(self._endpoint.close)
            self._supervision = Supervision(
                loop, metrics=options.metrics, take=self._snapshot, on_minute=self._on_minute
            )
            undo.callback(self._supervision.stop)
            settings = Settings(
                name=options.name,
                heartbeat_s=options.presence.heartbeat_s,
                expiry_s=options.presence.expiry_s,
                kept_s=options.retention.kept_s,
                kept_entries=options.retention.kept_entries,
            )
            self._server = ServerCore(static=key, log=self._log, random=os.urandom, settings=settings)
            space = DiskSpace(options.data)
            if not space.is_short:
                with contextlib.suppress(StoreFull):
                    compact(self._log, self._server.chat.commits.durable)
            undo.pop_all()
        self._fingerprint = fingerprint(key.public)
        self._operator_log = OperatorLog(loop.time(), options)
        reader = ThreadReader(loop, self._log.queries, on_answered=self._on_answered, on_ready=self._start_queries)
        timed = TimedWrite(GuardedWrite(space, self._log.append))
        self._threads = _LogThreads(ThreadWriter[Append](loop, timed), reader, space, timed)
        self._driver: Driver[Append, events.ServerEvent] = Driver(
            loop,
            self._server,
            endpoint=self._endpoint,
            writer=self._threads.writer,
            on_events=self._on_events,
            before=self._set_wall_clock,
        )
        self._pruner = Pruner(
            loop,
            self._log,
            writer=self._threads.writer,
            retention=options.retention,
            on_pruned=lambda log: self._driver.call(self._server.on_pruned, log),
        )
        self._ended: asyncio.Future[None] = loop.create_future()

    def _set_wall_clock(self, now: float) -> None:
        self._server.set_wall_clock(time.time() - now)

    def _on_events(self, now: float, happened: Sequence[events.ServerEvent]) -> None:
        """After each drain of the core: report, and start what is to be read."""
        self._operator_log.report_events(now, happened)
        self._start_queries()

    def _start_queries(self) -> None:
        for query in self._server.drain_queries() if self._threads.reader.is_ready else ():
            self._threads.reader.submit(query)

    def _on_answered(self, query: Query, result: QueryResult, took_s: float) -> None:
        self._driver.call(self._server.answered, query, result, took_s)

    # --- Running ----------

    async def run(self) -> int:
        """Serve until a signal says to stop; the exit code."""
        signals = Signals(self._loop, self._on_signal, exit_at_once=lambda number: 1)
        watch = AddressWatch(self._loop, self._endpoint, self._options.bind)
        try:
            signals.take(*STOPPING)
            if hasattr(signal, "SIGHUP"):
                signals.take(signal.SIGHUP)
            self._loop.set_exception_handler(self._on_exception)
            self._operator_log.report_start()
            self._driver.start()
            self._endpoint.listen(self._driver.receive)
            watch.start()
            self._pruner.start()
            self._say_ready()
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
            watch.close()
            signals.close()

    def _say_ready(self) -> None:
        port, bind = self._endpoint.address.port, self._options.bind
        hosts = hosts_to_name(bind)
        urls = [f"{SCHEME}{place(host, port)}#{self._fingerprint}" for host in hosts]
        try:
            writing_to(sys.stdout)(f"ready {urls[0]}\n")
        except (BrokenPipeError, OutputFailed) as error:  # nobody reads where it serves: those who know find it
            _logger.warning("the line with the address could not be written: %s", error)
            abandon_output()
        surplus = covered(bind)
        if surplus:
            wildcard = "::" if "::" in bind else "0.0.0.0"
            _logger.info("--bind %s adds nothing: %s serves all of them", ", ".join(surplus), wildcard)
        serving = ", ".join(place(host, port) for host in self._endpoint.hosts)
        reach = "; only this machine reaches it" if is_loopback(hosts[0]) else ""
        _logger.info("serving on %s, data in %s%s", serving, self._options.data, reach)
        if not reach:
            hint = "; what follows the % is the interface, and theirs has another name" if "%" in hosts[0] else ""
            _logger.info("others reach it at %s%s", ", ".join(urls), hint)

    def _on_signal(self, number: int) -> None:
        if number not in STOPPING:
            self._supervision.reload(self._reload)
        elif not self._ended.done():
            self._operator_log.report_stopping(number, clients=len(self._server.chat.registry))
            self._ended.set_result(None)

    def _reload(self) -> None:
        self._operator_log.reopen()
        space = self._threads.space
        space.measure()
        self._operator_log.report_usage(usage_of(self._server.chat), space.free_bytes)

    def _snapshot(self) -> Snapshot:
        """What is so now, and for people: why messages are refused, if they are."""
        space = self._threads.space
        space.measure()
        short = f"less than {space.floor_bytes >> 20} MiB are free on the disk" if space.is_short else ""
        return snapshot_of(
            self._server,
            self._endpoint,
            uptime_s=self._operator_log.uptime_s(self._loop.time()),
            trouble=self._operator_log.trouble or short,
            writes=self._threads.timed.times,
            disk_free_bytes=space.free_bytes,
        )

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
        self._pruner.close()
        self._threads.reader.close()
        self._driver.call(self._server.finish)
        is_durable = await _within(WRITING_S_MAX, self._threads.idle())
        for pause_s in (GOODBYE_AGAIN_S, 0.0):
            self._driver.call(self._server.stop)
            await asyncio.sleep(pause_s)
        self._driver.end()
        await _within(FAREWELL_S_MAX, self._endpoint.drained())
        self._endpoint.close()
        self._threads.writer.close()
        self._report_drops()
        self._operator_log.close()
        if not is_durable:
            _logger.error("the disk did not take everything in time; nothing that was confirmed is lost")
            return False
        try:
            self._log.close()
        except StoreError as error:
            _logger.error("the log could not be closed: %s", error)
            return False
        self._operator_log.report_stopped(self._loop.time())
        return True

    def _on_minute(self) -> None:
        self._server.chat.set_disk_room(self._threads.space.room_bytes)
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
