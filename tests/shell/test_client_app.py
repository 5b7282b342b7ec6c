"""Clients as processes, over real sockets: the ways in which a session begins and ends, and what stays on the disk."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.waiting import LIMIT_S, ROOT, Program, chatting, free_port, serving, texts, url_of
from udpchat.shell.addresses import parse_server

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    with serving(tmp_path / "server") as running:
        yield running


@pytest.fixture
def url(server: Program) -> str:
    return url_of(server)


def test_a_pipe_is_sent_confirmed_and_ends_with_0(url: str, tmp_path: Path) -> None:
    with chatting("bob", url, tmp_path / "bob", "--count", "3") as bob:
        bob.line(where='"connected"')
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.type("one", "//two", "/me three")
            alice.end_input()
            assert alice.code() == 0
            assert texts(alice.rest_of(alice.out), "sent") == ["one", "/two", "three"]
        assert bob.code() == 0
        assert texts(bob.rest_of(bob.out), "message") == ["one", "/two", "three"]


def test_a_pipe_much_longer_than_what_is_read_ahead_arrives_whole(url: str, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(1_000)]
    with chatting("alice", url, tmp_path / "alice") as alice:
        alice.type(*lines)
        alice.end_input()
        assert alice.code() == 0
        assert texts(alice.rest_of(alice.out), "sent") == lines


def test_first_contact_is_said_and_pinned_and_a_changed_key_is_refused(url: str, tmp_path: Path) -> None:
    shown = parse_server(url).fingerprint
    address = parse_server(url).name
    for expected in (1, 0):  # only the first of these is first contact
        with chatting("alice", address, tmp_path / "alice") as alice:
            alice.end_input()
            assert alice.code() == 0
            assert sum(shown in line for line in alice.rest_of(alice.err)) == expected
    known = tmp_path / "alice" / "known_servers"
    known.write_text(known.read_text().replace(shown, "a" * 32))
    with chatting("alice", address, tmp_path / "alice") as alice:
        assert alice.code() == 4
        said = "\n".join(alice.rest_of(alice.err))
        assert shown in said and "a" * 32 in said and "known_servers" in said


def test_a_wanted_fingerprint_must_match_at_first_contact(url: str, tmp_path: Path) -> None:
    wanted = f"{parse_server(url).url}#{'b' * 32}"
    with chatting("alice", wanted, tmp_path / "alice") as alice:
        assert alice.code() == 4
        assert "b" * 32 in "\n".join(alice.rest_of(alice.err))
    assert not (tmp_path / "alice" / "known_servers").exists()


def test_a_nick_of_another_key_is_refused_with_4(url: str, tmp_path: Path) -> None:
    with chatting("alice", url, tmp_path / "one") as first:
        first.end_input()
        assert first.code() == 0
    with chatting("Alice", url, tmp_path / "two") as second:
        assert second.code() == 4
        assert "alice" in "\n".join(second.rest_of(second.err)).lower()


def test_a_server_that_is_not_there_is_said_with_3(tmp_path: Path) -> None:
    name = f"127.0.0.1:{free_port()}"
    with chatting("alice", name, tmp_path / "alice") as alice:
        assert alice.code() == 3
        looking, line = alice.rest_of(alice.err)
        assert looking == f"-- looking for udpchat://{name}, for up to 10 s ..."
        assert f"nobody listens at {name}" in line
        (event,) = map(json.loads, alice.rest_of(alice.out))
        assert (event["event"], event["code"]) == ("error", "no_server") and name in event["text"]


def test_a_host_that_is_not_there_is_said_with_3(tmp_path: Path) -> None:
    with chatting("alice", "no.such.host.invalid", tmp_path / "alice") as alice:
        assert alice.code() == 3
        assert "cannot find the host no.such.host.invalid" in alice.rest_of(alice.err)[-1]


def test_without_a_server_the_one_used_last_is_joined(url: str, tmp_path: Path) -> None:
    with chatting("alice", url, tmp_path / "alice") as alice:
        alice.end_input()
        assert alice.code() == 0
    with Program("client", "--nick", "alice", "--data", tmp_path / "alice") as again:
        again.end_input()
        assert again.code() == 0
        assert "used last" in "\n".join(again.rest_of(again.err))


def test_the_time_allowed_ends_it_with_5_and_says_what_is_unconfirmed(
    server: Program, url: str, tmp_path: Path
) -> None:
    with chatting("alice", url, tmp_path / "alice", "--follow", "--timeout", "3") as alice:
        alice.line(where='"connected"')
        server.process.kill()
        server.process.wait()
        alice.type("into the void")
        assert alice.code() == 5
        assert any("into the void" in line for line in alice.rest_of(alice.err))


def test_the_time_allowed_counts_before_a_server_answers_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{silent.getsockname()[1]}"
        with chatting("alice", name, tmp_path / "alice", "--timeout", "0.2") as alice:
            assert alice.code() == 5
            assert len(alice.rest_of(alice.err)) == 1


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_a_goodbye_and_the_code_that_shells_give_it(
    server: Program, url: str, tmp_path: Path, number: int, code: int
) -> None:
    with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
        alice.line(where='"connected"')
        alice.process.send_signal(number)
        assert alice.code() == code
    server.line(of=server.err, where="alice left (quit)")


@posix
def test_what_was_typed_and_not_confirmed_is_sent_by_the_next_run(server: Program, url: str, tmp_path: Path) -> None:
    port = str(parse_server(url).port)
    with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
        alice.line(where='"connected"')
        server.process.kill()
        server.process.wait()
        alice.type("kept")
        stored = tmp_path / "alice" / "clients"
        deadline = time.monotonic() + 10
        while not any(b"kept" in path.read_bytes() for path in stored.rglob("*.sqlite-wal")):
            assert time.monotonic() < deadline, "it was never written down"
        alice.process.kill()
        alice.process.wait()
    again = Program("server", "--bind", "127.0.0.1", "--port", port, "--data", tmp_path / "server")
    with again, chatting("alice", url, tmp_path / "alice") as alice:
        url_of(again)
        assert json.loads(alice.line(where='"sent"'))["text"] == "kept"


def test_two_clients_of_one_nick_and_folder_both_work(url: str, tmp_path: Path) -> None:
    with chatting("alice", url, tmp_path / "alice", "--follow") as first:
        first.line(where='"connected"')
        with chatting("alice", url, tmp_path / "alice") as second:
            second.type("from the second")
            second.end_input()
            assert second.code() == 0
            assert texts(second.rest_of(second.out), "sent") == ["from the second"]
            assert any("already" in line for line in second.rest_of(second.err))
        first.type("from the first")
        assert json.loads(first.line(where='"sent"'))["text"] == "from the first"


def test_who_was_renamed_has_the_key_of_the_new_nick_too(url: str, tmp_path: Path) -> None:
    with chatting("alice", url, tmp_path / "alice") as alice:
        alice.type("/nick queen", "hello")
        alice.end_input()
        assert alice.code() == 0
    keys = tmp_path / "alice" / "keys"
    assert (keys / "nick-queen.key").read_text() == (keys / "nick-alice.key").read_text()
    with chatting("queen", url, tmp_path / "alice") as queen:
        queen.end_input()
        assert queen.code() == 0


@posix
def test_a_reader_that_had_enough_ends_it_quietly(url: str, tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "alice")]
    alice = subprocess.Popen(
        [sys.executable, "-m", "udpchat", "client", "--nick", "alice", "--server", url, "--json", "--follow", *data],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with alice:
        assert alice.stdout is not None
        while b'"connected"' not in alice.stdout.readline():
            pass
        alice.stdout.close()
        with chatting("bob", url, tmp_path / "bob") as bob:
            bob.end_input()
            assert bob.code() == 0
        _, said = alice.communicate(timeout=LIMIT_S)
    assert alice.returncode == 1
    assert b"Traceback" not in said and b"Broken" not in said


def test_with_receipts_a_program_is_told_how_many_have_what_it_said(url: str, tmp_path: Path) -> None:
    with chatting("bob", url, tmp_path / "bob", "--follow") as bob:
        bob.line(where='"connected"')
        with chatting("alice", url, tmp_path / "alice", "--follow", "--receipts") as alice:
            alice.type("hello")
            line = alice.line(where='"have": 1')
            (sent,) = alice.events("sent")
    expected = {"event": "delivered", "room": "lobby", "seq": sent["seq"], "id": sent["id"], "have": 1, "of": 1}
    assert json.loads(line) == expected
