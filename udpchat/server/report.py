"""Collects events for the operator until they are drained; each reason for damage is reported at most once."""

from __future__ import annotations

from typing import Final

from udpchat.chat import events

REASONS_MAX: Final = 100  # of damage; no more than these are reported


class Report:
    """Other events are appended to `happened`."""

    def __init__(self) -> None:
        self.happened: list[events.ServerEvent] = []
        self._unreadable: set[str] = set()

    def on_unreadable(self, reason: str) -> None:
        """Part of the log cannot be read."""
        if reason not in self._unreadable and len(self._unreadable) < REASONS_MAX:
            self._unreadable.add(reason)
            self.happened.append(events.LogDamaged(reason))

    def drain(self) -> list[events.ServerEvent]:
        """The events since the last drain, in order."""
        drained = list(self.happened)
        self.happened.clear()
        return drained
