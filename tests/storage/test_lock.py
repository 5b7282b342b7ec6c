"""One process at a time; whoever dies lets go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from udpchat.storage.lock import StoreLock, holder_of
from udpchat.storage.store_interfaces import StoreUnusable

HOLD = """
import sys
from pathlib import Path
from udpchat.storage.lock import StoreLock
lock = StoreLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / "store.db")
    with pytest.raises(StoreUnusable, match=f"in use by process {os.getpid()}; stop"):
        StoreLock(tmp_path / "store.db")
    other = StoreLock(tmp_path / "other.db")
    lock.release()
    lock.release()
    StoreLock(tmp_path / "store.db").release()
    other.release()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(StoreUnusable, match=str(holder.pid)):
            StoreLock(path)
        holder.kill()
        holder.wait()
    StoreLock(path).release()


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="choose a folder you may write to"):
        StoreLock(tmp_path / "nowhere" / "store.db")


def test_the_holder_is_known_as_long_as_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    assert holder_of(path) is None and list(tmp_path.iterdir()) == []  # asking leaves nothing behind
    lock = StoreLock(path)
    assert holder_of(path) == os.getpid()
    lock.release()
    assert holder_of(path) is None
    assert path.with_name("store.db.lock").read_text() == f"{os.getpid()}\n"  # a number alone says nothing
    StoreLock(path).release()


def test_the_holder_in_another_process_is_known_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert holder_of(path) == holder.pid
        holder.kill()
    assert holder_of(path) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not show who has a file open")
@pytest.mark.parametrize("written", [b"1\n", b"", b"x\n", b"99999999\n"])
def test_a_number_that_is_not_the_holders_is_not_believed(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "store.db"
    lock = StoreLock(path)
    path.with_name("store.db.lock").write_bytes(written)
    with pytest.raises(StoreUnusable, match="cannot be found from here"):
        holder_of(path)
    lock.release()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not show who has a file open")
def test_a_holder_that_is_ending_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As found: a process that was killed showed no open files any more, and still held the lock."""
    monkeypatch.setattr("udpchat.storage.lock.ENDING_S", 60.0)
    path = tmp_path / "store.db"
    lock = StoreLock(path)
    path.with_name("store.db.lock").write_bytes(b"99999999\n")
    Timer(0.05, lock.release).start()
    assert holder_of(path) is None


def test_a_lock_file_that_may_not_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "store.db.lock").mkdir()
    with pytest.raises(StoreUnusable, match="cannot use"):
        holder_of(tmp_path / "store.db")
