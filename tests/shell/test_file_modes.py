"""Files that others can reach are reported, with the command that mends it; by server and client when they start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.shell.waiting import chatting, serving, url_of
from udpchat.shell.data_folder import key_of_nick, open_folder, operator_key, server_key
from udpchat.shell.file_modes import exposed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


@pytest.mark.parametrize(
    ("mode", "what"),
    [(0o644, "read"), (0o640, "read"), (0o666, "read and change"), (0o622, "change"), (0o601, "enter")],
)
def test_a_file_that_others_may_use_is_reported_with_what_to_type(tmp_path: Path, mode: int, what: str) -> None:
    path = tmp_path / "a key"
    path.touch()
    path.chmod(mode)
    (line,) = exposed(path)
    assert line.startswith(f"other users of this machine may {what} {path} (mode {mode:o})")
    assert line.endswith(f": chmod 600 '{path}'")


def test_a_folder_that_others_may_use_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (line,) = exposed(tmp_path)
    assert f"chmod 700 {tmp_path}" in line


def test_what_is_private_or_not_there_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "sealed").touch(mode=0o400)
    tmp_path.chmod(0o700)
    assert exposed(tmp_path, tmp_path / "key", tmp_path / "sealed", tmp_path / "missing") == []


def test_server_and_client_warn_of_a_key_that_others_can_read_and_go_on(tmp_path: Path) -> None:
    server_key(open_folder(tmp_path / "server"))
    key_of_nick(open_folder(tmp_path / "alice"), "alice")
    keys = [tmp_path / "server" / "server.key", tmp_path / "alice" / "keys" / "nick-alice.key"]
    for path in keys:
        path.chmod(0o644)
    operator_key(tmp_path / "server")
    (tmp_path / "server" / "operator.key").chmod(0o640)
    with serving(tmp_path / "server") as server:
        url = url_of(server)
        assert f"chmod 600 {keys[0]}" in server.line(of=server.err, where=" warning server: ")
        assert f"chmod 600 {tmp_path / 'server' / 'operator.key'}" in server.line(
            of=server.err, where=" warning server: "
        )
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.end_input()
            assert alice.code() == 0
            lines = [line for line in alice.rest_of(alice.err) if "chmod" in line]
    assert len(lines) == 1 and lines[0].startswith("warning: ") and f"chmod 600 {keys[1]}" in lines[0]


def test_who_has_it_all_for_himself_is_not_warned(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server, chatting("alice", url_of(server), tmp_path / "alice") as alice:
        alice.end_input()
        assert alice.code() == 0
        assert "chmod" not in "".join(alice.rest_of(alice.err))
        server.process.terminate()
        assert "chmod" not in "".join(server.rest_of(server.err))
