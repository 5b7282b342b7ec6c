"""Everything that goes down to one peer: its subscriptions, its packets in flight, and what goes next (SPEC 5.4).

In order of priority: answers and other control frames, repairs, live entries, then the backlog under congestion
control. Frames that are due together share packets.
"""

from __future__ import annotations

from collections.abc import Iterable

from udpchat.session.timers import earliest
from udpchat.sync.acks import REPEAT_S_MAX
from udpchat.sync.ended_follows import Ends
from udpchat.sync.log_stream import ANNOUNCE_AFTER_S, EncodedEntries, LogStream
from udpchat.sync.loss import LossDetection, SentPacket
from udpchat.sync.send_queue import Packet, SendQueue, packets_of
from udpchat.sync.subscription import EntrySpan, Subscription
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Ack, Cursor
from udpchat.wire.limits import ACK_LOGS_MAX, DATAGRAM_BYTES_MAX, LAG_BYTES_MAX, REPAIR_BYTES_MAX
from udpchat.wire.packets import Address

PROBE_BYTES_MAX = 2 * DATAGRAM_BYTES_MAX


class Downlink:
    """The sending end of "logs down" for one peer. `uplink` is the receiving end."""

    __slots__ = (
        "_announce_at", "_announced", "_backlogged", "_restart_at_min", "_under_way", "ends", "loss_detection", "queue",
        "subscriptions", "unreadable",
    )  # fmt: skip

    def __init__(self, address: Address) -> None:
        """`address`: where packets are sent to."""
        self.unreadable: str | None = None  # why entries that it needs could not be read from a log
        self.subscriptions: dict[str, Subscription] = {}
        self.loss_detection = LossDetection(address)
        self.queue = SendQueue()
        self._backlogged = False
        self._under_way: dict[Subscription, None] = {}  # those with entries scheduled since nothing was under way
        self._announce_at: float | None = None  # for subscriptions whose replica has not reported yet
        self._announced = 0
        self.ends = Ends()
        self._restart_at_min = float("-inf")  # limits how often a client may move its cursor back

    # --- What the application does ----------

    def follow(self, now: float, stream: LogStream) -> None:
        """The peer follows a log, or requests it again: send the head, which it answers with what it holds."""
        if (subscription := self.subscriptions.get(stream.log)) is None:
            subscription = self.subscriptions[stream.log] = Subscription(stream)
            stream.followers += 1
        self.announce(subscription)
        if not subscription.is_known:
            self._announced, self._announce_at = 0, now + ANNOUNCE_AFTER_S[0]

    def unfollow(self, log: str) -> None:
        """The peer follows a log no longer."""
        subscription = self.subscriptions.pop(log, None)
        if subscription is not None:
            subscription.stream.followers -= 1
            self.queue.remove(subscription)
            self._under_way.pop(subscription, None)

    def _restart(self, subscription: Subscription) -> Subscription:
        """A new subscription in its place: packets in flight to the former replica show nothing about the new one."""
        self.queue.remove(subscription)
        self._under_way.pop(subscription, None)
        restarted = self.subscriptions[subscription.stream.log] = Subscription(subscription.stream)
        restarted.entered = subscription.entered
        return restarted

    def send(self, frame: bytes) -> None:
        """Send a frame once, with the next packet. A peer that misses an answer repeats its request."""
        self.queue.add_answer(frame)

    def announce(self, subscription: Subscription) -> None:
        """Send how far a log reaches."""
        self.queue.add_head(subscription)

    def announce_missing(self) -> None:
        """With each heartbeat: the heads of logs of which the peer has not acknowledged everything."""
        for subscription in [one for one in self.subscriptions.values() if one.is_behind][:ACK_LOGS_MAX]:
            self.announce(subscription)

    def _is_lagging(self) -> bool:
        unacked = self.loss_detection.bytes_in_flight + self.queue.entries_bytes
        return unacked > LAG_BYTES_MAX and unacked > LAG_BYTES_MAX + self.loss_detection.path.congestion.window_bytes

    def publish(self, log: str, frames: list[EncodedEntries]) -> None:
        """A log has grown by these entries: queue them; those not given, or too many for a peer, become backlog."""
        subscription = self.subscriptions[log]
        first, last = subscription.publish()
        self._under_way[subscription] = None
        if not subscription.is_known:
            self.announce(subscription)
        for encoded in frames:
            if not encoded.fragment and self._is_lagging():  # the fragments of an entry go together
                break
            self.queue.add_entries(subscription, encoded)
            first = encoded.last + 1
        if first <= last:
            subscription.backlog.add(first, last)
            self._backlogged = True

    # --- What the network reports ----------

    def receive_ack(self, now: float, ack: Ack, *, packets_sent: int, is_newest: bool = False) -> None:
        """An ack of this session. Raises BadDatagram(UNSENT_ACK) if it names a packet or an entry that was never sent.

        `is_newest`: no packet that the peer sent later has come before. A replica that reports less than before is then
        a new one, as after leaving a room and joining it again.
        """
        if ack.packets is not None and ack.packets.largest >= packets_sent:
            raise BadDatagram(Drop.UNSENT_ACK)
        changed: dict[Subscription, None] = {}
        for cursor in ack.cursors:
            if (subscription := self.subscriptions.get(cursor.log)) is not None:
                changed[self._receive_cursor(now, subscription, cursor, is_newest=is_newest)] = None
        delivered, lost = self.loss_detection.on_ack(now, ack)
        for sent in delivered:
            for span in sent.spans:
                if span.last > span.subscription.sequence and span.fragment is None:  # else a cursor has reported it
                    span.subscription.on_held(span.first, span.last)
        if lost:
            changed.update(self._repair(lost, REPAIR_BYTES_MAX))
        self._schedule(now, changed)

    def _receive_cursor(
        self, now: float, subscription: Subscription, cursor: Cursor, *, is_newest: bool
    ) -> Subscription:
        """Take a cursor in; the subscription that it is about, which is a new one if the replica is."""
        if cursor.generation != subscription.stream.generation:
            self.announce(subscription)
            return subscription
        is_behind = subscription.is_known and cursor.sequence < subscription.sequence
        if is_behind and is_newest and now >= self._restart_at_min:
            self._restart_at_min = now + REPEAT_S_MAX
            subscription = self._restart(subscription)
        subscription.on_cursor(cursor)
        return subscription

    def _schedule(self, now: float, changed: Iterable[Subscription]) -> None:
        """Schedule what is missing of the subscriptions that changed; of all, once nothing is under way any more."""
        if self._under_way and not self.loss_detection.bytes_in_flight and not self.queue.has_entries:
            for subscription in self._under_way:
                if not subscription.backlog:
                    subscription.unschedule()  # nothing is under way: send all that is not held again
            changed, self._under_way = {**self._under_way, **dict.fromkeys(changed)}, {}
        for subscription in changed:
            if subscription.is_behind:
                subscription.schedule_missing(now - self.loss_detection.path.group_late_s)
                if subscription.is_known and subscription.sequence < subscription.stream.base:
                    self.announce(subscription)  # the entries that it waits for are not kept any more
            if subscription.backlog:
                self._backlogged = True
                self._under_way[subscription] = None

    def _repair(self, lost: list[SentPacket], bytes_max: int) -> dict[Subscription, None]:
        """Queue what lost packets carried and the replica does not hold.

        What exceeds `bytes_max` becomes backlog with the next `_schedule` of the subscriptions returned.
        """
        changed: dict[Subscription, None] = {}
        for span in self._queue_again([span for sent in lost for span in sent.spans], bytes_max):
            span.subscription.unschedule(span.first, span.last)
            if self.subscriptions.get(span.subscription.stream.log) is span.subscription:
                changed[span.subscription] = None
        return changed

    def _queue_again(self, spans: list[EntrySpan], bytes_max: int) -> list[EntrySpan]:
        """Queue what the replica does not hold of these; returns those of which not everything was queued."""
        queued = self.queue.entry_keys()
        left, size = list[EntrySpan](), 0
        for span in spans:
            subscription = span.subscription
            if (
                span.key in queued
                or self.subscriptions.get(subscription.stream.log) is not subscription
                or subscription.holds(span.first, span.last)
            ):
                continue
            frames = span.frames() if size <= bytes_max else ()  # which may have to be read
            if not frames or frames[-1].last < span.last:
                left.append(span)
                continue
            queued.add(span.key)
            for encoded in frames:
                size += len(encoded.frame)
                self.queue.add_entries(subscription, encoded)
        return left

    def handle_timeout(self, now: float) -> None:
        """Queue what is lost by time, probes, and heads that were not answered."""
        if (due := self.loss_detection.next_timeout()) is not None and now >= due:
            lost, probed = self.loss_detection.handle_timeout(now)
            changed = self._repair(lost, REPAIR_BYTES_MAX)
            self._queue_again([span for sent in probed for span in sent.spans], PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)
            if probed and not self.queue.has_entries:
                self.loss_detection.forget()  # the replica holds all of it, it was replaced, or its log is not followed
            if lost or not self.loss_detection.bytes_in_flight:
                self._schedule(now, changed)
        for frame in self.ends.due(now) if self.ends else ():
            self.send(frame)
        if self._announce_at is not None and now >= self._announce_at:
            unknown = [subscription for subscription in self.subscriptions.values() if not subscription.is_known]
            for subscription in unknown[:ACK_LOGS_MAX]:
                self.announce(subscription)
            self._announced = min(self._announced + 1, len(ANNOUNCE_AFTER_S) - 1)
            self._announce_at = now + ANNOUNCE_AFTER_S[self._announced] if unknown else None

    def next_timeout(self, now: float) -> float | None:
        """When something here is due next."""
        if self.queue.has_frames:
            return now
        loss_detection, paced_at = self.loss_detection, None
        if self._backlogged:
            paced_at = loss_detection.path.congestion.next_timeout(now, loss_detection.bytes_in_flight)
        elif self._announce_at is None and not self.ends:
            return loss_detection.next_timeout()  # the hot path
        return earliest(loss_detection.next_timeout(), self._announce_at, paced_at, self.ends.next_timeout())

    def change_path(self, address: Address) -> None:
        """The peer is at another address; if at another host, what was measured of the former path is void (SPEC 3).

        Of the entries in flight, one probe goes at once, which measures the new path and lets the replica report what
        it holds. What is still missing then becomes backlog: under the window of the new path, not in a burst.
        """
        self._repair(self.loss_detection.change_path(address), PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)

    def reset(self, now: float) -> None:
        """Another session carries this from here on."""
        self.loss_detection.forget()
        self.queue.clear_entries()
        for subscription in self.subscriptions.values():
            subscription.forget()
        if self.subscriptions:
            self._announced, self._announce_at = 0, now + ANNOUNCE_AFTER_S[0]

    # --- What is sent ----------

    @property
    def has_packets(self) -> bool:
        """Whether `drain_packets` may have something to yield."""
        return self._backlogged or self.queue.has_frames

    def drain_packets(self, now: float) -> list[Packet]:
        """The packets that are due now."""
        packets = self.queue.drain()
        if self._backlogged:
            packets.extend(self._drain_backlog(now, sum(len(packet.body) for packet in packets)))
        return packets

    def _drain_backlog(self, now: float, bytes_packed: int) -> list[Packet]:
        """Read the backlogs forward as far as congestion control allows, the shortest first."""
        congestion = self.loss_detection.path.congestion
        allowed = congestion.allowed_bytes(now, self.loss_detection.bytes_in_flight + bytes_packed)
        frames: list[tuple[bytes, EntrySpan | None]] = []
        lagging = [subscription for subscription in self.subscriptions.values() if subscription.backlog]
        for subscription in sorted(lagging, key=lambda one: one.backlog.last - one.backlog.first):
            for encoded in subscription.take_backlog(allowed):
                span = EntrySpan(subscription, encoded.first, encoded.last, encoded.fragment)
                frames.append((encoded.frame, span))
                congestion.on_sent(len(encoded.frame))
                allowed -= len(encoded.frame)
            self.unreadable = subscription.stream.unreadable or self.unreadable
        self._backlogged = any(subscription.readable() is not None for subscription in self.subscriptions.values())
        return packets_of(frames)

    def on_sent(self, now: float, counter: int, size: int, spans: tuple[EntrySpan, ...]) -> None:
        """A packet of `drain_packets` was sent under this counter."""
        if spans:
            ack_delay_s = max([span.subscription.stream.ack_delay_s for span in spans])
            self.loss_detection.on_sent(now, counter, size, spans, ack_delay_s=ack_delay_s)
