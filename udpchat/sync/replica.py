"""A client's copy of one log: the entries in order up to a cursor, and those that came ahead of a gap (SPEC 5.1).

It reports what it holds (`cursor`), accepts entries in any order and any number of times, and yields each once and in
order. It never requests a certain entry: "I have up to N, send the rest" is the only request there is.
"""

from __future__ import annotations

from itertools import islice

from udpchat.sync.fragments import FragmentAssembler
from udpchat.sync.ranges import Ranges
from udpchat.wire.frames import Cursor, EntryFragment, Head
from udpchat.wire.limits import ACK_RANGES_MAX, FRAGMENT_BYTES, FRAGMENTS_MAX, REPLICA_HELD_MAX

FRAGMENTED_ENTRIES_MAX = 64  # large entries that are assembled at once


class Replica:
    """Entries of one generation of one log, from `start + 1` on."""

    __slots__ = ("_fragments", "_held", "_ranges", "entered", "generation", "head", "log", "sequence")

    def __init__(self, log: str, *, generation: int, sequence: int) -> None:
        """`sequence`: all entries up to here are held already, or not wanted."""
        self.log = log
        self.generation = generation
        self.sequence = sequence
        self.head = sequence
        self.entered = sequence  # the head when this client began to follow: entries below are history to it
        self._held: dict[int, bytes] = {}
        self._ranges = Ranges()
        self._fragments = FragmentAssembler(FRAGMENTED_ENTRIES_MAX * FRAGMENTS_MAX * FRAGMENT_BYTES)

    @property
    def has_gap(self) -> bool:
        """Whether entries are known to exist that are not here."""
        return self.head > self.sequence

    @property
    def held(self) -> int:
        """How many entries have come ahead of a gap, of REPLICA_HELD_MAX and those that fragments have made whole."""
        return len(self._held)

    def on_head(self, head: Head) -> None:
        """The log reaches from base to head; entries up to the base are not kept any more."""
        if head.base > self.sequence:
            self.sequence = head.base
            for sequence in [held for held in self._held if held <= head.base]:
                del self._held[sequence]
            self._ranges.remove(0, head.base)
            self._fragments.forget_below(head.base + 1)
        self.head = max(self.head, head.head)

    def on_entries(self, first: int, entries: list[bytes]) -> bool:
        """Take entries; False if some were not kept because too many are held beyond a gap."""
        last = first + len(entries) - 1
        self.head = max(self.head, last)
        if last <= self.sequence:
            return True
        if first > self.sequence + 1 and len(self._held) + len(entries) > REPLICA_HELD_MAX:
            return False
        self._hold(first, entries)
        return True

    def _hold(self, first: int, entries: list[bytes]) -> None:
        for offset, entry in enumerate(entries):
            if first + offset > self.sequence:
                self._held[first + offset] = entry
        self._ranges.add(max(first, self.sequence + 1), first + len(entries) - 1)

    def on_fragment(self, fragment: EntryFragment) -> bool:
        """Take one fragment of a large entry; False if it was not kept because too much is held already."""
        self.head = max(self.head, fragment.sequence)
        if fragment.sequence <= self.sequence or fragment.sequence in self._held:
            return True
        is_full = fragment.sequence > self.sequence + 1 and len(self._held) >= REPLICA_HELD_MAX
        if is_full or not self._fragments.has_room(fragment.sequence, fragment.count):
            return False
        whole = self._fragments.add(fragment.sequence, index=fragment.index, count=fragment.count, data=fragment.data)
        if whole is not None:  # kept whatever else is held: its fragments may have been acknowledged
            self._hold(fragment.sequence, [whole])
        return True

    def drain_entries(self) -> list[tuple[int, bytes]]:
        """The entries that are next in order, each once; the cursor moves behind them."""
        ready = []
        while (entry := self._held.pop(self.sequence + 1, None)) is not None:
            self.sequence += 1
            ready.append((self.sequence, entry))
        if ready:
            self._ranges.remove(0, self.sequence)
            self._fragments.forget_below(self.sequence + 1)
        return ready

    def cursor(self) -> Cursor:
        """What is held, for an Ack: the lowest ranges if there are more than may be named."""
        return Cursor(self.log, self.generation, self.sequence, list(islice(self._ranges, ACK_RANGES_MAX)))
