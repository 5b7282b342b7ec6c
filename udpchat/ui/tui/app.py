"""The full-screen client: what keys do, and when it is drawn. What it draws is the model; lines go to the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver

from udpchat.chat.names import nick_key
from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.ui.commands import Prompt
from udpchat.ui.fuzzy import Entry, ranked
from udpchat.ui.phrases import sentence
from udpchat.ui.tui import status, themes
from udpchat.ui.tui.board import Board
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.input_box import InputBox
from udpchat.ui.tui.picker import Picker
from udpchat.ui.tui.side_list import SideList

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

    def __init__(self, prompt: Prompt, *, now_ms: Callable[[], int], driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.board = Board(prompt, now_ms)
        self._prompt = prompt
        self._outside: Outside
        self._chat = ChatScreen(prompt, self.board, self._want_page, has_focus=lambda: self.app_focus)
        self._is_stale = False
        self._is_paced = False

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
        return self.is_running and self.screen is self._chat

    @property
    def typed(self) -> str:
        """What is half typed."""
        return self._chat.input.text

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

    def on_mount(self) -> None:
        """Begin with the terminal's own colours."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.ANSI
        self.push_screen(self._chat)

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
        if target and text.strip() and not text.lstrip().startswith("/"):
            self._outside.act(self._prompt.client.notify_typing, target)

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

    def action_redraw(self) -> None:
        """Draw all of the screen, whatever is on the terminal."""
        self.refresh(layout=True)
