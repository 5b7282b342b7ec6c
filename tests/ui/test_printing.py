"""The plain form of each event, and the printer."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from tests.ui.drawn import DRAWN, ERR, OUT, message, sent
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.phrase import Phrase
from udpchat.ui.printing import Output, Printer, message_line, plain_lines


@pytest.mark.parametrize(("event", "stream", "plain", "as_json"), DRAWN)
def test_an_event_has_its_plain_form(event: ClientEvent, stream: Output, plain: str, as_json: str) -> None:
    assert plain_lines(event) == [(stream, line) for line in plain.split("\n")]


def test_what_was_sent_is_printed_only_on_demand() -> None:
    assert plain_lines(sent()) == []
    assert plain_lines(sent(), me="alice") == [(OUT, "[lobby] <alice> hi")]
    assert plain_lines(sent("waves", room="@bob", kind="action"), me="alice") == [(OUT, "[@bob] * alice waves")]


def test_what_this_client_did_to_a_message_is_printed_only_on_demand_too() -> None:
    edited = events.Edited("lobby", 5, "0c0d", "alice", 7, 1, b"alice---", "new", is_confirmation=True)
    assert plain_lines(edited) == []
    assert plain_lines(edited, me="alice") == [(OUT, "-- alice edited: [lobby] new")]


def test_a_message_of_several_lines_is_quoted_in_one() -> None:
    written: list[str] = []
    quoted = events.MessageReceived(
        "lobby", 7, "bob", "yes", "text", 1, "0a0b", False, events.Quote("0c0d", "alice", "shall\nwe\x1b[2J?")
    )
    Printer(written.append, written.append).show([quoted])
    assert written == ["[lobby] <bob> (to alice: shall\u23cewe\ufffd[2J?) yes\n"]


def test_an_error_names_its_line_where_lines_are_counted() -> None:
    error = events.error("too_long.text", line=3, text="no")
    assert plain_lines(error, numbers_lines=True) == [(ERR, "error: line 3: no")]
    assert plain_lines(events.error("unwritable.text", text="full"), numbers_lines=True) == [(ERR, "error: full")]


def test_the_past_has_a_line_for_each_message_dated_where_the_person_is() -> None:
    past = events.HistoryFound((message("one", seq=1), message("waves", seq=2, room="@bob", kind="action")))
    assert plain_lines(past, zone=timezone(timedelta(hours=2))) == [
        (OUT, "2023-11-15 00:13 [lobby] <bob> one"), (OUT, "2023-11-15 00:13 [@bob] * bob waves")
    ]  # fmt: skip


def test_a_failure_is_an_event_for_programs_only() -> None:
    for as_json in (False, True):
        written: list[str] = []
        Printer(written.append, written.append, as_json=as_json).show_failure(
            Phrase("no_server.text", {"text": "gone"})
        )
        assert written == ['{"event": "error", "code": "no_server", "text": "gone"}\n'] * as_json


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        ("unknown", "", "[den] -- bob sent something that this version cannot show"),
        ("unknown", "a picture", "[den] -- bob sent something that this version cannot show: a picture"),
        ("removed", "", "[den] -- removed"),
    ],
)
def test_a_message_that_has_no_text_to_show_says_so(kind: str, text: str, line: str) -> None:
    assert message_line("den", "bob", text, kind) == line
