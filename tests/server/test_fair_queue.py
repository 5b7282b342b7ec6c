"""Who has used least is next, whatever came first."""

from __future__ import annotations

from itertools import islice

from udpchat.server.credit import CREDIT_US, Ledger
from udpchat.server.fair_queue import FairQueue


def served(ledger: Ledger, queue: FairQueue[str], prices_us: dict[str, float]) -> str:
    """The order in which all that waits is served, each charged its price."""
    order = ""
    while queue.size:
        item = queue.take()
        order += item
        ledger.charge(prices_us[item], ledger.open(item))
    return order


def waiting(ledger: Ledger, items: str) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(ledger)
    for item in items:
        queue.add((ledger.open(item),), item)
    return queue


def test_senders_of_equal_use_take_turns_though_one_came_with_much() -> None:
    ledger = Ledger()
    queue = waiting(ledger, "aaabcc")
    assert served(ledger, queue, {"a": 1.0, "b": 1.0, "c": 1.0}) == "abcaca"


def test_who_costs_four_times_as_much_is_served_a_quarter_as_often() -> None:
    ledger = Ledger()
    queue = waiting(ledger, "a" * 4 + "b" * 16)
    assert served(ledger, queue, {"a": 4.0, "b": 1.0}) == "abbbb" * 4


def test_who_was_silent_goes_first() -> None:
    ledger = Ledger()
    ledger.charge(CREDIT_US, ledger.open("a"))
    queue = waiting(ledger, "ab")
    assert queue.take() == "b"


def test_of_several_accounts_the_one_that_used_most_counts() -> None:
    ledger = Ledger()
    shared = ledger.open("host")
    queue: FairQueue[str] = FairQueue(ledger)
    ledger.charge(CREDIT_US, shared)
    queue.add((ledger.open("a"), shared), "a")
    queue.add((ledger.open("b"), ledger.open("elsewhere")), "b")
    assert [queue.take(), queue.take()] == ["b", "a"] and queue.size == 0


def test_once_all_together_have_as_much_as_may_wait_each_sender_still_has_an_equal_part_of_it() -> None:
    """As found: of whom an ack waited, the next request was dropped, and came when the client repeated it."""
    ledger = Ledger()
    queue: FairQueue[str] = FairQueue(ledger, size_max=8)

    def added(sender: str, count: int) -> int:
        return sum(queue.add((ledger.open(sender),), sender) for _ in range(count))

    assert added("mallory", 20) == 8
    assert added("alice", 20) == 4 and added("mallory", 1) == 0
    assert added("bob", 20) == 3 and added("carol", 20) == 2


def test_a_run_is_of_who_is_next_and_leaves_what_it_is_not_asked_for() -> None:
    ledger = Ledger()
    ledger.charge(CREDIT_US, ledger.open("b"))
    queue = waiting(ledger, "babaab")
    assert list(islice(queue.take_run(), 2)) == ["a", "a"] and queue.size == 4
    assert list(queue.take_run()) == ["a"]
    assert list(queue.take_run()) == ["b", "b", "b"] and queue.size == 0


def test_who_was_silent_for_longer_than_credit_is_saved_goes_before_nobody_who_has_all_credit() -> None:
    ledger = Ledger()
    ledger.open("silent")
    ledger.clock_us = 3 * CREDIT_US
    ledger.open("here").used_us = 2 * CREDIT_US
    queue = FairQueue[str](ledger)
    for name in ("here", "silent"):
        queue.add((ledger.open(name),), name)
    assert [queue.take(), queue.take()] == ["here", "silent"]
