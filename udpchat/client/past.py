"""The past that was asked for: what the server says of it, put together with what was here already. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udpchat.chat.events import MessageReceived
from udpchat.wire.limits import PAST_ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is here of the past that somebody wants, and how many messages they want at most: the latest."""

    messages: tuple[MessageReceived, ...] = ()
    count: int = PAST_ENTRIES_MAX


def merged(
    found: Iterable[MessageReceived], here: Iterable[MessageReceived], *, is_one_log: bool
) -> list[MessageReceived]:
    """Both, each message once, in order: that of their log if they are of one, else that of their times."""
    by_id = {message.id: message for message in here} | {message.id: message for message in found}
    if is_one_log:  # whose order is not that of the times, if the server's clock was set back
        return sorted(by_id.values(), key=lambda message: message.seq)
    return sorted(by_id.values(), key=lambda message: (message.time_ms, message.room, message.seq))
