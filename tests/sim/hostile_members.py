"""The hostile side of a swarm: its members and its watcher, drawn for one seed; and what they must not have cost.

They come with the others, go on while the liveness of the honest is measured, and then are gone without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from tests.sim.deeds import ALIASES
from tests.sim.hostile import HostileNode
from tests.sim.hostile_deeds import DEEDS
from tests.sim.network import Address
from tests.sim.watcher import WATCHER_DEEDS, Watcher
from tests.sizes import size_of
from udpchat.chat import events
from udpchat.wire.content import Reason

if TYPE_CHECKING:
    from tests.sim.swarm import Swarm

MEMBERS_MAX = 4
SPIED_MIN = 10  # of the weight of order: then all of them also try what they may not
DEEDS_MAX = 5
WATCHER_DEEDS_MAX = 3
BURSTS_MAX = 40  # of one member, until the faults stop
SHARED = frozenset({"too_fast", "too_slow", "too_many_rooms", "too_many_conversations"})  # of what all share too much
SLOW_MODE = "too_fast.wait"  # in rooms that they opened, they may slow others down
CORE_BYTES_MAX = 8_000_000
NEVER = frozenset({Reason.PROTOCOL_VIOLATION, Reason.DISPLACED})  # of somebody honest


class HostileMembers:
    """Some devices, of one person or several, on one host or several; in half of all worlds a watcher as well."""

    def __init__(self, swarm: Swarm, random: Random, deeds: Sequence[str] = ()) -> None:
        """`deeds`: what they do, instead of what chance would choose for each."""
        self._swarm, self._random = swarm, random
        self._deeds = deeds
        self._watcher: Watcher | None = None

    def arrive(self) -> None:
        """Connect, and begin."""
        random, world = self._random, self._swarm.world
        members: list[HostileNode] = []
        for number in range(random.randint(1, MEMBERS_MAX)):
            deeds = self._draw(DEEDS, DEEDS_MAX)
            if not deeds:
                break
            if self._swarm.plan.order >= SPIED_MIN and not self._deeds:
                deeds = [*deeds, "spies", "gives orders", "talks"]
            former = members[-1] if members and random.random() < 0.3 else None
            node = HostileNode(
                world,
                Address(f"hostile{random.randrange(2)}", 1 + number),
                Random(random.random()),
                nick=former.nick if former else f"mallory{number}",
                rooms=self._swarm.rooms,
                deeds=[DEEDS[name] for name in deeds],
                interval_s=self._swarm.plan.duration_s / random.randint(1, BURSTS_MAX),
                static=former.static if former else None,
            )
            members.append(node)
            self._swarm.tell(f"{node.nick} at {node.address} {', '.join(deeds)}")
        world.strangers += members
        watched = self._draw(WATCHER_DEEDS, WATCHER_DEEDS_MAX) if self._deeds or random.random() < 0.5 else []
        if watched:
            self._watcher = Watcher(world, Random(random.random()), watched)
            self._swarm.tell(f"a watcher {', '.join(watched)}")

    def _draw(self, table: Mapping[str, object], count_max: int) -> list[str]:
        chosen = self._random.sample(sorted(table), self._random.randint(1, count_max))
        return [name for name in self._deeds if name in table] if self._deeds else chosen

    @property
    def has_watcher(self) -> bool:
        """Whether somebody on the path sees and forges packets."""
        return self._watcher is not None

    def leave(self) -> None:
        """Send nothing any more; the server learns it from their silence."""
        self._swarm.world.strangers.clear()
        if self._watcher is not None:
            self._watcher.leave()

    def check(self, *, is_calm: bool) -> None:
        """Nobody honest was disconnected or refused because of them; in a calm world: disconnected at all."""
        world = self._swarm.world
        honest = {*ALIASES, *(client.nick for client in world.clients)}
        honest |= {f"{client.address.host}{number}" for client in world.clients for number in (1, 2)}
        for left in world.server.events:
            if isinstance(left, events.PeerLeft) and left.nick in honest:
                assert left.reason not in NEVER, f"{left.nick} was disconnected: {left.reason}"
                assert not is_calm or left.reason != Reason.TIMED_OUT, f"{left.nick} has timed out"
        for client in world.clients:
            for event in client.events:
                # While its server is down, nobody can know that a watcher who answers for KEY_PATIENCE_S is not it.
                may_end = self.has_watcher and not is_calm
                is_ended = isinstance(event, events.Rejected) and not (may_end and event.code == "server_key")
                assert not is_ended, f"{client.nick} was rejected: {event}"
                is_refused = isinstance(event, events.Error) and event.code in SHARED and event.key != SLOW_MODE
                assert not is_refused, f"{client.nick} was refused what is its due: {event}"
                assert not is_calm or not isinstance(event, events.Disconnected), f"{client.nick} was disconnected"

    def check_gone(self) -> None:
        """Long after they have left, nothing of them is connected, nor half open."""
        core, foreign = self._swarm.world.server.view, self._swarm.world.foreign
        left = [peer.nick for peer in core.chat.registry if peer.key in foreign]
        assert not left, f"still connected: {left}"
        assert not core.handshakes, f"{core.handshakes} handshakes are still half open"
        size = size_of(core) - size_of(self._swarm.world.server.log)
        assert size <= CORE_BYTES_MAX, f"the server holds {size} bytes"
