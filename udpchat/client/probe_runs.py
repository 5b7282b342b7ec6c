"""What a run of Probes shows of a path: how many were lost, which way, which overtook others, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from udpchat.wire.fields import Value, field
from udpchat.wire.packets import Address, ProbeReply


class Heard(Value, frozen=True):
    """A reply: when it came, and from where."""

    at_s: float
    source: Address
    reply: ProbeReply


class Run(Value, frozen=True):
    """Probes of one probe id: when each was sent, by its number, and the replies in the order in which they came.

    `wall_s`: wall clock minus the clock of these times.
    """

    sent: Mapping[int, float] = field(default_factory=dict)
    heard: tuple[Heard, ...] = ()
    wall_s: float = 0.0

    @property
    def answered(self) -> int:
        """How many of them were answered."""
        return len({each.reply.number for each in self.heard})

    @property
    def arrived(self) -> int:
        """How many reached the server, as far as it told."""
        return max(self.answered, min(max((each.reply.count for each in self.heard), default=0), len(self.sent)))

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return len(self.sent) - self.answered

    @property
    def overtaken_there(self) -> int:
        """How many reached the server after a later one."""
        by_arrival = sorted((each.reply.count, each.reply.number) for each in self.heard if each.reply.count)
        return _overtaken(number for _, number in by_arrival)

    @property
    def overtaken_back(self) -> int:
        """How many replies came after one that the server had sent later."""
        return _overtaken(each.reply.count for each in self.heard if each.reply.count)

    @property
    def round_trip_s(self) -> float | None:
        """The median."""
        took_s = sorted(each.at_s - self.sent[each.reply.number] for each in self.heard)
        return took_s[len(took_s) // 2] if took_s else None

    @property
    def clock_s(self) -> float | None:
        """By how much the server's clock is ahead of ours: of the reply that was fastest, so that it errs least."""
        if not self.heard:
            return None
        best = min(self.heard, key=lambda each: each.at_s - self.sent[each.reply.number])
        between_s = (best.at_s + self.sent[best.reply.number]) / 2
        return best.reply.time_ms / 1000 - (between_s + self.wall_s)


def _overtaken(numbers: Iterable[int]) -> int:
    """How many of these come behind a larger one."""
    largest, overtaken = -1, 0
    for number in numbers:
        overtaken += number < largest
        largest = max(largest, number)
    return overtaken
