"""Quotas: how much of what all share one key and one source may use, so that nobody can use it up (SPEC 6.9).

What is *held* is counted until it is given back. Each source has a share that it always gets; it may borrow beyond that
as long as less than half of all is in use, and others who need their share can have back what it borrowed. What is
*spent* comes back with time. Whoever is over is refused; nobody else is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from udpchat.session.rate_limit import Rate, TokenBuckets
from udpchat.wire import limits
from udpchat.wire.fields import Value

T = TypeVar("T", bound=Hashable)

DAY_S: Final = 86_400.0
HOLDERS_MAX: Final = limits.SOURCES_MAX  # of a spent quota, keys or sources; the oldest is forgotten first
WAIT_S_MIN: Final = 0.001  # for what comes back with time: after a time that was rounded, a little is missing


class Who(Value, frozen=True):
    """Whom something is charged to: a public key, and a source (`source_of`)."""

    key: bytes
    source: str


class HeldQuota:
    """What keys and sources hold of `total_max`: bytes, places. A key has `key_max` at most, a source its share."""

    __slots__ = ("_borrowers", "_by_key", "_by_source", "key_max", "source_share", "total", "total_max")

    def __init__(self, *, key_max: int, source_share: int, total_max: int) -> None:
        self.key_max, self.source_share, self.total_max = key_max, source_share, total_max
        self.total = 0
        self._by_key: Counter[bytes] = Counter()
        self._by_source: Counter[str] = Counter()
        self._borrowers: dict[str, None] = {}

    def is_within(self, who: Who, amount: int = 1) -> bool:
        """Whether key and source may have so much more, if there is room or others give back what they borrowed."""
        if self._by_key[who.key] + amount > self.key_max:
            return False
        has_share = self._by_source[who.source] + amount <= self.source_share
        return has_share or self.total + amount <= self.total_max // 2

    def has_room(self, amount: int) -> bool:
        """Whether there is so much left in all."""
        return self.total + amount <= self.total_max

    def take(self, who: Who, amount: int = 1) -> bool:
        """Take so much, unless that is too much for the key, for the source, or in all."""
        is_taken = self.is_within(who, amount) and self.has_room(amount)
        if is_taken:
            self.add(who, amount)
        return is_taken

    def add(self, who: Who, amount: int = 1) -> None:
        """Count so much, whatever the limits say; a negative amount is given back."""
        key, source = who.key, who.source
        self.total += amount
        of_key = self._by_key[key] = self._by_key[key] + amount
        of_source = self._by_source[source] = self._by_source[source] + amount
        if of_source > self.source_share:
            self._borrowers[source] = None
        elif source in self._borrowers:
            del self._borrowers[source]
        if not of_key:
            del self._by_key[key]
        if not of_source:
            del self._by_source[source]

    def give_back(self, who: Who, amount: int = 1) -> None:
        self.add(who, -amount)

    def borrowers(self) -> list[str]:
        """The sources that hold more than their share, the first to do so first."""
        return list(self._borrowers)


class Share:
    """What one device holds of a quota of bytes: the `WindowBudget` of its requests.

    The quota counts it to within REQUEST_BLOCK_BYTES: most requests cost no counting.
    """

    __slots__ = ("_bytes_max", "_counted", "_quota", "_who", "held")

    def __init__(self, quota: HeldQuota, who: Who, bytes_max: int) -> None:
        self._quota, self._who, self._bytes_max = quota, who, bytes_max
        self.held = 0
        self._counted = 0  # in the quota

    def has_room(self, size: int, *, is_next: bool) -> bool:
        """See `WindowBudget`. What is next has room even if all is in use, as others wait: a datagram of it, or one
        request of a device that holds nothing."""
        if is_next and size <= limits.DATAGRAM_BYTES_MAX:
            return True
        held = self.held + size
        more = held - self._counted
        is_counted = more >= limits.REQUEST_BLOCK_BYTES
        if is_counted and not self._quota.is_within(self._who, more):
            return False
        if is_next and not self.held:
            return True
        return (is_next or held <= self._bytes_max) and (not is_counted or self._quota.has_room(more))

    def add(self, size: int) -> None:
        """See `WindowBudget`."""
        held = self.held = self.held + size
        more = held - self._counted
        if more and (not held or more >= limits.REQUEST_BLOCK_BYTES or -more >= limits.REQUEST_BLOCK_BYTES):
            self._quota.add(self._who, more)
            self._counted = held


class Places(Generic[T]):
    """The holders of a quota of places, each charged to whom it was taken for."""

    __slots__ = ("_by_source", "_charged", "_quota")

    def __init__(self, quota: HeldQuota) -> None:
        self._quota = quota
        self._charged: dict[T, Who] = {}
        self._by_source: dict[str, dict[T, None]] = {}  # those that may have to go, the first first

    def take(self, holder: T, who: Who) -> bool:
        """Take a place; False if key, source or all have too many."""
        if not self._quota.take(who):
            return False
        self._charged[holder] = who
        self._by_source.setdefault(who.source, {})[holder] = None
        return True

    def give_back(self, holder: T) -> None:
        """Give the place back, if it has one."""
        who = self._charged.pop(holder, None)
        if who is not None:
            self._quota.give_back(who)
            self._keep(holder, who.source)

    def change_holder(self, holder: T, who: Who) -> None:
        """The place of this holder, if it has one, is another's from here on, whatever the limits say."""
        charged = self._charged.get(holder)
        if charged is not None:
            self._charged[holder] = who
            self._quota.give_back(charged)
            self._quota.add(who)
            if who.source != charged.source:
                self._keep(holder, charged.source)

    def _keep(self, holder: T, source: str) -> None:
        """Nobody else can have the place of this holder from now on."""
        holders = self._by_source.get(source, {})
        holders.pop(holder, None)
        if not holders:
            self._by_source.pop(source, None)

    def surplus_for(self, who: Who, may_go: Callable[[T], bool]) -> T | None:
        """Whose place is to be given back so that `who`, within their share, can have one, if all are taken.

        It is the first of a source with more than its share. One that may not go now never may.
        """
        if self._quota.total < self._quota.total_max or not self._quota.is_within(who):
            return None
        for source in self._quota.borrowers():
            holders = self._by_source.get(source, {})
            while holders:
                holder = next(iter(holders))
                if may_go(holder):
                    return holder
                self._keep(holder, source)
        return None


