"""Line mode: the forms of its lines, and when and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.ui.drawn import CONNECTED, DRAWN, ERR, OUT, message, sent
from udpchat.chat import events
from udpchat.chat.events import ClientEvent
from udpchat.chat.exit_codes import ExitCode
from udpchat.chat.phrase import Phrase
from udpchat.client.compose import LocalError
from udpchat.client.core import ClientCore
from udpchat.client.model import Conversation, Item, Model
from udpchat.client.own_messages import Said
from udpchat.client.own_requests import RequestSource
from udpchat.client.stored import Label
from udpchat.ui.attention import Alert, Event
from udpchat.ui.commands import COMMANDS
from udpchat.ui.exit_rule import ExitRule
from udpchat.ui.line_mode import LineMode
from udpchat.ui.printing import Draw, Output, Printer, plain_lines
from udpchat.ui.prompt import Prompt
from udpchat.wire.limits import TEXT_BYTES_MAX

NOW = 5.0
NASTY = "\x1b[2J\u202e\nx"


@dataclass
class ScriptedModel:
    """What line mode draws of a model."""

    nick: str = "alice"
    rooms: tuple[str, ...] = ("lobby",)
    sending: list[Said] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def conversation(self, name: str) -> Conversation:
        """That of any name has the same items."""
        found = Conversation(name)
        for item in self.items:
            found.add(item)
        return found


@dataclass
class ScriptedClient:
    """A client that does what a test says; its surface is checked against the real one's below."""

    is_idle: bool = True
    is_over: bool = False
    model: ScriptedModel = field(default_factory=ScriptedModel)
    read: list[str] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    has_quit: bool = False
    sources: list[RequestSource] = field(default_factory=list)

    @contextmanager
    def on_behalf_of(self, source: RequestSource) -> Iterator[None]:
        self.sources.append(source)
        yield

    def say(self, now: float, room: str, text: str, is_action: bool = False) -> None:
        if len(text) > TEXT_BYTES_MAX:
            raise LocalError("too_long.here", what="message", bytes_max=TEXT_BYTES_MAX, bytes=len(text))
        line = self.sources[-1].line if self.sources else None
        self.model.sending.append(Said(room, text, int(is_action), b"", line))
        self.is_idle = False

    def mark_read(self, now: float, target: str) -> None:
        self.read.append(target)

    def lines_unanswered(self) -> list[int]:
        return list(self.unanswered)

    def quit(self, now: float) -> None:
        self.has_quit = True


class Session:
    """A line-mode session with a scripted client; what it writes is kept."""

    def __init__(
        self,
        *,
        json: bool = False,
        count: int | None = None,
        follow: bool = False,
        echo: bool = False,
        draw: Draw | None = None,
        numbers_lines: bool = False,
        **options: Any,
    ) -> None:
        self.client = ScriptedClient()
        self.written: list[tuple[Output, str]] = []
        own = partial(plain_lines, me="alice" if echo else "", numbers_lines=numbers_lines)
        printer = Printer(
            lambda text: self.written.append((OUT, text)),
            lambda text: self.written.append((ERR, text)),
            draw=draw or own,
            as_json=json,
        )
        rule = ExitRule(count=count, follow=follow)
        person = {"is_for_person": draw is not None, "marks_read": draw is not None, "numbers_lines": numbers_lines}
        self.lines = LineMode(Prompt(self.client, COMMANDS), printer, rule, **person, **options)

    def happen(self, *happened: ClientEvent) -> None:
        self.lines.on_events(NOW, happened)

    def confirm(self, *more: ClientEvent) -> None:
        """All that was typed is confirmed in one batch, with `more` before it."""
        confirmed = [sent(said.text, seq=seq) for seq, said in enumerate(self.client.model.sending, 1)]
        self.client.model.sending.clear()
        self.client.is_idle = True
        self.happen(*more, *confirmed)

    def say_goodbye(self) -> int | None:
        assert self.client.has_quit
        assert self.lines.exit_code is None
        self.client.is_over = True
        return self.lines.exit_code

    def printed(self, stream: Output) -> list[str]:
        text = "".join(text for to, text in self.written if to is stream)
        assert not text or text.endswith("\n")
        return text.split("\n")[:-1]


def test_the_scripted_client_has_nothing_that_the_real_one_lacks() -> None:
    for scripted, real in ((ScriptedClient, {*dir(ClientCore), "model"}), (ScriptedModel, dir(Model))):
        ours = {name for name in (*dir(scripted), *scripted.__dataclass_fields__) if not name.startswith("_")}
        assert ours - {"has_quit", "sources", "unanswered", "read"} <= set(real)


