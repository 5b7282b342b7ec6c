"""Reactions: what passes for an emoji, and who reacted with which."""

from __future__ import annotations

import pytest

from udpchat.chat.reactions import Reaction, is_reaction, reacted
from udpchat.wire.limits import REACTION_CHARACTERS_MAX, REACTIONS_MAX

FAMILY = "\U0001f468\U0001f3fb\u200d\U0001f469\U0001f3fb\u200d\U0001f467\U0001f3fb\u200d\U0001f466\U0001f3fb"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def react(reactions: tuple[Reaction, ...], emoji: str, nick: str, *, added: bool = True) -> tuple[Reaction, ...]:
    return reacted(reactions, emoji, nick, nick.encode(), added=added, is_own=nick == "me")


@pytest.mark.parametrize(
    "emoji", ["\U0001f44d", "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f1e8\U0001f1ed", "\u2139", FAMILY, ENGLAND]
)
def test_an_emoji_may_be_a_reaction(emoji: str) -> None:
    assert is_reaction(emoji)


@pytest.mark.parametrize(
    "text",
    ["", "a", "+1", "ok", "1", ":)", "\u00e9", "\u0301", "\u200d", "\x1b[31m", "\u202e\U0001f44d",
     "\U0001f44d \U0001f44d", "\ufe0f\u20e3", "\U0001f44d" * (REACTION_CHARACTERS_MAX + 1)],
)  # fmt: skip
def test_other_text_may_not(text: str) -> None:
    assert not is_reaction(text)


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