class SpentQuota:
    """What keys and sources have spent of their rates."""

    __slots__ = ("_keys", "_sources")

    def __init__(self, key: Rate, source: Rate) -> None:
        self._keys: TokenBuckets[bytes] = TokenBuckets(key, holders_max=HOLDERS_MAX)
        self._sources: TokenBuckets[str] = TokenBuckets(source, holders_max=HOLDERS_MAX)

    def take(self, now: float, who: Who, amount: float = 1.0) -> bool:
        """Spend so much of both; False if one has not so much left. More than a burst may be spent of a full one."""
        buckets = self._keys.of(now, who.key), self._sources.of(now, who.source)
        for bucket in buckets:
            if bucket.left < amount and bucket.left < bucket.rate.burst:
                return False
        for bucket in buckets:
            bucket.left -= amount
        return True

    def wait_s(self, now: float, who: Who, amount: float) -> float:
        """Spend so much of both, and return 0; or spend nothing, and return the seconds until both have so much.

        More than a burst may be spent of a full one.
        """
        wait_s = 0.0
        buckets = self._keys.of(now, who.key), self._sources.of(now, who.source)
        for bucket in buckets:
            short = min(amount, bucket.rate.burst) - bucket.left
            if short > 0.0:
                wait_s = max(wait_s, short / bucket.rate.per_s, WAIT_S_MIN)
        if not wait_s:
            for bucket in buckets:
                bucket.left -= amount
        return wait_s

    def change(self, key: Rate, source: Rate) -> None:
        """Other rates from now on."""
        self._keys.rate, self._sources.rate = key, source


class Quotas:
    """The table: what is counted, and how much a key and a source may have of it, and all."""

    __slots__ = (
        "_begun_with", "acts", "claims", "conversations", "empty_rooms", "peers", "reach", "renames",
        "request_bytes", "stored_rooms", "topics", "written_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.peers = HeldQuota(
            key_max=limits.PEERS_PER_KEY_MAX, source_share=limits.PEERS_PER_SOURCE, total_max=limits.PEERS_MAX
        )
        self.empty_rooms = HeldQuota(  # open, and nothing was ever said in them
            key_max=limits.EMPTY_ROOMS_PER_KEY_MAX,
            source_share=limits.EMPTY_ROOMS_PER_SOURCE,
            total_max=limits.EMPTY_ROOMS_MAX,
        )
        self.request_bytes = HeldQuota(  # requests that wait for their turn, fragments, answers kept for repetition
            key_max=limits.REQUEST_BYTES_PER_KEY_MAX,
            source_share=limits.REQUEST_BYTES_PER_SOURCE,
            total_max=limits.REQUEST_BYTES_MAX,
        )
        self.acts = _daily(limits.ACTS_A_DAY)
        self.claims = _daily(limits.CLAIMS_A_DAY)
        self.stored_rooms = _daily(limits.STORED_ROOMS_A_DAY)
        self.conversations = _daily(limits.CONVERSATIONS_A_DAY)
        self._begun_with: TokenBuckets[tuple[str, bytes]] = TokenBuckets(
            Rate(limits.CONVERSATIONS_PER_KEY_MAX, limits.BEGUN_WITH_ONE_A_DAY / DAY_S), holders_max=HOLDERS_MAX
        )
        self.topics = _daily(limits.TOPICS_A_DAY)
        self.renames = _daily(limits.RENAMES_A_DAY)
        self.written_bytes = SpentQuota(*disk_rates(float("inf")))
        self.reach = SpentQuota(Rate(*limits.REACH_OF_KEY), Rate(*limits.REACH_OF_SOURCE))

    def may_begin_with(self, now: float, source: str, other: bytes, left: int) -> bool:
        """Whether a source may begin a conversation with a person, with whom others may begin so many more.

        It gets a share of those, so that a place is left for who comes from elsewhere.
        """
        return self._begun_with.taken(now, (source, other)) < limits.BEGUN_WITH_ONE_SHARE_OF_FREE * left

    def on_begun_with(self, now: float, source: str, other: bytes) -> None:
        """A source begins a conversation with a person."""
        self._begun_with.take(now, (source, other))


def _daily(allowance: tuple[tuple[int, int], tuple[int, int]]) -> SpentQuota:
    """Of a key and of a source, each (at once, a day)."""
    (key_burst, key_day), (source_burst, source_day) = allowance
    return SpentQuota(Rate(key_burst, key_day / DAY_S), Rate(source_burst, source_day / DAY_S))


def disk_rates(free_bytes: float) -> tuple[Rate, Rate]:
    """What a key and a source may write: no source fills a disk with so much room in less than DISK_FILL_S_MIN."""
    burst = min(limits.WRITE_BYTES_PER_SOURCE_BURST, free_bytes / limits.DISK_BURSTS_MIN)
    per_s = min(limits.WRITE_BYTES_PER_SOURCE_PER_S, free_bytes / limits.DISK_FILL_S_MIN)
    share = limits.WRITE_KEY_SHARE
    return Rate(burst * share, per_s * share), Rate(burst, per_s)
