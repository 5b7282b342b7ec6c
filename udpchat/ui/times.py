"""Times as they are printed: ISO 8601 in UTC for programs, the local time for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX: Final = 253_402_300_799_999  # the end of the year 9999: the format and datetime have no later one


def iso_time(time_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, `2026-01-31T23:59:59.123Z`; kept within the years 1970 to 9999."""
    return _utc(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(time_ms: int, zone: tzinfo | None) -> str:
    """Milliseconds since 1970 as `2026-01-31 23:59` in `zone`; None: the zone of this machine."""
    return local_time(time_ms, zone).strftime("%Y-%m-%d %H:%M")


def local_time(time_ms: int, zone: tzinfo | None) -> datetime:
    """Milliseconds since 1970 in `zone`, kept within the years 1970 to 9999; None: the zone of this machine."""
    try:
        return _utc(time_ms).astimezone(zone)
    except (OverflowError, OSError):  # at the ends of what the system's clock can convert
        return _utc(time_ms)


def _utc(time_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=min(max(time_ms, 0), TIME_MS_MAX))
