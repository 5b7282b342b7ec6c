"""What holds for a user in rooms and on the server, from pages, entries and refusals."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.chat.permissions import Role
from udpchat.chat.phrase import Phrase
from udpchat.client.standings import Standing, Standings
from udpchat.wire.content import MUTE, Entry, Modes, ModesSet, RoleSet, SanctionSet
from udpchat.wire.requests import MemberPage

USER = b"u" * 8


def standings() -> Standings:
    """Of bob, who is in a room."""
    made = Standings()
    made.open("tea")
    return made


def receive(made: Standings, room: str, sequence: int, entry: Entry, *, is_me: bool = True) -> None:
    made.receive(room, sequence, entry, nick="bob", is_me=is_me)


def muted(until_ms: int = 0, *, is_lifted: bool = False, subject: str = "BOB") -> SanctionSet:
    return SanctionSet(MUTE, subject, "ann", "", until_ms, is_lifted)


def test_what_holds_is_asked_for_once_for_each_roster() -> None:
    made = standings()
    assert made.drain_unknown() == ["tea"] and made.drain_unknown() == []
    made.open("tea")
    made.open("ops")
    made.close("ops")
    assert made.drain_unknown() == ["tea"]


def test_nothing_is_in_the_way_of_who_is_nobody_special_in_a_room_without_modes() -> None:
    made = standings()
    assert made.of("tea") == Standing("member")
    made.receive_page("tea", MemberPage(0, [], False))
    assert made.of("tea") == Standing("member", events.Modes())


def test_a_mute_is_over_at_its_end_and_one_on_the_whole_server_goes_on() -> None:
    made = standings()
    receive(made, "tea", 4, muted(until_ms=5_000))
    receive(made, "", 5, muted(until_ms=9_000))
    assert made.of("tea", 4_999).muted_until_ms == 5_000
    assert made.of("tea", 5_000).muted_until_ms == 9_000 and not made.of("tea", 5_000).may_speak
    assert made.of("tea", 9_000).muted_until_ms is None and made.of("tea", 9_000).may_speak
    receive(made, "", 6, muted())
    assert made.of("tea", 10**15).muted_until_ms == 0, "for good"


def test_modes_and_roles_decide_who_may_speak_and_set_the_topic() -> None:
    made = standings()
    made.receive_page("tea", MemberPage(3, [], False, Modes(is_moderated=True, is_topic_locked=True)))
    assert not made.of("tea").may_speak and not made.of("tea").may_set_topic
    receive(made, "tea", 4, RoleSet("bob", USER, Role.VOICE, "ann"))
    assert made.of("tea").may_speak and not made.of("tea").may_set_topic and made.of("tea").role == "voice"
    receive(made, "", 9, RoleSet("bob", USER, Role.MODERATOR, "ann"))
    assert made.of("tea").role == "moderator" == made.of("").role and made.of("tea").may_set_topic
    receive(made, "", 10, RoleSet("bob", USER, Role.MEMBER, "ann"))
    assert made.of("tea").role == "voice" and made.of("").role == "member"
    receive(made, "tea", 5, RoleSet("eve", b"e" * 8, Role.MEMBER, "ann"), is_me=False)
    assert made.of("tea").role == "voice"


def test_a_page_does_not_undo_what_came_after_it() -> None:
    made = standings()
    receive(made, "tea", 5, ModesSet(Modes(slow_s=5), "ann"))
    receive(made, "tea", 6, RoleSet("bob", USER, Role.VOICE, "ann"))
    made.receive_page("tea", MemberPage(4, [], False, Modes(), Role.OPERATOR))
    assert made.of("tea") == Standing("voice", events.Modes(slow_s=5))
    made.receive_page("tea", MemberPage(6, [], False, Modes(), Role.OPERATOR))
    assert made.of("tea") == Standing("operator", events.Modes())


def test_a_role_on_the_server_that_a_page_names_ends_with_that() -> None:
    made = standings()
    made.role = Role.ADMIN
    made.receive_page("tea", MemberPage(1, [], False, Modes(), Role.ADMIN))
    assert made.of("tea").role == "admin"
    receive(made, "", 2, RoleSet("bob", USER, Role.MEMBER, "ann"))
    assert made.of("tea").role == "member"


def test_a_mute_holds_until_it_is_lifted_or_something_was_said() -> None:
    made = standings()
    receive(made, "tea", 1, muted(7), is_me=False)
    assert made.of("tea").muted_until_ms == 7 and not made.of("tea").may_speak and made.of("ops").may_speak
    receive(made, "tea", 2, muted(is_lifted=True), is_me=False)
    assert made.of("tea").may_speak and made.of("tea").muted_until_ms is None
    receive(made, "", 1, muted(), is_me=False)
    assert made.of("tea").muted_until_ms == 0 and not made.of("ops").may_speak
    made.on_said("#tea")
    assert made.of("tea").may_speak and made.of("ops").may_speak
    receive(made, "tea", 3, muted(subject="eve"), is_me=False)
    assert made.of("tea").may_speak


def test_who_comes_to_a_room_where_they_are_muted_learns_it_by_the_refusal() -> None:
    made = standings()
    made.on_refused("tea", Phrase("muted.room", {"by": "ann", "reason": "", "until_ms": "9"}))
    assert made.of("tea").muted_until_ms == 9 and made.of("ops").may_speak
    made.on_refused("@eve", Phrase("muted", {"by": "ann", "reason": "", "until_ms": "0"}))
    assert made.of("ops").muted_until_ms == 0
    made.on_refused("tea", Phrase("not_allowed.moderated"))
    made.close("tea")
    assert made.of("tea").muted_until_ms == 0


def test_what_is_said_of_rooms_that_this_user_is_not_in_is_not_kept() -> None:
    made = standings()
    made.receive_page("ops", MemberPage(1, [], False, Modes(slow_s=5), Role.VOICE))
    receive(made, "ops", 1, ModesSet(Modes(slow_s=5), "ann"))
    receive(made, "ops", 2, RoleSet("bob", USER, Role.VOICE, "ann"))
    assert made.of("ops") == Standing("member")
