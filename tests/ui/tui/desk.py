"""The full-screen client of one person, on a terminal in memory, with real cores of clients and server behind it.

Time stands still for the cores unless `settle` passes it; the screen has its own, which `until` waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from tests.client.pair import WALL_OFFSET_S, Person, Wire
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.ui.commands import COMMANDS
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.line_mode import LineMode
from udpchat.ui.prompt import Prompt
from udpchat.ui.tui.app import ChatApp
from udpchat.ui.tui.keys import Keymap
from udpchat.wire.limits import TYPING

LIMIT_S = 10.0
STEP_S = 0.01


class Desk:
    """Alice at her screen; others come with `wire.person`. What she types goes to her client as in line mode."""

    def __init__(self, *rooms: str, has_colours: bool = True, keymap: Keymap | None = None) -> None:
        self.wire = Wire()
        self.alice = self.wire.person("alice", *rooms, capabilities=(TYPING,), wants_receipts=True)
        self.client = self.alice.core
        keymap = keymap or Keymap()
        self.prompt = Prompt(self.client, (*COMMANDS, keymap.command), archive=self.alice.store, is_typed=True)
        self.app = ChatApp(
            self.prompt,
            now_ms=lambda: round((WALL_OFFSET_S + self.wire.now) * 1000),
            has_colours=has_colours,
            keymap=keymap,
        )
        self.called: list[str] = []  # the titles of what called her
        self.lines = LineMode(
            self.prompt,
            self.app.board,
            ExitRule(),
            is_for_person=True,
            call=lambda alert: self.called.append(alert.title),
            is_watched=self.app.is_watched,
            give_back=self.app.give_back,
        )
        self.app.connect(enter=self.enter, end=self.end, interrupt=self.interrupt, act=self.act)
        self.entered: list[str] = []
        self.takes_lines = True
        self.pilot: Pilot[None]
        self._shown = 0  # events of alice that her lines have got

    # --- Her client ----------

    def settle(self, seconds: float = 0.05) -> None:
        """Let everything happen, so much time pass, and the screen know."""
        self.wire.settle(seconds)
        happened, self._shown = self.alice.events[self._shown :], len(self.alice.events)
        self.lines.on_events(self.wire.now, happened)
        self.app.redraw_soon()

    def enter(self, text: str) -> bool:
        if not self.takes_lines:
            return False
        self.entered.append(text)
        self.lines.on_line(self.wire.now, text)
        self.settle()
        return True

    def end(self) -> None:
        self.lines.on_end_of_input(self.wire.now)
        self.settle()

    def interrupt(self) -> None:
        self.lines.on_stop(ExitCode.INTERRUPTED, Phrase("stopped.interrupted"))

    @contextmanager
    def delayed(self) -> Iterator[None]:
        """What alice does in here reaches the server afterwards."""
        self.wire.is_cut = True
        yield
        self.wire.is_cut = False
        self.settle(1.0)

    def act(self, verb: Callable[..., object], *arguments: object) -> None:
        verb(self.wire.now, *arguments)
        self.settle()

    def say(self, person: Person, text: str, room: str = "lobby") -> None:
        """Somebody says something; to `@alice`, to her alone."""
        if room.startswith("@"):
            person.core.tell(self.wire.now, room[1:], text)
        else:
            person.core.say(self.wire.now, room, text)
        self.settle()

    # --- Her screen ----------

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without the blanks at their ends."""
        size = self.app.size
        rows = [[" "] * size.width for _ in range(size.height)]
        for widget in self.app.screen.walk_children(Widget):
            if widget.is_container or not all(
                each.display for each in widget.ancestors_with_self if isinstance(each, Widget)
            ):
                continue
            for y, strip in enumerate(widget.render_lines(Region(0, 0, *widget.region.size))):
                _paint(rows, widget.region.x, widget.region.y + y, strip.text)
        return ["".join(row).rstrip() for row in rows]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    async def press(self, *keys: str) -> None:
        """These keys, by their names."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*({" ": "space"}.get(character, character) for character in text))

    def paste(self, text: str) -> None:
        """A text from the clipboard, as the terminal gives it."""
        self.app.post_message(events.Paste(text))

    async def until(self, condition: Callable[[], object] | str) -> None:
        """Wait until this holds, or the screen shows this text."""
        holds = condition if callable(condition) else lambda: condition in self.text
        for _ in range(round(LIMIT_S / STEP_S)):
            if holds():
                return
            await self.pilot.pause(STEP_S)
        raise AssertionError(f"never: {condition}\n{self.text}")


def _paint(rows: list[list[str]], x: int, y: int, text: str) -> None:
    for character in text:
        if 0 <= y < len(rows) and 0 <= x < len(rows[y]):
            rows[y][x] = character
        x += 1
        for _ in range(cell_len(character) - 1):
            if 0 <= y < len(rows) and 0 <= x < len(rows[y]):
                rows[y][x] = ""
            x += 1


def drive(
    steps: Callable[[Desk], Awaitable[None]], *rooms: str, size: tuple[int, int] = (120, 30), desk: Desk | None = None
) -> Desk:
    """Do these steps at a desk; what fails in the screen fails here."""
    made = desk or Desk(*(rooms or ("lobby",)))

    async def run() -> None:
        made.settle()
        async with made.app.run_test(size=size) as pilot:
            made.pilot = pilot
            await made.until(lambda: made.app.is_drawn)
            await steps(made)

    asyncio.run(run())
    return made
