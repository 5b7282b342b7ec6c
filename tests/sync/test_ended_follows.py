"""What is said again of logs that a peer follows no longer."""

from __future__ import annotations

from udpchat.sync.ended_follows import REPEAT_S, REPEATED_MIN, REPEATED_S, SPACING_S, Ends
from udpchat.wire.limits import ACK_LOGS_MAX


def test_it_is_said_with_each_heartbeat_for_as_long_as_a_session_may_be_silent() -> None:
    """As found: three Pongs were lost in a partition of one direction, and the client stayed in a room that it was
    banned from."""
    ends = Ends()
    ends.add(0.0, "#den", b"gone")
    times = [10.0 * at for at in range(1, int(REPEATED_S / 10) + 3)]
    assert [at for at in times if ends.due(at)] == [at for at in times if at <= REPEATED_S]


def test_it_is_said_often_enough_where_heartbeats_are_rare() -> None:
    ends = Ends()
    ends.add(0.0, "#den", b"gone")
    times = [at * 2 * REPEATED_S for at in range(1, REPEATED_MIN + 2)]
    assert [bool(ends.due(at)) for at in times] == [True] * REPEATED_MIN + [False]


def test_it_is_said_less_and_less_often_to_who_is_not_heard() -> None:
    ends = Ends()
    assert ends.next_timeout() is None
    ends.add(5.0, "#den", b"gone")
    assert ends.next_timeout() == 5.0 + REPEAT_S
    assert ends.due(5.0 + REPEAT_S) and ends.next_timeout() == 5.0 + 3 * REPEAT_S


def test_who_sends_many_pings_is_not_told_with_each() -> None:
    ends = Ends()
    ends.add(0.0, "#den", b"gone")
    assert [ends.due(1.0), ends.due(1.0), ends.due(1.0 + SPACING_S)] == [[b"gone"], [], [b"gone"]]


def test_after_a_ping_that_comes_too_soon_it_is_said_as_soon_as_it_may_be() -> None:
    """As found: it had gone to an address where the peer was no longer, and the next was 2 s away."""
    ends = Ends()
    ends.add(0.0, "#den", b"gone")
    assert ends.due(1.0) == [b"gone"] and ends.next_timeout() == 1.0 + 2 * REPEAT_S
    assert ends.on_ping(1.1) == [] and ends.next_timeout() == 1.0 + SPACING_S
    assert ends.due(1.0 + SPACING_S) == [b"gone"] and ends.next_timeout() == 1.0 + SPACING_S + 4 * REPEAT_S
    assert ends.on_ping(2.0) == [b"gone"] and ends.next_timeout() == 2.0 + 8 * REPEAT_S


def test_it_is_not_said_of_a_log_that_is_followed_again() -> None:
    ends = Ends()
    ends.add(0.0, "#den", b"gone")
    ends.forget("#den")
    ends.forget("#attic")
    assert ends.due(9.0) == []


def test_of_many_logs_each_has_its_turn() -> None:
    ends = Ends()
    for number in range(2 * ACK_LOGS_MAX):
        ends.add(0.0, f"#{number}", b"%d" % number)
    first, second = ends.due(9.0), ends.due(9.0)
    assert len(first) == len(second) == ACK_LOGS_MAX and not set(first) & set(second)
