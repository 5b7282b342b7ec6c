"""Settling what concerns accounts: who may enter as whom, passwords, codes, devices, removal (SPEC 6.10).

Like all of `settle`, each is a pure function of the state that it settles in, so that a code serves once, and a device
that was revoked can do nothing after it, in whichever batch both come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from udpchat.chat.ids import inbox_log
from udpchat.chat.names import skeleton
from udpchat.chat.permissions import Action, Role
from udpchat.server import proposals
from udpchat.server.access import Refused
from udpchat.server.claims import GIVEN_BACK_MAX, NOBODY
from udpchat.server.proposals import (
    ActionProposal,
    ChangeTopic,
    CodeProof,
    Decision,
    Effect,
    EndSessions,
    EnterProposal,
    Entries,
    FollowPrivate,
    ForgetNicks,
    Outcome,
    PasswordProof,
    answered,
    records,
)
from udpchat.server.settle_order import need, recorded
from udpchat.server.state import State
from udpchat.server.subjects import person
from udpchat.session.noise import fingerprint
from udpchat.sync.log import RequestId
from udpchat.wire.content import AccountRecord, Claim, CodeRecord, Device, Record, TopicRecord
from udpchat.wire.fields import Value
from udpchat.wire.limits import (
    CODES_MAX,
    CODES_PER_ACCOUNT_MAX,
    DEVICES_PER_ACCOUNT_MAX,
    INVITATION_S,
    LINK_CODE_S,
    LINK_CODES_SHARE,
)
from udpchat.wire.requests import INVITE, LINK, AcceptFrom, AddCode, Done, RemoveAccount, RevokeDevice

NO_CODE: Final = "wrong_password.code"

# --- Entering ----------


class Entrant(Value, frozen=True):
    """Whom a device enters as: the account, the records that make it a device of that, and whether it was invited."""

    account: bytes
    records: tuple[Record, ...] = ()
    is_invited: bool = False


def entrant(state: State, proposal: EnterProposal) -> Entrant:
    """Whom a device may enter as, with what it has shown. `Refused` if nobody."""
    author, proof = proposal.author, proposal.proof
    held = state.claims.owner(proposal.nick)
    is_revoked = state.accounts.is_revoked(author.device)
    if proof is None or (held is not None and held.key == author.key and not is_revoked):
        if is_revoked:
            raise Refused("key_revoked")
        return Entrant(author.key)
    if isinstance(proof, PasswordProof):
        account = state.accounts.get(proof.account)
        if held is None or held.key != account.account or account.password != proof.phc:  # it was changed meanwhile
            raise Refused("wrong_password")
        return _joined(state, proposal, account.account)
    return _with_code(state, proposal, proof)


def _with_code(state: State, proposal: EnterProposal, proof: CodeProof) -> Entrant:
    code = state.accounts.code(proof.digest, proposal.time_ms)
    if code is None:
        raise Refused(NO_CODE)
    used = code.changed(is_used=True)
    held = state.claims.owner(proposal.nick)
    if code.account:
        if held is None or held.key != code.account:
            raise Refused(NO_CODE)
        joined = _joined(state, proposal, code.account)
        return joined.changed(records=(*joined.records, used))
    if code.nick and skeleton(code.nick) != skeleton(proposal.nick):
        raise Refused(NO_CODE)
    if state.accounts.is_revoked(proposal.author.device):
        raise Refused("key_revoked")
    return Entrant(proposal.author.key, (used,), is_invited=True)


def _joined(state: State, proposal: EnterProposal, account: bytes) -> Entrant:
    """The device becomes one of this account. It leaves another only if it was revoked there."""
    device, accounts = proposal.author.device, state.accounts
    record, made = accounts.get(account), []
    former = accounts.account_of(device)
    if former != account:
        is_free = _is_bare(state, device) if device == former else accounts.is_revoked(device)
        if not is_free:
            raise Refused("not_allowed.device")
        if device != former:
            left = accounts.get(former)
            made.append(left.changed(devices=tuple(each for each in left.devices if each.key != device)))
    others = tuple(each for each in record.devices if each.key != device)
    if sum(not each.revoked_ms for each in others) >= DEVICES_PER_ACCOUNT_MAX:
        raise Refused("too_many_devices.account", str(DEVICES_PER_ACCOUNT_MAX))
    devices = _remembered(account, (*others, Device(device, proposal.time_ms)))
    return Entrant(account, (*made, record.changed(devices=devices)))


def _is_bare(state: State, key: bytes) -> bool:
    """Whether a key is no account yet: nothing is owned by it, nor was ever written of it."""
    return key not in state.accounts and not state.claims.count_of(key) and not state.conversations(key)


def _remembered(account: bytes, devices: tuple[Device, ...]) -> tuple[Device, ...]:
    """All that are valid, and the latest that were revoked; the one that the account is named by is never forgotten,
    or it would be taken for the owner again."""
    revoked = [each for each in devices if each.revoked_ms and each.key != account]
    surplus = {each.key for each in sorted(revoked, key=lambda each: each.revoked_ms)[:-DEVICES_PER_ACCOUNT_MAX]}
    return tuple(each for each in devices if each.key not in surplus)


def may_claim_closed(state: State, account: bytes) -> bool:
    """Whether an account may claim a nick where accounts are closed: it has one already, or a role."""
    return state.claims.count_of(account) > 0 or state.accounts.role(account) > Role.MEMBER


def told_failures(state: State, proposal: EnterProposal, account: bytes) -> tuple[Entries, list[Effect]]:
    """The entry of the inbox that tells the owner which logins failed."""
    log = inbox_log(account)
    head = state.head(log)
    if proposal.failures is None or not (head or state.may_begin(log)):
        return [], []
    return [(log, head + 1, proposal.failures)], [FollowPrivate(log, (account,))]


# --- Requests of the owner ----------


class KeepPassword(Decision, frozen=True):
    """Set the password, of which this is the PHC string; empty: there is none any more."""

    phc: str


def _keep_password(state: State, proposal: ActionProposal, action: KeepPassword) -> Outcome:
    record = state.accounts.get(proposal.author.key).changed(password=action.phc, set_on=proposal.author.device)
    return records(state, record), [answered(proposal, Done())]


def _revoke(state: State, proposal: ActionProposal, request: RevokeDevice) -> Outcome:
    wanted = request.fingerprint.lower().removeprefix("#")
    record = state.accounts.get(proposal.author.key)
    valid = [each for each in record.devices if not each.revoked_ms]
    found = [each.key for each in valid if fingerprint(each.key).startswith(wanted)]
    if len(found) != 1 or not wanted:
        raise Refused("no_such_device", request.fingerprint)
    if len(valid) == 1 and not record.password:
        raise Refused("not_allowed.last_device")
    # Who has a stolen device may have asked for a code there, or set a password.
    codes = [code.changed(is_used=True) for code in state.accounts.codes() if code.account == record.account]
    revoked = _revoked(record, proposal.time_ms, found[0])
    if found[0] == record.set_on != proposal.author.device:
        revoked = revoked.changed(password="")
    ends = _ending(proposal, record.account, found[0])
    return records(state, *codes, revoked), [answered(proposal, Done()), ends]


def _ending(proposal: ActionProposal, account: bytes, *devices: bytes) -> EndSessions:
    """The effect that ends the sessions of devices that were revoked."""
    return EndSessions(account, devices, "key_revoked", RequestId(proposal.author.client_id, proposal.counter))


def _revoked(record: AccountRecord, time_ms: int, *keys: bytes) -> AccountRecord:
    """The record once these devices were revoked."""
    devices = tuple(
        each.changed(revoked_ms=max(time_ms, 1)) if each.key in keys and not each.revoked_ms else each
        for each in record.devices
    )
    return record.changed(devices=_remembered(record.account, devices))


def _accept(state: State, proposal: ActionProposal, request: AcceptFrom) -> Outcome:
    record = state.accounts.get(proposal.author.key).changed(is_for_contacts=request.is_for_contacts)
    return records(state, record), [answered(proposal, Done())]


# --- Codes ----------


def _keep_code(state: State, proposal: ActionProposal, request: AddCode) -> Outcome:
    time_ms = proposal.time_ms
    valid = [code for code in state.accounts.codes() if time_ms < code.expires_ms]
    over = [code for code in state.accounts.codes() if time_ms >= code.expires_ms][:GIVEN_BACK_MAX]
    freed = [code.changed(is_used=True) for code in over]
    codes_max = CODES_MAX * LINK_CODES_SHARE if request.purpose == LINK else CODES_MAX
    if len(valid) >= codes_max or any(code.digest == request.digest for code in valid):
        raise Refused("too_many_codes")
    if request.purpose == INVITE:
        return _invite(state, proposal, request, freed)
    account = proposal.author.key
    made: list[Record] = [*freed]
    effects: list[Effect] = [answered(proposal, Done())]
    entries: Entries = []
    if request.purpose != LINK:
        need(state, proposal, Action.RESET_ACCOUNT)
        subject = person(state, request.nick or "")
        need(state, proposal, Action.RESET_ACCOUNT, subject=subject)
        account, found = subject.account, state.accounts.get(subject.account)
        keys = tuple(each.key for each in found.devices)
        made.append(_revoked(found, time_ms, *keys).changed(password=""))
        effects.append(_ending(proposal, account, *keys))
        entries = recorded(state, proposal, Action.RESET_ACCOUNT, subject=subject.shown)
    if sum(code.account == account for code in valid) >= CODES_PER_ACCOUNT_MAX:
        raise Refused("too_many_codes")
    kept_s = LINK_CODE_S if request.purpose == LINK else INVITATION_S
    made.append(CodeRecord(request.digest, account, "", time_ms + 1000 * kept_s))
    return [*entries, *records(state, *made)], effects


def _invite(state: State, proposal: ActionProposal, request: AddCode, freed: list[CodeRecord]) -> Outcome:
    need(state, proposal, Action.ADD_INVITATION)
    held = state.claims.owner(request.nick) if request.nick else None
    if held is not None and not state.claims.has_lapsed(held, proposal.time_ms):
        raise Refused("nick_taken.account", held.nick)
    code = CodeRecord(request.digest, b"", request.nick or "", proposal.time_ms + 1000 * INVITATION_S)
    entries = recorded(state, proposal, Action.ADD_INVITATION, subject=request.nick or "")
    return [*entries, *records(state, *freed, code)], [answered(proposal, Done())]


# --- Removal ----------


def _remove(state: State, proposal: ActionProposal, request: RemoveAccount) -> Outcome:
    time_ms = proposal.time_ms
    act = Action.ERASE if request.erases else Action.REMOVE_ACCOUNT
    need(state, proposal, act)
    subject = person(state, request.nick)
    need(state, proposal, act, subject=subject)
    account, record = subject.account, state.accounts.get(subject.account)
    keys = tuple(each.key for each in record.devices)
    nicks = tuple(state.claims.nicks_of(account))
    given_back = [Claim(nick, NOBODY, time_ms) for nick in nicks]
    codes = [code.changed(is_used=True) for code in state.accounts.codes() if code.account == account]
    erased_ms = time_ms if request.erases else record.erased_ms
    removed = _revoked(record, time_ms, *keys).changed(password="", role=Role.MEMBER, erased_ms=erased_ms)
    rooms = state.topics_by(nicks) if request.erases else []
    topics = [TopicRecord(room, "", proposal.nick) for room in rooms]
    entries = [
        *recorded(state, proposal, act, subject=subject.shown),
        *records(
            state, *given_back, *codes, *topics, removed
        ),  # the last is no claim: of those, one records who renames
    ]
    forgets: list[Effect] = [ForgetNicks(nicks)] if request.erases else []
    forgets += [ChangeTopic(room, "", proposal.nick) for room in rooms]
    return entries, [answered(proposal, Done()), _ending(proposal, account, *keys), *forgets]


SETTLERS: dict[type[proposals.Action], Callable[[State, ActionProposal, Any], Outcome]] = {
    KeepPassword: _keep_password,
    AddCode: _keep_code,
    RevokeDevice: _revoke,
    AcceptFrom: _accept,
    RemoveAccount: _remove,
}
