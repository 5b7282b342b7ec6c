"""Which server an operator's command talks to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.shell.waiting import serving, url_of
from udpchat.chat.phrase import Problem
from udpchat.client import operator_dialogues
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.data_folder import OPERATOR_KEY, SERVER_KEY, operator_key, server_key
from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.operating import carrying_out, over_socket
from udpchat.shell.operating.address_file import ADDRESS_FILE, read_address, write_address
from udpchat.shell.operating.carrying_out import carry_out, is_running, wait_until_stopped
from udpchat.storage.lock import StoreLock
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.wire import requests

posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGTERM")


def key_of(folder: Path, *, needs_server: bool = False) -> str:
    """Why nothing was carried out."""
    with pytest.raises(Problem) as problem:
        carry_out(folder, operator_dialogues.peers(), needs_server=needs_server)
    return problem.value.phrase.key


def test_a_folder_without_a_server_is_left_as_it_is(tmp_path: Path) -> None:
    assert key_of(tmp_path / "nowhere") == key_of(tmp_path, needs_server=True) == "failed.no_server_here"
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_running_server_is_asked_and_else_its_log(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url = parse_server(url_of(server))
        found = read_address(tmp_path)
        assert found == url and is_running(tmp_path)
        assert carry_out(tmp_path, operator_dialogues.peers(), needs_server=True) == []
        carry_out(tmp_path, operator_dialogues.report(requests.STOP), needs_server=True)
        wait_until_stopped(tmp_path)
        assert server.code() == 0
    assert read_address(tmp_path) is None and not is_running(tmp_path)
    assert carry_out(tmp_path, operator_dialogues.peers()) == []
    assert key_of(tmp_path, needs_server=True) == "failed.not_running"


@posix
def test_an_address_that_a_killed_server_left_misleads_nobody(tmp_path: Path) -> None:
    killed, other = tmp_path / "killed", tmp_path / "other"
    with serving(killed) as server:
        url_of(server)
        server.process.kill()
        server.process.wait()
    assert (killed / ADDRESS_FILE).exists()
    assert key_of(killed, needs_server=True) == "failed.not_running"
    with serving(other) as second, serving(killed) as again:
        address = parse_server(url_of(second))
        url_of(again)
        write_address(killed, address)
        assert key_of(killed, needs_server=True) == "failed.other_server"


def test_a_command_waits_until_another_has_done_with_the_log_also_where_a_server_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prepare in (server_key, operator_key):
        prepare(tmp_path)
    other = SqliteLog(tmp_path / LOG_FILE)
    monkeypatch.setattr(time, "sleep", lambda seconds: other.close())
    assert carry_out(tmp_path, operator_dialogues.peers()) == []
    write_address(tmp_path, ServerAddress("127.0.0.1", 9, "a" * 32))
    assert carry_out(tmp_path, operator_dialogues.peers()) == [] and read_address(tmp_path) is None


def test_a_log_is_in_use_also_while_its_holder_has_not_said_who_it_is(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / LOG_FILE)
    (tmp_path / f"{LOG_FILE}.lock").write_text("")
    assert is_running(tmp_path)
    lock.release()
    assert not is_running(tmp_path)


def test_what_another_takes_just_before_is_waited_for_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for prepare in (server_key, operator_key):
        prepare(tmp_path)
    other = SqliteLog(tmp_path / LOG_FILE)
    monkeypatch.setattr(carrying_out, "is_running", lambda data: False)
    monkeypatch.setattr(time, "sleep", lambda seconds: other.close())
    assert carry_out(tmp_path, operator_dialogues.peers()) == []


@posix
def test_two_servers_are_told_apart(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as one, serving(tmp_path / "two") as two:
        for server, folder in ((one, "one"), (two, "two")):
            url_of(server)
            found = carry_out(tmp_path / folder, operator_dialogues.report(requests.STATUS), needs_server=True)
            assert found["process"] == server.process.pid


@posix
def test_a_server_that_is_just_starting_is_waited_for_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying_out, "FREE_S_MAX", 0.1)
    with serving(tmp_path) as server:
        url_of(server)
        (tmp_path / ADDRESS_FILE).unlink()
        assert key_of(tmp_path) == "failed.no_address"
        write_address(tmp_path, ServerAddress("127.0.0.1", 9, "a" * 32))
        monkeypatch.setattr(over_socket, "ENTERED_S_MAX", 0.1)
        assert key_of(tmp_path) == "failed.no_answer"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything, and so may Windows here")
@pytest.mark.parametrize("name", [OPERATOR_KEY, SERVER_KEY])
def test_who_may_not_read_the_key_is_told_so(tmp_path: Path, name: str) -> None:
    with serving(tmp_path) as server:
        url_of(server)
        (tmp_path / name).chmod(0)
        assert key_of(tmp_path) == "data_unusable.read"


@pytest.mark.parametrize("name", [OPERATOR_KEY, SERVER_KEY])
def test_a_key_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    with serving(tmp_path) as server:
        url_of(server)
        (tmp_path / name).write_text("no key", encoding="utf-8")
        assert key_of(tmp_path) == "data_unusable.no_key"
