"""Acts of order, settled: who may do what to whom, and what is written of it (SPEC 6.11).

Each act is allowed by the table of `chat.permissions`, or refused with one code and nothing written. One that is
allowed is recorded in `!audit` in the same settlement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from udpchat.chat.ids import AUDIT_LOG, DIRECTORY_LOG, inbox_log
from udpchat.chat.permissions import ROOM_ROLES, SERVER_ROLES, Action, Role, may
from udpchat.server.access import Refused
from udpchat.server.order import SERVER, name_of_device
from udpchat.server.proposals import (
    ActionProposal,
    Announcement,
    Decision,
    Effect,
    Entries,
    Exclude,
    FollowPrivate,
    KickOut,
    Outcome,
    ShutOut,
    answered,
    records,
)
from udpchat.server.state import State
from udpchat.server.subjects import Subject, found_sanction, person, subject_of
from udpchat.session.noise import user_id
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    MUTE,
    NETWORK,
    Act,
    Announced,
    Invited,
    Modes,
    ModesSet,
    Record,
    RoleRecord,
    RoleSet,
    RoomRecord,
    SanctionRecord,
    SanctionSet,
)
from udpchat.wire.limits import (
    LOG_ENTRIES_MAX,
    OPERATORS_PER_ROOM_MAX,
    ROLES_MAX,
    SANCTIONS_MAX,
    SANCTIONS_OF_SERVER_MAX,
    SANCTIONS_PER_ROOM_MAX,
    STORED_ROOMS_MAX,
    TOPIC_BYTES_MAX,
)
from udpchat.wire.requests import Announce, Done, Invite, Kick, Lift, Sanction, SetModes, SetRole

DROPPED_MAX: Final = 2  # sanctions whose time is over, for each new one where there are many
MADE: Final = {  # by kind of sanction, and whether it is on the whole server
    (BAN, False): Action.BAN, (BAN, True): Action.SERVER_BAN,
    (MUTE, False): Action.MUTE, (MUTE, True): Action.SERVER_MUTE,
}  # fmt: skip
LIFTED: Final = {
    (BAN, False): Action.UNBAN, (BAN, True): Action.SERVER_UNBAN,
    (MUTE, False): Action.UNMUTE, (MUTE, True): Action.SERVER_UNMUTE,
}  # fmt: skip
_OF_SERVER_ROLE: Final = {
    Role.MODERATOR: Action.SET_MODERATOR, Role.ADMIN: Action.SET_ADMIN, Role.OWNER: Action.SET_OWNER,
}  # fmt: skip

OrderRequest = SetRole | SetModes | Invite | Kick | Sanction | Lift | Announce


class Deed(Decision, frozen=True):
    """An act of order. `present`: of SetModes, the accounts in the room; of Kick, the account, if it is there."""

    request: OrderRequest
    present: tuple[bytes, ...] = ()


def settle_deed(state: State, proposal: ActionProposal, deed: Deed) -> Outcome:
    """The outcome of an act of order. `Refused` if its author may not."""
    return _SETTLERS[type(deed.request)](state, proposal, deed.request, deed.present)


# --- For other settlers ----------


def need(
    state: State, proposal: ActionProposal, action: Action, room: str = SERVER, subject: Subject | None = None
) -> None:
    """`Refused` if its author may not do this, in a room or on the server, to a person."""
    author = proposal.author.key
    actor = state.role(author, room, proposal.opener)
    if not may(action, actor):
        raise Refused("not_allowed.role", action.value)
    if subject is None or not subject.account or subject.account == author:
        return
    if not may(action, actor, state.role(subject.account, room, proposal.opener)):
        raise Refused("not_allowed.outranked", subject.shown)


def recorded(
    state: State,
    proposal: ActionProposal,
    action: Action,
    *,
    room: str = SERVER,
    subject: str = "",
    detail: str = "",
    reason: str = "",
) -> Entries:
    """The entry of `!audit` for an act that is allowed. As the last of a settlement, it records the request."""
    author = proposal.author
    act = Act(proposal.time_ms, proposal.nick, author.user, action.value, room, subject, detail, reason)
    return [(AUDIT_LOG, state.head(AUDIT_LOG) + 1, act)]


def founding(state: State, room: str, opener: bytes) -> list[Record]:
    """The records that a room begins with: who opened it, as its founder and operator."""
    order = state.order
    if not opener or order.room(room) is not None or order.room_count >= STORED_ROOMS_MAX:
        return []
    founded = [RoomRecord(room, opener), *_role(state, room, opener, Role.OPERATOR)]
    has_place = state.head(DIRECTORY_LOG) + len(founded) < LOG_ENTRIES_MAX  # else people still talk there
    return founded if has_place else []


def _role(state: State, room: str, account: bytes, role: Role) -> list[Record]:
    """The record of a role in a room, unless it is so."""
    is_so = state.order.roles(room).get(account, Role.MEMBER) == role
    return [] if is_so else [RoleRecord(room, account, role)]


def _begun(state: State, proposal: ActionProposal, room: str) -> list[Record]:
    """The records that a room gets before its first act. `Refused` if there are too many rooms."""
    if not room or state.order.room(room) is not None:
        return []
    if state.order.room_count >= STORED_ROOMS_MAX:
        raise Refused("too_many_rooms")
    return founding(state, room, proposal.opener) or [RoomRecord(room, b"")]


def _need_places(state: State, room: str, accounts: int) -> None:
    """`Refused` if not so many more may have a role in a room. Places of those who open rooms are nobody else's."""
    of_room = len(state.order.roles(room)) + accounts
    if of_room > OPERATORS_PER_ROOM_MAX or state.order.role_count + accounts > ROLES_MAX - STORED_ROOMS_MAX:
        raise Refused("too_many_roles")


