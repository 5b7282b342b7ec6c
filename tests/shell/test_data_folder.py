from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tests.worded import worded
from udpchat.shell import data_folder as identity
from udpchat.shell.addresses import ServerAddress
from udpchat.shell.data_folder import (
    DataUnusable,
    KnownServers,
    file_name,
    keep_key,
    key_of_nick,
    last_nick,
    last_server,
    name_of_file,
    nick_file,
    open_folder,
    operator_key,
    put_server_key,
    remember_nick,
    remember_server,
    server_key,
    stored_server_key,
)

needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@needs_modes
def test_the_folder_and_the_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "deep" / "data")
    server_key(folder)
    operator_key(folder)
    key_of_nick(folder, "alice")
    assert mode_of(folder) == 0o700
    assert mode_of(folder / "server.key") == mode_of(folder / "operator.key") == 0o600
    assert mode_of(folder / "keys" / "nick-alice.key") == 0o600


def test_a_folder_that_cannot_be_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with worded(DataUnusable, match=r"cannot use the data folder .*--data"):
        open_folder(tmp_path / "file" / "data")


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = server_key(tmp_path)
    assert server_key(tmp_path).public == first.public
    assert operator_key(tmp_path).public == operator_key(tmp_path).public != first.public
    assert key_of_nick(tmp_path, "alice").public != key_of_nick(tmp_path, "bob").public
    assert [path.name for path in tmp_path.glob(".*")] == []  # no drafts


def test_a_server_key_is_put_in_its_place_and_the_one_before_is_kept(tmp_path: Path) -> None:
    assert stored_server_key(tmp_path) is None
    assert put_server_key(tmp_path, b"1" * 32) is None
    assert put_server_key(tmp_path, b"1" * 32) is None
    for number, suffix in ((b"2", ""), (b"3", "-2")):
        assert put_server_key(tmp_path, number * 32) == tmp_path / f"server.key.before-restore{suffix}"
        assert stored_server_key(tmp_path) == number * 32
    assert (tmp_path / "server.key.before-restore").read_text() == (b"1" * 32).hex() + "\n"
    assert (tmp_path / "server.key.before-restore-2").read_text() == (b"2" * 32).hex() + "\n"
    if os.name != "nt":
        assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_nick_has_one_key_however_it_is_spelled(tmp_path: Path) -> None:
    assert key_of_nick(tmp_path, "Alice").public == key_of_nick(tmp_path, "aLICE").public


def test_two_that_make_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    found = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        found.append(key_of_nick(tmp_path, "alice").public)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(identity.os, "link", refuse)
    assert server_key(tmp_path).public == server_key(tmp_path).public


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 33, "ä"])
def test_a_damaged_key_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.key").write_text(content, encoding="utf-8")
    with worded(DataUnusable, match="holds no key"):
        server_key(tmp_path)
    assert (tmp_path / "server.key").read_text(encoding="utf-8") == content


@pytest.mark.parametrize("nick", ["alice", "con", "日本語", "😀" * 32, "a|b", "é"])
def test_the_file_of_a_nick_is_safe_anywhere(nick: str) -> None:
    name = nick_file(nick)
    assert name.isascii() and len(name) <= 230
    assert not set(name) & set('/\\:*?"<>| ')
    assert name.startswith("nick-")


@pytest.mark.parametrize("name", ["10.0.0.1_47747", "fe80::1%eth0_1", "B\u00fcro_5", "a/b"])
def test_a_file_tells_of_what_it_is(name: str) -> None:
    assert name_of_file(file_name(name)) == name


@pytest.mark.parametrize("stem", ["~~0a", "~1", "~", "plain"])
def test_a_file_that_tells_nothing_is_called_as_it_is(stem: str) -> None:
    assert name_of_file(stem) in (stem, "")


def test_different_names_have_different_files() -> None:
    names = ["alice", "~alice", "日本", "日本語", "a:1", "a_1", "x" * 64, "x" * 65, "x" * 500, "y" * 500, ""]
    assert len({file_name(name) for name in names}) == len(names)


