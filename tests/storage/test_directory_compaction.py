"""The directory without what was written over: the same state, in fewer records."""

from __future__ import annotations

from pathlib import Path

from udpchat.chat.ids import DIRECTORY_LOG
from udpchat.chat.permissions import Role
from udpchat.server.claims import NOBODY
from udpchat.server.repeated_requests import logged_nicks
from udpchat.server.state import State
from udpchat.storage.directory_compaction import compact
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.sync.log import Append, RequestId
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    MUTE,
    AccountRecord,
    Claim,
    CodeRecord,
    ConversationRecord,
    Device,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
    TopicRecord,
)
from udpchat.wire.frames import encode, parse_record

KEY, OTHER = b"k" * 32, b"o" * 32
CLIENT = b"c" * 16
RECORDS: list[Record] = [
    Claim("alice", KEY, 1),
    Claim("bob", OTHER, 2),
    ConversationRecord("@one", (KEY, OTHER)),
    *(TopicRecord("lobby", f"topic {number % 7}", "alice") for number in range(100)),
    TopicRecord("attic", "dust", "alice"),
    TopicRecord("attic", "", "alice"),
    Claim("alice", KEY, 50, True),
    Claim("bob", NOBODY, 60),
    Claim("carol", OTHER, 61),
]


def loaded(log: SqliteLog) -> State:
    state = State(log)
    state.load()
    return state


def append(log: SqliteLog, *records: Record) -> None:
    head = log.extent(DIRECTORY_LOG).head
    log.append([Append(DIRECTORY_LOG, head + at, encode(record), None) for at, record in enumerate(records, 1)])


def records_of(log: SqliteLog) -> list[Record]:
    extent = log.extent(DIRECTORY_LOG)
    return [parse_record(entry) for entry in log.read(DIRECTORY_LOG, extent.base + 1, 1_000)]


def test_what_was_written_over_goes_and_the_state_stays(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *RECORDS)
    assert compact(log, loaded(log), surplus_min=50, latest=0) == len(RECORDS) - 4
    kept = [
        Claim("alice", KEY, 50, True),
        Claim("carol", OTHER, 61),
        RECORDS[2],
        TopicRecord("lobby", "topic 1", "alice"),
    ]
    assert sorted(map(repr, records_of(log))) == sorted(map(repr, kept))
    log.close()
    log = SqliteLog(tmp_path / "server.sqlite")
    state = loaded(log)
    assert state.claims.owner("alice") == kept[0] and state.claims.owner("bob") is None and len(state.claims) == 2
    assert state.topic("lobby") == kept[3] and state.conversations(OTHER) == {"@one": KEY}
    append(log, TopicRecord("den", "tea", "alice"))
    assert loaded(log).head(DIRECTORY_LOG) == len(RECORDS) + 5
    log.close()


def test_a_few_records_that_were_written_over_are_left(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *RECORDS)
    assert compact(log, loaded(log)) == 0 and records_of(log) == RECORDS
    log.close()


def test_what_was_interrupted_before_the_end_is_done_again(tmp_path: Path) -> None:
    """The records stand as after a run that had copied some, and had not pruned yet."""
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *RECORDS, *RECORDS[-3:], RECORDS[2])
    assert loaded(log).records == 4
    assert compact(log, loaded(log), surplus_min=50, latest=0) > 0 and len(records_of(log)) == 4
    log.close()


def test_the_latest_records_stay_for_the_answers_of_requests_that_may_be_repeated(tmp_path: Path) -> None:
    """As found: a Rename whose answer was lost was answered again, but no longer carried out for who came back."""
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *RECORDS)
    log.append([Append(DIRECTORY_LOG, len(RECORDS) + 1, encode(Claim("dora", KEY, 70)), RequestId(CLIENT, 1))])
    append(log, TopicRecord("lobby", "tea", "alice"), TopicRecord("lobby", "coffee", "alice"))
    before = loaded(log)
    assert compact(log, before, surplus_min=50, latest=3) > 0
    assert logged_nicks(log, CLIENT) == {1: "dora"}
    records, after = records_of(log), loaded(log)
    assert records[:3] == [
        Claim("dora", KEY, 70), TopicRecord("lobby", "tea", "alice"), TopicRecord("lobby", "coffee", "alice"),
    ]  # fmt: skip
    assert len(records) == 6 and after.records == before.records and after.topic("lobby") == records[2]
    log.close()


def ban(subject: bytes, *, until_ms: int = 0, lifted: bool = False) -> SanctionRecord:
    return SanctionRecord(BAN, "den", ACCOUNT, subject, "bob", "alice", "enough", 5, until_ms, lifted)


def test_of_accounts_and_order_what_is_in_force_stays_and_what_ended_goes(tmp_path: Path) -> None:
    kept: list[Record] = [
        AccountRecord(KEY, (Device(KEY, 0), Device(b"d" * 32, 7, 8)), "hash", Role.ADMIN),
        RoomRecord("den", KEY, Modes(is_moderated=True)),
        RoleRecord("den", KEY, Role.OPERATOR),
        ban(KEY, until_ms=1_001),
        SanctionRecord(MUTE, "", ACCOUNT, KEY, "bob", "alice", "", 5),
        CodeRecord(b"1" * 16, KEY, "", 1_001),
    ]
    written_over: list[Record] = [
        AccountRecord(KEY, (Device(KEY, 0), Device(b"d" * 32, 7))),
        RoomRecord("den", KEY),
        RoleRecord("den", KEY, Role.VOICE),
        ban(KEY),
    ]
    ended: list[Record] = [
        RoleRecord("den", OTHER, Role.VOICE),
        RoleRecord("den", OTHER, Role.MEMBER),
        ban(OTHER),
        ban(OTHER, lifted=True),
        ban(b"e" * 32, until_ms=1_000),
        CodeRecord(b"2" * 16, KEY, "", 5_000),
        CodeRecord(b"2" * 16, KEY, "", 5_000, is_used=True),
        CodeRecord(b"3" * 16, b"", "carol", 1_000),
    ]
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *written_over, *ended, *kept)
    before = loaded(log)
    assert compact(log, before, 1_000, surplus_min=0, latest=0) == len(written_over) + len(ended)
    assert sorted(map(encode, records_of(log))) == sorted(map(encode, kept))
    after = loaded(log)
    assert after.records == len(kept) and after.accounts.is_revoked(b"d" * 32) and after.role(KEY, "den") is Role.ADMIN
    assert after.order.role("den", KEY) is Role.OPERATOR and after.order.modes("den") == before.order.modes("den")
    assert list(after.order.sanctions("den", 1_000)) == [ban(KEY, until_ms=1_001)]
    log.close()


def test_a_ban_that_was_lifted_lately_does_not_come_back(tmp_path: Path) -> None:
    """The latest records stay as they are, and those in force before them are written behind them."""
    log = SqliteLog(tmp_path / "server.sqlite")
    append(log, *RECORDS, ban(KEY), ban(OTHER), RoleRecord("den", KEY, Role.OPERATOR))
    append(log, ban(KEY, lifted=True), RoleRecord("den", KEY, Role.MEMBER))
    assert compact(log, loaded(log), surplus_min=50, latest=2) > 0
    order = loaded(log).order
    assert list(order.sanctions("den", 7)) == [ban(OTHER)] and order.roles("den") == {}
    log.close()
