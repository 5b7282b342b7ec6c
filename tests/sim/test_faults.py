"""What a link does, fault by fault, and what the named profiles promise. Every seed is fixed: nothing here is flaky."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from random import Random

import pytest

from tests.sim.faults import (
    BROADBAND,
    CLEAN,
    CORRUPT_BYTES_MAX,
    JEPSEN,
    LAN,
    LATE_DUPLICATES,
    VALVE,
    VALVE_TUPLES,
    WIFI,
    WIFI_REORDER,
    Chance,
    Counts,
    Direction,
    Link,
)

Arrivals = list[tuple[float, bytes]]


class NoRandom(Random):
    """Refuses to be drawn from."""

    def random(self) -> float:
        raise AssertionError("drawn")

    def getrandbits(self, bits: int, /) -> int:
        raise AssertionError("drawn")


class CountingRandom(Random):
    """Counts the draws of real numbers."""

    draws = 0

    def random(self) -> float:
        self.draws += 1
        return super().random()


def carry(link: Link, datagrams: int, *, interval_s: float = 1.0, seed: int = 1) -> tuple[list[Arrivals], Counts]:
    """Send numbered datagrams of 8 bytes; return what became of each."""
    direction, counts = Direction(link, Random(seed)), Counts()
    return [direction.carry(i * interval_s, i.to_bytes(8), counts) for i in range(datagrams)], counts


def answers(chance: Chance, questions: int, seed: int = 1) -> list[bool]:
    random = Random(seed)
    return [chance.happens(random) for _ in range(questions)]


def runs(happened: list[bool]) -> list[int]:
    return [len(list(run)) for yes, run in groupby(happened) if yes]


def test_a_clean_link_delivers_at_once_what_was_sent() -> None:
    assert carry(CLEAN, 2)[0] == [[(0.0, bytes(8))], [(1.0, (1).to_bytes(8))]]


def test_a_faultless_link_draws_nothing() -> None:
    for link in (CLEAN, LAN, BROADBAND):
        assert Direction(link, NoRandom()).carry(0.0, b"x", Counts())


def test_each_enabled_decision_is_one_draw() -> None:
    random = CountingRandom(1)
    direction = Direction(Link(loss=1e-9, corrupt=1e-9, reorder=1e-9, duplicate=1e-9, jitter_s=1.0), random)
    for _ in range(100):
        direction.carry(0.0, b"x", Counts())
    assert random.draws == 500


def test_the_smallest_draws_make_a_faultless_network() -> None:
    class Zeros(Random):
        def random(self) -> float:
            return 0.0

    for link in (WIFI, JEPSEN):
        assert Direction(link, Zeros()).carry(0.0, b"x", Counts()) == [(link.delay_s, b"x")]


def test_the_same_seed_does_the_same_and_another_does_not() -> None:
    assert carry(JEPSEN, 200, seed=3) == carry(JEPSEN, 200, seed=3)
    assert carry(JEPSEN, 200, seed=3) != carry(JEPSEN, 200, seed=4)


@pytest.mark.parametrize(("share", "burst_max"), [(0.02, 1), (0.02, 3), (0.3, 3), (0.3, 10), (1.0, 3)])
def test_the_share_of_losses_is_the_share_asked_for_whatever_the_bursts(share: float, burst_max: int) -> None:
    assert sum(answers(Chance(share, burst_max=burst_max), 100_000)) / 100_000 == pytest.approx(share, rel=0.05)


def test_a_burst_is_as_long_as_allowed_and_starts_alone() -> None:
    lengths = runs(answers(Chance(0.001, burst_max=3), 200_000))
    assert set(lengths) == {1, 2, 3}
    assert lengths.count(3) / len(lengths) == pytest.approx(1 / 3, abs=0.1)


def test_correlation_keeps_the_share_and_makes_runs() -> None:
    happened = answers(Chance(0.2, correlation=0.75), 100_000)
    assert sum(happened) / 100_000 == pytest.approx(0.2, rel=0.05)
    lengths = runs(happened)
    # A yes follows a yes with 0.75 + 0.25 x 0.2 = 0.8: a run of 5 in the mean, where independent ones have 1.25.
    assert sum(lengths) / len(lengths) == pytest.approx(5.0, rel=0.05)


def test_what_is_lost_never_arrives_and_is_counted() -> None:
    outcomes, counts = carry(replace(CLEAN, loss=0.25), 1_000)
    assert counts.lost == outcomes.count([]) == pytest.approx(250, abs=40)


def test_a_loss_of_one_loses_everything() -> None:
    assert carry(replace(CLEAN, loss=1.0), 50)[1].lost == 50


def test_jitter_is_uniform_above_the_delay() -> None:
    outcomes, _ = carry(Link(delay_s=0.5, jitter_s=0.1), 1_000)
    delays = [arrivals[0][0] - sent for sent, arrivals in enumerate(outcomes)]
    assert 0.5 <= min(delays) < 0.501
    assert 0.599 < max(delays) <= 0.6
    assert sum(delays) / 1_000 == pytest.approx(0.55, abs=0.005)


def test_a_reordered_datagram_is_held_back_within_its_bounds() -> None:
    outcomes, counts = carry(Link(reorder=0.3, reorder_delay_s_min=0.01, reorder_delay_s_max=0.05), 1_000)
    held = [delay for sent, arrivals in enumerate(outcomes) if (delay := arrivals[0][0] - sent) > 0.0]
    assert counts.reordered == len(held) == pytest.approx(300, abs=45)
    assert 0.01 <= min(held) < max(held) <= 0.05 + 1e-9


def test_a_duplicate_may_come_ten_seconds_late() -> None:
    outcomes, counts = carry(LATE_DUPLICATES, 1_000)
    lateness = [arrivals[1][0] - arrivals[0][0] for arrivals in outcomes if len(arrivals) == 2]
    assert counts.duplicated == len(lateness) == pytest.approx(500, abs=50)
    assert 0.0 <= min(lateness) < 0.2
    assert 9.8 < max(lateness) <= 10.0
    assert all(data == sent.to_bytes(8) for sent, arrivals in enumerate(outcomes) for _, data in arrivals)


def test_a_duplicate_without_delay_arrives_with_the_first() -> None:
    assert carry(Link(delay_s=0.1, duplicate=1.0), 1)[0] == [[(0.1, bytes(8)), (0.1, bytes(8))]]


def test_corruption_changes_one_to_three_bytes_in_a_row_and_nothing_else() -> None:
    outcomes, counts = carry(Link(corrupt=1.0), 1_000)
    seen = set()
    for sent, [(_, data)] in enumerate(outcomes):
        assert len(data) == 8
        changed = [i for i, (was, now) in enumerate(zip(sent.to_bytes(8), data, strict=True)) if was != now]
        assert changed == list(range(changed[0], changed[-1] + 1))
        seen.add(len(changed))
    assert seen == set(range(1, CORRUPT_BYTES_MAX + 1))
    assert counts.corrupted == 1_000


def test_corruption_comes_in_bursts() -> None:
    outcomes, _ = carry(Link(corrupt=0.05, corrupt_burst_max=3), 5_000)
    lengths = runs([data != sent.to_bytes(8) for sent, [(_, data)] in enumerate(outcomes)])
    assert {1, 2, 3} <= set(lengths)
    assert sum(lengths) / 5_000 == pytest.approx(0.05, rel=0.2)


def test_an_empty_datagram_cannot_be_corrupted() -> None:
    counts = Counts()
    assert Direction(Link(corrupt=1.0), Random(1)).carry(0.0, b"", counts) == [(0.0, b"")]
    assert counts.corrupted == 0


def test_the_copy_of_a_corrupted_datagram_is_intact_and_comes_after_it() -> None:
    [[first, copy]], _ = carry(Link(corrupt=1.0, duplicate=1.0, duplicate_delay_s_max=1.0), 1)
    assert first[1] != bytes(8)
    assert copy[1] == bytes(8)
    assert first[0] < copy[0]


def test_a_rate_spaces_what_is_sent_together() -> None:
    outcomes, _ = carry(Link(delay_s=1.0, rate_bytes_per_s=16.0), 3, interval_s=0.0)
    assert [arrivals[0][0] for arrivals in outcomes] == [1.5, 2.0, 2.5]


def test_an_idle_link_saves_nothing_up() -> None:
    outcomes, _ = carry(Link(rate_bytes_per_s=16.0), 3, interval_s=10.0)
    assert [arrivals[0][0] for arrivals in outcomes] == [0.5, 10.5, 20.5]


def test_a_full_queue_drops_the_tail_and_has_room_again_once_it_drained() -> None:
    direction, counts = Direction(Link(rate_bytes_per_s=8.0, queue_packets=2), Random(1)), Counts()
    fates = [bool(direction.carry(now, bytes(8), counts)) for now in (0.0, 0.0, 0.0, 0.9, 1.0, 1.0)]
    assert fates == [True, True, False, False, True, False]
    assert counts.overflowed == 3


def test_a_lost_datagram_has_used_the_rate() -> None:
    direction, counts = Direction(Link(rate_bytes_per_s=8.0, queue_packets=1, loss=1.0), Random(1)), Counts()
    direction.carry(0.0, bytes(8), counts)
    direction.carry(0.5, bytes(8), counts)
    assert (counts.lost, counts.overflowed) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 1.5},
        {"corrupt": -0.1},
        {"correlation": 1.0},
        {"delay_s": -1.0},
        {"reorder_delay_s_min": 2.0, "reorder_delay_s_max": 1.0},
        {"loss_burst_max": 0},
        {"loss_burst_max": 3, "correlation": 0.5},
        {"rate_bytes_per_s": 0.0},
        {"queue_packets": 5},
        {"queue_packets": 0, "rate_bytes_per_s": 1.0},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_cannot_be_built(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Link(**wrong)  # type: ignore[arg-type]  # the point of the test


def test_the_profiles_are_those_of_the_scenario_list() -> None:
    assert (LAN.delay_s, LAN.rate_bytes_per_s) == (0.000_2, 1e9 / 8)
    assert (BROADBAND.delay_s, BROADBAND.rate_bytes_per_s, BROADBAND.queue_packets) == (0.015, 10e6 / 8, 25)
    assert (WIFI.delay_s, WIFI.loss, WIFI.loss_burst_max, WIFI.reorder) == (0.003, 0.02, 3, 0.02)
    assert (WIFI_REORDER.loss, WIFI_REORDER.reorder, WIFI_REORDER.reorder_delay_s_max) == (0.0, 0.3, 0.04)
    assert {JEPSEN.loss, JEPSEN.duplicate, JEPSEN.reorder} == {0.2}
    assert JEPSEN.correlation == 0.75


def test_each_of_valves_tuples_is_a_link() -> None:
    assert len(VALVE) == len(VALVE_TUPLES) == 18
    terrible = VALVE["64000-20-100-4-50"]
    assert (terrible.rate_bytes_per_s, terrible.loss, terrible.delay_s) == (64_000, 0.2, 0.1)
    assert (terrible.reorder, terrible.reorder_delay_s_min, terrible.reorder_delay_s_max) == (0.04, 0.05, 0.05)
    assert terrible.queue_packets == 25
    assert VALVE["2000000-0-0-0-0"].queue_packets == 166


def test_counts_add_up_field_by_field() -> None:
    total = Counts(sent=1, sent_bytes=10)
    total.add(Counts(sent=2, lost=1))
    assert total == Counts(sent=3, sent_bytes=10, lost=1)
