"""What was not confirmed: kept, named, listed, dropped; and lines with an id, which are one message over all runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.shell.waiting import ROOT, Program, chatting, free_port, texts
from tests.storage.memory import MemoryClientStore
from udpchat.chat.phrase import Phrase
from udpchat.client.stored import RequestAdded
from udpchat.shell import outbox
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.client_state import store_path
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.store_interfaces import StoreUnusable
from udpchat.ui.phrases import text_of
from udpchat.wire.content import EDIT, Extra
from udpchat.wire.frames import encode
from udpchat.wire.requests import ListMembers, Say, Tell

posix = pytest.mark.skipif(os.name == "nt", reason="killing a process that holds its store was not tried on Windows")
WAITING = [
    RequestAdded(3, encode(Say("lobby", 0, "one\x1b[2J"))), RequestAdded(4, encode(ListMembers("lobby", ""))),
    RequestAdded(7, encode(Tell("bob", 1, "waves"))),
]  # fmt: skip


# --- Listed and dropped ----------


def listed(data: Path, *, drops: bool = False, as_json: bool = False) -> tuple[list[str], str]:
    """(lines, remark) of what `outbox` shows of alice's."""
    written: list[str] = []
    said: list[str] = []
    outbox.show(
        data,
        "alice",
        None,
        as_json=as_json,
        drops=drops,
        write_out=written.append,
        say=lambda phrase: said.append(text_of(phrase)),
    )
    return "".join(written).splitlines(), "\n".join(said)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder in which alice has said two things that are not confirmed."""
    with closing(SqliteClientStore(store_path(tmp_path, "alice", ServerAddress("host", 1)))) as store:
        store.write(WAITING)
    return tmp_path


def test_what_was_said_is_listed_and_questions_are_not(data: Path) -> None:
    lines, remark = listed(data)
    assert lines[1] == "7 [@bob] * waves" and lines[0].startswith("3 [lobby] one") and "\x1b" not in lines[0]
    assert "2 lines not confirmed" in remark and len(lines) == 2
    assert json.loads(listed(data, as_json=True)[0][1]) == {
        "counter": 7, "room": "@bob", "text": "waves", "kind": "action"
    }  # fmt: skip


def test_what_is_about_another_message_is_listed_with_what_it_is() -> None:
    edit = Say("lobby", EDIT, "won", Extra(bytes(8), b"", 5))
    assert outbox.line_of(8, encode(edit)) == "8 [lobby] (edit) won"
    assert json.loads(outbox.json_of(8, encode(edit)))["kind"] == "edit"


def test_what_is_dropped_is_gone_and_may_have_arrived(data: Path) -> None:
    lines, remark = listed(data, drops=True)
    assert len(lines) == 2 and "2 lines of an earlier run dropped" in remark and "is not known here" in remark
    assert listed(data) == ([], "all that was said is confirmed")
    assert listed(data, drops=True) == ([], "nothing was there to drop")


def test_nothing_is_listed_beside_a_client_that_is_sending_it(data: Path) -> None:
    with closing(SqliteClientStore(store_path(data, "alice", ServerAddress("host", 1)))), pytest.raises(StoreUnusable):
        listed(data)


def test_to_discard_is_to_forget_questions_too() -> None:
    store = MemoryClientStore()
    assert outbox.discard(store) is None
    store.write(WAITING[:2])
    assert outbox.discard(store) == Phrase("dropped", {"count": 1}) and store.unanswered() == []


# --- As processes ----------


class Place:
    """A server on a fixed port that can be killed and started again, and a folder for clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"udpchat://127.0.0.1:{self.port}"
        self.server = self.start()

    def start(self) -> Program:
        """The server, once it serves."""
        options = ("--bind", "127.0.0.1", "--port", str(self.port), "--data", self.folder / "server")
        self.server = Program("server", *options)
        self.server.line(where="ready ")
        return self.server

    def stop(self) -> None:
        """As a power cut does."""
        self.server.process.kill()
        self.server.__exit__()

    def client(self, *options: str) -> Program:
        """Alice's."""
        return chatting("alice", self.url, self.folder / "alice", *options)

    def run(self, *options: str, lines: tuple[str, ...] = ()) -> tuple[int, list[dict], list[str]]:
        """(exit code, events, lines of the error stream) of a run whose input is these lines."""
        with self.client(*options) as alice:
            alice.type(*lines)
            alice.end_input()
            code = alice.code()
            return code, [json.loads(line) for line in alice.rest_of(alice.out)], alice.rest_of(alice.err)

    def leave_waiting(self, *lines: str, before: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> None:
        """A client that asked these, after those `before`, without an answer, and was killed once they were written
        down. No server runs then.
        """
        with self.client("--follow", *options) as alice:
            alice.line(where='"connected"')
            self.stop()
            alice.type(*before, *lines)
            wals = list((self.folder / "alice" / "clients").rglob("*.sqlite-wal"))
            deadline = time.monotonic() + 20
            while not all(any(line.encode() in path.read_bytes() for path in wals) for line in lines):
                assert time.monotonic() < deadline, "it was never written down"
                time.sleep(0.01)
            alice.process.kill()
            alice.process.wait()

    def logged(self) -> list[str]:
        """The texts of the room's log."""
        command = [sys.executable, "-m", "udpchat", "server", "export", "--json", "--data", self.folder / "server"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line)["text"] for line in done.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.stop()


def sent(events: list[dict]) -> list[tuple[str, str, int]]:
    return [(event["text"], event["id"], event["seq"]) for event in events if event["event"] == "sent"]


@posix
def test_after_a_time_out_the_lines_are_named_kept_sent_at_the_next_start_and_this_is_said(place: Place) -> None:
    with place.client("--timeout", "4") as alice:
        alice.line(where='"connected"')
        place.stop()
        alice.type("one", "", "/names", "two")
        assert alice.code() == 5
        said = alice.rest_of(alice.err)
    assert [line for line in said if line.startswith("not ")] == [
        "not confirmed: line 1: one", "not confirmed: line 4: two", "not answered: line 3"
    ]  # fmt: skip
    (kept,) = [line for line in said if line.startswith("-- kept")]
    assert all(word in kept for word in ("next start", "--discard", f"outbox --nick alice --server {place.url}"))
    place.start()
    code, events, _ = place.run()
    assert code == 0 and [text for text, *_ in sent(events)] == ["one", "two"] == place.logged()
    (notice,) = [event["text"] for event in events if event.get("code") == "outbox"]
    assert notice == "2 lines of an earlier run were not confirmed; now sent again (--discard drops them)"


@posix
def test_what_is_discarded_at_the_start_is_not_sent(place: Place) -> None:
    place.leave_waiting("never mind")
    place.start()
    code, events, said = place.run("--discard", lines=("something else",))
    assert code == 0 and place.logged() == ["something else"]
    assert any(line.startswith("1 line of an earlier run dropped") for line in said)
    assert [event for event in events if event.get("code") == "outbox"] == []


@posix
def test_the_outbox_is_listed_and_dropped_from_a_shell(place: Place) -> None:
    place.leave_waiting("never mind")
    common = ("client", "outbox", "--nick", "alice", "--data", place.folder / "alice")
    with Program(*common, "--json") as listing:
        (line,) = listing.rest_of(listing.out)
        assert listing.code() == 0 and json.loads(line)["text"] == "never mind"
    with Program(*common, "drop") as dropping:
        assert dropping.code() == 0 and "1 line" in dropping.rest_of(dropping.err)[0]
    place.start()
    assert place.run()[0] == 0 and place.logged() == []


# --- Lines with an id ----------

LINES = ("hello", "", "/me waves", "/msg alice psst", "/topic tea", "//slash")
SENT = ["hello", "waves", "psst", "/slash"]


def test_the_same_lines_under_the_same_id_are_the_same_messages(place: Place) -> None:
    first, *others = [place.run("--id", "job", lines=LINES) for _ in range(3)]
    assert [code for code, *_ in (first, *others)] == [0, 0, 0]
    assert [text for text, *_ in sent(first[1])] == SENT
    for _, events, _ in others:
        assert sorted(sent(events)) == sorted(sent(first[1]))
        assert all(event["again"] for event in events if event["event"] == "sent")
    assert sorted(place.logged()) == sorted(SENT)
    code, events, _ = place.run("--id", "job", lines=(*LINES, "and more"))
    assert code == 0 and sorted(place.logged()) == sorted([*SENT, "and more"])
    assert [event["text"] for event in events if event["event"] == "sent" and "again" not in event] == ["and more"]
    assert place.run("--id", "other", lines=("hello",))[0] == 0 and place.logged().count("hello") == 2


@posix
def test_a_retry_after_both_sides_were_killed_is_not_a_copy(place: Place) -> None:
    assert place.run("--id", "job", lines=LINES[:1])[0] == 0
    place.leave_waiting("two", "three", before=LINES[:1], options=("--id", "job"))
    place.start()
    for _ in range(2):
        code, events, _ = place.run("--id", "job", lines=("hello", "two", "three", "four"))
        assert code == 0 and [text for text, *_ in sent(events)] == ["hello", "two", "three", "four"]
        place.stop()
        place.start()
    assert place.logged() == ["hello", "two", "three", "four"]


@posix
def test_a_client_killed_at_any_moment_and_retried_says_each_line_once_and_in_order(place: Place) -> None:
    lines = tuple(f"line {number}" for number in range(300))
    for confirmed in (0, 1, 7, 40, 150):
        with place.client("--id", "job") as alice:
            alice.type(*lines)
            for _ in range(confirmed):
                alice.line(where='"sent"')
            alice.process.kill()
    code, events, said = place.run("--id", "job", lines=lines)
    assert code == 0, (said, [event for event in events if event["event"] not in ("sent", "message")])
    assert sorted(text for text, *_ in sent(events)) == sorted(lines)
    assert place.logged() == list(lines)


def test_another_text_under_a_known_id_is_an_error_and_never_a_message(place: Place) -> None:
    assert place.run("--id", "job", lines=("one", "two"))[0] == 0
    code, events, _ = place.run("--id", "job", lines=("one", "other", "three"))
    (error,) = [event for event in events if event["event"] == "error"]
    assert (code, error["code"], error["line"]) == (1, "id_reused", 2)
    assert place.logged() == ["one", "two", "three"]
    code, events, _ = place.run("--id", "job", "--room", "den", lines=("one",))
    assert code == 1 and texts([json.dumps(event) for event in events], "sent") == []


def test_a_line_that_was_refused_is_refused_again_under_its_id(place: Place) -> None:
    for _ in range(2):
        code, events, _ = place.run("--id", "job", lines=("one", "/msg nobody hi", "/oops"))
        errors = [(event["code"], event["line"]) for event in events if event["event"] == "error"]
        assert code == 1 and sorted(errors) == [("no_such_nick", 2), ("unknown_command", 3)]
    assert place.logged() == ["one"]


@posix
def test_a_line_that_was_dropped_is_not_sent_again_under_its_id(place: Place) -> None:
    place.leave_waiting("never mind", options=("--id", "job"))
    place.start()
    code, events, _ = place.run("--id", "job", "--discard", lines=("never mind", "next"))
    assert code == 1 and [event["code"] for event in events if event["event"] == "error"] == ["discarded"]
    assert place.logged() == ["next"]


def test_an_id_needs_the_store_and_without_it_nothing_is_sent(place: Place) -> None:
    with place.client("--follow") as first:
        first.line(where='"connected"')
        code, events, said = place.run("--id", "job", lines=("one",))
    assert code == 1 and [(event["event"], event["code"]) for event in events] == [("error", "data_unusable")]
    assert "nothing was sent" in said[-1] and place.logged() == []
