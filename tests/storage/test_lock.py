"""One process at a time; whoever dies lets go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from udpchat.storage.lock import StoreLock
from udpchat.storage.log import StoreUnusable

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
