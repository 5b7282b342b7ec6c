"""Durations as people write them: `90s`, `10m`, `2h`, `3d`, `1w`. One parser for all commands and options."""

from __future__ import annotations

import re
from typing import Final

from udpchat.chat.phrase import Problem
from udpchat.wire.limits import DURATION_S_MAX

UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}

_duration = re.compile(r"([0-9]{1,9})([smhdw])", re.IGNORECASE)


def seconds_of(text: str) -> int | None:
    """How long `90m`, `2h`, `3d` or `1w` is; None if it is no such thing."""
    found = _duration.fullmatch(text.strip())
    return int(found[1]) * UNITS_S[found[2].lower()] if found else None


def parse_duration(text: str) -> int:
    """Seconds, from 1 to DURATION_S_MAX. Raises `Problem` for what is no duration, or no sensible one."""
    seconds = seconds_of(text)
    if seconds is None:
        raise Problem("bad_duration", text=text)
    if not 1 <= seconds <= DURATION_S_MAX:
        raise Problem("bad_duration.range", text=text, days_max=DURATION_S_MAX // UNITS_S["d"])
    return seconds


def duration_word(seconds: int) -> str:
    """A duration as `parse_duration` takes it, in the largest unit that it is a whole number of: `90s`, `2h`."""
    unit = next(unit for unit in ("w", "d", "h", "m", "s") if seconds % UNITS_S[unit] == 0)
    return f"{seconds // UNITS_S[unit]}{unit}"
