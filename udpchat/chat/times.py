"""Times of messages as text and as dates in UTC. Pure: reads no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX: Final = 253_402_300_799_999  # the end of the year 9999: the format and datetime have no later one


def iso_time(time_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, `2026-01-31T23:59:59.123Z`; kept within the years 1970 to 9999."""
    return utc_time(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_or_none(time_ms: int) -> str | None:
    """The same of a time that may not be known, or may not come: 0."""
    return iso_time(time_ms) if time_ms else None


def utc_time(time_ms: int) -> datetime:
    """Milliseconds since 1970 in UTC, kept within the years 1970 to 9999."""
    return EPOCH + timedelta(milliseconds=min(max(time_ms, 0), TIME_MS_MAX))
