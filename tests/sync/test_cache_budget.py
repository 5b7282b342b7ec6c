"""The budget of what is kept in memory: who was used longest ago forgets first."""

from __future__ import annotations

from udpchat.sync.cache_budget import MemoryBudget


class Keeper:
    def __init__(self) -> None:
        self.has_forgotten = False

    def forget(self) -> None:
        self.has_forgotten = True


def test_the_one_used_longest_ago_forgets_first() -> None:
    budget = MemoryBudget(100)
    first, second, third = Keeper(), Keeper(), Keeper()
    budget.on_used(first, 40)
    budget.on_used(second, 40)
    budget.on_used(first, 50)
    budget.on_used(third, 40)
    assert (first.has_forgotten, second.has_forgotten, third.has_forgotten) == (False, True, False)
    assert budget.total == 90


def test_the_one_used_last_keeps_what_it_needs_alone() -> None:
    budget = MemoryBudget(100)
    first, second = Keeper(), Keeper()
    budget.on_used(first, 10)
    budget.on_used(second, 200)
    assert first.has_forgotten and not second.has_forgotten and budget.total == 200
    budget.on_gone(second)
    budget.on_gone(second)
    assert budget.total == 0
