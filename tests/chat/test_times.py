"""Times as they are written for programs."""

from __future__ import annotations

from udpchat.chat.times import TIME_MS_MAX, iso_time, utc_time


def test_times_are_utc_with_milliseconds_whatever_a_peer_claims() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(951_782_400_001) == "2000-02-29T00:00:00.001Z"
    assert iso_time(TIME_MS_MAX) == iso_time(2**63) == "9999-12-31T23:59:59.999Z"
    assert iso_time(-5) == iso_time(0) and utc_time(-5) == utc_time(0)
