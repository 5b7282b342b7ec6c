"""What an operator reads of a server: each fact once, in words, never a text."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from udpchat.chat import events
from udpchat.server.usage import Usage
from udpchat.shell.operator_log import REFUSALS_LOGGED_MAX, OperatorLog
from udpchat.shell.options import server_options


@pytest.fixture
def made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[OperatorLog]:
    caplog.set_level(logging.INFO, "udpchat")
    tmp_path.chmod(0o700)
    log = OperatorLog(100.0, server_options({"data": str(tmp_path), "retention": "1h"}, {}))
    yield log
    log.close()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [f"{record.levelname.lower()} {record.getMessage()}" for record in caplog.records]
    caplog.clear()
    return found


def test_a_start_names_version_durability_and_what_is_kept(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    made.report_start()
    (line,) = lines(caplog)
    assert line.startswith("info starting udpchat ") and line.endswith("durability fsync, history kept for 1 hour")


@pytest.mark.parametrize(("clients", "told"), [(0, "0 clients are"), (1, "1 client is"), (2, "2 clients are")])
def test_an_end_names_its_cause_and_how_long_it_served(
    made: OperatorLog, caplog: pytest.LogCaptureFixture, clients: int, told: str
) -> None:
    made.report_stopping("SIGINT", clients)
    made.report_stopped(100.0 + 3_661)
    assert lines(caplog) == [
        f"info stopping because of SIGINT; {told} told",
        "info stopped after serving for 1 hour 1 minute; all that was accepted is stored",
    ]


def test_a_disk_that_is_full_and_has_room_again_is_a_line_each(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    made.report_events(200.0, [events.LogUnwritable("there is no room on the disk")])
    made.report_events(290.0, [events.LogWritable()])
    assert lines(caplog) == [
        "error messages are refused, because they cannot be stored: there is no room on the disk",
        "warning messages are stored again, after 1 minute 30 seconds in which none could be",
    ]


def test_who_is_refused_again_and_again_does_not_fill_the_log(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    for more, told in ((1, "1 time more"), (2, "2 times more")):
        made.report_events(0.0, [events.PeerRefused("10.0.0.9", "bad_nick")] * (REFUSALS_LOGGED_MAX + more))
        made.report_drops(Counter())
        found = lines(caplog)
        assert found[0] == "info refused from 10.0.0.9: bad_nick" and len(found) == REFUSALS_LOGGED_MAX + 1
        assert found[-1] == f"info refused {told}"


def test_what_is_in_use_is_one_line(made: OperatorLog, caplog: pytest.LogCaptureFixture) -> None:
    made.report_usage([Usage("peers", 12, 20_000), Usage("nicks", 3, 1_000_000)], 5 * 2.0**30)
    made.report_usage([], float("inf"))
    assert lines(caplog) == [
        "info in use: peers 12 of 20000, nicks 3 of 1000000; free on the disk: 5120 MiB",
        "info in use: ; free on the disk: an unknown part",
    ]


def test_who_came_went_and_was_refused_is_for_programs_too(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    happened = [events.PeerEntered("alice", "10.0.0.9"), events.PeerLeft("alice", "quit")]
    made.report_events(0.0, [*happened, events.PeerRefused("10.0.0.8", "wrong_password", "bob")])
    assert [(record.getMessage(), getattr(record, "fields", None)) for record in caplog.records] == [
        ("alice entered from 10.0.0.9", {"event": "entered", "nick": "alice", "address": "10.0.0.9"}),
        ("alice left (quit)", {"event": "left", "nick": "alice", "reason": "quit"}),
        (
            "refused bob from 10.0.0.8: wrong_password",
            {"event": "refused", "nick": "bob", "address": "10.0.0.8", "code": "wrong_password"},
        ),
    ]


def test_an_act_of_order_is_a_line_and_for_programs_what_is_in_it(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    ban = events.Act(0, "alice", b"", "ban", "lobby", "bob", "7200", "spam")
    made.report_events(0.0, [ban, events.Act(0, "operator", b"", "announce", "", "", "", "")])
    assert [(record.getMessage(), getattr(record, "fields", None)) for record in caplog.records] == [
        (
            "alice: ban bob in lobby (7200): spam",
            {"event": "act", "by": "alice", "action": "ban", "room": "lobby", "subject": "bob", "detail": "7200",
             "reason": "spam"},
        ),
        ("operator: announce", {"event": "act", "by": "operator", "action": "announce"}),
    ]  # fmt: skip


def test_the_sessions_of_the_operators_commands_are_no_lines(
    made: OperatorLog, caplog: pytest.LogCaptureFixture
) -> None:
    made.report_events(0.0, [events.PeerEntered("operator", "127.0.0.1"), events.PeerLeft("operator", "quit")])
    assert lines(caplog) == []


def test_without_addresses_it_is_not_said_where_they_came_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "udpchat")
    log = OperatorLog(0.0, server_options({"data": str(tmp_path), "log-addresses": "no"}, {}))
    log.report_events(0.0, [events.PeerEntered("alice", "10.0.0.9"), events.PeerRefused("10.0.0.8", "nick_taken")])
    log.close()
    assert lines(caplog) == ["info alice entered", "info refused: nick_taken"]
    assert "10.0.0" not in (tmp_path / "activity.log").read_text()


def test_it_remembers_why_messages_are_refused_for_as_long_as_they_are(made: OperatorLog) -> None:
    assert made.trouble == ""
    made.report_events(200.0, [events.LogUnwritable("there is no room on the disk")])
    assert made.trouble == "there is no room on the disk"
    made.report_events(290.0, [events.LogWritable()])
    assert made.trouble == "" and made.uptime_s(290.0) == 190.0


def test_drops_are_reported_once(made: OperatorLog, caplog: pytest.LogCaptureFixture) -> None:
    made.report_drops(Counter({"bad seal": 2}))
    made.report_drops(Counter({"bad seal": 2}))
    made.report_drops(Counter({"bad seal": 3}))
    assert lines(caplog) == ["warning dropped: 2 bad seal", "warning dropped: 1 bad seal"]
