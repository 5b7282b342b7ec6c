"""The replay window, with the cases of WireGuard's selftest/counter.c for a window of ours."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sizes import size_of
from udpchat.session.replay_window import ReplayWindow
from udpchat.wire.limits import REPLAY_WINDOW_PACKETS

W = REPLAY_WINDOW_PACKETS  # WireGuard's T_LIM: one more than how far behind the largest a counter may be
END = 2**64 - 1


def check(cases: list[tuple[int, bool]]) -> None:
    """Offer each counter in turn to a new window."""
    window = ReplayWindow()
    for number, (counter, expected) in enumerate(cases, 1):
        assert window.is_fresh(counter) is expected, f"case {number}: {counter}"
        assert window.accept(counter) is expected, f"case {number}: {counter}"


def test_the_cases_of_wireguard_hold() -> None:
    check([
        (0, True), (1, True), (1, False), (9, True), (8, True), (7, True), (7, False),
        (W, True), (W - 1, True), (W - 1, False), (W - 2, True), (2, True), (2, False),
        (W + 16, True), (3, False), (W + 16, False),
        (W * 4, True), (W * 4 - (W - 1), True), (10, False), (W * 4 - W, False), (W * 4 - (W + 1), False),
        (W * 4 - (W - 2), True), (W * 4 + 1 - W, False), (0, False),
        (END, True), (END, False), (END - 1, True), (END - 1, False), (END - 2, True), (0, False),
    ])  # fmt: skip


def test_the_oldest_counter_of_a_full_window_is_accepted_once() -> None:
    check([(n, True) for n in range(1, W)] + [(0, True), (0, False)])


def test_one_beyond_a_full_window_is_refused() -> None:
    check([(n, True) for n in range(2, W + 1)] + [(1, True), (0, False)])


def test_a_window_may_fill_backwards() -> None:
    check([(n, True) for n in reversed(range(W))])
    check([(n, True) for n in reversed(range(1, W + 1))] + [(0, False)])
    check([(n, True) for n in reversed(range(1, W))] + [(W, True), (0, False)])
    check([(n, True) for n in reversed(range(1, W))] + [(0, True), (W, True)])


def test_the_largest_moves_forward_only() -> None:
    window = ReplayWindow()
    assert window.largest == -1
    for counter, largest in ((5, 5), (3, 5), (9, 9), (9, 9)):
        window.accept(counter)
        assert window.largest == largest


def test_order_costs_no_memory_and_disorder_a_bounded_amount() -> None:
    window = ReplayWindow()
    fresh = size_of(window)
    for counter in range(3 * W):
        assert window.accept(counter)
    assert size_of(window) <= fresh + 32
    for leap in range(10, 20):
        window.accept(leap * W)
        window.accept(leap * W + W // 2)
    assert size_of(window) <= fresh + W // 7


@given(st.lists(st.integers(0, 3 * W) | st.integers(0, 40), max_size=200))
def test_the_window_agrees_with_a_set(counters: list[int]) -> None:
    window, seen = ReplayWindow(), set[int]()
    for counter in counters:
        expected = counter not in seen and counter > max(seen, default=-1) - W
        assert window.accept(counter) is expected
        seen.add(counter)
