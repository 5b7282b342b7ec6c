"""Opens the log of a server that is about to serve."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from udpchat.shell.maintenance import LOG_FILE
from udpchat.shell.progress import progress_of
from udpchat.storage.server_sqlite import SqliteLog
from udpchat.storage.store_interfaces import Durability, StoreInUse

IN_USE_S_MAX: Final = 2.0
POLL_S: Final = 0.02


def open_log(folder: Path, durability: Durability) -> SqliteLog:
    """The log of a data folder. One that is in use is waited for: a command of the operator has it for a moment, where
    no server runs. Raises `StoreError`."""
    end = time.monotonic() + IN_USE_S_MAX
    while True:
        try:
            with progress_of("upgrading the log") as progress:
                return SqliteLog(folder / LOG_FILE, durability=durability, progress=progress)
        except StoreInUse:
            if time.monotonic() >= end:
                raise
        time.sleep(POLL_S)
