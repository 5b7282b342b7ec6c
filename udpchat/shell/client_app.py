"""Running a client: find the server, open what this nick has on the disk, drive the core, and end with the right code.

What is drawn and typed is the affair of an `Interface`; this file gives it lines, events, time and signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from udpchat import __version__
from udpchat.chat import events
from udpchat.chat.exit_codes import ExitCode
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import Write
from udpchat.shell.activity_log import ActivityLog
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import recognize_conversations, remembered, store_folder, store_path
from udpchat.shell.contiguous_writer import ContiguousWriter
from udpchat.shell.data_folder import (
    DataUnusable,
    KnownServers,
    keep_key,
    key_of_nick,
    last_server,
    nick_key_path,
    open_folder,
    remember_server,
)
from udpchat.shell.line_reader import LineSource
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.net.finding import REPORTED_AFTER_S, Choose, Found, find, until_back
from udpchat.shell.outbox import discard
from udpchat.shell.permissions import exposed
from udpchat.shell.pinning import Pinning
from udpchat.shell.progress import ProgressLine
from udpchat.shell.signals import STOPPING, Signals, exit_code_of
from udpchat.shell.sync_progress import SyncProgress
from udpchat.shell.writer import DirectWriter, ThreadWriter, Writer
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.lock import StoreLock
from udpchat.storage.memory import MemoryClientStore
from udpchat.storage.protocol import ClientStore, StoreError, StoreUnusable
from udpchat.wire.limits import DEFAULT_PORT

ENTERING_S_MAX: Final = 30.0  # between the first answer and being let in
GOODBYE_S_MAX: Final = 0.7
WRITING_S_MAX: Final = 1.0  # at the end: what is being written
UNCONFIRMED_MAX: Final = 256  # lines: then reading waits, so that a pipe of any length is bounded here


class TimedOut(Exception):
    """The time allowed was over before a server answered; one line that says so."""


class Interface(Protocol):
    """Who draws, and decides when to end."""

    @property
    def exit_code(self) -> ExitCode | None:
        """How the program is to end, once it is to end."""

    def on_line(self, now: float, text: str) -> None:
        """A line was typed."""

    def on_end_of_input(self, now: float) -> None:
        """No more will be typed."""

    def on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        """The client was drained of these, or of nothing."""

    def on_stop(self, code: ExitCode, reason: str, error: str = "") -> None:
        """It is to end now, with this code, for this reason, which is an error if that has a code of its own."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What a session is to be; `nick` and `rooms` as `chat.names` has them.

    `rooms` empty: those that the nick was in when it was at this server last, else `default_room`. `port`: that of a
    server of this machine.
    `label_id`: line k of the input is the request `label_id`:k. `discards`: what earlier runs did not get confirmed is
    not sent any more.
    """

    nick: str
    server: ServerAddress | None
    rooms: tuple[str, ...]
    data: Path
    history: int = 0
    timeout_s: float | None = None
    label_id: str = ""
    discards: bool = False
    default_room: str = "lobby"
    port: int = DEFAULT_PORT
    shows_progress: bool = False  # of catching up, on a terminal that nothing else draws on


def run(
    options: ClientOptions,
    *,
    make_interface: Callable[[ClientCore, ClientStore], Interface],
    source: LineSource,
    say: Callable[[str], object],
    choose: Choose | None = None,
) -> int:
    """Chat until the interface, the server, a signal or the clock ends it; the exit code. `say` tells people a line.

    Lines come from `source`, which is started once there is a server to send them to.
    `choose` asks a person, where there is one, what to do when the server used last does not answer.

    Raises NoServer, TimedOut, DataUnusable, StoreError, EndpointError, and what `make_interface`'s methods raise, a
    broken pipe for one.
    """
    logging.getLogger("udpchat").addHandler(logging.NullHandler())  # the interface says what a person should know
    loop = asyncio.SelectorEventLoop()  # on Windows the other loop goes deaf when a server dies (cpython#127057)
    try:
        session = Session(loop, options, make_interface=make_interface, source=source, say=say, choose=choose)
        return loop.run_until_complete(session.run())
    finally:
        _end_tasks(loop)
        loop.close()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs and let it end, as `asyncio.run` does."""
    running = asyncio.all_tasks(loop)
    for task in running:
        task.cancel()
    if running:
        loop.run_until_complete(asyncio.wait(running))


