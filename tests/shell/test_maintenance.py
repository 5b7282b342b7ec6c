"""Backup, restore, check and export, as operators and people call them; and what is never overwritten."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.shell.waiting import ROOT, Program, chatting, serving, texts, url_of
from tests.storage.entries import ATTIC, LOBBY, batch, said, tombstone
from udpchat import cli
from udpchat.client.stored import EntriesStored, ReplicaReset
from udpchat.session.noise import fingerprint
from udpchat.shell import maintenance
from udpchat.shell.addresses import ServerAddress, parse_server
from udpchat.shell.client_state import store_path
from udpchat.shell.data_folder import operator_key, remember_server, server_key
from udpchat.storage.client_sqlite import SqliteClientStore
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.wire.content import REACTION, Extra, Message
from udpchat.wire.frames import encode, encode_message

Capture = pytest.CaptureFixture[str]
TALK = "@0123456789abcdef0123"


def whispered(text: str) -> bytes:
    return encode(Message(5_000, b"12345678", "alice", b"87654321", 1, text, "bob"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a server in which something was said."""
    folder = tmp_path / "data"
    with closing(SqliteLog(folder / maintenance.LOG_FILE)) as log:
        log.append(batch(LOBBY, 1, said("one\x1b[2J", time_ms=10), said("two", time_ms=2_000), tombstone(3_000)))
        log.append(batch(ATTIC, 1, said("up here", nick="bob", time_ms=4_000)))
        log.append(batch(TALK, 1, whispered("psst")))
    return folder


def run(capsys: Capture, *arguments: str | Path, program: str = "server") -> tuple[int, list[str], list[str]]:
    """Exit code, and the lines on standard output and the error stream."""
    code = (cli.server if program == "server" else cli.client)([str(argument) for argument in arguments])
    said_ = capsys.readouterr()
    return code, said_.out.splitlines(), said_.err.splitlines()


def refusal(capsys: Capture, *arguments: str | Path, program: str = "server") -> str:
    """The one line that says why it was not done."""
    code, out, err = run(capsys, *arguments, program=program)
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("udpchat-")
    return err[0]


# --- Export ----------


def test_an_export_has_one_line_a_message_safe_to_print(data: Path, capsys: Capture) -> None:
    assert run(capsys, "export", "--data", data) == (0, [
        "1970-01-01T00:00:04.000Z [attic] <bob> up here",
        "1970-01-01T00:00:00.010Z [lobby] <alice> one\N{REPLACEMENT CHARACTER}[2J",
        "1970-01-01T00:00:02.000Z [lobby] <alice> two",
        "1970-01-01T00:00:03.000Z [lobby] -- removed",
        "1970-01-01T00:00:05.000Z [@bob] * alice psst",
    ], [])  # fmt: skip
    assert run(capsys, "export", "--data", data, "--room", "lobby", "--since", "1970-01-01T00:00:03Z", "--text")[1] == [
        "1970-01-01T00:00:03.000Z [lobby] -- removed"
    ]


def test_an_export_as_json_is_without_loss(data: Path, capsys: Capture) -> None:
    _, lines, _ = run(capsys, "export", "--data", data, "--json")
    found = [json.loads(line) for line in lines]
    assert found[1] == {
        "room": "lobby", "seq": 1, "nick": "alice", "text": "one\x1b[2J", "kind": "text",
        "time": "1970-01-01T00:00:00.010Z", "log": "#lobby",
    }  # fmt: skip
    assert (found[3]["kind"], found[4]["room"], found[4]["log"]) == ("removed", "@bob", TALK)


def test_an_export_as_json_has_the_reactions_where_there_are_any(data: Path, capsys: Capture) -> None:
    with closing(SqliteLog(data / maintenance.LOG_FILE)) as log:
        said_ = Message(9, b"bob-----", "bob", b"later---", REACTION, "\U0001f389", None, Extra(b"87654321", b"", 2))
        log.append(batch(LOBBY, 4, encode_message(said_)))
    lines = run(capsys, "export", "--data", data, "--room", "lobby", "--json")[1]
    found = [json.loads(line).get("reactions") for line in lines]
    assert found == [None, [{"emoji": "\U0001f389", "nicks": ["bob"]}], None]


