"""What the server carries out later: it cannot store anything, or this client sends too fast (SPEC 6.7, 7.2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from udpchat.chat import events
from udpchat.sync.exactly_once import Outbox
from udpchat.wire.limits import HOLD_S_MAX

UNWRITABLE_RETRY_S: Final = 1.0


class Delays:
    """Makes the requests in `outbox` wait. Each method returns what is to be reported: the beginning and the end."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._is_unwritable = False  # whether the server last reported that it cannot store

    def on_unwritable(self, now: float, reason: str) -> Sequence[events.ClientEvent]:
        """The server cannot store anything at the moment: all requests are kept, and sent again later."""
        was_unwritable, self._is_unwritable = self._is_unwritable, True
        self._outbox.on_refused(now, UNWRITABLE_RETRY_S)
        return () if was_unwritable else (events.error("unwritable", retry_s=UNWRITABLE_RETRY_S, reason=reason),)

    def on_stored(self) -> Sequence[events.ClientEvent]:
        """The server stored something. The result of a query would not prove that it can."""
        was_unwritable, self._is_unwritable = self._is_unwritable, False
        return (events.notice("writable"),) if was_unwritable else ()

    def on_held(self, now: float, wait_s: float) -> Sequence[events.ClientEvent]:
        """The server has the requests that were sent, and carries them out within this time."""
        wait_s = min(wait_s, HOLD_S_MAX)
        return (events.error("too_fast.held", retry_s=wait_s),) if self._outbox.on_held(now, wait_s) else ()
