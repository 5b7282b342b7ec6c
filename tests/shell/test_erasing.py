"""Removing what a person said, and what tells where they were."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.shell.waiting import LIMIT_S, run_until
from udpchat.session.noise import user_id
from udpchat.shell.data_folder import ERASED_FILE
from udpchat.shell.erasing import STRETCH_ENTRIES, Eraser, erase_at_once, forget_activity
from udpchat.shell.logging_setup import ACTIVITY_FILE
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.writer import ThreadWriter
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import StoreFailed
from udpchat.sync.log import Append, SearchQuery
from udpchat.wire.content import EDIT, REACTION, TEXT, Extra, Message, Tombstone
from udpchat.wire.frames import encode, encode_message, parse_entry_untrusted

ALICE, BOB = b"a" * 32, b"b" * 32
NICKS = {ALICE: "alice", BOB: "bob"}
TALK = "@" + "0" * 20


def said(account: bytes, text: str, sequence: int, *, kind: int = TEXT, about: int = 0) -> bytes:
    extra = Extra(about.to_bytes(8, "big"), b"", about) if about else None
    return encode_message(
        Message(sequence, user_id(account), NICKS[account], sequence.to_bytes(8, "big"), kind, text, None, extra)
    )


def fill(log: SqliteLog, name: str, *entries: bytes) -> None:
    head = log.extent(name).head
    log.append([Append(name, head + at, entry, None) for at, entry in enumerate(entries, 1)])


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    """A room and a conversation in which both have said something."""
    made = SqliteLog(tmp_path / LOG_FILE)
    fill(made, "#den", said(ALICE, "one", 1), said(BOB, "two", 2), said(BOB, "\u2764\ufe0f", 3, kind=REACTION, about=1))
    fill(made, "#den", said(BOB, "three", 4, kind=EDIT, about=2), said(BOB, "late", 5))
    fill(made, TALK, said(BOB, "psst", 1), said(ALICE, "what", 2))
    return made


def left(log: SqliteLog, name: str) -> list[str]:
    """The texts of a log; empty where one was removed."""
    entries = map(parse_entry_untrusted, log.read(name, 1, 99))
    return [entry.text if isinstance(entry, Message) else "" for entry in entries]


def test_only_what_that_person_said_up_to_then_goes(log: SqliteLog, tmp_path: Path) -> None:
    counts = erase_at_once(tmp_path, log, {BOB: 4}, ["bob"])
    assert counts == {"messages": 4, "logs": 2, "lines": 0}
    assert left(log, "#den") == ["one", "", "", "", "late"] and left(log, TALK) == ["", "what"]
    assert log.read("#den", 2, 1) == [encode(Tombstone(2))]
    assert log.reactions("#den", 1, 1) == []
    found = [hit.sequence for hit in log.search(SearchQuery("two three late psst", None))]
    assert found == [] and [hit.sequence for hit in log.search(SearchQuery("late"))] == [5]
    log.close()


def test_nothing_of_it_is_left_in_the_file(log: SqliteLog, tmp_path: Path) -> None:
    words = ["zyxwvut", "quokka", "wombat"]
    for number in range(30):
        fill(log, "#den", *[said(ALICE, f"hello {number} {at}", 1) for at in range(20)])
        fill(log, "#den", said(BOB, f"{words[0]}{number} {words[1]}{number}", 2))
        fill(log, TALK, said(BOB, f"{words[2]}{number}", 2))
    erase_at_once(tmp_path, log, {BOB: 2}, [])
    assert len(log.search(SearchQuery("hello 7"))) == 20 + 29
    log.close()
    stored = (tmp_path / LOG_FILE).read_bytes()
    assert [word for word in words if word[1:].encode() in stored] == []


def test_what_is_done_is_not_done_again_but_anew_for_a_restored_folder(log: SqliteLog, tmp_path: Path) -> None:
    erase_at_once(tmp_path, log, {BOB: 4}, [])
    assert erase_at_once(tmp_path, log, {BOB: 4}, []) == {"messages": 0, "logs": 0, "lines": 0}
    assert erase_at_once(tmp_path, log, {BOB: 5}, [])["messages"] == 1
    (tmp_path / ERASED_FILE).write_text("no such line\n\xff", encoding="latin-1")
    fill(log, "#den", said(BOB, "restored", 5))
    assert erase_at_once(tmp_path, log, {BOB: 5}, [])["messages"] == 1
    log.close()


def test_lines_about_a_person_go_and_no_others(tmp_path: Path) -> None:
    lines = [
        "T info activity: bob entered from 10.0.0.5\n",
        "T info activity: bobby entered from 10.0.0.6\n",
        'T {"subsystem": "activity", "message": "bob left (quit)"}\n',
        "T info activity: refused from 10.0.0.5: nick_taken\n",
        "T info server: serving bob all day\n",
    ]
    log = tmp_path / "elsewhere.log"
    for path in (tmp_path / ACTIVITY_FILE, log):
        path.write_text("".join(lines), encoding="utf-8")
    (tmp_path / f"{ACTIVITY_FILE}.1").write_text(lines[0], encoding="utf-8")
    for nicks in ([], ["b.b"], ["info"], ["activity"], ["server"], ["10.0.0.5"]):
        assert forget_activity(tmp_path, nicks, log) == 0
    assert forget_activity(tmp_path, ["bob", "eve"]) == 3 and forget_activity(tmp_path, ["bob"], log) == 2
    for path in (tmp_path / ACTIVITY_FILE, log):
        assert path.read_text(encoding="utf-8") == lines[1] + lines[3] + lines[4]
    assert (tmp_path / f"{ACTIVITY_FILE}.1").read_text(encoding="utf-8") == ""


def test_a_server_that_stops_leaves_the_rest_to_the_next_start(
    loop: asyncio.AbstractEventLoop, log: SqliteLog, tmp_path: Path
) -> None:
    fill(log, "#hall", *[said(BOB, "text", 1) for _ in range(3 * STRETCH_ENTRIES)])
    writer = ThreadWriter[Append](loop, log.append)
    eraser, removed = eraser_of(loop, tmp_path, log, {BOB: 4}, writer)
    eraser.start()
    eraser.close()
    loop.run_until_complete(asyncio.wait_for(writer.idle(), LIMIT_S))  # the stretch that was begun is done
    assert len(removed) < 3 * STRETCH_ENTRIES and not (tmp_path / ERASED_FILE).exists()
    again, rest = eraser_of(loop, tmp_path, log, {BOB: 4})
    found: list[Mapping[str, int | str]] = []
    again.start(found.append)
    run_until(loop, lambda: found)
    assert len(removed) + len(rest) == 3 * STRETCH_ENTRIES + 4


def eraser_of(
    loop: asyncio.AbstractEventLoop,
    folder: Path,
    log: SqliteLog,
    accounts: Mapping[bytes, int],
    writer: ThreadWriter[Append] | None = None,
) -> tuple[Eraser, list[tuple[str, int]]]:
    removed: list[tuple[str, int]] = []
    made = Eraser(
        folder,
        log,
        writer=writer or ThreadWriter[Append](loop, log.append),
        accounts=lambda: accounts,
        on_removed=lambda name, sequence: removed.append((name, sequence)),
        on_forgotten=lambda: None,
    )
    return made, removed


def test_beside_a_server_it_goes_on_a_stretch_at_a_time(
    loop: asyncio.AbstractEventLoop, log: SqliteLog, tmp_path: Path
) -> None:
    for first in range(1, 3 * STRETCH_ENTRIES, 500):
        fill(
            log, "#hall", *[said(BOB if at % 100 == 0 else ALICE, f"text {at}", 1) for at in range(first, first + 500)]
        )
    accounts = {BOB: 4}
    eraser, removed = eraser_of(loop, tmp_path, log, accounts)
    found: list[Mapping[str, int | str]] = []
    eraser.start()
    eraser.start(found.append)
    assert found == []
    run_until(loop, lambda: found)
    assert found[0]["messages"] == len(removed) == 4 + 35 and ("#den", 2) in removed
    eraser.start(found.append)
    assert found[1:] == [{"messages": 0, "logs": 0, "lines": 0}], "there is nothing left to do"


def test_a_disk_that_fails_leaves_it_to_the_next_start(
    loop: asyncio.AbstractEventLoop, log: SqliteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[object]:
        raise StoreFailed("the disk is gone")

    eraser, removed = eraser_of(loop, tmp_path, log, {BOB: 4})
    found: list[Mapping[str, int | str]] = []
    with monkeypatch.context() as patched:
        patched.setattr(log, "erase", fail)
        eraser.start(found.append)
        run_until(loop, lambda: found)
    assert removed == [] and "problem" in found[0] and not (tmp_path / ERASED_FILE).exists()
    eraser.start(found.append)
    run_until(loop, lambda: len(found) == 2)
    assert len(removed) == 4
