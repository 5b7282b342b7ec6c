from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.client.pair import Wire
from tests.shell.waiting import chatting, run_until, serving, texts, url_of
from tests.storage.entries import ATTIC, LOBBY, batch, said
from tests.storage.memory import MemoryLog
from tests.worded import worded
from udpchat.chat.ids import AUDIT_LOG
from udpchat.chat.phrase import Problem
from udpchat.shell import retention
from udpchat.shell.retention import Pruner, Retention, objection, parse_retention
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreFull
from udpchat.sync.log import Append
from udpchat.ui.phrases import text_of
from udpchat.wire.content import Act, ReadMark
from udpchat.wire.frames import encode
from udpchat.wire.limits import INBOX_ENTRIES_MAX

TALK = "@0123456789abcdef0123"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Retention()),
        ("forever", Retention()),
        ("30d", Retention(kept_s=2_592_000)),
        ("10000", Retention(kept_entries=10_000)),
        ("30d,10000", Retention(2_592_000, 10_000)),
        (" 500 , 12H ", Retention(43_200, 500)),
    ],
)
def test_retention_is_an_age_a_number_or_both(text: str, expected: Retention) -> None:
    assert parse_retention(text) == expected


@pytest.mark.parametrize("text", ["0", "0d", "x", "-1", "30d,30d", "1,2", "1,2,3d", ",", "30 d", "9" * 50])
def test_what_is_no_retention_is_refused(text: str) -> None:
    with worded(Problem, match="30d,10000"):
        parse_retention(text)


