"""Acts of order, settled: who founds a room, what is written, which limits refuse, and the same bytes each time."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_enforcement import rig_with_moderator
from tests.server.test_request_handlers import done
from udpchat.chat.ids import AUDIT_LOG, DIRECTORY_LOG
from udpchat.chat.permissions import Role
from udpchat.server import settle_order
from udpchat.server.proposals import ActionProposal
from udpchat.server.registry import Peer
from udpchat.server.settle import settle
from udpchat.server.settle_order import Deed, OrderRequest
from udpchat.wire.content import (
    BAN,
    MUTE,
    REDACTION,
    Act,
    Extra,
    Message,
    RoleRecord,
    RoomRecord,
    Tombstone,
)
from udpchat.wire.frames import parse_record
from udpchat.wire.requests import (
    Announce,
    Done,
    Failed,
    Invite,
    Kick,
    Lift,
    Sanction,
    Say,
    SetModes,
    SetRole,
    SetTopic,
    Stored,
)


def directory(rig: Rig) -> list[object]:
    return [parse_record(entry) for entry in rig.log.read(DIRECTORY_LOG, 1, rig.log.extent(DIRECTORY_LOG).head)]


def acts(rig: Rig) -> list[Act]:
    entries = [rig.entry(AUDIT_LOG, at) for at in range(1, rig.log.extent(AUDIT_LOG).head + 1)]
    return [entry for entry in entries if isinstance(entry, Act)]


# --- Who opens a room ----------


@pytest.mark.parametrize(
    "request_", [Say("den", 0, "hi"), SetTopic("den", "tea"), SetModes("den", is_moderated=True)], ids=str
)
def test_who_opened_a_room_is_its_founder_and_operator_from_its_first_record_on(request_: Say | SetTopic) -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, request_)
    found = [record for record in directory(rig) if isinstance(record, RoomRecord | RoleRecord)]
    assert isinstance(found[0], RoomRecord) and found[0].founder == alice.key
    assert found[1:] == [RoleRecord("den", alice.key, Role.OPERATOR)]
    for peer in (alice, bob):
        rig.leave(peer)
    carol = rig.device("carol", "den")
    assert done(rig, carol, Kick("den", "alice")) == Failed("not_allowed.role", ("kick",))


def test_the_founder_is_who_opened_it_also_if_another_says_something_first() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, bob, Say("den", 0, "hi"))
    assert rig.chat.commits.durable.role(alice.key, "den") is Role.OPERATOR
    assert rig.chat.commits.durable.role(bob.key, "den") is Role.MEMBER


def test_who_opens_the_lobby_or_a_room_in_which_something_was_said_before_is_not_its_operator() -> None:
    rig = Rig()
    bob, alice = rig.device("bob"), rig.device("alice", "lobby")
    done(rig, alice, Say("lobby", 0, "hi"))
    done(rig, bob, Say("den", 0, "nobody is here"))
    rig.follow(alice, "#den")
    rig.settle()
    for room in ("lobby", "den"):
        assert done(rig, alice, SetModes(room, is_moderated=True)) == Failed("not_allowed.role", ("mode",))
    assert not [record for record in directory(rig) if isinstance(record, RoomRecord | RoleRecord)]


def test_a_room_that_nobody_opened_has_acts_of_who_has_a_role_on_the_server() -> None:
    rig, olga = rig_with_moderator()
    bob = rig.device("bob")
    assert done(rig, olga, Sanction("lobby", BAN, "bob")) == Done()
    assert RoomRecord("lobby", b"") in directory(rig)
    assert done(rig, olga, SetModes("lobby", slow_s=5)) == Done()
    assert done(rig, olga, SetRole("lobby", "bob", Role.VOICE)) == Done()
    assert rig.chat.commits.durable.role(bob.key, "lobby") is Role.VOICE
    room = rig.chat.commits.durable.order.room("lobby")
    assert room is not None and room.founder == b"" and room.modes.slow_s == 5


# --- What is written ----------


def test_each_act_that_is_allowed_is_one_entry_of_the_audit() -> None:
    rig, olga = rig_with_moderator()
    rig.device("alice", "den"), rig.device("bob", "den")
    for request in (
        SetRole("den", "bob", Role.VOICE),
        SetModes("den", is_moderated=True, slow_s=5),
        Invite("den", "bob"),
        Kick("den", "bob", "out"),
        Sanction("den", MUTE, "bob", 60, "hush"),
        Lift("den", MUTE, "bob"),
        SetRole(None, "bob", Role.MODERATOR),
        Sanction(None, BAN, "192.0.2.0/24", 0, "spam"),
        Announce("tea"),
    ):
        assert done(rig, olga, request) == Done()
    found = [(act.action, act.room, act.subject, act.detail, act.reason) for act in acts(rig)]
    assert found == [
        ("room role", "den", "bob", "voice", ""),
        ("mode", "den", "", "+moderated slow=5", ""),
        ("invite", "den", "bob", "", ""),
        ("kick", "den", "bob", "", "out"),
        ("mute", "den", "bob", "60", "hush"),
        ("unmute", "den", "bob", "", ""),
        ("moderator", "", "bob", "moderator", ""),
        ("server ban", "", "192.0.2.0/24", "0", "spam"),
        ("announce", "", "", "tea", ""),
    ]
    assert {(act.by, act.user) for act in acts(rig)} == {("olga", olga.author.user)}


def test_a_message_that_is_removed_by_right_is_gone_for_all_and_its_author_named() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, bob, Say("den", 0, "rude"))
    message = rig.entry("#den", 1)
    assert isinstance(message, Message)
    redaction = Say("den", REDACTION, "rude words", Extra(message.id, b"", 1))
    assert done(rig, alice, redaction) == Stored("#den", 2)
    assert rig.entry("#den", 1) == Tombstone(message.time_ms, bob.author.user, "bob", message.id)
    (act,) = acts(rig)
    assert (act.action, act.subject, act.detail, act.reason) == ("redact", "bob", message.id.hex(), "rude words")


def test_who_has_no_right_removes_only_what_they_said() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    done(rig, alice, Say("den", 0, "mine"))
    message = rig.entry("#den", 1)
    assert isinstance(message, Message)
    forged = Say("den", REDACTION, "", Extra(message.id, b"!", 1))
    assert done(rig, bob, forged) == Failed("not_allowed.role", ("redact",))
    assert rig.entry("#den", 1) == message and not acts(rig)


# --- Limits ----------


def filled(monkeypatch: pytest.MonkeyPatch, **limits: int) -> tuple[Rig, Peer]:
    """A room of Alice with Bob and Carol, where so much fits."""
    for name, value in limits.items():
        monkeypatch.setattr(settle_order, name, value)
    rig = Rig()
    alice = rig.device("alice", "den")
    rig.device("bob", "den"), rig.device("carol", "den")
    done(rig, alice, Say("den", 0, "hi"))
    return rig, alice


def test_so_many_have_a_role_in_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, alice = filled(monkeypatch, OPERATORS_PER_ROOM_MAX=2)
    assert done(rig, alice, SetModes("den", is_invite_only=True)) == Failed("too_many_roles")
    assert done(rig, alice, SetRole("den", "bob", Role.VOICE)) == Done()
    assert done(rig, alice, SetRole("den", "bob", Role.OPERATOR)) == Done()
    for request in (SetRole("den", "carol", Role.VOICE), Invite("den", "carol")):
        assert done(rig, alice, request) == Failed("too_many_roles")
    assert done(rig, alice, SetRole("den", "alice", Role.MEMBER)) == Done()


def test_so_many_have_a_role_in_all_rooms_and_who_opens_one_still_gets_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, alice = filled(monkeypatch, ROLES_MAX=3, STORED_ROOMS_MAX=2)
    assert done(rig, alice, Invite("den", "bob")) == Failed("too_many_roles")
    dave = rig.device("dave", "attic")
    done(rig, dave, Say("attic", 0, "hi"))
    assert rig.chat.commits.durable.role(dave.key, "attic") is Role.OPERATOR


def test_so_many_are_banned_and_those_whose_time_is_over_make_place(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, alice = filled(monkeypatch, SANCTIONS_PER_ROOM_MAX=2)
    rig.device("dave")
    assert done(rig, alice, Sanction("den", BAN, "bob", 60)) == Done()
    assert done(rig, alice, Sanction("den", MUTE, "bob")) == Done()
    assert done(rig, alice, Sanction("den", BAN, "carol")) == Failed("too_many_sanctions")
    assert done(rig, alice, Sanction("den", BAN, "bob", 90)) == Done(), "it takes the place of the former"
    rig.now += 91
    assert done(rig, alice, Sanction("den", BAN, "carol")) == Done()
    assert done(rig, alice, Sanction("den", BAN, "dave")) == Failed("too_many_sanctions")


def test_bans_of_rooms_take_no_place_of_those_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle_order, "SANCTIONS_MAX", 1)
    monkeypatch.setattr(settle_order, "SANCTIONS_OF_SERVER_MAX", 1)
    rig, olga = rig_with_moderator()
    rig.device("bob")
    for room in ("den", None):
        assert done(rig, olga, Sanction(room, MUTE, "bob")) == Done()
        assert done(rig, olga, Sanction(room, BAN, "bob")) == Failed("too_many_sanctions")


def test_so_many_rooms_have_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, _ = filled(monkeypatch, STORED_ROOMS_MAX=1)
    dave = rig.device("dave", "attic")
    assert done(rig, dave, SetModes("attic", is_moderated=True)) == Failed("too_many_rooms")
    assert isinstance(done(rig, dave, Say("attic", 0, "hi")), Stored)


# --- Determinism ----------


@pytest.mark.parametrize(
    "request_",
    [
        SetRole("den", "bob", Role.VOICE),
        SetModes("den", is_invite_only=True),
        Invite("den", "carol"),
        Kick("den", "bob", "out"),
        Sanction("den", BAN, "bob", 60, "out"),
        Sanction("den", BAN, "nobody"),
        Lift("den", BAN, "bob"),
        Announce("tea"),
    ],
    ids=str,
)
def test_an_act_is_settled_to_the_same_bytes_and_effects_each_time(request_: OrderRequest) -> None:
    outcomes = []
    for _ in range(2):
        rig = Rig()
        alice, bob, carol = rig.device("alice", "den"), rig.device("bob", "den"), rig.device("carol")
        deed = Deed(request_, (bob.key, carol.key))
        proposal = ActionProposal(alice.author, "alice", 5, 1_000, deed, alice.key)
        settled = [settle(rig.chat.commits.settled, proposal) for _ in range(2)]
        assert settled[0].appends == settled[1].appends and settled[0].effects == settled[1].effects
        outcomes.append((settled[0].appends, settled[0].effects))
    assert outcomes[0] == outcomes[1]
