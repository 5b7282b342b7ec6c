"""Parts: whatever the order and the repetition, the whole comes together once, and what is unfinished is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udpchat.sync.budget import Budget
from udpchat.sync.fragments import FragmentAssembler, split
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import FRAGMENT_BYTES, FRAGMENTS_MAX


def assembly(wholes_max: int = 4) -> FragmentAssembler:
    return FragmentAssembler(Budget(wholes_max * FRAGMENTS_MAX * FRAGMENT_BYTES))


@given(data=st.binary(min_size=1, max_size=3 * FRAGMENT_BYTES))
def test_parts_are_full_but_the_last_and_joined_again_they_are_the_whole(data: bytes) -> None:
    parts = split(data)
    assert b"".join(parts) == data
    assert all(len(part) == FRAGMENT_BYTES for part in parts[:-1]) and 1 <= len(parts[-1]) <= FRAGMENT_BYTES


@given(size=st.integers(FRAGMENT_BYTES + 1, FRAGMENTS_MAX * FRAGMENT_BYTES), data=st.data())
def test_parts_in_any_order_and_repeated_make_the_whole_once(size: int, data: st.DataObject) -> None:
    whole = bytes(index * 7 & 0xFF for index in range(size))
    parts = split(whole)
    order = data.draw(st.permutations(range(len(parts))))
    repeated = data.draw(st.lists(st.sampled_from(order[:-1]), max_size=5))
    held = assembly()
    for index in [*order[:-1], *repeated]:
        assert held.add(1, index=index, count=len(parts), data=parts[index]) is None
    assert held.add(1, index=order[-1], count=len(parts), data=parts[order[-1]]) == whole


def test_the_first_copy_of_a_part_counts() -> None:
    held = assembly()
    held.add(1, index=0, count=2, data=b"a")
    held.add(1, index=0, count=2, data=b"x")
    assert held.add(1, index=1, count=2, data=b"b") == b"ab"


def test_parts_of_several_numbers_do_not_mix() -> None:
    held = assembly()
    held.add(1, index=0, count=2, data=b"a")
    held.add(2, index=0, count=2, data=b"c")
    assert held.add(2, index=1, count=2, data=b"d") == b"cd"
    assert held.add(1, index=1, count=2, data=b"b") == b"ab"


def test_a_part_behind_the_last_is_malformed_and_leaves_nothing_behind() -> None:
    held = assembly()
    for number in range(100):
        with pytest.raises(BadDatagram) as caught:
            held.add(number, index=2, count=2, data=b"x")
        assert caught.value.reason is Drop.MALFORMED
    assert len(held) == 0


def test_wholes_of_one_number_do_not_mix_and_the_first_that_is_complete_ends_all() -> None:
    budget = Budget(9 * FRAGMENT_BYTES)
    held = FragmentAssembler(budget, wholes_max=3)
    for check, data in ((1, b"a"), (2, b"x"), (3, b"p")):
        assert held.add(1, index=0, count=2, data=data, check=check) is None
    assert not held.has_room(1, 4, 4) and held.is_begun(1, 2, 3) and budget.used == 6 * FRAGMENT_BYTES
    assert held.add(1, index=1, count=2, data=b"y", check=2) == b"xy" and len(held) == budget.used == 0


def test_of_more_wholes_than_may_be_the_first_is_dropped() -> None:
    held = FragmentAssembler(Budget(9 * FRAGMENT_BYTES), wholes_max=2)
    for check in (1, 2, 3):
        held.add(1, index=0, count=2, data=b"a", check=check)
    assert [held.is_begun(1, 2, check) for check in (1, 2, 3)] == [False, True, True]


def test_what_is_urgent_is_begun_without_room_in_the_place_of_others_of_its_number() -> None:
    budget = Budget(4 * FRAGMENT_BYTES)
    held = FragmentAssembler(budget, wholes_max=4)
    for check in (1, 2, 3):
        held.add(1, index=0, count=2, data=b"a", check=check, is_urgent=True)
    assert [held.is_begun(1, 2, check) for check in (1, 2, 3)] == [False, True, True]
    held.add(1, index=0, count=5, data=b"a", check=4, is_urgent=True)
    assert [held.is_begun(1, 2, check) for check in (2, 3)] == [False, False] and held.is_begun(1, 5, 4)
    assert budget.used == 5 * FRAGMENT_BYTES


def test_another_count_begins_anew() -> None:
    held = assembly(wholes_max=1)
    held.add(1, index=0, count=2, data=b"a")
    assert held.add(1, index=0, count=3, data=b"x") is None
    held.add(1, index=1, count=3, data=b"y")
    assert held.add(1, index=2, count=3, data=b"z") == b"xyz"
    assert len(held) == 0 and held.has_room(2, FRAGMENTS_MAX)


def test_there_is_room_for_as_many_as_could_be_finished_and_no_more() -> None:
    held = assembly(wholes_max=2)
    for number in range(10):
        assert held.has_room(number, FRAGMENTS_MAX) == (number < 2)
        held.add(number, index=0, count=FRAGMENTS_MAX, data=b"tiny")
    assert len(held) == 2
    assert held.has_room(0, FRAGMENTS_MAX), "what has begun may always go on"
    for index in range(1, FRAGMENTS_MAX):
        held.add(0, index=index, count=FRAGMENTS_MAX, data=b"tiny")
    assert held.has_room(9, FRAGMENTS_MAX), "what is finished makes room"


def test_what_is_refused_never_drives_out_what_has_begun() -> None:
    held = assembly(wholes_max=1)
    held.add(5, index=0, count=2, data=b"a")
    for number in range(6, 100):
        assert held.add(number, index=0, count=FRAGMENTS_MAX, data=b"x") is None
    assert held.add(5, index=1, count=2, data=b"b") == b"ab"


def test_what_is_of_no_interest_any_more_makes_room() -> None:
    held = assembly(wholes_max=1)
    held.add(5, index=0, count=FRAGMENTS_MAX, data=b"a")
    held.forget_below(6)
    assert len(held) == 0
    assert held.has_room(6, FRAGMENTS_MAX)
