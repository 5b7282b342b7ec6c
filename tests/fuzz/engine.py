"""Runs cases and looks for those that fail; guided by the lines of udpchat that run, and by what a target notes."""

from __future__ import annotations

import re
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from types import CodeType, FrameType
from typing import Protocol

from tests.fuzz.cases import Case, Choices, fresh, minimised, mutated
from tests.fuzz.lines import LineCoverage

CASE_S_MAX = 60.0  # real time: a step that never ends
FRESH_SHARE = 0.15  # of the cases, begun from nothing
KIND_CHARACTERS_MAX = 60  # of what an error says; numbers in it do not count
ALL_TRACED = 300  # of the first cases the lines are noted; of later ones, for it slows them, of a share
TRACED_SHARE = 0.3
RECENT = 40  # half of the cases come from the latest of the corpus


class Target(Protocol):
    """What is fuzzed. `step` and `finish` raise if an invariant does not hold, or if anything else goes wrong."""

    def step(self, choices: Choices) -> None:
        """Do one thing to it, and check it."""

    def finish(self) -> None:
        """Check what must hold at the end."""

    def noted(self) -> set[Hashable]:
        """What happened that is worth another look, besides the lines that ran."""

    def close(self) -> None:
        """Release what the target holds."""


MakeTarget = Callable[[], Target]


class Endless(AssertionError):
    """A case took longer than CASE_S_MAX."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a case failed. Failures of one `kind` are taken for the same fault."""

    kind: str
    text: str


@dataclass(slots=True)
class Report:
    """What a run of a fuzzer did and found."""

    target: str
    cases: int = 0
    steps: int = 0
    kept: int = 0
    lines: int = 0
    found: list[tuple[Case, Failure]] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)  # by kind: how often a known failure came again

    def __str__(self) -> str:
        again = sum(self.again.values())
        return (
            f"{self.target}: {self.cases} cases, {self.steps} steps, {self.lines} lines of udpchat reached, "
            f"{self.kept} cases kept, {len(self.found)} failures" + (f" ({again} times more)" if again else "")
        )


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise `Endless` inside after CASE_S_MAX, where the system has such a timer."""

    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise Endless(f"still at it after {CASE_S_MAX:.0f} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    try:
        before = signal.signal(signal.SIGALRM, on_alarm)
    except ValueError:  # not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, CASE_S_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(case: Case, make: MakeTarget) -> tuple[Failure | None, set[Hashable]]:
    """Run a case: how it failed, if it did, and what its target noted."""
    target = None
    try:
        with _bounded():
            target = make()
            for step in case.steps:
                target.step(Choices(step))
            target.finish()
    except Exception as error:  # a fault of any kind is what we are looking for
        return _failure(error), set()
    finally:
        if target is not None:
            with suppress(Exception):
                target.close()
    return None, target.noted()


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "/udpchat/" in frame.filename.replace("\\", "/")] or frames
    place = inside[-1]
    file = "/".join(place.filename.replace("\\", "/").split("/")[-2:])
    text = "".join(traceback.format_exception(error))
    said = re.sub(r"0x[0-9a-f]+|[0-9]+", "N", str(error))[:KIND_CHARACTERS_MAX]
    return Failure(f"{type(error).__name__} in {place.name}, {file}:{place.lineno}: {said}", text)


def made_small(case: Case, failure: Failure, make: MakeTarget) -> tuple[Case, Failure]:
    """A case with few steps that fails in the same way, and how it does."""
    last = failure

    def fails(other: Case) -> bool:
        nonlocal last
        found, _ = run(other, make)
        if found is None or found.kind != failure.kind:
            return False
        last = found
        return True

    return minimised(case, fails), last


class Fuzzer:
    """Runs cases of one target: those of a corpus first, then others made from those that reached something new."""

    def __init__(self, target: str, make: MakeTarget, *, seed: int, corpus: Sequence[Case] = ()) -> None:
        self.report = Report(target)
        self._make = make
        self._random = Random(f"{seed} {target}")
        self._waiting = list(corpus)[::-1]
        self._corpus: list[Case] = []
        self._coverage = LineCoverage()
        self._noted: set[Hashable] = set()

    def run_for(self, seconds: float, tell: Callable[[Case, Failure], None]) -> Report:
        """Go on for so long; `tell` gets each failure of a new kind, made small."""
        end = monotonic() + seconds
        while monotonic() < end or self._waiting:
            self._try(self.next_case(), tell)
        return self.report

    def run_cases(self, count: int, tell: Callable[[Case, Failure], None]) -> Report:
        """Go on for so many cases."""
        for _ in range(count):
            self._try(self.next_case(), tell)
        return self.report

    def next_case(self) -> Case:
        """A case of the corpus that has not run yet, else a new one."""
        random = self._random
        if self._waiting:
            return self._waiting.pop()
        if not self._corpus or random.random() < FRESH_SHARE:
            return fresh(self.report.target, random)
        parents = self._corpus[-RECENT:] if random.random() < 0.5 else self._corpus
        return mutated(random.choice(parents), random, self._corpus)

    def _try(self, case: Case, tell: Callable[[Case, Failure], None]) -> None:
        report = self.report
        lines: list[tuple[CodeType, int]] = []
        if report.cases < ALL_TRACED or self._random.random() < TRACED_SHARE:
            with self._coverage.noting() as lines:
                failure, noted = run(case, self._make)
        else:
            failure, noted = run(case, self._make)
        report.cases += 1
        report.steps += len(case.steps)
        report.lines += len(lines)
        if failure is not None:
            self._on_failure(case, failure, tell)
        elif lines or not noted <= self._noted:
            self._noted |= noted
            self._corpus.append(case)
            report.kept += 1

    def _on_failure(self, case: Case, failure: Failure, tell: Callable[[Case, Failure], None]) -> None:
        report = self.report
        if any(known.kind == failure.kind for _, known in report.found):
            report.again[failure.kind] += 1
            return

        small = made_small(case, failure, self._make)
        report.found.append(small)
        tell(*small)

    @property
    def corpus(self) -> list[Case]:
        """The cases that reached something new."""
        return list(self._corpus)


def reached(case: Case, make: MakeTarget) -> frozenset[int]:
    """The lines that a case runs, and what its target notes, as numbers; none if it fails."""
    with LineCoverage(is_exact=True).noting() as lines:
        failure, noted = run(case, make)
    if failure is not None:
        return frozenset()
    return frozenset([hash((code.co_filename, line)) for code, line in lines] + [hash(note) for note in noted])
