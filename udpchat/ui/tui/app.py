"""The full-screen client: what keys do, and when it is drawn. What it draws is the model; lines go to the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import NoColor

from udpchat.chat.names import nick_key
from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.ui.commands import Prompt
from udpchat.ui.fuzzy import Entry, ranked
from udpchat.ui.paste import inputs, pasted
from udpchat.ui.phrases import sentence
from udpchat.ui.tui import status, themes
from udpchat.ui.tui.board import Board
from udpchat.ui.tui.chat_screen import BARE, ChatScreen
from udpchat.ui.tui.input_box import EDITED_CHARACTERS_MAX, InputBox
from udpchat.ui.tui.message_list import MessageList
from udpchat.ui.tui.picker import Picker, Question
from udpchat.ui.tui.side_list import SideList

APPLIED: Final = ("theme", "mouse", "nick-colours", "formatting", "time", "joins")  # preferences of what is drawn
FRAME_S: Final = 1 / 30  # at the soonest, after this time it is drawn again


@dataclass(frozen=True, slots=True)
class Outside:
    """What the application calls: `enter` with a typed line, False if it has to wait; `end` at the end of the input;
    `interrupt` to end the program at once; `act(verb, *arguments)` with a verb of the core.
    """

    enter: Callable[[str], bool]
    end: Callable[[], None]
    interrupt: Callable[[], None]
    act: Callable[..., None]


class ChatApp(App[None]):
    """Run it in the loop of the client after `connect`; `redraw_soon` whenever something may have changed."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        prompt: Prompt,
        *,
        now_ms: Callable[[], int],
        driver_class: type[Driver] | None = None,
        has_colours: bool = True,
    ) -> None:
        super().__init__(driver_class=driver_class, ansi_color=None if has_colours else True)
        self.no_color = not has_colours
        if not has_colours:
            self._filters.append(NoColor())
        self.board = Board(prompt, now_ms)
        self._prompt = prompt
        self._outside: Outside
        self._chat = ChatScreen(prompt, self.board, self._want_page, has_focus=lambda: self.app_focus)
        self._applied: tuple[object, ...] = ()  # the preferences as they were applied last
        self._is_stale = False
        self._is_paced = False

    async def run_screen(self) -> None:
        """Draw, until `exit`."""
        await self.run_async(mouse=self._prompt.preferences.is_on("mouse"))

    def connect(
        self,
        *,
        enter: Callable[[str], bool],
        end: Callable[[], None],
        interrupt: Callable[[], None],
        act: Callable[..., None],
    ) -> None:
        """Give it what it calls, before it runs: see `Outside`."""
        self._outside = Outside(enter, end, interrupt, act)

    @property
    def is_ready(self) -> bool:
        """Whether the client is in."""
        return self.board.has_connected

    @property
    def is_drawn(self) -> bool:
        """Whether the chat is on the screen, with nothing before it."""
        return self.is_running and self._chat.is_mounted and self.screen is self._chat

    @property
    def typed(self) -> str:
        """What is half typed."""
        return self._chat.input.text

    @property
    def messages(self) -> MessageList:
        """The messages of the open conversation."""
        return self._chat.messages

    @property
    def failure(self) -> Exception | None:
        """The error of the program that ended it, if one did."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Nothing: whoever runs it reports `failure`, in one line."""
        self._exit_renderables.clear()

    def say(self, *lines: str) -> None:
        """Show lines that do not come from the chat."""
        self.board.say(*lines)
        self.redraw_soon()

    def signal(self, sequence: str) -> None:
        """Send the terminal what draws nothing: its bell, a notification."""
        if self._driver is not None:
            self._driver.write(sequence)

    def is_watched(self, conversation: str) -> bool:
        """Whether the person sees this conversation now."""
        return self.is_drawn and self.app_focus and nick_key(conversation) == nick_key(self._prompt.target)

    def last_words(self) -> Sequence[str]:
        """The lines to print once the terminal is restored."""
        return [] if self.failure else self.board.last_words()

    async def on_mount(self) -> None:
        """Begin with the chat."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        await self.push_screen(self._chat)
        self._apply_preferences()

    def _apply_preferences(self) -> None:
        """Draw as the person has set, if that has changed; without colours only in the terminal's own."""
        preferences = self._prompt.preferences
        wanted = tuple(preferences.shown(name) for name in APPLIED)
        if wanted == self._applied:
            return
        self._applied = wanted
        self.theme = themes.ANSI if self.no_color else preferences.choice("theme")
        self.board.lines.joins = preferences.choice("joins")
        self._chat.apply(preferences)
        self._take_mouse()

    def _take_mouse(self) -> None:
        """Take clicks, or leave the mouse to the terminal; only a driver of ours can change that while it runs."""
        take = getattr(self._driver, "take_mouse", None)
        if take is not None:
            take(self._prompt.preferences.is_on("mouse") and not self._chat.has_class(BARE))

    # --- Drawing ----------

    def redraw_soon(self) -> None:
        """Draw once within FRAME_S, however often this is called."""
        self._is_stale = True
        if not self._is_paced and self.is_running:
            self._is_paced = True
            self.call_later(self._draw)

    def _draw(self) -> None:
        if not self._is_stale:
            self._is_paced = False
            return
        self._is_stale = False
        self.set_timer(FRAME_S, self._draw)
        self._apply_preferences()
        self._chat.draw()
        client, target = self._prompt.client, self._prompt.target
        if self.app_focus and target and client.model.conversation(target).unread:
            self._outside.act(client.mark_read, target)
        if self.board.wants_members(target):
            self._outside.act(client.ask, compose.list_members(target))

    def on_app_focus(self) -> None:
        self.redraw_soon()

    def on_app_blur(self) -> None:
        self.redraw_soon()

    # --- What is typed ----------

    def on_input_box_entered(self) -> None:
        """Send the line, or carry out the command."""
        if self._send(self._chat.input.text):
            self._chat.input.take()
            self._chat.messages.jump_to_end()

    def _send(self, text: str) -> bool:
        """False if nothing was done: the line is blank, or has to wait."""
        self._chat.hint("")
        if not text.strip():
            return False
        if not self._outside.enter(text):
            self.bell()
            self._chat.hint(sentence("input_full"))
            return False
        return True

    def on_input_box_edited(self) -> None:
        """Others see that a message is being typed."""
        self._chat.hint("")
        text, target = self._chat.input.text, self._prompt.target
        is_message = text.strip() and not text.lstrip().startswith("/")
        if target and is_message and self._prompt.preferences.is_on("typing"):
            self._outside.act(self._prompt.client.notify_typing, target)

    def on_input_box_pasted(self, event: InputBox.Pasted) -> None:
        """Insert the text; ask first what to do with many lines. Nothing of it is run."""
        line = self._chat.input
        paste = pasted(event.text, line.before_cursor)
        if not paste.answers:
            if not line.write(paste.text):
                values = {"characters": len(paste.text), "characters_max": EDITED_CHARACTERS_MAX}
                self._chat.hint(sentence("not_pasted", **values))
            return
        texts = {str(number): answer for number, answer in enumerate(paste.answers, 1)}

        def send(key: str | None) -> None:
            for text in inputs(paste, texts[key]) if key else ():
                if not self._send(text):
                    return

        question = sentence("paste.question", lines=paste.lines)
        answers = {key: sentence(f"paste.{answer.name.lower()}", lines=paste.lines) for key, answer in texts.items()}
        self.push_screen(Question(question, answers), send)

    def on_input_box_leave_asked(self, asked: InputBox.LeaveAsked) -> None:
        """Ctrl+D leaves once all is confirmed; Ctrl+C asks before it leaves at once."""
        if asked.at_end:
            self._outside.end()
        elif asked.at_once:
            self._outside.interrupt()
        else:
            self._chat.input.offer_to_leave()
            self._chat.hint(sentence("leave.offer", waiting=len(self._prompt.client.model.sending)))

    # --- Other conversations ----------

    def on_side_list_chosen(self, chosen: SideList.Chosen) -> None:
        self._turn_to(chosen.target)

    def _turn_to(self, target: str) -> None:
        with suppress(Problem):  # the room was left meanwhile
            self._prompt.turn_to(target)
        self.redraw_soon()

    def action_turn_by(self, step: int) -> None:
        """The next conversation of the list, or the one before."""
        names = status.open_conversations(self._prompt)
        if names:
            at = names.index(self._prompt.target) if self._prompt.target in names else 0
            self._turn_to(names[(at + step) % len(names)])

    def action_turn_to_number(self, number: int) -> None:
        """The conversation of this number, from 1."""
        names = status.open_conversations(self._prompt)
        if number <= len(names):
            self._turn_to(names[number - 1])

    def action_turn_to_active(self) -> None:
        """The next conversation with something unread, those with mentions first."""
        target = status.next_active(self._prompt)
        if target:
            self._turn_to(target)
        else:
            self.bell()

    def action_switch(self) -> None:
        """Choose a conversation by a part of its name."""
        model = self._prompt.client.model
        known = [model.conversation(name) for name in status.open_conversations(self._prompt)]
        entries = [Entry(each.name, each.unread, each.mentions) for each in known]

        def find(typed: str) -> list[str]:
            return [match.entry.name for match in ranked(typed, entries)]

        self.push_screen(Picker(sentence("switch.title"), find), lambda name: self._turn_to(name) if name else None)

    # --- Messages ----------

    def _want_page(self, name: str, before: int, count: int) -> None:
        """Earlier messages than the model holds: they are not to be had here."""
        self._chat.messages.receive_page(before, before, ())

    def action_type_command(self, command: str) -> None:
        self._send(command)

    def action_search_typed(self) -> None:
        """Choose from what was typed here before."""
        line = self._chat.input

        def find(typed: str) -> list[str]:
            return [*line.typed_before(typed)]

        self.push_screen(
            Picker(sentence("search_typed.title"), find), lambda found: line.put(found) if found else None
        )

    def action_toggle_bare(self) -> None:
        """Only the messages and the line, with the mouse left to the terminal; or all again."""
        self._chat.toggle_class(BARE)
        self._take_mouse()

    def action_redraw(self) -> None:
        """Draw all of the screen, whatever is on the terminal."""
        self.refresh(layout=True)
