"""Who is typing, here and elsewhere: unreliable notices, each for a few seconds (SPEC 6.6). Pure."""

from __future__ import annotations

from typing import Final

from udpchat.chat.events import MemberTyping
from udpchat.chat.names import nick_key
from udpchat.wire.frames import Typing, encode
from udpchat.wire.limits import TYPING_INTERVAL_S

SHOWN_S: Final = 2 * TYPING_INTERVAL_S
SHOWN_MAX: Final = 64


class TypingNotices:
    """The users who are typing, by conversation; and when this user's own notice was last sent."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}  # (conversation, nick) -> when it is shown no longer
        self._sent = ("", float("-inf"))  # the log of the last own notice, and when

    def names(self, room: str) -> list[str]:
        """The nicks of those who are typing in a conversation, sorted."""
        return sorted(nick for known, nick in self._until if known == nick_key(room))

    def receive(self, now: float, room: str, nick: str) -> list[MemberTyping]:
        """A user is typing; an event if that is news."""
        known = (nick_key(room), nick)
        is_new = known not in self._until
        if is_new and len(self._until) >= SHOWN_MAX:
            return []
        self._until[known] = now + SHOWN_S
        return [MemberTyping(room, nick, True)] if is_new else []

    def end(self, room: str, nick: str) -> list[MemberTyping]:
        """A user has sent a message, or left."""
        was_shown = self._until.pop((nick_key(room), nick), None) is not None
        return [MemberTyping(room, nick, False)] if was_shown else []

    def next_timeout(self) -> float | None:
        return min(self._until.values(), default=None)

    def handle_timeout(self, now: float) -> list[MemberTyping]:
        """End the notices that were not repeated."""
        over = [known for known, until in self._until.items() if now >= until]
        return [event for known in over for event in self.end(*known)]

    def notify(self, now: float, log: str) -> bytes | None:
        """This user has typed something: the frame to send, if the last one is old enough."""
        sent_log, sent_at = self._sent
        if log == sent_log and now < sent_at + TYPING_INTERVAL_S:
            return None
        self._sent = (log, now)
        return encode(Typing(log))
