"""What an operator may want to know, collected until it is drained; damage once for each reason, however often met."""

from __future__ import annotations

from typing import Final

from udpchat.chat import events

REASONS_MAX: Final = 100  # of damage, remembered as reported


class Report:
    """`happened` takes events as they are."""

    def __init__(self) -> None:
        self.happened: list[events.ServerEvent] = []
        self._unreadable: set[str] = set()

    def on_unreadable(self, reason: str) -> None:
        """Part of the log cannot be read."""
        if reason not in self._unreadable and len(self._unreadable) < REASONS_MAX:
            self._unreadable.add(reason)
            self.happened.append(events.LogDamaged(reason))

    def drain(self) -> list[events.ServerEvent]:
        """What happened, in order."""
        drained = list(self.happened)
        self.happened.clear()
        return drained