class Session:
    """One run of a client."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: ClientOptions,
        *,
        make_interface: Callable[[ClientCore, ClientStore], Interface],
        source: LineSource,
        say: Callable[[str], object],
        choose: Choose | None,
    ) -> None:
        self._loop = loop
        self._options = options
        self._choose = choose
        self._make_interface = make_interface
        self._source = source
        self._say = say
        self._folder = open_folder(options.data)
        self._key = key_of_nick(self._folder, options.nick)
        for line in exposed(self._folder, nick_key_path(self._folder, options.nick)):
            say(f"warning: {line}")
        self._finished: asyncio.Future[int] = loop.create_future()
        self._chat: Chat | None = None

    async def run(self) -> int:
        """All of it; the exit code."""
        signals = Signals(self._loop, self._on_signal, before_exit=self._source.restore)
        self._loop.set_exception_handler(self._on_exception)
        if self._options.timeout_s is not None:
            self._loop.call_later(self._options.timeout_s, self._on_timeout)
        try:
            signals.take(*STOPPING)
            if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                signals.take(signal.SIGHUP)  # the terminal is closed, and this was not started with nohup
            finding = asyncio.ensure_future(self._find())
            either: tuple[asyncio.Future[object], ...] = (finding, self._finished)  # type: ignore[assignment]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._finished.done():
                finding.cancel()
                return self._finished.result()
            return await self._talk(finding.result())
        finally:
            signals.close()

    async def _find(self) -> Found:
        options = self._options
        last = last_server(self._folder)
        return await find(options.server, last=last, port=options.port, choose=self._choose, report=self._say)

    async def _talk(self, found: Found) -> int:
        server, options = found.candidate.server, self._options
        with contextlib.ExitStack() as at_end:
            store = self._open_store(server)
            at_end.callback(_close, store)
            if self._options.discards and (dropped := discard(store)):
                self._say(dropped)
            endpoint = UdpEndpoint(self._loop, open_socket("::", 0))
            at_end.callback(endpoint.close)
            pinning = Pinning(KnownServers(self._folder), server, self._say)
            saved = remembered(store, options.rooms, options.history, label_id=options.label_id)
            profile = Profile(
                static=self._key,
                nick=options.nick,
                rooms=options.rooms or saved.rooms or (options.default_room,),
                server=server.url,
                check_server=pinning.check,
                history=options.history,
                agent=f"udpchat {__version__}",
                shown_max=options.history,
                is_returning=not options.rooms,
            )
            client = ClientCore(
                self._loop.time(), profile=profile, saved=saved, address=found.address, random=os.urandom
            )
            recognize_conversations(client, store)
            interface = self._make_interface(client, store)
            chat = Chat(self._loop, client, endpoint, store, interface=interface, finish=self._finish)
            chat.on_renamed = self._on_renamed
            chat.catching = SyncProgress() if options.shows_progress else None
            self._see_to_the_server_used_last(chat, found, at_end)
            if isinstance(store, SqliteClientStore):
                diary = ActivityLog(store_folder(self._folder, self._options.nick))
                at_end.callback(diary.close)
                chat.on_event = diary.note
            self._chat = chat
            chat.start(self._source)
            self._loop.call_later(REPORTED_AFTER_S, self._on_entering, server)
            self._loop.call_later(ENTERING_S_MAX, self._on_entering_timeout, server)
            try:
                return await self._finished
            finally:
                await chat.end()

    def _see_to_the_server_used_last(self, chat: Chat, found: Found, at_end: contextlib.ExitStack) -> None:
        """This server becomes the one used last; if it stands in for that one, the person is told when that is back."""
        if found.instead_of is None:
            name = found.candidate.server.name
            chat.on_connected = lambda: remember_server(self._folder, name)
            return
        absent = found.instead_of
        text = f"the server used last answers again: {absent.url}; to go back to it: /quit, and start without --server"

        def on_back(done: asyncio.Future[None]) -> None:
            if not done.cancelled():
                done.result()
                chat.notify(events.Notice("server_back", text))

        looking = asyncio.ensure_future(until_back(absent))
        looking.add_done_callback(on_back)
        at_end.callback(looking.cancel)

    def _open_store(self, server: ServerAddress) -> ClientStore:
        """What this nick has stored for this server; a memory that forgets if another client is using it now."""
        path = store_path(self._folder, self._options.nick, (server.host, server.port))
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            advice = "choose another folder with --data"
            raise DataUnusable(f"cannot make {path.parent}: {error.strerror}; {advice}") from error
        progress = ProgressLine("upgrading the store")
        try:
            return SqliteClientStore(path, progress=progress)
        except StoreUnusable:
            if not _is_held(path):
                raise
        finally:
            progress.end()
        already = f"{self._options.nick} is chatting from this data folder already"
        if self._options.label_id:
            raise DataUnusable(f"{already}, and --id needs the store that it has; nothing was sent: end the other one")
        self._say(f"{already}; this client keeps nothing on disk")
        return MemoryClientStore()

    # --- What ends it, or changes it ----------

    def _finish(self, code: int) -> None:
        if not self._finished.done():
            self._finished.set_result(code)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Something of ours is broken, or the reader of our output is gone: whoever runs us gets the exception."""
        error = context.get("exception")
        if not self._finished.done():
            found = error if isinstance(error, Exception) else RuntimeError(str(context.get("message")))
            self._finished.set_exception(found)

    def _on_timeout(self) -> None:
        if self._chat is not None:
            self._chat.stop(ExitCode.TIMED_OUT, "timed out")
        elif not self._finished.done():
            self._finished.set_exception(TimedOut("timed out before a server answered; nothing was sent"))

    def _on_signal(self, number: int) -> None:
        code = exit_code_of(number)
        if self._chat is not None:
            self._chat.stop(code, code.name.lower().replace("_", " "))
        self._finish(code)

    def _on_entering(self, server: ServerAddress) -> None:
        if self._chat is not None and not self._chat.has_connected and not self._finished.done():
            self._say(f"-- {server.url} answers; entering ...")

    def _on_entering_timeout(self, server: ServerAddress) -> None:
        if self._chat is not None and not self._chat.has_connected and not self._finished.done():
            reason = f"{server.name} answers, but did not let us in within {ENTERING_S_MAX:.0f} s; try again later"
            self._chat.stop(ExitCode.NO_SERVER, reason, "no_server")

    def _on_renamed(self, nick: str) -> None:
        """The nick is ours at this server from now on: let it be ours here, too."""
        try:
            keep_key(self._folder, old=self._options.nick, new=nick)
        except DataUnusable as error:
            self._say(f"the key of {nick} could not be kept: {error}")


