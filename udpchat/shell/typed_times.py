"""Times as people write them: `14:30`, `2026-11-21`, both with a T or blank between, ISO 8601, `90m`, `2h`, `3d`, `1w`.

Without a zone they are of this machine's zone.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from udpchat.chat.durations import seconds_of

_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_clock = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


def moment_ms(text: str, *, now: datetime | None = None) -> int | None:
    """Milliseconds since 1970; None if it is no time. `14:30` is the last one that has been, `2h` so long before `now`.

    `now` has a zone; if it is not given, it is now, here.
    """
    try:
        moment = _moment(text.strip(), now or datetime.now().astimezone())
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=now.tzinfo) if now else moment.astimezone()  # summer time may be over
        return None if moment is None else int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def now_ms() -> int:
    """Milliseconds since 1970, by the clock of this machine."""
    return time.time_ns() // 1_000_000


def _moment(text: str, now: datetime) -> datetime | None:
    ago_s = seconds_of(text)
    if ago_s is not None:
        return now - timedelta(seconds=ago_s)
    clock = _clock.fullmatch(text)
    if clock:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        today = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return today if today <= now else today - timedelta(days=1)
    return datetime.fromisoformat(text) if _date.match(text) else None