# --- Where lines go ----------


def test_plain_data_goes_out_and_remarks_go_to_the_error_stream() -> None:
    session = Session()
    session.happen(*(event for event, *_ in DRAWN))
    for stream in Output:
        expected = [line for _, to, plain, _ in DRAWN if to is stream for line in plain.split("\n")]
        assert session.printed(stream) == expected


def test_json_is_all_on_standard_output_and_a_rejection_is_for_people_too() -> None:
    session = Session(json=True)
    session.happen(*(event for event, *_ in DRAWN))
    assert session.printed(OUT) == [as_json for *_, as_json in DRAWN]
    assert session.printed(ERR) == ["error: held"]


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_that_a_peer_chose_reaches_the_terminal_raw(as_json: bool) -> None:
    hostile = [
        message(NASTY, nick=NASTY, room=NASTY),
        events.MemberJoined(NASTY, NASTY),
        events.MemberLeft(NASTY, NASTY, NASTY),
        events.MemberList(NASTY, (NASTY,)),
        events.RoomList((NASTY,)),
        events.TopicChanged(NASTY, NASTY, NASTY),
        events.HistoryFound((message(NASTY, nick=NASTY, room=NASTY),)),
        events.notice("whois.text", text=NASTY),
        events.Disconnected("lost.reason", {"reason": NASTY}),
        events.Rejected("banned.text", {"text": NASTY}),
    ]
    session = Session(json=as_json)
    session.client.model.sending = [Said("lobby", NASTY, 0, b"")]
    session.lines.on_line(NOW, f"/{NASTY}")
    session.happen(*hostile[:-1])
    session.lines.on_stop(ExitCode.TIMED_OUT, Phrase("stopped.timed_out"))
    other = Session(json=as_json)
    other.happen(hostile[-1])
    lines = [line for used in (session, other) for stream in Output for line in used.printed(stream)]
    assert len(lines) >= len(hostile)
    assert all(line.isprintable() for line in lines)
    if as_json:
        assert json.loads(session.printed(OUT)[1])["text"] == NASTY


def test_a_line_of_the_error_stream_keeps_its_place_among_the_others() -> None:
    session = Session()
    session.happen(message("a"), message("b"), events.notice("x.text", text="n"), message("c"))
    assert session.written == [
        (OUT, "[lobby] <bob> a\n[lobby] <bob> b\n"), (ERR, "-- n\n"), (OUT, "[lobby] <bob> c\n")
    ]  # fmt: skip


def test_a_session_can_echo_what_was_sent() -> None:
    quiet, echoing = Session(), Session(echo=True)
    for session in (quiet, echoing):
        session.happen(sent())
    assert quiet.printed(OUT) == []
    assert echoing.printed(OUT) == ["[lobby] <alice> hi"]


# --- The end of the input ----------


def test_at_the_end_of_input_it_waits_for_confirmation_then_says_goodbye_and_is_done() -> None:
    session = Session()
    session.lines.on_line(NOW, "one\n")
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    assert not session.client.has_quit
    session.confirm()
    assert session.say_goodbye() == 0


def test_an_answer_without_an_event_is_waited_for_too() -> None:
    session = Session()
    session.client.is_idle = False
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    assert not session.client.has_quit
    session.client.is_idle = True
    session.happen()
    assert session.say_goodbye() == 0


def test_an_empty_input_ends_only_once_it_is_connected() -> None:
    session = Session()
    session.lines.on_end_of_input(NOW)
    assert not session.client.has_quit
    session.happen(CONNECTED)
    assert session.say_goodbye() == 0


def test_to_follow_is_to_stay_after_the_end_of_input() -> None:
    session = Session(follow=True)
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    session.happen(message())
    assert not session.client.has_quit
    assert session.printed(OUT) == ["[lobby] <bob> hi"]


def test_a_line_refused_for_good_makes_it_an_error_at_the_end() -> None:
    session = Session()
    session.lines.on_line(NOW, "x")
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    session.confirm(events.error("bad_room.text", text="no such room"))
    assert session.say_goodbye() == 1


