"""Times as people read them: the local time."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from udpchat.chat.times import utc_time

TIME_FORMATS: Final = {"24h": "%H:%M", "seconds": "%H:%M:%S", "12h": "%I:%M %p"}  # by the value of the setting `time`


def clock_time(time_ms: int, zone: tzinfo | None) -> str:
    """Milliseconds since 1970 as `2026-01-31 23:59` in `zone`; None: the zone of this machine."""
    return local_time(time_ms, zone).strftime("%Y-%m-%d %H:%M")


def local_time(time_ms: int, zone: tzinfo | None) -> datetime:
    """Milliseconds since 1970 in `zone`, kept within the years 1970 to 9999; None: the zone of this machine."""
    try:
        return utc_time(time_ms).astimezone(zone)
    except (OverflowError, OSError):  # at the ends of what the system's clock can convert
        return utc_time(time_ms)
