"""Line mode for a person at a terminal: times in front of lines, the lines on entry, and the text of the prompt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Final

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import printable
from udpchat.client.model import Phase
from udpchat.ui.local_times import TIME_FORMATS, clock_time, local_time
from udpchat.ui.phrases import sentence, text_of
from udpchat.ui.printing import Line, Output, plain_lines
from udpchat.ui.prompt import Prompt

WEEKDAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
REPEATED_CHARACTERS_MAX: Final = 200  # of a text that was not sent: enough to recognise it
PHASES: Final = {Phase.CONNECTING: Phrase("state.connecting"), Phase.LOST: Phrase("state.disconnected")}


class ScreenLines:
    """The lines of `plain_lines`, with the local time in front and a line where the day changes.

    `nick` gives one's own nick. `is_edited`: the lines are typed in an editor, which removes them from the screen on
    Enter, so that messages sent are drawn, and a text that was not sent is repeated. `now_ms` gives the time, in ms
    since 1970, for events without a time. `time_format` gives a key of TIME_FORMATS. `zone`: None for the zone of this
    machine.
    """

    def __init__(
        self,
        *,
        nick: Callable[[], str],
        now_ms: Callable[[], int],
        is_edited: bool,
        zone: tzinfo | None = None,
        time_format: Callable[[], str] = lambda: "24h",
    ) -> None:
        self._nick = nick
        self._now_ms = now_ms
        self._is_edited = is_edited
        self._zone = zone
        self._time_format = time_format
        self._day = self._moment(now_ms()).date()

    def draw(self, event: ClientEvent) -> list[Line]:
        """The lines of one event, not made safe yet."""
        lines = plain_lines(event, me=self._nick() if self._is_edited else "", zone=self._zone)
        match event:
            case events.Connected():
                return [(Output.ERR, line) for line in entry_lines(event, is_edited=self._is_edited)]
            case events.HistoryFound() | events.Notice(code="help" | "link"):
                return lines  # has its dates already, or has no time
            case (
                events.MessageReceived(time_ms=time_ms) | events.MessageSent(time_ms=time_ms)
                | events.Edited(time_ms=time_ms) | events.Redacted(time_ms=time_ms) | events.Reacted(time_ms=time_ms)
            ) if time_ms:  # fmt: skip
                moment = self._moment(time_ms)
            case _:
                moment = self._moment(self._now_ms())
        time = moment.strftime(TIME_FORMATS[self._time_format()])
        drawn = [(stream, f"{time} {line}") for stream, line in lines]
        if isinstance(event, events.Error) and event.said and self._is_edited:
            drawn.append((Output.ERR, " " * (len(time) + 1) + _repeated(event.said)))
        return [*self._day_line(moment.date()), *drawn] if drawn else []

    def _moment(self, time_ms: int) -> datetime:
        return local_time(time_ms, self._zone)

    def _day_line(self, day: date) -> list[Line]:
        if day == self._day:
            return []
        self._day = day
        return [(Output.OUT, f"-- {WEEKDAYS[day.weekday()]} {day.isoformat()}")]


def entry_lines(event: events.Connected, *, is_edited: bool) -> list[str]:
    """For a person who has just entered: in which rooms, and how to talk, to get help and to leave."""
    target = sentence("entry.target_of_prompt") if is_edited else (event.rooms or (sentence("entry.target_none"),))[0]
    first, *rest = [
        sentence("connected", server=event.server, nick=event.nick),
        sentence("entry.key", fingerprint=event.fingerprint),
        sentence("entry.rooms", rooms=event.rooms),
        sentence("entry.target", room=target),
        sentence("entry.names"),
        sentence("entry.msg"),
        sentence("entry.help", leave="/quit or Ctrl+D" if is_edited else "/quit"),
    ]
    return [f"-- {first}", *(f"   {line}" for line in rest)]


def prompt_of(prompt: Prompt, time_ms: int = 0) -> tuple[str, str]:
    """Where a line goes, and what keeps it from arriving at once, if anything does: both safe for a terminal.

    `time_ms`: by the wall clock; 0: not known.
    """
    model = prompt.client.model
    connection, waiting = model.connection, len(model.sending)
    states = [sentence("state.leaving")] if prompt.wants_quit else []
    if connection.phase in PHASES:
        states.append(text_of(PHASES[connection.phase]))
    if waiting:
        states.append(sentence("state.sending", count=waiting))
    if connection.missing:
        states.append(sentence("state.missing", count=connection.missing))
    states += speaking_states(prompt, time_ms)
    return printable(prompt.target or sentence("state.no_target")), ", ".join(states)


def speaking_states(prompt: Prompt, time_ms: int = 0) -> list[str]:
    """What is in the way of speaking where lines go at this time, if anything is known to be."""
    model, target = prompt.client.model, prompt.target
    is_room = bool(target) and not target.startswith("@")
    if is_room and target not in model.rooms:
        return [sentence("state.left")]
    standing = model.standing(target if is_room else "", time_ms)
    if standing.muted_until_ms is not None:
        until = clock_time(standing.muted_until_ms, None) if standing.muted_until_ms else ""
        return [sentence("state.muted", until=until)]
    return [] if standing.may_speak or not is_room else [sentence("state.no_voice")]


def _repeated(text: str) -> str:
    shown = text if len(text) <= REPEATED_CHARACTERS_MAX else f"{text[:REPEATED_CHARACTERS_MAX]}..."
    return sentence("your_text", text=shown)
