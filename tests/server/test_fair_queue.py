"""Who has used least is next, whatever came first."""

from __future__ import annotations

from itertools import islice

from udpchat.server.credit import CREDIT_US, Accounts
from udpchat.server.fair_queue import FairQueue


def served(accounts: Accounts, queue: FairQueue[str], prices_us: dict[str, float]) -> str:
    """The order in which all that waits is served, each charged its price."""
    order = ""
    while queue.size:
        item = queue.take()
        order += item
        accounts.charge(prices_us[item], accounts.open(item))
    return order


def waiting(accounts: Accounts, items: str) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(accounts)
    for item in items:
        queue.add((accounts.open(item),), item)
    return queue


def test_senders_of_equal_use_take_turns_though_one_came_with_much() -> None:
    accounts = Accounts()
    queue = waiting(accounts, "aaabcc")
    assert served(accounts, queue, {"a": 1.0, "b": 1.0, "c": 1.0}) == "abcaca"


def test_who_costs_four_times_as_much_is_served_a_quarter_as_often() -> None:
    accounts = Accounts()
    queue = waiting(accounts, "a" * 4 + "b" * 16)
    assert served(accounts, queue, {"a": 4.0, "b": 1.0}) == "abbbb" * 4


def test_who_was_silent_goes_first() -> None:
    accounts = Accounts()
    accounts.charge(CREDIT_US, accounts.open("a"))
    queue = waiting(accounts, "ab")
    assert queue.take() == "b"


def test_of_several_accounts_the_one_that_used_most_counts() -> None:
    accounts = Accounts()
    shared = accounts.open("host")
    queue: FairQueue[str] = FairQueue(accounts)
    accounts.charge(CREDIT_US, shared)
    queue.add((accounts.open("a"), shared), "a")
    queue.add((accounts.open("b"), accounts.open("elsewhere")), "b")
    assert [queue.take(), queue.take()] == ["b", "a"] and queue.size == 0


def test_a_run_is_of_who_is_next_and_leaves_what_it_is_not_asked_for() -> None:
    accounts = Accounts()
    accounts.charge(CREDIT_US, accounts.open("b"))
    queue = waiting(accounts, "babaab")
    assert list(islice(queue.take_run(), 2)) == ["a", "a"] and queue.size == 4
    assert list(queue.take_run()) == ["a"]
    assert list(queue.take_run()) == ["b", "b", "b"] and queue.size == 0
