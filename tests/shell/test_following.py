"""When a lost server is looked for, and that a client is led to where it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.shell import following
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.following import Following
from udpchat.shell.net.finding import Found
from udpchat.wire.packets import Address

HERE, THERE = ServerAddress("10.0.0.1", 5), ServerAddress("10.0.0.2", 5, "a" * 32)
FOUND = Found(THERE, Address("10.0.0.2", 5), moved_from=HERE, round_trip_s=0.001)
CONNECTED = events.Connected(HERE.url, THERE.fingerprint, "alice", (), "den")
LOST, BACK = events.Disconnected("lost"), events.Reconnected("found")


class Client:
    """A core that has nothing but a place, and where it was led."""

    def __init__(self) -> None:
        self.model = self.connection = self
        self.server = HERE.url
        self.led: list[Address] = []

    def move(self, address: Address, server: str, round_trip_s: float) -> None:
        self.server = server
        self.led.append(address)

    def call(self, verb: Callable[..., None], *arguments: Any) -> None:
        verb(*arguments)


def test_a_server_is_looked_for_from_its_loss_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[tuple[ServerAddress, str]] = []

    async def moved(server: ServerAddress, key: str) -> Found | None:
        sought.append((server, key))
        return FOUND if len(sought) == 2 else None

    monkeypatch.setattr(following, "find_moved", moved)
    monkeypatch.setattr(following, "LOOK_S_MIN", 0.001)
    monkeypatch.setattr(following, "LOOK_S_MAX", 0.001)
    client = Client()

    async def lose() -> None:
        watching = Following(cast(ClientCore, client), client.call)
        watching.watch([LOST])
        await asyncio.sleep(0.01)
        assert not sought, "it was never there"
        watching.watch([CONNECTED])
        watching.watch([LOST])
        async with asyncio.timeout(5):
            while len(sought) < 3:
                await asyncio.sleep(0.001)
        watching.watch([BACK])
        looked = len(sought)
        await asyncio.sleep(0.01)
        assert len(sought) == looked

    asyncio.run(lose())
    assert client.led == [FOUND.address]
    here = ServerAddress(THERE.host, THERE.port)
    assert sought[:3] == [(HERE, THERE.fingerprint), (HERE, THERE.fingerprint), (here, THERE.fingerprint)]
