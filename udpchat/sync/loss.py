"""Packets on their way down whose content has not been acknowledged, and when each is overdue (SPEC 5.3).

Packets are not retransmitted: a packet knows which spans of which feeds it carried, and what becomes of it,
delivered or lost, is told to them. Loss is what QUIC calls it (RFC 9002 section 6.1), softened by the lateness the
receiver reports; tails are probed for (section 6.2), early and often in small rooms, where a datagram costs nothing
and silence does.
"""

from __future__ import annotations

from dataclasses import dataclass

from udpchat.session.timers import backoff_s, earliest
from udpchat.sync.acks import HOLD_PACKETS, HOLD_S, PROMPT_ACK_DELAY_S
from udpchat.sync.bbr import BbrController
from udpchat.sync.rtt import RoundTrip
from udpchat.sync.subscription import Subscription
from udpchat.wire.frames import Ack

PROBE_S_MIN = 0.003
PROBES_BEFORE_BACKOFF = 2
PROBE_S_MAX = 0.25  # while the peer has been silent for less than SILENT_S
PROBE_SILENT_S_MAX = 1.0
SILENT_S = 3.0


@dataclass(frozen=True, slots=True)
class EntrySpan:
    """What a packet carried of one log: entries `first` to `last`, or one fragment of the entry `first`."""

    subscription: Subscription
    first: int
    last: int
    fragment: int = -1  # its index; -1: whole entries


class SentPacket:
    """One packet in flight."""

    __slots__ = ("at", "delivered_at_send", "followed_at", "size", "spans")

    def __init__(self, at: float, size: int, spans: tuple[EntrySpan, ...], delivered_at_send: int) -> None:
        self.at = at
        self.followed_at = float("inf")  # when the next one went
        self.size = size
        self.spans = spans
        self.delivered_at_send = delivered_at_send


