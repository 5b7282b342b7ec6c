"""The address check: S17 to S20 at the level of one path."""

from random import Random

import pytest

from udpchat.session.path import Path
from udpchat.wire.errors import BadDatagram, Drop
from udpchat.wire.limits import (
    PATH_ALONE_S,
    PATH_CANDIDATES_BURST,
    PATH_CANDIDATES_PER_S,
    PATH_CHECK_BYTES_MAX,
    PATH_CHECKS_MAX,
    PATH_LEFT_S,
    PATH_TIMEOUT_S,
)
from udpchat.wire.packets import Address

HOME, AWAY, RELAY = ("10.0.0.1", 1), ("10.0.0.1", 2), ("10.6.6.6", 6)


def path() -> Path:
    """A server's path to HOME."""
    return Path(HOME, Random(1).randbytes)


def challenged(now: float, address: tuple[str, int], counter: int, size: int = 100) -> tuple[Path, bytes]:
    """A path with a candidate, and the token that was sent to it."""
    here = path()
    here.on_packet(now, address, counter=counter, size=size, is_newest=True)
    [challenge] = here.drain_challenges()
    assert challenge.address == address
    return here, challenge.token


def test_packets_from_the_known_address_ask_nothing() -> None:
    here = path()
    here.on_packet(0.0, HOME, counter=5, size=100, is_newest=True)
    assert not here.is_checking and here.drain_challenges() == [] and here.next_timeout() is None


def test_the_newest_packet_from_elsewhere_is_challenged_and_nothing_moves_yet() -> None:
    here, token = challenged(0.0, AWAY, 5)
    assert here.address == HOME and len(token) == 8
    assert here.drain_challenges() == []


def test_an_older_packet_from_elsewhere_is_no_reason() -> None:
    here = path()
    here.on_packet(0.0, AWAY, counter=4, size=100, is_newest=False)
    assert not here.is_checking


def test_the_answer_from_the_candidate_moves_the_path() -> None:
    here, token = challenged(0.0, AWAY, 5)
    here.on_reply_untrusted(0.01, AWAY, token)
    assert here.address == AWAY and not here.is_checking


@pytest.mark.parametrize("wrong", ["token", "address", "again"])
def test_an_answer_that_proves_nothing_is_a_bad_path(wrong: str) -> None:
    here, token = challenged(0.0, AWAY, 5)
    if wrong == "again":
        here.on_reply_untrusted(0.0, AWAY, token)
    with pytest.raises(BadDatagram) as caught:
        here.on_reply_untrusted(0.0, HOME if wrong == "address" else AWAY, bytes(8) if wrong == "token" else token)
    assert caught.value.reason is Drop.BAD_PATH


def test_a_candidate_is_challenged_a_few_times_and_then_given_up() -> None:
    here = path()
    here.on_packet(0.0, AWAY, counter=5, size=1200, is_newest=True)
    times = [0.0]
    assert len(here.drain_challenges()) == 1
    while (due := here.next_timeout()) is not None:
        here.handle_timeout(due)
        times += [due] * len(here.drain_challenges())
    assert times == pytest.approx([0.0, PATH_TIMEOUT_S / 3, PATH_TIMEOUT_S * 2 / 3])
    assert len(times) == PATH_CHECKS_MAX
    assert here.address == HOME and not here.is_checking


def test_the_timeout_is_the_callers() -> None:
    here = path()
    here.timeout_s = 0.3
    here.on_packet(0.0, AWAY, counter=5, size=1200, is_newest=True)
    here.handle_timeout(0.3)
    assert not here.is_checking


def test_a_victim_gets_at_most_three_times_what_came_from_there() -> None:
    here, sent, received = path(), 0, 0
    for number in range(200):  # S19: a member forges the source; the smallest packets there are
        now = number * 0.05
        here.on_packet(now, RELAY, counter=number, size=29, is_newest=True)
        here.handle_timeout(now)
        received += 29
        sent += PATH_CHECK_BYTES_MAX * len(here.drain_challenges())
        assert sent <= 3 * received
    assert sent and here.address == HOME


def test_a_budget_too_small_waits_for_more_bytes() -> None:
    here = path()
    here.on_packet(0.0, AWAY, counter=5, size=20, is_newest=True)
    assert here.drain_challenges() == [] and here.next_timeout() == PATH_TIMEOUT_S
    here.on_packet(0.1, AWAY, counter=6, size=20, is_newest=True)
    assert len(here.drain_challenges()) == 1


def test_a_newer_packet_from_home_ends_the_check() -> None:
    here, _ = challenged(0.0, AWAY, 5)
    here.on_packet(0.1, HOME, counter=4, size=100, is_newest=False)
    assert here.is_checking
    here.on_packet(0.1, HOME, counter=6, size=100, is_newest=True)
    assert not here.is_checking