# --- The acts ----------

_Present = tuple[bytes, ...]


def _set_role(state: State, proposal: ActionProposal, request: SetRole, present: _Present) -> Outcome:
    room = request.room or SERVER
    if request.role not in (ROOM_ROLES if room else SERVER_ROLES):
        raise Refused("bad_role", str(request.role))
    role, claim = Role(request.role), state.claims.owner(request.nick)
    action = Action.SET_ROOM_ROLE
    if not room:
        former = state.accounts.role(claim.key) if claim is not None else Role.MEMBER
        action = _OF_SERVER_ROLE[max(former, role, Role.MODERATOR)]
    need(state, proposal, action, room)
    subject = person(state, request.nick)
    need(state, proposal, action, room, subject)
    account = subject.account
    written = _begun(state, proposal, room)
    if not room:
        written = [state.accounts.get(account).changed(role=role)]
    elif account not in state.order.roles(room) and role:
        _need_places(state, room, 1)
    if room:
        written = [*written, RoleRecord(room, account, role)]
    act = recorded(state, proposal, action, room=room, subject=subject.shown, detail=role.name.lower())
    shown = Announcement(room, RoleSet(subject.shown, user_id(account), role, proposal.nick))
    effects: list[Effect] = [shown, Exclude(room, account, proposal.nick), answered(proposal, Done())]
    return [*records(state, *written), *act], effects


def _set_modes(state: State, proposal: ActionProposal, request: SetModes, present: _Present) -> Outcome:
    room, order = request.room, state.order
    need(state, proposal, Action.SET_MODES, room)
    begun, former = _begun(state, proposal, room), order.modes(room)
    changes = {name: value for name in Modes.__struct_fields__ if (value := getattr(request, name)) is not None}
    modes = former.changed(**changes)
    invited: list[bytes] = []
    if modes.is_invite_only and not former.is_invite_only:
        roles = {account: state.role(account, room, proposal.opener) for account in present}
        invited = [account for account in roles if not may(Action.JOIN, roles[account])]
        _need_places(state, room, len(invited))
    record = order.room(room)
    founder = record.founder if record is not None else proposal.opener
    written = [RoomRecord(room, founder, modes), *begun[1:]]
    written += [RoleRecord(room, account, Role.INVITED) for account in invited]
    act = recorded(state, proposal, Action.SET_MODES, room=room, detail=shown_modes(changes))
    effects: list[Effect] = [Announcement(room, ModesSet(modes, proposal.nick))]
    if modes.is_invite_only:
        effects.append(Exclude(room, b"", proposal.nick))
    return [*records(state, *written), *act], [*effects, answered(proposal, Done())]


def shown_modes(changes: Mapping[str, int]) -> str:
    """Changes of modes, as a person writes them: `+moderated slow=30`."""
    shown = []
    for name, value in changes.items():
        bare = name.removeprefix("is_").removesuffix("_s")
        shown.append(f"{bare}={value}" if name.endswith("_s") else f"{'+' if value else '-'}{bare}")
    return " ".join(shown)


def _invite(state: State, proposal: ActionProposal, request: Invite, present: _Present) -> Outcome:
    room = request.room
    need(state, proposal, Action.INVITE, room)
    subject = person(state, request.nick)
    account, begun = subject.account, _begun(state, proposal, room)
    act = recorded(state, proposal, Action.INVITE, room=room, subject=subject.shown)
    if state.order.role(room, account, proposal.opener) >= Role.INVITED:  # they were told before
        return [*records(state, *begun), *act], [answered(proposal, Done())]
    _need_places(state, room, 1)
    entries = records(state, *begun, RoleRecord(room, account, Role.INVITED))
    effects: list[Effect] = [answered(proposal, Done())]
    inbox = inbox_log(account)
    head = state.head(inbox)
    if head or state.may_begin(inbox):
        entries.append((inbox, head + 1, Invited(room, proposal.nick, proposal.time_ms)))
        effects.insert(0, FollowPrivate(inbox, (account,)))
    return [*entries, *act], effects