def test_a_new_nick_gets_the_key_of_the_old_one_unless_it_has_one(tmp_path: Path) -> None:
    alice, bob = key_of_nick(tmp_path, "alice"), key_of_nick(tmp_path, "bob")
    assert keep_key(tmp_path, old="alice", new="carol")
    assert key_of_nick(tmp_path, "carol").public == alice.public
    assert not keep_key(tmp_path, old="alice", new="bob")
    assert key_of_nick(tmp_path, "bob").public == bob.public


def test_a_pinned_server_is_known_from_then_on(tmp_path: Path) -> None:
    known = KnownServers(tmp_path)
    assert known.fingerprint("host:1") is None
    known.pin("host:1", "a" * 32)
    known.pin("host:2", "b" * 32)
    assert KnownServers(tmp_path).fingerprint("host:1") == "a" * 32
    assert KnownServers(tmp_path).fingerprint("host:2") == "b" * 32
    assert known.path.read_text() == f"host:1 {'a' * 32}\nhost:2 {'b' * 32}\n"


def test_people_may_edit_the_known_servers(tmp_path: Path) -> None:
    known = KnownServers(tmp_path)
    known.path.write_bytes(b"# mine\n\nhost:1   aaaa   \nhalf a line\nhost:1 second\n\xff\xfe\nhost:2 bbbb")
    assert known.fingerprint("host:1") == "aaaa"
    assert known.fingerprint("host:2") == "bbbb"
    known.pin("host:3", "cccc")
    assert known.fingerprint("host:2") == "bbbb"
    assert known.fingerprint("host:3") == "cccc"


def test_known_servers_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    known = KnownServers(tmp_path)
    known.path.mkdir()
    with pytest.raises(DataUnusable):
        known.fingerprint("host:1")
    with pytest.raises(DataUnusable):
        known.pin("host:1", "aaaa")


def test_the_server_used_last_is_remembered_if_it_can_be(tmp_path: Path) -> None:
    assert last_server(tmp_path) is None
    remember_server(tmp_path, "host:1")
    remember_server(tmp_path, "[::1]:2")
    assert last_server(tmp_path) == ServerAddress("::1", 2)
    remember_server(tmp_path, "not an address")
    assert last_server(tmp_path) is None
    remember_server(tmp_path / "nowhere", "host:1")
    assert [path.name for path in tmp_path.iterdir()] == ["last_server"]


def test_what_is_remembered_already_is_not_written_again(tmp_path: Path) -> None:
    remember_nick(tmp_path, "alice")
    (first,) = tmp_path.iterdir()
    before = first.stat()
    remember_nick(tmp_path, "alice")
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    remember_nick(tmp_path, "bob")
    assert last_nick(tmp_path) == "bob"


def test_a_known_server_has_the_name_that_it_calls_itself(tmp_path: Path) -> None:
    known = KnownServers(tmp_path)
    known.pin("host:1", "a" * 32)
    known.pin("host:2", "b" * 32, "attic")
    known.pin("host:1", "a" * 32, "the  den\x1b[2J\n")
    assert [each.place for each in known.all()] == ["host:1", "host:2"]
    assert known.fingerprint("host:1") == "a" * 32 and known.all()[0].name.startswith("the den")
    assert known.all()[0].name.isprintable()
    assert known.path.read_text().count("\n") == 2


def test_who_has_the_name_of_a_known_server_and_another_key_is_found_out(tmp_path: Path) -> None:
    known = KnownServers(tmp_path)
    known.pin("host:1", "a" * 32, "den")
    known.pin("host:2", "b" * 32)
    for name in ("den", "DEN", "d\u0435n"):
        meant = known.named_like(name, "c" * 32)
        assert meant is not None and meant.place == "host:1"
    assert known.named_like("den", "a" * 32) is None, "it is the one"
    assert known.named_like("den", "b" * 32) is None, "it is known by its key"
    assert known.named_like("", "c" * 32) is None and known.named_like("attic", "c" * 32) is None
