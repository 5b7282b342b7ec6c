"""When a receiver acknowledges, and what it reports about the packets it received (SPEC 5.2).

An ack that is sent alone waits for the ack delay that the sender requested. A gap is reported after a hold, because
Wi-Fi reorders. The ack also reports the recent reordering, so that the sender does not repair what is only delayed.
"""

from __future__ import annotations

from udpchat.session.timers import backoff_s, earliest
from udpchat.wire.frames import Ack, AckedPackets, Cursor
from udpchat.wire.limits import ACK_INTERVAL_S_MIN

HOLD_S = 0.003  # Valve's GameNetworkingSockets waits as long before it calls a gap a gap
HOLD_PACKETS = 3  # RFC 9002 section 6.1.1
PROMPT_ACK_DELAY_S = 0.05  # up to here the first packet after a pause is acknowledged at once
REORDERING_S_MAX = 1.0
REORDERING_MEMORY_S = 60.0  # how long a receiver remembers that the path reorders
REPEAT_S_MIN = 0.1  # an open gap is reported again when nothing comes: the report was lost, or our address changed
REPEAT_S_MAX = 0.5  # after doublings
MISSING_MAX = 64  # packets that an Ack can name one by one
_BITS = (1 << 64) - 1


class AckSchedule:
    """The received packets of one session: which were processed, and when to acknowledge them."""

    __slots__ = (
        "_at", "_due", "_largest", "_missing", "_received", "_reordering_s", "_reordering_until", "_reported",
        "_reports", "_sent_at",
    )  # fmt: skip

    def __init__(self) -> None:
        self._largest = -1  # the largest counter received; they begin at 0
        self._received = 0  # bit i: counter `_largest - 1 - i` was received
        self._at = 0.0  # when the largest came
        self._missing: dict[int, float] = {}  # counter -> when a later one came
        self._reported = -1  # gaps up to here have been acknowledged
        self._due: float | None = None
        self._sent_at = float("-inf")
        self._reports = 0  # acks sent since a packet came: a gap is reported again, less and less often
        self._reordering_s = 0.0
        self._reordering_until = 0.0

    def on_packet(self, now: float, counter: int) -> None:
        """A packet was processed completely. One that was not is not acknowledged, so its entries are sent again."""
        self._reports = 0
        if counter > self._largest:
            skipped = counter - self._largest - 1
            first = self._largest < 0 or skipped >= MISSING_MAX
            self._received = 0 if first else ((self._received << 1 | 1) << skipped) & _BITS
            if self._largest >= 0:
                for missing in range(max(self._largest + 1, counter - MISSING_MAX), counter):
                    self._missing[missing] = now
            self._largest = counter
            self._at = now
            while self._missing and next(iter(self._missing)) < counter - MISSING_MAX:
                del self._missing[next(iter(self._missing))]
        elif counter < self._largest:
            behind = self._largest - counter - 1
            if behind < 64:
                self._received |= 1 << behind
            noticed = self._missing.pop(counter, None)
            if noticed is not None:
                self._reordering_s = min(max(self._reordering_s, now - noticed), REORDERING_S_MAX)
                self._reordering_until = now + REORDERING_MEMORY_S
        self._arm_gap(now)

    def _arm_gap(self, now: float) -> None:
        """Acknowledge an unreported gap after the hold, or at once after three later packets if none is reordered."""
        for counter, noticed in self._missing.items():
            if counter > self._reported:
                is_reordering = self.reordering_s(now) > 0.0
                is_urgent = not is_reordering and self._largest - counter >= HOLD_PACKETS
                self._arm(now if is_urgent else noticed + HOLD_S + self.reordering_s(now))
                return

    def _arm(self, due: float) -> None:
        """At the earliest ACK_INTERVAL_S_MIN after the last, whatever the sender requests or withholds."""
        self._due = earliest(self._due, max(due, self._sent_at + ACK_INTERVAL_S_MIN))

    @property
    def loss(self) -> float:
        """The share of the 64 packets before the largest, or of all if there are fewer, that were not processed."""
        count = min(max(self._largest, 0), 64)
        return 1 - (self._received & ((1 << count) - 1)).bit_count() / count if count else 0.0

    def reordering_s(self, now: float) -> float:
        """How long after its successor a packet came, at most, within REORDERING_MEMORY_S."""
        return self._reordering_s if now < self._reordering_until else 0.0

    def on_entries(self, now: float, ack_delay_s: float, jitter: float) -> None:
        """Entries came: acknowledge them. `jitter` in 0..1 spreads the acks of a large room (RFC 3550 section 6.2)."""
        if ack_delay_s <= PROMPT_ACK_DELAY_S:
            self._arm(max(now, self._sent_at + ack_delay_s))
        else:
            self._arm(now + ack_delay_s * (0.5 + jitter))

    def on_gap(self, now: float) -> None:
        """Entries are known to be missing: report it after the hold."""
        self._arm(now + HOLD_S + self.reordering_s(now))

    def next_timeout(self) -> float | None:
        """When an ack is due; never sooner than ACK_INTERVAL_S_MIN after the last, whatever the sender requests."""
        return None if self._due is None else max(self._due, self._sent_at + ACK_INTERVAL_S_MIN)

    def on_rest(self, now: float) -> None:
        """Not all logs found room in the acks that were sent: the others are due next."""
        self._arm(now)

    def take(self, now: float, cursors: list[Cursor], *, has_gap: bool) -> Ack:
        """The Ack to send now, alone or with other frames. A gap that stays open is reported again with backoff."""
        self._due = now + backoff_s(REPEAT_S_MIN, self._reports, max_s=REPEAT_S_MAX) if has_gap else None
        self._reports += 1
        self._sent_at = now
        self._reported = self._largest
        if now >= self._reordering_until:
            self._reordering_s = 0.0
        if self._largest < 0:
            return Ack(None, cursors)
        delay_us = min(int((now - self._at) * 1e6), 10_000_000)
        reordering_ms = min(-(-int(self._reordering_s * 1e6) // 1000), 1_000)
        return Ack(AckedPackets(self._largest, self._received, delay_us, reordering_ms), cursors)