def test_an_export_to_a_file_overwrites_only_if_told(data: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "out.txt"
    assert run(capsys, "export", "--data", data, file) == (0, [], [])
    first = file.read_text(encoding="utf-8")
    assert first.count("\n") == 5
    assert "there already" in refusal(capsys, "export", "--data", data, "--room", "attic", file)
    assert file.read_text(encoding="utf-8") == first
    assert run(capsys, "export", "--data", data, "--room", "attic", "--force", file)[0] == 0
    assert file.read_text(encoding="utf-8").count("\n") == 1
    assert "is the log itself" in refusal(capsys, "export", "--data", data, "--force", data / maintenance.LOG_FILE)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["data", "out.txt"]


@pytest.mark.parametrize("option", [[], ["--force"]])
def test_a_full_disk_leaves_no_half_file_and_what_was_there(
    data: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    def fail(source: Path, destination: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(maintenance, "move", fail)
    file = tmp_path / "out.txt"
    if option:
        file.write_text("mine")
    assert "No space left" in refusal(capsys, "export", "--data", data, *option, file)
    assert [found.read_text() for found in tmp_path.iterdir() if found.is_file()] == (["mine"] if option else [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_standard_output_on_a_full_disk_is_one_line_and_exit_1(data: Path) -> None:
    command = [sys.executable, "-m", "udpchat", "server", "export", "--data", str(data)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_a_room_that_does_not_exist_is_an_error_that_names_those_that_do(
    data: Path, tmp_path: Path, capsys: Capture
) -> None:
    line = refusal(capsys, "export", "--data", data, "--room", "void", tmp_path / "out.txt")
    assert line.endswith(": nothing is stored of a room void; there are: attic, lobby")
    assert not (tmp_path / "out.txt").exists()
    assert "room loby; did you mean lobby? There are: attic, lobby" in refusal(
        capsys, "export", "--data", data, "--room", "loby"
    )


def test_of_many_rooms_only_some_are_named(tmp_path: Path, capsys: Capture) -> None:
    assert maintenance.ROOMS_NAMED_MAX == 20
    for count, end in ((0, "there is no room at all"), (20, "room19"), (21, "room19 and 1 more"), (25, "and 5 more")):
        folder = tmp_path / str(count)
        with closing(SqliteLog(folder / maintenance.LOG_FILE)) as log:
            for number in range(count):
                log.append(batch(f"#room{number:02}", 1, said("x")))
        assert refusal(capsys, "export", "--data", folder, "--room", "void").endswith(end)


def test_a_room_of_which_all_was_deleted_is_an_empty_export(data: Path, capsys: Capture) -> None:
    with closing(SqliteLog(data / maintenance.LOG_FILE)) as log:
        log.prune(ATTIC, 1)
    assert run(capsys, "export", "--data", data, "--room", "attic") == (0, [], [])


@pytest.mark.parametrize("operation", ["export", "check", "backup"])
def test_where_there_is_no_log_it_says_so(tmp_path: Path, capsys: Capture, operation: str) -> None:
    file = [tmp_path / "file"] if operation == "backup" else []
    assert maintenance.LOG_FILE in refusal(capsys, operation, "--data", tmp_path / "nowhere", *file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["export", "--since", "noon"], ["export", "--json", "--text"], ["backup"], ["export", "--room", "a/b"]]
)
def test_a_wrong_option_is_one_line_and_exit_2(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.server(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- Backup, restore, check ----------


def test_a_backup_is_restored_while_the_log_before_is_kept(data: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "chat.backup"
    assert run(capsys, "backup", "--data", data, file)[0] == 0
    with closing(SqliteLog(data / maintenance.LOG_FILE)) as log:
        generation = log.extent(LOBBY).generation
        log.append(batch(LOBBY, 4, said("later")))
    code, _, (line,) = run(capsys, "restore", "--data", data, file)
    assert code == 0 and "before-restore" in line
    with closing(SqliteLog(data / maintenance.LOG_FILE)) as log:
        assert log.extent(LOBBY).head == 3
        assert log.extent(LOBBY).generation != generation


def key_of(data: Path) -> str:
    return (data / "server.key").read_text()


def test_a_backup_brings_the_key_of_the_server_to_another_folder(data: Path, tmp_path: Path, capsys: Capture) -> None:
    shown = fingerprint(server_key(data).public)
    operator = operator_key(data).public
    file, other = tmp_path / "chat.backup", tmp_path / "other"
    code, _, (line,) = run(capsys, "backup", "--data", data, file)
    assert code == 0 and shown in line and "pretend to be this server" in line
    if os.name != "nt":
        assert file.stat().st_mode & 0o777 == 0o600
    assert (data / "operator.key").read_bytes().strip() not in file.read_bytes() and operator not in file.read_bytes()
    code, _, (line,) = run(capsys, "restore", "--data", other, file)
    assert code == 0 and f"the server's key {shown} is restored too" in line
    assert key_of(other) == key_of(data)
    assert not (other / "operator.key").exists(), "who can use another folder is its operator, under a key of its own"
    if os.name != "nt":
        assert (other / "server.key").stat().st_mode & 0o777 == 0o600
    assert "the server's key is the same" in run(capsys, "restore", "--data", other, file)[2][0]


def test_a_folder_with_another_key_is_restored_only_if_told_which_key_to_use(
    data: Path, tmp_path: Path, capsys: Capture
) -> None:
    file, other = tmp_path / "chat.backup", tmp_path / "other"
    theirs, mine = fingerprint(server_key(data).public), fingerprint(server_key(other).public)
    before = key_of(other)
    assert run(capsys, "backup", "--data", data, file)[0] == 0
    line = refusal(capsys, "restore", "--data", other, file)
    assert theirs in line and mine in line and "--key replace" in line and "--key keep" in line
    assert [found.name for found in other.iterdir()] == ["server.key"] and key_of(other) == before
    code, _, (line,) = run(capsys, "restore", "--data", other, "--key", "keep", file)
    assert code == 0 and f"keeps its key {mine}" in line and key_of(other) == before
    code, _, (line,) = run(capsys, "restore", "--data", other, "--key", "replace", file)
    assert code == 0 and theirs in line and "server.key.before-restore" in line
    assert key_of(other) == key_of(data)
    assert (other / "server.key.before-restore").read_text() == before


def test_a_backup_without_a_key_changes_none_and_says_so(data: Path, tmp_path: Path, capsys: Capture) -> None:
    file, other = tmp_path / "chat.backup", tmp_path / "other"
    code, _, (line,) = run(capsys, "backup", "--data", data, file)
    assert code == 0 and "there is no server.key" in line
    assert "makes a new key" in run(capsys, "restore", "--data", other, file)[2][0]
    assert not (other / "server.key").exists()
    server_key(other)
    before = key_of(other)
    assert "no server key" in run(capsys, "restore", "--data", other, file)[2][0]
    assert key_of(other) == before


def test_a_client_that_pinned_the_server_knows_it_again_in_another_folder(tmp_path: Path, capsys: Capture) -> None:
    data, file, moved = tmp_path / "server", tmp_path / "chat.backup", tmp_path / "moved"
    with serving(data) as server:
        address = parse_server(url_of(server))
        with chatting("alice", address.url, tmp_path / "alice") as alice:
            alice.type("before the move")
            alice.end_input()
            assert alice.code() == 0
        assert run(capsys, "backup", "--data", data, file)[0] == 0
    assert run(capsys, "restore", "--data", moved, file)[0] == 0
    with Program("server", "--bind", "127.0.0.1", "--port", str(address.port), "--data", moved) as server:
        assert parse_server(url_of(server)).fingerprint == address.fingerprint
        with chatting("alice", address.url, tmp_path / "alice") as alice:
            alice.type("after the move")
            alice.end_input()
            assert alice.code() == 0


def test_a_backup_overwrites_only_if_told_and_never_the_log(data: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "chat.backup"
    file.write_text("mine")
    assert "there already" in refusal(capsys, "backup", "--data", data, file)
    assert file.read_text() == "mine"
    assert "is the log itself" in refusal(capsys, "backup", "--data", data, "--force", data / maintenance.LOG_FILE)
    assert run(capsys, "backup", "--data", data, "--force", file)[0] == 0
    assert file.read_bytes().startswith(b"SQLite")
    assert "cannot back up" in refusal(capsys, "backup", "--data", data, tmp_path / "nowhere" / "x")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["chat.backup", "data"]


def test_what_is_no_backup_is_not_restored(data: Path, tmp_path: Path, capsys: Capture) -> None:
    before = (data / maintenance.LOG_FILE).read_bytes()
    (tmp_path / "junk").write_bytes(b"junk" * 100)
    assert "junk" in refusal(capsys, "restore", "--data", data, tmp_path / "junk")
    assert (data / maintenance.LOG_FILE).read_bytes() == before


def test_a_check_finds_damage_and_says_what_to_do(data: Path, capsys: Capture) -> None:
    assert run(capsys, "check", "--data", data) == (0, ["no damage found"], [])
    log = data / maintenance.LOG_FILE
    content = log.read_bytes()
    assert content.count(b"up here") == 1
    log.write_bytes(content.replace(b"up here", b"up hope"))
    code, found, _ = run(capsys, "check", "--data", data)
    assert code == 1
    assert len(found) == 1 and "entry 1 of attic is damaged" in found[0] and "restore a backup" in found[0]


def test_a_server_is_backed_up_and_checked_while_it_runs_and_restored_only_afterwards(
    tmp_path: Path, capsys: Capture
) -> None:
    data, file = tmp_path / "server", tmp_path / "chat.backup"
    with serving(data) as server:
        url = url_of(server)
        with chatting("alice", url, tmp_path / "alice") as alice:
            alice.type("kept")
            alice.line(where='"sent"')
            assert run(capsys, "backup", "--data", data, file)[0] == 0
            assert run(capsys, "check", "--data", data)[1] == ["no damage found"]
            assert len(run(capsys, "export", "--data", data)[1]) == 1
            assert str(server.process.pid) in refusal(capsys, "restore", "--data", data, file)
            alice.type("lost with the restore")
            alice.end_input()
            assert alice.code() == 0
        server.process.terminate()
        assert server.code() == 0 or os.name == "nt"
    assert run(capsys, "restore", "--data", data, file)[0] == 0
    with serving(data) as server, chatting(
        "bob", url_of(server), tmp_path / "bob", "--history", "9"
    ) as bob:
        bob.end_input()
        assert bob.code() == 0
        assert texts(bob.rest_of(bob.out), "message") == ["kept"]


# --- A client's replica ----------


def replica(data: Path, nick: str, host: str, text: str) -> None:
    with closing(SqliteClientStore(store_path(data, nick, ServerAddress(host, 1)))) as store:
        store.write([ReplicaReset(LOBBY, 7, 10), EntriesStored(LOBBY, 7, 11, (said(text, time_ms=0),))])


def test_a_replica_is_exported_the_only_one_or_that_of_the_server_named_or_used_last(
    tmp_path: Path, capsys: Capture
) -> None:
    arguments = ("export", "--nick", "alice", "--data", tmp_path)
    assert "nothing of alice is stored" in refusal(capsys, *arguments, program="client")
    replica(tmp_path, "alice", "10.0.0.1", "at one")
    expected = ["1970-01-01T00:00:00.000Z [lobby] <alice> at one"]
    assert run(capsys, *arguments, program="client") == (0, expected, [])
    replica(tmp_path, "alice", "10.0.0.2", "at two")
    assert "there are 10.0.0.1:1, 10.0.0.2:1" in refusal(capsys, *arguments, program="client")
    replica(tmp_path, "alice", "fe80::1", "at three")
    assert "[fe80::1]:1" in refusal(capsys, *arguments, program="client")
    remember_server(tmp_path, "10.0.0.1:1")
    assert run(capsys, *arguments, program="client")[1] == expected
    named = run(capsys, *arguments, "--server", "10.0.0.2:1", "--json", program="client")[1]
    assert [json.loads(line)["seq"] for line in named] == [11]
    assert json.loads(named[0])["text"] == "at two"
    assert "10.0.0.1:1" in refusal(capsys, *arguments, "--server", "10.0.0.9:1", program="client")
    assert "there are: lobby" in refusal(capsys, *arguments, "--room", "void", program="client")
