from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from udpchat.shell.typed_times import moment_ms, now_ms

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("13:30", "2026-11-21T11:30"),
        ("9:05", "2026-11-21T07:05"),
        ("14:00:00", "2026-11-21T12:00"),
        ("14:01", "2026-11-20T12:01"),
        ("2026-11-20", "2026-11-19T22:00"),
        ("2026-11-20T08:00", "2026-11-20T06:00"),
        ("2026-11-20 08:00", "2026-11-20T06:00"),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00"),
        ("2026-11-20T08:00+01:00", "2026-11-20T07:00"),
        ("90m", "2026-11-21T10:30"),
        (" 2H ", "2026-11-21T10:00"),
        ("3d", "2026-11-18T12:00"),
        ("1w", "2026-11-14T12:00"),
        ("60s", "2026-11-21T11:59"),
    ],
)
def test_a_time_as_people_write_it_is_a_moment(text: str, utc: str) -> None:
    found = moment_ms(text, now=NOW)
    assert found is not None
    assert datetime.fromtimestamp(found / 1000, UTC).strftime("%Y-%m-%dT%H:%M") == utc


@pytest.mark.parametrize(
    "text",
    ["", "noon", "25:00", "12:60", "2026-13-01", "2026-11-31", "2 h", "h", "-3d", "999999999w", "1" * 5_000, "\u0663d"],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert moment_ms(text, now=NOW) is None


def test_now_is_now_unless_told() -> None:
    found = moment_ms("0s")
    assert found is not None
    assert abs(found / 1000 - datetime.now(UTC).timestamp()) < 60


def test_now_is_counted_in_milliseconds_since_1970() -> None:
    assert abs(now_ms() / 1000 - datetime.now(UTC).timestamp()) < 60
