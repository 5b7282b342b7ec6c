"""Liveness: how soon after the last fault each client is well again, and how soon that has to be.

A client is well once it has entered, has nothing unanswered, is known to the server where it is, and holds what the
server's logs held when the faults stopped: so it can be well also while somebody goes on flooding those logs. It has
RECOVERY_S. Only a client that awaits nothing, and whose server has forgotten it, sends to an address where it is no
longer, or has removed it from a room, has until after its next heartbeat: until then neither of the two can know. And
one that was cut off from its server while a watcher answered under another key may end up to KEY_PATIENCE_S later; it
is started again then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.sim.nodes import ClientNode
from tests.sim.world import Stuck, World
from udpchat.chat.events import Rejected
from udpchat.wire.limits import HEARTBEAT_S, KEY_PATIENCE_S

RECOVERY_S = 2.0
HEARTBEAT_RECOVERY_S = HEARTBEAT_S + RECOVERY_S
IN_FLIGHT_S = 1.0  # what was sent before the faults stopped comes within this


class Unnoticed(Enum):
    """Why only the next heartbeat of a client can show that something is wrong."""

    FORGOTTEN = "the server does not know its session"
    MOVED = "the server sends to an address where it is no longer"
    REMOVED = "the server has removed it from a room, and what said so was lost"


def trouble(world: World, client: ClientNode) -> Unnoticed | None:
    """What is wrong with the server's view of a client that has a session; None without one."""
    session = client.view.session
    if session is None:
        return None
    found = world.server.view.chat.registry.find(session.peer_index)
    if found is None:
        return Unnoticed.FORGOTTEN
    peer, _ = found
    is_there = peer.session.path.address == world.network.appears_at(client.address)
    if not is_there:
        return Unnoticed.MOVED
    return Unnoticed.REMOVED if set(client.view.model.rooms) - peer.rooms else None


def unnoticed(world: World, client: ClientNode) -> Unnoticed | None:
    """The same of a client that awaits nothing, and so cannot notice it before its next heartbeat."""
    return trouble(world, client) if client.view.is_entered and client.view.is_idle else None


@dataclass(frozen=True, slots=True)
class Recovery:
    """How one client came back: how long it took, and why that could take a heartbeat."""

    nick: str
    took_s: float
    reason: Unnoticed | None


class Liveness:
    """Watches a world from the moment at which its faults stop."""

    def __init__(self, world: World, *, has_watcher: bool = False) -> None:
        """The faults have stopped: what stands in the logs now is what all must hold soon."""
        self._world = world
        self._has_watcher = has_watcher
        self._begin = world.now
        self._mark = world.server.mark()
        self._waiting = [client for client in world.clients if client.is_running]
        self._restarted_at: dict[ClientNode, float] = {}
        self.unnoticed = {client: unnoticed(world, client) for client in self._waiting}

    @property
    def limit_s(self) -> float:
        """How long all of them together may take."""
        return HEARTBEAT_RECOVERY_S if any(self.unnoticed.values()) else RECOVERY_S

    def run(self) -> list[Recovery]:
        """Let time pass until every client has been well. Raises AssertionError if one is not within its limit."""
        recoveries: list[Recovery] = []
        while self._waiting:
            limit_s = min(map(self._end, self._waiting)) - self._world.now
            try:
                self._world.run_until(lambda: any(map(self._is_noted, self._waiting)), limit_s=max(limit_s, 0.0))
            except Stuck as stuck:
                late = [f"{client.nick} ({client.address.host})" for client in self._waiting]
                raise AssertionError(f"not well again: {', '.join(late)}: {stuck}") from None
            for client in filter(self._is_answered_late, self._waiting):
                self.unnoticed[client] = Unnoticed.FORGOTTEN
            for client in filter(self._is_misled, self._waiting):
                self._restarted_at[client] = self._world.now
                client.restart()
            well = [client for client in self._waiting if self._is_well(client)]
            recoveries += [Recovery(client.nick, self._took_s(client), self.unnoticed[client]) for client in well]
            self._waiting = [client for client in self._waiting if client not in well]
        return recoveries

    def _took_s(self, client: ClientNode) -> float:
        return self._world.now - self._restarted_at.get(client, self._begin)

    def _end(self, client: ClientNode) -> float:
        """Until when it has to be well."""
        limit_s = RECOVERY_S if self.unnoticed[client] is None else HEARTBEAT_RECOVERY_S
        return self._restarted_at.get(client, self._begin) + limit_s

    def _is_misled(self, client: ClientNode) -> bool:
        """Whether it has ended because of a key that only a watcher's answers during the faults explain."""
        is_soon = self._world.now - self._begin <= KEY_PATIENCE_S and client not in self._restarted_at
        last = client.events[-1] if client.events else None
        return (
            self._has_watcher
            and is_soon
            and client.view.is_over
            and isinstance(last, Rejected)
            and last.code == "server_key"
        )

    def _is_answered_late(self, client: ClientNode) -> bool:
        """Whether it awaits nothing any more, as an answer of the server's process of before was still under way."""
        is_new = self.unnoticed[client] is None and self._world.now - self._begin <= IN_FLIGHT_S
        return is_new and unnoticed(self._world, client) is Unnoticed.FORGOTTEN

    def _is_noted(self, client: ClientNode) -> bool:
        return self._is_well(client) or self._is_misled(client) or self._is_answered_late(client)

    def _is_well(self, client: ClientNode) -> bool:
        return client.is_settled(self._mark) and trouble(self._world, client) is None
