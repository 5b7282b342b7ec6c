"""How much memory this process takes, as far as the system tells without a library."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

STATM: Final = Path("/proc/self/statm")  # Linux: sizes in pages, the second is what is resident


def resident_bytes(statm: Path = STATM) -> int:
    """What is resident of this process; elsewhere than on Linux the most that was so far; 0 if that is unknown."""
    with suppress(OSError, ValueError, IndexError):
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        return 0
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