class Chat:
    """A client's core, wired to its socket, store and interface."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: ClientCore,
        endpoint: UdpEndpoint,
        store: ClientStore,
        *,
        interface: Interface,
        finish: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._client = client
        self._nick = client.nick
        self._endpoint = endpoint
        self._finish = finish
        self._lines: LineSource | None = None
        self._lines_owed = 0
        self._over = asyncio.Event()
        write = ContiguousWriter(store).write
        waits = not isinstance(store, MemoryClientStore)
        self._writer: Writer[Write] = ThreadWriter(loop, write) if waits else DirectWriter(write)
        self._driver: Driver[Write, events.ClientEvent] = Driver(
            loop, client, endpoint=endpoint, writer=self._writer, on_events=self._on_events
        )
        self.interface = interface
        self.has_connected = False
        self.on_connected: Callable[[], None] = lambda: None
        self.on_renamed: Callable[[str], None] = lambda nick: None
        self.catching: SyncProgress | None = None
        self.on_event: Callable[[events.ClientEvent], None] = lambda event: None

    def start(self, source: LineSource) -> None:
        """Begin to listen to the network and to the person."""
        self._endpoint.listen(self._driver.receive)
        self._driver.start()
        self._lines = source
        source.start(self._loop, on_line=self._on_line, on_end=self._on_end_of_input)

    def _on_line(self, text: str) -> None:
        self._lines_owed += 1
        self._driver.call(self.interface.on_line, text)

    def _on_end_of_input(self) -> None:
        self._driver.call(self.interface.on_end_of_input)

    def _on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        for event in happened:
            self.on_event(event)
            if isinstance(event, events.Connected):
                self.has_connected = True
                self.on_connected()
        if self._client.nick != self._nick:  # as the server has confirmed
            self._nick = self._client.nick
            self.on_renamed(self._nick)
        if self.catching is not None and happened:
            self.catching.make_way()
        self.interface.on_events(now, happened)
        if self.catching is not None:
            self.catching.on_missing(self._client.timeline.missing)
        if self._lines_owed and self._lines is not None and len(self._client.unconfirmed()) < UNCONFIRMED_MAX:
            self._lines.release(self._lines_owed)
            self._lines_owed = 0
        if self._lines is not None:
            self._lines.refresh()
        self._see_to_the_end()

    def _see_to_the_end(self) -> None:
        if self._client.is_over:
            self._over.set()
        code = self.interface.exit_code
        if code is not None:
            self._finish(code)

    def notify(self, notice: events.Notice) -> None:
        """Show something that the core does not know of."""
        self.interface.on_events(self._loop.time(), [notice])

    def stop(self, code: ExitCode, reason: str, error: str = "") -> None:
        """Report to the interface what ends the session, and end it as that wishes."""
        self.interface.on_stop(code, reason, error)
        self._see_to_the_end()

    async def end(self) -> None:
        """Take leave of the server if that was not done, and finish writing."""
        if self._lines is not None:
            await self._lines.close()
        with contextlib.suppress(Exception):  # what ended the session may be in the way, and is reported already
            self._driver.call(self._goodbye)
            async with asyncio.timeout(GOODBYE_S_MAX):
                await self._over.wait()
        self._driver.end()
        self._endpoint.stop_listening()
        if self.catching is not None:
            self.catching.make_way()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WRITING_S_MAX):
                await self._writer.idle()
        self._writer.close()

    def _goodbye(self, now: float) -> None:
        if not self._client.is_over:
            self._client.quit(now)


def _is_held(path: Path) -> bool:
    """Whether a store cannot be opened because somebody has it."""
    try:
        StoreLock(path).release()
    except StoreUnusable:
        return True
    return False


def _close(store: ClientStore) -> None:
    with contextlib.suppress(StoreError):  # nothing of what was confirmed depends on it
        store.close()
