"""A replica yields each entry once and in order, whatever comes, and holds no more than it may."""

from collections.abc import Sequence
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.fragments import split
from udpchat.sync.replica import FRAGMENTED_ENTRIES_MAX, Replica, ReplicaBudgets
from udpchat.wire.frames import EntryFragment, Head
from udpchat.wire.limits import ACK_RANGES_MAX, FRAGMENT_BYTES, FRAGMENTS_MAX, REPLICA_HELD_MAX, SEQUENCE_MAX

LOG, GENERATION = "#lobby", 7
COUNT = 30


def replica(sequence: int = 0) -> Replica:
    return Replica(LOG, generation=GENERATION, sequence=sequence)


def entry(sequence: int) -> bytes:
    """Entry 5, 10, ... are large, so that they travel in parts."""
    return b"%d" % sequence * (900 if sequence % 5 == 0 else 1)


def give(held: Replica, first: int, last: int) -> bool:
    return held.on_entries(first, [entry(sequence) for sequence in range(first, last + 1)])


def parts_of(sequence: int, whole: bytes) -> list[EntryFragment]:
    parts = split(whole)
    place, check = (LOG, GENERATION, sequence, 2), crc32(whole)
    return [EntryFragment(*place, index, len(parts), data, check) for index, data in enumerate(parts)]


def test_fragments_of_an_entry_that_was_edited_meanwhile_are_not_joined_with_those_of_before() -> None:
    before, after = (parts_of(1, whole) for whole in (b"a" * 3_000, b"b" * 3_000))
    held = replica()
    for part in (before[0], after[2], *after[:2], *after):
        held.on_fragment(part)
    assert held.drain_entries() == [(1, b"b" * 3_000)]


def head(base: int, last: int) -> Head:
    return Head(LOG, GENERATION, base, last, last)


def packets(data: st.DataObject) -> Sequence[tuple[int, int] | EntryFragment]:
    """Runs and parts that cover entries 1 to COUNT, cut and repeated at random, in any order."""
    cuts = sorted(data.draw(st.sets(st.integers(1, COUNT - 1), max_size=COUNT)))
    whole: list[tuple[int, int] | EntryFragment] = []
    for before, last in zip([0, *cuts], [*cuts, COUNT], strict=True):
        if last == before + 1 and last % 5 == 0:
            whole.extend(parts_of(last, entry(last)))
        else:
            whole.append((before + 1, last))
    repeated = data.draw(st.lists(st.sampled_from(whole), max_size=10))
    return data.draw(st.permutations([*whole, *repeated]))


@given(data=st.data())
def test_in_any_order_and_repeated_each_entry_comes_out_once_and_in_order(data: st.DataObject) -> None:
    held, out = replica(), list[tuple[int, bytes]]()
    for packet in packets(data):
        assert held.on_fragment(packet) if isinstance(packet, EntryFragment) else give(held, *packet)
        out += held.drain_entries()
        cursor = held.cursor()
        assert cursor.sequence == len(out)
        assert all(cursor.sequence + 1 < first <= last <= COUNT for first, last in cursor.ranges)
    assert out == [(sequence, entry(sequence)) for sequence in range(1, COUNT + 1)]
    assert not held.has_gap and held.cursor().ranges == []


@given(data=st.data(), base=st.integers(0, COUNT), start=st.integers(0, COUNT))
def test_what_lies_below_the_base_or_the_start_is_never_waited_for(data: st.DataObject, base: int, start: int) -> None:
    held, out = replica(start), list[int]()
    stream = list(packets(data))
    for at, packet in enumerate(stream):
        if at == len(stream) // 2:
            held.on_head(head(base, COUNT))
        held.on_fragment(packet) if isinstance(packet, EntryFragment) else give(held, *packet)
        out += [sequence for sequence, _ in held.drain_entries()]
    assert out == sorted(set(out))
    assert set(range(max(base, start) + 1, COUNT + 1)) <= set(out)
    assert held.sequence == COUNT and not held.has_gap


def test_an_announced_head_is_a_gap_until_it_is_reached() -> None:
    held = replica(3)
    gaps = [held.has_gap]
    held.on_head(head(0, 5))
    gaps.append(held.has_gap)
    for sequence in (4, 5):
        give(held, sequence, sequence)
        held.drain_entries()
        gaps.append(held.has_gap)
    assert gaps == [False, True, True, False]


def test_a_head_that_comes_late_changes_nothing() -> None:
    held = replica()
    give(held, 1, 8)
    held.drain_entries()
    held.on_head(head(2, 4))
    assert (held.sequence, held.head, held.has_gap) == (8, 8, False)


