"""Which packets on their way down are delivered, lost, or overdue (SPEC 5.3).

Packets are not retransmitted: each knows which entries it carried, and those that the replica still lacks are sent
again in another packet. Loss is detected as in QUIC (RFC 9002 section 6.1), except that a sender waits longer where the
receiver reports reordering. The last packets before a silence are probed (section 6.2), early and often in small rooms:
there a datagram costs little, and a missing message much.
"""

from __future__ import annotations

from udpchat.session.timers import backoff_s, earliest
from udpchat.sync.acks import HOLD_PACKETS, HOLD_S, PROMPT_ACK_DELAY_S
from udpchat.sync.bbr import BbrController
from udpchat.sync.rtt import RoundTrip
from udpchat.sync.subscription import EntrySpan
from udpchat.wire.frames import Ack, AckedPackets
from udpchat.wire.packets import Address

PROBE_S_MIN = 0.003
PROBES_BEFORE_BACKOFF = 2
PROBE_S_MAX = 0.25  # while the peer has been silent for less than SILENT_S
PROBE_SILENT_S_MAX = 1.0
OVERDUE_S_MAX = 1.2  # since it was sent, however late packets come; for a first probe half as much again: below 2 s
SILENT_S = 3.0
GROUP_LATE_S_MIN = 0.1  # after a group packet was sent: a busy client has read it by then
_NOT_COMPUTED = float("-inf")


class PathEstimate:
    """The measures of the path to `address`. They hold for another port of the same host too (RFC 9000 section 9.4).

    They are replaced together when the host changes. `reordering_s` is how long after its successor a packet came at
    most, as the receiver last reported.
    """

    __slots__ = ("address", "congestion", "reordering_s", "round_trip")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.round_trip = RoundTrip()
        self.congestion = BbrController()
        self.reordering_s = 0.0

    @property
    def group_late_s(self) -> float:
        """So long after a group packet was sent (SPEC 5.8), an ack that does not report its entries shows it lost."""
        return max(self.round_trip.timeout_s + self.reordering_s, GROUP_LATE_S_MIN)


class SentPacket:
    """One packet in flight."""

    __slots__ = ("at", "delivered_at_send", "followed_at", "size", "spans")

    def __init__(self, at: float, size: int, spans: tuple[EntrySpan, ...], delivered_at_send: int) -> None:
        self.at = at
        self.followed_at = float("inf")  # when the next one went
        self.size = size
        self.spans = spans
        self.delivered_at_send = delivered_at_send

    def is_held(self) -> bool:
        """Whether the replica holds all that was in it, by whichever packet it came."""
        return all(span.subscription.holds(span.first, span.last) for span in self.spans)


class _NewestAcked:
    """The highest packet acknowledged, and when it was sent.

    Packets sent before `waited_until`, and not acknowledged, have been missing at the receiver since.
    """

    __slots__ = ("counter", "sent_at", "waited_until")

    def __init__(self) -> None:
        self.counter = -1
        self.sent_at = self.waited_until = float("-inf")


