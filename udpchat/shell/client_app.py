"""Running a client: find the server, open the store of this nick, drive the core, and return the exit code.

What is printed, and what a typed line means, is decided by an `UserInterface`; this file gives it lines and events.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from udpchat import __version__
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.client.core import ClientCore
from udpchat.client.login import Login
from udpchat.client.profile import Profile
from udpchat.client.stored import Write
from udpchat.shell.activity_log import ActivityLog
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import ClientFolder, remembered, restore, write_contiguous
from udpchat.shell.data_folder import DataUnusable, KnownServers, last_server
from udpchat.shell.ending import ProgramEnd
from udpchat.shell.following import Following
from udpchat.shell.line_reader import LineSource
from udpchat.shell.net.discovery import LOOPBACKS
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.net.server_choice import REPORTED_AFTER_S, Choose, Found, find, until_back
from udpchat.shell.options import DEFAULT_ROOM
from udpchat.shell.outbox import discard
from udpchat.shell.pinning import Pinning
from udpchat.shell.progress import SyncProgress
from udpchat.shell.writer import DirectWriter, ThreadWriter, Writer
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import ClientStore, StoreError
from udpchat.wire.fields import Value
from udpchat.wire.limits import DEFAULT_PORT, GROUPS, ORDER, TYPING

ENTERING_S_MAX: Final = 30.0  # from the first answer of the server until it lets the client in
GOODBYE_S_MAX: Final = 0.7
WRITING_S_MAX: Final = 1.0  # at the end, for writes that are under way
UNCONFIRMED_MAX: Final = 256  # messages: at this number no more input is read, so that a long pipe needs little memory

LET_IN: Final = events.Connected | events.PasswordNeeded

Say = Callable[[Phrase], object]  # prints one line outside of the chat
Call = Callable[..., None]  # `call(verb, *arguments)`: a verb of the core, and then what it causes is sent and reported
Watch = Callable[[Sequence[events.ClientEvent]], None]  # called after each drain of the core, also with no events


class UserInterface(Protocol):
    """Prints events, carries out typed lines, and decides when the program ends."""

    @property
    def exit_code(self) -> ExitCode | None:
        """The exit code, from the moment on at which the program has to end; None before."""

    def on_line(self, now: float, text: str) -> None:
        """A line was typed."""

    def on_end_of_input(self, now: float) -> None:
        """The input has ended."""

    def on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        """The core was drained of these events, or of none."""

    def on_stop(self, code: ExitCode, reason: Phrase, *, is_error: bool = False) -> None:
        """The program has to end now with this code."""


class ClientOptions(Value, frozen=True):
    """What the person chose; `nick` and `rooms` in the form that `chat.names` gives them.

    `rooms` empty: the rooms of the last run with this nick and server, else DEFAULT_ROOM. `port`: the UDP port of a
    server on this machine. `label_id`: line k of the input is the request `label_id`:k. `discards`: messages of earlier
    runs that were not confirmed are dropped. `shows_progress`: draw a progress line while entries are missing, which
    needs a terminal that no editor draws on. `receipts`: how many have one's own messages is reported.
    `remembers_nick`: a person goes by it, who need not name it the next time.
    """

    nick: str
    server: ServerAddress | None
    rooms: tuple[str, ...]
    data: Path
    history: int = 0
    timeout_s: float | None = None
    label_id: str = ""
    discards: bool = False
    port: int = DEFAULT_PORT
    shows_progress: bool = False
    receipts: bool = False
    remembers_nick: bool = False


class Frontend(Value, frozen=True):
    """The person's side of a client.

    `source` gives typed lines; it is started when a server has answered. `say` prints one line outside of the chat.
    `choose` asks the person a question; None where nobody can be asked. `attach` is given the way to change the core
    without a line, before the first line is read. `is_live`: the interface shows who types, and how many have what one
    says. `login`: how this device shows that it may go by the nick. `watch` is called as those of `ClientApp` are.
    `joins`: it enters rooms.
    """

    make_interface: Callable[[ClientCore, ClientStore], UserInterface]
    source: LineSource
    say: Say
    choose: Choose | None = None
    attach: Callable[[Call], object] = lambda call: None
    is_live: bool = False
    login: Login | None = None
    watch: Watch = lambda happened: None
    joins: bool = True


def run(options: ClientOptions, frontend: Frontend) -> int:
    """Run a client until the interface, the server, a signal or the time limit ends it; the exit code.

    Raises NoServer, TimedOut, DataUnusable, StoreError, EndpointError, and what the interface raises, for example
    BrokenPipeError.
    """
    logging.getLogger("udpchat").addHandler(logging.NullHandler())  # the interface prints what a person should know
    loop = asyncio.SelectorEventLoop()  # on Windows the other one stops receiving when a server dies (cpython#127057)
    try:
        return loop.run_until_complete(_run(options, frontend, loop))
    finally:
        _end_tasks(loop)
        loop.close()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that still run and wait for them, as `asyncio.run` does."""
    running = asyncio.all_tasks(loop)
    for task in running:
        task.cancel()
    if running:
        loop.run_until_complete(asyncio.wait(running))


