"""An operator's dialogue with a server that runs, over its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any, Final, TypeVar, cast

from udpchat.chat import events
from udpchat.client.operator_dialogues import Dialogue
from udpchat.client.stored import Write
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.maintenance import OperationFailed
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.operating.operator_client import OperatorClient, OperatorKeys
from udpchat.shell.writer import DirectWriter
from udpchat.wire.packets import Address

T = TypeVar("T")
ENTERED_S_MAX: Final = 10.0  # also of a server that is busy
GOODBYE_S_MAX: Final = 0.5


class StoppedMeanwhile(OperationFailed):
    """The server does not answer any more, or said goodbye."""


def hold(server: ServerAddress, keys: OperatorKeys, dialogue: Dialogue[T]) -> T:
    """What the dialogue returns. Raises what it raises, `OperationFailed`, and `EndpointError`.

    A server that stops meanwhile ends it with `StoppedMeanwhile`.
    """
    loop = asyncio.SelectorEventLoop()
    try:
        holding = _Holding(loop, server, keys, dialogue)
        loop.run_until_complete(holding.run())
        return cast(T, holding.outcome())
    finally:
        loop.close()


class _Holding:
    """One dialogue with one server."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: ServerAddress, keys: OperatorKeys, dialogue: Dialogue[Any]
    ) -> None:
        self._server = server
        self._client = OperatorClient(loop.time(), keys, Address(server.host, server.port), dialogue)
        self._endpoint = UdpEndpoint(loop, open_socket("::", 0))
        self._driver: Driver[Write, events.ClientEvent] = Driver(
            loop,
            self._client.core,
            endpoint=self._endpoint,
            writer=DirectWriter(_forget),
            on_events=self._on_events,
        )
        self._entered, self._done, self._over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Hold it to its end. Raises `OperationFailed`."""
        with closing(self._endpoint):
            self._endpoint.listen(self._driver.receive)
            self._driver.start()
            try:
                async with asyncio.timeout(ENTERED_S_MAX):
                    await self._entered.wait()
            except TimeoutError:
                raise OperationFailed("failed.no_answer", server=self._server.name, limit_s=ENTERED_S_MAX) from None
            await self._done.wait()
            self._driver.call(self._leave)
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S_MAX):
                    await self._over.wait()
            self._driver.end()

    def outcome(self) -> Any:
        """See `hold`."""
        return self._client.outcome()

    def _on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        client = self._client
        client.on_events(now, happened)
        if any(isinstance(event, events.Disconnected) for event in happened):
            client.end(StoppedMeanwhile("failed.stopped_meanwhile", server=self._server.name))
        if client.core.is_entered or client.is_done:
            self._entered.set()
        if client.is_done:
            self._done.set()
        if client.core.is_over:
            self._over.set()

    def _leave(self, now: float) -> None:
        if not self._client.core.is_over:
            self._client.core.quit(now)


def _forget(batch: Sequence[Write]) -> None:
    """Nothing of an operator's client is kept."""
