"""The swarm (scenario S44): a slice of what `scripts/sim` runs, and what makes a seed worth something."""

from __future__ import annotations

from hashlib import blake2s

import pytest

from tests.sim.liveness import HEARTBEAT_RECOVERY_S, RECOVERY_S
from tests.sim.swarm import Swarm

SLICES = 8
SEEDS_PER_SLICE = 12  # together well under 40 s on one core


@pytest.mark.parametrize("number", range(SLICES))
def test_all_comes_right_whatever_goes_wrong(number: int) -> None:
    for seed in range(number * SEEDS_PER_SLICE, (number + 1) * SEEDS_PER_SLICE):
        try:
            outcome = Swarm(seed).run()
        except Exception as error:
            raise AssertionError(f"replay: scripts/sim --seed {seed} --verbose") from error
        assert outcome.recovered_s <= RECOVERY_S and outcome.settled_s <= HEARTBEAT_RECOVERY_S


def test_a_seed_does_the_same_again() -> None:
    def trace(seed: int) -> str:
        swarm, digest = Swarm(seed), blake2s()
        swarm.world.network.taps.append(lambda *datagram: digest.update(repr(datagram).encode()))
        swarm.run()
        return digest.hexdigest()

    assert trace(3) == trace(3) != trace(4)


def test_what_happens_is_told() -> None:
    told: list[str] = []
    Swarm(5, told.append).run()
    assert told[0].split()[1].startswith("Plan(")
    assert any("the faults stop" in line for line in told)
    assert told[-1].split()[1] == "silent,"
