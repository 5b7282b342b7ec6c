"""Messages under way to many peers, so many at once, and how long each took to the last of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

TEXT_BYTES = 100
STALL_S_MAX = 30.0
WAIT_S_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Relayed:
    """What `run` saw: seconds of all messages together, and of each."""

    wall_s: float
    taken_s: list[float]


class Tally:
    """Counts who has which message; messages are numbered from 0, as every peer gets them."""

    def __init__(self, peers: int) -> None:
        self._peers = peers
        self._missing: list[int] = []
        self._begun_s: list[float] = []
        self.taken_s: list[float] = []
        self.done = 0  # all below are with every peer

    @property
    def begun(self) -> int:
        """How many have been said."""
        return len(self._begun_s)

    def begin(self, now: float) -> None:
        """One more is said."""
        self._begun_s.append(now)
        self._missing.append(self._peers)

    def on_message(self, now: float, number: int) -> None:
        """One more peer has this message."""
        self._missing[number] -= 1
        while self.done < len(self._missing) and not self._missing[self.done]:
            self.taken_s.append(now - self._begun_s[self.done])
            self.done += 1


def run(
    tally: Tally, *, messages: int, in_flight: int, say: Callable[[int, str], None], turn: Callable[[float], None]
) -> Relayed:
    """Have so many messages said, so many of them under way at once, and return when all peers have all of them."""
    begin_s = moved_s = time.monotonic()
    done = 0
    while tally.done < messages:
        while tally.begun < messages and tally.begun - tally.done < in_flight:
            number = tally.begun
            tally.begin(time.monotonic())
            say(number, f"{number} ".ljust(TEXT_BYTES, "x"))
        turn(WAIT_S_MAX)
        now = time.monotonic()
        if tally.done != done:
            done, moved_s = tally.done, now
        elif now - moved_s > STALL_S_MAX:
            raise RuntimeError(f"stalled: {done} of {messages} messages after {now - begin_s:.0f} s")
    return Relayed(time.monotonic() - begin_s, tally.taken_s)
