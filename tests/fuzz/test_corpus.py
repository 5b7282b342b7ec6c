"""The corpus: inputs that reach much of both ends, each run once; what failed before fails no more."""

from __future__ import annotations

import pytest

from tests.fuzz import engine
from tests.fuzz.cases import Case, load_corpus
from tests.fuzz.targets import CORPUS, TARGETS

CORPUS_BYTES_MAX = 200 * 1024


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_no_case_of_the_corpus_fails(target: str) -> None:
    cases: list[Case] = load_corpus(CORPUS, target)
    assert cases
    failed = [failure.text for case in cases if (failure := engine.run(case, TARGETS[target])[0]) is not None]
    assert not failed, "\n".join(failed)


def test_the_corpus_is_small_and_each_case_has_a_target() -> None:
    files = sorted(CORPUS.iterdir())
    assert sum(path.stat().st_size for path in files) <= CORPUS_BYTES_MAX
    assert {path.name.split("-")[0] for path in files} <= {*TARGETS}
    assert {path.suffix for path in files} == {".case"}
    assert len(files) == sum(len(load_corpus(CORPUS, target)) for target in TARGETS)
