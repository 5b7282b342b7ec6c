"""Servers as processes, over real sockets: start, service, stop, and every way in which they cannot start."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from tests.shell.waiting import Program, chatting, serving, texts, url_of
from udpchat import __version__
from udpchat.shell.addresses import parse_server
from udpchat.shell.interfaces import hosts_to_name
from udpchat.shell.options import server_options
from udpchat.shell.server_app import Service
from udpchat.storage.server_sqlite import SqliteLog

STOPS_WITHIN_S = 2.0
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def stop(server: Program, number: int = signal.SIGTERM) -> float:
    """How long it takes to end with 0."""
    began = time.monotonic()
    server.process.send_signal(number)
    assert server.code() == 0
    return time.monotonic() - began


def test_it_says_where_it_serves_and_keeps_its_key(tmp_path: Path) -> None:
    urls = []
    for _ in range(2):
        with serving(tmp_path) as server:
            urls.append(parse_server(url_of(server)))
            if os.name != "nt":
                stop(server)
    assert urls[0].host == "127.0.0.1" and urls[0].port > 0
    assert urls[0].fingerprint == urls[1].fingerprint != ""


def test_a_server_for_everyone_names_an_address_that_others_can_use(tmp_path: Path) -> None:
    with Program("server", "--port", "0", "--data", tmp_path) as server:
        assert parse_server(url_of(server)).host == hosts_to_name(["::"])[0]


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_tells_its_peers_and_is_gone_in_time(tmp_path: Path, number: int) -> None:
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
            alice.line(where='"connected"')
            assert stop(server, number) < STOPS_WITHIN_S
            assert "stopping" in alice.line(where='"disconnected"')


@posix
def test_start_and_stop_are_logged_with_what_an_operator_wants_to_know(tmp_path: Path) -> None:
    with serving(tmp_path / "server", "--durability", "os", "--retention", "1d") as server:
        url = url_of(server)
        with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
            alice.line(where='"connected"')
            stop(server)
            lines = [line.partition(" ")[2] for line in server.rest_of(server.err)]
    expected = [
        rf"info server: starting udpchat {__version__}, process {server.process.pid}, durability os, history kept "
        "for 1 day",
        r"info server: serving on 127\.0\.0\.1:\d+, data in .*",
        r"info server: stopping because of SIGTERM; 1 client is told",
        r"info server: stopped after serving for \d seconds?; all that was accepted is stored",
    ]
    found = [line for line in lines if line.startswith("info server: ")]
    assert len(found) == 4 and all(re.fullmatch(*pair) for pair in zip(expected, found, strict=True)), found


@posix
def test_what_was_confirmed_is_there_after_kill_9(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        port = str(parse_server(url).port)
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.type("remember this")
            alice.line(where='"sent"')
            server.process.kill()
            server.process.wait()
            alice.type("and this")
            again = Program("server", "--bind", "127.0.0.1", "--port", port, "--data", tmp_path / "server")
            with again, chatting("bob", url, tmp_path / "bob", "--history", "10", "--follow") as bob:
                shown = [bob.line(where='"message"') for _ in range(2)]
                assert texts(shown, "message") == ["remember this", "and this"]


@posix
def test_a_hangup_reopens_the_files_of_the_log_and_stops_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        server.process.send_signal(signal.SIGHUP)
        server.line(of=server.err, where="reopened")
        server.line(of=server.err, where="peers 0 of 20000")
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.end_input()
            assert alice.code() == 0
        stop(server)
    activity = (tmp_path / "server" / "activity.log").read_text(encoding="utf-8")
    assert "alice entered from 127.0.0.1" in activity and "alice left (quit)" in activity


def test_texts_are_not_logged(tmp_path: Path) -> None:
    with serving(tmp_path / "server", "--log-level", "debug", "--log-format", "json") as server:
        with chatting("alice", url_of(server), tmp_path / "alice") as alice:
            alice.type("a secret between friends")
            alice.end_input()
            assert alice.code() == 0
        server.line(of=server.err, where="alice left")
        server.process.terminate()
        assert not [line for line in server.rest_of(server.err) if "secret" in line]
    assert "secret" not in (tmp_path / "server" / "activity.log").read_text(encoding="utf-8")


@posix
def test_what_was_dropped_is_summed_up_in_one_line(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        address = parse_server(url_of(server))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(500):
                stranger.sendto(b"\xffjunk", (address.host, address.port))
        with chatting("alice", address.url, tmp_path / "alice") as alice:
            alice.end_input()
            assert alice.code() == 0  # and so all that came before was read
        stop(server)
        lines = [line for line in server.rest_of(server.err) if "dropped: " in line]
    assert len(lines) == 1 and sum(map(int, re.findall(r"(\d+) (?:unknown kind|over share)", lines[0]))) == 500



def test_a_bug_ends_the_server_with_1_and_one_line(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(loop, server_options({"bind": "127.0.0.1", "port": "0", "data": str(tmp_path)}, {}))
    loop.call_later(0.01, lambda: 1 // 0)
    assert loop.run_until_complete(service.run()) == 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "internal error, stopping: ZeroDivisionError: integer division or modulo by zero"
    ]
    SqliteLog(tmp_path / "server.sqlite").close()  # the log was closed, and can be opened again


def failing(*options: str | Path) -> tuple[int, list[str]]:
    with Program("server", "--bind", "127.0.0.1", *options) as server:
        return server.code(), server.rest_of(server.err)


def test_a_port_in_use_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as server:
        port = str(parse_server(url_of(server)).port)
        code, lines = failing("--port", port, "--data", tmp_path / "two")
    assert code == 1
    assert len(lines) == 1 and f"port {port} is in use" in lines[0] and lines[0].startswith("udpchat server: ")


def test_a_data_folder_that_cannot_be_used_is_one_line_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, lines = failing("--port", "0", "--data", tmp_path / "file")
    assert code == 1
    assert len(lines) == 1 and "data folder" in lines[0] and "--data" in lines[0]


def test_a_data_folder_of_another_server_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url_of(server)
        code, lines = failing("--port", "0", "--data", tmp_path)
    assert code == 1
    assert len(lines) == 1 and str(server.process.pid) in lines[0]


def test_a_log_that_is_none_is_one_line_exit_1_and_untouched(tmp_path: Path) -> None:
    foreign = tmp_path / "server.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = foreign.read_bytes()
    code, lines = failing("--port", "0", "--data", tmp_path)
    assert (code, len(lines)) == (1, 1)
    assert foreign.read_bytes() == before


def test_a_wrong_config_is_one_line_and_exit_2(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("port = 'x'\n")
    code, lines = failing("--config", config, "--data", tmp_path)
    assert code == 2
    assert len(lines) == 1 and "line 1: port cannot be" in lines[0] and "--help" in lines[0]
