"""A case is all that a fuzzer does to its target: some bytes for each step, from which the step takes its choices.

So a case can be kept in a file and run again, changed by changing bytes, and made smaller by leaving steps out. A step
that needs more choices than it has bytes gets the rest from a generator that these bytes seed: every sequence of bytes
is a case, and a short one is a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

STEP_BYTES_MAX = 24
STEPS_MAX = 150
FURTHER_BYTES = 64  # made at once, where a step is too short
NEW_STEPS_MAX = 60  # of a case that begins from nothing
COMMENT = "#"


class Choices:
    """The choices of one step, in the order in which they are asked for."""

    def __init__(self, step: bytes) -> None:
        self._step = self._data = step
        self._at = 0
        self._further: Random | None = None

    def data(self, count: int) -> bytes:
        """So many bytes."""
        begin, self._at = self._at, self._at + count
        if self._at > len(self._data):
            self._further = self._further or Random(self._step)
            self._data += self._further.randbytes(count + FURTHER_BYTES)
        return self._data[begin : self._at]

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`, of one byte if that is enough."""
        return int.from_bytes(self.data(1 if count <= 256 else (count.bit_length() + 7) // 8), "big") % count

    def pick(self, items: Sequence[T]) -> T:
        """One of these."""
        return items[self.below(len(items))]

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases. A byte of 0 is False: the plainest step is the one of zeros."""
        return self.below(100) >= 100 - percent


@dataclass(frozen=True, slots=True)
class Case:
    """Steps for one target."""

    target: str
    steps: tuple[bytes, ...]

    def text(self, *comments: str) -> str:
        """The file: the target, one line of hexadecimal digits for each step; comments in front."""
        shown = [f"{COMMENT} {line}" for comment in comments for line in comment.splitlines()]
        return "\n".join([*shown, self.target, *(step.hex() for step in self.steps), ""])

    @property
    def size(self) -> int:
        """The bytes of all steps."""
        return sum(map(len, self.steps))


def parse_case(text: str) -> Case:
    """The case in a file. ValueError if it is none."""
    target, *steps = [line for line in text.splitlines() if line and not line.startswith(COMMENT)] or [""]
    return Case(target, tuple(map(bytes.fromhex, steps)))


def case_of_bytes(target: str, data: bytes) -> Case:
    """Any bytes as a case, for engines that know only bytes: the first byte of each step is its length."""
    steps: list[bytes] = []
    at = 0
    while at < len(data) and len(steps) < STEPS_MAX:
        length = 1 + data[at] % STEP_BYTES_MAX
        steps.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return Case(target, tuple(filter(None, steps)))


def bytes_of_case(case: Case) -> bytes:
    """The inverse of `case_of_bytes`."""
    return b"".join(bytes((len(step) - 1,)) + step for step in case.steps if step)


def load_corpus(folder: Path, target: str) -> list[Case]:
    """The cases of a target in a folder, in the order of their names."""
    cases = (parse_case(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.case")))
    return [case for case in cases if case.target == target]


# --- New cases from old ones ----------


def fresh(target: str, random: Random) -> Case:
    """A case that begins from nothing."""
    return Case(target, tuple(_new_step(random) for _ in range(random.randint(1, NEW_STEPS_MAX))))


def _new_step(random: Random) -> bytes:
    return random.randbytes(random.randint(4, STEP_BYTES_MAX))


def mutated(case: Case, random: Random, others: Sequence[Case]) -> Case:
    """Another case, which differs from this one in a few places."""
    steps = list(case.steps)
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        random.choice(_MUTATIONS)(steps, random, others)
    return Case(case.target, tuple(steps[:STEPS_MAX]) or (_new_step(random),))


def _span(steps: Sequence[bytes], random: Random) -> tuple[int, int]:
    first = random.randrange(len(steps) + 1)
    return first, min(first + random.choice((1, 1, 2, 4, 16)), len(steps))


def _append(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    steps.extend(_new_step(random) for _ in range(random.choice((1, 2, 5, 20))))


def _insert(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    steps.insert(random.randrange(len(steps) + 1), _new_step(random))


def _drop(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    first, last = _span(steps, random)
    del steps[first:last]


def _repeat(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    first, last = _span(steps, random)
    at = random.randrange(len(steps) + 1)
    steps[at:at] = steps[first:last] * random.choice((1, 1, 2, 10))


def _splice(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    other = random.choice(others).steps if others else ()
    first, last = _span(other, random)
    at = random.randrange(len(steps) + 1)
    steps[at:at] = other[first:last] if random.random() < 0.5 else other[first:]


def _change(steps: list[bytes], random: Random, others: Sequence[Case]) -> None:
    if not steps:
        return
    at = random.randrange(len(steps))
    step = bytearray(steps[at])
    where = random.randrange(len(step) + 1)
    if where == len(step) or random.random() < 0.2:
        step = step[:where] + random.randbytes(random.randint(1, 4))
    else:
        step[where] = random.choice((0, 1, 255, random.randrange(256), step[where] ^ 1 << random.randrange(8)))
    steps[at] = bytes(step[:STEP_BYTES_MAX])


_MUTATIONS: tuple[Callable[[list[bytes], Random, Sequence[Case]], None], ...] = (
    _append, _insert, _drop, _repeat, _splice, _splice, _change, _change, _change,
)  # fmt: skip


# --- Smaller cases ----------


def minimised(case: Case, fails: Callable[[Case], bool], *, tries: int = 400) -> Case:
    """A case that still fails, from which no run of steps can be left out, as far as so many tries show."""
    length = len(case.steps) // 2
    while length >= 1 and tries > 0:
        at = 0
        while at < len(case.steps) and tries > 0:
            smaller = Case(case.target, case.steps[:at] + case.steps[at + length :])
            tries -= 1
            if fails(smaller):
                case = smaller
            else:
                at += length
        length //= 2
    return case


def fewest(reached: Iterable[tuple[Case, frozenset[int]]]) -> list[Case]:
    """Few cases that together reach all that these reach: each time the one that adds most for its size."""
    left = {case: set(places) for case, places in reached}
    chosen: list[Case] = []
    while left:
        best = max(left, key=lambda case: (len(left[case]) / (32 + case.size), len(left[case])))
        places = left.pop(best)
        if not places:
            break
        chosen.append(best)
        for others in left.values():
            others -= places
        left = {case: others for case, others in left.items() if others}
    return chosen
