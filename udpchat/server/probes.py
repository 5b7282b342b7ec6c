"""Answers to who looks for a server (SPEC 2.1): without a key operation, and never longer than the question."""

from __future__ import annotations

from typing import Final

from udpchat.server.chat import Chat
from udpchat.server.status import entered
from udpchat.session.rate_limit import Rate, TokenBucket, TokenBuckets, source_of
from udpchat.wire import limits
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.packets import PROBE_REPLY_BYTES, SAME_LENGTH, Address, Probe, ProbeReply, packed_source

COUNT_MAX: Final = 2**16 - 1


class ProbeResponder:
    """Answers Probes with what the chat is. `answered`: how many so far."""

    __slots__ = ("_all", "_chat", "_counts", "_key", "_of_source", "_people", "_people_counted_at", "answered")

    def __init__(self, chat: Chat, key: bytes) -> None:
        """`key`: the public static key of the server."""
        self._chat = chat
        self._key = key
        self._of_source: TokenBuckets[str] = TokenBuckets(
            Rate(limits.PROBES_PER_SOURCE_BURST, limits.PROBES_PER_SOURCE_PER_S), holders_max=limits.SOURCES_MAX
        )
        self._all = TokenBucket(0.0, Rate(limits.PROBES_BURST, limits.PROBES_PER_S))
        self._counts: dict[bytes, int] = {}  # Probes by their id, oldest first
        self._people = 0
        self._people_counted_at = float("-inf")
        self.answered = 0

    def __len__(self) -> int:
        """How many probe ids and sources are remembered."""
        return len(self._counts) + len(self._of_source)

    def answer_untrusted(self, now: float, address: Address, probe: Probe) -> bytes:
        """The answer. Raises BadDatagram UNEXPECTED if this server is not to be found, or RATE_LIMITED."""
        settings = self._chat.admission.settings
        if not settings.is_discoverable:
            raise BadDatagram(Drop.UNEXPECTED)
        count = self._count(probe.probe_id)
        # All link-local hosts have one /64, so that it is no source.
        source = address.host if "%" in address.host else source_of(address.host)
        if not self._of_source.take(now, source) or not self._all.take(now):
            raise BadDatagram(Drop.RATE_LIMITED)
        if not count:
            count = self._begin_count(probe.probe_id)
        self.answered += 1
        reply = ProbeReply(
            version=limits.PROTOCOL_VERSION,
            probe_id=probe.probe_id,
            number=probe.number,
            key=self._key,
            port=settings.port,
            people=self._count_people(now),
            time_ms=self._chat.clock.time_ms(now),
            received_bytes=probe.size,
            source=packed_source(address),
            count=count,
            name=_cut(settings.name.encode()),
            size=probe.size if probe.flags & SAME_LENGTH else PROBE_REPLY_BYTES,
        ).encode()
        assert len(reply) <= probe.size
        return reply

    def _count(self, probe_id: bytes) -> int:
        """How many Probes have had this id, with this one; 0 if it is not known."""
        if probe_id not in self._counts:
            return 0
        self._counts[probe_id] = count = min(self._counts[probe_id] + 1, COUNT_MAX)
        return count

    def _begin_count(self, probe_id: bytes) -> int:
        if len(self._counts) >= limits.PROBE_RUNS_MAX:
            del self._counts[next(iter(self._counts))]
        self._counts[probe_id] = 1
        return 1

    def _count_people(self, now: float) -> int:
        if now >= self._people_counted_at + limits.PEOPLE_COUNTED_S:
            self._people = min(len({peer.key for peer in entered(self._chat)}), COUNT_MAX)
            self._people_counted_at = now
        return self._people


def _cut(name: bytes) -> bytes:
    """As much of a name in UTF-8 as fits, in whole characters."""
    return name[: limits.SERVER_NAME_BYTES_MAX].decode("utf-8", "ignore").encode()
