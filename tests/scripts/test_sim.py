"""scripts/sim: every seed is run once, in order, and a failing one says how to replay it."""

from __future__ import annotations

import pytest

from tests.scripts.loading import load

script = load("sim")


def test_seeds_pass_and_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert script.report(2, (script.run(seed) for seed in (3, 4))) == 0
    assert capsys.readouterr().out.startswith("2 seeds, 0 failed: ")


def test_a_failing_seed_says_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    results = [script.Result(6, ""), script.Result(7, "AssertionError in check: twice")]
    assert script.report(2, results) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["seed 7: AssertionError in check: twice", "replay: scripts/sim --seed 7 --verbose"]
    assert lines[2].startswith("2 seeds, 1 failed: ")


def test_every_third_world_has_hostile_members_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert [script.Kind().is_hostile(seed) for seed in range(6)] == [True, False, False] * 2
    assert all(script.Kind(hostile=True).is_hostile(seed) for seed in range(6))
    kind = script.Kind(disks=True, hostile=True)
    results = [script.Result(9, "", is_hostile=True), script.Result(7, "Stuck in run: late", is_hostile=True)]
    assert script.report(2, results, kind=kind) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 7, with hostile members: Stuck in run: late"
    assert lines[1] == "replay: scripts/sim --disks --hostile --seed 7 --verbose"
    assert lines[2].startswith("2 seeds, 1 failed: 2 with hostile members, ")


def test_a_world_with_a_hostile_server_is_run_on_request() -> None:
    result = script.run(1, kind=script.Kind(hostile_server=True))
    assert not result.failure and not result.is_hostile and result.virtual_s > 0


def test_what_a_seed_raises_is_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("tests.sim.swarm.Swarm.run", fail)
    assert script.run(1).failure.startswith("ZeroDivisionError in fail, ")


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_seeds_are_run_in_order_whatever_the_number_of_processes(jobs: int) -> None:
    seeds: list[int] = []

    def collect(results: object) -> int:
        seeds.extend(result.seed for result in results)  # type: ignore[attr-defined]
        return 0

    assert script.run_all(range(40, 52), jobs=jobs, results=collect) == 0
    assert seeds == list(range(40, 52))


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--jobs", "0"], ["--seed", "x"]])
def test_wrong_numbers_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        script.parse(arguments)
    assert exit_info.value.code == 2
