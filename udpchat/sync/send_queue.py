"""What the next packets to one peer carry: answers, then heads of logs, then entries (SPEC 5.4)."""

from __future__ import annotations

from collections.abc import Iterable

from udpchat.sync.log_stream import EncodedEntries
from udpchat.sync.packing import packed
from udpchat.sync.subscription import EntrySpan, Subscription
from udpchat.wire.fields import Value
from udpchat.wire.frames import Heads, encode


class Packet(Value, frozen=True):
    """The body of a packet to be sealed and sent, and the entries in it."""

    body: bytes
    spans: tuple[EntrySpan, ...]


class SendQueue:
    """Frames that wait for the next packet: `has_frames` if there are any, `entries_bytes` and `answer_bytes` count.

    Both are attributes, not methods, because they are read several times for each packet.
    """

    __slots__ = ("_answers", "_entries", "_heads", "answer_bytes", "entries_bytes", "has_frames")

    def __init__(self) -> None:
        self._answers: list[bytes] = []
        self._heads: dict[Subscription, None] = {}
        self._entries: list[tuple[EncodedEntries, EntrySpan]] = []
        self.answer_bytes = 0
        self.entries_bytes = 0
        self.has_frames = False

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
        entries, self._entries, self.entries_bytes = self._entries, [], 0
        self.has_frames = False
        if len(entries) == 1 and not (self._answers or self._heads):
            encoded, span = entries[0]  # the hot path: one message to a peer that gets nothing else
            return [Packet(encoded.body, (span,))]
        frames: list[tuple[bytes, EntrySpan | None]] = [(frame, None) for frame in self._answers]
        frames.extend((_heads(subscription), None) for subscription in self._heads)
        frames.extend((encoded.frame, span) for encoded, span in entries)
        self._answers, self.answer_bytes = [], 0
        self._heads = {}
        return packets_of(frames)


def packets_of(frames: Iterable[tuple[bytes, EntrySpan | None]]) -> list[Packet]:
    """Frames, each with the entries in it or None, as packets."""
    return [Packet(body, tuple(span for span in spans if span is not None)) for body, spans in packed(frames)]


def _heads(subscription: Subscription) -> bytes:
    return encode(Heads(subscription.stream.ack_delay_ms, [subscription.head()]))
