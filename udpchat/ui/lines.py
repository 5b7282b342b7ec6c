"""The line mode: events drawn as plain lines or as JSON lines, and the session that reads and prints them.

Data goes to the standard output, one line an item; what is said about the session goes to the standard error. With JSON
every event is an object on the standard output. The forms are those that the README promises to programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from itertools import groupby
from typing import Any, assert_never

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.names import nick_key
from udpchat.chat.text import json_line, printable
from udpchat.client.requests import Source
from udpchat.client.stored import Label
from udpchat.ui.commands import Prompt

KEPT_FOR_LATER = frozenset({"unwritable", "unwritable_here"})  # errors of no line, after which all is still sent
LEAVING = "leaving"  # the code of what is typed after /quit: nobody has promised to read that
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX = 253_402_300_799_999  # the end of the year 9999: no more fits the format, or a datetime


class Output(Enum):
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
        case events.MessageReceived(history=history):
            return {"event": "message", **_fields(event), "history": history}
        case events.MessageSent(room, seq, identity, text, again=again):
            stored = {"room": room, "seq": seq, "id": identity, "text": text}
            return {"event": "sent", **stored, **({"again": True} if again else {})}
        case events.MemberJoined(room, nick):
            return {"event": "joined", "room": room, "nick": nick}
        case events.MemberLeft(room, nick, reason):
            return {"event": "left", "room": room, "nick": nick, "reason": reason}
        case events.MemberRenamed(old, nick):
            return {"event": "renamed", "old": old, "nick": nick}
        case events.MemberList(room, members):
            return {"event": "names", "room": room, "members": list(members)}
        case events.RoomList(rooms):
            return {"event": "rooms", "rooms": list(rooms)}
        case events.TopicChanged(room, topic, nick):
            return {"event": "topic", "room": room, "topic": topic, "nick": nick}
        case events.HistoryFound(messages):
            return {"event": "past", "messages": [_fields(message) for message in messages]}
        case events.Notice(code, text):
            return {"event": "notice", "code": code, "text": text}
        case events.Error(code, text, line, retry_s):
            known = {name: value for name, value in (("line", line), ("retry_s", retry_s)) if value is not None}
            return {"event": "error", "code": code, "text": text, **known}
        case events.Rejected(code, text):
            return {"event": "error", "code": code, "text": text}
        case events.Disconnected(reason):
            return {"event": "disconnected", "reason": reason}
        case events.Reconnected(reason):
            return {"event": "reconnected", "reason": reason}
        case _:
            assert_never(event)


def _fields(message: events.MessageReceived) -> dict[str, Any]:
    said = {"room": message.room, "seq": message.seq, "nick": message.nick, "text": message.text, "kind": message.kind}
    return {**said, "time": iso_time(message.time_ms), "id": message.id}


def plain_lines(
    event: ClientEvent, *, me: str = "", zone: tzinfo | None = UTC, numbers_lines: bool = False
) -> list[tuple[Output, str]]:
    """The lines of one event, each with where it is printed; not made safe yet. What was sent is drawn for `me` only.

    `numbers_lines`: an error names the line of the input that it is about. The past is told with its dates, in `zone`;
    None: that of this machine.
    """
    if isinstance(event, events.HistoryFound):
        lines = [(Output.OUT, f"{clock_time(said.time_ms, zone)} {_message(said)}") for said in event.messages]
        return lines or [(Output.ERR, "-- nothing was found")]
    if isinstance(event, events.Error) and numbers_lines and event.line is not None:
        return [(Output.ERR, f"error: line {event.line}: {event.text}")]
    line = _plain_line(event, me)
    return [line] if line is not None else []


def _message(message: events.MessageReceived) -> str:
    return _said(message.room, message.nick, message.text, message.kind)


Remark = events.Connected | events.Notice | events.Error | events.Rejected | events.Disconnected | events.Reconnected
Datum = (
    events.MessageReceived | events.MessageSent | events.MemberJoined | events.MemberLeft | events.MemberRenamed
    | events.MemberList | events.RoomList | events.TopicChanged
)  # fmt: skip


def _plain_line(event: Datum | Remark, me: str) -> tuple[Output, str] | None:
    match event:
        case events.MessageReceived():
            return Output.OUT, _message(event)
        case events.MessageSent(room=room, text=text, kind=kind):
            return (Output.OUT, _said(room, me, text, kind)) if me else None
        case events.MemberJoined(room, nick):
            return Output.OUT, f"-- {nick} joined {room}"
        case events.MemberLeft(room, nick, reason):
            return Output.OUT, f"-- {nick} left {room}" + (f" ({reason})" if reason else "")
        case events.MemberRenamed(old, nick):
            return Output.OUT, f"-- {old} is now {nick}"
        case events.MemberList(room, members):
            return Output.OUT, f"-- in {room}: {' '.join(members)}" if members else f"-- nobody is in {room}"
        case events.RoomList(rooms):
            return Output.OUT, f"-- rooms: {' '.join(rooms)}" if rooms else "-- there is no room"
        case events.TopicChanged(room, topic, nick):
            by = f" (by {nick})" if nick else ""
            return Output.OUT, f"-- topic of {room}: {topic}{by}" if topic else f"-- {room} has no topic{by}"
        case _:
            return Output.ERR, _remark(event)


def _said(room: str, nick: str, text: str, kind: str) -> str:
    if kind == "unknown":
        return f"[{room}] -- {nick} sent something that this version cannot show" + (f": {text}" if text else "")
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
    `count` live messages from others are printed, or, if it neither counts nor has to `follow`, at the end of the
    input: always after everything typed is confirmed and goodbye is said. `echo`: plain lines show what was sent.
    `zone` is that of the dates in plain lines; None: that of this machine. `draw` gives the lines of an event where
    they are not those of `plain_lines`: at a terminal, where a person is also told what the program waits for at the
    end. `numbers_lines`: plain errors name the line of the input. `label_id`: line k is the request `label_id`:k, in
    every run. `kept`: printed after the list of what is not confirmed, says what becomes of it.
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
        draw: Callable[[ClientEvent], list[tuple[Output, str]]] | None = None,
        numbers_lines: bool = False,
        label_id: str = "",
        kept: str = "",
    ) -> None:
        self._prompt = prompt
        self._client = prompt.client
        self._write_to = {Output.OUT: write_out, Output.ERR: write_err}
        self._is_json = json
        self._count = count
        self._is_following = follow or count is not None
        self._echoes = echo
        self._zone = zone
        self._draw = draw
        self._numbers_lines = numbers_lines
        self._label_id = label_id
        self._kept = kept
        self._line = 0  # of the input, that was read last
        self._printed = 0  # live messages from others
        self._has_connected = False
        self._is_input_over = False
        self._is_refused = False  # a line, for good: here or by the server
        self._code_after_goodbye: ExitCode | None = None
        self._code_now: ExitCode | None = None

    @property
    def exit_code(self) -> ExitCode | None:
        """How the program is to end, from the moment on at which it is to end; None: it goes on."""
        if self._code_now is None and self._client.is_over:
            return self._code_after_goodbye
        return self._code_now

    def on_line(self, now: float, text: str) -> None:
        """The person or the pipe gave one line, with or without its line break."""
        self._line += 1
        was_leaving = self._prompt.wants_quit
        label = Label(self._label_id, self._line) if self._label_id else None
        with self._client.on_behalf_of(Source(self._line, label)):
            told = self._prompt.enter(now, text)
        told = [replace(event, line=self._line) if isinstance(event, events.Error) else event for event in told]
        if self._prompt.wants_quit and not was_leaving and not self._client.is_idle:
            told.append(events.Notice("leaving", "waiting until all is confirmed; /quit again leaves at once"))
        self._note_errors(told)
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
        self._has_connected = self._has_connected or any(isinstance(event, events.Connected) for event in shown)
        self._note_errors(shown)
        self._show(shown)
        if any(isinstance(event, events.Rejected) for event in shown):
            self._report_unconfirmed()
            self._code_now = ExitCode.REFUSED
        self._settle(now)

    def _note_errors(self, happened: Iterable[ClientEvent]) -> None:
        for event in happened:
            if isinstance(event, events.Error) and event.code != LEAVING:
                is_sent_later = event.line is None and event.code in KEPT_FOR_LATER
                self._is_refused = self._is_refused or not is_sent_later

    def on_stop(self, code: ExitCode, reason: str, error: str = "") -> None:
        """It is to end at once, with this code, for this reason: a signal, the time allowed. `error`: its error code.

        What is done but for the goodbye ends with the code that it has earned.
        """
        if self._code_now is not None:
            return
        if self._code_after_goodbye is not None:
            self._code_now = self._code_after_goodbye
            return
        if error and self._is_json:
            self._write([(Output.OUT, json_event(events.Error(error, reason)))])
        self._report_end(reason, is_error=bool(error))
        self._code_now = code

    @property
    def _is_ending(self) -> bool:
        return self._code_now is not None or self._code_after_goodbye is not None

    def _up_to_the_count(self, happened: Sequence[ClientEvent]) -> Sequence[ClientEvent]:
        """Those to be printed: with the last message that is wanted, all that confirms or refuses what was said."""
        end = None
        for index, event in enumerate(happened):
            if isinstance(event, events.MessageReceived) and self._is_counted(event):
                self._printed += 1
                if self._printed == self._count:
                    end = index + 1
            elif end is not None and isinstance(event, events.MessageSent | events.Error | events.Rejected):
                end = index + 1
        return happened if end is None or not self._client.is_idle else happened[:end]

    def _is_counted(self, message: events.MessageReceived) -> bool:
        return not message.history and nick_key(message.nick) != nick_key(self._client.nick)

    def _settle(self, now: float) -> None:
        """End, if there is nothing left to wait for."""
        if self._is_ending:
            return
        if self._prompt.wants_quit_now:
            self._is_refused = self._is_refused or bool(self._client.unconfirmed())
            self._report_end("left")
        elif not self._may_end() or not self._client.is_idle:
            return
        self._code_after_goodbye = ExitCode.ERROR if self._is_refused else ExitCode.DONE
        self._prompt.wants_quit = True  # what is typed from here on is refused, and the person told
        self._client.quit(now)

    def _may_end(self) -> bool:
        is_count_reached = self._count is not None and self._printed >= self._count
        is_read = self._is_input_over and not self._is_following and self._has_connected
        return self._prompt.wants_quit or is_count_reached or is_read

    # --- Out ----------

    def _report_end(self, reason: str, *, is_error: bool = False) -> None:
        is_error = is_error or bool(self._client.unconfirmed() or self._client.lines_unanswered())
        self._write([(Output.ERR, f"error: {reason}" if is_error else f"-- {reason}")])
        self._report_unconfirmed()

    def _report_unconfirmed(self) -> None:
        """Which lines are not confirmed, and what becomes of them."""
        said = self._client.said_unconfirmed()
        lines = [f"not confirmed: {self._numbered(waiting.line)}{waiting.text}" for waiting in said]
        if said and self._kept:
            lines.append(f"-- {self._kept}")
        named = {waiting.line for waiting in said}
        asked = [line for line in self._client.lines_unanswered() if line not in named]
        lines += [f"not answered: line {line}" for line in asked if self._numbers_lines]
        self._write((Output.ERR, line) for line in lines)

    def _numbered(self, line: int | None) -> str:
        return f"line {line}: " if line is not None and self._numbers_lines else ""

    def _show(self, happened: Iterable[ClientEvent]) -> None:
        lines: list[tuple[Output, str | dict[str, Any]]] = []
        for event in happened:
            if self._is_json:
                lines.append((Output.OUT, json_event(event)))
            if self._draw is not None:
                lines += self._draw(event)
            elif not self._is_json or isinstance(event, events.Rejected):  # why it ends is for people too
                me = self._client.nick if self._echoes else ""
                lines += plain_lines(event, me=me, zone=self._zone, numbers_lines=self._numbers_lines)
        self._write(lines)

    def _write(self, lines: Iterable[tuple[Output, str | dict[str, Any]]]) -> None:
        """The one way out: nothing that a peer chose gets past it as it is."""
        for stream, group in groupby(lines, key=lambda line: line[0]):
            safe = [printable(line) if isinstance(line, str) else json_line(line) for _, line in group]
            self._write_to[stream]("".join(f"{line}\n" for line in safe))
