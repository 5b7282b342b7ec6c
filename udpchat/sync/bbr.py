"""Congestion control for the backlog (SPEC 5.5): a window and a pacing rate from the measured rate of delivery.

After BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14-5, 2016) rather than loss: on a LAN
most loss is caused by radio, and a window that is halved at 5 % loss would leave a fast link idle. Live entries are not
subject to it.
"""

from __future__ import annotations

from udpchat.wire.limits import DATAGRAM_BYTES_MAX

WINDOW_BYTES_INITIAL = 10 * DATAGRAM_BYTES_MAX  # RFC 9002 section 7.2
WINDOW_BYTES_MIN = 4 * DATAGRAM_BYTES_MAX
WINDOW_BYTES_MAX = 4 * 1024 * 1024
STARTUP_GAIN = 2.0  # a doubling each round
STARTUP_SAMPLES_MIN = 8  # of a round, before its shortest round trip can show a growing queue: RFC 9406 section 4.2
STARTUP_ROUNDS_FLAT_MAX = 3  # rounds in a row whose rate grew by less than a quarter: the link is full
WINDOW_GAIN = 1.5  # of what is in flight until the next ack: losses are detected with a delay
PACE_CYCLE = (1.25, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # probe for more, drain what the probe queued, cruise
RATE_MEMORY_ROUNDS = 10
RTT_MEMORY_S = 10.0
LOSS_SHARE_MAX = 0.25  # of a round: beyond it the queue, not the air, is losing
ELAPSED_S_MIN = 1e-4  # of a sample: from a shorter time no rate can be told
BURST_BYTES = 8 * DATAGRAM_BYTES_MAX


class _Round:
    """What was measured in one round, about a round trip. It began when `begin_bytes` had been delivered."""

    __slots__ = ("begin_bytes", "lost_bytes", "rate", "rtt_s", "samples")

    def __init__(self, begin_bytes: int) -> None:
        self.begin_bytes = begin_bytes
        self.lost_bytes = 0
        self.rate = 0.0
        self.rtt_s = float("inf")
        self.samples = 0


class BbrController:
    """How many bytes may be in flight, and when the next may be sent."""

    __slots__ = (
        "_credit_at", "_credit_bytes", "_cycle", "_flat_rounds", "_rates", "_round", "_rtt_at", "_rtt_s", "_startup",
        "_startup_rate", "ack_delay_s", "delivered_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.delivered_bytes = 0
        self._rates: list[float] = []  # the best of each of the last rounds, bytes/s
        self._rtt_s = float("inf")
        self._rtt_at = 0.0
        self.ack_delay_s = 0.0  # of the receiver: acks come in bursts
        self._startup = True
        self._startup_rate = 0.0
        self._flat_rounds = 0
        self._cycle = 0
        self._round = _Round(0)
        self._credit_bytes = float(BURST_BYTES)
        self._credit_at = 0.0

    @property
    def rate(self) -> float:
        """The best rate of delivery in the last rounds, bytes/s; 0 before the first."""
        return max(self._rates, default=0.0)

    @property
    def window_bytes(self) -> int:
        """How much may be unacknowledged."""
        if not self._rates or self._rtt_s == float("inf"):
            return WINDOW_BYTES_INITIAL
        pipe = self.rate * (self._rtt_s + self.ack_delay_s)
        gain = STARTUP_GAIN if self._startup else WINDOW_GAIN
        floor = WINDOW_BYTES_INITIAL if self._startup else WINDOW_BYTES_MIN
        return int(min(max(gain * pipe, floor), WINDOW_BYTES_MAX))

    def _pace(self) -> float:
        gain = STARTUP_GAIN if self._startup else PACE_CYCLE[self._cycle]
        return gain * self.rate

    def on_delivered(
        self, now: float, size: int, *, sent_at: float, delivered_at_send: int, in_flight: int, is_sample: bool = True
    ) -> None:
        """A packet of `size` bytes arrived, sent when `delivered_at_send` bytes had been.

        Not `is_sample` if its entries came in another packet: then its time measures nothing.
        """
        self.delivered_bytes += size
        if not is_sample:
            return
        elapsed = now - sent_at
        if elapsed < ELAPSED_S_MIN:
            elapsed = ELAPSED_S_MIN
        if elapsed < self._rtt_s or now - self._rtt_at > RTT_MEMORY_S:
            self._rtt_s = elapsed
            self._rtt_at = now
        current = self._round
        current.samples += 1
        if elapsed < current.rtt_s:
            current.rtt_s = elapsed
        rate = (self.delivered_bytes - delivered_at_send) / elapsed
        if rate > current.rate:
            current.rate = rate
        if delivered_at_send >= current.begin_bytes:
            self._end_round(in_flight)

    def _end_round(self, in_flight: int) -> None:
        """Once a round trip: keep its best rate, and check whether sending more still delivered more."""
        ended, self._round = self._round, _Round(self.delivered_bytes)
        settled_bytes = self.delivered_bytes - ended.begin_bytes + ended.lost_bytes
        is_lossy = ended.lost_bytes > LOSS_SHARE_MAX * max(settled_bytes, 1)
        is_queueing = ended.samples >= STARTUP_SAMPLES_MIN and ended.rtt_s > 1.25 * self._rtt_s + 0.004
        self._rates.append(ended.rate)
        del self._rates[: -RATE_MEMORY_ROUNDS - 1]
        self._cycle = (self._cycle + 1) % len(PACE_CYCLE)
        if not self._startup:
            return
        if self.rate > 1.25 * self._startup_rate:
            self._startup_rate = self.rate
            self._flat_rounds = 0
        elif in_flight > DATAGRAM_BYTES_MAX:  # a round with too little to send shows nothing
            self._flat_rounds += 1
        if is_queueing or self._flat_rounds >= STARTUP_ROUNDS_FLAT_MAX or (is_lossy and self._flat_rounds):
            self._startup = False
            self._cycle = 1

    def on_lost(self, size: int) -> None:
        self._round.lost_bytes += size

    def allowed_bytes(self, now: float, in_flight: int) -> int:
        """How many bytes may go now, under the window and the pace."""
        room = self.window_bytes - in_flight
        pace = self._pace()
        if pace:
            self._credit_bytes = min(BURST_BYTES, self._credit_bytes + (now - self._credit_at) * pace)
            self._credit_at = now
            # To the nearest byte: or what `next_timeout` waits for might never be there, by a rounding of the clock.
            room = min(room, round(self._credit_bytes))
        return max(room, 0)

    def on_sent(self, size: int) -> None:
        self._credit_bytes -= size

    def next_timeout(self, now: float, in_flight: int) -> float | None:
        """When a datagram may go, if only the pace holds it back."""
        if self.window_bytes - in_flight < DATAGRAM_BYTES_MAX:
            return None
        pace = self._pace()
        if not pace:
            return now
        return self._credit_at + max(DATAGRAM_BYTES_MAX - self._credit_bytes, 0.0) / pace
