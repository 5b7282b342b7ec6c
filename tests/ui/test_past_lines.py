"""How the past is drawn: with its dates, and apart from what comes now."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

from tests.ui.test_lines import CONNECTED, OUT, Session, message
from udpchat.chat import events
from udpchat.ui.lines import clock_time, plain_lines


def test_the_past_has_a_line_for_each_message_dated_where_the_person_is() -> None:
    past = events.HistoryFound((message("one", seq=1), message("waves", seq=2, room="@bob", kind="action")))
    assert plain_lines(past, zone=timezone(timedelta(hours=2))) == [
        (OUT, "2023-11-15 00:13 [lobby] <bob> one"), (OUT, "2023-11-15 00:13 [@bob] * bob waves")
    ]  # fmt: skip
    assert clock_time(2**63, UTC) == "9999-12-31 23:59"
    assert clock_time(2**63, None).startswith("9999-12-31") and clock_time(-1, None)


def test_the_past_is_not_counted_as_messages_that_came() -> None:
    session = Session(count=1)
    session.happen(CONNECTED, events.HistoryFound((message(),)))
    assert not session.client.has_quit