def test_the_cursor_names_what_is_held_beyond_the_gap_the_lowest_first() -> None:
    held = replica()
    for sequence in range(3, 203, 2):
        give(held, sequence, sequence)
    cursor = held.cursor()
    assert (cursor.log, cursor.generation, cursor.sequence) == (LOG, GENERATION, 0)
    assert cursor.ranges == [(first, first) for first in range(3, 3 + 2 * ACK_RANGES_MAX, 2)]


def test_beyond_a_gap_no_more_is_kept_than_the_limit_and_what_closes_it_is_always_taken() -> None:
    held = replica()
    for first in range(2, 3 * REPLICA_HELD_MAX, 8):
        is_kept = give(held, first, first + 7)
        assert is_kept == (first + 7 <= REPLICA_HELD_MAX + 1)
    assert held.has_gap
    assert give(held, 1, 1)
    assert len(held.drain_entries()) == REPLICA_HELD_MAX + 1


def test_a_part_beyond_a_full_gap_is_not_kept_and_says_so() -> None:
    held = replica()
    for first in range(2, REPLICA_HELD_MAX + 2, 8):
        assert give(held, first, first + 7)
    large = b"x" * 3 * FRAGMENT_BYTES
    assert not any(held.on_fragment(part) for part in parts_of(REPLICA_HELD_MAX + 50, large))
    assert all(held.on_fragment(part) for part in parts_of(1, large)), "what closes the gap is taken"
    assert len(held.drain_entries()) == REPLICA_HELD_MAX + 1


def test_a_part_that_was_taken_is_never_dropped_for_another() -> None:
    large = b"x" * FRAGMENTS_MAX * FRAGMENT_BYTES
    held, taken = replica(), list[int]()
    for sequence in range(1, 3 * FRAGMENTED_ENTRIES_MAX):
        first, *_ = parts_of(sequence, large)
        if held.on_fragment(first):
            taken.append(sequence)
    assert taken == list(range(1, FRAGMENTED_ENTRIES_MAX + 1))
    for sequence in taken:
        _, *rest = parts_of(sequence, large)
        assert all(held.on_fragment(part) for part in rest)
    assert held.drain_entries() == [(sequence, large) for sequence in taken]


def test_of_the_next_entry_of_a_log_no_more_than_one_whole_is_begun_beyond_the_budget() -> None:
    budgets = ReplicaBudgets()
    budgets.fragments.take(budgets.fragments.bytes_max)
    full = budgets.fragments.used
    held = Replica(LOG, generation=GENERATION, sequence=0, budgets=budgets)
    for number in range(6):
        first, *_ = parts_of(1, b"%d" % number * FRAGMENTS_MAX * FRAGMENT_BYTES)
        assert held.on_fragment(first)
        assert budgets.fragments.used == full + FRAGMENTS_MAX * FRAGMENT_BYTES
    last = b"x" * 2 * FRAGMENT_BYTES
    assert all(held.on_fragment(part) for part in parts_of(1, last)), "what the entry is now is taken"
    assert held.drain_entries() == [(1, last)] and budgets.fragments.used == full


def test_unfinished_parts_of_what_came_otherwise_or_is_gone_make_room() -> None:
    large = b"x" * FRAGMENTS_MAX * FRAGMENT_BYTES
    for is_pruned in (True, False):
        held = replica()
        for sequence in range(1, FRAGMENTED_ENTRIES_MAX + 1):
            assert held.on_fragment(parts_of(sequence, large)[0])
        if is_pruned:
            held.on_head(head(FRAGMENTED_ENTRIES_MAX, FRAGMENTED_ENTRIES_MAX))
        else:  # each was removed meanwhile: a tombstone is small
            assert held.on_entries(1, [b"gone"] * FRAGMENTED_ENTRIES_MAX)
            held.drain_entries()
        assert held.on_fragment(parts_of(FRAGMENTED_ENTRIES_MAX + 1, large)[0])


def test_numbers_at_the_end_of_all_numbers_cost_nothing() -> None:
    held = replica()
    assert held.on_entries(SEQUENCE_MAX, [b"x"])
    held.on_head(head(SEQUENCE_MAX - 1, SEQUENCE_MAX))
    assert held.drain_entries() == [(SEQUENCE_MAX, b"x")]


def test_an_entry_that_came_before_is_not_taken_again() -> None:
    held = replica(5)
    assert give(held, 1, 7)
    assert [sequence for sequence, _ in held.drain_entries()] == [6, 7]
    assert give(held, 6, 7) and held.on_fragment(parts_of(5, entry(5))[0])
    assert held.drain_entries() == []
