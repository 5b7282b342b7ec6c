"""A slice of the swarm on disks, and that it does what it says."""

from __future__ import annotations

import pytest

from tests.sim.disk_swarm import DiskSwarm
from tests.sim.liveness import HEARTBEAT_RECOVERY_S, RECOVERY_S

SLICES = 4
SEEDS_PER_SLICE = 5


@pytest.mark.parametrize("number", range(SLICES))
def test_all_comes_right_whatever_the_disks_do(number: int) -> None:
    for seed in range(number * SEEDS_PER_SLICE, (number + 1) * SEEDS_PER_SLICE):
        try:
            outcome = DiskSwarm(seed).run()
        except Exception as error:
            raise AssertionError(f"DiskSwarm({seed}, print).run()") from error
        assert outcome.recovered_s <= RECOVERY_S and outcome.settled_s <= HEARTBEAT_RECOVERY_S


@pytest.mark.parametrize(
    "seed",
    [
        5,  # a new nick that the log answered for, and the server did not go by
        61,  # a client lost more answers with its power than the server recalled
        346,  # what a former process of the server said of a roster came late, and replaced that of now
    ],
)
def test_what_a_seed_once_found_stays_repaired(seed: int) -> None:
    DiskSwarm(seed).run()
