"""What the scenarios measure in a world: how late messages are shown, and what their repair costs in datagrams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.sim.faults import Counts
from tests.sim.network import Address
from tests.sim.nodes import ClientNode
from tests.sim.world import SERVER, World
from udpchat.chat import events
from udpchat.sync.downlink import Downlink
from udpchat.sync.subscription import EntrySpan


class Talk:
    """Messages said by turns at a steady pace, and when each was shown to whom."""

    def __init__(self, world: World, clients: list[ClientNode]) -> None:
        self._world = world
        self._clients = clients
        self.said_at: dict[str, float] = {}

    def run(self, count: int, *, per_s: float, text: str = "m") -> None:
        """`count` messages, the speakers by turns."""
        for number in range(len(self.said_at), len(self.said_at) + count):
            message = f"{text} {number}"
            self.said_at[message] = self._world.now
            self._clients[number % len(self._clients)].say(message)
            self._world.run(1 / per_s)

    def delays_s(self) -> list[float]:
        """From the saying of each message to each showing of it to somebody else, ascending."""
        return sorted(
            when - self.said_at[event.text]
            for client in self._clients
            for event, when in zip(client.events, client.times, strict=True)
            if isinstance(event, events.MessageReceived) and event.text in self.said_at
        )


def percentile(ascending: list[float], share: float) -> float:
    """The value that so large a share of all does not exceed."""
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)]


def traffic(world: World) -> Counts:
    """What both sides have sent so far."""
    counts = world.network.count(destination=SERVER)
    counts.add(world.network.count(source=SERVER))
    return counts


def by_peer(world: World, address: Address) -> Counts:
    """What went down to one client so far."""
    return world.network.count(SERVER, address)


@contextmanager
def repairs() -> Iterator[Counter[str]]:
    """Counts, while it lasts, the entries that servers put into packets: all `sent`, and those sent `again`."""
    counted: Counter[str] = Counter()
    known: set[tuple[int, int, int]] = set()
    before = Downlink.on_sent

    def on_sent(self: Downlink, now: float, counter: int, size: int, spans: tuple[EntrySpan, ...]) -> None:
        for span in spans:
            for sequence in range(span.first, span.last + 1):
                key = (id(span.subscription), sequence, span.fragment)
                counted["sent"] += 1
                counted["again"] += key in known
                known.add(key)
        before(self, now, counter, size, spans)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Downlink, "on_sent", on_sent)
        yield counted
