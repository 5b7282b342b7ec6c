"""Token buckets: how often something may happen, for each of those who cause it (SPEC 2, 6.9)."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Generic, TypeVar

from udpchat.wire.fields import Value
from udpchat.wire.limits import SOURCES_MAX

Holder = TypeVar("Holder", bound=Hashable)


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


class Rate(Value, frozen=True):
    """`burst` at once, and `per_s` of it comes back each second."""

    burst: float
    per_s: float


class TokenBucket:
    """`left` tokens of a rate, as of the last time it was filled."""

    __slots__ = ("filled_at", "left", "rate")

    def __init__(self, now: float, rate: Rate) -> None:
        self.rate = rate
        self.left = rate.burst
        self.filled_at = now

    def fill(self, now: float) -> None:
        """Add what has come back."""
        left = self.left + (now - self.filled_at) * self.rate.per_s
        self.left = left if left < self.rate.burst else self.rate.burst
        self.filled_at = now

    def take(self, now: float) -> bool:
        """Take a token; False if none was left."""
        self.fill(now)
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class TokenBuckets(Generic[Holder]):
    """Buckets of one rate, which may change, by holder, least recently used first.

    A full one is removed when the next is made, as it is like a new one.
    """

    __slots__ = ("_buckets", "_holders_max", "rate")

    def __init__(self, rate: Rate, *, holders_max: int) -> None:
        self.rate = rate
        self._holders_max = holders_max
        self._buckets: dict[Holder, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, now: float, holder: Holder) -> TokenBucket:
        """The bucket of a holder, as it is now."""
        bucket = self._buckets.get(holder)
        if bucket is not None and bucket.filled_at == now and bucket.rate is self.rate:
            return bucket  # the order of the buckets need not be kept within a moment
        bucket = self._buckets.pop(holder, None)
        if bucket is None:
            self._forget_full(now)
            bucket = TokenBucket(now, self.rate)
            if len(self._buckets) >= self._holders_max:
                # Removing the oldest refills it. Refusing the new holder instead would let many lock others out.
                del self._buckets[next(iter(self._buckets))]
        else:
            bucket.rate = self.rate
            bucket.fill(now)
        self._buckets[holder] = bucket
        return bucket

    def taken(self, now: float, holder: Holder) -> float:
        """How many tokens of a holder have not come back yet; who only asks gets no bucket, and pushes out none."""
        bucket = self._buckets.get(holder)
        if bucket is None:
            return 0.0
        return max(self.rate.burst - bucket.left - (now - bucket.filled_at) * self.rate.per_s, 0.0)

    def take(self, now: float, holder: Holder) -> bool:
        """Take a token of ``holder``; False if none was left."""
        return self.of(now, holder).take(now)

    def _forget_full(self, now: float) -> None:
        """Remove the buckets that are full again, but for those behind one that is not: they were used later."""
        while self._buckets:
            holder, bucket = next(iter(self._buckets.items()))
            if bucket.left + (now - bucket.filled_at) * self.rate.per_s < self.rate.burst:
                return
            del self._buckets[holder]
