"""Events: values with the fields that the JSON lines promise."""

from __future__ import annotations

from typing import get_args

import pytest

from udpchat.chat import events
from udpchat.wire.fields import Value, WireStruct

FIELDS = {  # of the README's table of JSON events; more may be added
    events.Connected: {"server", "fingerprint", "nick", "rooms"},
    events.MessageReceived: {"room", "seq", "nick", "text", "kind", "time_ms", "id", "history"},
    events.MessageSent: {"room", "seq", "id", "text"},
    events.MemberJoined: {"room", "nick"},
    events.MemberLeft: {"room", "nick", "reason"},
    events.MemberRenamed: {"old", "nick"},
    events.MemberList: {"room", "members"},
    events.TopicChanged: {"room", "topic", "nick"},
    events.Notice: {"key", "values"},  # the form of a `Phrase` is that of ui/json_events
    events.Error: {"key", "values", "line", "retry_s"},
    events.Rejected: {"key", "values"},
    events.Disconnected: {"key", "values"},
    events.Reconnected: {"key", "values"},
}


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.__name__)
def test_an_event_has_the_fields_that_were_promised(kind: type[Value]) -> None:
    assert FIELDS[kind] <= set(kind.__struct_fields__)
    assert kind in get_args(events.ClientEvent)


@pytest.mark.parametrize("kind", get_args(events.ClientEvent) + get_args(events.ServerEvent))
def test_an_event_is_a_value(kind: type) -> None:
    assert issubclass(kind, Value | WireStruct) and kind.__struct_config__.frozen


def test_a_kind_of_content_that_this_version_does_not_know_has_a_name_too() -> None:
    assert [events.kind_name(kind) for kind in (0, 1, 4, 5, 255)] == [
        "text", "action", "redaction", "unknown", "unknown",
    ]
