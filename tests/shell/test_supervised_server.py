"""Servers as processes, as those see them who look after them: pages over HTTP, notices to systemd, log files."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.shell.test_http_pages import get
from tests.shell.test_systemd import manager_at, told
from tests.shell.waiting import LIMIT_S, Program, chatting, free_port, serving, url_of, wait_for

LINES = 30
SLOWER_S_MAX = 0.25  # at the median, by clients of the pages that do what they can
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def metrics_port_of(server: Program) -> int:
    """Where it answers over HTTP."""
    line = server.line(of=server.err, where="answering at http://127.0.0.1:")
    return int(line.partition("http://127.0.0.1:")[2].partition("/")[0])


def metrics_at(port: int) -> dict[str, float]:
    """The values without labels."""
    status, _, body = get(port, "/metrics")
    assert status == 200
    families = text_string_to_metric_families(body.decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_a_server_shows_its_numbers_and_that_it_is_well(tmp_path: Path) -> None:
    with serving(tmp_path / "server", "--metrics", "0") as server:
        url, port = url_of(server), metrics_port_of(server)
        with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
            alice.type("hello", "again")
            for _ in range(2):
                alice.line(where='"sent"')
            found = wait_for(lambda: (now := metrics_at(port))["udpchat_peers"] and now, LIMIT_S, "alice is counted")
            assert (found["udpchat_peers"], found["udpchat_rooms"], found["udpchat_writable"]) == (1, 1, 1)
            assert found["udpchat_messages_total"] == 2
            assert found["udpchat_write_duration_seconds_count"] >= 1
            assert 10e6 < found["udpchat_resident_memory_bytes"] < 1e9
            status, _, body = get(port, "/healthz")
            assert status == 200 and json.loads(body)["ok"] is True


def test_without_the_option_nothing_listens(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        url_of(server)
        server.process.terminate()
        assert not [line for line in server.rest_of(server.err) if "http" in line]


def test_a_port_of_metrics_in_use_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        with serving(tmp_path / "server", "--metrics", place) as server:
            assert server.code() == 1
            lines = server.rest_of(server.err)
    assert lines == [f"udpchat server: TCP {place} is in use: choose another port with --metrics"]
    with serving(tmp_path / "server") as again:  # the folder was let go
        url_of(again)


@contextmanager
def hammering(port: int) -> Iterator[list[int]]:
    """Clients of the pages that hold connections, send slowly, and ask as fast as they get answers; counts these."""
    ended, answered = Event(), [0]

    def ask() -> None:
        while not ended.is_set():
            with suppress(OSError, http.client.HTTPException):  # made way for another
                answered[0] += get(port, "/metrics")[0] == 200

    def hold() -> None:
        while not ended.is_set():
            with ExitStack() as held:
                for _ in range(50):
                    try:
                        made = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.2))
                        made.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
                    except OSError:
                        break

    threads = [Thread(target=work, daemon=True) for work in (ask, ask, hold, hold)]
    for thread in threads:
        thread.start()
    yield answered
    ended.set()
    for thread in threads:
        thread.join(LIMIT_S)


def confirmed_after_s(alice: Program) -> list[float]:
    """How long it took until each of LINES was confirmed, in order of length."""
    found = []
    for number in range(LINES):
        began = time.monotonic()
        alice.type(f"line {number}")
        alice.line(where='"sent"')
        found.append(time.monotonic() - began)
    return sorted(found)


@pytest.mark.timeout(180)
def test_clients_of_the_pages_who_do_their_worst_slow_nobody_in_the_chat(tmp_path: Path) -> None:
    with serving(tmp_path / "server", "--metrics", "0") as server:
        url, port = url_of(server), metrics_port_of(server)
        with chatting("alice", url, tmp_path / "alice", "--follow") as alice:
            alice.line(where='"connected"')
            quiet = confirmed_after_s(alice)
            with hammering(port) as answered:
                wait_for(lambda: answered[0], LIMIT_S, "an answer")
                loud = confirmed_after_s(alice)
            assert loud[LINES // 2] < quiet[LINES // 2] + SLOWER_S_MAX, (quiet, loud)
            assert not alice.events("disconnected")
        assert get(port, "/healthz")[0] == 200


@posix
def test_a_manager_of_services_hears_ready_reloading_and_stopping_in_order(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with manager_at(name) as listening, ExitStack() as running:
        environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000"}
        words = ["server", "--bind", "127.0.0.1", "--port", "0", "--data", tmp_path / "server"]
        server = running.enter_context(Program(*words, environment=environment))
        url_of(server)
        heard: list[str] = []

        def so_far() -> list[str]:
            heard.extend(line for text in told(listening) for line in text.split("\n"))
            return heard

        wait_for(lambda: "WATCHDOG=1" in so_far(), LIMIT_S, "a sign of life")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: so_far().count("READY=1") == 2, LIMIT_S, "ready again")
        server.process.terminate()
        assert server.code() == 0
        so_far()
    steps = [line for line in heard if line.startswith(("READY", "RELOADING", "STOPPING"))]
    assert steps == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert "STATUS=0 devices connected, 0 rooms open" in heard


@posix
def test_it_is_ready_only_once_it_serves(tmp_path: Path) -> None:
    """Who starts a client when the manager says so finds the server."""
    name, port = str(tmp_path / "notify"), str(free_port())
    with manager_at(name) as listening:
        listening.settimeout(LIMIT_S)
        words = ["server", "--bind", "127.0.0.1", "--port", port, "--data", tmp_path / "server"]
        with Program(*words, environment={"NOTIFY_SOCKET": name}):
            assert listening.recv(4_096).startswith(b"READY=1\n")
            with chatting("alice", f"127.0.0.1:{port}", tmp_path / "alice") as alice:
                alice.end_input()
                assert alice.code() == 0


@posix
def test_the_log_file_has_what_stderr_has_is_reopened_and_keeps_out_addresses(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    given = ("--log-file", str(file), "--log-format", "json", "--log-addresses", "no")
    with serving(tmp_path / "server", *given) as server:
        url = url_of(server)
        for nick in ("alice", "bob"):
            with chatting(nick, url, tmp_path / nick) as client:
                client.end_input()
                assert client.code() == 0
            server.line(of=server.err, where=f"{nick} left")
            file.rename(tmp_path / f"{nick}.log")
            server.process.send_signal(signal.SIGHUP)
            server.line(of=server.err, where="log files reopened")
        server.process.terminate()
        assert server.code() == 0
    found = [json.loads(line) for name in ("alice", "bob", "server") for line in lines_of(tmp_path / f"{name}.log")]
    happened = [(one["event"], one["nick"]) for one in found if "event" in one]
    assert happened == [("entered", "alice"), ("left", "alice"), ("entered", "bob"), ("left", "bob")]
    assert "stopped after" in found[-1]["message"]
    for path in (*tmp_path.glob("*.log"), tmp_path / "server" / "activity.log"):
        assert "127.0.0.1" not in path.read_text(encoding="utf-8"), path


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_log_file_that_cannot_be_used_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with serving(tmp_path / "server", "--log-file", str(tmp_path / "nowhere" / "server.log")) as server:
        assert server.code() == 1
        (line,) = server.rest_of(server.err)
    assert line.startswith("udpchat server: cannot log to ") and line.endswith("choose another file with --log-file")
