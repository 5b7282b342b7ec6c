"""Bytes that several tables share."""

from __future__ import annotations

import pytest

from udpchat.sync.budget import Budget


def test_what_is_given_back_can_be_taken_again() -> None:
    budget = Budget(10)
    budget.take(6)
    assert budget.has_room(4) and not budget.has_room(5)
    budget.give(6)
    assert budget.has_room(10) and not budget.has_room(11)


def test_nobody_gives_back_what_was_not_taken() -> None:
    budget = Budget(10)
    budget.take(12)
    assert not budget.has_room(0)
    with pytest.raises(AssertionError):
        budget.give(13)
