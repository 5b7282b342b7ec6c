"""The directory is read whole at each start: what was written over is dropped before it makes that slow (SPEC 4.6)."""

from __future__ import annotations

from typing import Final

from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.chat.names import skeleton
from udpchat.server.order import holds
from udpchat.server.state import State
from udpchat.storage.store_interfaces import Log
from udpchat.sync.log import Append
from udpchat.wire.content import (
    AccountRecord,
    Claim,
    CodeRecord,
    ConversationRecord,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
    TopicRecord,
)
from udpchat.wire.frames import parse_record

SURPLUS_MIN: Final = 10_000  # records that were written over; fewer are read in a tenth of a second
LATEST_KEPT: Final = 1_024  # as they are: their requests may be repeated, and are answered from them (7.2)
READ_RECORDS: Final = 1_024


def compact(
    log: Log, state: State, time_ms: int = 0, *, surplus_min: int = SURPLUS_MIN, latest: int = LATEST_KEPT
) -> int:
    """Write the records in force once more, and drop all but the `latest` before these; how many went.

    Only if most are not in force. `state` is that of the log; what ended before `time_ms` is not in force. If it is
    interrupted, the next start does it again. Raises `StoreError`.
    """
    extent = log.extent(DIRECTORY_LOG)
    if extent.head - extent.base < state.records + latest + max(surplus_min, state.records):
        return 0
    kept = _kept(log, state, time_ms, extent.head - latest)
    log.append([Append(DIRECTORY_LOG, extent.head + at, entry, None) for at, entry in enumerate(kept, 1)])
    log.prune(DIRECTORY_LOG, extent.head - latest)
    return extent.head - latest - extent.base - len(kept)


def _kept(log: Log, state: State, time_ms: int, last: int) -> list[bytes]:
    """The records in force up to `last`, each once, in the order of their latest, unless that comes after `last`."""
    extent = log.extent(DIRECTORY_LOG)
    kept: dict[tuple[object, ...], tuple[int, bytes]] = {}
    sequence = extent.base
    while sequence < extent.head:
        entries = log.read(DIRECTORY_LOG, sequence + 1, READ_RECORDS)
        assert entries, "a store that cannot give what its extent names raises"
        for entry in entries:
            sequence += 1
            record = parse_record(entry)
            if _is_in_force(record, state, time_ms):
                kept.pop(_subject(record), None)
                kept[_subject(record)] = sequence, entry
    return [entry for at, entry in kept.values() if at <= last]


def _is_in_force(record: Record, state: State, time_ms: int) -> bool:
    """Whether the state has what this record says, and its time is not over."""
    match record:
        case Claim(nick):
            return state.claims.owner(nick) == record
        case TopicRecord(room):
            return state.topic(room) == record
        case AccountRecord(account):
            return state.accounts.get(account) == record
        case RoomRecord(room):
            return state.order.room(room) == record
        case RoleRecord(room, account, role):
            return state.order.roles(room).get(account) == role
        case SanctionRecord(kind, room, kind_of_subject, subject):
            return state.order.find(kind, room, kind_of_subject, subject) == record and holds(record, time_ms)
        case CodeRecord(digest):
            return state.accounts.code(digest, time_ms) == record
        case ConversationRecord():
            return True


def _subject(record: Record) -> tuple[object, ...]:
    """What a record is about: a later one with the same subject takes its place."""
    match record:
        case Claim(nick):
            return Claim, skeleton(nick)
        case TopicRecord(room) | RoomRecord(room):
            return type(record), room
        case ConversationRecord(log):
            return ConversationRecord, log
        case AccountRecord(account):
            return AccountRecord, account
        case RoleRecord(room, account):
            return RoleRecord, room, account
        case SanctionRecord(kind, room, kind_of_subject, subject):
            return SanctionRecord, kind, room, kind_of_subject, subject
        case CodeRecord(digest):
            return CodeRecord, digest
