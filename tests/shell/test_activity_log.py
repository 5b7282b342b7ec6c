from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import chatting, serving, url_of
from udpchat.chat import events
from udpchat.shell.activity_log import ActivityLog


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[ActivityLog]:
    made = ActivityLog(tmp_path)
    yield made
    made.close()


def test_who_came_and_went_is_noted_and_what_was_said_is_not(
    diary: ActivityLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for event in (
        events.Connected("udpchat://h:1", "f", "alice", ("lobby", "dev")),
        events.MemberJoined("lobby", "bob\x1b[2J"),
        events.MessageReceived("lobby", 1, "bob", "a secret", "text", 0, "0a", False),
        events.MessageSent("lobby", 2, "0b", "a secret", "text", 0),
        events.HistoryFound((events.MessageReceived("lobby", 1, "bob", "a secret", "text", 0, "0a", False),)),
        events.TopicChanged("lobby", "a secret", "bob"),
        events.MemberRenamed("bob", "robert"),
        events.MemberLeft("lobby", "robert", "timed out"),
        events.Disconnected("lost.reason", {"reason": "silence"}),
        events.Reconnected("found"),
        events.Rejected("banned.text", {"text": "a secret"}),
    ):
        diary.note([event])
    lines = (tmp_path / "activity.log").read_text(encoding="utf-8").splitlines()
    assert [line.split(" activity: ")[1] for line in lines] == [
        "connected to udpchat://h:1 as alice, in lobby dev",
        "bob\N{REPLACEMENT CHARACTER}[2J joined lobby",
        "bob is now robert",
        "robert left lobby (timed out)",
        "disconnected: silence",
        "reconnected",
        "refused: banned",
    ]
    assert capsys.readouterr() == ("", "")


def test_a_client_keeps_its_diary_in_its_folder(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server, chatting("alice", url_of(server), tmp_path / "alice") as alice:
        alice.type("a secret")
        alice.end_input()
        assert alice.code() == 0
    (path,) = (tmp_path / "alice").rglob("activity.log")
    written = path.read_text(encoding="utf-8")
    assert "connected to udpchat://127.0.0.1" in written and "as alice, in lobby" in written
    assert written.rstrip().endswith("ended") and "secret" not in written
