"""A client's copy of one log: the entries in order up to a cursor, and those that came ahead of a gap (SPEC 5.1).

It reports what it holds (`cursor`), accepts entries in any order and any number of times, and yields each once and in
order. It never requests a certain entry: "I have up to N, send the rest" is the only request there is.
"""

from __future__ import annotations

from itertools import islice

from udpchat.sync.budget import Budget
from udpchat.sync.fragments import FragmentAssembler
from udpchat.sync.ranges import Ranges
from udpchat.wire.frames import Cursor, EntryFragment, Head
from udpchat.wire.limits import (
    ACK_RANGES_MAX,
    FRAGMENT_BYTES,
    FRAGMENTS_BYTES_MAX,
    HELD_BYTES_MAX,
    HELD_ENTRY_BYTES,
    REPLICA_HELD_MAX,
)

EDITED_WHOLES_MAX = 4  # of one entry, which was edited while it was on its way
FRAGMENTED_ENTRIES_MAX = 64  # large entries that are assembled at once


class ReplicaBudgets:
    """What the replicas of one client may use together: for entries ahead of gaps, and for unfinished large ones."""

    __slots__ = ("fragments", "held")

    def __init__(self) -> None:
        self.held = Budget(HELD_BYTES_MAX)
        self.fragments = Budget(FRAGMENTS_BYTES_MAX)


class Replica:
    """Entries of one generation of one log, from `start + 1` on."""

    __slots__ = ("_budget", "_fragments", "_held", "_ranges", "entered", "generation", "head", "log", "sequence")

    def __init__(self, log: str, *, generation: int, sequence: int, budgets: ReplicaBudgets | None = None) -> None:
        """`sequence`: all entries up to here are held already, or not wanted. `budgets`: None: it has its own."""
        budgets = budgets or ReplicaBudgets()
        self.log = log
        self.generation = generation
        self.sequence = sequence
        self.head = sequence
        self.entered = sequence  # the head when this client began to follow: entries below are history to it
        self._held: dict[int, bytes] = {}
        self._ranges = Ranges()
        self._budget = budgets.held
        self._fragments = FragmentAssembler(budgets.fragments, wholes_max=EDITED_WHOLES_MAX)

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
                self._take(sequence)
            self._ranges.remove(0, head.base)
            self._fragments.forget_below(head.base + 1)
        self.head = max(self.head, head.head)

    def on_entries(self, first: int, entries: list[bytes]) -> bool:
        """Take entries; False if some were not kept because too much is held beyond a gap."""
        last = first + len(entries) - 1
        self.head = max(self.head, last)
        if last <= self.sequence:
            return True
        if first > self.sequence + 1 and not self._has_room(entries):
            return False
        self._hold(first, entries)
        return True

    def _has_room(self, entries: list[bytes]) -> bool:
        """Whether entries ahead of a gap can be kept. The newest give way: the server sends them again."""
        is_few = len(self._held) + len(entries) <= REPLICA_HELD_MAX
        return is_few and self._budget.has_room(sum(map(_charge, entries)))

    def _hold(self, first: int, entries: list[bytes]) -> None:
        for offset, entry in enumerate(entries):
            if first + offset > self.sequence and first + offset not in self._held:
                self._held[first + offset] = entry
                self._budget.take(_charge(entry))
        self._ranges.add(max(first, self.sequence + 1), first + len(entries) - 1)

    def _take(self, sequence: int) -> bytes | None:
        entry = self._held.pop(sequence, None)
        if entry is not None:
            self._budget.give(_charge(entry))
        return entry

    def release(self) -> None:
        """Give back what it uses of the budgets: it is not used any more."""
        for sequence in list(self._held):
            self._take(sequence)
        self._fragments.forget_below(self.head + 1)

    def on_fragment(self, fragment: EntryFragment) -> bool:
        """Take one fragment of a large entry; False if it was not kept because too much is held already."""
        self.head = max(self.head, fragment.sequence)
        if fragment.sequence <= self.sequence or fragment.sequence in self._held:
            return True
        is_next = fragment.sequence == self.sequence + 1  # all that is held waits for it
        if not is_next and not self._may_begin(fragment):
            return False
        whole = self._fragments.add(
            fragment.sequence,
            index=fragment.index,
            count=fragment.count,
            data=fragment.data,
            check=fragment.check,
            is_urgent=is_next,
        )
        if whole is not None:  # kept whatever else is held: its fragments may have been acknowledged
            self._hold(fragment.sequence, [whole])
        return True

    def _may_begin(self, fragment: EntryFragment) -> bool:
        if self._fragments.is_begun(fragment.sequence, fragment.count, fragment.check):
            return True  # or its other fragments would be in the way for ever
        if len(self._fragments) >= FRAGMENTED_ENTRIES_MAX or len(self._held) >= REPLICA_HELD_MAX:
            return False
        has_room = self._fragments.has_room(fragment.sequence, fragment.count, fragment.check)
        return has_room and self._budget.has_room(FRAGMENT_BYTES * fragment.count)

    def drain_entries(self) -> list[tuple[int, bytes]]:
        """The entries that are next in order, each once; the cursor moves behind them."""
        ready = []
        while (entry := self._take(self.sequence + 1)) is not None:
            self.sequence += 1
            ready.append((self.sequence, entry))
        if ready:
            self.head = max(self.head, self.sequence)  # what was held may be beyond the head known in this session
            self._ranges.remove(0, self.sequence)
            self._fragments.forget_below(self.sequence + 1)
        return ready

    def cursor(self) -> Cursor:
        """What is held, for an Ack: the lowest ranges if there are more than may be named."""
        return Cursor(self.log, self.generation, self.sequence, list(islice(self._ranges, ACK_RANGES_MAX)))


def _charge(entry: bytes) -> int:
    return len(entry) + HELD_ENTRY_BYTES
