"""Carries out what was decided about rooms and people, once it is durable (SPEC 6.11).

Who may not read a room any more leaves it before anything else of it is sent.
"""

from __future__ import annotations

from udpchat.chat.ids import room_log
from udpchat.server.access import Refusal, why_banned, why_not_join
from udpchat.server.fanout import Fanout
from udpchat.server.order import is_within, name_of_device
from udpchat.server.proposals import Announcement, Exclude, KickOut, OrderEffect, ShutOut
from udpchat.server.registry import Peer, Registry
from udpchat.server.rooms import Rooms
from udpchat.server.slow_mode import SlowMode
from udpchat.server.state import State
from udpchat.wire.content import ACCOUNT, DEVICE, Reason, SanctionRecord
from udpchat.wire.frames import EnterRefused, FollowRefused, encode


class Enforcement:
    """Removes people from rooms and from the server, and tells the others."""

    __slots__ = ("_durable", "_fanout", "_registry", "_rooms", "slow")

    def __init__(self, rooms: Rooms, fanout: Fanout, registry: Registry, durable: State) -> None:
        self._rooms = rooms
        self._fanout = fanout
        self._registry = registry
        self._durable = durable
        self.slow = SlowMode()

    def carry_out(self, now: float, time_ms: int, effect: OrderEffect) -> None:
        """Carry out an effect of an act, which the durable state has."""
        if not isinstance(effect, Announcement):
            self._fanout.groups.exclude()
        match effect:
            case Announcement(room, entry):
                self._rooms.announce(now, room, entry)
            case Exclude():
                self._exclude(now, time_ms, effect)
            case KickOut(room, account, by, why):
                for peer in self._registry.entered(account):
                    if not room:
                        self._registry.end_later(
                            peer, Reason.KICKED, encode(EnterRefused("kicked", (by, why))), by=by, why=why
                        )
                    elif room in peer.rooms:
                        self._remove(now, peer, room, by, why, ("kicked", (by, why)))
            case ShutOut(sanction):
                for peer in self._on(sanction):
                    self.check_ban(time_ms, peer)

    def check_ban(self, time_ms: int, peer: Peer) -> None:
        """End the session of a peer that is banned where it is now."""
        author, host = peer.author, peer.session.path.address[0]
        refusal = why_banned(self._durable, author.key, author.device, host, time_ms)
        if refusal is not None:
            by, why, _ = refusal[1]
            self._registry.end_later(peer, Reason.KICKED, encode(EnterRefused(*refusal)), by=by, why=why)

    def _on(self, sanction: SanctionRecord) -> list[Peer]:
        """The devices that a sanction on the server may be about."""
        subject = sanction.subject
        if sanction.kind_of_subject == ACCOUNT:
            return list(self._registry.peers_of(subject))
        if sanction.kind_of_subject == DEVICE:
            return [peer for peer in self._registry if name_of_device(peer.author.device) == subject]
        network = subject.decode()
        return [peer for peer in self._registry if is_within(peer.session.path.address[0], network)]

    def _exclude(self, now: float, time_ms: int, effect: Exclude) -> None:
        account, durable = effect.account, self._durable
        peers = list(self._registry.entered(account)) if account else self._rooms.present(effect.room)
        for peer in peers:
            for room in [effect.room] if effect.room else sorted(peer.rooms):
                if room in peer.rooms:
                    refusal = why_not_join(durable, room, peer.key, peer.author.device, time_ms)
                    if refusal is not None:
                        self._remove(now, peer, room, effect.by, effect.why, refusal)

    def _remove(self, now: float, peer: Peer, room: str, by: str, why: str, refusal: Refusal) -> None:
        """A peer leaves a room, and is told so until it must have heard it."""
        self._rooms.part(now, peer, room, Reason.KICKED, by=by, why=why)
        peer.follows_from = peer.session.largest_received
        self._fanout.end(now, peer, room_log(room), encode(FollowRefused(room_log(room), *refusal)))
