"""The JSON form of each event, which programs rely on."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from tests.ui.drawn import DRAWN, sent
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.json_events import NAMES, OMITTED, OMITTED_IF_EMPTY, OMITTED_IN_LISTS, RENAMED, json_event
from udpchat.ui.printing import Output


@pytest.mark.parametrize(("event", "stream", "plain", "as_json"), DRAWN)
def test_an_event_has_its_json_form(event: ClientEvent, stream: Output, plain: str, as_json: str) -> None:
    assert json.dumps(json_event(event)) == as_json


def test_every_event_has_a_name_and_a_form_that_is_tested() -> None:
    tested = {type(event) for event, *_ in DRAWN} | {events.MessageSent}
    assert tested == set(get_args(ClientEvent)) - set(get_args(events.ModelChange)) == set(NAMES)


def test_the_exceptions_are_of_fields_that_there_are() -> None:
    for kind, omitted in OMITTED.items():
        assert omitted <= set(kind.__struct_fields__)
    inner = (events.Audited, events.DeviceItem, events.Modes, events.Sanctioned)  # of lists
    names = {field for kind in (*NAMES, *inner) for field in kind.__struct_fields__}
    assert OMITTED_IF_EMPTY | OMITTED_IN_LISTS | set(RENAMED) <= names


def test_a_confirmation_says_where_the_message_stands_and_whether_it_is_repeated() -> None:
    assert json.dumps(json_event(sent())) == (
        '{"event": "sent", "room": "lobby", "seq": 7, "id": "0a0b", "text": "hi"}'
    )
    again = events.MessageSent("lobby", 7, "0a0b", "hi", "text", 0, again=True)
    assert json_event(again) == {**json_event(sent()), "again": True}


def test_the_text_that_was_not_sent_stays_out_of_an_error() -> None:
    assert json_event(events.error("refused.text", said="secret", text="no")) == {
        "event": "error",
        "code": "refused",
        "text": "no",
    }
