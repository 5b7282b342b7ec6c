"""What is measured of the path to one host; another host is another path, of which nothing is known yet (SPEC 3)."""

from __future__ import annotations

from udpchat.sync.bbr import BbrController
from udpchat.sync.rtt import RoundTrip


class PathEstimate:
    """The measures of the path to `host`, an IP address as text. Another port of the same host is the same path.

    They are replaced together when the host changes (RFC 9000 section 9.4). `reordering_s` is how long after its
    successor a packet came at most, as the receiver last reported.
    """

    __slots__ = ("congestion", "host", "reordering_s", "round_trip")

    def __init__(self, host: str) -> None:
        self.host = host
        self.round_trip = RoundTrip()
        self.congestion = BbrController()
        self.reordering_s = 0.0
