"""Who may enter, join, read and speak: each answer, of records alone."""

from __future__ import annotations

import pytest

from tests.server.test_state import Directory
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import Role
from udpchat.server import access
from udpchat.server.order import name_of_device
from udpchat.server.state import State
from udpchat.wire.content import (
    ACCOUNT,
    BAN,
    DEVICE,
    MUTE,
    NETWORK,
    AccountRecord,
    ConversationRecord,
    Device,
    Modes,
    Record,
    RoleRecord,
    RoomRecord,
    SanctionRecord,
)

ONE, OTHER, OPENER = b"1" * 32, b"2" * 32, b"o" * 32
HOST, NOW_MS = "192.0.2.7", 1_000
ROLES_OF_ROOM = [Role.MEMBER, Role.INVITED, Role.VOICE, Role.OPERATOR]


def state_of(*records: Record) -> State:
    directory = Directory()
    directory.add(directory.durable, *records)
    return directory.settled


def sanction(kind: int, room: str, of: int = ACCOUNT, subject: bytes = ONE, *, until_ms: int = 0) -> SanctionRecord:
    return SanctionRecord(kind, room, of, subject, "bob", "alice", "enough", 5, until_ms)


@pytest.mark.parametrize(
    ("of", "subject"),
    [(ACCOUNT, ONE), (DEVICE, name_of_device(OTHER)), (NETWORK, b"192.0.2.0/24")],
    ids=["account", "device", "network"],
)
def test_who_is_banned_from_the_server_does_not_enter_and_learns_by_whom_why_and_until_when(
    of: int, subject: bytes
) -> None:
    state = state_of(sanction(BAN, "", of, subject, until_ms=2_000))
    assert access.why_banned(state, ONE, OTHER, HOST, 1_999) == ("banned", ("alice", "enough", "2000"))
    assert access.why_banned(state, ONE, OTHER, HOST, 2_000) is None
    assert access.why_banned(state, OPENER, OPENER, "198.51.100.1", NOW_MS) is None


def test_a_ban_from_a_room_keeps_nobody_from_the_server() -> None:
    assert access.why_banned(state_of(sanction(BAN, "den")), ONE, ONE, HOST, NOW_MS) is None


def test_who_is_banned_from_a_room_neither_joins_reads_nor_speaks_there_and_may_know_that_it_is() -> None:
    state = state_of(sanction(BAN, "den"))
    refused = ("banned.room", ("alice", "enough", "0"))
    assert access.why_not_join(state, "den", ONE, ONE, NOW_MS) == refused
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS) == refused
    assert not access.may_read(state, ONE, ONE, "#den", NOW_MS) and not access.is_hidden(state, "den", ONE)
    assert access.may_read(state, ONE, ONE, "#attic", NOW_MS) and access.may_read(state, OTHER, OTHER, "#den", NOW_MS)


@pytest.mark.parametrize("role", ROLES_OF_ROOM)
def test_an_invite_only_room_is_there_for_who_was_invited_and_for_every_higher_role(role: Role) -> None:
    state = state_of(RoomRecord("den", OPENER, Modes(is_invite_only=True)), RoleRecord("den", ONE, role))
    invited = role >= Role.INVITED
    assert access.why_not_join(state, "den", ONE, ONE, NOW_MS) == (None if invited else access.NOT_INVITED)
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS) == (None if invited else access.NOT_INVITED)
    assert access.may_read(state, ONE, ONE, "#den", NOW_MS) is invited
    assert access.is_hidden(state, "den", ONE) is not invited


def test_a_ban_outlasts_an_invitation() -> None:
    state = state_of(
        RoomRecord("den", OPENER, Modes(is_invite_only=True)),
        RoleRecord("den", ONE, Role.INVITED),
        sanction(BAN, "den"),
    )
    assert access.why_not_join(state, "den", ONE, ONE, NOW_MS) == ("banned.room", ("alice", "enough", "0"))


