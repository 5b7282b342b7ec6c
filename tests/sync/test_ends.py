"""What is said again of logs that a peer follows no longer."""

from __future__ import annotations

from udpchat.sync.ends import REPEATED_MIN, REPEATED_S, SPACING_S, Ends
from udpchat.wire.limits import ACK_LOGS_MAX


def test_it_is_said_with_each_heartbeat_for_as_long_as_a_session_may_be_silent() -> None:
    """As found: three Pongs were lost in a partition of one direction, and the client stayed in a room that it was
    banned from."""
    ends = Ends()
    ends.add("#den", b"gone")
    times = [10.0 * at for at in range(int(REPEATED_S / 10) + 3)]
    assert [at for at in times if ends.due(at)] == [at for at in times if at <= REPEATED_S]


def test_it_is_said_often_enough_where_heartbeats_are_rare() -> None:
    ends = Ends()
    ends.add("#den", b"gone")
    assert [bool(ends.due(at * 2 * REPEATED_S)) for at in range(REPEATED_MIN + 1)] == [True] * REPEATED_MIN + [False]


def test_who_sends_many_pings_is_not_told_with_each() -> None:
    ends = Ends()
    ends.add("#den", b"gone")
    assert [ends.due(1.0), ends.due(1.0), ends.due(1.0 + SPACING_S)] == [[b"gone"], [], [b"gone"]]


def test_it_is_not_said_of_a_log_that_is_followed_again() -> None:
    ends = Ends()
    ends.add("#den", b"gone")
    ends.forget("#den")
    ends.forget("#attic")
    assert ends.due(0.0) == []


def test_of_many_logs_each_has_its_turn() -> None:
    ends = Ends()
    for number in range(2 * ACK_LOGS_MAX):
        ends.add(f"#{number}", b"%d" % number)
    first, second = ends.due(0.0), ends.due(0.0)
    assert len(first) == len(second) == ACK_LOGS_MAX and not set(first) & set(second)
