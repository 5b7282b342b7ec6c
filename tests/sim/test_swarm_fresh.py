"""Swarms that no run had before: some seeds drawn anew each time, in the profile `random` (tests/conftest.py)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.scripts.loading import load

PARTS = 4
SEEDS_PER_PART = 3
SEED_MAX = 2**31

script = load("sim")


@pytest.mark.fresh
@pytest.mark.parametrize("kind", [script.Kind(), script.Kind(disks=True), script.Kind(hostile=True)])
@pytest.mark.parametrize("part", range(PARTS))
def test_all_comes_right_in_worlds_not_seen_before(fresh: Random, kind: Any, part: int) -> None:
    for seed in (fresh.randrange(SEED_MAX) for _ in range(SEEDS_PER_PART)):
        result = script.run(seed, kind=kind)
        assert not result.failure, f"{result.failure}\nreplay: {script.replay_of(seed, kind=kind)}"
