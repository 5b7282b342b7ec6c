"""What entries about order and accounts become."""

from __future__ import annotations

import pytest

from udpchat.chat import events
from udpchat.chat.permissions import Role
from udpchat.chat.phrase import Phrase
from udpchat.client.order_entry_events import ban_event, inbox_events, removal_event, roster_events, until_of
from udpchat.wire import content

USER = b"u" * 8


def test_a_role_is_told_by_its_name() -> None:
    entry = content.RoleSet("bob", USER, Role.OPERATOR, "ann")
    assert roster_events("tea", entry) == [events.RoleChanged("tea", "bob", "operator", "ann")]
    assert roster_events("", content.RoleSet("bob", USER, 15, "ann")) == [events.RoleChanged("", "bob", "host", "ann")]


def test_who_is_only_invited_is_no_news_for_others() -> None:
    invited = content.RoleSet("bob", USER, Role.INVITED, "ann")
    assert roster_events("tea", invited) == []
    told = events.RoleChanged("tea", "bob", "member", "ann")
    assert roster_events("tea", invited, former_role=Role.VOICE) == [told]


def test_modes_are_of_a_room_and_announcements_of_the_server() -> None:
    modes = content.ModesSet(content.Modes(is_invite_only=True, kept_s=60), "ann")
    changed = events.ModesChanged("tea", events.Modes(is_invite_only=True, kept_s=60), "ann")
    assert roster_events("tea", modes) == [changed] and roster_events("", modes) == []
    announced = content.Announced("it is late", "ann")
    assert roster_events("", announced) == [events.Announcement("it is late", "ann")]
    assert roster_events("tea", announced) == []


@pytest.mark.parametrize("room", ["tea", ""])
def test_a_sanction_is_told_when_it_begins_and_when_it_is_lifted(room: str) -> None:
    def told(kind: int, is_lifted: bool) -> list[events.ClientEvent]:
        return roster_events(room, content.SanctionSet(kind, "bob", "ann", "spam", 7, is_lifted))

    assert told(content.BAN, False) == [events.Banned(room, "bob", "ann", "spam", 7)]
    assert told(content.BAN, True) == [events.Unbanned(room, "bob", "ann", "spam")]
    assert told(content.MUTE, False) == [events.Muted(room, "bob", "ann", "spam", 7)]
    assert told(content.MUTE, True) == [events.Unmuted(room, "bob", "ann", "spam")]
    assert told(9, False) == [] == told(9, True)


def test_the_inbox_tells_of_invitations_and_of_failed_logins() -> None:
    assert inbox_events(content.Invited("tea", "ann", 7)) == [events.Invited("tea", "ann", 7)]
    assert inbox_events(content.LoginsFailed(3, 7, 9)) == [events.LoginsFailed(3, 7, 9)]
    assert inbox_events(content.Announced("not here", "ann")) == []


def test_a_removal_has_who_and_why_as_far_as_the_server_says() -> None:
    kicked = Phrase("kicked", {"by": "ann", "reason": "spam"})
    assert removal_event("tea", "bob", kicked) == events.MemberLeft("tea", "bob", "kicked", "ann", "spam")
    hidden = Phrase("not_allowed.invite_only")
    assert removal_event("tea", "bob", hidden) == events.MemberLeft("tea", "bob", "kicked", "", "")
    banned = Phrase("banned.room", {"by": "ann", "reason": "spam", "until_ms": "7"})
    assert ban_event("tea", "bob", banned) == events.Banned("tea", "bob", "ann", "spam", 7)


@pytest.mark.parametrize(("text", "until"), [("7", 7), ("", 0), ("-7", 0), ("soon", 0), ("\u0667", 0), ("9" * 400, 0)])
def test_a_time_that_is_none_is_for_good(text: str, until: int) -> None:
    assert until_of(Phrase("banned", {"until_ms": text})) == until
