"""The one line that a person edits on a terminal, below everything that is printed (prompt_toolkit).

The terminal stays in raw mode for as long as the editor runs: it cuts no line, and what arrives is printed above the
prompt without touching what is half typed. Bracketed paste inserts text, line breaks too, and runs nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, Dimension, HSplit, Layout, Window
from prompt_toolkit.layout.processors import (
    ConditionalProcessor,
    HighlightIncrementalSearchProcessor,
    PasswordProcessor,
    Processor,
    TabsProcessor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.widgets import SearchToolbar

if sys.platform == "win32":
    from prompt_toolkit.output.win32 import NoConsoleScreenBufferError as NoConsole
else:

    class NoConsole(Exception):
        """Only Windows has consoles to be without."""


from udpchat.chat.text import EDITED_CHARACTERS_MAX, pasted_text, printable
from udpchat.shell.full_screen import DUMB_TERMINALS, TerminalModes
from udpchat.shell.line_reader import LINES_AHEAD_MAX, Listener
from udpchat.wire.fields import Value

ROWS_MAX: Final = 8  # of a long line: the rest scrolls, so that what arrives stays in sight
STATE_DELAY_S: Final = 0.3  # a state that is over sooner is not shown: on a LAN every line is confirmed within it
CLOSING_S_MAX: Final = 0.5
TARGET_CHARACTERS_MAX: Final = 32
DOT: Final = "*"  # for a character that is not shown
PASTE_OFF_CURSOR_ON: Final = b"\x1b[?2004l\x1b[?25h"


IsSecret = Callable[[str], bool]


class Hidden(Value, frozen=True):
    """A question whose answer is typed without being shown, and what was half typed before it."""

    question: str
    done: Callable[[str], object]
    draft: str


def open_editor(is_secret: IsSecret) -> LineEditor | None:
    """An editor on the terminal of the standard streams; None if that terminal can only print lines.

    `is_secret` tells which lines Up and Ctrl+R never bring back.
    """
    if os.environ.get("TERM", "").lower() in DUMB_TERMINALS:
        return None
    try:
        return LineEditor(is_secret=is_secret)
    except NoConsole:
        return None


class Concealing(Processor):
    """Draws dots behind the first word of a line that is secret."""

    def __init__(self, is_secret: IsSecret) -> None:
        self._is_secret = is_secret

    def apply_transformation(self, given: TransformationInput) -> Transformation:
        """A row of the text, of the same length."""
        text = "".join(fragment[1] for fragment in given.fragments)
        if not self._is_secret(given.document.text):
            return Transformation(given.fragments)
        start = len(text) - len(text.lstrip()) + len(text.split(maxsplit=1)[0]) if text.strip() else 0
        start = start if given.lineno == 0 else 0
        shown = text[:start] + "".join(each if each.isspace() else DOT for each in text[start:])
        return Transformation([("", shown)])


class LineEditor:
    """A `LineSource` on a terminal; `write` prints whole lines above the prompt, or plainly while there is none.

    `prompt` gives where a line goes, and what state that is in or nothing; it is asked again at each `refresh`. What is
    written has to be safe for a terminal. Ctrl+C on an empty line raises SIGINT, Ctrl+D there is the end of the input.
    """

    def __init__(
        self,
        *,
        source: Input | None = None,
        output: Output | None = None,
        is_secret: IsSecret = lambda line: False,
    ) -> None:
        self.prompt: Callable[[], tuple[str, str]] = lambda: ("", "")
        self._shown = ("", "")
        self._buffer = Buffer(history=EditorHistory(is_secret))
        self._application = self._made_application(source or create_input(), output or create_output(), is_secret)
        self._modes = TerminalModes(self._application.input, self._application.output, PASTE_OFF_CURSOR_ON)
        self._drawing: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._above: list[str] = []
        self._ahead = 0
        self._has_ended = False
        self._hidden: Hidden | None = None
        self._listener: Listener

    def _made_application(self, source: Input, output: Output, is_secret: IsSecret) -> Application[None]:
        if isinstance(output, Vt100_Output):
            output.enable_cpr = False  # answers of the terminal that come late would be typed into the shell
        search = SearchToolbar()
        is_hidden = Condition(lambda: self._hidden is not None)
        control = BufferControl(
            self._buffer,
            input_processors=[
                HighlightIncrementalSearchProcessor(),
                TabsProcessor(char1=" ", char2=" "),
                ConditionalProcessor(PasswordProcessor(), is_hidden),
                Concealing(is_secret),
            ],
            search_buffer_control=search.control,
            preview_search=True,
        )
        rows = Dimension(min=1, max=ROWS_MAX)
        window = Window(control, wrap_lines=True, dont_extend_height=True, height=rows, get_line_prefix=self._prefix)
        layout = Layout(HSplit([window, search]), focused_element=window)
        return Application(layout, key_bindings=self._keys(), input=source, output=output, erase_when_done=True)

    # --- A LineSource ----------

    def start(
        self, loop: asyncio.AbstractEventLoop, *, on_line: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        """Draw the prompt, and report what is typed."""
        self._listener = Listener(on_line, on_end)
        self._modes.note()
        self._shown = self.prompt()
        self._drawing = loop.create_task(self._application.run_async(handle_sigint=False, set_exception_handler=False))
        self._drawing.add_done_callback(self._on_drawn)

    def release(self) -> None:
        self._ahead = 0

    def refresh(self) -> None:
        """The prompt may have changed; a new target and the end of a state are drawn at once, a new state later."""
        wanted = self.prompt()
        if wanted == self._shown:
            return
        if wanted[0] != self._shown[0] or not wanted[1]:
            self._show_prompt()
        elif self._later is None and self._is_drawn:
            self._later = asyncio.get_running_loop().call_later(STATE_DELAY_S, self._show_prompt)

    def give_back(self, target: str, text: str) -> None:
        """Put a line that was refused on the empty line, if it still goes to that target; else only Up brings it."""
        if not self._buffer.text and self.prompt()[0] == printable(target):
            self._buffer.document = Document(text)

    def ask_hidden(self, question: str, done: Callable[[str], object]) -> None:
        """Have a line typed that is neither shown nor kept; empty if the person gives up. `question` has to be safe."""
        self._hidden = Hidden(question, done, self._hidden.draft if self._hidden else self._buffer.text)
        self._buffer.reset()
        self._application.invalidate()

    def _answer(self, text: str) -> None:
        """What was asked is answered: go on where the person was."""
        hidden, self._hidden = self._hidden, None
        assert hidden is not None
        self._buffer.reset()
        self._buffer.document = Document(hidden.draft)
        asyncio.get_running_loop().call_soon(hidden.done, text)

    async def close(self) -> None:
        """Remove the prompt and restore the terminal."""
        if self._later is not None:
            self._later.cancel()
        if self._drawing is not None and not self._drawing.done():
            if self._application.is_running:
                self._application.exit()
            else:
                self._drawing.cancel()
            await asyncio.wait({self._drawing}, timeout=CLOSING_S_MAX)
        self._print_above()

    def restore(self) -> None:
        if self._is_drawn:
            self._modes.restore()

    # --- Out ----------

    def write(self, text: str) -> None:
        """Print whole lines above the prompt, in order; soon if there is one, else now."""
        self._above.append(text)
        if self._drawing is None or self._drawing.done():
            self._print_above()
        elif len(self._above) == 1:
            self._drawing.get_loop().call_soon(self._print_above)

    def signal(self, sequence: str) -> None:
        """Send the terminal what draws nothing: its bell, a notification. It has to be safe."""
        self._application.output.write_raw(sequence)
        self._application.output.flush()

    @property
    def _is_drawn(self) -> bool:
        return self._drawing is not None and not self._drawing.done()

    def _print_above(self) -> None:
        text, self._above = "".join(self._above), []
        if not text:
            return
        is_running = self._application.is_running
        if is_running:
            self._application.renderer.erase()
        output = self._application.output
        output.write(text.replace("\n", "\r\n"))  # an escape character does not get through `write`
        output.flush()
        if is_running:
            self._application.invalidate()

    def _show_prompt(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._shown = self.prompt()
        self._application.invalidate()

    def _prefix(self, line_number: int, wrap_count: int) -> StyleAndTextTuples:
        """In front of each row: the prompt, a bar where a pasted text begins a line, nothing where a line goes on."""
        if wrap_count:
            return []
        prompt = prompt_text(*self._shown) if self._hidden is None else f"{self._hidden.question}: "
        return [("", prompt if line_number == 0 else "| ".rjust(len(prompt)))]

    # --- In ----------

    def _on_drawn(self, drawing: asyncio.Task[None]) -> None:
        """The application has ended: it was closed, the terminal is gone, or it failed."""
        if drawing.cancelled() or drawing.exception() is None:
            return
        if isinstance(drawing.exception(), EOFError):
            self._end()
        else:
            context = {"message": "the line editor failed", "exception": drawing.exception()}
            drawing.get_loop().call_exception_handler(context)
        self._print_above()

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            asyncio.get_running_loop().call_soon(self._listener.on_end)

    def _accept(self) -> None:
        """Enter was pressed. A blank line is ignored; at LINES_AHEAD_MAX lines the line stays in the editor."""
        text = self._buffer.text
        if self._hidden is not None:
            return self._answer(text)
        if self._has_ended or self._ahead >= LINES_AHEAD_MAX:
            return self._application.output.bell()
        self._buffer.reset(append_to_history=bool(text.strip()))
        if text.strip():
            self._ahead += 1
            asyncio.get_running_loop().call_soon(self._listener.on_line, text)

    def _paste(self, text: str) -> None:
        """Insert all of the text; if it is too long, nothing, and say so."""
        if len(self._buffer.text) + len(text) <= EDITED_CHARACTERS_MAX:
            self._buffer.insert_text(text)
        else:
            self.write(f"not pasted: it has {len(text)} characters, and a line at most {EDITED_CHARACTERS_MAX}\n")

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        on_line = has_focus(self._buffer)

        @keys.add("enter", filter=on_line)
        def _(event: KeyPressEvent) -> None:
            self._accept()

        @keys.add("escape", "enter", filter=on_line)
        def _(event: KeyPressEvent) -> None:
            self._buffer.insert_text("\n")

        @keys.add(Keys.BracketedPaste, filter=on_line)
        def _(event: KeyPressEvent) -> None:
            self._paste(pasted_text(event.data))

        @keys.add("c-c", filter=on_line)
        def _(event: KeyPressEvent) -> None:
            if self._hidden is not None:
                self._answer("")
            elif self._buffer.text:
                self._buffer.reset()
            else:
                signal.raise_signal(signal.SIGINT)

        @keys.add("c-d", filter=on_line)
        def _(event: KeyPressEvent) -> None:
            if self._buffer.text:
                self._buffer.delete()
            elif self._hidden is not None:
                self._answer("")
            else:
                self._end()

        if hasattr(signal, "SIGTSTP"):

            @keys.add("c-z")
            def _(event: KeyPressEvent) -> None:
                self._application.suspend_to_background()

        return keys


class EditorHistory(InMemoryHistory):
    """What was typed, without the lines that are secret."""

    def __init__(self, is_secret: IsSecret) -> None:
        super().__init__()
        self._is_secret = is_secret

    def append_string(self, string: str) -> None:
        if not self._is_secret(string):
            super().append_string(string)


def prompt_text(target: str, state: str) -> str:
    """`lobby> `, `lobby (2 sending)> `; a long target is cut, for it leaves no room to type."""
    shown = target if len(target) <= TARGET_CHARACTERS_MAX else f"{target[: TARGET_CHARACTERS_MAX - 3]}..."
    return f"{shown} ({state})> " if state else f"{shown}> "
