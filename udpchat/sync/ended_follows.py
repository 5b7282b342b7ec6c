"""What a peer is told of logs that it may follow no longer, and did not ask to leave: more than once, as it may be
lost, and nothing acknowledges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Final

from udpchat.wire.limits import ACK_LOGS_MAX, EXPIRY_S, HEARTBEAT_S

REPEATED_MIN: Final = 3  # times
REPEAT_S: Final = 1.0  # before the first, if nothing is heard from the peer; doubled each time up to a heartbeat
REPEATED_S: Final = 2 * EXPIRY_S  # longer than a client waits that hears nothing before it makes another session
SPACING_S: Final = 0.2  # between two, however much the peer sends


@dataclass(slots=True)
class _End:
    """One of them: its frame, how often it was repeated, and when it was sent for the first and the last time.

    `is_hastened`: a Ping came since, too soon for another.
    """

    frame: bytes
    first_at: float
    last_at: float
    repeated: int = 0
    is_hastened: bool = False

    @property
    def due_at(self) -> float:
        return self.last_at + (
            SPACING_S if self.is_hastened else min(REPEAT_S * (1 << min(self.repeated, 8)), HEARTBEAT_S)
        )


class Ends:
    """The frames that say so, by log; a peer has been in no more rooms than it may be in at once."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends: dict[str, _End] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, now: float, log: str, frame: bytes) -> None:
        """The peer is told, by this frame, that it follows a log no longer."""
        self._ends[log] = _End(frame, now, now)

    def next_timeout(self) -> float | None:
        """When `due` has something, if nothing is heard from the peer before."""
        return min((end.due_at for end in self._ends.values()), default=None)

    def forget(self, log: str) -> None:
        """It follows the log again, or has left it itself."""
        self._ends.pop(log, None)

    def on_ping(self, now: float) -> list[bytes]:
        """The frames to send again as the peer asks whether all is well; those that were sent just now are due soon.

        They may have gone to an address where the peer is no longer.
        """
        frames = self.due(now)
        for end in self._ends.values():
            end.is_hastened = end.last_at < now
        return frames

    def due(self, now: float) -> list[bytes]:
        """The frames to send again, as the peer is heard or time has passed; those of ACK_LOGS_MAX logs at most."""
        if not self._ends:
            return []
        waiting = ((log, end) for log, end in self._ends.items() if now >= end.last_at + SPACING_S)
        taken = list(islice(waiting, ACK_LOGS_MAX))
        for log, end in taken:
            end.last_at, end.is_hastened = now, False
            end.repeated += 1
            del self._ends[log]
            if end.repeated < REPEATED_MIN or now < end.first_at + REPEATED_S:
                self._ends[log] = end  # behind the others
        return [end.frame for _, end in taken]
