"""Line mode for a person: the forms of its lines, what is told on entry, and what the prompt shows."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from tests.client.pair import Wire
from tests.ui.test_commands import NOW, prompt_in
from tests.ui.test_line_mode import Session
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.ui.commands import COMMANDS
from udpchat.ui.printing import Output
from udpchat.ui.prompt import Prompt
from udpchat.ui.terminal_lines import REPEATED_CHARACTERS_MAX, ScreenLines, entry_lines, prompt_of

SATURDAY_MS = 1_795_271_400_000  # 2026-11-21 14:30 UTC
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
OUT, ERR = Output.OUT, Output.ERR
CONNECTED = events.Connected("udpchat://10.0.0.1:47747", "uxqrbmt4", "alice", ("lobby", "dev"))


def screen(*, is_edited: bool = True, offset_h: int = 0) -> ScreenLines:
    zone = timezone(timedelta(hours=offset_h))
    return ScreenLines(nick=lambda: "alice", now_ms=lambda: SATURDAY_MS, is_edited=is_edited, zone=zone)


def message(time_ms: int, text: str = "hi") -> events.MessageReceived:
    return events.MessageReceived("lobby", 7, "bob", text, "text", time_ms, "0a0b", False)


def sent(time_ms: int) -> events.MessageSent:
    return events.MessageSent("lobby", 8, "0a0c", "mine", "text", time_ms)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (message(SATURDAY_MS - HOUR_MS), (OUT, "13:30 [lobby] <bob> hi")),
        (sent(SATURDAY_MS - HOUR_MS), (OUT, "13:30 [lobby] <alice> mine")),
        (sent(0), (OUT, "14:30 [lobby] <alice> mine")),  # when it was stored is not known here
        (events.Edited("lobby", 7, "0a0b", "bob", 9, SATURDAY_MS - HOUR_MS, b"bob", "ho"),
         (OUT, "13:30 -- bob edited: [lobby] ho")),
        (events.MemberJoined("lobby", "bob"), (OUT, "14:30 -- bob joined lobby")),
        (events.Reconnected("found"), (ERR, "14:30 -- reconnected: the server is there again")),
        (events.error("refused.text", text="no"), (ERR, "14:30 error: no")),
        (events.notice("help.line", line="  /me TEXT"), (ERR, "  /me TEXT")),
        (events.HistoryFound((message(SATURDAY_MS - DAY_MS),)), (OUT, "2026-11-20 14:30 [lobby] <bob> hi")),
    ],
)
def test_a_line_has_its_time_in_front(event: ClientEvent, line: tuple[Output, str]) -> None:
    assert screen().draw(event) == [line]


def test_times_are_those_of_the_zone() -> None:
    assert screen(offset_h=2).draw(message(SATURDAY_MS)) == [(OUT, "16:30 [lobby] <bob> hi")]


def test_the_time_has_the_format_that_was_chosen() -> None:
    formats = iter(("seconds", "12h", "12h"))
    drawing = ScreenLines(
        nick=str, now_ms=lambda: SATURDAY_MS, is_edited=True, zone=UTC, time_format=lambda: next(formats)
    )
    assert drawing.draw(message(SATURDAY_MS)) == [(OUT, "14:30:00 [lobby] <bob> hi")]
    assert drawing.draw(message(SATURDAY_MS)) == [(OUT, "02:30 PM [lobby] <bob> hi")]
    refused = drawing.draw(events.error("refused.text", text="no", said="mine"))
    assert refused[1] == (ERR, "         your text: mine  (Up brings it back)")


def test_a_change_of_day_is_a_line_of_its_own_in_the_history_too() -> None:
    drawing = screen()
    drawn = [drawing.draw(message(SATURDAY_MS - ago_ms)) for ago_ms in (DAY_MS + HOUR_MS, DAY_MS, HOUR_MS, 0)]
    assert [line for lines in drawn for _, line in lines] == [
        "-- Friday 2026-11-20",
        "13:30 [lobby] <bob> hi",
        "14:30 [lobby] <bob> hi",
        "-- Saturday 2026-11-21",
        "13:30 [lobby] <bob> hi",
        "14:30 [lobby] <bob> hi",
    ]


def test_what_an_editor_took_away_is_drawn_when_it_is_sent_and_repeated_when_it_is_not() -> None:
    refused = events.error("unknown_command.text", said="/mgs bob secret", text="unknown command /mgs")
    assert screen().draw(refused)[1:] == [(ERR, "      your text: /mgs bob secret  (Up brings it back)")]
    long = events.error("too_long.text", said="x" * 20_000, text="no")
    assert len(screen().draw(long)[1][1]) < REPEATED_CHARACTERS_MAX + 50
    assert screen(is_edited=False).draw(sent(SATURDAY_MS)) == []
    assert len(screen(is_edited=False).draw(refused)) == 1


@pytest.mark.parametrize("is_edited", [True, False])
def test_on_entry_at_most_ten_lines_say_where_one_is_and_how_to_go_on(is_edited: bool) -> None:
    lines = screen(is_edited=is_edited).draw(CONNECTED)
    told = "\n".join(line for _, line in lines)
    assert len(lines) <= 10 and all(len(line) <= 80 for _, line in lines)
    for words in ("udpchat://10.0.0.1:47747", "uxqrbmt4", "alice", "lobby, dev", "/help", "/msg NICK TEXT", "/quit"):
        assert words in told
    assert ("Ctrl+D" in told) is is_edited


def test_who_enters_no_room_is_told_how_to() -> None:
    lines = entry_lines(events.Connected("udpchat://h", "f", "alice", ()), is_edited=False)
    assert any("no room yet: /join ROOM" in line for line in lines)


def test_the_prompt_names_the_target_and_what_is_to_be_known() -> None:
    prompt = prompt_in("lobby")
    assert prompt_of(prompt) == ("lobby", "connecting")
    prompt.enter(NOW, "hello")
    assert prompt_of(prompt) == ("lobby", "connecting, 1 sending")
    prompt.enter(NOW, "/query bob")
    assert prompt_of(prompt) == ("@bob", "connecting, 1 sending")
    assert prompt_of(prompt_in()) == ("no room", "connecting")


def test_the_prompt_of_a_client_that_lost_its_server_says_so_and_that_it_leaves() -> None:
    wire = Wire()
    alice = wire.person("alice")
    prompt = Prompt(alice.core, COMMANDS)
    assert prompt_of(prompt) == ("lobby", "")
    wire.is_cut = True
    alice.core.say(wire.now, "lobby", "hello?")
    wire.settle(10)
    assert prompt_of(prompt) == ("lobby", "disconnected, 1 sending")
    prompt.enter(wire.now, "/quit")
    assert prompt_of(prompt) == ("lobby", "leaving, disconnected, 1 sending")


def test_line_mode_draws_as_it_is_told_and_makes_all_of_it_safe() -> None:
    session = Session(draw=screen().draw)
    session.happen(message(SATURDAY_MS, "evil \x1b[2J"), events.Disconnected("lost.reason", {"reason": "gone"}))
    assert session.printed(OUT) == ["14:30 [lobby] <bob> evil \N{REPLACEMENT CHARACTER}[2J"]
    assert session.printed(ERR)[0].startswith("14:30 -- disconnected: gone")


def test_at_the_end_of_input_a_person_is_told_what_is_waited_for() -> None:
    for draw, told in ((screen().draw, ["14:30 -- waiting until all is confirmed; Ctrl+C leaves at once"]), (None, [])):
        session = Session(draw=draw)
        session.happen(events.Connected("", "", "", ()))
        session.written.clear()
        session.lines.on_line(NOW, "hello")
        session.lines.on_end_of_input(NOW)
        assert session.printed(ERR) == told
