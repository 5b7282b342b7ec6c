"""How long the turns of a server are, and how much it takes on at once (SPEC 6.7).

A request costs up to twice as much in short turns, and only who uses little gains by them: they wait for less of what
others asked for. So turns are short while strangers wait, and for SHORT_S after somebody wrote who has much credit and
has used clearly less than those who wait, or after more than CROWD_MAX waited; else they are long.
"""

from __future__ import annotations

from typing import Final

from udpchat.wire.fields import Value
from udpchat.wire.limits import WRITE_AHEAD_BYTES_LONG_MAX, WRITE_AHEAD_BYTES_MAX

TURN_US: Final = 700.0
LONG_TURN_US: Final = 8_000.0
SHORT_S: Final = 1.5
CROWD_MAX: Final = 64  # senders: it would take readers a second to take in what more ask for in long turns


class Turns(Value, frozen=True):
    """`turn_us`: the work of a turn; `write_turns`: so many share a write, which costs as much as some ten requests;
    `write_bytes_max`: settled and not durable, when requests wait; `is_reach_bounded`: by REACH_IN_ALL. `flushed_max`:
    peers that are sent packets in a turn, and packets: they take about as long as the work of the turn."""

    turn_us: float
    write_turns: int
    write_bytes_max: int
    is_reach_bounded: bool
    flushed_max: int


SHORT: Final = Turns(TURN_US, 4, WRITE_AHEAD_BYTES_MAX, True, 32)
LONG: Final = Turns(LONG_TURN_US, 1, WRITE_AHEAD_BYTES_LONG_MAX, False, 64)


class Pace:
    """`turns`: how they are now."""

    __slots__ = ("_short_until", "turns")

    def __init__(self) -> None:
        self.turns = SHORT
        self._short_until = float("-inf")

    def begin_turn(self, now: float, *, strangers_wait: bool, waiting: int = 0) -> None:
        """A turn begins; something of so many senders waits."""
        if waiting > CROWD_MAX:
            self._short_until = now + SHORT_S
        self.turns = SHORT if strangers_wait or now < self._short_until else LONG

    def on_little_used(self, now: float) -> None:
        """Somebody has written who has used clearly less than those who wait."""
        self._short_until = now + SHORT_S
