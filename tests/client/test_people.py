"""People: known by their keys, under whatever nick, and ignored by them."""

from __future__ import annotations

from udpchat.client.people import People
from udpchat.wire.content import Message

ME, BOB, CAROL = b"m" * 8, b"b" * 8, b"c" * 8


def said(nick: str, author: bytes) -> Message:
    return Message(1, author, nick, bytes(8), 0, "hi")


def test_a_new_nick_does_not_help_who_is_ignored() -> None:
    people = People(ME)
    people.on_joined("bob", BOB)
    assert people.ignore("Bob") and not people.ignore("bob") and people.ignored() == ["bob"]
    assert people.is_ignored(said("robert", BOB)) and not people.is_ignored(said("carol", CAROL))
    assert people.unignore("BOB") and not people.unignore("bob") and not people.is_ignored(said("bob", BOB))


def test_who_is_ignored_before_being_met_is_known_by_the_first_sight_of_the_nick() -> None:
    for meet in (
        lambda people: people.on_joined("bob", BOB),
        lambda people: people.on_renamed("bob", "robert", BOB),
        lambda people: people.is_ignored(said("bob", BOB)),
    ):
        people = People(ME)
        people.ignore("bob")
        meet(people)
        assert people.is_ignored(said("robert", BOB)) and not people.is_ignored(said("bob", CAROL))


def test_a_rename_is_news_once_though_every_shared_room_reports_it() -> None:
    people = People(ME)
    people.on_joined("bob", BOB)
    assert [people.on_renamed("bob", "robert", BOB) for _ in range(3)] == [True, False, False]


def test_who_left_under_an_old_nick_is_still_known_by_the_new_one() -> None:
    people = People(ME)
    people.on_joined("bob", BOB)
    people.on_renamed("bob", "robert", BOB)
    people.on_left("bob", BOB)
    people.ignore("robert")
    assert people.is_ignored(said("x", BOB))