@pytest.mark.parametrize("code", ["unwritable", "unwritable_here"])
def test_an_error_after_which_the_line_is_still_sent_is_none_at_the_end(code: str) -> None:
    session = Session()
    session.happen(CONNECTED, events.error(f"{code}.text", text="kept"))
    session.lines.on_end_of_input(NOW)
    assert session.say_goodbye() == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/mgs bob secret", "unknown_command"),
        ("x" * 20_000, "too_long"),
        ("/msg", "usage"),
        ("/msg \x1b[2J hi", "bad_nick"),
        ("/room nowhere", "not_in_room"),
    ],
)
def test_a_line_refused_here_is_an_error_at_the_end_and_the_others_are_sent(line: str, code: str) -> None:
    session = Session(json=True)
    session.happen(CONNECTED)
    for text in ("one", "", line, "two"):
        session.lines.on_line(NOW, text)
    (error,) = [event for event in map(json.loads, session.printed(OUT)) if event["event"] == "error"]
    assert (error["code"], error["line"]) == (code, 3)
    assert [said.text for said in session.client.model.sending] == ["one", "two"]
    session.lines.on_end_of_input(NOW)
    session.confirm()
    assert session.say_goodbye() == 1


def test_in_a_pipe_a_plain_error_names_its_line_and_at_a_terminal_it_does_not() -> None:
    for numbers_lines, prefix in ((True, "error: line 2: unknown"), (False, "error: unknown")):
        session = Session(numbers_lines=numbers_lines)
        for text in ("", "/mgs bob secret"):
            session.lines.on_line(NOW, text)
        assert session.printed(ERR)[-1].startswith(prefix)


def test_each_line_read_has_its_number_and_its_label_blank_or_not() -> None:
    plain, labelled = Session(), Session(label_id="job")
    for session in (plain, labelled):
        for text in ("one", "", "two"):
            session.lines.on_line(NOW, text)
    assert plain.client.sources == [RequestSource(number) for number in (1, 2, 3)]
    assert labelled.client.sources == [RequestSource(number, Label("job", number)) for number in (1, 2, 3)]


# --- Counting ----------


def test_it_ends_after_the_count_of_messages_from_others_exactly() -> None:
    session = Session(count=2)
    session.happen(
        CONNECTED, message("mine from before", nick="ALICE"), events.MemberJoined("lobby", "bob"), message("1")
    )
    assert not session.client.has_quit
    session.happen(message("2"), message("3"))
    session.happen(message("4"))
    assert [line[-1] for line in session.printed(OUT)] == ["e", "y", "1", "2"]
    assert session.say_goodbye() == 0


def test_counting_outlasts_the_end_of_input() -> None:
    session = Session(count=1)
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    assert not session.client.has_quit
    session.happen(message())
    assert session.say_goodbye() == 0


def test_with_the_count_reached_what_was_typed_is_still_confirmed_without_a_hole() -> None:
    session = Session(count=1, json=True)
    session.lines.on_line(NOW, "mine")
    session.happen(CONNECTED, message("a", seq=1), message("b", seq=2))
    assert not session.client.has_quit
    session.client.model.sending.clear()
    session.client.is_idle = True
    session.happen(message("c", seq=3), sent("mine", seq=4))
    assert [json.loads(line).get("seq") for line in session.printed(OUT)] == [None, 1, 2, 3, 4]
    assert session.say_goodbye() == 0


def test_a_confirmation_in_the_batch_of_the_last_message_is_printed() -> None:
    session = Session(count=1, json=True)
    session.lines.on_line(NOW, "mine")
    session.confirm(message("a", seq=1), message("b", seq=2))
    session.happen(message("c", seq=9))
    assert [json.loads(line)["event"] for line in session.printed(OUT)] == ["message", "message", "sent"]
    assert session.say_goodbye() == 0


def test_history_is_printed_and_not_counted() -> None:
    session = Session(count=1)
    session.happen(CONNECTED, message("1", history=True), message("2", history=True))
    assert not session.client.has_quit
    session.happen(message("3"), message("4"))
    assert [line[-1] for line in session.printed(OUT)] == ["1", "2", "3"]
    assert session.say_goodbye() == 0


# --- Other ends ----------


def test_quit_waits_for_confirmation_and_says_so() -> None:
    session = Session()
    session.lines.on_line(NOW, "x")
    session.lines.on_line(NOW, "/quit")
    assert session.printed(ERR) == ["-- waiting until all is confirmed; /quit again leaves at once"]
    assert not session.client.has_quit
    session.confirm()
    assert session.say_goodbye() == 0


def test_a_second_quit_leaves_at_once_and_names_what_is_not_confirmed() -> None:
    session = Session()
    for line in ("x", "/quit", "/quit"):
        session.lines.on_line(NOW, line)
    assert session.printed(ERR)[-1] == "not confirmed: x"
    assert session.say_goodbye() == 1


def test_quit_without_anything_typed_leaves_at_once_though_never_connected() -> None:
    session = Session()
    session.lines.on_line(NOW, "/quit")
    assert session.printed(ERR) == []
    assert session.say_goodbye() == 0


