"""A question on the full screen whose answer is not shown while it is typed: for passwords."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from udpchat.ui.tui.cells import safe
from udpchat.ui.tui.picker import Asking, Typed

KEYS: Final = {"enter": "choose", "escape": "leave", "ctrl+c": "leave", "ctrl+d": "leave"}


class HiddenBox(Asking):
    """Gives what was typed; an empty text for Escape. What is pasted goes there too."""

    DEFAULT_CSS = "HiddenBox Static { text-style: bold; }"

    def __init__(self, question: str) -> None:
        super().__init__(KEYS)
        self._question = question
        self._line = Typed(self.take, is_hidden=True)

    def compose(self) -> ComposeResult:
        """The question, and the line that is typed, as dots."""
        with Vertical():
            yield Static(Content(safe(self._question)))
            yield self._line

    def on_mount(self) -> None:
        self.set_focus(self._line)

    def action_choose(self) -> None:
        """Answer with what was typed."""
        self.answer(self._line.value)

    def on_key(self, event: events.Key) -> None:
        """A key that came before the line was there is for the line."""
        event.stop()
        self._line.post_message(events.Key(event.key, event.character))