class LossDetection:
    """The packets of one session that carry entries, in the order of their counters, and the measures of their path."""

    __slots__ = (
        "_ack_delay_s",
        "_acked_at",
        "_largest",
        "_largest_at",
        "_last",
        "_loss_at",
        "_probe_at",
        "_probes",
        "_reordering_s",
        "_seen_at",
        "_sent",
        "_sent_at",
        "bytes_in_flight",
        "pace",
        "round_trip",
    )  # fmt: skip

    def __init__(self) -> None:
        self.round_trip = RoundTrip()
        self.pace = BbrController()
        self.bytes_in_flight = 0
        self._sent: dict[int, SentPacket] = {}
        self._sent_at = 0.0
        self._acked_at = float("-inf")
        self._ack_delay_s = 0.0
        self._largest = -1
        self._largest_at = float("-inf")  # when it was sent
        self._seen_at = float("-inf")  # what was sent before that and is not acknowledged is this late
        self._last: SentPacket | None = None
        self._reordering_s = 0.0
        self._probes = 0
        self._probe_at: float | None = None
        self._loss_at: float | None = None

    def on_sent(self, now: float, counter: int, size: int, spans: tuple[EntrySpan, ...], *, ack_delay_s: float) -> None:
        """A packet went that carries entries, to be acknowledged within `ack_delay_s` or so."""
        sent = self._sent[counter] = SentPacket(now, size, spans, self.pace.delivered_bytes)
        if self._last is not None:
            self._last.followed_at = now
        self._last = sent
        self.bytes_in_flight += size
        self._sent_at = now
        self._ack_delay_s = self.pace.ack_delay_s = ack_delay_s
        if self._probe_at is None or not self._probes:
            self._arm_probe(now)

    def _arm_probe(self, now: float) -> None:
        """Overdue: a round trip after the sending, or after the next ack that the receiver may send by its interval."""
        if not self._sent:
            self._probe_at = None
            return
        ack_delay_s, is_prompt = self._ack_delay_s, self._ack_delay_s <= PROMPT_ACK_DELAY_S
        timeout_s = max(self.round_trip.timeout_s, PROBE_S_MIN) + self._reordering_s
        if self._probes == 0:
            # Acks that go on without it, as of a gap left open, must not put it off for ever.
            acked_at = min(self._acked_at, self._sent_at + timeout_s)
            answered_at = acked_at + ack_delay_s - timeout_s / 2 if is_prompt else self._sent_at + 1.5 * ack_delay_s
            self._probe_at = max(self._sent_at, answered_at) + timeout_s
            return
        ceiling_s = PROBE_S_MAX if now - self._acked_at < SILENT_S else PROBE_SILENT_S_MAX
        repeats = self._probes - PROBES_BEFORE_BACKOFF
        wait_s = backoff_s(timeout_s + ack_delay_s / 2, repeats, max_s=max(ceiling_s, timeout_s))
        self._probe_at = now + wait_s

    def on_ack(self, now: float, ack: Ack) -> tuple[list[SentPacket], list[SentPacket]]:
        """What an ack settles: (delivered, lost), in order. The caller checked that the packets were sent."""
        self._acked_at = now
        self._reordering_s = ack.reordering_ms / 1000
        self._on_newest(now, ack)
        delivered = []
        for counter in [counter for counter, sent in self._sent.items() if _is_delivered(counter, sent, ack)]:
            sent = self._sent.pop(counter)
            self.bytes_in_flight -= sent.size
            self.pace.on_delivered(
                now,
                sent.size,
                sent_at=sent.at,
                delivered_at_send=sent.delivered_at_send,
                in_flight=self.bytes_in_flight,
                is_sample=_is_named(counter, ack),
            )
            delivered.append(sent)
        if delivered:
            self._probes = 0
        lost = self._take_lost(now)
        if not self._sent:
            self._sent = {}  # a dict that was large once stays so, and most peers are idle
            self._last = None
        if delivered or not self._probes or not self._sent:
            self._arm_probe(now)
        return delivered, lost

    def _on_newest(self, now: float, ack: Ack) -> None:
        """What an ack says of time: the round trip, and how long its sender has waited for what it does not have."""
        newest = self._sent.get(ack.largest)
        if newest is not None:
            self.round_trip.on_sample(now - newest.at - ack.delay_us / 1e6)
        if ack.largest > self._largest:
            self._largest = ack.largest
            self._largest_at = self._seen_at if newest is None else newest.at
        if ack.largest == self._largest:
            self._seen_at = max(self._seen_at, self._largest_at + ack.delay_us / 1e6)

    def _take_lost(self, now: float) -> list[SentPacket]:
        """Packets that a later one overtook by too much, by number or by time.

        Where the path reorders, the receiver's clock decides; ours only if its word is later than any ack may be.
        """
        reordering_s, is_ordered = self._reordering_s, self._reordering_s == 0.0
        wait_s = max(1.125 * self.round_trip.smoothed_s, self.round_trip.smoothed_s + HOLD_S)
        lost = []
        self._loss_at = None
        for counter, sent in list(self._sent.items()):
            if counter >= self._largest:
                break
            if is_ordered:
                due = sent.at + wait_s
                is_lost = self._largest - counter >= HOLD_PACKETS
            else:
                due = sent.followed_at + wait_s + self._ack_delay_s + 2 * reordering_s
                is_lost = self._seen_at - sent.followed_at >= reordering_s + HOLD_S / 2
            if is_lost or now >= due:
                del self._sent[counter]
                self.bytes_in_flight -= sent.size
                self.pace.on_lost(sent.size)
                lost.append(sent)
            elif self._loss_at is None or due < self._loss_at:
                self._loss_at = due
        return lost

    def handle_timeout(self, now: float) -> tuple[list[SentPacket], list[SentPacket]]:
        """(lost, probed): packets lost by time, and those in flight whose content goes once more as a probe."""
        lost = self._take_lost(now) if self._loss_at is not None and now >= self._loss_at else []
        probed: list[SentPacket] = []
        if not self._sent:
            self._probe_at = None
        elif self._probe_at is not None and now >= self._probe_at:
            probed = list(self._sent.values())
            self._probes += 1
            self._arm_probe(now)
        return lost, probed

    def next_timeout(self) -> float | None:
        """When a packet is lost by time or a probe is due."""
        return earliest(self._loss_at, self._probe_at)

    def change_path(self) -> list[SentPacket]:
        """What follows goes another way, of which nothing is known yet (RFC 9000 section 9.4); what is given up for it.

        Acks of packets sent before are still acks of entries, but measure nothing and settle nothing here any more.
        """
        self.round_trip, self.pace = RoundTrip(), BbrController()
        self._reordering_s = 0.0
        return self.forget()

    def forget(self) -> list[SentPacket]:
        """Give up what is in flight, as when the session is another from here on."""
        forgotten = list(self._sent.values())
        self._sent.clear()
        self.bytes_in_flight = 0
        self._largest = -1
        self._largest_at = self._seen_at = float("-inf")
        self._last = None
        self._probes = 0
        self._probe_at = self._loss_at = None
        return forgotten


def _is_delivered(counter: int, sent: SentPacket, ack: Ack) -> bool:
    return _is_named(counter, ack) or all(span.subscription.holds(span.first, span.last) for span in sent.spans)


def _is_named(counter: int, ack: Ack) -> bool:
    """Whether the ack says that this packet came, and not only what another one brought as well."""
    behind = ack.largest - counter
    return behind == 0 or (0 < behind <= 64 and bool(ack.received >> (behind - 1) & 1))
