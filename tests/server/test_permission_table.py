"""The table of permissions, tried on a server: every action, by every role, on people of every role (SPEC 6.11).

What the table allows is done, and is one entry of the audit; what it does not is refused, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final

import pytest

from tests.server.rig import Rig
from tests.storage.memory import MemoryLog
from udpchat.chat.ids import AUDIT_LOG, DIRECTORY_LOG
from udpchat.chat.permissions import PERMISSIONS, Action, Role, may
from udpchat.server.admission import Settings
from udpchat.server.registry import Peer
from udpchat.server.request_handlers import HANDLERS
from udpchat.server.settle_order import LIFTED, MADE, Deed, OrderRequest
from udpchat.session.noise import fingerprint
from udpchat.sync.log import Append
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    MUTE,
    REDACTION,
    AccountRecord,
    Act,
    Claim,
    Device,
    Extra,
    Message,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
)
from udpchat.wire.frames import encode
from udpchat.wire.requests import (
    INVITE,
    RELOAD,
    RESET,
    STATUS,
    STOP,
    AddCode,
    Announce,
    Done,
    Failed,
    GetHistory,
    Invite,
    Kick,
    Lift,
    ListAccounts,
    ListDevices,
    ListPeers,
    ListSanctions,
    Operate,
    RemoveAccount,
    Report,
    RequestBody,
    Sanction,
    Say,
    SetModes,
    SetRole,
    SetTopic,
    Stored,
)

ROOM: Final = "den"
ACTOR, SUBJECT, VILLAIN, HOST_KEY = b"a" * 32, b"s" * 32, b"v" * 32, b"h" * 32
DIGEST: Final = b"d" * 16
# Of these the table says who may, but they are no acts: what somebody else reads, or what only the own messages need.
UNRECORDED: Final = frozenset({
    Action.SPEAK, Action.JOIN, Action.HURRY, Action.SET_TOPIC, Action.LIST_SANCTIONS, Action.SERVER_LIST_SANCTIONS,
    Action.READ_AUDIT, Action.LIST_PEERS, Action.LIST_ACCOUNTS, Action.LIST_DEVICES, Action.STATUS,
})  # fmt: skip
BY_FINGERPRINT: Final = (Action.BAN, Action.MUTE, Action.SERVER_BAN, Action.SERVER_MUTE)  # so the host can be meant too
MODES: Final = {
    Action.SPEAK: Modes(is_moderated=True),
    Action.JOIN: Modes(is_invite_only=True),
    Action.HURRY: Modes(slow_s=60),
    Action.SET_TOPIC: Modes(is_topic_locked=True),
}


def key_of(role: Role, key: bytes) -> bytes:
    return HOST_KEY if role == Role.HOST else key


def records_of(action: Action, *people: tuple[bytes, str, Role]) -> list[Record]:
    """A room with these people and their roles, and a villain who is banned and mute everywhere."""
    found: list[Record] = [RoomRecord(ROOM, b"f" * 32, MODES.get(action, Modes())), Claim("villain", VILLAIN, 1, True)]
    found += [
        SanctionRecord(kind, room, ACCOUNT, VILLAIN, "villain", "somebody", "", 1)
        for kind in (BAN, MUTE) for room in (ROOM, "")
    ]  # fmt: skip
    for key, nick, role in people:
        if role == Role.HOST:
            continue
        found.append(Claim(nick, key, 1, True))
        if role >= Role.MODERATOR:
            found.append(AccountRecord(key, (Device(key, 0),), role=role))
        elif role > Role.MEMBER:
            found.append(RoleRecord(ROOM, key, role))
    return found


class Case:
    """One who acts, and one who it is done to."""

    def __init__(self, action: Action, actor: Role, subject: Role) -> None:
        log = MemoryLog()
        people = ((ACTOR, "actor", actor), (SUBJECT, "subject", subject))
        written = records_of(action, *people)
        log.append([Append(DIRECTORY_LOG, at, encode(record), None) for at, record in enumerate(written, 1)])
        self.rig = Rig(log, Settings(host=HOST_KEY))
        self.action = action
        rooms = () if action == Action.JOIN else (ROOM,)
        self.actor = self._enter("actor", ACTOR, actor, *rooms)
        self.subject = self._enter("subject", SUBJECT, subject, *rooms) if subject != Role.HOST else None
        self.host = subject == Role.HOST

    def _enter(self, nick: str, key: bytes, role: Role, *rooms: str) -> Peer:
        is_host = role == Role.HOST
        return self.rig.device("operator" if is_host else nick, *(() if is_host else rooms), key=key_of(role, key))

    @property
    def named(self) -> str:
        """How a sanction means the subject."""
        return f"#{fingerprint(HOST_KEY)}" if self.host else "subject"

    def done(self, peer: Peer, request: RequestBody) -> object:
        counter = self.rig.ask(peer, request)
        for errand in self.rig.server.drain_errands():
            self.rig.server.reported(self.rig.now, errand, Report([]))
        self.rig.write()
        return self.rig.result(peer, counter)

    def said(self) -> Say:
        """The redaction of what the subject says."""
        assert self.subject is not None
        self.done(self.subject, Say(ROOM, 0, "x"))
        message = self.rig.entry("#" + ROOM, 1)
        assert isinstance(message, Message)
        return Say(ROOM, REDACTION, "out of place", Extra(message.id, b"", 1))

    def acts(self) -> list[Act]:
        log = self.rig.log
        found = [self.rig.entry(AUDIT_LOG, at) for at in range(1, log.extent(AUDIT_LOG).head + 1)]
        return [each for each in found if isinstance(each, Act)]

    def heads(self) -> dict[str, int]:
        return {name: self.rig.log.extent(name).head for name in self.rig.log.logs()}


REQUESTS: Final[dict[Action, Callable[[Case], RequestBody]]] = {
    Action.SPEAK: lambda case: Say(ROOM, 0, "hi"),
    Action.HURRY: lambda case: Say(ROOM, 0, "hi"),
    Action.SET_TOPIC: lambda case: SetTopic(ROOM, "tea"),
    Action.SET_MODES: lambda case: SetModes(ROOM, is_moderated=True),
    Action.SET_ROOM_ROLE: lambda case: SetRole(ROOM, "subject", Role.VOICE),
    Action.INVITE: lambda case: Invite(ROOM, "subject"),
    Action.REDACT: lambda case: case.said(),
    Action.KICK: lambda case: Kick(ROOM, "subject", "out"),
    Action.BAN: lambda case: Sanction(ROOM, BAN, case.named, 60, "out"),
    Action.UNBAN: lambda case: Lift(ROOM, BAN, "villain"),
    Action.MUTE: lambda case: Sanction(ROOM, MUTE, case.named, 60, "hush"),
    Action.UNMUTE: lambda case: Lift(ROOM, MUTE, "villain"),
    Action.LIST_SANCTIONS: lambda case: ListSanctions(ROOM),
    Action.SERVER_KICK: lambda case: Kick(None, "subject", "out"),
    Action.SERVER_BAN: lambda case: Sanction(None, BAN, case.named, 60, "out"),
    Action.SERVER_UNBAN: lambda case: Lift(None, BAN, "villain"),
    Action.SERVER_MUTE: lambda case: Sanction(None, MUTE, case.named, 60, "hush"),
    Action.SERVER_UNMUTE: lambda case: Lift(None, MUTE, "villain"),
    Action.SERVER_LIST_SANCTIONS: lambda case: ListSanctions(None),
    Action.SET_MODERATOR: lambda case: SetRole(None, "subject", Role.MODERATOR),
    Action.SET_ADMIN: lambda case: SetRole(None, "subject", Role.ADMIN),
    Action.SET_OWNER: lambda case: SetRole(None, "subject", Role.OWNER),
    Action.ANNOUNCE: lambda case: Announce("tea is ready"),
    Action.ADD_INVITATION: lambda case: AddCode(DIGEST, INVITE),
    Action.READ_AUDIT: lambda case: GetHistory(AUDIT_LOG, None, None, 10),
    Action.LIST_PEERS: lambda case: ListPeers(),
    Action.LIST_ACCOUNTS: lambda case: ListAccounts(),
    Action.LIST_DEVICES: lambda case: ListDevices("subject"),
    Action.RESET_ACCOUNT: lambda case: AddCode(DIGEST, RESET, "subject"),
    Action.REMOVE_ACCOUNT: lambda case: RemoveAccount("subject"),
    Action.ERASE: lambda case: RemoveAccount("subject", True),
    Action.STATUS: lambda case: Operate(STATUS),
    Action.RELOAD: lambda case: Operate(RELOAD),
    Action.STOP: lambda case: Operate(STOP),
}
IN_ROOM: Final = frozenset(
    action for action in REQUESTS if getattr(REQUESTS[action](Case(action, Role.MEMBER, Role.MEMBER)), "room", None)
)
GIVEN: Final = {Action.SET_MODERATOR: Role.MODERATOR, Action.SET_ADMIN: Role.ADMIN, Action.SET_OWNER: Role.OWNER}


def there(action: Action, role: Role) -> Role:
    """The role that counts: what somebody is in a room does not on the server."""
    return role if action in IN_ROOM or role >= Role.MODERATOR else Role.MEMBER


def needed(action: Action, subject: Role) -> Action:
    """To take a role takes as much as to give it."""
    if action not in GIVEN:
        return action
    higher = max(GIVEN[action], there(action, subject))
    return next(each for each, role in GIVEN.items() if role == higher)


def test_every_action_of_the_table_is_tried() -> None:
    assert set(REQUESTS) | {Action.JOIN} == set(PERMISSIONS) == set(Action)


def test_the_table_names_all_that_handlers_and_settlers_of_acts_do() -> None:
    named = {action for handler in HANDLERS.values() for action in handler.actions}
    assert named | {Action.JOIN} == set(PERMISSIONS)
    for kind in OrderRequest.__args__:
        handler = HANDLERS[kind]
        assert handler.actions and handler.is_written, f"{kind.__name__} needs no action of the table"
    assert set(MADE.values()) | set(LIFTED.values()) <= set(PERMISSIONS)


@pytest.mark.parametrize("action", [*REQUESTS], ids=str)
def test_who_may_does_and_who_may_not_does_not(action: Action) -> None:
    for actor, subject in product(Role, Role):
        if subject == Role.HOST and action not in BY_FINGERPRINT:
            continue  # it has no nick that anybody could name
        if actor == Role.HOST and action in (Action.SPEAK, Action.HURRY, Action.SET_TOPIC, Action.REDACT):
            continue  # it is in no room, and says nothing
        if actor == subject == Role.HOST:
            continue  # there is one
        check(Case(action, actor, subject), actor, subject)


def check(case: Case, actor: Role, subject: Role) -> None:
    action = needed(case.action, subject)
    request = REQUESTS[case.action](case)
    if action == Action.HURRY:
        assert isinstance(case.done(case.actor, request), Stored)
    before, acts = case.heads(), case.acts()
    result = case.done(case.actor, request)
    mine, theirs = there(action, actor), there(action, subject)
    what = f"{action} by {actor.name} on {subject.name}: {result}"
    if not may(action, mine):
        expected = {Action.SPEAK: "not_allowed.moderated", Action.HURRY: "too_fast.wait"}.get(action)
        assert isinstance(result, Failed), what
        assert result == Failed("not_allowed.role", (action.value,)) or result.code == expected, what
    elif not may(action, mine, theirs):
        assert result == Failed("not_allowed.outranked", (case.named,)), what
    else:
        assert not isinstance(result, Failed), what
        added = case.acts()[len(acts) :]
        assert [each.action for each in added] == ([] if action in UNRECORDED else [action.value]), what
        assert all(each.user == case.actor.author.user and each.by == case.actor.nick for each in added), what
        if PERMISSIONS[action].outranks:
            assert added[0].subject == case.named, what
        return
    assert case.heads() == before, what


@pytest.mark.parametrize("role", list(Role)[:-1], ids=lambda role: role.name)
def test_who_may_joins_an_invite_only_room(role: Role) -> None:
    case = Case(Action.JOIN, role, Role.MEMBER)
    case.rig.follow(case.actor, "#" + ROOM)
    case.rig.settle()
    assert (ROOM in case.actor.rooms) == may(Action.JOIN, role)


@pytest.mark.parametrize("action", [each for each in REQUESTS if PERMISSIONS[each].outranks], ids=str)
def test_what_is_done_to_oneself_needs_no_higher_role_but_nobody_kicks_bans_or_mutes_themselves(action: Action) -> None:
    for role in (Role.OPERATOR, Role.MODERATOR, Role.ADMIN, Role.OWNER):
        case = Case(action, role, Role.MEMBER)
        request = REQUESTS[action](case)
        if isinstance(request, Say):
            continue  # to remove what one said oneself is no act
        field = "subject" if isinstance(request, Sanction) else "nick"
        before = case.heads()
        result = case.done(case.actor, request.changed(**{field: "actor"}))
        if not may(needed(action, role), there(action, role)):
            assert result == Failed("not_allowed.role", (needed(action, role).value,))
        elif isinstance(request, Sanction | Kick):
            assert result == Failed("bad_subject", ("actor",)) and case.heads() == before
        else:
            assert result == Done() or result is None, "its own session ended"


def test_a_deed_is_settled_by_what_the_table_says_and_by_nothing_else() -> None:
    assert {kind.__name__ for kind in OrderRequest.__args__} == {
        kind.__name__ for kind, handler in HANDLERS.items() if handler.handle.__module__.endswith("order_handlers")
        and handler.is_written
    }  # fmt: skip
    assert Deed.__struct_fields__ == ("request", "present")
