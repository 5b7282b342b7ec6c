"""A list to choose from by typing a part of what is wanted: rooms, what was typed before, what a search found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from udpchat.chat.text import masked
from udpchat.ui.tui.cells import safe, unjoined

SHOWN_MAX: Final = 100

QUESTION_KEYS: Final = {"enter": "choose", "escape": "leave", "ctrl+c": "leave", "up": "move(-1)", "down": "move(1)"}
PICKER_KEYS: Final = QUESTION_KEYS | {
    "ctrl+g": "leave", "ctrl+p": "move(-1)", "shift+tab": "move(-1)",
    "ctrl+n": "move(1)", "tab": "move(1)", "ctrl+r": "move(1)", "ctrl+k": "move(1)",
}  # fmt: skip
CALL_OF_EDITING_KEY: Final = {
    key: binding.action for binding in Input.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")
}


class Asking(ModalScreen[str]):
    """Is answered once. Keys that are read together are taken in their order: those behind the answer go to the line
    below. So no key is a binding: Textual runs those later. `call_of_key`: the action that each key stands for.
    """

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Asking { align: center middle; }
    Asking > Vertical { width: 60; max-width: 100%; height: auto; border: solid $border; background: $surface; }
    Asking Input { padding: 0 1; background: $surface; }
    Asking Static { padding: 0 1; }
    Asking OptionList { border: none; height: auto; background: $surface; }
    Asking OptionList > .option-list--option-highlighted { text-style: reverse; }
    """

    def __init__(self, call_of_key: dict[str, str]) -> None:
        super().__init__()
        self._call_of_key = call_of_key

    def answer(self, answer: str) -> None:
        """Close with this answer, unless it is closed already."""
        if self.app.screen is self:
            self.dismiss(answer)

    async def take(self, event: events.Key) -> bool:
        """Do what the key stands for, if it does; once this is answered, the key is for what is below."""
        if self.app.screen is not self:
            self.app.post_message(events.Key(event.key, event.character))
        elif call := self._call_of_key.get(event.key):
            await self.run_action(call)
        else:
            return False
        return True

    def action_move(self, step: int) -> None:
        """Highlight the next one, or the one before."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_choose(self) -> None:
        """Answer with the highlighted one; there may be none."""
        option = self.query_one(OptionList).highlighted_option
        self.answer(option.answer if isinstance(option, Offer) else "")

    def action_answer(self, answer: str) -> None:
        self.answer(answer)

    def action_leave(self) -> None:
        self.answer("")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """One was clicked."""
        if isinstance(event.option, Offer):
            self.answer(event.option.answer)


class Offer(Option):
    """One of the list. `answer`: what it stands for; `shown`: what is shown of it, if not the answer itself."""

    def __init__(self, answer: str, shown: str = "") -> None:
        super().__init__(Content(safe(shown or answer)))
        self.answer = answer


Find = Callable[[str], Sequence[Offer]]  # what to offer for a typed text, the best first


class Offers(OptionList, can_focus=False):
    """The list. No key goes to it: it would do it after those that came later."""


class Typed(Input):
    """The line of a picker. `take` gets each key first, and tells whether it was for it. `is_hidden`: it shows dots."""

    def __init__(self, take: Callable[[events.Key], Awaitable[bool]], *, is_hidden: bool = False) -> None:
        super().__init__(select_on_focus=False, compact=True, password=is_hidden)
        self._take = take

    def validate_value(self, value: str) -> str:
        """A pasted text may hold escape sequences."""
        return unjoined(masked(value))

    async def on_key(self, event: events.Key) -> None:
        """Each key is done before the next one comes."""
        event.stop()
        call = CALL_OF_EDITING_KEY.get(event.key)
        if await self._take(event):
            event.prevent_default()
        elif call:
            event.prevent_default()
            await self.run_action(call)


class Picker(Asking):
    """Asks with `title`; gives the one chosen with Enter or a click, or an empty text for Escape."""

    DEFAULT_CSS = """
    Picker > Vertical { max-height: 90%; }
    Picker OptionList { max-height: 16; text-wrap: nowrap; text-overflow: ellipsis; }
    Picker.-wide > Vertical { width: 100; }
    Picker Static { text-style: bold; }
    """

    def __init__(self, title: str, find: Find, *, is_wide: bool = False) -> None:
        super().__init__(PICKER_KEYS)
        self.set_class(is_wide, "-wide")
        self._title = title
        self._find = find
        self._line = Typed(self.take)
        self._offers = Offers()
        self._offered_for: str | None = None  # the typed text that the list fits

    def compose(self) -> ComposeResult:
        """A title, the line that is typed, and what fits it."""
        with Vertical():
            yield Static(Content(self._title))
            yield self._line
            yield self._offers

    def on_mount(self) -> None:
        self.set_focus(self._line)
        self._offer()

    def _offer(self) -> None:
        """Offer what fits the line as it is now: a key may come before the message that the line has changed."""
        if self._line.value != self._offered_for:
            self._offered_for = self._line.value
            found = self._find(self._offered_for)[:SHOWN_MAX]
            self._offers.set_options(found)
            self._offers.highlighted = 0 if found else None

    def on_input_changed(self) -> None:
        self._offer()

    async def take(self, event: events.Key) -> bool:
        """As any key, with the list as it is by now."""
        self._offer()
        return await super().take(event)

    def on_key(self, event: events.Key) -> None:
        """A key that came before the line was there is for the line, which lets none come here."""
        event.stop()
        self._line.post_message(events.Key(event.key, event.character))


class Question(Asking):
    """Asks for one of several answers, each named by a key; Escape gives an empty text.

    `answers`: the key that gives an answer, and what the answer says.
    """

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        super().__init__(QUESTION_KEYS | {key: f"answer('{key}')" for key in answers})
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question, and the answers below each other."""
        with Vertical():
            yield Static(Content(self._question))
            yield Offers(*(Offer(key, f"{key}  {text}") for key, text in self._answers.items()))

    def on_mount(self) -> None:
        self.query_one(Offers).highlighted = 0

    async def on_key(self, event: events.Key) -> None:
        """All keys come here, as nothing else is in focus."""
        event.stop()
        await self.take(event)
