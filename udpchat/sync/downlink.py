"""All that goes down to one peer: its feeds, its packets in flight, and what the next packets carry (SPEC 5.4).

In order of rank: answers and control frames, repairs, what is live, then the backlog under the pace. What is due
together shares packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from udpchat.sync.acks import REPEAT_S_MAX
from udpchat.sync.log_stream import ANNOUNCE_AFTER_S, READ_ENTRIES, Subscription, EncodedEntries, LogStream
from udpchat.sync.loss import LossDetection, EntrySpan, SentPacket
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.frames import Ack, Heads, encode, pack
from udpchat.wire.limits import ACK_LOGS_MAX, BODY_BYTES_MAX, DATAGRAM_BYTES_MAX, FRAMES_MAX, LAG_BYTES_MAX

PACK_BYTES_MAX = BODY_BYTES_MAX - 3
PROBE_BYTES_MAX = 2 * DATAGRAM_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Packet:
    """The body of a packet to be sealed and sent, and what is to be known of it once it is."""

    body: bytes
    pieces: tuple[EntrySpan, ...]


class Downlink:
    """What one peer is owed."""

    __slots__ = (
        "_again_at", "_announce_at", "_announced", "_announcing", "_backlogged", "_control", "_ready", "_ready_bytes",
        "feeds", "flight", "owner", "unreadable",
    )  # fmt: skip

    def __init__(self, owner: Any = None) -> None:
        self.owner = owner
        self.unreadable = ""  # why a part of a log that it needs could not be read
        self.feeds: dict[str, Subscription] = {}
        self.flight = LossDetection()
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
        feed = self.feeds.get(stream.log)
        if feed is None:
            feed = self.feeds[stream.log] = Subscription(stream, self)
            stream.feeds[feed] = None
        self.announce(feed)
        if not feed.is_known:
            self._announced = 0
            self._announce_at = now + ANNOUNCE_AFTER_S[0]

    def unfollow(self, log: str) -> None:
        """The peer follows a log no longer."""
        feed = self.feeds.pop(log, None)
        if feed is not None:
            feed.stream.feeds.pop(feed, None)
            self._announcing.pop(feed, None)
            self._ready = [ready for ready in self._ready if ready[1].feed is not feed]
            self._ready_bytes = sum(len(framed.frame) for framed, _ in self._ready)

    def _begin_again(self, feed: Subscription) -> Subscription:
        """Another feed in its place: what is under way to the replica before says nothing of what this one holds."""
        self.unfollow(feed.stream.log)
        again = self.feeds[feed.stream.log] = Subscription(feed.stream, self)
        again.entered = feed.entered
        feed.stream.feeds[again] = None
        return again

    def send(self, frame: bytes) -> None:
        """A frame for the next packet: an answer, sent once; whoever misses it asks again."""
        self._control.append(frame)

    def announce(self, feed: Subscription) -> None:
        """Tell how far a log reaches."""
        self._announcing[feed] = None

    def announce_missing(self) -> None:
        """With each heartbeat: the heads of logs of which the peer has not acknowledged everything."""
        missing = [feed for feed in self.feeds.values() if feed.sequence < feed.stream.head]
        for feed in missing[:ACK_LOGS_MAX]:
            self.announce(feed)

    def _is_lagging(self) -> bool:
        unacked = self.flight.bytes_in_flight + self._ready_bytes
        return unacked > LAG_BYTES_MAX and unacked > LAG_BYTES_MAX + self.flight.pace.window_bytes

    def publish(self, feed: Subscription, frames: list[EncodedEntries]) -> None:
        """The stream of a feed has grown by these: what is too much for now becomes backlog."""
        feed.scheduled.add(frames[0].first, frames[-1].last)
        if not feed.is_known:
            self.announce(feed)
        for framed in frames:
            if framed.part <= 0 and self._is_lagging():
                feed.backlog.add(framed.first, frames[-1].last)
                self._backlogged = True
                return
            self._ready.append((framed, EntrySpan(feed, framed.first, framed.last, framed.part)))
            self._ready_bytes += len(framed.frame)

    # --- What the network says ----------

    def receive_ack(self, now: float, ack: Ack, *, packets_sent: int, is_newest: bool = False) -> None:
        """An ack of this session. Of what was never sent: BadDatagram(UNSENT_ACK), and the session ends.

        `is_newest`: none that was sent later has come before, so that a replica that holds less than it did was made
        anew, as when its room was left and joined again.
        """
        if ack.largest >= packets_sent:
            raise BadDatagram(Drop.UNSENT_ACK)
        for cursor in ack.cursors:
            feed = self.feeds.get(cursor.log)
            if feed is None:
                continue
            if cursor.generation == feed.stream.generation:
                if is_newest and cursor.sequence < feed.sequence and feed.is_known and now >= self._again_at:
                    self._again_at = now + REPEAT_S_MAX
                    feed = self._begin_again(feed)
                feed.on_cursor(cursor)
            else:
                self.announce(feed)
        delivered, lost = self.flight.on_ack(now, ack)
        for sent in delivered:
            for piece in sent.pieces:
                if piece.part < 0:
                    piece.feed.on_held(piece.first, piece.last)
        self._repair(lost, LAG_BYTES_MAX)
        self._schedule()

    def _schedule(self) -> None:
        idle = not self.flight.bytes_in_flight and not self._ready
        for feed in self.feeds.values():
            if idle and feed.scheduled and not feed.backlog:
                feed.scheduled.clear()  # nothing is under way: whatever is not held goes again
            if feed.sequence < feed.stream.head:
                feed.schedule_missing()
                if feed.is_known and feed.sequence < feed.stream.base:
                    self.announce(feed)  # what it waits for is not kept any more
            if feed.backlog:
                self._backlogged = True

    def _repair(self, lost: list[SentPacket], bytes_max: int) -> None:
        """Queue once more what lost packets carried and the replica does not hold; what is too much becomes backlog."""
        for piece in self._queue_again([piece for sent in lost for piece in sent.pieces], bytes_max):
            piece.feed.scheduled.remove(piece.first, piece.last)

    def _queue_again(self, pieces: list[EntrySpan], bytes_max: int) -> list[EntrySpan]:
        """Queue what these carried and the replica does not hold; those of which not everything was queued."""
        queued = {(piece.feed, piece.first, piece.part) for _, piece in self._ready}
        left = []
        size = 0
        for piece in pieces:
            feed = piece.feed
            key = (feed, piece.first, piece.part)
            if key in queued or self.feeds.get(feed.stream.log) is not feed or feed.holds(piece.first, piece.last):
                continue
            frames = [
                framed for framed in feed.stream.frames(piece.first, piece.last) if piece.part in (-1, framed.part)
            ]
            if not frames or frames[-1].last < piece.last or size > bytes_max:
                left.append(piece)
                continue
            queued.add(key)
            for framed in frames:
                size += len(framed.frame)
                self._ready.append((framed, EntrySpan(feed, framed.first, framed.last, framed.part)))
                self._ready_bytes += len(framed.frame)
        return left

    def handle_timeout(self, now: float) -> None:
        """Queue what is lost by time, and probes for what is overdue."""
        if (due := self.flight.next_timeout()) is not None and now >= due:
            lost, probed = self.flight.handle_timeout(now)
            self._repair(lost, LAG_BYTES_MAX)
            self._queue_again([piece for sent in probed for piece in sent.pieces], PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)
            if probed and not self._ready:
                self.flight.forget()  # nobody waits for any of it
            if lost:
                self._schedule()
        if self._announce_at is not None and now >= self._announce_at:
            unknown = [feed for feed in self.feeds.values() if not feed.is_known]
            for feed in unknown[:ACK_LOGS_MAX]:
                self.announce(feed)
            self._announced = min(self._announced + 1, len(ANNOUNCE_AFTER_S) - 1)
            self._announce_at = now + ANNOUNCE_AFTER_S[self._announced] if unknown else None

    def next_timeout(self, now: float) -> float | None:
        """When something here is due next."""
        if self._control or self._announcing or self._ready:
            return now
        due = self.flight.next_timeout()
        if self._announce_at is not None and (due is None or self._announce_at < due):
            due = self._announce_at
        if self._backlogged:
            paced = self.flight.pace.next_timeout(now, self.flight.bytes_in_flight)
            if paced is not None and (due is None or paced < due):
                due = paced
        return due

    def change_path(self) -> None:
        """The peer is at another host: all that was measured of the path to the former one is void (SPEC 3).

        Of what was under way there, a probe goes at once, so that the new path is measured and the replica says what
        it holds. The rest is backlog, if it is still missing then: under the window of the new path, not in a burst.
        """
        self._repair(self.flight.change_path(), PROBE_BYTES_MAX - DATAGRAM_BYTES_MAX)

    def reset(self, now: float) -> None:
        """Another session carries this from here on."""
        self.flight.forget()
        self._ready.clear()
        self._ready_bytes = 0
        for feed in self.feeds.values():
            feed.forget()
        if self.feeds:
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
            framed, piece = self._ready[0]  # the hot path: one message to a peer that wants nothing else
            self._clear_ready()
            return [Packet(framed.body, (piece,))]
        items: list[tuple[bytes, EntrySpan | None]] = [(frame, None) for frame in self._control]
        items.extend((_heads(feed), None) for feed in self._announcing)
        items.extend((framed.frame, piece) for framed, piece in self._ready)
        packets = self._pack(items)
        self._control = []
        self._announcing = {}
        self._clear_ready()
        if self._backlogged:
            packets.extend(self._drain_backlog(now, sum(len(packet.body) for packet in packets)))
        return packets

    def _clear_ready(self) -> None:
        self._ready = []
        self._ready_bytes = 0

    def _pack(self, items: list[tuple[bytes, EntrySpan | None]]) -> list[Packet]:
        packets: list[Packet] = []
        frames: list[bytes] = []
        pieces: list[EntrySpan] = []
        size = 0
        for frame, piece in items:
            if frames and (size + len(frame) > PACK_BYTES_MAX or len(frames) == FRAMES_MAX):
                packets.append(Packet(pack(frames), tuple(pieces)))
                frames, pieces, size = [], [], 0
            frames.append(frame)
            size += len(frame)
            if piece is not None:
                pieces.append(piece)
        if frames:
            packets.append(Packet(pack(frames), tuple(pieces)))
        return packets

    def _drain_backlog(self, now: float, just_packed: int) -> list[Packet]:
        """Read the backlogs forward as far as the window and the pace allow, the shortest first."""
        pace = self.flight.pace
        allowed = pace.allowed_bytes(now, self.flight.bytes_in_flight + just_packed)
        items: list[tuple[bytes, EntrySpan | None]] = []
        lagging = [feed for feed in self.feeds.values() if feed.backlog]
        for feed in sorted(lagging, key=lambda feed: feed.backlog.last - feed.backlog.first):
            feed.backlog.remove(0, feed.stream.base)
            while allowed >= DATAGRAM_BYTES_MAX and (run := feed.readable()) is not None:
                first, last = run
                frames = feed.stream.frames(first, min(last, first + READ_ENTRIES - 1))
                if not frames:
                    self.unreadable = feed.stream.unreadable
                    feed.backlog.clear()  # unreadable, or below the base by now: asked for again if it is still missed
                    break
                for framed in frames:
                    if allowed < DATAGRAM_BYTES_MAX and framed.part <= 0:
                        break
                    items.append((framed.frame, EntrySpan(feed, framed.first, framed.last, framed.part)))
                    feed.backlog.remove(framed.first, framed.last)
                    pace.on_sent(len(framed.frame))
                    allowed -= len(framed.frame)
        self._backlogged = any(feed.readable() is not None for feed in self.feeds.values())
        return self._pack(items)

    def on_sent(self, now: float, counter: int, size: int, pieces: tuple[EntrySpan, ...]) -> None:
        """A packet of `drain_packets` went under this counter."""
        if pieces:
            interval_s = max(piece.feed.stream.interval_s for piece in pieces)
            self.flight.on_sent(now, counter, size, pieces, interval_s=interval_s)


def _heads(feed: Subscription) -> bytes:
    ack_ms = -(-int(feed.stream.interval_s * 1e6) // 1000)
    return encode(Heads(ack_ms, [feed.head()]))