async def _run(options: ClientOptions, frontend: Frontend, loop: asyncio.AbstractEventLoop) -> int:
    folder = ClientFolder(options.data, options.nick, report=frontend.say)
    ending = ProgramEnd(loop)
    with ending.watching(options.timeout_s, before_exit=frontend.source.restore):
        last = last_server(options.data)
        finding = find(
            options.server,
            last=last,
            port=options.port,
            choose=frontend.choose,
            report=frontend.say,
            known=KnownServers(options.data),
        )
        found = await ending.unless_known(finding)
        if found is None:
            return await ending.code()
        with (
            _open_store(options, folder, found, frontend) as store,
            contextlib.closing(UdpEndpoint(loop, open_socket("::", 0))) as endpoint,
        ):
            core = _make_core(loop.time(), options, folder, found, store, frontend)
            app = ClientApp(loop, core, endpoint, store, frontend.source, frontend.make_interface(core, store), ending)
            app.progress = SyncProgress() if options.shows_progress else None
            frontend.attach(app.call)
            app.watches.append(frontend.watch)
            with _watching(app, options, folder, found, store, frontend.say):
                return await app.run()


@contextlib.contextmanager
def _open_store(
    options: ClientOptions, folder: ClientFolder, found: Found, frontend: Frontend
) -> Iterator[ClientStore]:
    """The store for this server; one in memory if another client uses it now. Raises `DataUnusable`, `StoreError`."""
    store: ClientStore | None = folder.open_store(found.server)
    if store is None:
        if options.label_id:
            raise DataUnusable("data_unusable.in_use", nick=options.nick)
        frontend.say(Phrase("store.in_use", {"nick": options.nick}))
        store = SqliteClientStore(None)
    try:
        if options.discards and (dropped := discard(store)):
            frontend.say(dropped)
        yield store
    finally:
        with contextlib.suppress(StoreError):  # no confirmed message depends on it
            store.close()


def _make_core(
    now: float, options: ClientOptions, folder: ClientFolder, found: Found, store: ClientStore, frontend: Frontend
) -> ClientCore:
    server = found.server
    saved = remembered(store, options.rooms, options.history, label_id=options.label_id, report=frontend.say)
    pinning = Pinning(KnownServers(options.data), server, frontend.say, has_moved=found.moved_from is not None)
    profile = Profile(
        static=folder.key,
        nick=options.nick,
        rooms=(options.rooms or saved.rooms or (DEFAULT_ROOM,)) if frontend.joins else (),
        server=server.url,
        check_server=pinning.check,
        history=options.history,
        agent=f"udpchat {__version__}",
        shown_max=options.history,
        capabilities=(TYPING, ORDER, GROUPS) if frontend.is_live else (ORDER, GROUPS),
        wants_receipts=options.receipts or frontend.is_live,
        is_returning=not options.rooms,
        is_first_contact=pinning.is_first_contact,
    )
    core = ClientCore(
        now,
        profile=profile,
        saved=saved,
        address=found.address,
        random=os.urandom,
        round_trip_s=found.round_trip_s,
        login=frontend.login,
    )
    restore(core, store, report=frontend.say)
    return core


