"""What a link does to datagrams: a `Link` says what may go wrong, a `Direction` decides it datagram by datagram.

Deterministic: time is an argument, chance a `random.Random`. A fault that is switched off draws nothing, and a draw of
0.0 means "nothing happens" (unless the share is 1): a shrinking `random.Random`, as hypothesis gives, shrinks towards
a faultless network.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields, replace
from random import Random

CORRUPT_BYTES_MAX = 3  # in a row: what a burst error on the wire looks like, and what a 16-bit checksum may miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How one direction behaves. Shares are of all datagrams in the long run, 0 to 1; times in seconds.

    Raises ValueError for a share or a time out of range, and for bursts together with correlation: their shares would
    no longer be what is written here.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0  # uniform from 0, added to each datagram by itself: large jitter reorders, as in netem
    loss: float = 0.0
    loss_burst_max: int = 1  # each loss takes 1 to so many datagrams in a row; the share stays `loss`
    corrupt: float = 0.0
    corrupt_burst_max: int = 1
    duplicate: float = 0.0
    duplicate_delay_s_max: float = 0.0  # the copy arrives up to so much after the first
    reorder: float = 0.0
    reorder_delay_s_min: float = 0.0  # what is reordered is held back by a uniform delay of min to max
    reorder_delay_s_max: float = 0.0
    correlation: float = 0.0  # the share of decisions that repeat the one before, for each kind of fault
    rate_bytes_per_s: float | None = None  # of UDP payload; None: infinite
    queue_packets: int | None = None  # waiting or being sent at the rate; more are dropped at the tail. None: infinite

    def __post_init__(self) -> None:
        for share in (self.loss, self.corrupt, self.duplicate, self.reorder):
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"a share is between 0 and 1, not {share}")
        if not 0.0 <= self.correlation < 1.0:
            raise ValueError(f"a correlation is at least 0 and below 1, not {self.correlation}")
        if min(self.delay_s, self.jitter_s, self.duplicate_delay_s_max, self.reorder_delay_s_min) < 0.0:
            raise ValueError("a delay is not negative")
        if self.reorder_delay_s_max < self.reorder_delay_s_min:
            raise ValueError("reorder_delay_s_max is below reorder_delay_s_min")
        if min(self.loss_burst_max, self.corrupt_burst_max) < 1:
            raise ValueError("a burst is at least one datagram")
        if self.correlation and (self.loss_burst_max > 1 or self.corrupt_burst_max > 1):
            raise ValueError("bursts and correlation exclude each other")
        if self.rate_bytes_per_s is not None and self.rate_bytes_per_s <= 0.0:
            raise ValueError("a rate is positive; to stop everything, use a loss of 1 or a partition")
        if self.queue_packets is not None and (self.queue_packets < 1 or self.rate_bytes_per_s is None):
            raise ValueError("a queue holds at least one packet, and only a link with a rate has one")


def _valve(rate_bytes_per_s: int, loss_percent: int, lag_ms: int, reorder_percent: int, reorder_ms: int) -> Link:
    """A tuple of Valve's test as a link with a queue of 100 ms, or of 25 packets of 1,200 bytes if that is more."""
    return Link(
        delay_s=lag_ms / 1000,
        loss=loss_percent / 100,
        reorder=reorder_percent / 100,
        reorder_delay_s_min=reorder_ms / 1000,
        reorder_delay_s_max=reorder_ms / 1000,
        rate_bytes_per_s=rate_bytes_per_s,
        queue_packets=max(25, rate_bytes_per_s // 10 // 1200),
    )


CLEAN = Link()
LAN = Link(delay_s=0.000_2, rate_bytes_per_s=125e6)
WIFI = Link(
    delay_s=0.003, loss=0.02, loss_burst_max=3, reorder=0.02, reorder_delay_s_min=0.001, reorder_delay_s_max=0.005
)
BROADBAND = Link(delay_s=0.015, rate_bytes_per_s=1.25e6, queue_packets=25)  # the path of quic-interop-runner
WIFI_REORDER = replace(WIFI, loss=0.0, reorder=0.3, reorder_delay_s_min=0.04, reorder_delay_s_max=0.04)
LATE_DUPLICATES = replace(LAN, duplicate=0.5, duplicate_delay_s_max=10.0)
JEPSEN = Link(  # jepsen/src/jepsen/net.clj: delay of 50 +- 10 ms; loss, duplicate and reorder of 20 % each, all at once
    delay_s=0.04,
    jitter_s=0.02,
    loss=0.2,
    duplicate=0.2,
    reorder=0.2,
    reorder_delay_s_min=0.05,  # netem lets the reordered overtake the delayed: the same distance the other way round
    reorder_delay_s_max=0.05,
    correlation=0.75,
)

# GameNetworkingSockets, tests/test_connection.cpp: rate B/s, loss %, one-way lag ms, reordered %, held back ms. Its
# rate is the sender's, ours the link's. First its cursory test, then two of its normal ones, then fifteen of its soak.
VALVE_TUPLES = (
    (128_000, 10, 50, 2, 50),
    (1_000_000, 5, 10, 1, 10),
    (2_000_000, 0, 50, 30, 40),
    (64_000, 20, 100, 4, 50),
    (1_000_000, 20, 100, 4, 10),
    (1_000_000, 2, 5, 2, 1),
    (2_000_000, 0, 0, 0, 0),
    (128_000, 20, 100, 4, 40),
    (500_000, 20, 100, 4, 30),
    (64_000, 0, 0, 0, 0),
    (128_000, 0, 0, 0, 0),
    (256_000, 0, 0, 0, 0),
    (500_000, 0, 0, 0, 0),
    (1_000_000, 0, 0, 0, 0),
    (64_000, 1, 25, 1, 10),
    (1_000_000, 1, 25, 1, 10),
    (64_000, 5, 50, 2, 50),
    (1_000_000, 5, 50, 2, 10),
)
VALVE = {"-".join(str(number) for number in numbers): _valve(*numbers) for numbers in VALVE_TUPLES}


@dataclass(slots=True)
class Counts:
    """What happened so far, in datagrams unless the name says bytes. Nothing vanishes uncounted:

    sent + duplicated = delivered + lost + overflowed + cut + still in flight.
    """

    sent: int = 0
    sent_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    lost: int = 0  # by chance, or because a scenario said so
    overflowed: int = 0  # the queue was full
    cut: int = 0  # a partition or a blackhole, or an address that leads nowhere
    duplicated: int = 0
    reordered: int = 0
    corrupted: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of another direction to these."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Chance:
    """A yes or no that comes true for `share` of all questions: alone, in bursts, or repeating the answer before."""

    __slots__ = ("_burst_max", "_last", "_left", "_novel", "_quiet")

    def __init__(self, share: float, *, burst_max: int = 1, correlation: float = 0.0) -> None:
        # A burst follows a yes without being asked, so bursts must begin more rarely than `share`: in the mean, a
        # cycle has (1 - begin) / begin questions with a no and `burst` with a yes.
        burst = (1 + burst_max) / 2
        begin = share / (share + burst * (1.0 - share))
        self._novel = 1.0 - correlation
        self._quiet = self._novel * (1.0 - begin)
        self._burst_max = burst_max
        self._left = 0
        self._last = False

    def happens(self, random: Random) -> bool:
        """Decide once: one draw, one more where a burst begins, none within it."""
        if self._left:
            self._left -= 1
            return True
        draw = random.random()
        if draw < self._novel:
            self._last = draw >= self._quiet
            if self._last and self._burst_max > 1:
                self._left = random.randint(1, self._burst_max) - 1
        return self._last


class Direction:
    """One direction of a link at work: its queue, its bursts, its memory."""

    __slots__ = ("_corrupt", "_departures", "_duplicate", "_faultless", "_link", "_loss", "_random", "_reorder")

    def __init__(self, link: Link, random: Random) -> None:
        def chance(share: float, burst_max: int = 1) -> Chance | None:
            return Chance(share, burst_max=burst_max, correlation=link.correlation) if share else None

        self._link = link
        self._random = random
        self._loss = chance(link.loss, link.loss_burst_max)
        self._corrupt = chance(link.corrupt, link.corrupt_burst_max)
        self._duplicate = chance(link.duplicate)
        self._reorder = chance(link.reorder)
        self._faultless = not (link.loss or link.corrupt or link.duplicate or link.reorder or link.jitter_s)
        self._departures: deque[float] = deque()  # of what waits or is being sent, in order

    def carry(self, now: float, data: bytes, counts: Counts) -> list[tuple[float, bytes]]:
        """Return what arrives of a datagram sent now, with when: nothing, it, or it and a copy. Counts what it did."""
        leaves = now
        if self._link.rate_bytes_per_s is not None:
            queued = self._transmit(now, len(data) / self._link.rate_bytes_per_s)
            if queued is None:
                counts.overflowed += 1
                return []
            leaves = queued
        due = leaves + self._link.delay_s
        return [(due, data)] if self._faultless else self._impair(due, data, counts)

    def _transmit(self, now: float, duration_s: float) -> float | None:
        """Return when the last byte has left at the link's rate, None if the queue is full."""
        departures = self._departures
        while departures and departures[0] <= now:
            departures.popleft()
        if self._link.queue_packets is not None and len(departures) >= self._link.queue_packets:
            return None
        leaves = (departures[-1] if departures else now) + duration_s
        departures.append(leaves)
        return leaves

    def _impair(self, due: float, data: bytes, counts: Counts) -> list[tuple[float, bytes]]:
        link, random = self._link, self._random
        if self._loss is not None and self._loss.happens(random):
            counts.lost += 1
            return []
        if link.jitter_s:
            due += random.random() * link.jitter_s
        if self._reorder is not None and self._reorder.happens(random):
            counts.reordered += 1
            spread_s = link.reorder_delay_s_max - link.reorder_delay_s_min
            due += link.reorder_delay_s_min + (random.random() * spread_s if spread_s else 0.0)
        arrivals = [(due, data)]
        if self._corrupt is not None and self._corrupt.happens(random) and data:
            counts.corrupted += 1
            arrivals = [(due, _corrupted(data, random))]
        if self._duplicate is not None and self._duplicate.happens(random):
            # The copy is intact: a receiver that burns a packet counter on a forgery would refuse it.
            counts.duplicated += 1
            reordering_s = random.random() * link.duplicate_delay_s_max if link.duplicate_delay_s_max else 0.0
            arrivals.append((due + reordering_s, data))
        return arrivals


def _corrupted(data: bytes, random: Random) -> bytes:
    """Return the datagram with 1 to CORRUPT_BYTES_MAX bytes in a row changed; never equal to what it was."""
    first = random.randrange(len(data))
    end = first + random.randint(1, CORRUPT_BYTES_MAX)
    flip = random.randint(1, 255)
    changed = bytes(byte ^ flip for byte in data[first:end])
    return data[:first] + changed + data[end:]
