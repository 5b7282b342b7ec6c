"""All that goes down to one peer: its feeds, its packets in flight, and what the next packets carry (SPEC 5.4).

In order of rank: answers and control frames, repairs, what is live, then the backlog under the pace. What is due
together shares packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from udpchat.session.timers import earliest
from udpchat.sync.acks import REPEAT_S_MAX
from udpchat.sync.log_stream import ANNOUNCE_AFTER_S, READ_ENTRIES, EncodedEntries, LogStream
from udpchat.sync.loss import EntrySpan, LossDetection, SentPacket
from udpchat.sync.packing import packed
from udpchat.sync.subscription import Subscription
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Ack, Heads, encode
from udpchat.wire.limits import ACK_LOGS_MAX, DATAGRAM_BYTES_MAX, LAG_BYTES_MAX

PROBE_BYTES_MAX = 2 * DATAGRAM_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Packet:
    """The body of a packet to be sealed and sent, and what is to be known of it once it is."""

    body: bytes
    spans: tuple[EntrySpan, ...]


class Downlink:
    """What one peer is owed."""

    __slots__ = (
        "_again_at",
        "_announce_at",
        "_announced",
        "_announcing",
        "_backlogged",
        "_control",
        "_ready",
        "_ready_bytes",
        "loss_detection",
        "owner",
        "subscriptions",
        "unreadable",
    )  # fmt: skip

    def __init__(self, owner: Any = None) -> None:
        self.owner = owner
        self.unreadable = ""  # why a part of a log that it needs could not be read
        self.subscriptions: dict[str, Subscription] = {}
        self.loss_detection = LossDetection()
        self._control: list[bytes] = []
        self._announcing: dict[Subscription, None] = {}  # whose heads go with the next packet
        self._ready: list[tuple[EncodedEntries, EntrySpan]] = []
        self._ready_bytes = 0
        self._backlogged = False
        self._announce_at: float | None = None  # for feeds whose replica has not answered yet
        self._announced = 0
        self._again_at = float("-inf")  # before it, no feed begins again: who denies what it has gets no flood

    # --- What the application says ----------

    def follow(self, now: float, stream: LogStream) -> None:
        """The peer follows a log from here on, or says so again; it is told the head, and answers what it holds."""
        subscription = self.subscriptions.get(stream.log)
        if subscription is None:
            subscription = self.subscriptions[stream.log] = Subscription(stream, self)
            stream.subscriptions[subscription] = None
        self.announce(subscription)
        if not subscription.is_known:
            self._announced = 0
            self._announce_at = now + ANNOUNCE_AFTER_S[0]

    def unfollow(self, log: str) -> None:
        """The peer follows a log no longer."""
        subscription = self.subscriptions.pop(log, None)
        if subscription is not None:
            subscription.stream.subscriptions.pop(subscription, None)
            self._announcing.pop(subscription, None)
            self._ready = [ready for ready in self._ready if ready[1].subscription is not subscription]
            self._ready_bytes = sum(len(encoded.frame) for encoded, _ in self._ready)

    def _begin_again(self, subscription: Subscription) -> Subscription:
        """Another feed in its place: what is under way to the replica before says nothing of what this one holds."""
        self.unfollow(subscription.stream.log)
        again = self.subscriptions[subscription.stream.log] = Subscription(subscription.stream, self)
        again.entered = subscription.entered
        subscription.stream.subscriptions[again] = None
        return again

    def send(self, frame: bytes) -> None:
        """A frame for the next packet: an answer, sent once; whoever misses it asks again."""
        self._control.append(frame)

    def announce(self, subscription: Subscription) -> None:
        """Tell how far a log reaches."""
        self._announcing[subscription] = None

    def announce_missing(self) -> None:
        """With each heartbeat: the heads of logs of which the peer has not acknowledged everything."""
        missing = [
            subscription
            for subscription in self.subscriptions.values()
            if subscription.sequence < subscription.stream.head
        ]
        for subscription in missing[:ACK_LOGS_MAX]:
            self.announce(subscription)

    def _is_lagging(self) -> bool:
        unacked = self.loss_detection.bytes_in_flight + self._ready_bytes
        return unacked > LAG_BYTES_MAX and unacked > LAG_BYTES_MAX + self.loss_detection.pace.window_bytes

    def publish(self, subscription: Subscription, frames: list[EncodedEntries]) -> None:
        """The stream of a feed has grown by these: what is too much for now becomes backlog."""
        subscription.scheduled.add(frames[0].first, frames[-1].last)
        if not subscription.is_known:
            self.announce(subscription)
        for encoded in frames:
            if encoded.fragment <= 0 and self._is_lagging():
                subscription.backlog.add(encoded.first, frames[-1].last)
                self._backlogged = True
                return
            self._ready.append((encoded, EntrySpan(subscription, encoded.first, encoded.last, encoded.fragment)))
            self._ready_bytes += len(encoded.frame)

    # --- What the network says ----------

    def receive_ack(self, now: float, ack: Ack, *, packets_sent: int, is_newest: bool = False) -> None:
        """An ack of this session. Of what was never sent: BadDatagram(UNSENT_ACK), and the session ends.

        `is_newest`: none that was sent later has come before, so that a replica that holds less than it did was made
        anew, as when its room was left and joined again.
        """
        if ack.largest >= packets_sent:
            raise BadDatagram(Drop.UNSENT_ACK)
        for cursor in ack.cursors:
            subscription = self.subscriptions.get(cursor.log)
            if subscription is None:
                continue
            if cursor.generation == subscription.stream.generation:
                if (
                    is_newest
                    and cursor.sequence < subscription.sequence
                    and subscription.is_known
                    and now >= self._again_at
                ):
                    self._again_at = now + REPEAT_S_MAX
                    subscription = self._begin_again(subscription)
                subscription.on_cursor(cursor)
            else:
                self.announce(subscription)
        delivered, lost = self.loss_detection.on_ack(now, ack)
        for sent in delivered:
            for span in sent.spans:
                if span.fragment < 0:
                    span.subscription.on_held(span.first, span.last)
        self._repair(lost, LAG_BYTES_MAX)
        self._schedule()

    def _schedule(self) -> None:
        idle = not self.loss_detection.bytes_in_flight and not self._ready
        for subscription in self.subscriptions.values():
            if idle and subscription.scheduled and not subscription.backlog:
                subscription.scheduled.clear()  # nothing is under way: whatever is not held goes again
            if subscription.sequence < subscription.stream.head:
                subscription.schedule_missing()
                if subscription.is_known and subscription.sequence < subscription.stream.base:
                    self.announce(subscription)  # what it waits for is not kept any more
            if subscription.backlog:
                self._backlogged = True

    def _repair(self, lost: list[SentPacket], bytes_max: int) -> None:
        """Queue once more what lost packets carried and the replica does not hold; what is too much becomes backlog."""
        for span in self._queue_again([span for sent in lost for span in sent.spans], bytes_max):
            span.subscription.scheduled.remove(span.first, span.last)

    def _queue_again(self, spans: list[EntrySpan], bytes_max: int) -> list[EntrySpan]:
        """Queue what these carried and the replica does not hold; those of which not everything was queued."""
        queued = {(span.subscription, span.first, span.fragment) for _, span in self._ready}
        left = []
        size = 0
        for span in spans:
            subscription = span.subscription
            key = (subscription, span.first, span.fragment)
            if (
                key in queued
                or self.subscriptions.get(subscription.stream.log) is not subscription
                or subscription.holds(span.first, span.last)
            ):
                continue
            frames = [
                encoded
                for encoded in subscription.stream.frames(span.first, span.last)
                if span.fragment in (-1, encoded.fragment)
            ]
            if not frames or frames[-1].last < span.last or size > bytes_max:
                left.append(span)
                continue
            queued.add(key)
            for encoded in frames:
                size += len(encoded.frame)
                self._ready.append((encoded, EntrySpan(subscription, encoded.first, encoded.last, encoded.fragment)))
                self._ready_bytes += len(encoded.frame)
        return left

    def handle_timeout(self, now: float) -> None:
        """Queue what is lost by time, and probes for what is overdue."""
        if (due := self.loss_detection.next_timeout()) is not None and now >= due:
            lost, probed = self.loss_detection.handle_timeout(now)
            self._repair(lost, LAG_BYTES_MAX)
            self._queue_again([span for sent in probed for span in sent.spans], PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)
            if probed and not self._ready:
                self.loss_detection.forget()  # nobody waits for any of it
            if lost:
                self._schedule()
        if self._announce_at is not None and now >= self._announce_at:
            unknown = [subscription for subscription in self.subscriptions.values() if not subscription.is_known]
            for subscription in unknown[:ACK_LOGS_MAX]:
                self.announce(subscription)
            self._announced = min(self._announced + 1, len(ANNOUNCE_AFTER_S) - 1)
            self._announce_at = now + ANNOUNCE_AFTER_S[self._announced] if unknown else None

    def next_timeout(self, now: float) -> float | None:
        """When something here is due next."""
        if self._control or self._announcing or self._ready:
            return now
        loss_detection, paced_at = self.loss_detection, None
        if self._backlogged:
            paced_at = loss_detection.pace.next_timeout(now, loss_detection.bytes_in_flight)
        return earliest(loss_detection.next_timeout(), self._announce_at, paced_at)

    def change_path(self) -> None:
        """The peer is at another host: all that was measured of the path to the former one is void (SPEC 3).

        Of what was under way there, a probe goes at once, so that the new path is measured and the replica says what
        it holds. The rest is backlog, if it is still missing then: under the window of the new path, not in a burst.
        """
        self._repair(self.loss_detection.change_path(), PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)

    def reset(self, now: float) -> None:
        """Another session carries this from here on."""
        self.loss_detection.forget()
        self._ready.clear()
        self._ready_bytes = 0
        for subscription in self.subscriptions.values():
            subscription.forget()
        if self.subscriptions:
            self._announced = 0
            self._announce_at = now + ANNOUNCE_AFTER_S[0]

    # --- What goes out ----------

    @property
    def has_packets(self) -> bool:
        """Whether `drain_packets` may have something to yield."""
        return bool(self._control or self._announcing or self._ready or self._backlogged)

    def drain_packets(self, now: float) -> list[Packet]:
        """The packets that are due now."""
        if len(self._ready) == 1 and not (self._control or self._announcing or self._backlogged):
            encoded, span = self._ready[0]  # the hot path: one message to a peer that wants nothing else
            self._clear_ready()
            return [Packet(encoded.body, (span,))]
        items: list[tuple[bytes, EntrySpan | None]] = [(frame, None) for frame in self._control]
        items.extend((_heads(subscription), None) for subscription in self._announcing)
        items.extend((encoded.frame, span) for encoded, span in self._ready)
        packets = _packets(items)
        self._control = []
        self._announcing = {}
        self._clear_ready()
        if self._backlogged:
            packets.extend(self._drain_backlog(now, sum(len(packet.body) for packet in packets)))
        return packets

    def _clear_ready(self) -> None:
        self._ready = []
        self._ready_bytes = 0

    def _drain_backlog(self, now: float, just_packed: int) -> list[Packet]:
        """Read the backlogs forward as far as the window and the pace allow, the shortest first."""
        pace = self.loss_detection.pace
        allowed = pace.allowed_bytes(now, self.loss_detection.bytes_in_flight + just_packed)
        items: list[tuple[bytes, EntrySpan | None]] = []
        lagging = [subscription for subscription in self.subscriptions.values() if subscription.backlog]
        for subscription in sorted(
            lagging, key=lambda subscription: subscription.backlog.last - subscription.backlog.first
        ):
            subscription.backlog.remove(0, subscription.stream.base)
            while allowed >= DATAGRAM_BYTES_MAX and (run := subscription.readable()) is not None:
                first, last = run
                frames = subscription.stream.frames(first, min(last, first + READ_ENTRIES - 1))
                if not frames:
                    self.unreadable = subscription.stream.unreadable
                    subscription.backlog.clear()  # unreadable, or below the base now: asked for again if it is missed
                    break
                for encoded in frames:
                    if allowed < DATAGRAM_BYTES_MAX and encoded.fragment <= 0:
                        break
                    span = EntrySpan(subscription, encoded.first, encoded.last, encoded.fragment)
                    items.append((encoded.frame, span))
                    subscription.backlog.remove(encoded.first, encoded.last)
                    pace.on_sent(len(encoded.frame))
                    allowed -= len(encoded.frame)
        self._backlogged = any(subscription.readable() is not None for subscription in self.subscriptions.values())
        return _packets(items)

    def on_sent(self, now: float, counter: int, size: int, spans: tuple[EntrySpan, ...]) -> None:
        """A packet of `drain_packets` went under this counter."""
        if spans:
            ack_delay_s = max(span.subscription.stream.ack_delay_s for span in spans)
            self.loss_detection.on_sent(now, counter, size, spans, ack_delay_s=ack_delay_s)


def _packets(items: list[tuple[bytes, EntrySpan | None]]) -> list[Packet]:
    return [Packet(body, tuple(span for span in spans if span is not None)) for body, spans in packed(items)]


def _heads(subscription: Subscription) -> bytes:
    return encode(Heads(subscription.stream.ack_delay_ms, [subscription.head()]))
