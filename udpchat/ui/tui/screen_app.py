"""The full screen as an application of Textual: how it begins and ends, and when it is drawn."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Final

from textual.app import App
from textual.driver import Driver
from textual.events import Event, Key
from textual.filter import NoColor

from udpchat.chat import events
from udpchat.chat.names import nick_key
from udpchat.chat.phrase import Problem
from udpchat.client import compose
from udpchat.ui.prompt import Prompt
from udpchat.ui.tui import themes
from udpchat.ui.tui.board import Board, Hints
from udpchat.ui.tui.chat_screen import ChatScreen
from udpchat.ui.tui.keys import Keymap
from udpchat.ui.tui.message_list import MessageList
from udpchat.wire.fields import Value

APPLIED: Final = ("theme", "mouse", "nick-colours", "formatting", "time", "joins")  # preferences of what is drawn
FRAME_S: Final = 1 / 30  # at the soonest, after this time it is drawn again
FRAME_S_MAX: Final = 0.5
DRAWN_SHARE: Final = 1 / 3  # of the time, at most, goes into drawing what others say: keys are drawn in between


class Outside(Value, frozen=True):
    """What the application calls: `enter` with a typed line, False if it has to wait; `end` at the end of the input;
    `interrupt` to end the program at once; `act(verb, *arguments)` with a verb of the core.
    """

    enter: Callable[[str], bool]
    end: Callable[[], None]
    interrupt: Callable[[], None]
    act: Callable[..., None]


class ScreenApp(App[None], inherit_bindings=False):
    """Run it in the loop of the client after `connect`; `redraw_soon` whenever something may have changed."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        prompt: Prompt,
        *,
        now_ms: Callable[[], int],
        driver_class: type[Driver] | None = None,
        has_colours: bool = True,
        keymap: Keymap | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class, ansi_color=None if has_colours else True)
        self.no_color = not has_colours
        if not has_colours:
            self._filters.append(NoColor())
        self.keymap = keymap or Keymap()
        self.board = Board(prompt, now_ms, Hints(self.keymap.entry, self.keymap.first("accept")))
        self.prompt = prompt
        self.now_ms = now_ms
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = self._theme_wanted
        self.outside: Outside
        self.chat = ChatScreen(
            prompt, self.board, self._want_page, call_of_key=self.keymap.call_of_key
        )
        self._applied: tuple[object, ...] = ()  # the preferences as they were applied last
        self._is_stale = False
        self._is_paced = False

    async def run_screen(self) -> None:
        """Draw, until `exit`."""
        await self.run_async(mouse=self.prompt.preferences.is_on("mouse"))

    def connect(
        self,
        *,
        enter: Callable[[str], bool],
        end: Callable[[], None],
        interrupt: Callable[[], None],
        act: Callable[..., None],
    ) -> None:
        """Give it what it calls, before it runs: see `Outside`."""
        self.outside = Outside(enter, end, interrupt, act)

    @property
    def is_ready(self) -> bool:
        """Whether the client is in."""
        return self.board.has_connected

    @property
    def is_drawn(self) -> bool:
        """Whether the chat is on the screen, with nothing before it."""
        return self.is_running and self.chat.is_mounted and self.screen is self.chat

    @property
    def typed(self) -> str:
        """What is half typed."""
        return self.chat.input.text

    @property
    def messages(self) -> MessageList:
        """The messages of the open conversation."""
        return self.chat.messages

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
        """Send the terminal what draws nothing: its bell, a notification. One that is behind gets none."""
        if self._driver is not None and not self._is_behind:
            self._driver.write(sequence)

    def is_watched(self, conversation: str) -> bool:
        """Whether the person sees what comes in this conversation now."""
        is_open = nick_key(conversation) == nick_key(self.prompt.target)
        return is_open and self.is_drawn and self.app_focus and self.messages.is_at_end

    def last_words(self) -> Sequence[str]:
        """The lines to print once the terminal is restored."""
        return [] if self.failure else self.board.last_words()

    def get_default_screen(self) -> ChatScreen:
        """The chat, which others are pushed upon."""
        return self.chat

    def on_mount(self) -> None:
        self._apply_preferences()
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.call_after_refresh(gc.freeze)  # a search for cycles in all that the start made stops the screen for 35 ms

    @property
    def _theme_wanted(self) -> str:
        """The theme that the person has set; without colours that of the terminal."""
        return themes.ANSI if self.no_color else self.prompt.preferences.choice("theme")

    def _apply_preferences(self) -> None:
        """Draw as the person has set, if that has changed."""
        preferences = self.prompt.preferences
        wanted = tuple(preferences.shown(name) for name in APPLIED)
        if wanted == self._applied:
            return
        self._applied = wanted
        self.theme = self._theme_wanted
        self.board.lines.joins = preferences.choice("joins")
        self.chat.apply(preferences)
        self._take_mouse()

    def _take_mouse(self) -> None:
        """Take clicks, or leave the mouse to the terminal; only a driver of ours can change that while it runs."""
        take = getattr(self._driver, "take_mouse", None)
        if take is not None:
            take(self.prompt.preferences.is_on("mouse") and not self.chat.is_bare)

    # --- Drawing ----------

    def redraw_soon(self) -> None:
        """Draw once within FRAME_S, however often this is called."""
        self._is_stale = True
        if not self._is_paced and self.is_running:
            self._is_paced = True
            self.call_later(self._draw)

    @property
    def _is_behind(self) -> bool:
        """Whether the terminal takes what is drawn too slowly; only a driver of ours knows."""
        return getattr(self._driver, "is_behind", False)

    def _draw(self) -> None:
        if not self._is_stale:
            self._is_paced = False
            return
        if self._is_behind:
            self.set_timer(FRAME_S, self._draw)
            return  # the client goes on without the screen until the terminal has taken what is drawn
        self._is_stale = False
        self.call_after_refresh(self._pace, self.now_ms())
        take_dropped = getattr(self._driver, "take_dropped", None)
        if take_dropped is not None and take_dropped():
            self.action_redraw()
        self._apply_preferences()
        self.chat.draw()
        client, target = self.prompt.client, self.prompt.target
        is_seen = self.app_focus and self.messages.is_at_end  # who reads what was said before has not seen the latest
        if is_seen and target and client.model.conversation(target).unread:
            self.outside.act(client.mark_read, target)
        if self.board.wants_members(target):
            self.outside.act(client.ask, compose.list_members(target))

    def _pace(self, begun_ms: int) -> None:
        """What was begun then is drawn: draw again later, and the later the longer it took."""
        drawn_s = (self.now_ms() - begun_ms) / 1000
        self.set_timer(min(max(FRAME_S, drawn_s / DRAWN_SHARE), FRAME_S_MAX), self._draw)

    def on_message_list_end_reached(self) -> None:
        """The latest messages are in sight again, and so they are read."""
        self.redraw_soon()

    async def on_event(self, event: Event) -> None:
        """A key may come when the screen has ended: Textual would take that for a fault."""
        if self.screen_stack or not isinstance(event, Key):
            await super().on_event(event)

    def on_app_focus(self) -> None:
        self.redraw_soon()

    def on_app_blur(self) -> None:
        self.redraw_soon()

    def _want_page(self, name: str, before: int, count: int) -> None:
        """Have a page of earlier messages given to the list, at once or with later events."""

        def read(now: float) -> None:
            try:
                found = self.prompt.history.page(now, name, before, count)
            except Problem as problem:
                error = events.Error(problem.phrase.key, problem.phrase.values)
                found = [error, events.PageFound(name, before, before)]
            self.board.show(found)

        self.outside.act(read)
        self.chat.take_pending()

    def action_toggle_bare(self) -> None:
        """Only the messages and the line, with the mouse left to the terminal; or all again."""
        self.chat.toggle_bare()
        self._take_mouse()

    def action_redraw(self) -> None:
        """Draw all of the screen, whatever is on the terminal."""
        self.refresh(layout=True)
