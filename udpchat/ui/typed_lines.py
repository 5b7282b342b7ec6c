"""The lines that a person typed, by number, and which of them go back to where they were typed: those refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.input_history import is_secret

KEPT_MAX: Final = 100  # the latest: a refusal comes within a round trip

GiveBack = Callable[[str, str], object]
"""Gets the conversation in which a line was typed, and the line."""


class TypedLines:
    """Counts the lines of an input; `give_back` gets those that are refused, here or by the server."""

    def __init__(self, give_back: GiveBack | None = None) -> None:
        self.count = 0
        self._give_back = give_back
        self._kept: dict[int, tuple[str, str]] = {}

    def add(self, conversation: str, text: str) -> int:
        """A line was typed in this conversation; its number, from 1."""
        self.count += 1
        if self._give_back is not None and not is_secret(text):
            self._kept[self.count] = (conversation, text)
            self._kept.pop(self.count - KEPT_MAX, None)
        return self.count

    def note(self, happened: Iterable[ClientEvent]) -> None:
        """Give back the lines of which these events say that they were refused."""
        for event in happened:
            if self._give_back is not None and isinstance(event, events.Error) and event.line in self._kept:
                self._give_back(*self._kept.pop(event.line))
