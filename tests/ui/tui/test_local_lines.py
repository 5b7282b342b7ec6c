"""What this client says in a conversation: where it stands, what is folded, and how much is kept."""

from __future__ import annotations

from udpchat.chat import events
from udpchat.ui.tui.local_lines import (
    CHARACTERS_MAX,
    CONVERSATIONS_MAX,
    FOLDED_MAX,
    LINES_MAX,
    LineKind,
    LocalLines,
)


def joined(*nicks: str) -> list[events.MemberJoined | events.MemberLeft]:
    return [events.MemberJoined("lobby", nick) for nick in nicks]


def left(*nicks: str) -> list[events.MemberJoined | events.MemberLeft]:
    return [events.MemberLeft("lobby", nick, "quit") for nick in nicks]


def said(*happened: events.ClientEvent, after: int = 7) -> list[tuple[str, ...]]:
    """The lines of a conversation in which this happened."""
    lines = LocalLines()
    for event in happened:
        lines.add("lobby", event, after=after, time_ms=1)
    return [line.lines for line in lines.of("lobby")]


def test_events_are_said_in_the_sentences_of_line_mode() -> None:
    assert said(events.notice("away.back"), events.error("no_such_nick.text", text="nobody")) == [
        ("-- you are back",),
        ("error: nobody",),
    ]
    assert said(events.TopicChanged("lobby", "tea", "bob")) == [("-- topic of lobby: tea (by bob)",)]


def test_messages_and_changes_of_the_model_say_nothing() -> None:
    message = events.MessageReceived("lobby", 7, "bob", "hi", "text", 1, "0a", False)
    assert said(message, events.MemberTyping("lobby", "bob", True)) == []


def test_a_line_keeps_its_place_and_whether_it_is_an_error() -> None:
    lines = LocalLines()
    lines.add("lobby", events.error("quit.text", text="x"), after=3, time_ms=9)
    lines.add("dev", events.notice("away.back"), after=4, time_ms=10)
    (error,), (notice,) = lines.of("lobby"), lines.of("dev")
    assert (error.after, error.time_ms, error.kind, notice.kind) == (3, 9, LineKind.ERROR, LineKind.REMARK)
    assert error.number < notice.number
    lines.forget("dev")
    assert not lines.of("dev")


def test_who_comes_and_goes_is_folded_into_one_line_that_grows() -> None:
    lines = LocalLines()
    numbers = set()
    for event in [*joined("bob", "carol"), *left("dave")]:
        lines.add("lobby", event, after=7, time_ms=1)
        (line,) = lines.of("lobby")
        numbers.add(line.number)
    assert line.lines == ("-- bob, carol joined; dave left",) and len(numbers) == 1


def test_one_who_comes_alone_is_said_in_full() -> None:
    assert said(*left("bob")) == [("-- bob left lobby (quit)",)]


def test_a_message_or_another_line_ends_the_fold() -> None:
    lines = LocalLines()
    for after, event in (
        (7, joined("bob")[0]),
        (8, joined("carol")[0]),
        (8, events.notice("away.back")),
        (8, left("bob")[0]),
    ):
        lines.add("lobby", event, after=after, time_ms=1)
    assert len(lines.of("lobby")) == 4


def test_a_run_that_changes_nothing_leaves_no_line() -> None:
    there, back = events.MemberRenamed("bob", "rob"), events.MemberRenamed("rob", "bob")
    assert said(there, back) == []
    assert said(there, back, *joined("carol")) == [("-- carol joined lobby",)]


def test_who_comes_and_goes_is_said_as_the_user_wants_it() -> None:
    lines = LocalLines(joins="all")
    for event in joined("bob", "carol"):
        lines.add("lobby", event, after=7, time_ms=1)
    lines.joins = "none"
    lines.add("lobby", joined("dave")[0], after=7, time_ms=1)
    assert [line.lines for line in lines.of("lobby")] == [("-- bob joined lobby",), ("-- carol joined lobby",)]


def test_what_is_kept_is_bounded() -> None:
    assert len(said(*[events.notice("away.back")] * (LINES_MAX + 5))) == LINES_MAX
    lines = LocalLines()
    for event in joined(*map(str, range(2 * FOLDED_MAX))):
        lines.add("lobby", event, after=7, time_ms=1)
    assert len(lines.of("lobby")[0].run) == FOLDED_MAX
    for number in range(CONVERSATIONS_MAX):
        lines.add(f"room{number}", events.notice("away.back"), after=7, time_ms=1)
    assert not lines.of("lobby") and lines.of("room0")


def test_a_long_answer_is_cut() -> None:
    messages = tuple(events.MessageReceived("lobby", n, "bob", "x" * 9_000, "text", 1, "", True) for n in range(9))
    (texts,) = said(events.HistoryFound(messages))
    assert sum(map(len, texts)) == CHARACTERS_MAX
