"""What a person can read again, with real processes: on entry, with /history and /search, after being away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import Program, chatting, serving, texts, url_of


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "server") as server:
        yield url_of(server)


def say(url: str, data: Path, nick: str, *lines: str) -> None:
    """Say these, confirmed, and go."""
    with chatting(nick, url, data / nick) as person:
        person.type(*lines)
        person.end_input()
        assert person.code() == 0


def run(url: str, data: Path, nick: str, *options: str, lines: tuple[str, ...] = ()) -> list[dict]:
    """All events of a run that ends with its input."""
    with chatting(nick, url, data / nick, *options) as person:
        person.type(*lines)
        person.end_input()
        assert person.code() == 0
        return [json.loads(line) for line in person.rest_of(person.out)]


def past_of(events: list[dict]) -> list[list[str]]:
    return [[message["text"] for message in event["messages"]] for event in events if event["event"] == "past"]


def test_who_comes_back_sees_what_was_there_then_what_is_new(url: str, tmp_path: Path) -> None:
    say(url, tmp_path, "bob", "one", "two", "three")
    run(url, tmp_path, "alice", "--history", "50")
    say(url, tmp_path, "bob", "four")
    for new in (["new"], []):
        shown = run(url, tmp_path, "alice", "--history", "2")
        messages = [event for event in shown if event["event"] == "message"]
        assert [(message["seq"], message["text"]) for message in messages] == [(3, "three"), (4, "four")]
        assert all(message["history"] for message in messages)
        assert [event["code"] for event in shown if event["event"] == "notice" and event["code"] != "kept"] == new


def test_who_missed_much_sees_no_more_than_was_asked_for_and_is_told_how_many_more_there_are(
    url: str, tmp_path: Path
) -> None:
    run(url, tmp_path, "alice")
    say(url, tmp_path, "bob", *(f"line {number}" for number in range(1, 301)))
    shown = run(url, tmp_path, "alice", "--history", "5")
    assert [event["text"] for event in shown if event["event"] == "message"] == [f"line {n}" for n in range(296, 301)]
    (notice,) = [event for event in shown if event["event"] == "notice" and event["code"] == "history"]
    assert notice["text"] == "295 earlier messages in lobby are not shown: /history"


def test_a_logger_without_history_that_returns_counts_and_prints_what_is_live_only(url: str, tmp_path: Path) -> None:
    run(url, tmp_path, "alice")
    say(url, tmp_path, "bob", *(f"missed {number}" for number in range(300)))
    with chatting("alice", url, tmp_path / "alice", "--history", "0", "--count", "2") as alice:
        alice.line(where='"connected"')
        say(url, tmp_path, "bob", "live", "and live")
        assert alice.code() == 0
        messages = [event for event in map(json.loads, alice.rest_of(alice.out)) if event["event"] == "message"]
    assert [(m["seq"], m["text"], m["history"]) for m in messages] == [(301, "live", False), (302, "and live", False)]
    assert past_of(run(url, tmp_path, "alice", lines=("/history 3",))) == [["missed 299", "live", "and live"]]


def test_a_store_that_holds_little_does_not_hide_what_the_server_has(url: str, tmp_path: Path) -> None:
    say(url, tmp_path, "bob", "one", "two")
    assert texts([json.dumps(event) for event in run(url, tmp_path, "alice")], "message") == []
    for _ in range(2):
        shown = run(url, tmp_path, "alice", "--history", "50")
        assert [event["text"] for event in shown if event["event"] == "message"] == ["one", "two"]


def test_history_and_search_are_answered_in_one_event_each(url: str, tmp_path: Path) -> None:
    say(url, tmp_path, "bob", "a red fox", "a hound", "a grey fox")
    lines = ("/history 2", "/search FOX from:bob in:lobby since:2h", "/search wolf", "/history before 1h")
    events = run(url, tmp_path, "alice", lines=lines)
    assert past_of(events) == [["a hound", "a grey fox"], ["a red fox", "a grey fox"], [], []]
    assert set(next(event for event in events if event["event"] == "past")["messages"][0]) == {
        "room", "seq", "nick", "text", "kind", "time", "id",
    }  # fmt: skip


def test_plain_lines_of_the_past_have_their_date(url: str, tmp_path: Path) -> None:
    say(url, tmp_path, "bob", "hello")
    arguments = ("client", "--nick", "alice", "--server", url, "--data", tmp_path / "alice", "--plain")
    with Program(*arguments) as alice:
        alice.type("/history")
        alice.end_input()
        assert alice.code() == 0
        (line,) = alice.rest_of(alice.out)
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} \[lobby\] <bob> hello", line)


def test_what_was_told_to_somebody_away_is_there_when_they_return(url: str, tmp_path: Path) -> None:
    run(url, tmp_path, "alice")
    say(url, tmp_path, "bob", "/msg alice call me")
    (message,) = [event for event in run(url, tmp_path, "alice") if event["event"] == "message"]
    assert (message["room"], message["text"], message["history"]) == ("@bob", "call me", True)
    events = run(url, tmp_path, "alice", lines=("/query bob", "/history"))
    assert past_of(events) == [["call me"]]