class ClientApp:
    """A core, connected to its socket, store, input and interface; ends with the code of `ending`.

    `watches` are called after each drain of the core, before the interface.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        core: ClientCore,
        endpoint: UdpEndpoint,
        store: ClientStore,
        source: LineSource,
        interface: UserInterface,
        ending: ProgramEnd,
    ) -> None:
        self._loop = loop
        self.core = core
        self._endpoint = endpoint
        self._source = source
        self._interface = interface
        self._ending = ending
        self._is_over = asyncio.Event()  # the goodbye was answered, or the client may not enter
        write = partial(write_contiguous, store)
        self._writer: Writer[Write] = ThreadWriter(loop, write) if store.is_durable else DirectWriter(write)
        self._driver: Driver[Write, events.ClientEvent] = Driver(
            loop, core, endpoint=endpoint, writer=self._writer, on_events=self._on_events
        )
        self.watches: list[Watch] = []
        self.progress: SyncProgress | None = None

    async def run(self) -> int:
        """Chat until `ending` has a code, then say goodbye; the code."""
        self._ending.on_stop = self.stop
        self._endpoint.listen(self._driver.receive)
        call, interface = self._driver.call, self._interface
        on_line, on_end = partial(call, interface.on_line), partial(call, interface.on_end_of_input)
        self._source.start(self._loop, on_line=on_line, on_end=on_end)
        self._driver.start()
        try:
            return await self._ending.code()
        finally:
            await self._end()

    def call(self, verb: Callable[..., object], *arguments: object) -> None:
        """`verb(now, *arguments)`, which is a verb of the core; what it causes is sent, written and reported."""
        self._driver.call(verb, *arguments)

    @property
    def is_ending(self) -> bool:
        """Whether the exit code is known."""
        return self._ending.is_known

    def show(self, event: events.ClientEvent) -> None:
        """Show an event that does not come from the core."""
        self._interface.on_events(self._loop.time(), [event])

    def stop(self, code: ExitCode, reason: Phrase, *, is_error: bool = False) -> None:
        """Report to the interface what ends the program; it decides with which exit code."""
        self._interface.on_stop(code, reason, is_error=is_error)
        self._look_for_the_end()

    def _on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        for watch in self.watches:
            watch(happened)
        if self.progress is not None and happened:
            self.progress.make_way()
        self._interface.on_events(now, happened)
        if self.progress is not None:
            self.progress.on_missing(self.core.model.connection.missing)
        if len(self.core.model.sending) < UNCONFIRMED_MAX:
            self._source.release()  # while too much is unconfirmed, no more is read
        self._source.refresh()
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if self.core.is_over:
            self._is_over.set()
        code = self._interface.exit_code
        if code is not None:
            self._ending.finish(code)

    async def _end(self) -> None:
        """Say goodbye to the server if that was not done, and finish the writes."""
        await self._source.close()
        with contextlib.suppress(Exception):  # the cause of the end may be in the way, and is already reported
            self._driver.call(self._goodbye)
            async with asyncio.timeout(GOODBYE_S_MAX):
                await self._is_over.wait()
        self._driver.end()
        self._endpoint.stop_listening()
        if self.progress is not None:
            self.progress.make_way()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WRITING_S_MAX):
                await self._writer.idle()
        self._writer.close()

    def _goodbye(self, now: float) -> None:
        if not self.core.is_over:
            self.core.quit(now)


# --- What watches a chat ----------


@contextlib.contextmanager
def _watching(
    app: ClientApp, options: ClientOptions, folder: ClientFolder, found: Found, store: ClientStore, say: Say
) -> Iterator[None]:
    """While this is open: the time limit of entering, the files of the data folder, the server used last."""
    server = found.server
    with contextlib.ExitStack() as at_end:
        entering = EntryLimit(app, server, say)
        at_end.callback(entering.cancel)
        app.watches += [entering.watch, folder.watch_nick(app.core), folder.watch_store(store)]
        if options.remembers_nick:
            app.watches.append(folder.watch_nick_used_last(app.core))
        app.watches.append(folder.watch_server(server, is_used_last=found.instead_of is None))
        following = Following(app.core, app.call)
        at_end.callback(following.cancel)
        app.watches.append(following.watch)
        if found.instead_of is not None:
            looking = asyncio.ensure_future(_report(app, _return_of(found.instead_of)))
            at_end.callback(looking.cancel)
        if options.remembers_nick and server.host in LOOPBACKS:  # a person, who may be alone on a server hosted here
            finding = following.until_more_elsewhere(server.port, KnownServers(options.data))
            looking = asyncio.ensure_future(_report(app, finding))
            at_end.callback(looking.cancel)
        if store.is_durable:
            activity = ActivityLog(folder.stores)
            at_end.callback(activity.close)
            app.watches.append(activity.note)
        yield


class EntryLimit:
    """A server that has answered has to let the client in within ENTERING_S_MAX; until then the person is told."""

    def __init__(self, app: ClientApp, server: ServerAddress, say: Say) -> None:
        self._app = app
        self._server = server
        self._say = say
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(REPORTED_AFTER_S, self._report), loop.call_later(ENTERING_S_MAX, self._stop)]

    def watch(self, happened: Sequence[events.ClientEvent]) -> None:
        """The limit holds until the client is connected, or ends, or the server wants a password, or later."""
        if self._app.is_ending or any(isinstance(event, LET_IN) or _must_wait(event) for event in happened):
            self.cancel()

    def cancel(self) -> None:
        """No limit any more."""
        for timer in self._timers:
            timer.cancel()

    def _report(self) -> None:
        self._say(Phrase("entering", {"url": self._server.url}))

    def _stop(self) -> None:
        reason = Phrase("no_server.not_let_in", {"server": self._server.name, "limit_s": ENTERING_S_MAX})
        self._app.stop(ExitCode.NO_SERVER, reason, is_error=True)


def _must_wait(event: events.ClientEvent) -> bool:
    """Whether the server says how long the client has to wait until it may enter."""
    return isinstance(event, events.Error) and event.key == "too_fast.wait"


async def _report(app: ClientApp, told: Awaitable[events.Notice]) -> None:
    """Show what comes of a search, when it is there."""
    app.show(await told)


async def _return_of(absent: ServerAddress) -> events.Notice:
    """The server used last, which another one stands in for, answers again."""
    await until_back(absent)
    return events.notice("server_back", url=absent.url)
