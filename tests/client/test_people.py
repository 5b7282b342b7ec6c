"""People: who is in the rooms, and who is ignored, under whatever nick."""

from __future__ import annotations

import pytest

from udpchat.chat import events
from udpchat.chat.permissions import Role
from udpchat.client.people import People
from udpchat.wire.content import (
    Announced,
    AwaySet,
    Entry,
    Joined,
    Left,
    Message,
    Reason,
    Renamed,
    RoleSet,
    TopicSet,
)

ME, BOB, CAROL = b"m" * 8, b"b" * 8, b"c" * 8


def people_in(*rooms: str) -> People:
    people = People(ME)
    for room in rooms:
        people.open(room, 0)
    return people


def said(nick: str, author: bytes) -> Message:
    return Message(1, author, nick, bytes(8), 0, "hi")


def test_a_new_nick_does_not_help_who_is_ignored() -> None:
    people = people_in("lobby")
    people.receive("lobby", 1, Joined("bob", BOB))
    assert people.ignore("Bob") and not people.ignore("bob") and people.ignored() == ["bob"]
    assert people.is_ignored(said("robert", BOB)) and not people.is_ignored(said("carol", CAROL))
    assert people.unignore("BOB") and not people.unignore("bob") and not people.is_ignored(said("bob", BOB))


@pytest.mark.parametrize("met", [Joined("bob", BOB), Renamed("bob", "robert", BOB), said("bob", BOB)])
def test_who_is_ignored_before_being_met_is_known_by_the_first_sight_of_the_nick(met: Entry) -> None:
    people = people_in("lobby")
    people.ignore("bob")
    if isinstance(met, Message):
        people.is_ignored(met)
    else:
        people.receive("lobby", 1, met)
    assert people.is_ignored(said("robert", BOB)) and not people.is_ignored(said("bob", CAROL))


def test_a_rename_is_news_once_though_every_shared_room_reports_it() -> None:
    people = people_in("lobby", "den", "attic")
    for room in ("lobby", "den", "attic"):
        people.receive(room, 1, Joined("bob", BOB))
    reported = [people.receive(room, 2, Renamed("bob", "robert", BOB)) for room in ("lobby", "den", "attic")]
    assert reported == [[events.MemberRenamed("bob", "robert")], [], []]


def test_who_left_one_room_is_still_known_by_another() -> None:
    people = people_in("lobby", "den")
    for room in ("lobby", "den"):
        people.receive(room, 1, Joined("bob", BOB))
    people.receive("den", 2, Left("bob", BOB, Reason.PARTED))
    people.ignore("bob")
    assert people.is_ignored(said("x", BOB))


def test_what_happens_in_a_room_is_reported_except_what_this_user_did() -> None:
    people = people_in("lobby")
    entries = [
        Joined("me", ME), Joined("bob", BOB), AwaySet("bob", BOB, "lunch"), AwaySet("me", ME, "tea"),
        TopicSet("tea", "bob"), Left("bob", BOB, Reason.QUIT), Left("me", ME, Reason.QUIT),
    ]  # fmt: skip
    assert [event for at, entry in enumerate(entries, 1) for event in people.receive("lobby", at, entry)] == [
        events.MemberJoined("lobby", "bob"),
        events.MemberAway("lobby", "bob", "lunch"),
        events.TopicChanged("lobby", "tea", "bob"),
        events.MemberLeft("lobby", "bob", "quit"),
    ]


def test_the_members_of_a_room_that_was_left_are_forgotten() -> None:
    people = people_in("lobby")
    people.receive("lobby", 1, Joined("bob", BOB))
    assert [member.nick for member in people.members("lobby")] == ["bob"]
    people.close("lobby")
    assert not people.members("lobby")


