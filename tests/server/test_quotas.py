"""Quotas: what is held and given back, what is spent and comes back with time, each by key and by source."""

from __future__ import annotations

from udpchat.server.quotas import HOLDERS_MAX, WAIT_S_MIN, HeldQuota, Places, Quotas, Share, SpentQuota, Who, disk_rates
from udpchat.session.rate_limit import Rate
from udpchat.wire.limits import (
    CONVERSATIONS_PER_KEY_MAX,
    DISK_FILL_S_MIN,
    REQUEST_BLOCK_BYTES,
    STORED_ROOMS_A_DAY,
    WRITE_BYTES_PER_SOURCE_BURST,
    WRITE_BYTES_PER_SOURCE_PER_S,
)


def who(key: int, source: str = "10.0.0.1") -> Who:
    return Who(key.to_bytes(32, "big"), source)


def quota() -> HeldQuota:
    """Two for a key, four for a source, twenty in all."""
    return HeldQuota(key_max=2, source_share=4, total_max=20)


def test_a_key_holds_no_more_than_it_may_from_wherever_it_comes() -> None:
    held = quota()
    assert [held.take(who(1)), held.take(who(1)), held.take(who(1)), held.take(who(1, "10.0.0.2"))] == [
        True, True, False, False,
    ]  # fmt: skip
    held.give_back(who(1))
    assert held.take(who(1, "10.0.0.2")) and held.total == 2


def test_a_source_borrows_while_less_than_half_is_in_use_and_its_share_is_always_there() -> None:
    held = quota()
    assert sum(held.take(who(number)) for number in range(30)) == 10
    assert held.borrowers() == ["10.0.0.1"]
    for other in ("10.0.0.2", "10.0.0.3"):
        assert sum(held.take(who(number, other)) for number in range(100, 130)) == 4
    assert sum(held.take(who(number, "10.0.0.4")) for number in range(200, 230)) == 2
    assert held.total == 20 and held.is_within(who(200, "10.0.0.4")) and not held.is_within(who(5))


def test_what_is_given_back_leaves_nothing_behind() -> None:
    held = quota()
    for number in range(8):
        held.take(who(number))
    for number in range(8):
        held.give_back(who(number))
    assert held.total == 0 and held.borrowers() == []
    assert all(held.take(who(number, "10.0.0.2")) for number in range(10))


def test_who_is_within_their_share_gets_the_first_place_that_was_borrowed_and_may_go() -> None:
    places: Places[int] = Places(quota())
    for number in range(20):
        places.take(number, who(number, f"10.0.0.{0 if number < 10 else number}"))
    assert places.surplus_for(who(50, "10.0.0.1"), lambda holder: holder >= 2) == 2
    assert places.surplus_for(who(50, "10.0.0.1"), lambda holder: True) == 2, "those before may never go"
    assert places.surplus_for(who(50, "10.0.0.0"), lambda holder: True) is None
    places.give_back(2)
    places.give_back(2)
    assert places.surplus_for(who(50, "10.0.0.1"), lambda holder: True) is None and places.take(2, who(50, "10.0.0.1"))


def test_a_device_has_room_for_what_is_next_though_all_is_in_use() -> None:
    held = HeldQuota(key_max=20_000, source_share=30_000, total_max=40_000)
    one, other = Share(held, who(1), 5_000), Share(held, who(2, "10.0.0.2"), 5_000)
    for device in (one, other):
        device.add(REQUEST_BLOCK_BYTES - 1)
    assert held.total == 0
    left = 5_000 - one.held
    assert one.has_room(left, is_next=False) and not one.has_room(left + 1, is_next=False)
    rest = 20_000 - one.held
    assert one.has_room(rest, is_next=True) and not one.has_room(rest + 1, is_next=True)
    one.add(rest)
    held.add(who(3, "10.0.0.3"), 20_000)
    assert not other.has_room(1, is_next=False) and other.held == REQUEST_BLOCK_BYTES - 1
    assert other.has_room(1_200, is_next=True) and not other.has_room(18_000, is_next=True)
    other.add(-other.held)
    assert other.has_room(18_000, is_next=True)


def test_what_a_device_holds_is_counted_to_within_a_block_and_not_at_all_once_it_is_nothing() -> None:
    held = HeldQuota(key_max=20_000, source_share=30_000, total_max=40_000)
    device = Share(held, who(1), 5_000)
    counted = []
    for size in (REQUEST_BLOCK_BYTES - 1, 1, REQUEST_BLOCK_BYTES - 1, -300, 301, -REQUEST_BLOCK_BYTES, -1, 1 - 2_048):
        device.add(size)
        counted.append(held.total)
    assert counted == [0, 2_048, 2_048, 2_048, 4_096, 2_048, 2_048, 0] and device.held == 0


