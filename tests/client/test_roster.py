"""The members of a room: whatever the order in which changes and pages of a list come, they agree with the server."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.rig import published
from udpchat.chat.permissions import Role
from udpchat.client.roster import CHANGES_MAX, Member, Members
from udpchat.server.credit import Ledger
from udpchat.server.fanout import Fanout
from udpchat.server.roster import Roster
from udpchat.wire import requests
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Reason, Renamed, RoleSet

BOB, CAROL = b"b" * 8, b"c" * 8
NICKS = [f"nick{number}" for number in range(6)]


def page(as_of: int, *nicks: str, more: bool = False) -> requests.MemberPage:
    return requests.MemberPage(as_of, [requests.Member(nick, BOB, None) for nick in nicks], more)


def nicks(members: Members) -> list[str]:
    return [member.nick for member in members]


def test_changes_alone_give_who_came_since_and_a_list_who_was_here() -> None:
    members = Members(4)
    members.receive(5, Joined("bob", BOB))
    assert nicks(members) == ["bob"] and not members.is_complete
    members.receive_page("", page(5, "ann", "bob"))
    assert nicks(members) == ["ann", "bob"] and members.is_complete and len(members) == 2


def test_a_list_waits_for_the_changes_that_it_contains() -> None:
    members = Members()
    members.receive_page("", page(2))
    assert not members.is_complete
    members.receive(1, Joined("bob", BOB))
    members.receive(2, Left("bob", BOB, Reason.QUIT))
    assert nicks(members) == [] and members.is_complete


def test_a_list_does_not_undo_what_happened_after_it() -> None:
    members = Members()
    members.receive(1, Joined("carol", CAROL))
    members.receive(2, Left("bob", BOB, Reason.QUIT))
    members.receive_page("", page(0, "bob"))
    assert nicks(members) == ["carol"]


def test_a_page_is_about_the_nicks_from_its_first_to_its_last_only() -> None:
    members = Members()
    for at, nick in enumerate(("ann", "bob", "cid", "dee"), 1):
        members.receive(at, Joined(nick, BOB))
    members.receive_page("ann", page(4, "bob", "bud", more=True))
    assert nicks(members) == ["ann", "bob", "bud", "cid", "dee"] and not members.is_complete
    members.receive_page("bud", page(4, "dee"))
    assert nicks(members) == ["ann", "bob", "bud", "dee"]


def test_a_list_is_complete_when_its_pages_go_from_the_first_nick_to_the_last() -> None:
    members = Members()
    members.receive_page("bob", page(0, "cid"))  # as for the role of one member
    assert not members.is_complete
    members.receive_page("", page(0, "ann", "bob", more=True))
    assert not members.is_complete
    members.receive_page("bob", page(0, "cid"))
    assert nicks(members) == ["ann", "bob", "cid"] and members.is_complete


def test_presence_comes_with_changes_and_with_lists() -> None:
    members = Members()
    members.receive(1, Joined("bob", BOB))
    members.receive(2, AwaySet("bob", BOB, "lunch"))
    assert members.get("bob") == Member("bob", BOB, "lunch")
    members.receive(3, Renamed("bob", "robert", BOB))
    members.receive_page("", requests.MemberPage(3, [requests.Member("robert", BOB, "lunch")], False))
    assert list(members) == [Member("robert", BOB, "lunch")] and members.get("bob") is None


def test_what_is_remembered_of_changes_is_bounded() -> None:
    members = Members()
    for at in range(1, 3 * CHANGES_MAX, 2):
        members.receive(at, Joined(f"nick{at}", BOB))
        members.receive(at + 1, Left(f"nick{at}", BOB, Reason.QUIT))
    members.receive_page("", page(at + 1, "ann"))
    assert nicks(members) == ["ann"]


def test_a_server_cannot_fill_the_memory_with_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udpchat.client.roster.PEERS_MAX", 3)
    members = Members()
    for at in range(1, 9):
        members.receive(at, Joined(f"nick{at}", BOB))
    members.receive(9, AwaySet("nick1", BOB, "lunch"))
    assert [(each.nick, each.away) for each in members] == [("nick1", "lunch"), ("nick2", None), ("nick3", None)]


@given(st.integers(0, 2**32))
def test_lists_at_any_time_and_changes_in_order_agree_with_the_roster(seed: int) -> None:
    """Pages overtake changes and are overtaken; once both have come, the members are those of the server."""
    random = Random(seed)
    roster, members = Roster("lobby", generation=1), Members()
    entries: list[Entry] = []
    pages: list[tuple[str, requests.MemberPage]] = []
    received, after, is_listing = 0, "", True
    for _ in range(40):
        change(random, roster)
        roster.flush(0.0, Fanout(Ledger()))
        entries = published(roster)
        if is_listing and random.random() < 0.3:
            rest = [nick for nick in sorted(roster.members) if nick > after]
            listed = [roster.member(nick) for nick in rest[:2]]
            pages.append((after, requests.MemberPage(roster.head, listed, len(rest) > 2)))
            is_listing, after = len(rest) > 2, listed[-1].nick if listed else ""
        if pages and random.random() < 0.5:
            members.receive_page(*pages.pop(0))
        while received < len(entries) and random.random() < 0.7:
            received += 1
            members.receive(received, entries[received - 1])
    for each in pages:
        members.receive_page(*each)
    for sequence in range(received + 1, len(entries) + 1):
        members.receive(sequence, entries[sequence - 1])
    if members.is_complete:
        expected = [Member(nick, BOB, roster.members[nick].away) for nick in sorted(roster.members)]
        assert list(members) == expected


def change(random: Random, roster: Roster) -> None:
    """Somebody with one device comes, goes, is renamed, or is away."""
    nick = random.choice(NICKS)
    attendance = roster.members.get(nick)
    if attendance is None:
        return roster.join(0.0, nick, BOB)
    match random.randrange(3):
        case 0:
            roster.leave(0.0, nick, BOB, Reason.QUIT, away=attendance.away)
        case 1:
            roster.set_away(0.0, nick, attendance.away, random.choice((None, "lunch")))
        case 2 if (other := random.choice(NICKS)) not in roster.members:
            roster.rename(0.0, nick, other, BOB, away=attendance.away)


def test_a_member_keeps_the_role_under_another_nick_and_away() -> None:
    members = Members()
    members.receive(1, Joined("bob", BOB, role=Role.VOICE))
    members.receive(2, Renamed("bob", "robert", BOB))
    members.receive(3, AwaySet("robert", BOB, "tea"))
    assert list(members) == [Member("robert", BOB, "tea", Role.VOICE)]
    members.receive(4, RoleSet("robert", BOB, Role.OPERATOR, "ann"))
    assert members.role("robert") == Role.OPERATOR and members.role("nobody") == 0


def test_a_page_does_not_undo_a_later_role() -> None:
    members = Members()
    members.receive(1, Joined("bob", BOB))
    members.receive(2, RoleSet("bob", BOB, Role.VOICE, "ann"))
    members.receive_page("", page(1, "bob"))
    assert members.role("bob") == Role.VOICE
    members.receive_page("", page(2, "bob"))
    assert members.role("bob") == Role.MEMBER


def test_a_role_of_who_is_not_known_is_not_kept() -> None:
    members = Members()
    members.receive(1, RoleSet("bob", BOB, Role.VOICE, "ann"))
    members.receive_server_role("bob", Role.ADMIN)
    assert not members
