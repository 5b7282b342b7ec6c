"""The line that is typed at the bottom: several rows if need be, with the keys of a shell. It sends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from udpchat.ui.completion import Completion, Known, complete
from udpchat.ui.input_history import CONVERSATIONS_MAX, Found, InputHistory
from udpchat.ui.tui.keys import ACTION_OF_KEY, ACTIONS

ROWS_MAX: Final = 8  # of a long line: the rest scrolls, so that the messages stay in sight
EDITED_CHARACTERS_MAX: Final = 64 * 1024  # pasted: far beyond a message, so that it can be shortened
QUIT: Final = "/quit"
Place = tuple[int, int]  # row and column


class InputBox(TextArea):
    """What is typed; each conversation has its own half typed line, and its own history.

    Posts `Entered` for Enter, `Edited` when something was typed, `Pasted`, and what the keys ask of others. `known`
    gives what can be completed.
    """

    DEFAULT_CSS = f"""
    InputBox, InputBox:focus {{ height: auto; max-height: {ROWS_MAX}; border: none; padding: 0;
        background: transparent; scrollbar-size-vertical: 1; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(action.keys), action.call, action.summary, show=False, id=action.name) for action in ACTIONS
    ]

    class Entered(Message):
        """Enter was pressed; the text stays until it is taken."""

    class Edited(Message):
        """Something was typed, deleted or inserted by hand."""

    class Pasted(Message):
        """A text was pasted, and is not inserted yet."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class LeaveAsked(Message):
        """Ctrl+C on an empty line, `at_end`: Ctrl+D there, `at_once`: Ctrl+C again."""

        def __init__(self, *, at_end: bool = False, at_once: bool = False) -> None:
            self.at_end = at_end
            self.at_once = at_once
            super().__init__()

    def __init__(self, known: Callable[[], Known]) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", show_line_numbers=False, highlight_cursor_line=False)
        self._known = known
        self._history = InputHistory()
        self._conversation = ""
        self._drafts: dict[str, str] = {}  # what is half typed elsewhere
        self._completion: Completion | None = None
        self._is_after_escape = False
        self._is_leaving_offered = False
        self._cut = ""

    # --- The text ----------

    @property
    def before_cursor(self) -> str:
        """What stands in front of the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

    def put(self, text: str, cursor: int | None = None) -> None:
        """Replace all of the text; the cursor goes to its end, or behind so many characters."""
        self.load_text(text)
        self.move_cursor(_place(text, len(text) if cursor is None else cursor))

    def write(self, text: str) -> bool:
        """Insert at the cursor; False, and nothing is inserted, if the text became too long."""
        if len(self.text) + len(text) > EDITED_CHARACTERS_MAX:
            return False
        self.move_cursor(self.replace(text, *self.selection, maintain_selection_offset=False).end_location)
        self.post_message(self.Edited())
        return True

    def take(self) -> None:
        """The text was sent or carried out: keep it in the history, and clear the line."""
        self._history.add(self._conversation, self.text)
        self.put("")

    def turn_to(self, conversation: str) -> None:
        """Show what is half typed for another conversation."""
        if conversation == self._conversation:
            return
        self._drafts.pop(self._conversation, None)
        if self.text:
            self._drafts[self._conversation] = self.text
            if len(self._drafts) > CONVERSATIONS_MAX:
                del self._drafts[next(iter(self._drafts))]
        self._conversation = conversation
        self.put(self._drafts.pop(conversation, ""))

    def offer_to_leave(self) -> None:
        """The line is /quit, for Enter to take; Ctrl+C now leaves at once."""
        self.put(QUIT)
        self._is_leaving_offered = True

    def typed_before(self, words: str) -> Iterator[str]:
        """The lines typed here that hold these words, the latest first."""
        found: Found | None = None
        while found := self._history.search(self._conversation, words, found):
            yield found.line

    # --- Keys ----------

    async def _on_key(self, event: events.Key) -> None:
        """Escape and then a key is Alt with that key; a line break is never typed by Enter."""
        was_after_escape, self._is_after_escape = self._is_after_escape, event.key == "escape"
        if self._is_leaving_offered and event.key not in ("ctrl+c", "enter"):
            self._is_leaving_offered = False
            self.put("")
        if was_after_escape and (call := ACTION_OF_KEY.get(f"alt+{event.key}")):
            event.stop()
            event.prevent_default()
            await self.run_action(call)
        elif event.key in ACTION_OF_KEY:
            event.prevent_default()  # `TextArea` would insert a line break for Enter
        elif event.is_printable:
            self.post_message(self.Edited())

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Pasted(event.text))

    def action_send(self) -> None:
        self.post_message(self.Entered())

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
        """Copy what the mouse has selected, else clear the line, else offer to leave."""
        if self.screen.get_selected_text():
            self.screen.action_copy_text()
            self.screen.clear_selection()
        elif self._is_leaving_offered:
            self.post_message(self.LeaveAsked(at_once=True))
        elif self.text:
            self.put("")
            self.post_message(self.Edited())
        else:
            self.post_message(self.LeaveAsked())

    def action_delete_or_end(self) -> None:
        """Delete the character under the cursor; on an empty line, the input has ended."""
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.LeaveAsked(at_end=True))

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
            self.post_message(self.Edited())


def _place(text: str, cursor: int) -> Place:
    before = text[:cursor]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
