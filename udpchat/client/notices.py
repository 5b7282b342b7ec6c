"""What is unreliable on purpose: who is typing, and how many users have one's messages (SPEC 6.6). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from udpchat.chat import events
from udpchat.client.receipts import Receipts
from udpchat.client.timeline import Timeline
from udpchat.client.typing import TypingNotices
from udpchat.session.timers import earliest
from udpchat.wire import frames


class Notices:
    """The notices of typing and the receipts of one client."""

    def __init__(self, timeline: Timeline, *, wants_receipts: bool) -> None:
        self._timeline = timeline
        self._wants_receipts = wants_receipts
        self.typing = TypingNotices()
        self.receipts = Receipts()

    def receive(self, now: float, frame: frames.UserTyping | frames.Receipt) -> Sequence[events.ClientEvent]:
        """A frame of the server."""
        if isinstance(frame, frames.Receipt):
            return self.receipts.receive(frame)
        room = self._timeline.room_of(frame.log)
        return [] if room is None else self.typing.receive(now, room, frame.nick)

    def follow_up(self, event: events.ClientEvent) -> Sequence[events.ClientEvent]:
        """What follows from an event: who has sent a message types no longer; of one's own, receipts are requested."""
        match event:
            case events.MessageReceived(room=room, nick=nick) | events.MemberLeft(room, nick):
                return self.typing.end(room, nick)
            case events.MessageSent(room, sequence, identity) if self._wants_receipts:
                if (log := self._timeline.log_of(room)) is not None:
                    self.receipts.on_sent(log, room, sequence, identity)
        return []

    def next_timeout(self) -> float | None:
        """When `handle_timeout` or `drain_frames` is due."""
        return earliest(self.typing.next_timeout(), self.receipts.next_timeout())

    def handle_timeout(self, now: float) -> Sequence[events.ClientEvent]:
        """End the notices of typing that were not repeated."""
        return self.typing.handle_timeout(now)

    def drain_frames(self, now: float) -> list[bytes]:
        """The requests of receipts that are due."""
        return self.receipts.drain_frames(now)
