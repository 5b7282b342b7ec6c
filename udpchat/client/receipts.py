"""How many users have this user's messages: requested again, ever less often, until all have them (SPEC 6.6). Pure.

The server counts acks. An answer for one message holds for all earlier ones of its log, of which at least as many
users have each. A message is reported once for each number, and at most once in REPORTED_EVERY_S.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from udpchat.chat.events import MessageDelivered
from udpchat.session.timers import backoff_s
from udpchat.wire.frames import GetReceipt, Receipt, encode

INTERVAL_S: Final = 1.0  # after the first request, which goes at once; doubled each time
INTERVAL_S_MAX: Final = 60.0
REQUESTS_MAX: Final = 20  # for the latest message of a log: about ten minutes
OPEN_MAX: Final = 64  # messages of a log that not all have
REPORTED_EVERY_S: Final = 1.0


@dataclass(slots=True)
class _Message:
    """A message that not all users are reported to have, and what was reported last."""

    id: str
    have: int = -1
    users: int = -1
    reported_at: float = float("-inf")


@dataclass(slots=True)
class _Open:
    """The messages of one log that not all users have, and when to ask about the last of them."""

    room: str
    due: float = 0.0
    asked: int = 0
    messages: dict[int, _Message] = field(default_factory=dict)  # by sequence


class Receipts:
    """The logs with messages of this user that not all others have yet."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def on_sent(self, log: str, room: str, sequence: int, identity: str) -> None:
        """A message of this user is in the log."""
        waiting = self._open.setdefault(log, _Open(room))
        waiting.due, waiting.asked = 0.0, 0
        waiting.messages[sequence] = _Message(identity)
        if len(waiting.messages) > OPEN_MAX:
            del waiting.messages[min(waiting.messages)]

    def receive(self, now: float, frame: Receipt) -> list[MessageDelivered]:
        """An answer of the server; an event for each message that it tells something new about.

        What may not be reported yet is asked again when it may.
        """
        waiting = self._open.get(frame.log)
        if waiting is None:
            return []
        happened = []
        for sequence in [sequence for sequence in waiting.messages if sequence <= frame.sequence]:
            message = waiting.messages[sequence]
            have = max(frame.have, message.have) if frame.users == message.users else frame.have
            if (have, frame.users) != (message.have, message.users):
                if now < message.reported_at + REPORTED_EVERY_S:
                    waiting.due = min(waiting.due, message.reported_at + REPORTED_EVERY_S)
                    continue
                message.have, message.users, message.reported_at = have, frame.users, now
                happened.append(MessageDelivered(waiting.room, sequence, message.id, have, frame.users))
            if have >= frame.users:
                del waiting.messages[sequence]
        if not waiting.messages:
            del self._open[frame.log]
        return happened

    def next_timeout(self) -> float | None:
        """When `drain_frames` is due."""
        return min((waiting.due for waiting in self._open.values()), default=None)

    def drain_frames(self, now: float) -> list[bytes]:
        """The requests that are due."""
        frames = []
        for log, waiting in list(self._open.items()):
            if now < waiting.due:
                continue
            if waiting.asked == REQUESTS_MAX:
                del self._open[log]
                continue
            waiting.due = now + backoff_s(INTERVAL_S, waiting.asked, max_s=INTERVAL_S_MAX)
            waiting.asked += 1
            frames.append(encode(GetReceipt(log, max(waiting.messages))))
        return frames
