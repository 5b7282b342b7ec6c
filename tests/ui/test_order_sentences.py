"""What is said about roles and acts: all of them, in words."""

from __future__ import annotations

from udpchat.chat.permissions import Action, Role, role_name
from udpchat.chat.refusals import refusal
from udpchat.ui.order_sentences import act_as_read, act_in_words, role_with_article
from udpchat.ui.phrases import text_of


def test_every_role_has_its_article() -> None:
    assert all(role_with_article(role_name(role)) != role_name(role) for role in Role)
    assert role_with_article("gardener") == "gardener"


def test_every_act_can_be_read_behind_you_may_not() -> None:
    for action in Action:
        words = act_in_words(action)
        assert words and words.split()[0].islower()
        assert words.endswith("on the whole server") == action.startswith("server ")
    assert act_in_words("dance") == "dance"


def test_a_ban_is_told_with_who_why_and_until_when() -> None:
    told = text_of(refusal("banned", ("alice", "spamming", "1700000000123")))
    assert told.startswith("you are banned from this server until 2023-11-1") and told.endswith(", by alice: spamming")
    assert text_of(refusal("banned", ("alice", "", "0"))) == "you are banned from this server, by alice"
    assert text_of(refusal("muted.room", ("alice", "", "no time"))) == "you are muted in this room, by alice"


def test_what_one_may_not_do_is_named() -> None:
    assert text_of(refusal("not_allowed.role", ("server ban",))) == (
        "you may not do that here: ban on the whole server"
    )


def test_the_number_of_a_role_is_read_as_the_role() -> None:
    assert role_with_article("3") == "an operator" and role_with_article("9" * 50) == "9" * 50
    assert text_of(refusal("bad_role", ("3",))).startswith("nobody can be made an operator there: in the lobby")


def test_an_act_says_for_how_long_and_which_role() -> None:
    assert act_as_read("server mute", "600") == ("server mute", "for 10m")
    assert act_as_read("ban", "0") == ("ban", "for good")
    assert act_as_read("moderator", "member") == ("role", "member")
    assert act_as_read("announce", "600") == ("announce", "600")
