"""The line mode: events drawn as plain lines or as JSON lines, and the session that reads and prints them.

Data goes to the standard output, one line an item; what is said about the session goes to the standard error. With JSON
every event is an object on the standard output. The forms are those that the README promises to programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from itertools import groupby
from typing import Any, assert_never

from udpchat.chat import events
from udpchat.chat.commands import Prompt
from udpchat.chat.events import ClientEvent
from udpchat.chat.names import nick_key
from udpchat.chat.text import json_line, printable

EXIT_DONE = 0
EXIT_ERROR = 1
EXIT_REJECTED = 4
EXIT_TIMED_OUT = 5
EXIT_INTERRUPTED = 130

KEPT_FOR_LATER = frozenset({"unwritable", "unwritable_here"})  # errors after which what was said is still sent
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX = 253_402_300_799_999  # the end of the year 9999: no more fits the format, or a datetime


class Stream(Enum):
    """Where a line goes."""

    OUT = "standard output"
    ERR = "standard error"


def iso_time(time_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, `2026-01-31T23:59:59.123Z`; kept within the years 1970 to 9999."""
    return _moment(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(time_ms: int, zone: tzinfo | None) -> str:
    """The same to the minute, for people: `2026-01-31 23:59` in `zone`; None: that of this machine."""
    return local_time(time_ms, zone).strftime("%Y-%m-%d %H:%M")


def local_time(time_ms: int, zone: tzinfo | None) -> datetime:
    """Milliseconds since 1970 in `zone`, kept within the years 1970 to 9999; None: the zone of this machine."""
    try:
        return _moment(time_ms).astimezone(zone)
    except (OverflowError, OSError):  # at the ends of what a system's clock knows
        return _moment(time_ms)


def _moment(time_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=min(max(time_ms, 0), TIME_MS_MAX))


def json_event(event: ClientEvent) -> dict[str, Any]:
    """The object of one event, `event` first; for `json_line`. A rejection is an `error`."""
    match event:
        case events.Connected(server, fingerprint, nick, rooms):
            fields = {"server": server, "fingerprint": fingerprint, "nick": nick, "rooms": list(rooms)}
            return {"event": "connected", **fields}
        case events.Message(history=history):
            return {"event": "message", **_fields(event), "history": history}
        case events.Sent(room, seq, identity, text):
            return {"event": "sent", "room": room, "seq": seq, "id": identity, "text": text}
        case events.Joined(room, nick):
            return {"event": "joined", "room": room, "nick": nick}
        case events.Left(room, nick, reason):
            return {"event": "left", "room": room, "nick": nick, "reason": reason}
        case events.Renamed(old, nick):
            return {"event": "renamed", "old": old, "nick": nick}
        case events.Names(room, members):
            return {"event": "names", "room": room, "members": list(members)}
        case events.RoomList(rooms):
            return {"event": "rooms", "rooms": list(rooms)}
        case events.Topic(room, topic, nick):
            return {"event": "topic", "room": room, "topic": topic, "nick": nick}
        case events.Past(messages):
            return {"event": "past", "messages": [_fields(message) for message in messages]}
        case events.Notice(code, text):
            return {"event": "notice", "code": code, "text": text}
        case events.Error(code, text) | events.Rejected(code, text):
            return {"event": "error", "code": code, "text": text}
        case events.Disconnected(reason):
            return {"event": "disconnected", "reason": reason}
        case events.Reconnected(reason):
            return {"event": "reconnected", "reason": reason}
        case _:
            assert_never(event)


def _fields(message: events.Message) -> dict[str, Any]:
    said = {"room": message.room, "seq": message.seq, "nick": message.nick, "text": message.text, "kind": message.kind}
    return {**said, "time": iso_time(message.time_ms), "id": message.id}


def plain_lines(event: ClientEvent, *, me: str = "", zone: tzinfo | None = UTC) -> list[tuple[Stream, str]]:
    """The lines of one event, each with where it is printed; not made safe yet. What was sent is drawn for `me` only.

    The past is told with its dates, in `zone`; None: that of this machine.
    """
    if isinstance(event, events.Past):
        lines = [(Stream.OUT, f"{clock_time(said.time_ms, zone)} {_message(said)}") for said in event.messages]
        return lines or [(Stream.ERR, "-- nothing was found")]
    line = _plain_line(event, me)
    return [line] if line is not None else []


def _message(message: events.Message) -> str:
    return _said(message.room, message.nick, message.text, message.kind)


Remark = events.Connected | events.Notice | events.Error | events.Rejected | events.Disconnected | events.Reconnected
Datum = (
    events.Message | events.Sent | events.Joined | events.Left | events.Renamed | events.Names | events.RoomList
    | events.Topic
)  # fmt: skip


def _plain_line(event: Datum | Remark, me: str) -> tuple[Stream, str] | None:
    match event:
        case events.Message():
            return Stream.OUT, _message(event)
        case events.Sent(room=room, text=text, kind=kind):
            return (Stream.OUT, _said(room, me, text, kind)) if me else None
        case events.Joined(room, nick):
            return Stream.OUT, f"-- {nick} joined {room}"
        case events.Left(room, nick, reason):
            return Stream.OUT, f"-- {nick} left {room}" + (f" ({reason})" if reason else "")
        case events.Renamed(old, nick):
            return Stream.OUT, f"-- {old} is now {nick}"
        case events.Names(room, members):
            return Stream.OUT, f"-- in {room}: {' '.join(members)}" if members else f"-- nobody is in {room}"
        case events.RoomList(rooms):
            return Stream.OUT, f"-- rooms: {' '.join(rooms)}" if rooms else "-- there is no room"
        case events.Topic(room, topic, nick):
            by = f" (by {nick})" if nick else ""
            return Stream.OUT, f"-- topic of {room}: {topic}{by}" if topic else f"-- {room} has no topic{by}"
        case _:
            return Stream.ERR, _remark(event)


def _said(room: str, nick: str, text: str, kind: str) -> str:
    return f"[{room}] * {nick} {text}" if kind == "action" else f"[{room}] <{nick}> {text}"


def _remark(event: Remark) -> str:
    match event:
        case events.Connected(server=server, nick=nick, rooms=rooms):
            return f"-- connected to {server} as {nick}" + (f", in {' '.join(rooms)}" if rooms else "")
        case events.Notice(code, text):
            return text if code == "help" else f"-- {text}"
        case events.Error(text=text) | events.Rejected(text=text):
            return f"error: {text}"
        case events.Disconnected(reason):
            return f"-- disconnected: {reason}; still trying, and what you type is kept"
        case events.Reconnected(reason):
            return f"-- reconnected: {reason}"
        case _:
            assert_never(event)


class Lines:
    """A session in line mode. Whoever runs it reports what happens and stops at the first `exit_code`.

    `write_out` and `write_err` get one or more whole lines, with their line breaks, and flush them. Ends at /quit, once
    `count` messages from others are printed, or, if it neither counts nor has to `follow`, at the end of the input:
    always after everything typed is confirmed and goodbye is said. `echo`: plain lines show what was sent. `zone` is
    that of the dates in plain lines; None: that of this machine. `draw` gives the lines of an event where they are not
    those of `plain_lines`: at a terminal, where a person is also told what the program waits for at the end.
    """

    def __init__(
        self,
        prompt: Prompt,
        *,
        write_out: Callable[[str], object],
        write_err: Callable[[str], object],
        json: bool = False,
        count: int | None = None,
        follow: bool = False,
        echo: bool = False,
        zone: tzinfo | None = UTC,
        draw: Callable[[ClientEvent], list[tuple[Stream, str]]] | None = None,
    ) -> None:
        self._prompt = prompt
        self._client = prompt.client
        self._write_to = {Stream.OUT: write_out, Stream.ERR: write_err}
        self._is_json = json
        self._count = count
        self._is_following = follow or count is not None
        self._echoes = echo
        self._zone = zone
        self._draw = draw
        self._printed = 0  # messages from others
        self._has_connected = False
        self._is_input_over = False
        self._is_refused = False  # a line, for good, by the server
        self._code_after_goodbye: int | None = None
        self._code_now: int | None = None

    @property
    def exit_code(self) -> int | None:
        """How the program is to end, from the moment on at which it is to end; None: it goes on."""
        if self._code_now is None and self._client.is_over:
            return self._code_after_goodbye
        return self._code_now

    def on_line(self, now: float, text: str) -> None:
        """The person or the pipe gave one line, with or without its line break."""
        was_leaving = self._prompt.wants_quit
        told = self._prompt.enter(now, text)
        if self._prompt.wants_quit and not was_leaving and not self._client.is_idle:
            told.append(events.Notice("leaving", "waiting until all is confirmed; /quit again leaves at once"))
        self._show(told)
        self._settle(now)

    def on_end_of_input(self, now: float) -> None:
        """No line comes any more."""
        self._is_input_over = True
        if self._draw is not None and not self._is_following and not self._client.is_idle:
            self._show([events.Notice("leaving", "waiting until all is confirmed; Ctrl+C leaves at once")])
        self._settle(now)

    def on_events(self, now: float, happened: Sequence[ClientEvent]) -> None:
        """The client was drained of these. Call it after every drain, also of none: an answer may have come."""
        if self._is_ending:
            return
        shown = self._up_to_the_count(happened)
        for event in shown:
            match event:
                case events.Connected():
                    self._has_connected = True
                case events.Error(code=code):
                    self._is_refused = self._is_refused or code not in KEPT_FOR_LATER
                case events.Rejected():
                    self._code_now = EXIT_REJECTED
                case _:
                    pass
        self._show(shown)
        self._settle(now)

    def on_timeout(self) -> None:
        """The time that the person allowed is over."""
        self._stop(EXIT_TIMED_OUT, "timed out")

    def on_interrupt(self) -> None:
        """The person interrupts the program."""
        self._stop(EXIT_INTERRUPTED, "interrupted")

    def _stop(self, code: int, reason: str) -> None:
        if self._code_now is not None:
            return
        if self._code_after_goodbye is not None:  # all is done but the goodbye
            code = self._code_after_goodbye
        else:
            self._say_unconfirmed(reason)
        self._code_now = code

    @property
    def _is_ending(self) -> bool:
        return self._code_now is not None or self._code_after_goodbye is not None

    def _up_to_the_count(self, happened: Sequence[ClientEvent]) -> Sequence[ClientEvent]:
        """Those to be printed: with the last message that is wanted, all that confirms or refuses what was said."""
        end = None
        for index, event in enumerate(happened):
            if isinstance(event, events.Message) and nick_key(event.nick) != nick_key(self._client.nick):
                self._printed += 1
                if self._printed == self._count:
                    end = index + 1
            elif end is not None and isinstance(event, events.Sent | events.Error | events.Rejected):
                end = index + 1
        return happened if end is None or not self._client.is_idle else happened[:end]

    def _settle(self, now: float) -> None:
        """End, if there is nothing left to wait for."""
        if self._is_ending:
            return
        if self._prompt.wants_quit_now:
            self._is_refused = self._is_refused or bool(self._client.unconfirmed())
            self._say_unconfirmed("left")
        elif not self._may_end() or not self._client.is_idle:
            return
        self._code_after_goodbye = EXIT_ERROR if self._is_refused else EXIT_DONE
        self._prompt.wants_quit = True  # what is typed from here on is refused, and the person told
        self._client.quit(now)

    def _may_end(self) -> bool:
        is_count_reached = self._count is not None and self._printed >= self._count
        is_read = self._is_input_over and not self._is_following and self._has_connected
        return self._prompt.wants_quit or is_count_reached or is_read

    # --- Out ----------

    def _say_unconfirmed(self, reason: str) -> None:
        texts = self._client.unconfirmed()
        summary = f"error: {reason}; not confirmed yet, of what was typed: {len(texts)}" if texts else f"-- {reason}"
        self._write((Stream.ERR, line) for line in [summary, *(f"not confirmed: {text}" for text in texts)])

    def _show(self, happened: Iterable[ClientEvent]) -> None:
        lines: list[tuple[Stream, str | dict[str, Any]]] = []
        for event in happened:
            if self._is_json:
                lines.append((Stream.OUT, json_event(event)))
            if self._draw is not None:
                lines += self._draw(event)
            elif not self._is_json or isinstance(event, events.Rejected):  # why it ends is for people too
                lines += plain_lines(event, me=self._client.nick if self._echoes else "", zone=self._zone)
        self._write(lines)

    def _write(self, lines: Iterable[tuple[Stream, str | dict[str, Any]]]) -> None:
        """The one way out: nothing that a peer chose gets past it as it is."""
        for stream, group in groupby(lines, key=lambda line: line[0]):
            safe = [printable(line) if isinstance(line, str) else json_line(line) for _, line in group]
            self._write_to[stream]("".join(f"{line}\n" for line in safe))
