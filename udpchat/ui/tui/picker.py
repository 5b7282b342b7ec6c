"""A list to choose from by typing a part of what is wanted: rooms, and what was typed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from udpchat.chat.text import printable

SHOWN_MAX: Final = 100

Find = Callable[[str], Sequence[str]]  # what to offer for a typed text, the best first


class Picker(ModalScreen[str]):
    """Asks with `title`; gives the one chosen with Enter or a click, or an empty text for Escape."""

    DEFAULT_CSS = """
    Picker { align: center middle; }
    Picker > Vertical { width: 60; max-width: 100%; height: auto; max-height: 90%; border: solid $border;
        background: $surface; }
    Picker Input { padding: 0 1; background: $surface; }
    Picker OptionList { border: none; height: auto; max-height: 16; background: $surface; }
    Picker Static { padding: 0 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c,ctrl+g", "leave", show=False, priority=True),
        Binding("up,ctrl+p,shift+tab", "move(-1)", show=False, priority=True),
        Binding("down,ctrl+n,tab,ctrl+r,ctrl+k", "move(1)", show=False, priority=True),
    ]

    def __init__(self, title: str, find: Find, typed: str = "") -> None:
        super().__init__()
        self._title = title
        self._find = find
        self._typed = typed
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """A title, the line that is typed, and what fits it."""
        with Vertical():
            yield Static(Content(self._title))
            yield Input(self._typed, select_on_focus=False, compact=True)
            yield OptionList()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show(self._typed)

    def _show(self, typed: str) -> None:
        self._found = list(self._find(typed)[:SHOWN_MAX])
        options = self.query_one(OptionList)
        options.set_options(Option(Content(printable(name))) for name in self._found)
        options.highlighted = 0 if self._found else None

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """The one that is highlighted is chosen."""
        at = self.query_one(OptionList).highlighted
        self.dismiss(self._found[at] if at is not None else "")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index])

    def action_move(self, step: int) -> None:
        """Highlight the next one, or the one before."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_leave(self) -> None:
        self.dismiss("")


class Question(ModalScreen[str]):
    """Asks for one of several answers, each named by a key; Escape gives an empty text.

    `answers`: the key that gives an answer, and what the answer says.
    """

    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Vertical { width: 60; max-width: 100%; height: auto; border: solid $border; background: $surface; }
    Question Static { padding: 0 1; }
    Question OptionList { border: none; height: auto; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "leave", show=False, priority=True)]

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question, and the answers below each other."""
        with Vertical():
            yield Static(Content(self._question))
            yield OptionList(*(Option(Content(f"{key}  {text}")) for key, text in self._answers.items()))

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0
        self.query_one(OptionList).focus()

    def key_of(self, number: int) -> str:
        """The key of an answer."""
        return [*self._answers][number]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.key_of(event.option_index))

    def on_key(self, event: events.Key) -> None:
        """The key of an answer chooses it."""
        if event.key in self._answers:
            event.stop()
            self.dismiss(event.key)

    def action_leave(self) -> None:
        self.dismiss("")