class Pruned:
    """A pruner of a log in memory, and what it reported."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        log: MemoryLog,
        kept: Retention,
        *,
        now: float = 0.0,
        rooms: Mapping[str, int] | None = None,
    ) -> None:
        self.told: list[str] = []
        self.writer: ThreadWriter = ThreadWriter(loop, log.append)
        self.pruner = Pruner(
            loop,
            log,
            writer=self.writer,
            retention=kept,
            on_pruned=self.told.append,
            kept_s_of=lambda room: (rooms or {}).get(room, 0),
            wall_clock=lambda: now,
        )

    def close(self) -> None:
        self.pruner.close()
        self.writer.close()


def filled(count: int = 10) -> MemoryLog:
    log = MemoryLog()
    for name in (LOBBY, TALK, "!directory"):
        log.append(batch(name, 1, *(said(str(number), time_ms=number * 1_000) for number in range(1, count + 1))))
    return log


def bases(log: MemoryLog) -> list[int]:
    return [log.extent(name).base for name in (LOBBY, TALK, "!directory")]


@pytest.mark.parametrize(
    ("kept", "base"),
    [(Retention(kept_entries=4), 6), (Retention(kept_s=3), 6), (Retention(3, 100), 6), (Retention(100, 1), 9)],
)
def test_the_older_and_the_surplus_go_from_rooms_and_conversations_and_nowhere_else(
    loop: asyncio.AbstractEventLoop, kept: Retention, base: int
) -> None:
    log = filled()
    pruned = Pruned(loop, log, kept, now=10.0)
    pruned.pruner.start()
    run_until(loop, lambda: set(pruned.told) == {LOBBY, TALK})
    assert bases(log) == [base, base, 0]
    pruned.close()


def test_a_log_that_is_all_too_old_is_empty_and_goes_on(loop: asyncio.AbstractEventLoop) -> None:
    log = filled()
    pruned = Pruned(loop, log, Retention(kept_s=1), now=1_000.0)
    pruned.pruner.start()
    run_until(loop, lambda: bases(log) == [10, 10, 0])
    log.append(batch(LOBBY, 11, said("anew", time_ms=1_000_000)))
    pruned.close()


def test_of_an_inbox_the_latest_entries_are_kept_whatever_the_retention_of_messages(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    for kept in (Retention(), Retention(kept_s=3_600)):
        log = MemoryLog()
        marks = (encode(ReadMark(LOBBY, 1, number)) for number in range(INBOX_ENTRIES_MAX + 7))
        log.append([Append("~inbox", at, mark, None) for at, mark in enumerate(marks, 1)])
        pruned = Pruned(loop, log, kept)
        pruned.pruner.start()
        run_until(loop, lambda log=log: log.extent("~inbox").base == 7)
        pruned.close()
    assert "retention" not in caplog.text


@pytest.mark.parametrize(
    ("kept", "of_lobby", "base"),
    [(Retention(), 3, 6), (Retention(kept_s=2), 5, 7), (Retention(kept_s=5), 2, 7), (Retention(None, 1), 5, 9)],
)
def test_a_room_keeps_its_messages_for_a_shorter_time_than_the_server_but_for_no_longer(
    loop: asyncio.AbstractEventLoop, kept: Retention, of_lobby: int, base: int
) -> None:
    log = filled()
    pruned = Pruned(loop, log, kept, now=10.0, rooms={LOBBY[1:]: of_lobby})
    pruned.pruner.start()
    run_until(loop, lambda: LOBBY in pruned.told and log.extent(LOBBY).base == base)
    if kept == Retention():
        assert pruned.told == [LOBBY] and bases(log) == [base, 0, 0]
    pruned.close()


def test_of_the_audit_the_latest_entries_are_kept(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "AUDIT_ENTRIES_MAX", 4)
    log = MemoryLog()
    act = encode(Act(1, "alice", b"u" * 8, "kick", "den", "bob"))
    log.append([Append(AUDIT_LOG, at, act, None) for at in range(1, 11)])
    pruned = Pruned(loop, log, Retention(kept_s=3_600))
    pruned.pruner.start()
    run_until(loop, lambda: log.extent(AUDIT_LOG).base == 6)
    pruned.close()
    assert "retention" not in caplog.text


def test_without_a_limit_no_message_is_deleted(loop: asyncio.AbstractEventLoop) -> None:
    log = filled()
    pruned = Pruned(loop, log, Retention())
    pruned.pruner.start()
    loop.run_until_complete(pruned.writer.idle())
    assert bases(log) == [0, 0, 0]
    pruned.close()


def test_what_is_said_meanwhile_waits_for_one_stretch_only(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STRETCH_ENTRIES", 2)
    log = filled()
    steps: list[str] = []
    gate = threading.Event()
    prune, append = log.prune, log.append

    def noted_prune(name: str, base: int) -> None:
        assert gate.wait(10)
        steps.append(f"{name[0]}{base}")
        prune(name, base)

    def noted_append(items) -> None:
        steps.append("said")
        append(items)

    log.prune = noted_prune  # type: ignore[method-assign]
    log.append = noted_append  # type: ignore[method-assign]
    pruned = Pruned(loop, log, Retention(kept_entries=5))
    pruned.pruner.start()
    pruned.writer.submit(batch(ATTIC, 1, said("hello")))
    gate.set()
    run_until(loop, lambda: steps[-1:] == ["@5"])
    assert steps == ["#2", "said", "#4", "#5", "@2", "@4", "@5"]
    pruned.close()


def test_a_full_disk_is_tried_again_the_next_time(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "EVERY_S", 0.001)
    log = filled()
    prune = log.prune
    failures = [StoreFull("no room")]

    def failing(name: str, base: int) -> None:
        if failures:
            raise failures.pop()
        prune(name, base)

    log.prune = failing  # type: ignore[method-assign]
    pruned = Pruned(loop, log, Retention(kept_entries=1))
    pruned.pruner.start()
    run_until(loop, lambda: bases(log) == [9, 9, 0])
    assert "no room" in caplog.text
    pruned.close()


def test_a_newcomer_gets_what_is_left_and_those_who_are_here_go_on() -> None:
    wire = Wire()
    alice, bob = wire.person("alice"), wire.person("bob")
    for text in ("one", "two", "three"):
        bob.core.say(wire.now, "lobby", text)
    wire.settle()
    wire.log.prune(LOBBY, 2)
    wire.server.on_pruned(wire.now, LOBBY)
    carol = wire.person("carol")
    wire.leave(carol)
    wire.start(carol, history=9, is_recent=True)
    bob.core.say(wire.now, "lobby", "four")
    wire.settle()
    assert alice.texts() == ["one", "two", "three", "four"]
    assert carol.texts() == ["three", "four"]


def test_a_server_forgets_at_its_start_and_says_how_long_it_keeps(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        with chatting("bob", url_of(server), tmp_path / "bob") as bob:
            bob.type("one", "two", "three")
            bob.end_input()
            assert bob.code() == 0
        server.process.terminate()
        server.code()
    with serving(tmp_path / "server", "--retention", "30d,2", "--yes") as server:
        url = url_of(server)
        with chatting("alice", url, tmp_path / "alice", "--history", "9") as alice:
            alice.end_input()
            assert alice.code() == 0
            lines = alice.rest_of(alice.out)
    assert texts(lines, "message") == ["two", "three"]
    assert [json.loads(line)["seq"] for line in lines if '"message"' in line] == [2, 3]
    (kept,) = [text for text in texts([line for line in lines if '"notice"' in line], "notice") if "is kept" in text]
    assert "for 30 days and up to the last 2 messages" in kept


# --- What the operator is told ----------


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "INFO"]


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        (4, "deleted 12 messages of 2 rooms or conversations for good; the oldest left is of 1970-01-01T00:00:07.000Z"),
        (9, "deleted 2 messages of 2 rooms or conversations for good; the oldest left is of 1970-01-01T00:00:02.000Z"),
    ],
)
def test_each_round_that_deletes_is_one_line_without_texts(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kept: int,
    line: str,
) -> None:  # fmt: skip
    caplog.set_level("INFO", "udpchat.server")
    monkeypatch.setattr(retention, "STRETCH_ENTRIES", 2)
    monkeypatch.setattr(retention, "EVERY_S", 0.001)
    log, rounds = filled(), []
    logs = log.logs
    monkeypatch.setattr(log, "logs", lambda: rounds.append(None) or logs())  # each round asks once
    pruned = Pruned(loop, log, Retention(kept_entries=kept))
    pruned.pruner.start()
    run_until(loop, lambda: len(rounds) > 3)
    pruned.close()
    assert logged(caplog) == [f"retention: {line}"]


def test_a_round_that_leaves_nothing_of_one_message_says_so(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "udpchat.server")
    log = MemoryLog()
    log.append(batch(LOBBY, 1, said("one", time_ms=1)))
    pruned = Pruned(loop, log, Retention(kept_s=1), now=1_000.0)
    pruned.pruner.start()
    run_until(loop, lambda: logged(caplog))
    pruned.close()
    line = "retention: deleted 1 message of 1 room or conversation for good; no message is left there"
    assert logged(caplog) == [line]


def test_what_was_deleted_until_the_end_is_reported_then(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "udpchat.server")
    monkeypatch.setattr(retention, "STRETCH_ENTRIES", 2)
    pruned = Pruned(loop, filled(), Retention(kept_entries=4))
    pruned.pruner.start()
    pruned.pruner.close()
    loop.run_until_complete(pruned.writer.idle())
    pruned.close()
    (line,) = logged(caplog)
    assert line.startswith("retention: deleted 2 messages of 1 room or conversation for good; the oldest left is of ")
    assert line.endswith(" 1970-01-01T00:00:03.000Z")


def test_an_objection_counts_what_would_be_deleted_at_once(tmp_path: Path) -> None:
    path = tmp_path / "server.sqlite"
    with closing(SqliteLog(path)) as log:
        for name in (LOBBY, TALK, "!directory"):
            log.append(batch(name, 1, *(said(str(number), time_ms=number * 1_000) for number in range(1, 11))))

    def of(kept: Retention) -> str:
        phrase = objection(kept, path, wall_clock=lambda: 10.0)
        return text_of(phrase) if phrase else ""

    assert of(Retention(kept_s=2)) == (
        "--retention keeps history for 2 seconds and deletes all else for good, now 14 messages of 2 rooms or "
        "conversations; if you mean it, add --yes"
    )
    assert "now 2 messages of 2 rooms" in of(Retention(kept_entries=9))
    assert of(Retention(kept_entries=30)).endswith("for good; if you mean it, add --yes (for days write 30d)")
    assert of(Retention(kept_s=3_600, kept_entries=1_000)) == of(Retention()) == ""


def test_an_objection_needs_no_log(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    for path in (tmp_path / "missing", tmp_path / "junk"):
        found = objection(Retention(kept_s=1), path)
        assert found is not None and "if you mean it" in text_of(found)
    assert not (tmp_path / "missing").exists()