class LossDetection:
    """The packets of one session that carry entries, in the order of their counters, and the estimate of their path."""

    __slots__ = (
        "_ack_delay_s", "_acked_at", "_last", "_loss_at", "_newest", "_probe_at", "_probes", "_sent", "_sent_at",
        "bytes_in_flight", "lost", "path",
    )  # fmt: skip

    def __init__(self, address: Address) -> None:
        """`address`: where packets are sent to."""
        self.path = PathEstimate(address)
        self.bytes_in_flight = 0
        self.lost = 0  # packets so far
        self._sent: dict[int, SentPacket] = {}
        self._sent_at = 0.0
        self._acked_at = float("-inf")
        self._ack_delay_s = 0.0
        self._newest = _NewestAcked()
        self._last: SentPacket | None = None
        self._probes = 0
        self._probe_at: float | None = None
        self._loss_at: float | None = None

    def on_sent(self, now: float, counter: int, size: int, spans: tuple[EntrySpan, ...], *, ack_delay_s: float) -> None:
        """A packet with entries was sent; its receiver may delay the ack by `ack_delay_s`."""
        congestion = self.path.congestion
        sent = self._sent[counter] = SentPacket(now, size, spans, congestion.delivered_bytes)
        if self._last is not None:
            self._last.followed_at = now
        self._last = sent
        self.bytes_in_flight += size
        self._sent_at = now
        self._ack_delay_s = congestion.ack_delay_s = ack_delay_s
        if self._probe_at is None or not self._probes:
            self._arm_probe(now)

    def _arm_probe(self, now: float) -> None:
        """Probe a round trip after the last send, or after the next ack that the receiver sends after its ack delay."""
        if not self._sent:
            self._probe_at = None
        elif not self._probes:
            self._probe_at = _NOT_COMPUTED
        else:
            timeout_s = self._probe_timeout_s()
            ceiling_s = PROBE_S_MAX if now - self._acked_at < SILENT_S else PROBE_SILENT_S_MAX
            repeats = self._probes - PROBES_BEFORE_BACKOFF
            wait_s = backoff_s(timeout_s + self._ack_delay_s / 2, repeats, max_s=max(ceiling_s, timeout_s))
            self._probe_at = now + wait_s

    def _probe_timeout_s(self) -> float:
        timeout_s = max(self.path.round_trip.timeout_s, PROBE_S_MIN) + self.path.reordering_s
        return min(timeout_s, OVERDUE_S_MAX)

    def _first_probe_at(self) -> float:
        """It changes with each packet and each ack, and is computed when it is asked for."""
        timeout_s, sent_at, ack_delay_s = self._probe_timeout_s(), self._sent_at, self._ack_delay_s
        # Acks that do not name it, as repeated reports of a gap, must not postpone the probe for ever.
        acked_at = min(self._acked_at, sent_at + timeout_s)
        is_prompt = ack_delay_s <= PROMPT_ACK_DELAY_S
        answered_at = acked_at + ack_delay_s - timeout_s / 2 if is_prompt else sent_at + 1.5 * ack_delay_s
        return max(sent_at, answered_at) + timeout_s

    def on_ack(self, now: float, ack: Ack) -> tuple[list[SentPacket], list[SentPacket]]:
        """The packets that an ack shows to be (delivered, lost), in order. The caller checked that they were sent."""
        self._acked_at = now
        packets = ack.packets
        if packets is not None:
            self.path.reordering_s = packets.reordering_ms / 1000
            self._on_newest(now, packets)
        delivered, congestion = [], self.path.congestion
        for counter, is_named in self._delivered(packets):
            sent = self._sent.pop(counter)
            self.bytes_in_flight -= sent.size
            congestion.on_delivered(
                now,
                sent.size,
                sent_at=sent.at,
                delivered_at_send=sent.delivered_at_send,
                in_flight=self.bytes_in_flight,
                is_sample=is_named,
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

    def _delivered(self, packets: AckedPackets | None) -> list[tuple[int, bool]]:
        """The oldest packets up to one that is missing, and those behind it that an ack names: (counter, is it named).

        The work is in proportion to these, not to all that is in flight: a peer may have much in flight, and send an
        ack for each. A packet behind the missing one whose entries are held is found once that one is repaired or lost.
        """
        delivered: list[tuple[int, bool]] = []
        for counter, sent in self._sent.items():
            is_named = packets is not None and _is_named(counter, packets)
            if not (is_named or sent.is_held()):
                if packets is not None:
                    delivered += [(later, True) for later in _named_after(counter, packets) if later in self._sent]
                break
            delivered.append((counter, is_named))
        return delivered

    def _on_newest(self, now: float, packets: AckedPackets) -> None:
        """Take from an ack the round trip, and how long its sender has waited for packets that it does not have."""
        sent, newest = self._sent.get(packets.largest), self._newest
        if sent is not None:
            self.path.round_trip.on_sample(now - sent.at - packets.delay_us / 1e6)
        if packets.largest > newest.counter:
            newest.counter = packets.largest
            newest.sent_at = newest.waited_until if sent is None else sent.at
        if packets.largest == newest.counter:
            newest.waited_until = max(newest.waited_until, newest.sent_at + packets.delay_us / 1e6)

    def _take_lost(self, now: float) -> list[SentPacket]:
        """Packets that a later one overtook by too much, by number or by time.

        Where the path reorders, the receiver's clock decides; ours does only if no ack arrives in the time it may take,
        or if the packet is overdue: how late packets come is measured from their successors, which may be sent late.
        A packet is lost no later than those sent after it, so the first that is not lost ends the search.
        """
        reordering_s, newest = self.path.reordering_s, self._newest
        round_trip_s = self.path.round_trip.smoothed_s
        wait_s = max(1.125 * round_trip_s, round_trip_s + HOLD_S)
        lost: list[int] = []
        self._loss_at = None
        for counter, sent in self._sent.items():
            if counter >= newest.counter:
                break
            if reordering_s == 0.0:
                due = sent.at + wait_s
                is_lost = newest.counter - counter >= HOLD_PACKETS
            else:
                overtaken_at = sent.followed_at + wait_s + self._ack_delay_s + 2 * reordering_s
                due = min(overtaken_at, sent.at + max(wait_s, OVERDUE_S_MAX))
                is_lost = newest.waited_until - sent.followed_at >= reordering_s + HOLD_S / 2
            if not is_lost and now < due:
                self._loss_at = due
                break
            lost.append(counter)
        return [self._lose(counter) for counter in lost]

    def _lose(self, counter: int) -> SentPacket:
        sent = self._sent.pop(counter)
        self.bytes_in_flight -= sent.size
        self.path.congestion.on_lost(sent.size)
        self.lost += 1
        return sent

    def handle_timeout(self, now: float) -> tuple[list[SentPacket], list[SentPacket]]:
        """(lost, probed): packets lost by time, and those in flight whose entries are to be sent again as a probe."""
        lost = self._take_lost(now) if self._loss_at is not None and now >= self._loss_at else []
        probed: list[SentPacket] = []
        probe_at = self._due_probe_at()
        if not self._sent:
            self._probe_at = None
        elif probe_at is not None and now >= probe_at:
            probed = list(self._sent.values())
            self._probes += 1
            self._arm_probe(now)
        return lost, probed

    def next_timeout(self) -> float | None:
        """When a packet is lost by time or a probe is due."""
        probe_at = self._due_probe_at()
        return probe_at if self._loss_at is None else earliest(self._loss_at, probe_at)

    def _due_probe_at(self) -> float | None:
        if self._probe_at == _NOT_COMPUTED:
            self._probe_at = self._first_probe_at()
        return self._probe_at

    def change_path(self, address: Address) -> list[SentPacket]:
        """Packets go to another address from here on; returns those in flight, which are given up.

        The former address may lead nowhere since before they were sent. Later acks of them still report which entries
        the replica holds, but measure nothing here any more.
        """
        if address[0] == self.path.address[0]:
            self.path.address = address
        else:
            self.path = PathEstimate(address)
        return self.forget()

    def forget(self) -> list[SentPacket]:
        """Give up the packets in flight, as when another session follows; returns them."""
        forgotten = list(self._sent.values())
        self._sent.clear()
        self.bytes_in_flight = 0
        self._newest = _NewestAcked()
        self._last = None
        self._probes = 0
        self._probe_at = self._loss_at = None
        return forgotten


def _is_named(counter: int, acked: AckedPackets) -> bool:
    """Whether an ack names this packet, and not only entries that another packet may have brought as well."""
    behind = acked.largest - counter
    return behind == 0 or (0 < behind <= 64 and bool(acked.received >> (behind - 1) & 1))


def _named_after(counter: int, acked: AckedPackets) -> list[int]:
    """The packets behind this one that an ack names, in order."""
    first = max(counter + 1, acked.largest - 64)
    named = [later for later in range(first, acked.largest) if acked.received >> (acked.largest - later - 1) & 1]
    return [*named, acked.largest] if acked.largest > counter else []
