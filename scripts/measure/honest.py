"""Honest people in one process: some who talk in the lobby, and newcomers who drop in, while somebody else attacks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from measure.people import Person
from udpchat.chat import events
from udpchat.wire.packets import Address

ENTER_S_MAX = 30.0
LEAVE_S = 0.5  # a newcomer says goodbye so long, and is closed


@dataclass(slots=True)
class Heard:
    """Seconds until the last of the others had each line, until each newcomer was in, and how often a link was lost.

    What is not done yet counts with the seconds until now.
    """

    lines_s: list[float] = field(default_factory=list)
    newcomers_s: list[float] = field(default_factory=list)
    disconnected: int = 0
    unfinished: int = 0


class Honest:
    """The people of one server; see `children`."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._loop = asyncio.SelectorEventLoop()
        self._people: list[Person] = []
        self._said = 0
        self._missing: dict[str, tuple[float, int]] = {}  # by text: when it was said, and how many do not have it
        self._coming: dict[str, float] = {}  # newcomers by nick, and when each began
        self._heard = Heard()
        self._timers: list[asyncio.TimerHandle] = []

    # --- What a parent calls ----------

    def enter(self, count: int) -> None:
        """So many people enter the lobby."""
        self._people = [self._person(f"person{number}") for number in range(count)]
        entered = asyncio.gather(*(person.entered for person in self._people))
        self._loop.run_until_complete(asyncio.wait_for(entered, ENTER_S_MAX))

    def begin(self, line_every_s: float, newcomer_every_s: float | None) -> None:
        """Forget what was measured, and begin: lines of one after the other, and newcomers if there are to be any."""
        self._heard, self._missing, self._coming = Heard(), {}, {}
        self._repeat(line_every_s, self._say)
        if newcomer_every_s is not None:
            self._repeat(newcomer_every_s, self._come)

    def end(self) -> None:
        """Nobody says anything more or comes."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def heard(self) -> Heard:
        """What was measured since `begin`."""
        now, heard = self._loop.time(), self._heard
        lines = [now - begin for begin, _ in self._missing.values()]
        coming = [now - begin for begin in self._coming.values()]
        unfinished = len(lines) + len(coming)
        return Heard(heard.lines_s + lines, heard.newcomers_s + coming, heard.disconnected, unfinished)

    def turn(self, wait_s: float) -> None:
        """Let them go on."""
        self._loop.run_until_complete(asyncio.sleep(wait_s))

    # --- The people ----------

    def _person(self, nick: str) -> Person:
        return Person(self._loop, self._server, nick, on_message=self._on_message, on_lost=self._on_lost)

    def _on_lost(self) -> None:
        self._heard.disconnected += 1

    def _on_message(self, now: float, message: events.MessageReceived) -> None:
        begin, missing = self._missing.get(message.text, (0.0, 0))
        if missing > 1:
            self._missing[message.text] = begin, missing - 1
        elif missing == 1:
            del self._missing[message.text]
            self._heard.lines_s.append(self._loop.time() - begin)

    def _repeat(self, every_s: float, do: object) -> None:
        assert callable(do)
        index, begin = len(self._timers), self._loop.time()

        def run(count: int) -> None:
            self._timers[index] = self._loop.call_at(begin + (count + 1) * every_s, run, count + 1)
            do()

        self._timers.append(self._loop.call_at(begin, run, 0))

    def _say(self) -> None:
        text = f"line {self._said} and what else one says in a lobby when nothing much happens"
        self._missing[text] = self._loop.time(), len(self._people) - 1
        self._people[self._said % len(self._people)].say(text)
        self._said += 1

    def _come(self) -> None:
        nick = f"newcomer{self._said}"
        begin = self._coming[nick] = self._loop.time()
        person = Person(self._loop, self._server, nick, on_message=lambda now, message: None, on_lost=self._on_lost)

        def on_entered(entered: asyncio.Future[None]) -> None:
            entered.exception()  # who is refused waits for ever
            if entered.exception() is None and self._coming.pop(nick, None) is not None:
                self._heard.newcomers_s.append(self._loop.time() - begin)
            person.leave()
            self._loop.call_later(LEAVE_S, person.close)

        person.entered.add_done_callback(on_entered)