def test_the_newest_of_two_candidates_is_checked() -> None:
    here, first = challenged(0.0, RELAY, 5)
    here.on_packet(0.1, AWAY, counter=6, size=100, is_newest=True)
    [challenge] = here.drain_challenges()
    assert challenge.address == AWAY and challenge.token != first


def test_an_original_that_lost_the_race_ends_the_check_and_refuses_the_relay() -> None:
    here, _ = challenged(0.0, RELAY, 5)
    here.on_duplicate(0.01, HOME, 5)
    assert not here.is_checking
    for number in range(100):
        now = 0.02 + number * PATH_ALONE_S
        here.on_packet(now, RELAY, counter=2 * number + 6, size=100, is_newest=True)
        here.on_packet(now + 0.01, RELAY, counter=2 * number + 7, size=100, is_newest=True)
        assert not here.is_checking
        here.on_duplicate(now + 0.02, HOME, 2 * number + 6)  # each original comes, however late the relay is refused


@pytest.mark.parametrize("is_moved", [False, True])
def test_who_repeats_a_packet_from_the_address_just_left_keeps_nobody_from_the_new_one(is_moved: bool) -> None:
    here, token = challenged(0.0, AWAY, 5)
    if is_moved:
        here.on_reply_untrusted(0.01, AWAY, token)
    here.on_duplicate(0.02, HOME, 5)  # a copy, sent under an address where nobody is any more
    assert here.address == HOME and not here.is_checking
    here.on_packet(0.03, AWAY, counter=7, size=100, is_newest=True)
    here.on_duplicate(0.04, HOME, 6)  # of before that packet: shows nothing about it
    here.on_packet(0.02 + PATH_ALONE_S, AWAY, counter=8, size=100, is_newest=True)
    assert not here.is_checking
    here.on_packet(0.03 + PATH_ALONE_S, AWAY, counter=9, size=100, is_newest=True)
    [challenge] = here.drain_challenges()
    here.on_reply_untrusted(0.04 + PATH_ALONE_S, AWAY, challenge.token)
    assert here.address == AWAY


def test_the_owner_wins_after_one_round_against_a_relay_that_answers() -> None:
    here, token = challenged(0.0, RELAY, 5)
    here.on_reply_untrusted(0.01, RELAY, token)  # the relay carried the token both ways
    assert here.address == RELAY
    here.on_duplicate(0.02, HOME, 6)  # the original of that answer
    assert here.address == HOME
    here.on_packet(0.03, RELAY, counter=7, size=100, is_newest=True)
    assert not here.is_checking


def test_old_duplicates_prove_nothing() -> None:
    here, token = challenged(0.0, AWAY, 5)
    here.on_duplicate(0.01, HOME, 4)  # S15: may be 10 s late
    assert here.is_checking
    here.on_reply_untrusted(0.02, AWAY, token)
    here.on_duplicate(0.03, HOME, 4)
    assert here.address == AWAY


def test_duplicates_from_elsewhere_and_long_after_prove_nothing() -> None:
    here, token = challenged(0.0, AWAY, 5)
    here.on_duplicate(0.01, RELAY, 5)
    here.on_duplicate(0.01, AWAY, 5)
    here.on_reply_untrusted(0.02, AWAY, token)
    here.on_duplicate(0.02 + PATH_LEFT_S, HOME, 5)
    assert here.address == AWAY


def test_a_pinned_path_never_checks() -> None:
    here = Path(HOME)
    here.on_packet(0.0, AWAY, counter=5, size=100, is_newest=True)
    assert not here.is_checking and here.address == HOME


def test_a_peer_that_writes_to_another_address_of_ours_is_challenged_on_that_path() -> None:
    first, second = Address("10.0.0.1", 1, "10.0.0.8"), Address("10.0.0.1", 1, "10.0.0.9")
    here = Path(first, Random(1).randbytes)
    here.on_packet(0.0, second, counter=5, size=100, is_newest=True)
    [challenge] = here.drain_challenges()
    assert challenge.address == second and here.address == first
    here.on_reply_untrusted(0.01, second, challenge.token)
    assert here.address == second


def test_new_candidates_take_tokens_and_without_one_the_address_stays() -> None:
    here = path()
    for number in range(3 * PATH_CANDIDATES_BURST):
        here.on_packet(0.0, ("10.9.0.1", number), counter=number, size=100, is_newest=True)
    assert here.address == HOME and here.is_checking
    [challenge] = here.drain_challenges()
    assert challenge.address == ("10.9.0.1", PATH_CANDIDATES_BURST - 1)
    later = 1 / PATH_CANDIDATES_PER_S
    here.on_packet(later, AWAY, counter=100, size=100, is_newest=True)
    [challenge] = here.drain_challenges()
    here.on_reply_untrusted(later, AWAY, challenge.token)
    assert here.address == AWAY
