"""The effect of an accepted request on the chat, as a pure function: `settle(state, proposal)` (SPEC 7.1).

A proposal includes its time and the presence it depends on. Settling returns the entries to write, and the effects to
carry out once they are durable, with the answer among them. It is deterministic: several servers that settle the same
ordered stream of proposals reach the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udpchat.chat.amendments import BY_RIGHT
from udpchat.chat.ids import conversation_log, inbox_log, message_id, room_log
from udpchat.chat.permissions import Action as Right
from udpchat.chat.permissions import may
from udpchat.server.access import Refused, why_banned, why_not_speak
from udpchat.server.claims import NOBODY, renewed
from udpchat.server.proposals import (
    Action,
    ActionProposal,
    Admit,
    ChangeNick,
    ChangeTopic,
    Effect,
    EnterProposal,
    Entries,
    FollowPrivate,
    NoteProposal,
    Outcome,
    Proposal,
    Redacting,
    Reject,
    ReplaceEntry,
    Settlement,
    Telling,
    answered,
    records,
)
from udpchat.server.settle_accounts import SETTLERS, entrant, may_claim_closed, told_failures
from udpchat.server.settle_order import Deed, founding, need, recorded, settle_deed
from udpchat.server.state import State
from udpchat.server.subjects import Subject
from udpchat.session.noise import user_id
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import ACCOUNT, EDIT, REDACTION, Claim, ConversationRecord, Message, ReadMark, TopicRecord
from udpchat.wire.frames import encode, encode_message
from udpchat.wire.limits import LOG_ENTRIES_MAX, TOPIC_BYTES_MAX, WRITE_ENTRY_BYTES, WRITE_REPLACED_BYTES
from udpchat.wire.requests import Done, Failed, MarkRead, Rename, Say, SetTopic, Stored, Tell

# --- Settling ----------


def settle(state: State, proposal: Proposal) -> Settlement:
    """The outcome of a proposal. `state` is not changed: the caller applies the appends to it."""
    origin: RequestId | None = None
    try:
        if isinstance(proposal, EnterProposal):
            entries, effects = _enter(state, proposal)
        elif isinstance(proposal, NoteProposal):
            entries, effects = [(proposal.log, state.head(proposal.log) + 1, proposal.note)], []
        else:
            if state.accounts.is_revoked(proposal.author.device):  # in what is being written: its session ends with it
                raise Refused("not_allowed")
            entries, effects = _SETTLERS[type(proposal.action)](state, proposal, proposal.action)
            origin = RequestId(proposal.author.client_id, proposal.counter)
    except Refused as refused:
        return Settlement(proposal, (), _refusing(proposal, *refused.refusal))
    appends: list[Append] = []
    size = 0
    left = len(entries)
    for log, sequence, content in entries:
        if sequence > LOG_ENTRIES_MAX:
            full = "too_many_nicks" if origin is None else "log_full"
            return Settlement(proposal, (), _refusing(proposal, full, ()))
        left -= 1  # the last entry is the one that the request is recorded with
        if isinstance(content, Message):
            entry = encode_message(content)
            appends.append(Append(log, sequence, entry, None if left else origin, content))
        else:
            entry = encode(content)
            appends.append(Append(log, sequence, entry, None if left else origin, None))
        size += WRITE_ENTRY_BYTES + len(entry)
    if len(effects) > 1:  # more than the answer
        size += WRITE_REPLACED_BYTES * sum(type(effect) is ReplaceEntry for effect in effects)
    return Settlement(proposal, tuple(appends), tuple(effects), size)


def _refusing(proposal: Proposal, code: str, detail: tuple[str, ...]) -> tuple[Effect, ...]:
    """The effect that refuses what was proposed; nobody waits for a note."""
    if isinstance(proposal, EnterProposal):
        return (Reject(proposal.author.client_id, code, detail),)
    return (answered(proposal, Failed(code, detail)),) if isinstance(proposal, ActionProposal) else ()


def _claimed(state: State, key: bytes, nick: str, time_ms: int) -> list[Claim]:
    """The records to write so that a key owns a nick. `Refused` if it may not."""
    held = state.claims.owner(nick)
    if held is not None and held.key == key:
        return []
    if held is not None and not state.claims.has_lapsed(held, time_ms):
        if nick == held.nick:
            raise Refused("nick_taken", nick)
        raise Refused("nick_taken.alike", nick, held.nick)
    given_back = state.claims.given_back(time_ms)
    if not given_back and not state.claims.may_claim(key):
        raise Refused("too_many_nicks")
    if held is not None and all(claim.nick != held.nick for claim in given_back):
        given_back.append(Claim(held.nick, NOBODY, time_ms))  # whatever the next server takes for lapsed
    return [*given_back, Claim(nick, key, time_ms)]


def _enter(state: State, proposal: EnterProposal) -> Outcome:
    author, nick = proposal.author, proposal.nick
    found = entrant(state, proposal)
    account, time_ms = found.account, proposal.time_ms
    # 0: who let it enter has looked, as nothing has been written since
    if time_ms and (banned := why_banned(state, account, author.device, proposal.host, time_ms)) is not None:
        raise Refused(banned[0], *banned[1])
    claims = _claimed(state, account, nick, time_ms)
    if claims and proposal.is_closed and not found.is_invited and not may_claim_closed(state, account):
        raise Refused("not_allowed.closed")
    held = state.claims.owner(nick)
    if not claims and held is not None and (anew := renewed(held, proposal.time_ms)) is not None:
        claims = [anew]
    told, follows = told_failures(state, proposal, account)
    moved = b"" if account == author.key else account
    admit = Admit(author.client_id, nick, moved, proposal.failures.count if told and proposal.failures else 0)
    return [*told, *records(state, *found.records, *claims)], [admit, *follows]


def _rename(state: State, proposal: ActionProposal, action: Rename) -> Outcome:
    author, nick = proposal.author, action.nick
    claims = _claimed(state, author.key, nick, proposal.time_ms)
    effects: list[Effect] = [ChangeNick(author.client_id, proposal.counter, nick), answered(proposal, Done())]
    return records(state, *claims), effects


def _set_topic(state: State, proposal: ActionProposal, action: SetTopic) -> Outcome:
    room = action.room
    _need_speech(state, proposal, room)
    role = state.role(proposal.author.key, room, proposal.opener)
    if state.order.modes(room).is_topic_locked and not may(Right.SET_TOPIC, role):
        raise Refused("not_allowed.role", Right.SET_TOPIC.value)
    if action.topic and not state.may_set_topic(room):
        raise Refused("too_many_rooms.topics")
    record = TopicRecord(room, action.topic, proposal.nick)
    change = ChangeTopic(room, action.topic, proposal.nick)
    return records(state, *founding(state, room, proposal.opener), record), [change, answered(proposal, Done())]


def _need_speech(state: State, proposal: ActionProposal, room: str) -> None:
    """`Refused` if the author may not say anything in a room, or, if that is empty, in private."""
    author = proposal.author
    refusal = why_not_speak(state, room, author.key, author.device, proposal.time_ms, proposal.opener)
    if refusal is not None:
        raise Refused(refusal[0], *refusal[1])


def _say(state: State, proposal: ActionProposal, action: Say) -> Outcome:
    log = room_log(action.room)
    head = state.head(log)
    _need_speech(state, proposal, action.room)
    if not head and not state.may_begin(log):
        raise Refused("too_many_rooms")
    stored = answered(proposal, Stored(log, head + 1))
    entries: Entries = [] if head else records(state, *founding(state, action.room, proposal.opener))
    entries.append((log, head + 1, _message(proposal, action)))
    if action.extra is None:  # mostly
        return entries, [stored]
    if _refers_beyond(action, head):
        raise Refused("no_such_message")
    return entries, [*_replacing(log, action), stored]


def _redact(state: State, proposal: ActionProposal, action: Redacting) -> Outcome:
    """Remove a message of somebody else: as an act of order, beside the entry that all see."""
    request, room = action.request, action.request.room
    claim = state.claims.owner(action.nick)
    account = claim.key if claim is not None and user_id(claim.key) == action.user else b""
    need(state, proposal, Right.REDACT, room, Subject(ACCOUNT, account, action.nick, account))
    extra = request.extra
    assert extra is not None, "who redacts says what"
    by_right = request.changed(extra=extra.changed(data=BY_RIGHT))
    entries, effects = _say(state, proposal, by_right)
    message, reason = (extra.refers_to or b"").hex(), request.text[:TOPIC_BYTES_MAX]
    act = recorded(state, proposal, Right.REDACT, room=room, subject=action.nick, detail=message, reason=reason)
    return [*act, *entries], effects


def _tell(state: State, proposal: ActionProposal, action: Telling) -> Outcome:
    key, request = proposal.author.key, action.request
    claim = state.claims.owner(request.nick)
    if claim is None:
        raise Refused("no_such_nick", request.nick)
    _need_speech(state, proposal, "")
    other = claim.key
    log = conversation_log(key, other)
    head = state.head(log)
    if _refers_beyond(request, head):
        raise Refused("no_such_message")
    entries: Entries = []
    if log not in state.conversations(key):
        if state.accounts.get(other).is_for_contacts and other != key:
            raise Refused("not_allowed.contacts", claim.nick)
        if not state.may_converse(key, other) or not (head or state.may_begin(log)):
            raise Refused("too_many_conversations")
        entries = records(state, ConversationRecord(log, (key, other)))
    entries.append((log, head + 1, _message(proposal, request, to=claim.nick)))
    stored = Stored(log, head + 1, action.presence)
    return entries, [FollowPrivate(log, (key, other)), *_replacing(log, request), answered(proposal, stored)]


def _refers_beyond(request: Say | Tell, head: int) -> bool:
    """Whether a message is about one that its log does not have yet."""
    return request.extra is not None and request.extra.sequence > head


def _replacing(log: str, request: Say | Tell) -> list[Effect]:
    """The effect of what changes earlier messages of a log."""
    if request.extra is None or request.kind not in (EDIT, REDACTION):
        return []
    return [ReplaceEntry(log, request.extra.sequence)]


def _mark_read(state: State, proposal: ActionProposal, action: MarkRead) -> Outcome:
    key = proposal.author.key
    log = inbox_log(key)
    head = state.head(log)
    if not head and not state.may_begin(log):
        raise Refused("too_fast")
    mark = ReadMark(action.log, action.generation, action.sequence)
    return [(log, head + 1, mark)], [FollowPrivate(log, (key,)), answered(proposal, Done())]


def _message(proposal: ActionProposal, request: Say | Tell, to: str | None = None) -> Message:
    author = proposal.author
    identity = message_id(author.instance, proposal.counter)
    time_ms, nick = proposal.time_ms, proposal.nick
    return Message(time_ms, author.user, nick, identity, request.kind, request.text, to, request.extra)


_SETTLERS: dict[type[Action], Callable[[State, ActionProposal, Any], Outcome]] = {
    Say: _say,
    Telling: _tell,
    Rename: _rename,
    SetTopic: _set_topic,
    MarkRead: _mark_read,
    Redacting: _redact,
    Deed: settle_deed,
    **SETTLERS,
}
