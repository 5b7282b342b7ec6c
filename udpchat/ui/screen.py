"""Line mode for a person at a terminal: times in front of lines, what is told on entry, and what the prompt shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.text import printable
from udpchat.ui.commands import Prompt
from udpchat.ui.lines import Output, local_time, plain_lines

WEEKDAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
REPEATED_CHARACTERS_MAX: Final = 200  # of what was not sent: enough to recognise it
MARGIN: Final = " " * len("14:30 ")


class ScreenLines:
    """Draws events as `plain_lines` does, with the local time in front and a line where the day changes.

    `nick` is asked for whose name stands on what was sent. `is_edited`: the lines come from an editor, which takes away
    what was typed: what was sent is drawn, and what was not is repeated. Without it the terminal shows what was typed.
    `now_ms` is the time since 1970 of what has none of its own; `zone` None: that of this machine.
    """

    def __init__(
        self, *, nick: Callable[[], str], now_ms: Callable[[], int], is_edited: bool, zone: tzinfo | None = None
    ) -> None:
        self._nick = nick
        self._now_ms = now_ms
        self._is_edited = is_edited
        self._zone = zone
        self._day = self._moment(now_ms()).date()

    def draw(self, event: ClientEvent) -> list[tuple[Output, str]]:
        """The lines of one event, each with where it is printed; not made safe yet."""
        lines = plain_lines(event, me=self._nick() if self._is_edited else "", zone=self._zone)
        match event:
            case events.Connected():
                return [(Output.ERR, line) for line in entry_lines(event, is_edited=self._is_edited)]
            case events.HistoryFound() | events.Notice(code="help"):
                return lines  # have their dates already, or are no event of any time
            case events.MessageReceived(time_ms=time_ms) | events.MessageSent(time_ms=time_ms) if time_ms:
                moment = self._moment(time_ms)
            case _:
                moment = self._moment(self._now_ms())
        drawn = [(stream, f"{moment:%H:%M} {line}") for stream, line in lines]
        if isinstance(event, events.Error) and event.said and self._is_edited:
            drawn.append((Output.ERR, MARGIN + _repeated(event.said)))
        return [*self._day_line(moment.date()), *drawn] if drawn else []

    def _moment(self, time_ms: int) -> datetime:
        return local_time(time_ms, self._zone)

    def _day_line(self, day: date) -> list[tuple[Output, str]]:
        if day == self._day:
            return []
        self._day = day
        return [(Output.OUT, f"-- {WEEKDAYS[day.weekday()]} {day.isoformat()}")]


def entry_lines(event: events.Connected, *, is_edited: bool) -> list[str]:
    """What a person who has just come in should know: where they are, and how to talk, to get help and to leave."""
    rooms = ", ".join(event.rooms) or "no room yet: /join ROOM enters one"
    where = "the room that the prompt names" if is_edited else (event.rooms or ("the room that you join",))[0]
    leave = "/quit or Ctrl+D" if is_edited else "/quit"
    return [
        f"-- connected to {event.server} as {event.nick}",
        f"   server key  {event.fingerprint}",
        f"   you are in  {rooms}",
        f"   what you type goes to everyone in {where}",
        "   /names lists who is there, /join ROOM enters another room",
        "   /msg NICK TEXT writes to one person alone",
        f"   /help lists all commands, {leave} leaves",
    ]


def prompt_of(prompt: Prompt) -> tuple[str, str]:
    """Where a line goes, and what keeps it from arriving at once, if anything does: both safe for a terminal."""
    client = prompt.client
    waiting = len(client.unconfirmed())
    missing = client.timeline.missing
    states = [
        "leaving" if prompt.wants_quit else "",
        "disconnected" if client.is_lost else "" if client.is_entered else "connecting",
        f"{waiting} sending" if waiting else "",
        f"{missing} to come" if missing else "",
    ]
    return printable(prompt.target or "no room"), ", ".join(filter(None, states))


def _repeated(said: str) -> str:
    shown = said if len(said) <= REPEATED_CHARACTERS_MAX else f"{said[:REPEATED_CHARACTERS_MAX]}..."
    return f"your text: {shown}  (Up brings it back)"
