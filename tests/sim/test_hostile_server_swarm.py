"""A lying server and real clients: a slice of what `scripts/sim --hostile-server` runs, and its bounds."""

from __future__ import annotations

import pytest

from tests.sim import hostile_server_swarm
from tests.sim.hostile_server_swarm import HostileServerSwarm

SLICES = 3
SEEDS_PER_SLICE = 4


@pytest.mark.parametrize("number", range(SLICES))
def test_clients_survive_whatever_their_server_sends(number: int) -> None:
    for seed in range(number * SEEDS_PER_SLICE, (number + 1) * SEEDS_PER_SLICE):
        try:
            HostileServerSwarm(seed).run()
        except Exception as error:
            raise AssertionError(f"replay: scripts/sim --hostile-server --seed {seed} --verbose") from error


def test_a_world_does_the_same_again_and_tells_what_happens() -> None:
    def told(seed: int) -> list[str]:
        lines: list[str] = []
        HostileServerSwarm(seed, lines.append).run()
        return [line.split(", and holds")[0] for line in lines]

    assert told(2) == told(2) != told(3)


@pytest.mark.parametrize(
    ("bound", "message"),
    [("SENDS_PER_S_MAX", "datagrams for"), ("HANDSHAKES_PER_S_MAX", "of handshakes"), ("CORE_BYTES_MAX", "holds")],
)
def test_every_bound_is_looked_at(bound: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile_server_swarm, bound, -1_000)
    with pytest.raises(AssertionError, match=message):
        HostileServerSwarm(2).run()