def test_what_is_spent_comes_back_with_time_and_no_further_than_the_burst() -> None:
    spent = SpentQuota(Rate(2, 1.0), Rate(3, 0.5))
    assert [spent.take(0.0, who(1)) for _ in range(3)] == [True, True, False]
    assert spent.take(0.0, who(2)) and not spent.take(0.0, who(3)), "the source has spent three"
    assert spent.take(2.0, who(3)) and not spent.take(2.0, who(1))
    assert [spent.take(1e6, who(1)) for _ in range(3)] == [True, True, False]


def test_who_is_refused_by_one_rate_spends_nothing_of_the_other() -> None:
    spent = SpentQuota(Rate(1, 0.0), Rate(2, 0.0))
    assert spent.take(0.0, who(1)) and not spent.take(0.0, who(1)) and spent.take(0.0, who(2))


def test_more_than_a_burst_takes_a_whole_one_and_is_paid_off() -> None:
    spent = SpentQuota(Rate(10, 1.0), Rate(100, 1.0))
    assert spent.take(0.0, who(1), 15.0) and not spent.take(4.0, who(1), 1.0) and spent.take(6.0, who(1), 1.0)


def test_the_oldest_spending_is_forgotten_when_too_many_spend() -> None:
    spent = SpentQuota(Rate(1, 0.0), Rate(1, 0.0))
    for number in range(HOLDERS_MAX + 1):
        assert spent.take(0.0, who(number, f"source{number}"))
    assert not spent.take(0.0, who(1, "elsewhere")) and spent.take(0.0, who(0, "elsewhere"))


def test_no_source_fills_a_disk_within_a_day_however_small_it_is() -> None:
    key, source = disk_rates(float("inf"))
    assert (source.per_s, source.burst) == (WRITE_BYTES_PER_SOURCE_PER_S, WRITE_BYTES_PER_SOURCE_BURST)
    assert key.per_s < source.per_s
    for free_bytes in (0, 10**6, 10**9):
        _, source = disk_rates(free_bytes)
        assert round(source.per_s * DISK_FILL_S_MIN) <= free_bytes and source.burst <= free_bytes / 16


def test_the_rates_of_the_table_are_those_of_a_day() -> None:
    (key_burst, a_day), _ = STORED_ROOMS_A_DAY
    quotas = Quotas()
    assert sum(quotas.stored_rooms.take(0.0, who(1)) for _ in range(2 * key_burst)) == key_burst
    assert sum(quotas.stored_rooms.take(86_400.0 / 2, who(1)) for _ in range(a_day)) == a_day // 2


def test_of_whom_a_source_begins_conversations_with_is_known_whoever_else_it_only_asks_for() -> None:
    """Who is refused may name everybody in turn: that must not push out what was counted before."""
    quotas, source, other = Quotas(), "10.0.0.1", b"o" * 32
    for _ in range(CONVERSATIONS_PER_KEY_MAX // 2 + 1):
        quotas.on_begun_with(0.0, source, other)
    for number in range(HOLDERS_MAX + 1):
        assert quotas.may_begin_with(1.0, source, number.to_bytes(32, "big"), CONVERSATIONS_PER_KEY_MAX)
    assert not quotas.may_begin_with(2.0, source, other, CONVERSATIONS_PER_KEY_MAX)


def test_who_has_spent_a_rate_is_given_the_time_until_there_is_enough_of_key_and_source() -> None:
    quota = SpentQuota(Rate(10.0, 2.0), Rate(12.0, 1.0))
    assert quota.wait_s(0.0, who(1), 10.0) == 0.0
    assert quota.wait_s(0.0, who(1), 1.0) == 0.5
    assert quota.wait_s(0.0, who(2), 4.0) == 2.0, "the source has two"
    assert quota.wait_s(2.0, who(2), 4.0) == 0.0, "nothing was spent by asking"
    assert quota.wait_s(100.0, who(3, "10.0.0.2"), 50.0) == 0.0, "more than a burst, of a full one"
    assert quota.wait_s(100.0, who(3, "10.0.0.2"), 1.0) > 0.0


def test_a_wait_is_never_too_short_to_count() -> None:
    quota = SpentQuota(Rate(1.0, 1e9), Rate(1.0, 1e9))
    assert quota.wait_s(0.0, who(1), 1.0) == 0.0
    assert quota.wait_s(0.0, who(1), 1.0) == WAIT_S_MIN
