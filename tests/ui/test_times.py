from __future__ import annotations

from datetime import UTC, timedelta, timezone

from udpchat.ui.times import TIME_MS_MAX, clock_time, iso_time, local_time


def test_times_are_utc_with_milliseconds_whatever_a_peer_claims() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(951_782_400_001) == "2000-02-29T00:00:00.001Z"
    assert iso_time(TIME_MS_MAX) == iso_time(2**63) == "9999-12-31T23:59:59.999Z"
    assert iso_time(-5) == iso_time(0)


def test_a_clock_time_is_that_of_a_zone_and_never_fails() -> None:
    assert clock_time(0, timezone(timedelta(hours=2))) == "1970-01-01 02:00"
    assert clock_time(2**63, UTC) == "9999-12-31 23:59"
    assert clock_time(2**63, None).startswith("9999-12-31") and clock_time(-1, None)
    assert local_time(0, UTC).year == 1970
