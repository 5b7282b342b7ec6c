"""Requests about order that cannot be meant: one code each, and nothing is written."""

from __future__ import annotations

import pytest

from tests.server.rig import Rig
from tests.server.test_enforcement import rig_with_moderator
from tests.server.test_request_handlers import done
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.permissions import Role
from udpchat.session.noise import fingerprint
from udpchat.wire.content import BAN, MUTE
from udpchat.wire.limits import ANNOUNCEMENT_BYTES_MAX, REASON_BYTES_MAX
from udpchat.wire.requests import (
    Announce,
    Done,
    Failed,
    Invite,
    Kick,
    Lift,
    ListSanctions,
    RequestBody,
    Sanction,
    SanctionPage,
    SetModes,
    SetRole,
)


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (Sanction("den", BAN, "alice"), Failed("bad_subject", ("alice",))),
        (Sanction("den", MUTE, "alice"), Failed("bad_subject", ("alice",))),
        (Kick("den", "alice"), Failed("bad_subject", ("alice",))),
        (Sanction("den", BAN, "olga"), Failed("not_allowed.outranked", ("olga",))),
        (Sanction("den", BAN, "nobody"), Failed("no_such_nick", ("nobody",))),
        (Sanction("den", BAN, "10.0.0.1"), Failed("bad_subject", ("10.0.0.1",))),
        (Sanction("den", BAN, "#abc"), Failed("bad_subject", ("#abc",))),
        (Sanction("den", 7, "bob"), Failed("malformed")),
        (Lift("den", 7, "bob"), Failed("malformed")),
        (Lift("den", BAN, "bob"), Failed("no_such_sanction", ("bob",))),
        (
            Sanction("den", BAN, "bob", 0, "\u00e4" * REASON_BYTES_MAX),
            Failed("too_long.reason", (str(REASON_BYTES_MAX),)),
        ),
        (Kick("den", "bob", "\u00e4" * REASON_BYTES_MAX), Failed("too_long.reason", (str(REASON_BYTES_MAX),))),
        (Kick("den", "carol"), Failed("no_such_nick.here", ("carol",))),
        (Kick("den", "nobody"), Failed("no_such_nick", ("nobody",))),
        (SetRole("den", "bob", Role.INVITED), Failed("bad_role", ("1",))),
        (SetRole("den", "bob", Role.OWNER), Failed("bad_role", ("6",))),
        (SetRole("den", "bob", 9), Failed("bad_role", ("9",))),
        (SetRole(None, "bob", 15), Failed("bad_role", ("15",))),
        (SetRole(None, "bob", Role.HOST), Failed("bad_role", ("7",))),
        (SetRole("den", "nobody", Role.VOICE), Failed("no_such_nick", ("nobody",))),
        (Invite("den", "nobody"), Failed("no_such_nick", ("nobody",))),
        (SetModes("#den", is_moderated=True), Failed("bad_room.is_log")),
        (SetModes("a den", is_moderated=True), Failed("bad_room.space")),
        (Announce("\n"), Failed("empty")),
        (Announce("\u00e4" * ANNOUNCEMENT_BYTES_MAX), Failed("too_long.message", (str(ANNOUNCEMENT_BYTES_MAX),))),
    ],
    ids=str,
)
def test_what_cannot_be_meant_has_one_code_and_changes_nothing(request_: RequestBody, refused: Failed) -> None:
    rig, _ = rig_with_moderator()
    alice, _, _ = rig.device("alice", "den"), rig.device("bob", "den"), rig.device("carol")
    before = {name: rig.log.extent(name).head for name in rig.log.logs()}
    assert done(rig, alice, request_) == refused
    assert {name: rig.log.extent(name).head for name in rig.log.logs()} == before
    assert len(rig.chat.rooms["den"].roster.members) == 2


def test_the_beginning_of_a_fingerprint_means_the_one_device_here_that_has_it() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob", "den")
    name = fingerprint(bob.key)
    assert done(rig, alice, Sanction("den", BAN, f"#{name[:5]}")) == Failed("bad_subject", (f"#{name[:5]}",))
    assert done(rig, alice, Sanction("den", BAN, f"#{name[:8]}")) == Done() and bob.rooms == set()
    assert done(rig, alice, Lift("den", BAN, f"#{name[:8]}")) == Done()


def test_bans_are_listed_page_by_page_without_those_whose_time_is_over() -> None:
    rig = Rig()
    alice = rig.device("alice", "den")
    for number in range(40):
        rig.device(f"peer{number}")
        assert done(rig, alice, Sanction("den", BAN, f"peer{number}", 60 if number % 2 else 0, "x" * 40)) == Done()
    rig.now += 61
    found: list[str] = []
    more = True
    while more:
        page = done(rig, alice, ListSanctions("den", len(found)))
        assert isinstance(page, SanctionPage) and page.items
        found, more = found + [item.subject for item in page.items], page.more
    assert found == [f"peer{number}" for number in range(0, 40, 2)]
    assert done(rig, alice, ListSanctions("den", 99)) == SanctionPage([], False)


def test_who_is_invited_again_is_not_told_again() -> None:
    rig = Rig()
    alice, bob = rig.device("alice", "den"), rig.device("bob")
    for _ in range(3):
        assert done(rig, alice, Invite("den", "bob")) == Done()
    inboxes = [name for name in rig.log.logs() if name.startswith("~")]
    assert [rig.log.extent(name).head for name in inboxes] == [1] and inboxes[0] in bob.downlink.subscriptions
    assert rig.log.extent(AUDIT_LOG).head == 3
