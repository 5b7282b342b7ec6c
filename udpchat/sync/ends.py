"""What a peer is told of logs that it may follow no longer, and did not ask to leave: more than once, as it may be
lost, and nothing acknowledges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Final

from udpchat.wire.limits import ACK_LOGS_MAX, EXPIRY_S

REPEATED_MIN: Final = 3  # times, with heartbeats and what answers acks
REPEATED_S: Final = 2 * EXPIRY_S  # longer than a client waits that hears nothing before it makes another session
SPACING_S: Final = 0.2  # between two, however much the peer sends


@dataclass(slots=True)
class _End:
    """One of them: its frame, how often it was repeated, and when for the first and the last time."""

    frame: bytes
    repeated: int = 0
    first_at: float = float("-inf")
    last_at: float = float("-inf")


class Ends:
    """The frames that say so, by log; a peer has been in no more rooms than it may be in at once."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends: dict[str, _End] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, log: str, frame: bytes) -> None:
        """The peer was told, by this frame, that it follows a log no longer."""
        self._ends[log] = _End(frame)

    def forget(self, log: str) -> None:
        """It follows the log again, or has left it itself."""
        self._ends.pop(log, None)

    def due(self, now: float) -> list[bytes]:
        """The frames to send again as the peer is heard, those of ACK_LOGS_MAX logs at most."""
        waiting = ((log, end) for log, end in self._ends.items() if now >= end.last_at + SPACING_S)
        taken = list(islice(waiting, ACK_LOGS_MAX))
        for log, end in taken:
            end.first_at = end.first_at if end.repeated else now
            end.last_at = now
            end.repeated += 1
            del self._ends[log]
            if end.repeated < REPEATED_MIN or now < end.first_at + REPEATED_S:
                self._ends[log] = end  # behind the others
        return [end.frame for _, end in taken]
