"""Events as lines: their plain form, and the printer through which every line leaves the program.

Data goes to standard output, one line for each item; remarks about the session go to standard error. With JSON every
event is an object on standard output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from enum import Enum
from itertools import groupby
from typing import Any, Final, assert_never

from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.phrase import Phrase
from udpchat.chat.text import json_line, printable
from udpchat.ui.json_events import json_event
from udpchat.ui.local_times import clock_time
from udpchat.ui.order_lines import order_lines
from udpchat.ui.phrases import sentence, text_of, told


class Output(Enum):
    """Where a line goes."""

    OUT = "standard output"
    ERR = "standard error"


COLUMN_MAX: Final = 40
Line = tuple[Output, str]
Draw = Callable[[ClientEvent], list[Line]]


class Printer:
    """Prints events and lines; nothing that a peer chose reaches a terminal as it is.

    `write_out` and `write_err` get one or more whole lines with their line breaks, and flush them. `draw` gives the
    lines of an event. `as_json`: events are printed as objects, and as lines only where they end the program.
    """

    def __init__(
        self,
        write_out: Callable[[str], object],
        write_err: Callable[[str], object],
        *,
        draw: Draw | None = None,
        as_json: bool = False,
    ) -> None:
        self._write_to = {Output.OUT: write_out, Output.ERR: write_err}
        self._draw = draw or plain_lines
        self._as_json = as_json

    def show(self, happened: Iterable[ClientEvent]) -> None:
        """Print these events, in order."""
        lines: list[tuple[Output, str | dict[str, Any]]] = []
        for event in happened:
            if isinstance(event, events.ModelChange):
                continue
            if self._as_json:
                lines.append((Output.OUT, json_event(event)))
            if not self._as_json or isinstance(event, events.Rejected):
                lines += self._draw(event)
        self._print(lines)

    def remark(self, *lines: str) -> None:
        """Print these lines on standard error."""
        self._print((Output.ERR, line) for line in lines)

    def show_failure(self, reason: Phrase) -> None:
        """Print an error that ends the program as an event, if programs read the output."""
        if self._as_json:
            self._print([(Output.OUT, json_event(events.Error(reason.key, reason.values)))])

    def _print(self, lines: Iterable[tuple[Output, str | dict[str, Any]]]) -> None:
        for stream, group in groupby(lines, key=lambda line: line[0]):
            safe = [printable(line) if isinstance(line, str) else json_line(line) for _, line in group]
            self._write_to[stream]("".join(f"{line}\n" for line in safe))


def plain_lines(
    event: ClientEvent, *, me: str = "", zone: tzinfo | None = UTC, numbers_lines: bool = False
) -> list[Line]:
    """The lines of one event, not made safe yet. `me`: the nick for one's own messages; empty: they are not printed.

    `numbers_lines`: an error names the line of the input that caused it. `zone` is that of the dates of past messages;
    None: the zone of this machine.
    """
    if isinstance(event, events.HistoryFound):
        lines = [(Output.OUT, f"{clock_time(past.time_ms, zone)} {_message(past)}") for past in event.messages]
        return lines or [(Output.ERR, f"-- {sentence('past.none')}")]
    if isinstance(event, events.Error) and numbers_lines and event.line is not None:
        return [(Output.ERR, sentence("error.line", line=event.line, text=text_of(event)))]
    if isinstance(event, events.MessageSent):
        return [(Output.OUT, message_line(event.room, me, event.text, event.kind, event.reply))] if me else []
    if isinstance(event, events.Amendment):
        return [(Output.OUT, f"-- {_amendment(event)}")] if me or not event.is_confirmation else []
    if isinstance(event, events.MessageReceived):
        return [(Output.OUT, _message(event))]
    if isinstance(event, events.OrderChange | events.AccountAnswer):
        return [(Output.OUT, f"-- {line}") for line in order_lines(event, zone)]
    if isinstance(event, Change):
        return [(Output.OUT, f"-- {_change(event)}")]
    if isinstance(event, events.ModelChange):
        return []
    return [(Output.ERR, _remark(event))]


def message_line(room: str, nick: str, text: str, kind: str, reply: events.Quote | None = None) -> str:
    """`[room] <nick> text`, or `[room] * nick text` for an action; before the text what it answers, if anything."""
    if kind == events.REMOVED:
        return f"[{room}] -- {sentence('removed')}"
    if kind == "unknown":
        return f"[{room}] -- {sentence('unknown_kind', nick=nick)}" + (f": {text}" if text else "")
    if reply is not None:
        text = f"{_quote(reply)} {text}"
    return f"[{room}] * {nick} {text}" if kind == "action" else f"[{room}] <{nick}> {text}"


def _quote(quote: events.Quote) -> str:
    if not quote.nick:
        return sentence("reply.unknown")
    return sentence("reply" if quote.text else "reply.removed", nick=quote.nick, text=quote.text)


def _message(message: events.MessageReceived) -> str:
    return message_line(message.room, message.nick, message.text, message.kind, message.reply)


def _amendment(event: events.Amendment) -> str:
    target = event.target
    message = f"[{event.room}]" if target is None else message_line(event.room, target.nick, target.text, "text")
    match event:
        case events.Edited():
            return told("edited", event)
        case events.Redacted(nick=nick):
            author = target.nick if target is not None and target.nick != nick else ""
            return told("redacted", event, author=author)
        case events.Reacted(added=added):
            return told("reaction" if added else "reaction.taken_back", event, message=message)
        case _:
            assert_never(event)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells below each other; the last of a row is not padded, and a cell wider than COLUMN_MAX moves what follows."""
    widths = [*(min(max(map(len, cells)), COLUMN_MAX) for cells in zip(*rows, strict=True))]
    widths[-1:] = [0]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]


def aligned(rows: Sequence[tuple[str, str, Phrase]]) -> list[str]:
    """Three columns, the last of them sentences."""
    return columns([(name, value, text_of(origin)) for name, value, origin in rows])


Change = (
    events.MessageDelivered | events.HolderList | events.MemberJoined | events.MemberLeft | events.MemberRenamed
    | events.MemberList | events.RoomList | events.TopicChanged
)  # fmt: skip
Remark = events.Connected | events.Notice | events.Error | events.Rejected | events.Disconnected | events.Reconnected


def _change(event: Change) -> str:
    match event:
        case events.MessageDelivered():
            return told("delivered", event)
        case events.HolderList(holders=holders, waiting=waiting):
            if not (holders or waiting):
                return told("holders.none", event)
            return told("holders" if holders else "holders.unknown", event, waiting=", ".join(waiting))
        case events.MemberJoined():
            return told("joined", event)
        case events.MemberLeft(by=by):
            return told("left.kicked" if by else "left", event)
        case events.MemberRenamed():
            return told("renamed", event)
        case events.MemberList(members=members):
            return told("names" if members else "names.none", event)
        case events.RoomList(rooms=rooms):
            return told("rooms" if rooms else "rooms.none", event)
        case events.TopicChanged(topic=topic):
            return told("topic" if topic else "topic.none", event)
        case _:
            assert_never(event)


def _remark(event: Remark) -> str:
    match event:
        case events.Connected(rooms=rooms):
            return f"-- {told('connected.rooms' if rooms else 'connected', event)}"
        case events.Notice():
            return text_of(event) if event.code in ("help", "link") else f"-- {text_of(event)}"
        case events.Error() | events.Rejected():
            return sentence("error", text=text_of(event))
        case events.Disconnected():
            return f"-- {sentence('disconnected', reason=event)}"
        case events.Reconnected():
            return f"-- {sentence('reconnected', reason=event)}"
        case _:
            assert_never(event)
