"""Limits how often one host, and one source, may begin a handshake: a token bucket for each (SPEC 2).

Take a token only after a valid cookie: before that the source may be forged, and an attacker could use up the tokens of
another host. One bucket for all hosts would let a single one lock everyone out.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

from udpchat.wire.limits import SOURCES_MAX


def source_of(host: str) -> str:
    """Who is limited together at this numeric host: its IPv4 address, or its /64, which one IPv6 host has to itself."""
    return _network_of(host) if ":" in host else host


@lru_cache(maxsize=SOURCES_MAX)
def _network_of(host: str) -> str:
    """The /64 of an IPv6 address, in the scope that it names; of one that maps an IPv4 address, that address."""
    address = IPv6Address(host)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    network = IPv6Address(int(address) >> 64 << 64)
    return f"{network}%{address.scope_id}" if address.scope_id else str(network)


class TokenBucket:
    """`burst` tokens at most, `per_s` of them added each second."""

    __slots__ = ("_burst", "_per_s", "_tokens", "used_s")

    def __init__(self, now: float, *, burst: float, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._tokens = burst
        self.used_s = now

    def take(self, now: float) -> bool:
        """Take a token; False if none was left."""
        self._tokens = min(self._burst, self._tokens + (now - self.used_s) * self._per_s)
        self.used_s = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class HandshakeRateLimiter:
    """Buckets by host or source, least recently used first; a full one is removed, as it is like a new one."""

    __slots__ = ("_buckets", "_burst", "_full_after_s", "_per_s", "_sources_max")

    def __init__(self, *, burst: float, per_s: float, sources_max: int) -> None:
        self._burst, self._per_s, self._sources_max = burst, per_s, sources_max
        self._full_after_s = burst / per_s
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, now: float, host: str) -> bool:
        """Take a token of ``host``; False if none was left."""
        bucket = self._buckets.pop(host, None)
        if bucket is None:
            bucket = TokenBucket(now, burst=self._burst, per_s=self._per_s)
            if len(self._buckets) >= self._sources_max:
                # Removing the oldest refills it. Refusing the new host instead would let many hosts lock others out.
                del self._buckets[next(iter(self._buckets))]
        self._buckets[host] = bucket
        return bucket.take(now)

    def handle_timeout(self, now: float) -> None:
        """Remove the buckets that are full again."""
        while self._buckets:
            host, bucket = next(iter(self._buckets.items()))
            if now < bucket.used_s + self._full_after_s:
                return
            del self._buckets[host]

    def next_timeout(self) -> float | None:
        """When the first bucket is full at the latest."""
        for bucket in self._buckets.values():
            return bucket.used_s + self._full_after_s
        return None
