"""What another user of the machine can do to a data folder that they may write to, and what is said of loose modes.

As found, a link in the place of a lock file had its target cut to nothing and overwritten by a process id. That loose
modes of keys are remarked, by server and client, tests/shell/test_permissions.py shows with real processes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from udpchat.shell.client_state import ClientFolder
from udpchat.storage.lock import StoreLock, holder_of
from udpchat.storage.store_interfaces import StoreUnusable

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other links, and no file modes")
TEXT = "what somebody wants to keep\n"


def victim_of(tmp_path: Path) -> tuple[Path, Path]:
    """A file that is worth something, and the store whose lock file an attacker prepares."""
    victim = tmp_path / "victim"
    victim.write_text(TEXT)
    return victim, tmp_path / "store.db"


@posix
def test_a_link_in_the_place_of_a_lock_file_is_not_followed(tmp_path: Path) -> None:
    victim, store = victim_of(tmp_path)
    (tmp_path / "store.db.lock").symlink_to(victim)
    for use in (StoreLock, holder_of):
        with pytest.raises(StoreUnusable, match="it is a link to another place; remove it"):
            use(store)
    assert victim.read_text() == TEXT


@posix
def test_a_link_to_nothing_makes_no_file_elsewhere(tmp_path: Path) -> None:
    _, store = victim_of(tmp_path)
    (tmp_path / "store.db.lock").symlink_to(tmp_path / "new")
    with pytest.raises(StoreUnusable):
        StoreLock(store)
    assert not (tmp_path / "new").exists()


@posix
def test_a_second_name_of_a_file_is_not_written_to(tmp_path: Path) -> None:
    victim, store = victim_of(tmp_path)
    (tmp_path / "store.db.lock").hardlink_to(victim)
    with pytest.raises(StoreUnusable, match="it is a file of something else; move it away"):
        StoreLock(store)
    assert victim.read_text() == TEXT


@posix
def test_a_pipe_in_the_place_of_a_lock_file_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "store.db.lock")
    for use in (StoreLock, holder_of):
        with pytest.raises(StoreUnusable, match="it is no file; move it away"):
            use(tmp_path / "store.db")


def test_a_lock_file_that_a_process_left_is_used_again(tmp_path: Path) -> None:
    for left in (b"", b"4711\n", b"18446744073709551615"):
        (tmp_path / "store.db.lock").write_bytes(left)
        StoreLock(tmp_path / "store.db").release()
        assert (tmp_path / "store.db.lock").read_text() == f"{os.getpid()}\n"


@posix
def test_a_folder_of_keys_that_others_may_write_to_is_remarked(tmp_path: Path) -> None:
    said: list[str] = []
    ClientFolder(tmp_path, "alice", report=lambda phrase: said.append(str(phrase.values["text"])))
    (tmp_path / "keys").chmod(0o777)
    ClientFolder(tmp_path, "alice", report=lambda phrase: said.append(str(phrase.values["text"])))
    assert [line for line in said if f"chmod 700 {tmp_path / 'keys'}" in line] and len(said) == 1
