"""The line that is typed at the bottom: several rows if need be, with the keys of a shell. It sends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widgets import TextArea

from udpchat.chat.text import EDITED_CHARACTERS_MAX, masked
from udpchat.ui.completion import Completion, KnownNames, complete
from udpchat.ui.input_history import HistoryMatch, InputHistory, concealed, is_secret
from udpchat.ui.tui.cells import unjoined

ROWS_MAX: Final = 8  # of a long line: the rest scrolls, so that the messages stay in sight
ESCAPE_S_MAX: Final = 0.3  # between Escape and the key that is Alt with it; later it is a key by itself
QUIT: Final = "/quit"
ANSWERS_TO_OFFER: Final = ("send", "clear_or_leave")  # calls of keys that leave once that is offered
JOINERS: Final = "\u200c\u200d"  # part of words and of emoji, though a `TextArea` takes them for control characters
CALL_OF_EDITING_KEY: Final = {  # as bindings they would be done after the keys that were read with them
    key: bound.action for bound in TextArea.BINDINGS if isinstance(bound, Binding) for key in bound.key.split(",")
}
Place = tuple[int, int]  # row and column


class InputLines(str):
    """A text to be put in a `TextArea`: only a line feed divides its lines. In a `str` several control characters do,
    and would become line breaks before Enter could refuse them.
    """

    __slots__ = ()

    def splitlines(self, keepends: bool = False) -> list[str]:
        """The lines that end with a line feed, without it, and the last one unless it is empty."""
        assert not keepends
        lines = self.split("\n")
        return lines if lines[-1] else lines[:-1]


class Owner(Protocol):
    """Whom the keys are reported to, at once: the next key may have come already."""

    @property
    def target(self) -> str:
        """The conversation that lines go to."""

    def send(self, text: str) -> bool:
        """Enter was pressed; False if the text is to stay on the line."""

    def paste(self, text: str) -> None:
        """A text was pasted, and is not inserted yet."""

    def cancel(self) -> bool:
        """Escape was pressed, or a line was sent: nothing is selected any more; whether that ended something."""

    def edited(self) -> None:
        """Something was typed, deleted or inserted by hand."""

    def offer_to_leave(self) -> None:
        """Ctrl+C was pressed on an empty line."""

    def interrupt(self) -> None:
        """Ctrl+C was pressed again."""

    def end(self) -> None:
        """Ctrl+D was pressed on an empty line."""


class InputBox(TextArea):
    """What is typed; each conversation has its own half typed line, and its own history.

    `owner` is set before a key comes; `known` gives what can be completed. `call_of_key`: what each key does.
    """

    DEFAULT_CSS = f"""
    InputBox, InputBox:focus {{ height: auto; max-height: {ROWS_MAX}; border: none; padding: 0;
        background: transparent; scrollbar-size-vertical: 1; }}
    """

    def __init__(self, known: Callable[[], KnownNames], call_of_key: Mapping[str, str]) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", show_line_numbers=False, highlight_cursor_line=False)
        self.cursor_blink = False  # nothing is to be drawn while nothing happens
        self.owner: Owner
        self._known = known
        self._call_of_key = call_of_key
        self._history = InputHistory()
        self._conversation = ""
        self._completion: Completion | None = None
        self._alt_until_s = 0.0  # up to then a key is Alt with that key: Escape was pressed
        self._is_leaving_offered = False
        self._cut = ""

    # --- The text ----------

    @property
    def before_cursor(self) -> str:
        """What stands in front of the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: what was pasted or is edited may hold escape sequences, which Enter only refuses."""
        row = self.document.get_line(line_index)
        if is_secret(self.text):
            row = concealed(row, is_first=line_index == 0)
        return Text(unjoined(masked(row)), end="", no_wrap=True)

    def put(self, text: str, cursor: int | None = None) -> None:
        """Replace all of the text; the cursor goes to its end, or behind so many characters."""
        self._is_leaving_offered = False
        self.load_text(InputLines(text))
        self.move_cursor(_place(text, len(text) if cursor is None else cursor))

    def begin(self, text: str) -> None:
        """Put a text in the place of what is half typed, which Up brings back."""
        self.remember(self.text)
        self.put(text)

    def remember(self, text: str) -> None:
        """Keep a text for Up and Ctrl+R, as if it was typed here: not if it may hold a password."""
        self._history.add(self._conversation, text)

    def write(self, text: str) -> bool:
        """Insert at the cursor; False, and nothing is inserted, if the text became too long."""
        self._withdraw_offer()
        if len(self.text) + len(text) > EDITED_CHARACTERS_MAX:
            return False
        self.move_cursor(self.replace(InputLines(text), *self.selection, maintain_selection_offset=False).end_location)
        self.owner.edited()
        return True

    def has_typed(self, conversation: str, text: str) -> bool:
        """Whether this line was sent from there, and Up brings it back; else a key stood for it."""
        return self._history.holds(conversation, text)

    def give_back(self, conversation: str, text: str) -> bool:
        """Put a line that was refused back where it was typed; False if something else is half typed there."""
        if conversation != self._conversation:
            return self._history.leave(conversation, text)
        if self.text:
            return False
        self.put(text)
        return True

    def turn_to(self, conversation: str) -> None:
        """Show what is half typed for another conversation."""
        if conversation != self._conversation:
            self._withdraw_offer()
        if conversation == self._conversation:
            return
        former, self._conversation = self._conversation, conversation
        self.put(self._history.turn(former, self.text, conversation))

    def typed_before(self, words: str) -> Iterator[str]:
        """The lines typed here that hold these words, the latest first."""
        found: HistoryMatch | None = None
        while found := self._history.search(self._conversation, words, found):
            yield found.line

    # --- Keys ----------

    async def _on_key(self, event: events.Key) -> None:
        """Do what the key stands for, before the next one comes; Escape and then a key is Alt with that key."""
        if self.app.screen is not self.screen:  # a key before this one, of the same read, has asked something
            event.stop()
            event.prevent_default()
            self.app.post_message(events.Key(event.key, event.character))
            return
        is_alt = event.time < self._alt_until_s
        is_prefix = event.key == "escape" and not self.owner.cancel()
        self._alt_until_s = event.time + ESCAPE_S_MAX if is_prefix else 0.0
        call = self._call_of_key.get(f"alt+{event.key}") if is_alt else None
        call = call or self._call_of_key.get(event.key, CALL_OF_EDITING_KEY.get(event.key))
        if call not in ANSWERS_TO_OFFER:
            self._withdraw_offer()
        if call is not None:
            event.stop()
            event.prevent_default()
            if call:
                await self.run_action(call)
        elif event.is_printable:
            self.owner.edited()
        elif event.character is not None and event.character in JOINERS:
            event.stop()
            event.prevent_default()
            self.write(event.character)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._withdraw_offer()
        self.owner.paste(event.text)

    def action_send(self) -> None:
        """Send the line; what is typed after it belongs to the conversation that it may have turned to."""
        text = self.text
        self.put("")  # what is refused at once is given back to it
        self.remember(text)
        if self.owner.send(text):
            self.owner.cancel()  # a message that was selected for this line is so no longer
            self.turn_to(self.owner.target)
        else:
            self.put(text)

    def action_newline(self) -> None:
        self.write("\n")

    def action_complete(self, step: int) -> None:
        """Tab, or -1 for Shift+Tab."""
        cursor = len(self.before_cursor)
        self._completion = complete(self.text, cursor, self._known(), self._completion, backwards=step < 0)
        if self._completion is None:
            self.app.bell()
        else:
            self.put(self._completion.text, self._completion.cursor)

    def action_earlier(self) -> None:
        """The row above; in the first row, the line typed before."""
        if not self.cursor_at_first_line:
            self.action_cursor_up()
        elif (line := self._history.earlier(self._conversation, self.text)) is not None:
            self.put(line)

    def action_later(self) -> None:
        """The row below; in the last row, the line typed after."""
        if not self.cursor_at_last_line:
            self.action_cursor_down()
        elif (line := self._history.later(self._conversation)) is not None:
            self.put(line)

    def action_clear_or_leave(self) -> None:
        """Copy what the mouse has selected, else clear the line, else offer to leave: by Enter, or Ctrl+C again."""
        if self.screen.get_selected_text():
            self.screen.action_copy_text()
            self.screen.clear_selection()
        elif self._is_leaving_offered:
            self.owner.interrupt()
        elif self.text:
            self.put("")
            self.owner.edited()
        else:
            self.put(QUIT)
            self._is_leaving_offered = True
            self.owner.offer_to_leave()

    def _withdraw_offer(self) -> None:
        if self._is_leaving_offered:
            self.put("")
            self.owner.edited()

    def action_delete_or_end(self) -> None:
        """Delete the character under the cursor; on an empty line, the input has ended."""
        if self.text:
            self.action_delete_right()
        else:
            self.owner.end()

    async def action_cut_or_switch(self) -> None:
        """Cut up to the end of the line; at its end, choose a room."""
        row, column = self.cursor_location
        end = (row, len(self.document[row]))
        if column < end[1]:
            self._cut_between((row, column), end)
        else:
            await self.run_action("app.switch")

    def action_cut_to_start(self) -> None:
        self._cut_between((self.cursor_location[0], 0), self.cursor_location)

    def action_cut_word(self) -> None:
        self._cut_between(self.get_cursor_word_left_location(), self.cursor_location)

    def action_insert_cut(self) -> None:
        self.write(self._cut)

    def _cut_between(self, start: Place, end: Place) -> None:
        if start != end:
            self._cut = self.get_text_range(start, end)
            self.delete(start, end)
            self.owner.edited()


def _place(text: str, cursor: int) -> Place:
    before = text[:cursor]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