def _kick(state: State, proposal: ActionProposal, request: Kick, present: _Present) -> Outcome:
    room = request.room or SERVER
    action = Action.KICK if room else Action.SERVER_KICK
    need(state, proposal, action, room)
    subject = person(state, request.nick)
    need(state, proposal, action, room, subject)
    if subject.account == proposal.author.key:
        raise Refused("bad_subject", subject.shown)
    if subject.account not in present:
        raise Refused("no_such_nick.here", subject.shown)
    act = recorded(state, proposal, action, room=room, subject=subject.shown, reason=request.reason)
    kicked = KickOut(room, subject.account, proposal.nick, request.reason)
    return [*records(state, *_begun(state, proposal, room)), *act], [kicked, answered(proposal, Done())]


def _sanction(state: State, proposal: ActionProposal, request: Sanction, present: _Present) -> Outcome:
    room, kind, time_ms = request.room or SERVER, request.kind, proposal.time_ms
    action = MADE[kind, not room]
    need(state, proposal, action, room)
    subject = subject_of(state, room, request.subject)
    need(state, proposal, action, room, subject)
    if subject.account == proposal.author.key or subject.name == name_of_device(proposal.author.device):
        raise Refused("bad_subject", subject.shown)
    begun = _begun(state, proposal, room)
    dropped = _dropped(state, room, kind, subject, time_ms)
    made = SanctionRecord(
        kind,
        room,
        subject.kind,
        subject.name,
        subject.shown,
        proposal.nick,
        request.reason,
        time_ms,
        time_ms + 1000 * request.for_s if request.for_s else 0,
    )
    act = recorded(
        state, proposal, action, room=room, subject=subject.shown, detail=str(request.for_s), reason=request.reason
    )
    effects = [*_announced(made), answered(proposal, Done())]
    if kind == BAN:
        account = subject.account if subject.kind == ACCOUNT else b""
        effects.insert(0, Exclude(room, account, proposal.nick, request.reason) if room else ShutOut(made))
    return [*records(state, *begun, *dropped, made), *act], effects


def _dropped(state: State, room: str, kind: int, subject: Subject, time_ms: int) -> list[Record]:
    """The records that drop some sanctions whose time is over, if there is no place else. `Refused` if there are none.

    Those in rooms take no place from those on the server.
    """
    order = state.order
    count = order.sanction_count_of(room)
    is_full = count >= (SANCTIONS_PER_ROOM_MAX if room else SANCTIONS_OF_SERVER_MAX)
    if order.find(kind, room, subject.kind, subject.name) is not None:
        return []
    if not is_full and (not room or order.sanction_count < SANCTIONS_MAX):
        return []
    over = order.over(room if is_full else None, time_ms, DROPPED_MAX)
    if not over:
        raise Refused("too_many_sanctions")
    return [each.changed(is_lifted=True) for each in over]


def _announced(sanction: SanctionRecord) -> list[Effect]:
    """What others see of a sanction: an address, only those who may list them."""
    if sanction.kind_of_subject == NETWORK:
        return []
    by, reason, until_ms = sanction.by, sanction.reason, sanction.until_ms
    entry = SanctionSet(sanction.kind, sanction.shown, by, reason, until_ms, sanction.is_lifted)
    return [Announcement(sanction.room, entry)]


def _lift(state: State, proposal: ActionProposal, request: Lift, present: _Present) -> Outcome:
    room = request.room or SERVER
    action = LIFTED[request.kind, not room]
    need(state, proposal, action, room)
    found = found_sanction(state, request.kind, room, request.subject, proposal.time_ms)
    if found is None:
        raise Refused("no_such_sanction", request.subject)
    lifted = found.changed(is_lifted=True, by=proposal.nick, reason="", made_ms=proposal.time_ms, until_ms=0)
    act = recorded(state, proposal, action, room=room, subject=found.shown)
    return [*records(state, lifted), *act], [*_announced(lifted), answered(proposal, Done())]


def _announce(state: State, proposal: ActionProposal, request: Announce, present: _Present) -> Outcome:
    need(state, proposal, Action.ANNOUNCE)
    act = recorded(state, proposal, Action.ANNOUNCE, detail=request.text[:TOPIC_BYTES_MAX])
    return act, [Announcement(SERVER, Announced(request.text, proposal.nick)), answered(proposal, Done())]


_SETTLERS: dict[type[OrderRequest], Callable[[State, ActionProposal, Any, _Present], Outcome]] = {
    SetRole: _set_role,
    SetModes: _set_modes,
    Invite: _invite,
    Kick: _kick,
    Sanction: _sanction,
    Lift: _lift,
    Announce: _announce,
}
