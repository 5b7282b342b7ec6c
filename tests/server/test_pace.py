"""The pace: turns are short where somebody gains by it, and long where nobody does."""

from __future__ import annotations

from udpchat.server.pace import CROWD_MAX, LONG, SHORT, SHORT_S, Pace


def begun(pace: Pace, now: float, *, strangers_wait: bool = False, waiting: int = 0) -> Pace:
    pace.begin_turn(now, strangers_wait=strangers_wait, waiting=waiting)
    return pace


def test_turns_are_short_while_strangers_wait() -> None:
    pace = Pace()
    assert begun(pace, 100.0, strangers_wait=True).turns is SHORT
    assert begun(pace, 100.1).turns is LONG


def test_turns_are_short_for_a_while_after_somebody_wrote_who_uses_little() -> None:
    pace = Pace()
    pace.on_little_used(100.0)
    assert begun(pace, 100.0 + SHORT_S - 0.1).turns is SHORT
    assert begun(pace, 100.0 + SHORT_S).turns is LONG


def test_turns_are_short_for_a_while_after_a_crowd_waited() -> None:
    pace = Pace()
    assert begun(pace, 100.0, waiting=CROWD_MAX).turns is LONG
    assert begun(pace, 100.1, waiting=CROWD_MAX + 1).turns is SHORT
    assert begun(pace, 100.0 + SHORT_S).turns is SHORT and begun(pace, 100.2 + SHORT_S).turns is LONG
