"""When a lost server is looked for, and that a client is led to where it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from udpchat.chat import events
from udpchat.client.core import ClientCore
from udpchat.client.server_search import FoundServer, Way
from udpchat.shell import following
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import KnownServers
from udpchat.shell.following import Following
from udpchat.shell.net.server_choice import Found
from udpchat.wire.limits import PROTOCOL_VERSION
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
        assert asyncio.all_tasks() == {asyncio.current_task()}, "it was never there"
        watching.watch([CONNECTED])
        watching.watch([LOST])
        async with asyncio.timeout(5):
            while len(sought) < 3:
                await asyncio.sleep(0.001)
        watching.watch([BACK])
        await asyncio.sleep(0)  # one turn of the loop, in which it ends
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(lose())
    assert client.led == [FOUND.address]
    here = ServerAddress(THERE.host, THERE.port)
    assert sought[:3] == [(HERE, THERE.fingerprint), (HERE, THERE.fingerprint), (here, THERE.fingerprint)]


def server(key: str, people: int) -> FoundServer:
    return FoundServer(key, "", people, PROTOCOL_VERSION, (Address("10.0.0.7", 5),), (Way.BROADCAST,), 0.001)


@pytest.mark.parametrize(
    ("here", "there", "key", "is_told"),
    [(1, 2, "b", True), (1, 1, "0", True), (1, 1, "b", False), (1, 0, "0", False), (2, 9, "0", False)],
)
def test_who_is_alone_is_told_of_more_people_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, here: int, there: int, key: str, is_told: bool
) -> None:
    looked = 0

    async def look(port: int, *, limit_s: float, settling_s: float) -> list[FoundServer]:
        nonlocal looked
        looked += 1
        return [server(THERE.fingerprint, here), server(key * 32, there)]

    monkeypatch.setattr(following, "look", look)
    monkeypatch.setattr(following, "ALONE_S", 0.001)
    client = Client()

    async def told() -> events.Notice | None:
        watching = Following(cast(ClientCore, client), client.call)
        watching.watch([CONNECTED])
        waiting = asyncio.ensure_future(watching.until_more_elsewhere(5, KnownServers(tmp_path)))
        async with asyncio.timeout(5):
            while looked < 3 and not waiting.done():
                await asyncio.sleep(0.001)
        return waiting.result() if waiting.done() else None

    notice = asyncio.run(told())
    assert (notice is not None) is is_told and (notice is None or notice.values["people"] == there)
