"""How long a message takes to the last of its listeners when datagrams get lost, both ways."""

from __future__ import annotations

import asyncio
import random

from measure.people import Person
from measure.processes import fresh_server
from measure.tables import Table, percentile
from udpchat.chat import events
from udpchat.wire.packets import Address

LISTENERS = 8
LOSSES, QUICK_LOSSES = (0.0, 0.05, 0.2), (0.0, 0.05)
ROUNDS = 3
MESSAGES = 700  # in each round
QUICK_MESSAGES = 20
STALL_S_MAX = 30.0
TEXT = "the quick brown fox jumps over the lazy dog, and says so to everybody who is in the room at the moment"


class Relay:
    """One speaker, and listeners; a message at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Address, *, loss: float, seed: int) -> None:
        self._loop = loop
        self._awaited = 0
        self._text = ""
        self._all: asyncio.Future[float] = loop.create_future()
        self._people = [
            Person(
                loop,
                server,
                f"peer{number}",
                on_message=self._on_message,
                loss=loss,
                chance=random.Random(1_000 * seed + number),
            )
            for number in range(LISTENERS + 1)
        ]

    def _on_message(self, now: float, message: events.MessageReceived) -> None:
        if message.text == self._text:
            self._awaited -= 1
            if not self._awaited:
                self._all.set_result(self._loop.time())

    async def run(self, messages: int) -> list[float]:
        """The seconds that each message took to the last listener, after three that are not counted."""
        await asyncio.wait_for(asyncio.gather(*(person.entered for person in self._people)), STALL_S_MAX)
        taken = [await self._say(f"{number} {TEXT}") for number in range(messages + 3)]
        return taken[3:]

    async def _say(self, text: str) -> float:
        self._all = self._loop.create_future()
        self._text, self._awaited = text, LISTENERS
        begin = self._loop.time()
        self._people[0].say(text)
        return await asyncio.wait_for(self._all, STALL_S_MAX) - begin

    def close(self) -> None:
        """Everybody goes."""
        for person in self._people:
            person.close()


def measure_once(*, loss: float, messages: int, seed: int) -> list[float]:
    """One round, in seconds, with a server and clients of its own."""
    loop = asyncio.SelectorEventLoop()
    with fresh_server() as server:
        relay = Relay(loop, server.address, loss=loss, seed=seed)
        try:
            return loop.run_until_complete(relay.run(messages))
        finally:
            relay.close()
            loop.close()


def measure(*, quick: bool) -> list[Table]:
    """The part `loss`."""
    messages, rounds = (QUICK_MESSAGES, 1) if quick else (MESSAGES, ROUNDS)
    table = Table(
        f"loss: ms until the last of {LISTENERS} listeners has a message, one at a time",
        ("loss each way", "p50", "p95", "p99", "max", "messages"),
    )
    taken: dict[float, list[float]] = {loss: [] for loss in (QUICK_LOSSES if quick else LOSSES)}
    for seed in range(rounds):
        for loss, values in taken.items():
            values += measure_once(loss=loss, messages=messages, seed=seed)
    for loss, values in taken.items():
        shown = [1e3 * percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)]
        table.add(f"{loss:.0%}", *shown, len(values))
    table.notes.append(
        f"Real client cores with real sockets, {LISTENERS + 1} in one process; the server in another, durable by fsync."
    )
    table.notes.append("Each datagram is dropped with that chance at the clients' sockets, on its way out and in.")
    return [table]
