"""What the next packets to one peer carry: answers, then heads of logs, then entries (SPEC 5.4)."""

from __future__ import annotations

from collections.abc import Iterable

from udpchat.sync.log_stream import EncodedEntries
from udpchat.sync.packing import FRAME_BYTES_MAX, packed
from udpchat.sync.subscription import EntrySpan, Subscription
from udpchat.wire.fields import Value
from udpchat.wire.frames import Heads, encode, pack
from udpchat.wire.limits import FRAMES_MAX


class Packet(Value, frozen=True):
    """The body of a packet to be sealed and sent, and the entries in it."""

    body: bytes
    spans: tuple[EntrySpan, ...]


class SendQueue:
    """Frames that wait for the next packet: `has_frames` if there are any, `entries_bytes` and `answer_bytes` count.

    These are attributes, not methods, because they are read several times for each packet. `packets_live`: of those
    drained last, how many carry entries that were just said, or lost.
    """

    __slots__ = ("_answers", "_entries", "_heads", "answer_bytes", "entries_bytes", "has_frames", "packets_live")

    def __init__(self) -> None:
        self._answers: list[bytes] = []
        self._heads: dict[Subscription, None] = {}
        self._entries: list[tuple[EncodedEntries, EntrySpan]] = []
        self.answer_bytes = 0
        self.entries_bytes = 0
        self.has_frames = False
        self.packets_live = 0

    @property
    def has_entries(self) -> bool:
        return bool(self._entries)

    def add_answer(self, frame: bytes) -> None:
        """Send a frame once."""
        self._answers.append(frame)
        self.answer_bytes += len(frame)
        self.has_frames = True

    def add_head(self, subscription: Subscription) -> None:
        """Send the head of a log as it is when the packet is made."""
        self._heads[subscription] = None
        self.has_frames = True

    def add_entries(self, subscription: Subscription, encoded: EncodedEntries) -> None:
        """Send entries of a log."""
        span = EntrySpan(subscription, encoded.first, encoded.last, encoded.fragment)
        self._entries.append((encoded, span))
        self.entries_bytes += len(encoded.frame)
        self.has_frames = True

    def entry_keys(self) -> set[tuple[Subscription, int, int | None]]:
        """(subscription, first entry, fragment) of all entries that wait."""
        return {span.key for _, span in self._entries}

    def remove(self, subscription: Subscription) -> None:
        """Send nothing of this subscription."""
        self._heads.pop(subscription, None)
        self._entries = [queued for queued in self._entries if queued[1].subscription is not subscription]
        self.entries_bytes = sum(len(encoded.frame) for encoded, _ in self._entries)
        self.has_frames = bool(self._entries or self._answers or self._heads)

    def clear_entries(self) -> None:
        """Send none of the entries that wait."""
        self._entries = []
        self.entries_bytes = 0
        self.has_frames = bool(self._answers or self._heads)

    def drain(self) -> list[Packet]:
        """All that waits, as packets."""
        answers, heads, entries = self._answers, self._heads, self._entries
        size, count = self.answer_bytes + self.entries_bytes, len(answers) + len(entries)
        self._answers, self._heads, self._entries = [], {}, []
        self.answer_bytes = self.entries_bytes = 0
        self.has_frames = False
        if count and size <= FRAME_BYTES_MAX and count <= FRAMES_MAX and not heads:  # the hot path: one packet
            self.packets_live = 1 if entries else 0
            if count == 1 and entries:
                encoded, span = entries[0]
                return [Packet(encoded.body, (span,))]
            body = pack(answers + [encoded.frame for encoded, _ in entries])
            return [Packet(body, tuple([span for _, span in entries]))]
        frames: list[tuple[bytes, EntrySpan | None]] = [(frame, None) for frame in answers]
        frames += [(_heads(subscription), None) for subscription in heads]
        frames += [(encoded.frame, span) for encoded, span in entries]
        packets = packets_of(frames)
        self.packets_live = sum(bool(packet.spans) for packet in packets)
        return packets


def packets_of(frames: Iterable[tuple[bytes, EntrySpan | None]]) -> list[Packet]:
    """Frames, each with the entries in it or None, as packets."""
    return [Packet(body, tuple([span for span in spans if span is not None])) for body, spans in packed(frames)]


def _heads(subscription: Subscription) -> bytes:
    return encode(Heads(subscription.stream.ack_delay_ms, [subscription.head()]))
