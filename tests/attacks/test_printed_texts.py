"""Whatever a server sends, no control character of it reaches the terminal or a line of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import get_args

import pytest

from tests.attacks.hostile_server import CODES, TEXTS
from tests.attacks.meeting import Meeting
from udpchat.chat import events
from udpchat.chat.phrase import Phrase
from udpchat.chat.refusals import REFUSALS, refusal
from udpchat.ui.phrases import text_of
from udpchat.ui.printing import Printer
from udpchat.ui.terminal_lines import ScreenLines
from udpchat.wire import requests
from udpchat.wire.fields import Value

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u2028\u2029]")
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\n\u2028x\x00"


def drawers() -> list[Callable[[list[events.ClientEvent]], str]]:
    """Each way in which events are printed: as plain lines, with times for a person, as JSON."""

    def printed(happened: list[events.ClientEvent], *, as_json: bool = False, for_person: bool = False) -> str:
        written: list[str] = []
        screen = ScreenLines(nick=lambda: ESCAPES, now_ms=lambda: 0, is_edited=True)
        draw = screen.draw if for_person else None
        Printer(written.append, written.append, as_json=as_json, draw=draw).show(happened)
        return "".join(written)

    return [
        printed,
        lambda happened: printed(happened, as_json=True),
        lambda happened: printed(happened, for_person=True),
    ]


def hostile(kind: type[Value]) -> events.ClientEvent:
    """An event of this kind with escape sequences in each text."""
    values: dict[str, object] = {}
    texts = {name: text for each in kind.__mro__ for name, text in vars(each).get("__annotations__", {}).items()}
    for name in kind.__struct_fields__:
        text = texts[name]
        if issubclass(kind, Phrase) and name in ("key", "values"):
            continue
        inner = re.fullmatch(r"tuple\[(\w+), \.\.\.\]|(Modes)", text)
        if inner and (found := getattr(events, inner[1] or inner[2], None)):
            values[name] = (hostile(found),) if inner[1] else hostile(found)
        elif "Quote" in text:
            values[name] = hostile(events.Quote)
        elif text == "Amendment":
            values[name] = hostile(events.Edited)
        elif "bytes" in text:
            values[name] = ESCAPES.encode()
        elif "tuple" in text:
            values[name] = (ESCAPES, ESCAPES)
        elif "str" in text or text in ("Nick", "Room", "ShortText"):
            values[name] = ESCAPES
        elif "bool" in text:
            values[name] = False
        elif "int" in text or "float" in text or text in ("Sequence", "Duration"):
            values[name] = 7
    if issubclass(kind, Phrase):
        values |= {"key": "lost.reason", "values": {"reason": ESCAPES}}
    return kind(**values)  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", get_args(events.ClientEvent), ids=lambda kind: kind.__name__)
def test_no_field_of_any_event_is_printed_as_it_is(kind: type) -> None:
    for draw in drawers():
        printed = draw([hostile(kind)])
        assert not UNSAFE.search(printed), repr(printed)


@pytest.mark.parametrize("key", sorted({*REFUSALS, *CODES, "later", "later.x", ESCAPES, "nick_taken.far"}))
def test_a_refusal_of_any_code_with_any_values_is_a_sentence(key: str) -> None:
    for count in range(5):
        for text in (*TEXTS, ESCAPES):
            reason = refusal(key, (text,) * count)
            for event in (
                events.Error(reason.key, reason.values),
                events.Rejected(reason.key, reason.values),
                events.notice(f"{reason.code}.not_rejoined", room="lobby", reason=reason),
            ):
                for draw in drawers():
                    assert not UNSAFE.search(draw([event]))
            assert text_of(reason)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_hostile_server_causes_is_printed_safely(seed: int) -> None:
    meeting = Meeting(seed, answers=True)
    meeting.start()
    meeting.enter()
    meeting.core.ask(meeting.now, requests.Whois("bob"))
    meeting.core.ask(meeting.now, requests.ListHolders("#lobby", 1, bytes(8)))
    for number in range(10):
        meeting.core.say(meeting.now, "lobby", f"said {number}")
        meeting.core.ask(meeting.now, requests.SetAway(f"{number}"))
        meeting.run(0.2, packets=8)
    assert len(meeting.happened) > 20
    for draw in drawers():
        printed = draw(meeting.happened)
        assert not UNSAFE.search(printed)
    for line in drawers()[1](meeting.happened).splitlines():
        json.loads(line)


def test_a_message_is_one_line_whoever_sent_it_and_whatever_it_says() -> None:
    message = hostile(events.MessageReceived)
    assert isinstance(message, events.MessageReceived)
    for kind in ("text", "action", "unknown", "removed"):
        for draw in drawers():
            assert draw([message.changed(kind=kind)]).count("\n") == 1
