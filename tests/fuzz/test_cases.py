"""Cases: bytes to choices, files, mutations and smaller cases."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz import cases
from tests.fuzz.cases import Case, Choices


def test_choices_are_those_of_the_bytes_and_then_those_that_the_bytes_seed() -> None:
    choices = Choices(b"\x0d\x01\x02\x03")
    assert (choices.below(10), choices.below(2**15), choices.data(1)) == (3, 0x0102, b"\x03")
    longer = [Choices(b"step").data(100) for _ in range(2)]
    assert longer[0] == longer[1] and longer[0].startswith(b"step")
    assert Choices(b"stop").data(100)[4:] != longer[0][4:]


def test_a_byte_of_zero_is_the_first_item_and_no_chance() -> None:
    choices = Choices(bytes(2))
    assert choices.pick("abc") == "a" and not choices.chance(99)
    assert Choices(b"\xff").chance(45) and Choices(b"").chance(100)


def test_a_case_in_a_file_is_read_as_it_was_written() -> None:
    case = Case("wire", (b"\x00", b"\xff" * 24))
    assert cases.parse_case(case.text("two\nlines")) == case
    assert case.text("two\nlines").splitlines() == ["# two", "# lines", "wire", "00", "ff" * 24]
    with pytest.raises(ValueError, match="hexadecimal"):
        cases.parse_case("wire\nno digits")


def test_any_bytes_are_a_case_and_a_case_is_bytes() -> None:
    random = Random(1)
    for _ in range(50):
        case = cases.fresh("wire", random)
        assert cases.case_of_bytes("wire", cases.bytes_of_case(case)) == case
        assert all(cases.case_of_bytes("wire", random.randbytes(100)).steps)


def test_a_folder_gives_the_cases_of_one_target(tmp_path: Path) -> None:
    for name, target in (("b", "wire"), ("a", "wire"), ("c", "server")):
        (tmp_path / f"{name}.case").write_text(Case(target, (name.encode(),)).text())
    assert [case.steps for case in cases.load_corpus(tmp_path, "wire")] == [(b"a",), (b"b",)]


def test_mutations_stay_within_their_limits_and_are_the_same_for_the_same_numbers() -> None:
    def chain(seed: int) -> list[Case]:
        random = Random(seed)
        found = [cases.fresh("wire", random)]
        for _ in range(300):
            found.append(cases.mutated(random.choice(found), random, found))
        return found

    first = chain(7)
    assert first == chain(7) != chain(8)
    assert all(1 <= len(case.steps) <= cases.STEPS_MAX for case in first)
    assert all(len(step) <= cases.STEP_BYTES_MAX for case in first for step in case.steps)
    assert len(set(first)) > 250


def test_a_failing_case_is_made_as_small_as_its_failure_allows() -> None:
    case = Case("wire", tuple(bytes((number,)) for number in range(60)))
    small = cases.minimised(case, lambda other: {b"\x07", b"\x2a"} <= set(other.steps))
    assert small.steps == (b"\x07", b"\x2a")


def test_few_cases_reach_what_many_do() -> None:
    wide, narrow = Case("wire", (b"a",)), Case("wire", (b"b",) * 9)
    other, empty = Case("wire", (b"c",)), Case("wire", (b"d",))
    reached = [(narrow, {1, 2}), (wide, {1, 2, 3}), (other, {3, 4}), (empty, set[int]())]
    assert cases.fewest((case, frozenset(places)) for case, places in reached) == [wide, other]
