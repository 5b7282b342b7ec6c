"""Finds private files that other users of this machine can reach, and says how to change that."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import Final

OTHERS_READ: Final = 0o044
OTHERS_WRITE: Final = 0o022
OTHERS: Final = 0o077


def exposed(*paths: Path) -> list[str]:
    """A line for each file or folder that group or others may use: which, what they may do, what to type.

    What is not there is not exposed; nor is anything on Windows, whose modes say nothing.
    """
    return [line for path in paths if (line := _line(path))] if os.name != "nt" else []


def _line(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    mode = stat.S_IMODE(status.st_mode)
    if not mode & OTHERS:
        return ""
    acts = [verb for bits, verb in ((OTHERS_READ, "read"), (OTHERS_WRITE, "change")) if mode & bits] or ["enter"]
    wanted = 700 if stat.S_ISDIR(status.st_mode) else 600
    place = f"{path}, which holds secret keys" if stat.S_ISDIR(status.st_mode) else str(path)
    return (
        f"other users of this machine may {' and '.join(acts)} {place} (mode {mode:o}); "
        f"to make it yours alone: chmod {wanted} {shlex.quote(str(path))}"
    )