@pytest.mark.parametrize("role", ROLES_OF_ROOM)
def test_in_a_moderated_room_who_has_voice_speaks_and_everybody_reads(role: Role) -> None:
    state = state_of(RoomRecord("den", OPENER, Modes(is_moderated=True)), RoleRecord("den", ONE, role))
    speaks = role >= Role.VOICE
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS) == (None if speaks else ("not_allowed.moderated", ()))
    assert access.why_not_join(state, "den", ONE, ONE, NOW_MS) is None
    assert access.may_read(state, ONE, ONE, "#den", NOW_MS)


def test_a_role_of_the_server_counts_in_every_room() -> None:
    moderator = AccountRecord(ONE, (Device(ONE, 0),), role=Role.MODERATOR)
    state = state_of(RoomRecord("den", OPENER, Modes(is_invite_only=True, is_moderated=True)), moderator)
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS) is None and not access.is_hidden(state, "den", ONE)
    assert state.role(ONE, "den") is Role.MODERATOR and state.role(ONE) is Role.MODERATOR


def test_who_opened_a_room_is_its_operator_also_there_where_it_has_no_record_yet() -> None:
    state = state_of()
    assert state.role(ONE, "den", ONE) is Role.OPERATOR and state.role(ONE, "den") is Role.MEMBER
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS, opener=ONE) is None


def test_who_is_muted_in_a_room_reads_it_and_speaks_elsewhere() -> None:
    state = state_of(sanction(MUTE, "den", until_ms=2_000))
    refused = ("muted.room", ("alice", "enough", "2000"))
    assert access.why_not_speak(state, "den", ONE, ONE, NOW_MS) == refused
    assert access.why_not_speak(state, "den", ONE, ONE, 2_000) is None
    assert access.why_not_speak(state, "attic", ONE, ONE, NOW_MS) is None
    assert access.why_not_speak(state, "", ONE, ONE, NOW_MS) is None
    assert access.may_read(state, ONE, ONE, "#den", NOW_MS)


def test_who_is_muted_on_the_server_speaks_nowhere_not_even_in_private() -> None:
    state = state_of(sanction(MUTE, ""))
    for room in ("den", ""):
        assert access.why_not_speak(state, room, ONE, ONE, NOW_MS) == ("muted", ("alice", "enough", "0"))


def test_who_was_banned_from_the_server_says_nothing_more_though_they_are_still_here() -> None:
    """Seed 101403: in the batch with the ban stood what they said to others in private after it."""
    state = state_of(sanction(BAN, ""))
    for room in ("", "den"):
        assert access.why_not_speak(state, room, ONE, ONE, NOW_MS) == ("banned", ("alice", "enough", "0"))
        assert access.why_not_speak(state, room, OTHER, OTHER, NOW_MS) is None


def test_a_conversation_is_read_by_its_two_persons_and_the_audit_by_who_may() -> None:
    admin = AccountRecord(OTHER, (Device(OTHER, 0),), role=Role.ADMIN)
    state = state_of(ConversationRecord("@one", (ONE, OPENER)), admin)
    assert access.may_read(state, ONE, ONE, "@one", NOW_MS) and access.may_read(state, OPENER, OPENER, "@one", NOW_MS)
    assert not access.may_read(state, OTHER, OTHER, "@one", NOW_MS), "not even an admin"
    assert access.may_read(state, OTHER, OTHER, AUDIT_LOG, NOW_MS)
    assert not access.may_read(state, ONE, ONE, AUDIT_LOG, NOW_MS)


@pytest.mark.parametrize("log", ["!directory", "~00", "%den", "%", "@unknown"])
def test_no_other_log_is_read(log: str) -> None:
    owner = AccountRecord(ONE, (Device(ONE, 0),), role=Role.OWNER)
    assert not access.may_read(state_of(owner), ONE, ONE, log, NOW_MS)
