"""People: who is in the rooms, and who is ignored, under whatever nick."""

from __future__ import annotations

import pytest

from udpchat.chat import events
from udpchat.client.people import People
from udpchat.wire.content import AwaySet, Entry, Joined, Left, Message, Reason, Renamed, TopicSet

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
