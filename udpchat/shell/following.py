"""Other places for a running client: where a server that was lost shows the same key, and where more people are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.session.timers import backoff_s
from udpchat.shell.addresses import parse_server
from udpchat.shell.data_folder import KnownServers
from udpchat.shell.net.discovery import look
from udpchat.shell.net.server_choice import description_of, find_moved, without_impostors

LOOK_S_MIN: Final = 1.0  # between two searches at first, doubled each time
LOOK_S_MAX: Final = 30.0
ALONE_S: Final = 60.0  # between two looks of who is alone on the server of this machine
ALONE_LOOK_S: Final = 1.5


class Following:
    """While the server is lost, looks for it besides; `call` calls a verb of the core, as `ClientApp` has it."""

    def __init__(self, core: ClientCore, call: Callable[..., None]) -> None:
        self._core = core
        self._call = call
        self._key = ""  # of the server; empty before the first connection
        self._looking: asyncio.Task[None] | None = None

    def watch(self, happened: Sequence[events.ClientEvent]) -> None:
        """Look from a loss until the server answers again."""
        for event in happened:
            match event:
                case events.Connected():
                    self._key = event.fingerprint
                case events.Disconnected() if self._key and self._looking is None:
                    self._looking = asyncio.ensure_future(self._look())
                case events.Reconnected():
                    self.cancel()

    def cancel(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        looks = 0
        while True:
            found = await find_moved(parse_server(self._core.model.connection.server), self._key)
            if found is not None:
                self._call(self._core.move, found.address, found.server.url, found.round_trip_s)
            await asyncio.sleep(backoff_s(LOOK_S_MIN, looks, max_s=LOOK_S_MAX))
            looks += 1

    async def until_more_elsewhere(self, port: int, known: KnownServers) -> events.Notice:
        """Once at most one person is on this server, and more are on another one: that, for the person.

        Of two with one person each, the one with the smaller fingerprint stays, as when both are hosted at once.
        """
        while True:
            await asyncio.sleep(ALONE_S)
            found = await look(port, limit_s=ALONE_LOOK_S, settling_s=ALONE_LOOK_S)
            people = min((server.people for server in found if server.fingerprint == self._key), default=2)
            others = [server for server in found if server.is_of_this_version and server.fingerprint != self._key]
            others, _ = without_impostors(others, known, lambda told: None, is_person=True)
            there = max(others, key=lambda server: server.people, default=None)
            if there is not None and people <= 1 and (there.people, self._key) > (people, there.fingerprint):
                return events.notice("elsewhere", **description_of(there))