def test_a_line_typed_during_the_goodbye_is_refused_and_told() -> None:
    session = Session()
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    session.lines.on_line(NOW, "late")
    assert session.client.model.sending == []
    assert session.printed(ERR)[-1] == "error: not sent: you are leaving"
    assert session.say_goodbye() == 0


def test_a_rejection_ends_it_at_once() -> None:
    session = Session()
    session.lines.on_line(NOW, "x")
    session.happen(events.Rejected("nick_taken.text", {"text": "the nick alice is held by another key"}))
    assert session.lines.exit_code == 4
    assert session.printed(ERR) == ["error: the nick alice is held by another key", "not confirmed: x"]


@pytest.mark.parametrize("code", [ExitCode.TIMED_OUT, ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.HUNG_UP])
def test_a_stop_names_what_is_not_confirmed_and_says_what_becomes_of_it(code: ExitCode) -> None:
    session = Session(json=True, numbers_lines=True, kept="kept: so")
    session.client.model.sending = [Said("lobby", "of an earlier run", 0, b"")]
    for text in ("one", "/frob", "two"):
        session.lines.on_line(NOW, text)
    del session.written[:]
    session.client.unanswered = [1, 3, 4]
    session.lines.on_stop(code, Phrase("stopped.text", {"text": "stopped"}))
    assert session.lines.exit_code == code
    assert session.printed(ERR) == [
        "error: stopped", "not confirmed: of an earlier run", "not confirmed: line 1: one",
        "not confirmed: line 3: two", "-- kept: so", "not answered: line 4",
    ]  # fmt: skip
    assert session.printed(OUT) == []


def test_a_stop_with_nothing_unconfirmed_is_a_remark_unless_it_is_an_error_itself() -> None:
    session, failed = Session(json=True, kept="kept: so"), Session(json=True)
    session.lines.on_stop(ExitCode.TIMED_OUT, Phrase("stopped.timed_out"))
    assert session.printed(ERR) == ["-- timed out"] and session.printed(OUT) == []
    failed.lines.on_stop(ExitCode.NO_SERVER, Phrase("no_server.text", {"text": "not let in"}), is_error=True)
    assert failed.printed(ERR) == ["error: not let in"]
    assert failed.printed(OUT) == ['{"event": "error", "code": "no_server", "text": "not let in"}']


def test_a_stop_during_the_goodbye_changes_nothing() -> None:
    session = Session()
    session.happen(CONNECTED)
    session.lines.on_end_of_input(NOW)
    session.lines.on_stop(ExitCode.TIMED_OUT, Phrase("stopped.timed_out"))
    session.lines.on_stop(ExitCode.INTERRUPTED, Phrase("stopped.interrupted"))
    assert session.lines.exit_code == 0


def test_the_past_is_not_counted_as_messages_that_came() -> None:
    session = Session(count=1)
    session.happen(CONNECTED, events.HistoryFound((message(),)))
    assert not session.client.has_quit


# --- What calls the person ----------


def calling(*items: Item) -> tuple[Session, list[Alert]]:
    called: list[Alert] = []
    session = Session(draw=plain_lines, call=called.append)
    session.client.model.items += items
    return session, called


def mention(seq: int) -> Item:
    return Item(seq, "0a0b", "bob", "hi alice", "text", 1, False, is_mention=True)


def test_a_mention_calls_the_person_once_a_second_at_most() -> None:
    session, called = calling(mention(7), mention(8))
    session.happen(message("hi alice", seq=7), message("hi alice", seq=8))
    assert called == [Alert("bob in lobby", "hi alice", Event.MENTION, "lobby", "bob")]


def test_what_mentions_nobody_and_what_is_history_calls_nobody() -> None:
    session, called = calling(Item(6, "0a0a", "bob", "hi", "text", 1, False), mention(7))
    session.happen(message("hi", seq=6), message("hi alice", seq=7, history=True), message("not held", seq=5))
    assert called == []


def test_highlight_words_and_levels_decide_what_calls() -> None:
    session, called = calling(Item(6, "0a0a", "bob", "pizza!", "text", 1, False))
    for line in ("/highlight pizza", "/notify none"):
        session.lines.on_line(NOW, line)
    session.happen(message("pizza!", seq=6))
    assert called == []
    session.lines.on_line(NOW, "/notify default")
    session.happen(message("pizza!", seq=6))
    assert called == [Alert("bob in lobby", "pizza!", Event.MENTION, "lobby", "bob")]
