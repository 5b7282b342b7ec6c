"""What is said again of logs that a peer follows no longer."""

from __future__ import annotations

from udpchat.sync.ends import REPEATED, Ends
from udpchat.wire.limits import ACK_LOGS_MAX


def test_it_is_said_so_often_and_then_no_more() -> None:
    ends = Ends()
    ends.add("#den", b"gone")
    assert [ends.due() for _ in range(REPEATED + 1)] == [[b"gone"]] * REPEATED + [[]]


def test_it_is_not_said_of_a_log_that_is_followed_again() -> None:
    ends = Ends()
    ends.add("#den", b"gone")
    ends.forget("#den")
    ends.forget("#attic")
    assert ends.due() == []


def test_of_many_logs_each_has_its_turn() -> None:
    ends = Ends()
    for number in range(2 * ACK_LOGS_MAX):
        ends.add(f"#{number}", b"%d" % number)
    first, second = ends.due(), ends.due()
    assert len(first) == len(second) == ACK_LOGS_MAX and not set(first) & set(second)
