"""Real clients, core, driver and endpoint, several in one process and on one loop; datagrams may be made to get lost.

The loss is a shim at the clients' own sockets: each datagram is dropped with the given chance just before it would be
sent, or just after it was received. That is loss both ways, exact, and costs the path nothing else.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Sequence

from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.client.profile import Profile
from udpchat.client.stored import ClientState, Write
from udpchat.session.noise import KeyPair
from udpchat.shell.net.driver import Driver
from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.writer import DirectWriter
from udpchat.wire.limits import INSTANCE_BYTES, KEY_BYTES
from udpchat.wire.packets import Address

ROOM = "lobby"


class LossyEndpoint:
    """An endpoint that loses a share of what it sends, and of what it reads."""

    def __init__(self, endpoint: UdpEndpoint, *, loss: float, chance: random.Random) -> None:
        self._endpoint = endpoint
        self._loss = loss
        self._draw = chance.random

    def send(self, transmits: Sequence[tuple[bytes, Address]]) -> None:
        """As `UdpEndpoint.send`, of what is not lost."""
        self._endpoint.send([transmit for transmit in transmits if self._draw() >= self._loss])

    def listen(self, on_datagrams: Callable[[list[tuple[bytes, Address]]], None]) -> None:
        """As `UdpEndpoint.listen`, of what is not lost."""

        def on_batch(batch: list[tuple[bytes, Address]]) -> None:
            kept = [datagram for datagram in batch if self._draw() >= self._loss]
            if kept:
                on_datagrams(kept)

        self._endpoint.listen(on_batch)

    def close(self) -> None:
        """As `UdpEndpoint.close`."""
        self._endpoint.close()


class Person:
    """One client in the lobby, whose store is its memory. `on_message` is told of every message of somebody else,
    `on_lost` of the end of its link.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: Address,
        nick: str,
        *,
        on_message: Callable[[float, events.MessageReceived], None],
        on_lost: Callable[[], None] = lambda: None,
        loss: float = 0.0,
        chance: random.Random | None = None,
        history: int = 0,
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self.entered: asyncio.Future[None] = loop.create_future()
        self._endpoint = LossyEndpoint(
            UdpEndpoint(loop, open_socket("127.0.0.1", 0)), loss=loss, chance=chance or random.Random(0)
        )
        profile = Profile(
            static=KeyPair(os.urandom(KEY_BYTES)),
            nick=nick,
            rooms=(ROOM,),
            server=f"udpchat://{server[0]}:{server[1]}",
            check_server=lambda key: None,
            history=history,
        )
        saved = ClientState(os.urandom(INSTANCE_BYTES))
        self._core = ClientCore(loop.time(), profile=profile, saved=saved, address=server, random=os.urandom)
        writer: DirectWriter[Write] = DirectWriter(lambda batch: None)
        self._driver: Driver[Write, events.ClientEvent] = Driver(
            loop, self._core, endpoint=self._endpoint, writer=writer, on_events=self._on_events
        )
        self._endpoint.listen(self._driver.receive)
        self._driver.start()

    def _on_events(self, now: float, happened: Sequence[events.ClientEvent]) -> None:
        for event in happened:
            match event:
                case events.MessageReceived():
                    self._on_message(now, event)
                case events.Connected() if not self.entered.done():
                    self.entered.set_result(None)
                case events.Disconnected():
                    self._on_lost()
                case events.Rejected() if not self.entered.done():
                    self.entered.set_exception(RuntimeError(event.key))

    def say(self, text: str) -> None:
        """Say something in the lobby."""
        self._driver.call(self._core.say, ROOM, text)

    def leave(self) -> None:
        """Say goodbye; `close` it a little later."""
        self._driver.call(self._core.quit)

    def close(self) -> None:
        """Be gone without a word."""
        self._driver.end()
        self._endpoint.close()
