"""The table of permissions through real clients on a lossy network: who may does, and who may not is told so.

tests/server/test_permission_table.py tries every role on every other in the server's core. Here each action is asked
for by who may just do it, and by the role below, of people who entered as anybody does and got their roles by acts.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from tests.sim.faults import JEPSEN
from tests.sim.nodes import ClientNode
from tests.sim.world import World
from udpchat.chat import events
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import PERMISSIONS, Action, Role
from udpchat.server.admission import Settings
from udpchat.session.noise import KeyPair
from udpchat.wire.content import BAN, MUTE, Act
from udpchat.wire.frames import parse_entry_untrusted
from udpchat.wire.requests import (
    INVITE,
    RELOAD,
    RESET,
    STOP,
    AddCode,
    Announce,
    Invite,
    Kick,
    Lift,
    Operate,
    RemoveAccount,
    RequestBody,
    Sanction,
    SetModes,
    SetRole,
)

DEN: Final = "den"
DIGEST: Final = b"d" * 16
HOST: Final = KeyPair(b"\x07" * 32)
ROOM_ACTS: Final[dict[Action, RequestBody]] = {
    Action.SET_MODES: SetModes(DEN, is_moderated=True),
    Action.SET_ROOM_ROLE: SetRole(DEN, "bob", Role.VOICE),
    Action.INVITE: Invite(DEN, "bob"),
    Action.KICK: Kick(DEN, "bob", "out"),
    Action.BAN: Sanction(DEN, BAN, "bob", 60, "out"),
    Action.UNBAN: Lift(DEN, BAN, "eve"),
    Action.MUTE: Sanction(DEN, MUTE, "bob", 60, "hush"),
    Action.UNMUTE: Lift(DEN, MUTE, "eve"),
}
SERVER_ACTS: Final[dict[Action, RequestBody]] = {
    Action.SERVER_KICK: Kick(None, "bob", "out"),
    Action.SERVER_BAN: Sanction(None, BAN, "bob", 60, "out"),
    Action.SERVER_UNBAN: Lift(None, BAN, "eve"),
    Action.SERVER_MUTE: Sanction(None, MUTE, "bob", 60, "hush"),
    Action.SERVER_UNMUTE: Lift(None, MUTE, "eve"),
    Action.SET_MODERATOR: SetRole(None, "bob", Role.MODERATOR),
    Action.SET_ADMIN: SetRole(None, "bob", Role.ADMIN),
    Action.SET_OWNER: SetRole(None, "bob", Role.OWNER),
    Action.ANNOUNCE: Announce("tea"),
    Action.ADD_INVITATION: AddCode(DIGEST, INVITE, None),
    Action.RESET_ACCOUNT: AddCode(DIGEST, RESET, "bob"),
    Action.REMOVE_ACCOUNT: RemoveAccount("bob"),
    Action.ERASE: RemoveAccount("bob", erases=True),
    Action.RELOAD: Operate(RELOAD),
    Action.STOP: Operate(STOP),
}
ACTS: Final = ROOM_ACTS | SERVER_ACTS


class Scene:
    """Alice, who acts; Bob, to whom it is done; Carol, who opened the room; Eve, who is banned; and the host."""

    def __init__(self, seed: int, role: Role) -> None:
        self.world = World(Random(seed), JEPSEN, settings=Settings(), host=HOST)
        self.carol = self.world.add_client("carol", rooms=("lobby", DEN))
        self._run(lambda: self.carol.is_in)
        self.carol.say("welcome", DEN)
        self.host = self.world.add_client("operator", rooms=(), static=HOST)
        self.eve = self.world.add_client("eve")
        self._run(lambda: self.host.core.is_entered and self.eve.is_in)
        self.alice, self.bob = (self.world.add_client(nick, rooms=("lobby", DEN)) for nick in ("alice", "bob"))
        self._run(lambda: self.alice.is_in and self.bob.is_in)
        for room in (DEN, None):
            for kind in (MUTE, BAN):
                self.ask(self.host, Sanction(room, kind, "eve"))
        if role == Role.INVITED:
            self.ask(self.host, Invite(DEN, "alice"))
        elif role != Role.MEMBER:
            self.ask(self.host, SetRole(DEN if role < Role.MODERATOR else None, "alice", role))

    def _run(self, until: Callable[[], bool]) -> None:
        self.world.run_until(until, limit_s=60)

    def ask(self, client: ClientNode, request: RequestBody) -> None:
        client.core.ask(self.world.now, request)
        self.world.drain(client)
        self._run(lambda: client.core.is_idle)

    def acts(self) -> list[Act]:
        log = self.world.server.log
        entries = map(parse_entry_untrusted, log.read(AUDIT_LOG, 1, log.extent(AUDIT_LOG).head))
        return [entry for entry in entries if isinstance(entry, Act)]


def below(action: Action) -> Role:
    """The role below the least that an action needs, where it is done."""
    role = Role(PERMISSIONS[action].least - 1)
    return role if action in ROOM_ACTS or role >= Role.MODERATOR else Role.MEMBER


@pytest.mark.parametrize("action", [*ACTS], ids=str)
def test_who_may_does_it_and_is_in_the_audit(action: Action) -> None:
    scene = Scene(len(action), PERMISSIONS[action].least)
    before = len(scene.acts())
    scene.ask(scene.alice, ACTS[action])
    (act,) = scene.acts()[before:]
    assert (act.action, act.by) == (action.value, "alice")
    assert not [event for event in scene.alice.events if isinstance(event, events.Error)]


@pytest.mark.parametrize("action", [*ACTS], ids=str)
def test_who_may_not_is_told_so_and_nothing_changes(action: Action) -> None:
    scene = Scene(len(action), below(action))
    before = scene.world.server.mark()
    scene.ask(scene.alice, ACTS[action])
    errors = [event for event in scene.alice.events if isinstance(event, events.Error)]
    assert [(each.key, each.values) for each in errors] == [("not_allowed.role", {"action": action.value})]
    after = scene.world.server.mark()
    assert {log: after[log] for log in before if log[0] != "~"} == {log: before[log] for log in before if log[0] != "~"}


def test_who_is_kicked_or_banned_from_a_room_knows_even_if_it_is_told_with_loss() -> None:
    for seed in range(5):
        scene = Scene(seed, Role.OPERATOR)
        scene.ask(scene.alice, Sanction(DEN, BAN, "bob", 3_600, "out"))
        scene.carol.say("is he gone?", DEN)
        scene.world.run(40.0)
        assert "is he gone?" not in scene.bob.texts(DEN)
        left = [event for event in scene.carol.events if isinstance(event, events.MemberLeft) and event.nick == "bob"]
        assert [(event.room, event.reason) for event in left] == [(DEN, "kicked")]
        assert DEN not in scene.world.server.core.chat.registry.entered(scene.bob.static.public)[0].rooms
