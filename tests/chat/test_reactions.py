"""Reactions: who reacted with which."""

from __future__ import annotations

from udpchat.chat.reactions import Reaction, reacted
from udpchat.wire.limits import REACTIONS_MAX, REACTIONS_PER_AUTHOR_MAX


def react(reactions: tuple[Reaction, ...], emoji: str, nick: str, *, added: bool = True) -> tuple[Reaction, ...]:
    return reacted(reactions, emoji, nick, nick.encode(), added=added, is_own=nick == "me")


def test_each_user_reacts_with_an_emoji_once_and_they_stand_in_the_order_of_time() -> None:
    reactions = react(react(react((), "\u2665", "bob"), "\u2605", "me"), "\u2665", "me")
    assert reactions == react(reactions, "\u2665", "bob")
    assert [(each.emoji, each.nicks, each.is_own) for each in reactions] == [
        ("\u2665", ("bob", "me"), True),
        ("\u2605", ("me",), True),
    ]


def test_what_is_taken_back_is_gone_and_an_emoji_of_nobody_too() -> None:
    reactions = react(react(react((), "\u2665", "bob"), "\u2605", "bob"), "\u2665", "me")
    reactions = react(reactions, "\u2665", "me", added=False)
    assert [(each.nicks, each.is_own) for each in reactions] == [(("bob",), False), (("bob",), False)]
    assert react(reactions, "\u2665", "me", added=False) == reactions
    assert [each.emoji for each in react(reactions, "\u2665", "bob", added=False)] == ["\u2605"]


def test_a_message_has_no_more_reactions_than_may_be() -> None:
    reactions: tuple[Reaction, ...] = ()
    for number in range(REACTIONS_MAX + 9):
        reactions = react(reactions, "\u2665", f"p{number}")
    assert len(reactions[0].nicks) == REACTIONS_MAX
    assert react(reactions, "\u2605", "me") == reactions
    assert len(react(reactions, "\u2665", "p1", added=False)[0].nicks) == REACTIONS_MAX - 1


def test_one_person_does_not_take_all_the_places() -> None:
    reactions: tuple[Reaction, ...] = ()
    for number in range(REACTIONS_PER_AUTHOR_MAX + 3):
        reactions = react(reactions, chr(0x1F600 + number), "bob")
    assert len(reactions) == REACTIONS_PER_AUTHOR_MAX
    assert len(react(reactions, "\u2605", "me")) == REACTIONS_PER_AUTHOR_MAX + 1