def test_after_a_restart_of_the_server_who_was_there_all_the_time_is_no_news_when_joining_again() -> None:
    people = people_in("lobby")
    for at, entry in enumerate((Joined("bob", BOB), Joined("carol", CAROL), Left("carol", CAROL, Reason.TIMED_OUT)), 1):
        people.receive("lobby", at, entry)
    people.open("lobby", 0)
    entries = (
        Joined("dave", b"d" * 8, True),
        Joined("bob", BOB, True),
        Joined("carol", CAROL, True),
        Joined("eve", b"e" * 8),
    )
    joined = [event for at, entry in enumerate(entries, 1) for event in people.receive("lobby", at, entry)]
    assert joined == [events.MemberJoined("lobby", "carol"), events.MemberJoined("lobby", "eve")]
    assert [member.nick for member in people.members("lobby")] == ["bob", "carol", "dave", "eve"]


def test_who_is_back_while_the_server_ran_on_is_news_because_leaving_was_reported() -> None:
    people = people_in("lobby")
    assert people.receive("lobby", 1, Joined("bob", BOB, True)) == [events.MemberJoined("lobby", "bob")]
    people.receive("lobby", 2, Left("bob", BOB, Reason.TIMED_OUT))
    people.skip("lobby", 5)
    assert people.receive("lobby", 6, Joined("bob", BOB, True)) == [events.MemberJoined("lobby", "bob")]


# --- Order ----------


def test_roles_modes_and_sanctions_of_a_room_are_told() -> None:
    people = people_in("tea")
    people.receive("tea", 1, Joined("bob", BOB))
    assert people.receive("tea", 2, RoleSet("bob", BOB, Role.VOICE, "ann")) == [
        events.RoleChanged("tea", "bob", "voice", "ann")
    ]
    assert [member.role for member in people.members("tea")] == [Role.VOICE]
    assert people.receive("tea", 3, RoleSet("bob", BOB, Role.INVITED, "ann"))  # it takes away the voice
    assert people.receive("tea", 4, RoleSet("bob", BOB, Role.MEMBER, "ann")) == []
    assert people.receive("tea", 5, Announced("it is late", "ann")) == []


def test_a_role_on_the_server_counts_in_all_rooms() -> None:
    people = people_in("tea", "ops", "")
    for room in ("tea", "ops"):
        people.receive(room, 1, Joined("bob", BOB))
    told = people.receive("", 1, RoleSet("bob", BOB, Role.ADMIN, "ann"))
    assert told == [events.RoleChanged("", "bob", "admin", "ann")]
    assert [member.role for room in ("tea", "ops") for member in people.members(room)] == [Role.ADMIN] * 2
    people.receive("tea", 2, RoleSet("bob", BOB, Role.VOICE, "ann"))
    assert [member.role for member in people.members("tea")] == [Role.ADMIN]  # the higher one
    people.receive("", 2, RoleSet("bob", BOB, Role.MEMBER, "ann"))
    assert [member.role for member in people.members("tea")] == [Role.MEMBER]


def test_nobody_joins_the_server() -> None:
    people = people_in("")
    for entry in (Joined("bob", BOB), Renamed("bob", "robert", BOB), TopicSet("tea", "bob"), Left("bob", BOB, "quit")):
        assert people.receive("", 1, entry) == []
    assert not people.members("")


def test_who_was_removed_is_to_leave_and_who_left_otherwise_is_not() -> None:
    people = people_in("tea")
    for reason in (Reason.PARTED, Reason.TIMED_OUT, Reason.QUIT):
        assert people.receive("tea", 1, Left("me", ME, reason)) == []
    assert people.drain_removals() == []
    assert people.receive("tea", 2, Left("me", ME, Reason.KICKED, "ann", "spam")) == []
    assert people.drain_removals() == [events.MemberLeft("tea", "me", "kicked", "ann", "spam")]
    assert people.drain_removals() == []
    assert people.receive("tea", 3, Left("bob", BOB, Reason.KICKED, "ann", "spam")) == [
        events.MemberLeft("tea", "bob", "kicked", "ann", "spam")
    ]


def test_what_was_said_before_a_device_joined_an_account_is_this_users() -> None:
    people = People(ME)
    people.identify(BOB)
    assert people.me == BOB and people.mine == {ME, BOB}
