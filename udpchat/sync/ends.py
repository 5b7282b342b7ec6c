"""What a peer is told of logs that it may follow no longer, and did not ask to leave: more than once, as it may be
lost, and nothing acknowledges it.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from udpchat.wire.limits import ACK_LOGS_MAX

REPEATED: Final = 3  # times, with heartbeats: if so many are lost in a row, nothing else comes through either


class Ends:
    """The frames that say so, by log; a peer has been in no more rooms than it may be in at once."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames: dict[str, tuple[bytes, int]] = {}  # and how often each is still sent

    def add(self, log: str, frame: bytes) -> None:
        """The peer was told, by this frame, that it follows a log no longer."""
        self._frames[log] = frame, REPEATED

    def forget(self, log: str) -> None:
        """It follows the log again, or has left it itself."""
        self._frames.pop(log, None)

    def due(self) -> list[bytes]:
        """The frames to send again with a heartbeat."""
        due = []
        for log, (frame, left) in list(islice(self._frames.items(), ACK_LOGS_MAX)):
            due.append(frame)
            del self._frames[log]
            if left > 1:
                self._frames[log] = frame, left - 1  # behind the others
        return due
