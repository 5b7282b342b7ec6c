from __future__ import annotations

from datetime import UTC, timedelta, timezone

from udpchat.ui.local_times import clock_time, local_time


def test_a_clock_time_is_that_of_a_zone_and_never_fails() -> None:
    assert clock_time(0, timezone(timedelta(hours=2))) == "1970-01-01 02:00"
    assert clock_time(2**63, UTC) == "9999-12-31 23:59"
    assert clock_time(2**63, None).startswith("9999-12-31") and clock_time(-1, None)
    assert local_time(0, UTC).year == 1970
