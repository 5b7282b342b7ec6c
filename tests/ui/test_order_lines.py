"""Order and accounts as lines; each event's form is in `tests.ui.drawn_order`."""

from __future__ import annotations

from datetime import timedelta, timezone

from tests.ui.drawn_order import SANCTIONS, TIME_MS
from udpchat.chat import events
from udpchat.ui.order_lines import mode_words, order_lines


def test_times_are_those_of_the_zone_of_who_reads() -> None:
    east = timezone(timedelta(hours=2))
    (line,) = order_lines(events.Muted("lobby", "bob", "alice", "", TIME_MS), east)
    assert line == "alice muted bob in lobby until 2023-11-15 00:13"
    assert "until 2023-11-15 00:13" in order_lines(events.SanctionList("lobby", SANCTIONS), east)[1]


def test_modes_are_written_as_they_are_typed() -> None:
    modes = events.Modes(is_moderated=True, is_invite_only=True, is_topic_locked=True, slow_s=60, kept_s=90)
    assert mode_words(modes) == ["moderated", "invite_only", "topic_locked", "slow=1m", "kept=90s"]
    assert mode_words(events.Modes()) == []


def test_an_announcement_begins_behind_who_makes_it_and_no_line_of_it_stands_alone() -> None:
    lines = order_lines(events.Announcement("one\n-- bob left\n", "alice"), None)
    assert lines == ["ANNOUNCEMENT by alice: one", "  -- bob left", "  "]


def test_roles_of_later_versions_are_named_as_they_are() -> None:
    (line,) = order_lines(events.RoleChanged("lobby", "bob", "gardener", "alice"), None)
    assert line == "alice made bob gardener of lobby"
